/* SPDX-License-Identifier: MIT */
#include "checksum.h"

#include "buf.h"
#include "test.h"

#include <errno.h>

/* RFC 1321, FIPS 180-4, RFC 4231 and RFC 4648 give these. */

TEST(sha256_is_that_of_the_standard)
{
	unsigned char d[CHECKSUM_SHA256];
	char hex[CHECKSUM_HEX];
	struct iovec abc = {(char *)"abc", 3};

	check_int(checksum_sha256(NULL, 0, d), 0);
	check_str(checksum_hex(hex, d, sizeof(d)),
	          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check_int(checksum_sha256(&abc, 1, d), 0);
	check_str(checksum_hex(hex, d, sizeof(d)),
	          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(how_a_body_is_cut_into_pieces_does_not_matter)
{
	unsigned char d[CHECKSUM_MD5];
	char hex[CHECKSUM_HEX];
	struct iovec v[] = {{(char *)"mess", 4}, {(char *)"", 0}, {(char *)"age digest", 10}};

	check_int(checksum_md5(v, 3, d), 0);
	check_str(checksum_hex(hex, d, sizeof(d)), "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST(hmac_is_that_of_the_standard)
{
	unsigned char d[CHECKSUM_SHA256];
	char hex[CHECKSUM_HEX];
	const char *text = "what do ya want for nothing?";

	check_int(checksum_hmac_sha256("Jefe", 4, text, strlen(text), d), 0);
	check_str(checksum_hex(hex, d, sizeof(d)),
	          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void check_base64(const char *s, const char *want)
{
	struct buf b = BUF_INIT;

	checksum_base64(&b, (const unsigned char *)s, strlen(s));
	check_str(b.s, want);
	buf_fini(&b);
}

TEST(base64_pads_as_the_standard_says)
{
	check_base64("", "");
	check_base64("f", "Zg==");
	check_base64("fo", "Zm8=");
	check_base64("foobar", "Zm9vYmFy");
	check_base64("0123456789012345678901234567890123456789012345678",
	             "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3OA==");
}

TEST(hex_is_read_back_exactly_or_not_at_all)
{
	unsigned char d[2];

	check_int(checksum_unhex(d, 2, "aF09"), 0);
	check_int(d[0], 0xaf);
	check_int(d[1], 0x09);
	check_int(checksum_unhex(d, 2, "aF0"), -EINVAL);
	check_int(checksum_unhex(d, 2, "aF09-2"), -EINVAL);
	check_int(checksum_unhex(d, 2, "aF0g"), -EINVAL);
}

TEST_MAIN
