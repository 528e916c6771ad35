/* SPDX-License-Identifier: MIT */
/* Requests that are sent again, corrected and settled, with a service that answers
 * from a script. */
#include "script.h"

#include <sys/resource.h>

TEST(what_may_pass_is_sent_again_whole)
{
	struct service s = {.answers = {LOST, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
	                                "HTTP/1.1 400 B\r\nContent-Length: 38\r\n\r\n"
	                                "<Error><Code>BadDigest</Code></Error>\n",
	                                EMPTY_200}};
	_Atomic uint64_t sent = 0, retries = 0;
	struct s3_call call = {.sent = &sent, .retries = &retries};
	struct s3_stats stats;

	start(&s);
	check_int(put(&s, 0, NULL, &call), 0);
	check_int(atomic_load(&retries), 3);
	check_int(atomic_load(&sent), 5);
	for (int i = 0; i < 4; i++) {
		check(strstr(s.requests[i], "\r\n\r\nhello") != NULL);
		check(strcasestr(s.requests[i], "\r\nexpect:") == NULL);
	}
	s3_stats(s.s3, &stats);
	check_int(stats.requests, 4);
	check_int(stats.retries, 3);
	check_int(stats.bytes_sent, 20);
	stop(&s);
}

TEST(a_clock_that_is_off_is_corrected_once)
{
	const char *skewed = "HTTP/1.1 403 F\r\nDate: Fri, 24 May 2013 00:00:00 GMT\r\n"
			     "Content-Length: 48\r\n\r\n"
			     "<Error><Code>RequestTimeTooSkewed</Code></Error>";
	struct service s = {.answers = {skewed, EMPTY_200, skewed, skewed}};

	start(&s);
	check_int(put(&s, 0, NULL, NULL), 0);
	check(strcasestr(s.requests[0], "x-amz-date: 2013") == NULL);
	check(strcasestr(s.requests[1], "x-amz-date: 20130524T0000") != NULL);
	check_int(put(&s, 0, NULL, NULL), -EACCES);
	stop(&s);
}

TEST(another_region_is_followed_once_and_remembered)
{
	const char *moved = "HTTP/1.1 400 B\r\nContent-Length: 83\r\n\r\n"
			    "<Error><Code>AuthorizationHeaderMalformed</Code>"
			    "<Region>eu-west-1</Region></Error> ";
	const char *again = "HTTP/1.1 301 M\r\nx-amz-bucket-region: eu-west-2\r\n"
			    "Content-Length: 0\r\n\r\n";
	struct service s = {.answers = {moved, EMPTY_200, EMPTY_200, again}};

	start(&s);
	check_int(put(&s, 0, NULL, NULL), 0);
	check(strstr(s.requests[0], "/us-east-1/s3/aws4_request") != NULL);
	check(strstr(s.requests[1], "/eu-west-1/s3/aws4_request") != NULL);
	check_int(put(&s, 0, NULL, NULL), 0);
	check(strstr(s.requests[2], "/eu-west-1/s3/aws4_request") != NULL);
	check_str(s3_region(s.s3), "eu-west-1");
	check_int(put(&s, 0, NULL, NULL), -EIO);
	stop(&s);
}

TEST(an_error_in_a_200_is_an_error)
{
	struct service s = {.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n  \n"
	                                "<Error><Code>AccessDenied</Code></Error>",
	                                "HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n"
	                                "<Error><Code>InternalError</Code></Error>",
	                                "HTTP/1.1 200 OK\r\nContent-Length: 51\r\n\r\n"
	                                "<CopyObjectResult><ETag>x</ETag></CopyObjectResult>"}};
	struct s3_etag etag;

	start(&s);
	check_int(s3_copy(s.s3, "a", NULL, "b", NULL, 0, NULL, NULL), -EACCES);
	check_int(s3_copy(s.s3, "a", NULL, "b", NULL, 0, &etag, NULL), 0);
	check_str(etag.s, "x");
	stop(&s);
}

TEST(a_wrong_412_for_a_source_in_parts_is_seen_through)
{
	struct service s = {
		.answers = {"HTTP/1.1 412 P\r\nContent-Length: 0\r\n\r\n",
	                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"s-2\"\r\n\r\n",
	                    "HTTP/1.1 200 OK\r\nContent-Length: 51\r\n\r\n"
	                    "<CopyObjectResult><ETag>x</ETag></CopyObjectResult>",
	                    "HTTP/1.1 412 P\r\nContent-Length: 0\r\n\r\n",
	                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"t-2\"\r\n\r\n"}};
	struct s3_etag source = {"s-2"};

	start(&s);
	check_int(s3_copy(s.s3, "a", &source, "b", NULL, 0, NULL, NULL), 0);
	check(strcasestr(s.requests[0], "copy-source-if-match: \"s-2\"") != NULL);
	check(strcasestr(s.requests[2], "copy-source-if-match") == NULL);
	check_int(s3_copy(s.s3, "a", &source, "b", NULL, 0, NULL, NULL), -ESTALE);
	stop(&s);
}

TEST(if_absent_is_left_out_where_it_is_not_known)
{
	struct service s = {
		.answers = {"HTTP/1.1 501 N\r\nContent-Length: 0\r\n\r\n", EMPTY_200, EMPTY_200}};

	start(&s);
	check_int(put(&s, S3_IF_ABSENT, NULL, NULL), 0);
	check(strcasestr(s.requests[0], "\r\nif-none-match: *") != NULL);
	check(strcasestr(s.requests[1], "\r\nif-none-match") == NULL);
	check_int(put(&s, S3_IF_ABSENT, NULL, NULL), 0);
	check(strcasestr(s.requests[2], "\r\nif-none-match") == NULL);
	stop(&s);
}

TEST(if_absent_knows_its_own_object_again)
{
	const char *exists = "HTTP/1.1 412 P\r\nContent-Length: 0\r\n\r\n";
	const char *own = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
			  "ETag: \"5d41402abc4b2a76b9719d911017c592\"\r\n\r\n";
	const char *other = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\n";
	struct service s = {.answers = {LOST, exists, own, LOST, exists, other, exists}};
	struct s3_etag etag;

	start(&s);
	check_int(put(&s, S3_IF_ABSENT, &etag, NULL), 0);
	check_str(etag.s, "5d41402abc4b2a76b9719d911017c592");
	check_int(put(&s, S3_IF_ABSENT, NULL, NULL), -EEXIST);
	check_int(put(&s, S3_IF_ABSENT, NULL, NULL), -EEXIST);
	stop(&s);
}

/* curl sends such a request again by itself. */
TEST(an_answer_lost_with_a_kept_connection_is_an_answer_lost)
{
	const char *exists = "HTTP/1.1 412 P\r\nContent-Length: 0\r\n\r\n";
	const char *own = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
			  "ETag: \"5d41402abc4b2a76b9719d911017c592\"\r\n\r\n";
	struct service s = {.answers = {EMPTY_200, LOST, exists, own}, .kept = true};
	struct s3_etag etag;

	start(&s);
	check_int(put(&s, 0, NULL, NULL), 0);
	check_int(put(&s, S3_IF_ABSENT, &etag, NULL), 0);
	check_str(etag.s, "5d41402abc4b2a76b9719d911017c592");
	stop(&s);
}

/* On a slow line most of a part is in the kernel before its first byte has arrived. */
TEST(what_the_kernel_still_sends_is_no_standstill)
{
	static char bytes[1 << 20];
	struct service s = {.answers = {EMPTY_200}, .sip = true, .stall_timeout_s = 1};
	struct iovec iov = {bytes, sizeof(bytes)};
	struct s3_body body = {&iov, 1, sizeof(bytes)};

	memset(bytes, 'x', sizeof(bytes));
	start(&s);
	check_int(s3_put(s.s3, "k", NULL, &body, 0, NULL, NULL), 0);
	stop(&s);
}

#define GONE "HTTP/1.1 404 N\r\nContent-Length: 40\r\n\r\n<Error><Code>NoSuchUpload</Code></Error>"

/* The MD5 of the MD5s of "hello" and "hello" is what the object's ETag must be. */
static int complete(struct service *s, struct s3_etag *etag)
{
	struct s3_part parts[] = {{1, 5, {"5d41402abc4b2a76b9719d911017c592"}},
	                          {2, 5, {"5d41402abc4b2a76b9719d911017c592"}}};

	return s3_upload_complete(s->s3, "k", "u", parts, 2, 10, 0, etag, NULL);
}

TEST(a_lost_complete_is_settled_by_a_look_at_the_object)
{
	const char *made = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
			   "ETag: \"" HELLO_TWICE "-2\"\r\n\r\n";
	const char *other = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
			    "ETag: \"00000000000000000000000000000000-2\"\r\n\r\n";
	struct service s = {.answers = {LOST, GONE, made, LOST, GONE, other, GONE}};
	struct s3_etag etag;

	start(&s);
	check_int(complete(&s, &etag), 0);
	check_str(etag.s, HELLO_TWICE "-2");
	check_int(complete(&s, NULL), -ENOENT);
	check_int(complete(&s, NULL), -ENOENT);
	stop(&s);
}

#define COMPLETED(etag)                                                                            \
	"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"                                             \
	"<CompleteMultipartUploadResult><ETag>" etag "</ETag></CompleteMultipartUploadResult>"
#define HEADED(size, etag)                                                                         \
	"HTTP/1.1 200 OK\r\nContent-Length: " size "\r\nETag: \"" etag "\"\r\n\r\n"

TEST(a_complete_that_does_not_prove_itself_is_looked_after)
{
	struct service s = {.answers = {COMPLETED(HELLO_TWICE "-2"), COMPLETED("x"),
	                                HEADED("10", "x"), COMPLETED("x"), HEADED("9", "x"),
	                                COMPLETED(""), HEADED("10", "y")}};
	struct s3_etag etag;

	start(&s);
	check_int(complete(&s, &etag), 0);
	check_int(s.served, 1);
	check_int(complete(&s, &etag), 0);
	check_str(etag.s, "x");
	check_int(complete(&s, NULL), -EIO);
	check_int(complete(&s, &etag), 0);
	check_str(etag.s, "y");
	stop(&s);
	/* Another was faster with the next version; one may not look; nothing is there. */
	s = (struct service){.answers = {COMPLETED("x"), HEADED("9", "z"), COMPLETED("x"),
	                                 "HTTP/1.1 403 F\r\n\r\n", COMPLETED("x"), GONE}};
	start(&s);
	check_int(complete(&s, NULL), 0);
	check_int(complete(&s, NULL), 0);
	check_int(complete(&s, NULL), -EIO);
	stop(&s);
}

TEST(mp_object_size_is_left_out_where_it_is_refused)
{
	struct service s = {.answers = {"HTTP/1.1 501 N\r\nContent-Length: 0\r\n\r\n",
	                                COMPLETED("x"), HEADED("10", "x")}};

	start(&s);
	check_int(complete(&s, NULL), 0);
	check(strcasestr(s.requests[0], "\r\nx-amz-mp-object-size: 10\r\n") != NULL);
	check(strcasestr(s.requests[1], "mp-object-size") == NULL);
	stop(&s);
}

TEST(want_of_descriptors_is_waited_for_and_told)
{
	struct service s = {.answers = {EMPTY_200, EMPTY_200}};
	struct s3_call call = {.retry_time_s = 1};
	struct rlimit old, few;

	start(&s);
	check_int(put(&s, 0, NULL, NULL), 0);
	check_int(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = (struct rlimit){3, old.rlim_max};
	check_int(setrlimit(RLIMIT_NOFILE, &few), 0);
	check_int(put(&s, 0, NULL, &call), -EMFILE);
	check_str(call.fault.code, "Files");
	check_int(setrlimit(RLIMIT_NOFILE, &old), 0);
	check_int(put(&s, 0, NULL, NULL), 0);
	stop(&s);
}

TEST_MAIN
