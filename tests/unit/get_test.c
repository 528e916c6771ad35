/* SPDX-License-Identifier: MIT */
/* Reads of an object, from a service that answers from a script. */
#include "script.h"

TEST(a_broken_body_is_resumed_where_it_broke)
{
	struct service s = {.answers = {"HTTP/1.1 206 P\r\nContent-Length: 10\r\nETag: \"v1\"\r\n"
	                                "Content-Range: bytes 0-9/20\r\n\r\n0123",
	                                LOST,
	                                "HTTP/1.1 206 P\r\nContent-Length: 6\r\nETag: \"v1\"\r\n"
	                                "Content-Range: bytes 4-9/20\r\n\r\n456789"}};
	struct s3_object o;
	char got[11];

	start(&s);
	check_int(get(&s, got, 10, &o), 10);
	check_str(got, "0123456789");
	check_int(o.size, 20);
	check(strcasestr(s.requests[0], "\r\nrange: bytes=0-9\r\n") != NULL);
	check(strcasestr(s.requests[0], "\r\nif-match:") == NULL);
	check(strcasestr(s.requests[2], "\r\nrange: bytes=4-9\r\n") != NULL);
	check(strcasestr(s.requests[2], "\r\nif-match: \"v1\"\r\n") != NULL);
	s3_object_fini(&o);
	stop(&s);
}

TEST(what_was_not_asked_for_is_an_error_if_it_comes_again)
{
	check_get("HTTP/1.1 206 P\r\nContent-Length: 4\r\n"
	          "Content-Range: bytes 1-4/20\r\n\r\n1234",
	          -EIO, 3);
	check_get("HTTP/1.1 206 P\r\nContent-Length: 4\r\n\r\n1234", -EIO, 3);
	check_get("HTTP/1.1 206 P\r\nContent-Length: 3\r\n"
	          "Content-Range: bytes 0-9/20\r\n\r\n123",
	          -EIO, 3);
	check_get("HTTP/1.1 206 P\r\nContent-Length: 12\r\n"
	          "Content-Range: bytes 0-11/20\r\n\r\n012345678901",
	          -EIO, 1);
	check_get("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n012345678901", -EIO, 1);
	check_get("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n0123", 4, 1);
}

TEST(what_was_not_asked_for_is_asked_for_again)
{
	struct service s = {.answers = {"HTTP/1.1 206 P\r\nContent-Length: 3\r\nETag: \"v1\"\r\n"
	                                "Content-Range: bytes 0-9/20\r\n\r\nxxx",
	                                "HTTP/1.1 206 P\r\nContent-Length: 10\r\nETag: \"v1\"\r\n"
	                                "Content-Range: bytes 0-9/20\r\n\r\n0123456789"}};
	char got[11];

	start(&s);
	check_int(get(&s, got, 10, NULL), 10);
	check_str(got, "0123456789");
	stop(&s);
}

TEST(another_version_is_stale_even_if_the_service_ignores_if_match)
{
	struct service s = {.answers = {"HTTP/1.1 206 P\r\nContent-Length: 4\r\nETag: \"v2\"\r\n"
	                                "Content-Range: bytes 0-3/20\r\n\r\n0123"}};
	struct s3_etag v1 = {"v1"};
	char got[4];
	struct iovec iov = {got, 4};

	start(&s);
	check_int(s3_get(s.s3, "k", 0, &iov, 1, &v1, NULL, NULL), -ESTALE);
	stop(&s);
}

#define HELLO(byte, headers)                                                                       \
	"HTTP/1.1 206 P\r\nContent-Length: 5\r\nContent-Range: bytes 0-4/5\r\n" headers            \
	"\r\n" byte "ello"
#define ITS_MD5 "ETag: \"5d41402abc4b2a76b9719d911017c592\"\r\n"

static void check_hello(struct service *s, ssize_t want, int served)
{
	char got[11];

	check_int(get(s, got, 10, NULL), want);
	if (want > 0)
		check_str(got + 1, "ello");
	check_int(s->served, served);
}

TEST(a_whole_object_is_checked_by_its_md5)
{
	const char *good = HELLO("h", ITS_MD5), *bad = HELLO("j", ITS_MD5);
	struct service s = {.answers = {good, bad, good, bad, bad, bad}};

	start(&s);
	check_hello(&s, 5, 1);
	check_hello(&s, 5, 3);
	check_hello(&s, -EIO, 6);
	stop(&s);
}

TEST(bytes_that_are_not_wanted_go_nowhere_and_are_not_checked)
{
	struct service s = {.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
	                                "ETag: \"00000000000000000000000000000000\"\r\n\r\n"
	                                "0123456789"}};
	char got[8] = "";
	struct iovec iov[] = {{got, 3}, {NULL, 4}, {got + 3, 3}};

	start(&s);
	check_int(s3_get(s.s3, "k", 0, iov, 3, NULL, NULL, NULL), 10);
	check_str(got, "012789");
	check_int(s.served, 1);
	stop(&s);
}

TEST(etags_that_only_look_like_md5s_are_found_out)
{
	const char *odd = HELLO("j", ITS_MD5), *bad = HELLO("k", ITS_MD5);
	struct service s = {.answers = {odd, odd, odd, odd}};

	start(&s);
	check_hello(&s, 5, 3);
	check_hello(&s, 5, 4);
	stop(&s);
	/* Bytes that change are no matter of the ETag. */
	s = (struct service){.answers = {odd, bad, odd}};
	start(&s);
	check_hello(&s, -EIO, 3);
	stop(&s);
}

TEST(a_whole_object_is_checked_by_the_checksum_that_the_service_names)
{
	const char *crc32c = HELLO("h", "ETag: \"x-2\"\r\nx-amz-checksum-crc32c: mnG7TA==\r\n");
	const char *other = HELLO("j", "ETag: \"x-2\"\r\nx-amz-checksum-crc32c: mnG7TA==\r\n");
	struct service s = {
		.answers = {crc32c, other, crc32c, other, other, other,
	                    HELLO("j", "x-amz-checksum-crc32: AAAAAA==-2\r\n"),
	                    HELLO("j", "x-amz-server-side-encryption: aws:kms\r\n" ITS_MD5)}};

	start(&s);
	check_hello(&s, 5, 1);
	check(strcasestr(s.requests[0], "x-amz-checksum-mode: ENABLED") != NULL);
	check_hello(&s, 5, 3);
	check_hello(&s, -EIO, 6);
	check_hello(&s, 5, 7);
	check_hello(&s, 5, 8);
	stop(&s);
}

#define TEN_TIMES(s) s s s s s s s s s s

TEST(who_lets_an_answer_drip_is_left)
{
	const char *slow =
		"HTTP/1.1 200 OK\r\nContent-Length: 300\r\nETag: \"x\"\r\n\r\n" TEN_TIMES(
			"012345678901234567890123456789");
	struct service s = {.answers = {slow}, .stall_timeout_s = 2, .drip_ms = 10};
	struct s3_call call = {.retry_time_s = 1};
	struct iovec iov = {(char[300]){0}, 300};

	/* Fast enough: it is there when the time is over. */
	s.stall_timeout_s = 30;
	start(&s);
	check_int(s3_get(s.s3, "k", 0, &iov, 1, NULL, NULL, &call), 300);
	stop(&s);
	s = (struct service){
		.answers = {slow}, .again = true, .stall_timeout_s = 1, .drip_ms = 100};
	start(&s);
	check_int(s3_get(s.s3, "k", 0, &iov, 1, NULL, NULL, &call), -ETIMEDOUT);
	check_str(call.fault.code, "Timeout");
	stop(&s);
}

TEST_MAIN
