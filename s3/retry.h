/* SPDX-License-Identifier: MIT */
/*
 * retry.h - whether a failed try may pass when repeated, and when.
 *
 * Pure: the random number and the time are arguments.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
#ifndef POURFS_RETRY_H
#define POURFS_RETRY_H

#include "http.h"

#define RETRY_BASE_MS  100U
#define RETRY_CAP_MS   20000U
#define RETRY_AFTER_MS 60000U /* the most that a Retry-After is believed */
#define RETRY_TOKENS   500U   /* of a client */
#define RETRY_COST     5U     /* tokens of a retry; of one that succeeds it gets them back */
#define RETRY_PACE_MS  500    /* between retries without tokens */

/* Whether an exchange without a whole answer may pass next time. */
bool retry_result(enum http_result result);

/* Whether an answer that says no may say yes next time. code: S3's <Code>, "" if
 * none was read. */
bool retry_answer(int status, const char *code);

/* Full jitter: anything below RETRY_BASE_MS * 2^tries, itself at most
 * RETRY_CAP_MS; but no less than retry_after, the header's seconds or NULL.
 * tries: how many there were, from 1 on. */
unsigned retry_wait_ms(unsigned tries, uint64_t random, const char *retry_after);

/* What all calls of a client may retry together. A service that is dead or sick
 * gets the tokens' worth at once, and then one retry each RETRY_PACE_MS, from
 * however many calls: nothing fails for want of a token, it waits. When the
 * service is well again, each success lets another retry go.
 * Zero-initialise: it is full then. The caller locks. */
struct retry_budget {
	unsigned used;    /* tokens, of RETRY_TOKENS */
	int64_t paced_ms; /* when the last retry without tokens went */
};
/* Whether a retry may go now, which then counts. */
bool retry_take(struct retry_budget *b, int64_t now_ms);
/* A call succeeded; retried: not at once. */
void retry_give(struct retry_budget *b, bool retried);

#endif
