/* SPDX-License-Identifier: MIT */
/* The cases are those AWS publishes: the examples of the S3 documentation, and
 * some of the Signature Version 4 test suite. */
#include "sign.h"

#include "buf.h"
#include "checksum.h"
#include "date.h"
#include "encode.h"
#include "test.h"
#include "uri.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct sign_key s3_docs = {
	.access = "AKIAIOSFODNN7EXAMPLE",
	.secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	.region = "us-east-1",
	.service = "s3",
};
static const struct sign_key suite = {
	.access = "AKIDEXAMPLE",
	.secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	.region = "us-east-1",
	.service = "service",
};
#define MAY_24_2013 1369353600
#define AUG_30_2015 1440938160

static void set(struct s3_headers *h, const char *name, const char *value)
{
	check_int(s3_headers_set(h, name, value), 0);
}

static void check_signature(const struct sign_key *key, time_t t, const char *method,
                            const char *path, const char *query, struct s3_headers *h,
                            const char *hash, const char *names, const char *signature)
{
	struct buf got = BUF_INIT;
	char want[512], stamp[DATE_AMZ_SIZE];

	date_format_amz(stamp, t);
	set(h, "x-amz-date", stamp);
	snprintf(want, sizeof(want),
	         "AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request,"
	         "SignedHeaders=%s,Signature=%s",
	         key->access, stamp, key->service, names, signature);
	check_int(sign_headers(&got, key, t, method, path, query, h, hash), 0);
	check_str(got.s, want);
	buf_fini(&got);
	s3_headers_fini(h);
}

TEST(s3_documentation_get_object_with_range)
{
	struct s3_headers h = {0};

	set(&h, "Host", "examplebucket.s3.amazonaws.com");
	set(&h, "Range", "bytes=0-9");
	set(&h, "x-amz-content-sha256", EMPTY);
	check_signature(&s3_docs, MAY_24_2013, "GET", "/test.txt", "", &h, EMPTY,
	                "host;range;x-amz-content-sha256;x-amz-date",
	                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(s3_documentation_put_object)
{
	const char *hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
	struct s3_headers h = {0};
	struct buf path = BUF_INIT;

	set(&h, "Host", "examplebucket.s3.amazonaws.com");
	set(&h, "Date", "Fri, 24 May 2013 00:00:00 GMT");
	set(&h, "x-amz-content-sha256", hash);
	set(&h, "x-amz-storage-class", "REDUCED_REDUNDANCY");
	percent_encode(&path, "/test$file.text", true);
	check_signature(&s3_docs, MAY_24_2013, "PUT", path.s, "", &h, hash,
	                "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
	                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
	buf_fini(&path);
}

TEST(s3_documentation_get_lifecycle_and_list)
{
	struct uri_param lifecycle[] = {{"lifecycle", ""}};
	struct uri_param list[] = {{"prefix", "J"}, {"max-keys", "2"}};
	struct s3_headers h = {0};
	struct buf query = BUF_INIT;

	uri_add_query(&query, lifecycle, 1);
	set(&h, "Host", "examplebucket.s3.amazonaws.com");
	set(&h, "x-amz-content-sha256", EMPTY);
	check_signature(&s3_docs, MAY_24_2013, "GET", "/", query.s, &h, EMPTY,
	                "host;x-amz-content-sha256;x-amz-date",
	                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
	buf_clear(&query);
	uri_add_query(&query, list, 2);
	set(&h, "Host", "examplebucket.s3.amazonaws.com");
	set(&h, "x-amz-content-sha256", EMPTY);
	check_signature(&s3_docs, MAY_24_2013, "GET", "/", query.s, &h, EMPTY,
	                "host;x-amz-content-sha256;x-amz-date",
	                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
	buf_fini(&query);
}

TEST(s3_documentation_presigned_url)
{
	struct buf got = BUF_INIT;

	check_int(sign_query(&got, &s3_docs, MAY_24_2013, 86400, "GET",
	                     "examplebucket.s3.amazonaws.com", "/test.txt", NULL, 0),
	          0);
	check_str(got.s, "X-Amz-Algorithm=AWS4-HMAC-SHA256"
	                 "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3"
	                 "%2Faws4_request"
	                 "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
	                 "&X-Amz-SignedHeaders=host&X-Amz-Signature="
	                 "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
	buf_fini(&got);
}

TEST(test_suite_get_vanilla)
{
	struct s3_headers h = {0};

	set(&h, "Host", "example.amazonaws.com");
	check_signature(&suite, AUG_30_2015, "GET", "/", "", &h, EMPTY, "host;x-amz-date",
	                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(test_suite_query_order)
{
	struct uri_param v[] = {{"Param2", "value2"}, {"Param1", "value1"}};
	struct s3_headers h = {0};
	struct buf query = BUF_INIT;

	uri_add_query(&query, v, 2);
	set(&h, "Host", "example.amazonaws.com");
	check_signature(&suite, AUG_30_2015, "GET", "/", query.s, &h, EMPTY, "host;x-amz-date",
	                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
	buf_fini(&query);
}

TEST(test_suite_header_values_are_trimmed)
{
	struct s3_headers h = {0};

	set(&h, "Host", "example.amazonaws.com");
	set(&h, "My-Header1", " value1");
	set(&h, "My-Header2", " \"a   b   c\" ");
	check_signature(&suite, AUG_30_2015, "GET", "/", "", &h, EMPTY,
	                "host;my-header1;my-header2;x-amz-date",
	                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
}

TEST(test_suite_utf8_path)
{
	struct s3_headers h = {0};
	struct buf path = BUF_INIT;

	percent_encode(&path, "/\xe1\x88\xb4", true);
	set(&h, "Host", "example.amazonaws.com");
	check_signature(&suite, AUG_30_2015, "GET", path.s, "", &h, EMPTY, "host;x-amz-date",
	                "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
	buf_fini(&path);
}

TEST(dates_are_read_and_written_in_utc)
{
	char stamp[DATE_AMZ_SIZE];

	date_format_amz(stamp, AUG_30_2015);
	check_str(stamp, "20150830T123600Z");
	check_int(date_parse_http("Fri, 24 May 2013 00:00:00 GMT"), MAY_24_2013);
	check_int(date_parse_iso("2015-08-30T12:36:00.000Z"), AUG_30_2015);
	check_int(date_parse_iso("2015-08-30T12:36:00Z"), AUG_30_2015);
	check_int(date_parse_iso("2015-08-30T14:36:00+02:00"), AUG_30_2015);
	check_int(date_parse_iso("2015-08-30T12:36:00+2"), AUG_30_2015);
	check_int(date_parse_iso("2015-08-30T05:06:00.123456-0730"), AUG_30_2015);
	check_int(date_parse_http("Fri, 24 Mai 2013 00:00:00 GMT"), -1);
	check_int(date_parse_http("anJ"), -1);
	check_int(date_parse_iso("2015-13-30T12:36:00Z"), -1);
	check_int(date_parse_iso(""), -1);
}

TEST_MAIN
