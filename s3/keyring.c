/* SPDX-License-Identifier: MIT */
#include "keyring.h"

#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define EARLY_S   300   /* before they expire; a quarter of their life, if that is less */
#define LAST_S    15    /* the same, and an eighth */
#define PAUSE_MS  10000 /* between attempts, as long as the old ones are good */
#define FAILED_MS 1000  /* without good ones: who comes meanwhile is told of the last */
#define FRESH_MS  60000
#define LOOK_MS   200

void keyring_init(struct keyring *ring)
{
	pthread_condattr_t attr;

	*ring = (struct keyring){0};
	pthread_mutex_init(&ring->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&ring->renewed, &attr);
	pthread_condattr_destroy(&attr);
}

void keyring_fini(struct keyring *ring)
{
	ring->ending = true;
	if (ring->started)
		pthread_join(ring->thread, NULL);
	keys_put(ring->keys);
	provider_free(ring->provider);
	pthread_cond_destroy(&ring->renewed);
	pthread_mutex_destroy(&ring->lock);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* They are good for so many seconds more. */
static bool last(const struct keys *keys, int64_t skew_s, int64_t seconds)
{
	return keys && (!keys->expires || time(NULL) + skew_s + seconds < keys->expires);
}

static void wait_a_moment(struct keyring *ring)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += LOOK_MS * 1000000L;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	pthread_cond_timedwait(&ring->renewed, &ring->lock, &t);
}

/* Of which attempt the lock's holder is told. */
static void conclude_locked(struct keyring *ring, int err, struct keys *found, int64_t skew_s)
{
	ring->renewing = false;
	if (!err) {
		int64_t life = found->expires - time(NULL) - skew_s;

		keys_put(ring->keys);
		ring->keys = found;
		ring->early_s = life / 4 < EARLY_S ? life / 4 : EARLY_S;
		ring->last_s = life / 8 < LAST_S ? life / 8 : LAST_S;
		ring->granted = true;
		ring->granted_ms = now_ms();
		/* What had expired before it came may be better than nothing: see what
		 * the service says, and do not ask at each request. */
		ring->stale_until_ms = found->expires && life <= 0 ? now_ms() + PAUSE_MS : 0;
		free(ring->provider->otherwise); /* it is there */
		ring->provider->otherwise = NULL;
	} else if (err != -EINTR) {
		ring->pause_until_ms = now_ms() + PAUSE_MS;
		ring->failed_until_ms = now_ms() + FAILED_MS;
		/* What granted keys once may do so again. */
		ring->error = err == -EACCES && ring->granted ? -ETIMEDOUT : err;
	}
	pthread_cond_broadcast(&ring->renewed);
}

/* While nobody has any keys. The lock is let go meanwhile. */
static void renew_locked(struct keyring *ring, struct http *http, int64_t skew_s,
                         const atomic_bool *cancel)
{
	struct s3_fault fault = {0};
	struct keys *found = NULL;
	int err;

	ring->renewing = true;
	pthread_mutex_unlock(&ring->lock);
	err = provider_ask(ring->provider, http, skew_s, cancel, &found, &fault);
	pthread_mutex_lock(&ring->lock);
	if (err && err != -EINTR)
		ring->fault = fault;
	conclude_locked(ring, err, found, skew_s);
}

static void *renew_early(void *arg)
{
	struct keyring *ring = arg;
	struct s3_fault fault = {0};
	struct keys *found = NULL;
	int err = provider_ask(ring->provider, ring->http, ring->skew_s, &ring->ending, &found,
	                       &fault);

	pthread_mutex_lock(&ring->lock);
	if (err && err != -EINTR) {
		ring->fault = fault;
		log_warn("the keys could not be renewed yet: %s", fault.message);
	}
	conclude_locked(ring, err, found, ring->skew_s);
	pthread_mutex_unlock(&ring->lock);
	return NULL;
}

/* While the old ones are good: nobody waits for it. */
static void start_renewal_locked(struct keyring *ring, struct http *http, int64_t skew_s)
{
	if (ring->started)
		pthread_join(ring->thread, NULL); /* it is over: nobody is renewing */
	ring->http = http;
	ring->skew_s = skew_s;
	ring->started = pthread_create(&ring->thread, NULL, renew_early, ring) == 0;
	ring->renewing = ring->started;
	if (!ring->started)
		ring->pause_until_ms = now_ms() + PAUSE_MS;
}

int keyring_take(struct keyring *ring, struct http *http, int64_t skew_s, const atomic_bool *cancel,
                 struct keys **out, struct s3_fault *fault)
{
	int err = 0;

	pthread_mutex_lock(&ring->lock);
	while (!err && ring->provider && !last(ring->keys, skew_s, ring->early_s)) {
		if (last(ring->keys, skew_s, ring->last_s)) {
			if (!ring->renewing && now_ms() >= ring->pause_until_ms)
				start_renewal_locked(ring, http, skew_s);
			break;
		}
		if (ring->keys && now_ms() < ring->stale_until_ms)
			break;
		if (cancel && *cancel) {
			err = -EINTR;
		} else if (ring->renewing) {
			wait_a_moment(ring);
		} else if (now_ms() < ring->failed_until_ms) {
			err = ring->error;
			*fault = ring->fault;
		} else {
			renew_locked(ring, http, skew_s, cancel);
			if (last(ring->keys, skew_s, 0))
				break; /* as fresh as they come */
		}
	}
	if (!err)
		*out = ring->keys ? keys_hold(ring->keys) : NULL;
	pthread_mutex_unlock(&ring->lock);
	return err;
}

bool keyring_refused(struct keyring *ring, const struct keys *keys, bool sure)
{
	bool may;

	pthread_mutex_lock(&ring->lock);
	may = ring->provider && (sure || now_ms() - ring->granted_ms >= FRESH_MS);
	if (may && ring->keys == keys) {
		keys_put(ring->keys);
		ring->keys = NULL;
	}
	pthread_mutex_unlock(&ring->lock);
	return may;
}
