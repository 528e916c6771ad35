/* SPDX-License-Identifier: MIT */
/*
 * retry.h - whether a failed try may pass when repeated, and when.
 *
 * Pure: the random number is an argument.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
#ifndef POURFS_RETRY_H
#define POURFS_RETRY_H

#include "http.h"

#define RETRY_BASE_MS  100U
#define RETRY_CAP_MS   20000U
#define RETRY_AFTER_MS 60000U /* the most that a Retry-After is believed */

/* Whether an exchange without a whole answer may pass next time. */
bool retry_result(enum http_result result);

/* Whether an answer that says no may say yes next time. code: S3's <Code>, "" if
 * none was read. */
bool retry_answer(int status, const char *code);

/* Full jitter: anything below RETRY_BASE_MS * 2^tries, itself at most
 * RETRY_CAP_MS; but no less than retry_after, the header's seconds or NULL.
 * tries: how many there were, from 1 on. */
unsigned retry_wait_ms(unsigned tries, uint64_t random, const char *retry_after);

#endif
