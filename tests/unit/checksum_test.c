/* SPDX-License-Identifier: MIT */
#include "checksum.h"

#include "test.h"

#include <errno.h>

/* RFC 1321, FIPS 180-4 and RFC 4231 give these. */

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

TEST(crcs_are_those_of_the_catalogue)
{
	struct iovec v[] = {{(char *)"1234", 4}, {(char *)"", 0}, {(char *)"56789", 5}};

	check(checksum_crc(CHECKSUM_CRC32, v, 3) == 0xcbf43926);
	check(checksum_crc(CHECKSUM_CRC32C, v, 3) == 0xe3069283);
	check(checksum_crc(CHECKSUM_CRC64NVME, v, 3) == 0xae8b14860a799888);
	check(checksum_crc(CHECKSUM_CRC64NVME, v, 0) == 0);
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
