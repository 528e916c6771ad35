/* SPDX-License-Identifier: MIT */
/* A service that means harm. */
#include "script.h"

static const char *repeat(struct buf *to, const char *head, const char *piece, size_t size)
{
	buf_clear(to);
	buf_adds(to, head);
	while (to->len < size)
		buf_adds(to, piece);
	return to->s;
}

#define LIST(xml) "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<?xml version=\"1.0\"?>" xml

/* A listing gets this answer; it has to fail so. */
static void check_list(const char *answer, int err, const char *code)
{
	struct service s = {.answers = {answer}, .again = true};
	struct s3_call call = {.retry_time_s = 1};
	struct s3_page page;

	start(&s);
	check_int(s3_list(s.s3, "", 0, NULL, NULL, 10, &page, &call), err);
	check_str(call.fault.code, code);
	stop(&s);
}

TEST(a_listing_that_was_damaged_is_asked_for_again)
{
	struct service s = {.answers = {LIST("<ListBucketResult><Contents><Key>a"),
	                                LIST("<ListBucketResult><Contents><Key>a</Key>"
	                                     "<Size>1</Size></Contents></ListBucketResult>")}};
	struct s3_page page;

	start(&s);
	check_int(s3_list(s.s3, "", 0, NULL, NULL, 10, &page, NULL), 0);
	check_int(page.n, 1);
	s3_page_fini(&page);
	stop(&s);
}

TEST(a_flood_is_cut_off)
{
	struct buf flood = BUF_INIT;

	check_list(repeat(&flood, "HTTP/1.1 200 OK\r\n\r\n", "x", 9 << 20), -EIO, "TooMuch");
	check_list(repeat(&flood, "HTTP/1.1 404 Not Found\r\n\r\n", "x", 1 << 20), -EIO, "TooMuch");
	check_list(repeat(&flood, "HTTP/1.1 200 OK\r\n", "X-Header: value\r\n", 4 << 20), -EIO,
	           "TooMuch");
	check_list(repeat(&flood, "HTTP/1.1 200 OK\r\nX-Header: ", "long", 1 << 20), -EIO,
	           "TooMuch");
	check_list(repeat(&flood, "HTTP/1.1 200 OK\r\nX-H", "eader", 1 << 20), -EIO, "TooMuch");
	check_list(repeat(&flood, "", "HTTP/1.1 100 Continue\r\n\r\n", 1 << 20), -EIO, "TooMuch");
	check_list(repeat(&flood,
	                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	                  "1\r\nx\r\n0\r\n",
	                  "Trailer: value\r\n", 1 << 20),
	           -EIO, "TooMuch");
	buf_fini(&flood);
}

TEST(a_length_that_cannot_be_is_an_error)
{
	check_get("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n0123", -EIO,
	          3);
	check_get("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n0123", -EIO, 3);
	check_get("HTTP/1.1 206 P\r\nContent-Length: 4\r\n"
	          "Content-Range: bytes 0-3/99999999999999999999999\r\n\r\n0123",
	          -EIO, 3);
	check_get("HTTP/1.1 206 P\r\nContent-Length: 4\r\n"
	          "Content-Range: bytes -4--1/20\r\n\r\n0123",
	          -EIO, 3);
	check_list("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", -ETIMEDOUT, "Broken");
	check_list("HTTP/1.1 200 OK\r\nContent-Length: 5, 7\r\n\r\n", -ETIMEDOUT, "Broken");
}

static void check_head(const char *answer)
{
	struct service s = {.answers = {answer}, .again = true};
	struct s3_call call = {.retry_time_s = 1};
	struct s3_object o;

	start(&s);
	check(s3_head(s.s3, "k", &o, &call) < 0);
	stop(&s);
}

TEST(an_object_without_a_size_is_none)
{
	check_head("HTTP/1.1 200 OK\r\n\r\n");
	check_head("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n");
	check_head("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n");
	check_head("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n");
	check_head("HTTP/1.1 200 OK\r\nContent-Length: 12x\r\n\r\n");
}

TEST(xml_is_no_way_in)
{
	struct buf deep = BUF_INIT;

	check_list(LIST("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"
	                "<ListBucketResult><Prefix>&x;</Prefix></ListBucketResult>"),
	           -EIO, "Damaged");
	check_list(LIST("<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]>"
	                "<ListBucketResult><Prefix>&c;&c;&c;</Prefix></ListBucketResult>"),
	           -EIO, "Damaged");
	check_list(LIST("<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/dtd\"><ListBucketResult/>"), -EIO,
	           "Damaged");
	check_list(LIST("<x:include xmlns:x=\"http://www.w3.org/2001/XInclude\" "
	                "href=\"/etc/passwd\"/>"),
	           -EIO, "Damaged");
	check_list(repeat(&deep, LIST("<ListBucketResult>"), "<Contents>", 1 << 20), -EIO,
	           "Damaged");
	check_list(LIST("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"),
	           -EIO, "Damaged");
	buf_fini(&deep);
}

TEST(a_redirection_is_not_followed_and_gets_no_credentials)
{
	static const char *const statuses[] = {"301 M", "302 F", "303 S", "307 T", "308 P"};
	struct service elsewhere = {.answers = {EMPTY_200}, .again = true};
	struct service s = {0};
	char answer[256];

	start(&elsewhere);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		snprintf(answer, sizeof(answer),
		         "HTTP/1.1 %s\r\nLocation: %s/bkt/k\r\nContent-Length: 0\r\n\r\n",
		         statuses[i], s3_endpoint(elsewhere.s3));
		s = (struct service){.answers = {answer}};
		start(&s);
		check_int(put(&s, 0, NULL, NULL), -EIO);
		check(strstr(s.requests[0], "aws4_request") != NULL);
		stop(&s);
	}
	stop(&elsewhere);
	check_int(elsewhere.served, 0);
}

TEST(rubbish_for_a_region_is_not_followed)
{
	static const char *const regions[] = {"evil.example.org/", "a b", "..",       "",
	                                      "x@127.0.0.1",       "%2f", "us-east-1"};
	char answer[256];

	for (size_t i = 0; i < sizeof(regions) / sizeof(*regions); i++) {
		struct service s = {.answers = {answer}};

		snprintf(answer, sizeof(answer),
		         "HTTP/1.1 301 M\r\nx-amz-bucket-region: %s\r\nContent-Length: 0\r\n\r\n",
		         regions[i]);
		start(&s);
		check_int(put(&s, 0, NULL, NULL), -EIO);
		check_str(s3_region(s.s3), "us-east-1");
		stop(&s);
	}
}

static bool is_printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f || (unsigned char)*s >= 0x80)
			return false;
	return true;
}

TEST(what_the_service_says_cannot_steer_a_terminal)
{
	struct service s = {.answers = {"HTTP/1.1 403 F\r\nx-amz-request-id: a\x1b]0;b\x07\r\n"
	                                "x-amz-request-id: c\x9b"
	                                "31md\r\n"
	                                "Connection: close\r\n\r\n"
	                                "<Error><Code>A&#9;B&#13;&#10;C</Code>"
	                                "<Message>x&#x9b;31m\xc2\x9by&#127;z</Message></Error>"}};
	struct s3_call call = {0};

	start(&s);
	check_int(put(&s, 0, NULL, &call), -EACCES);
	check_str(call.fault.code, "A?B??C");
	check_str(call.fault.message, "x?31m?y?z");
	check(is_printable(call.fault.request_id));
	stop(&s);
}

TEST_MAIN
