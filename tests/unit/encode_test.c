/* SPDX-License-Identifier: MIT */
#include "encode.h"

#include "buf.h"
#include "test.h"

#include <errno.h>

static void check_encoded(const char *s, bool slash, const char *want)
{
	struct buf b = BUF_INIT;

	percent_encode(&b, s, slash);
	check_str(b.s, want);
	buf_fini(&b);
}

TEST(only_the_unreserved_characters_stay)
{
	check_encoded("AZaz09-._~", false, "AZaz09-._~");
	check_encoded(" !\"#$%&'()*+,", false, "%20%21%22%23%24%25%26%27%28%29%2A%2B%2C");
	check_encoded("/:;<=>?@[\\]^`{|}", false,
	              "%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E%60%7B%7C%7D");
	check_encoded("\x01\x7f", false, "%01%7F");
}

TEST(paths_keep_their_slashes_all_of_them)
{
	check_encoded("a//b/c d/", true, "a//b/c%20d/");
	check_encoded("/a/../b/.", true, "/a/../b/.");
}

TEST(utf8_is_encoded_byte_by_byte)
{
	check_encoded("\xe1\x88\xb4.mp4", true, "%E1%88%B4.mp4");
}

static void check_decoded(const char *s, const char *want)
{
	char b[64];

	strcpy(b, s);
	check_int(percent_decode(b), strlen(want));
	check_str(b, want);
}

TEST(decoding_undoes_both_spellings_of_a_space)
{
	check_decoded("a+b%20c%2Bd%2bE", "a b c+d+E");
	check_decoded("%E1%88%B4~", "\xe1\x88\xb4~");
	check_decoded("", "");
}

TEST(utf8_is_told_from_what_only_looks_like_it)
{
	const char *good[] = {"",
	                      "a/b.mp4",
	                      "\xc2\x80",
	                      "\xdf\xbf",
	                      "\xe0\xa0\x80",
	                      "\xed\x9f\xbf",
	                      "\xee\x80\x80",
	                      "\xef\xbf\xbf",
	                      "\xf0\x90\x80\x80",
	                      "\xf4\x8f\xbf\xbf",
	                      "\xe6\x97\xa5.x"};
	const char *bad[] = {"\xff",
	                     "not\xffit",
	                     "\x80",
	                     "\xbf",
	                     "\xc0\xaf", /* two bytes for one */
	                     "\xc1\xbf",
	                     "\xe0\x9f\xbf",     /* three for two */
	                     "\xf0\x8f\xbf\xbf", /* four for three */
	                     "\xed\xa0\x80",     /* surrogates */
	                     "\xed\xbf\xbf",
	                     "\xf4\x90\x80\x80", /* beyond the last */
	                     "\xf5\x80\x80\x80",
	                     "\xc3", /* cut off */
	                     "\xe6\x97",
	                     "\xf0\x9f\x98",
	                     "\xc3(",
	                     "\xe6\x97(",
	                     "\xe6(\x97"};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		check_int(utf8_is_valid(good[i]) ? -1 : (long)i, -1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		check_int(utf8_is_valid(bad[i]) ? (long)i : -1, -1);
}

TEST(bad_escapes_and_nul_are_refused)
{
	const char *bad[] = {"%", "a%2", "%zz", "%00", "a%00b", "%-1"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char b[16];

		strcpy(b, bad[i]);
		check_int(percent_decode(b), -EINVAL);
	}
}

/* RFC 4648 gives these. */
static void check_base64(const char *s, const char *want)
{
	struct buf text = BUF_INIT, back = BUF_INIT;

	base64_encode(&text, s, strlen(s));
	check_str(text.s, want);
	check_int(base64_decode(&back, text.s), 0);
	check_str(back.s, s);
	buf_fini(&text);
	buf_fini(&back);
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

TEST(base64_holds_any_bytes)
{
	unsigned char bytes[256];
	struct buf text = BUF_INIT, back = BUF_INIT;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(255 - i);
	base64_encode(&text, bytes, sizeof(bytes));
	check_int(base64_decode(&back, text.s), 0);
	check_int(back.len, sizeof(bytes));
	check(memcmp(back.s, bytes, sizeof(bytes)) == 0);
	buf_fini(&text);
	buf_fini(&back);
}

TEST(base64_may_lack_its_padding)
{
	struct buf b = BUF_INIT;

	check_int(base64_decode(&b, "Zg"), 0);
	check_int(base64_decode(&b, "Zm8"), 0);
	check_str(b.s, "ffo");
	buf_fini(&b);
}

TEST(what_is_no_base64_is_refused)
{
	const char *bad[] = {"Z",    "Zg=",    "Zg===", "Zm8==", "Zm9v=", "Zm9v====",
	                     "Zg=g", "Zg==Zg", "Z m8",  "Zm9-",  "=",     "Zm9vY"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct buf b = BUF_INIT;

		if (base64_decode(&b, bad[i]) != -EINVAL)
			check_fail("\"%s\" was taken", bad[i]);
		buf_fini(&b);
	}
}

TEST_MAIN
