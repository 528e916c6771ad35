/* SPDX-License-Identifier: MIT */
#include "room.h"

#include "num.h"
#include "wait.h"

#define BUSY_MS 20                  /* since the last write: it will go on at once */
#define IDLE_MS 100                 /* so long it is given to show how fast it is */
#define SLOW    ((uint64_t)8 << 20) /* less in a second between writes */
#define WAIT_MS BUSY_MS

void room_init(struct room *r)
{
	*r = (struct room){0};
	pthread_mutex_init(&r->lock, NULL);
	wait_init(&r->changed);
}

void room_fini(struct room *r)
{
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
}

static void tell(struct room *r)
{
	r->told++;
	pthread_cond_broadcast(&r->changed);
}

/* ------------------------------------------------------------------- claims */

void room_begin(struct room *r, struct room_claim *c, uint64_t now_ms)
{
	pthread_mutex_lock(&r->lock);
	if (!c->writing++ && c->used_ms && now_ms > c->used_ms)
		c->idle_ms += now_ms - c->used_ms;
	pthread_mutex_unlock(&r->lock);
}

void room_end(struct room *r, struct room_claim *c, uint64_t now_ms)
{
	pthread_mutex_lock(&r->lock);
	c->writing--;
	c->used_ms = now_ms;
	pthread_mutex_unlock(&r->lock);
}

void room_lacks(struct room *r, struct room_claim *c, bool lacks)
{
	pthread_mutex_lock(&r->lock);
	c->lacking += lacks ? 1 : -1;
	pthread_mutex_unlock(&r->lock);
}

bool room_has(struct room *r, const struct room_claim *c, uint64_t len)
{
	bool has;

	pthread_mutex_lock(&r->lock);
	has = c->left >= len;
	pthread_mutex_unlock(&r->lock);
	return has;
}

static bool lags(const struct room_claim *c)
{
	return c->idle_ms >= IDLE_MS && c->filled < SLOW * c->idle_ms / 1000;
}

/* It may have become so since it was granted. */
static bool is_slow(const struct room_claim *c)
{
	return c->slow || lags(c);
}

static void begin_anew(struct room_claim *c)
{
	c->slow = lags(c);
	c->filled = 0;
	c->idle_ms = 0;
}

void room_use(struct room *r, struct room_claim *c, uint64_t len)
{
	uint64_t had;

	pthread_mutex_lock(&r->lock);
	had = c->left;
	c->left -= min64(had, len);
	c->filled += len;
	if (had && !c->left)
		tell(r);
	pthread_mutex_unlock(&r->lock);
}

static void grant(struct room *r, struct room_claim *c, uint64_t bytes)
{
	if (!c->listed) {
		c->next = r->claims;
		if (c->next)
			c->next->previous = c;
		r->claims = c;
		c->listed = true;
	}
	c->left += bytes;
	begin_anew(c);
}

void room_give_back(struct room *r, struct room_claim *c)
{
	pthread_mutex_lock(&r->lock);
	c->left = 0;
	if (!c->writing) { /* what comes later is another matter */
		begin_anew(c);
		c->slow = false;
		c->used_ms = 0;
	}
	tell(r);
	pthread_mutex_unlock(&r->lock);
}

void room_drop(struct room *r, struct room_claim *c)
{
	pthread_mutex_lock(&r->lock);
	if (c->listed) {
		*(c->previous ? &c->previous->next : &r->claims) = c->next;
		if (c->next)
			c->next->previous = c->previous;
		tell(r);
	}
	*c = (struct room_claim){0};
	pthread_mutex_unlock(&r->lock);
}

/* What the others have still to fill that are at it just now. */
static uint64_t claimed(const struct room *r, const struct room_claim *but, uint64_t now_ms)
{
	uint64_t sum = 0;

	for (const struct room_claim *c = r->claims; c; c = c->next)
		if (c != but && !is_slow(c) && (c->lacking || now_ms <= c->used_ms + BUSY_MS))
			sum += c->left;
	return sum;
}

/* -------------------------------------------------------------------- waits */

void room_tell(struct room *r)
{
	pthread_mutex_lock(&r->lock);
	tell(r);
	pthread_mutex_unlock(&r->lock);
}

enum room_answer room_enter(struct room *r, struct room_waiter *w)
{
	enum room_answer answer = ROOM_LATER;
	struct room_waiter **at = &r->waiting;

	pthread_mutex_lock(&r->lock);
	if (lags(w->claim)) {
		grant(r, w->claim, w->bytes);
		answer = ROOM_GRANTED;
	} else {
		while (*at)
			at = &(*at)->next;
		*at = w;
		w->next = NULL;
	}
	pthread_mutex_unlock(&r->lock);
	return answer;
}

static void leave(struct room *r, const struct room_waiter *w)
{
	struct room_waiter **at = &r->waiting;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	tell(r);
}

enum room_answer room_ask(struct room *r, struct room_waiter *w, uint64_t spare, uint64_t now_ms)
{
	enum room_answer answer = ROOM_LATER;

	pthread_mutex_lock(&r->lock);
	w->told = r->told;
	if (r->waiting == w) {
		uint64_t others = claimed(r, w->claim, now_ms);

		answer = !others || spare >= others + w->bytes ? ROOM_GRANTED : ROOM_LACKS;
	}
	if (answer == ROOM_GRANTED) {
		grant(r, w->claim, w->bytes);
		w->claim->used_ms = now_ms;
		leave(r, w);
	}
	pthread_mutex_unlock(&r->lock);
	return answer;
}

void room_wait(struct room *r, const struct room_waiter *w)
{
	pthread_mutex_lock(&r->lock);
	if (r->told == w->told)
		wait_ms(&r->changed, &r->lock, WAIT_MS);
	pthread_mutex_unlock(&r->lock);
}

void room_leave(struct room *r, struct room_waiter *w)
{
	pthread_mutex_lock(&r->lock);
	leave(r, w);
	pthread_mutex_unlock(&r->lock);
}
