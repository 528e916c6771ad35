/* SPDX-License-Identifier: MIT */
/*
 * keyring.h - the keys in use, renewed before they expire.
 *
 * As long as those are good, they are renewed by a thread of its own, and nobody waits.
 * When there are none, whoever comes first asks and all others wait; when that fails,
 * so do they, and those who come within a second. What granted keys once and then
 * refuses is taken for one that will grant again: that is -ETIMEDOUT, not -EACCES.
 *
 * Threads: any.
 */
#ifndef POURFS_KEYRING_H
#define POURFS_KEYRING_H

#include "provider.h"

#include <pthread.h>

struct keyring {
	pthread_mutex_t lock;
	pthread_cond_t renewed;
	struct keys *keys;         /* NULL: none yet, or anonymous */
	struct provider *provider; /* NULL: the keys are all there is */
	bool renewing;
	int64_t early_s, last_s; /* so long before they expire they are renewed; used until then */
	int64_t pause_until_ms;  /* CLOCK_MONOTONIC: it failed a moment ago */
	int64_t failed_until_ms; /* the same, and it stands for those who have no keys */
	int64_t stale_until_ms;  /* the keys had expired when they came */
	bool granted;            /* once at least */
	int64_t granted_ms;      /* CLOCK_MONOTONIC, the last time */
	int error;               /* of the last failure */
	struct s3_fault fault;

	/* The thread that renews early. */
	pthread_t thread;
	bool started; /* and not joined */
	atomic_bool ending;
	struct http *http;
	int64_t skew_s;
};

void keyring_init(struct keyring *ring);
void keyring_fini(struct keyring *ring);

/* *out: held for the caller; NULL: requests are not signed. Errors as of
 * provider_ask(). */
int keyring_take(struct keyring *ring, struct http *http, int64_t skew_s, const atomic_bool *cancel,
                 struct keys **out, struct s3_fault *fault) s3_must_check;

/* The service says that they have expired; or (sure: no) it may be that, which is not
 * believed of keys that came a minute ago. True: there may be others. */
bool keyring_refused(struct keyring *ring, const struct keys *keys, bool sure);

#endif
