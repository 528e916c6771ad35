/* SPDX-License-Identifier: MIT */
#include "retry.h"

#include "fault.h"
#include "test.h"

#include <errno.h>

TEST(only_what_may_pass_is_tried_again)
{
	check(retry_answer(500, ""));
	check(retry_answer(502, ""));
	check(retry_answer(503, "SlowDown"));
	check(retry_answer(429, ""));
	check(retry_answer(408, ""));
	check(retry_answer(400, "RequestTimeout"));
	check(retry_answer(400, "BadDigest"));
	check(retry_answer(400, "XAmzContentSHA256Mismatch"));
	check(retry_answer(409, "ConditionalRequestConflict"));
	check(retry_answer(200, "InternalError"));
	check(!retry_answer(400, "InvalidPart"));
	check(!retry_answer(403, "AccessDenied"));
	check(!retry_answer(404, "NoSuchKey"));
	check(!retry_answer(409, "BucketNotEmpty"));
	check(!retry_answer(412, "PreconditionFailed"));
	check(!retry_answer(501, "NotImplemented"));
	check(!retry_answer(507, ""));
	check(!retry_answer(500, "XMinioStorageFull"));
	check(!retry_answer(301, "PermanentRedirect"));
}

TEST(silence_may_pass_but_a_bad_certificate_and_a_flood_do_not)
{
	check(retry_result(HTTP_RESOLVE));
	check(retry_result(HTTP_CONNECT));
	check(retry_result(HTTP_TIMEOUT));
	check(retry_result(HTTP_BROKEN));
	check(!retry_result(HTTP_UNTRUSTED));
	check(!retry_result(HTTP_OVERFLOW));
	check(!retry_result(HTTP_CANCELLED));
	check(!retry_result(HTTP_NO_MEMORY));
	check(!retry_result(HTTP_FAILED));
}

TEST(waits_are_jittered_below_a_doubling_ceiling)
{
	check_int(retry_wait_ms(1, 0, NULL), 0);
	check_int(retry_wait_ms(1, 199, NULL), 199);
	check_int(retry_wait_ms(1, 200, NULL), 0);
	check_int(retry_wait_ms(2, 399, NULL), 399);
	check_int(retry_wait_ms(2, 400, NULL), 0);
	check_int(retry_wait_ms(8, 19999, NULL), 19999);
	check_int(retry_wait_ms(8, 20000, NULL), 0);
	check_int(retry_wait_ms(4000000000U, 19999, NULL), 19999);
}

TEST(a_retry_after_is_the_least_within_reason)
{
	check_int(retry_wait_ms(1, 150, "3"), 3000);
	check_int(retry_wait_ms(1, 150, "0"), 150);
	check_int(retry_wait_ms(8, 19000, "3"), 19000);
	check_int(retry_wait_ms(1, 0, "99999999999999999999"), RETRY_AFTER_MS);
	check_int(retry_wait_ms(1, 150, "Fri, 24 May 2013 00:00:00 GMT"), 150);
	check_int(retry_wait_ms(1, 150, "-5"), 150);
	check_int(retry_wait_ms(1, 150, ""), 150);
}

TEST(each_answer_has_one_errno)
{
	static const struct {
		int status;
		const char *code;
		unsigned flags;
		int err;
	} cases[] = {
		{404, "NoSuchKey", 0, -ENOENT},
		{404, "", 0, -ENOENT},
		{200, "NoSuchUpload", 0, -ENOENT},
		{403, "", 0, -EACCES},
		{403, "QuotaExceeded", 0, -EDQUOT},
		{403, "storage_cap_exceeded", 0, -EDQUOT},
		{507, "", 0, -ENOSPC},
		{500, "XMinioStorageFull", 0, -ENOSPC},
		{412, "PreconditionFailed", 0, -ESTALE},
		{412, "", S3_IF_ABSENT, -EEXIST},
		{404, "", S3_IF_ABSENT, -ENOENT},
		{400, "EntityTooLarge", 0, -EFBIG},
		{400, "InvalidPart", 0, -EINVAL},
		{400, "BadDigest", 0, -EIO},
		{405, "MethodNotAllowed", 0, -EOPNOTSUPP},
		{501, "NotImplemented", S3_IF_ABSENT, -EOPNOTSUPP},
		{503, "SlowDown", 0, -EIO},
		{200, "InternalError", 0, -EIO},
		{200, "AccessDenied", 0, -EACCES},
		{301, "PermanentRedirect", 0, -EIO},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int got = fault_errno(cases[i].status, cases[i].code, cases[i].flags);

		if (got != cases[i].err)
			check_fail("%d %s is %d, not %d", cases[i].status, cases[i].code, got,
			           cases[i].err);
	}
}

TEST_MAIN
