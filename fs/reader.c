/* SPDX-License-Identifier: MIT */
#include "reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "wait.h"
#include "window.h"

#define WINDOW_MAX ((uint64_t)32 << 20)
#define AHEAD      2                   /* of the memory, one part in so many: for all windows */
#define BEHIND     ((uint64_t)1 << 20) /* kept for reads that come late */
#define BEHIND_MAX 64                  /* of the memory, one part in so many: for that */
#define PRESSED_MS 1000                /* since a writer lacked memory: it may again */
#define PAUSE_MS   2000                /* since the last read: it needs no share */
#define IDLE_MS    10000               /* nor what it has */

/* A range fetched ahead. Flying, its fetch counts the reader. */
struct chunk {
	struct reader *reader;
	struct chunk *next; /* by offset */
	uint64_t offset, len;
	bool flying;
	int err;
	struct iovec *iov;
	int iovcnt;
};

struct reader {
	struct mount *m;
	struct reader *next, *previous; /* of the mount */
	char *key;
	struct s3_etag etag;
	uint64_t size;
	pthread_mutex_t lock;
	pthread_cond_t landed;
	unsigned counted; /* its owner, and each flying chunk */
	atomic_bool closing;
	struct window window;
	struct chunk *chunks;
	/* without the lock */
	atomic_bool starved; /* it could not get what it would have */
	atomic_bool ahead;
	atomic_uint reading;      /* reads under way */
	_Atomic uint64_t read_ms; /* when the last one ended */
};

static void chunk_free(struct chunk *c)
{
	for (int i = 0; i < c->iovcnt; i++)
		budget_put(c->reader->m->budget, c->iov[i].iov_base);
	free(c->iov);
	free(c);
}

static struct chunk *chunk_new(struct reader *r, uint64_t offset, uint64_t len)
{
	int n = (int)((len + BUDGET_BLOCK - 1) / BUDGET_BLOCK);
	struct chunk *c = budget_has_to_read(r->m->budget, (size_t)n) ? calloc(1, sizeof *c) : NULL;

	if (!c)
		return NULL;
	*c = (struct chunk){.reader = r, .offset = offset, .len = len, .flying = true};
	c->iov = calloc((size_t)n, sizeof *c->iov);
	while (c->iov && c->iovcnt < n) {
		void *block = budget_take_to_read(r->m->budget);

		if (!block)
			break;
		c->iov[c->iovcnt].iov_base = block;
		c->iov[c->iovcnt].iov_len =
			min64(len - (uint64_t)c->iovcnt * BUDGET_BLOCK, BUDGET_BLOCK);
		c->iovcnt++;
	}
	if (c->iov && c->iovcnt == n)
		return c;
	chunk_free(c);
	return NULL;
}

/* ------------------------------------------------------------------ who reads */

static bool is_pausing(const struct reader *r, uint64_t now, uint64_t ms)
{
	return !r->reading && now > r->read_ms + ms;
}

static bool is_ahead(const struct reader *r, uint64_t now)
{
	return r->ahead && !is_pausing(r, now, PAUSE_MS);
}

/* Those that read ahead just now, and r (or NULL), whether it does or not. No lock. */
static unsigned count_ahead(struct mount *m, const struct reader *r)
{
	uint64_t now = mount_now_ms();
	unsigned n = r != NULL;

	pthread_mutex_lock(&m->readers_lock);
	for (const struct reader *o = m->readers; o; o = o->next)
		n += o != r && is_ahead(o, now);
	pthread_mutex_unlock(&m->readers_lock);
	return n;
}

/* -------------------------------------------------------------------- life */

struct reader *reader_new(struct mount *m, const char *key, const struct s3_etag *etag,
                          uint64_t size)
{
	struct reader *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->key = strdup(key);
	if (!r->key) {
		free(r);
		return NULL;
	}
	r->m = m;
	r->etag = *etag;
	r->size = size;
	r->counted = 1;
	pthread_mutex_init(&r->lock, NULL);
	wait_init(&r->landed);
	pthread_mutex_lock(&m->readers_lock);
	r->next = m->readers;
	if (r->next)
		r->next->previous = r;
	m->readers = r;
	pthread_mutex_unlock(&m->readers_lock);
	return r;
}

/* With r->lock, which it gives back. */
static void uncount(struct reader *r)
{
	bool last = --r->counted == 0;

	pthread_mutex_unlock(&r->lock);
	if (!last)
		return;
	while (r->chunks) {
		struct chunk *c = r->chunks;

		r->chunks = c->next;
		chunk_free(c);
	}
	pthread_cond_destroy(&r->landed);
	pthread_mutex_destroy(&r->lock);
	free(r->key);
	free(r);
}

void reader_free(struct reader *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->m->readers_lock);
	*(r->previous ? &r->previous->next : &r->m->readers) = r->next;
	if (r->next)
		r->next->previous = r->previous;
	pthread_mutex_unlock(&r->m->readers_lock);
	if (!count_ahead(r->m, NULL))
		budget_expect_reads(r->m->budget, false);
	r->closing = true;
	pthread_mutex_lock(&r->lock);
	uncount(r);
}

bool reader_is_of(const struct reader *r, const char *key, const struct s3_etag *etag)
{
	return !strcmp(r->key, key) && !strcmp(r->etag.s, etag->s);
}

/* ------------------------------------------------------------- fetch ahead */

static void fetch_job(void *arg)
{
	struct chunk *c = arg;
	struct reader *r = c->reader;
	struct s3_call call = {.cancel = &r->closing};
	ssize_t n;

	mount_weigh(r->m);
	n = s3_get(r->m->s3, r->key, c->offset, c->iov, c->iovcnt, &r->etag, NULL, &call);
	pthread_mutex_lock(&r->lock);
	c->flying = false;
	if (n < 0)
		c->err = (int)n;
	else if ((uint64_t)n < c->len)
		c->err = -EIO;
	pthread_cond_broadcast(&r->landed);
	uncount(r);
}

static uint64_t behind_of(const struct mount *m)
{
	return min64(BEHIND, m->conf.memory / BEHIND_MAX);
}

/* Drops what failed, lies behind, or farther ahead than reach; or all that has landed. */
static bool drop(struct reader *r, uint64_t reach, bool all)
{
	uint64_t behind = min64(behind_of(r->m), r->window.limit / 2);
	struct chunk **at = &r->chunks;
	bool any = false;

	while (*at) {
		struct chunk *c = *at;
		bool useless = c->err || c->offset + c->len + behind <= r->window.next ||
		               c->offset > r->window.next + reach;

		if (c->flying || !(all || useless)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		chunk_free(c);
		any = true;
	}
	return any;
}

/* A window that became smaller fetches less: but what it has is not to be fetched twice. */
static void drop_useless(struct reader *r)
{
	drop(r, BEHIND + (r->window.ahead ? WINDOW_MAX : 0), false);
}

/* It shall not fetch as much again at once. */
static bool drop_all(struct reader *r)
{
	if (!drop(r, 0, true))
		return false;
	window_close(&r->window);
	return true;
}

static bool nothing_flies(const struct reader *r)
{
	return r->counted == 1;
}

/* Requests for what is missing between offset and the end of the window. */
static void fetch_ahead(struct reader *r, uint64_t offset)
{
	uint64_t end = min64(r->size, r->window.next + r->window.ahead);
	struct chunk **at = &r->chunks;

	r->starved = false;
	while (r->window.ahead && offset < end) {
		struct chunk *c;
		uint64_t len, lacks;

		while (*at && (*at)->offset + (*at)->len <= offset)
			at = &(*at)->next;
		if (*at && (*at)->offset <= offset) {
			offset = (*at)->offset + (*at)->len;
			continue;
		}
		len = min64(r->window.chunk, r->size - offset);
		if (r->window.expected)
			len = min64(len, end - offset); /* and no farther */
		if (*at)
			len = min64(len, (*at)->offset - offset);
		else if (offset >= r->window.next && offset + len > end &&
		         r->window.ahead == r->window.limit)
			return; /* when there is room for all of it */
		c = chunk_new(r, offset, len);
		/* Not much memory is to spare. Only what is needed now is worth a small
		 * request, of no less than that: later there will be room for a large one. */
		lacks = offset < r->window.next ? max64(r->window.next - offset, BUDGET_BLOCK)
		                                : len;
		while (!c && nothing_flies(r) && len > lacks) {
			len = max64(len / 2, lacks);
			r->window.chunk = len;
			c = chunk_new(r, offset, len);
		}
		r->starved = !c;
		if (!c)
			return; /* what is needed now is read directly */
		r->counted++;
		if (workers_give(r->m->fetches, 0, fetch_job, c)) {
			r->counted--;
			chunk_free(c);
			return;
		}
		c->next = *at;
		*at = c;
		offset += len;
	}
}

/* How far ahead each of n readers may be that have no more than the readers' own: with
 * what is kept behind, and a request that is half read, that is all of its part. 0: too
 * little for requests that are worth it. */
static uint64_t window_of_share(struct mount *m, unsigned n)
{
	uint64_t part = budget_read_share(m->budget) / n;
	uint64_t limit = (part - min64(behind_of(m), part / 4)) / 3 * 2;

	return limit < 2 * WINDOW_FIRST ? 0 : limit;
}

/* What lies beyond the window that r may have by now. all: and the rest, unless it is still
 * getting what it had asked for before, and will have less soon. */
static bool give_back(struct reader *r, uint64_t limit, bool all)
{
	bool any;

	pthread_mutex_lock(&r->lock);
	r->window.limit = min64(r->window.limit, limit);
	all = (all && nothing_flies(r)) || !is_ahead(r, mount_now_ms());
	any = all ? drop_all(r) : drop(r, limit, false);
	pthread_mutex_unlock(&r->lock);
	return any;
}

bool reader_relieve(struct mount *m)
{
	unsigned n = count_ahead(m, NULL);
	uint64_t limit;
	bool any = false;

	m->pressed_ms = mount_now_ms();
	budget_expect_reads(m->budget, n != 0);
	if (!budget_read_too_much(m->budget))
		return false;
	limit = window_of_share(m, n ? n : 1);
	pthread_mutex_lock(&m->readers_lock);
	for (int all = 0; all < 2 && !any; all++)
		for (struct reader *r = m->readers; r; r = r->next)
			any |= give_back(r, limit, all);
	pthread_mutex_unlock(&m->readers_lock);
	return any;
}

/* -------------------------------------------------------------------- read */

static int chunk_answer(const struct chunk *c, uint64_t offset, size_t len, struct answer *to)
{
	uint64_t at = offset - c->offset;
	int err = 0;

	while (!err && len) {
		const struct iovec *v = &c->iov[at / BUDGET_BLOCK];
		size_t in_block = at % BUDGET_BLOCK, n = min64(len, v->iov_len - in_block);

		err = answer_add_block(to, (char *)v->iov_base + in_block, n);
		at += n;
		len -= n;
	}
	return err;
}

/* Bytes from a chunk, or straight from the service; with r->lock. */
static ssize_t read_some(struct reader *r, struct answer *to, size_t len, uint64_t offset,
                         const atomic_bool *cancel)
{
	struct s3_call call = {.cancel = cancel};
	struct iovec iov = {.iov_len = len};
	struct chunk *c = r->chunks;
	ssize_t n;

	while (c && c->offset + c->len <= offset)
		c = c->next;
	if (c && c->offset <= offset) {
		if (c->flying)
			return answer_own(to) ? -ENOMEM : wait_moment(&r->landed, &r->lock, cancel);
		if (c->err)
			return c->err;
		len = min64(len, c->offset + c->len - offset);
		n = chunk_answer(c, offset, len, to);
		return n ? n : (ssize_t)len;
	}
	if (c)
		iov.iov_len = min64(len, c->offset - offset);
	iov.iov_base = answer_own(to) ? NULL : answer_room(to);
	if (!iov.iov_base)
		return -ENOMEM;
	pthread_mutex_unlock(&r->lock);
	n = s3_get(r->m->s3, r->key, offset, &iov, 1, &r->etag, NULL, &call);
	pthread_mutex_lock(&r->lock);
	if (n > 0)
		answer_add_room(to, (size_t)n);
	return n == 0 ? -EIO : n;
}

/* How far one may be ahead that reads now: all that do share the memory. Many small
 * requests would be left if each wanted all of it. While writers want memory, too, what
 * is more than the readers' own would be taken back, and be fetched twice. No lock. */
static uint64_t limit_of(const struct reader *r)
{
	struct mount *m = r->m;
	unsigned n = count_ahead(m, r);
	uint64_t pressed_ms = m->pressed_ms;

	if (!pressed_ms || mount_now_ms() > pressed_ms + PRESSED_MS)
		return min64(WINDOW_MAX, (budget_size(m->budget) - m->conf.part_size) / AHEAD / n);
	if (r->ahead)
		budget_expect_reads(m->budget, true);
	return window_of_share(m, n);
}

/* Who could not get its own takes it from those that read no more, and from those that
 * have more than theirs by now. No lock. */
static void take_from_others(const struct reader *r, uint64_t limit)
{
	struct mount *m = r->m;
	uint64_t now = mount_now_ms();

	pthread_mutex_lock(&m->readers_lock);
	for (struct reader *o = m->readers; o; o = o->next) {
		if (o == r)
			continue;
		pthread_mutex_lock(&o->lock);
		if (is_pausing(o, now, IDLE_MS))
			drop_all(o);
		else
			drop(o, 2 * limit, false);
		pthread_mutex_unlock(&o->lock);
	}
	pthread_mutex_unlock(&m->readers_lock);
}

ssize_t reader_read(struct reader *r, struct answer *to, size_t len, uint64_t offset,
                    const atomic_bool *cancel)
{
	size_t done = 0, had = to->len;
	uint64_t limit;
	ssize_t n = 0;

	if (offset >= r->size)
		return 0;
	len = min64(len, r->size - offset);
	r->reading++;
	limit = limit_of(r);
	if (r->starved)
		take_from_others(r, limit);
	pthread_mutex_lock(&r->lock);
	r->window.limit = limit;
	window_read(&r->window, offset, len);
	r->ahead = r->window.ahead && r->window.next < r->size;
	drop_useless(r);
	fetch_ahead(r, offset);
	while (n >= 0 && done < len) {
		n = read_some(r, to, len - done, offset + done, cancel);
		if (n > 0)
			done += (size_t)n;
	}
	if (n < 0)
		drop_useless(r); /* a later read asks anew */
	pthread_mutex_unlock(&r->lock);
	r->read_ms = mount_now_ms();
	r->reading--;
	if (n < 0)
		answer_cut(to, had);
	/* Never a part of it: to the kernel a short read is the end of the file. */
	return n < 0 ? n : (ssize_t)done;
}
