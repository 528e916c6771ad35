/* SPDX-License-Identifier: MIT */
#include "keyring.h"

#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define EARLY_S  300   /* before they expire; a quarter of their life, if that is less */
#define LAST_S   15    /* the same, and an eighth */
#define PAUSE_MS 10000 /* between attempts, as long as the old ones are good */
#define LOOK_MS  200

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

/* With the lock held, which it lets go meanwhile. */
static int renew_locked(struct keyring *ring, struct http *http, int64_t skew_s,
                        const atomic_bool *cancel, struct s3_fault *fault)
{
	struct keys *found = NULL;
	int err;

	ring->renewing = true;
	pthread_mutex_unlock(&ring->lock);
	err = provider_ask(ring->provider, http, skew_s, cancel, &found, fault);
	pthread_mutex_lock(&ring->lock);
	ring->renewing = false;
	if (!err) {
		int64_t life = found->expires - time(NULL) - skew_s;

		keys_put(ring->keys);
		ring->keys = found;
		ring->early_s = life / 4 < EARLY_S ? life / 4 : EARLY_S;
		ring->last_s = life / 8 < LAST_S ? life / 8 : LAST_S;
		free(ring->provider->otherwise); /* it is there */
		ring->provider->otherwise = NULL;
	} else if (err != -EINTR) {
		ring->pause_until_ms = now_ms() + PAUSE_MS;
	}
	pthread_cond_broadcast(&ring->renewed);
	return err;
}

int keyring_take(struct keyring *ring, struct http *http, int64_t skew_s, const atomic_bool *cancel,
                 struct keys **out, struct s3_fault *fault)
{
	int err = 0;

	pthread_mutex_lock(&ring->lock);
	while (ring->provider && !last(ring->keys, skew_s, ring->early_s)) {
		bool good = last(ring->keys, skew_s, ring->last_s);

		if (good && (ring->renewing || now_ms() < ring->pause_until_ms))
			break;
		if (ring->renewing) {
			wait_a_moment(ring);
			if (cancel && *cancel) {
				err = -EINTR;
				break;
			}
			continue;
		}
		err = renew_locked(ring, http, skew_s, cancel, fault);
		if (err && last(ring->keys, skew_s, ring->last_s)) {
			log_warn("the keys could not be renewed yet: %s", fault->message);
			err = 0;
		}
		break; /* as fresh as they come */
	}
	if (!err)
		*out = ring->keys ? keys_hold(ring->keys) : NULL;
	pthread_mutex_unlock(&ring->lock);
	return err;
}

bool keyring_refused(struct keyring *ring, const struct keys *keys)
{
	bool may;

	pthread_mutex_lock(&ring->lock);
	may = ring->provider;
	if (may && ring->keys == keys) {
		keys_put(ring->keys);
		ring->keys = NULL;
	}
	pthread_mutex_unlock(&ring->lock);
	return may;
}
