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
	check(retry_result(HTTP_NO_FILES));
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

TEST(retries_that_succeed_cost_nothing_and_failures_end_at_a_pace)
{
	struct retry_budget b = {0};
	int64_t now = 1000000;

	for (unsigned i = 0; i < 3 * RETRY_TOKENS; i++) {
		check(retry_take(&b, now));
		retry_give(&b, true);
	}
	for (unsigned i = 0; i < RETRY_TOKENS / RETRY_COST; i++)
		check(retry_take(&b, now));
	check(retry_take(&b, now));
	check(!retry_take(&b, now));
	check(!retry_take(&b, now + RETRY_PACE_MS - 1));
	check(retry_take(&b, now + RETRY_PACE_MS));
	check(!retry_take(&b, now + RETRY_PACE_MS + 1));
	for (unsigned i = 0; i < RETRY_COST; i++) {
		check(!retry_take(&b, now + RETRY_PACE_MS + 1));
		retry_give(&b, false);
	}
	check(retry_take(&b, now + RETRY_PACE_MS + 1));
	check(!retry_take(&b, now + RETRY_PACE_MS + 1));
}

#define CALLERS  128
#define CUT_MS   120000
#define RETRY_MS 300000
#define LOOK_MS  200

/* As request.c does it: back off, look for a token, give up at the deadline.
 * The service fails until CUT_MS, at once. Returns how many tries it got. */
static unsigned live_through_a_cut(uint64_t seed, unsigned *failed, int64_t *last_ms)
{
	struct retry_budget b = {0};
	int64_t due[CALLERS] = {0};
	unsigned tries[CALLERS] = {0}, all = 0, left = CALLERS;

	*failed = 0;
	for (int64_t now = 0; left && now <= RETRY_MS; now += 10) {
		for (int i = 0; i < CALLERS; i++) {
			if (due[i] < 0 || due[i] > now)
				continue;
			if (tries[i] && !retry_take(&b, now)) {
				due[i] = now + LOOK_MS;
				continue;
			}
			tries[i]++;
			all += now < CUT_MS;
			seed = seed * 6364136223846793005U + 1442695040888963407U;
			due[i] = now + 10 + retry_wait_ms(tries[i], seed >> 33, NULL);
			if (now >= CUT_MS) {
				retry_give(&b, tries[i] > 1);
				due[i] = -1;
				left--;
				*last_ms = now;
			}
		}
	}
	*failed = left;
	return all;
}

TEST(a_cut_of_two_minutes_is_survived_by_all_and_not_hammered_at)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		unsigned failed, tries;
		int64_t last_ms = 0;

		tries = live_through_a_cut(seed, &failed, &last_ms);
		check_int(failed, 0);
		/* The first tries, the tokens, the pace. */
		check(tries <= CALLERS + RETRY_TOKENS / RETRY_COST + CUT_MS / RETRY_PACE_MS + 1);
		check(last_ms < CUT_MS + 60000);
	}
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
