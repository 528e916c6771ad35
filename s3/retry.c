/* SPDX-License-Identifier: MIT */
#include "retry.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool retry_result(enum http_result result)
{
	return result == HTTP_RESOLVE || result == HTTP_CONNECT || result == HTTP_TIMEOUT ||
	       result == HTTP_BROKEN || result == HTTP_NO_FILES;
}

bool retry_answer(int status, const char *code)
{
	/* Damaged or delayed on the way, busy, or racing with another request. */
	static const char *const passing[] = {
		"SlowDown",
		"SlowDownRead",
		"SlowDownWrite",
		"RequestTimeout",
		"RequestTimeoutException",
		"InternalError",
		"ServiceUnavailable",
		"BadDigest",
		"XAmzContentSHA256Mismatch",
		"IncompleteBody",
		"OperationAborted",
		"ConditionalRequestConflict",
		"Throttling",
		"ThrottlingException",
		"RequestLimitExceeded",
		"BandwidthLimitExceeded",
		"TooManyRequests",
	};
	/* Server errors that time does not heal. */
	static const char *const lasting[] = {
		"NotImplemented",
		"XMinioStorageFull",
		"InsufficientStorage",
		"QuotaExceeded",
	};

	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
		if (strcmp(code, passing[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(lasting) / sizeof(*lasting); i++)
		if (strcmp(code, lasting[i]) == 0)
			return false;
	return status == 408 || status == 429 ||
	       (status >= 500 && status != 501 && status != 505 && status != 507);
}

unsigned retry_wait_ms(unsigned tries, uint64_t random, const char *retry_after)
{
	unsigned ceiling = RETRY_BASE_MS, wait;

	for (unsigned i = 0; i < tries && ceiling < RETRY_CAP_MS; i++)
		ceiling *= 2;
	if (ceiling > RETRY_CAP_MS)
		ceiling = RETRY_CAP_MS;
	wait = (unsigned)(random % ceiling);
	if (retry_after && isdigit((unsigned char)*retry_after)) {
		unsigned long seconds = strtoul(retry_after, NULL, 10);
		unsigned asked =
			seconds > RETRY_AFTER_MS / 1000 ? RETRY_AFTER_MS : (unsigned)seconds * 1000;

		if (wait < asked)
			wait = asked;
	}
	return wait;
}

bool retry_take(struct retry_budget *b, int64_t now_ms)
{
	if (b->used + RETRY_COST <= RETRY_TOKENS)
		b->used += RETRY_COST;
	else if (now_ms - b->paced_ms >= RETRY_PACE_MS)
		b->paced_ms = now_ms;
	else
		return false;
	return true;
}

void retry_give(struct retry_budget *b, bool retried)
{
	unsigned n = retried ? RETRY_COST : 1;

	b->used -= n < b->used ? n : b->used;
}
