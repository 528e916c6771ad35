/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void answer_begin(struct answer *a, struct budget *budget, size_t size)
{
	*a = (struct answer){.budget = budget, .size = size};
}

static bool in_room(const struct answer *a, const struct iovec *v)
{
	const char *at = v->iov_base;

	return a->room && at >= a->room && at < a->room + a->size;
}

void answer_cut(struct answer *a, size_t len)
{
	while (a->len > len) {
		struct iovec *last = &a->iov[a->n - 1];
		size_t n = a->len - len < last->iov_len ? a->len - len : last->iov_len;

		last->iov_len -= n;
		a->len -= n;
		if (last->iov_len)
			continue;
		if (!in_room(a, last))
			budget_put(a->budget, last->iov_base);
		a->n--;
	}
}

void answer_end(struct answer *a)
{
	answer_cut(a, 0);
	free(a->room);
}

void *answer_room(struct answer *a)
{
	if (!a->room)
		a->room = malloc(a->size ? a->size : 1);
	return a->room ? a->room + a->len : NULL;
}

void answer_add_room(struct answer *a, size_t n)
{
	struct iovec *last = a->n ? &a->iov[a->n - 1] : NULL;

	assert(n <= a->size - a->len);
	if (last && in_room(a, last)) {
		last->iov_len += n;
	} else if (n) {
		assert(a->n < ANSWER_PIECES);
		a->iov[a->n++] = (struct iovec){a->room + a->len, n};
	}
	a->len += n;
}

int answer_own(struct answer *a)
{
	size_t at = 0;

	if (!a->len || (a->n == 1 && in_room(a, &a->iov[0])))
		return 0;
	if (!answer_room(a))
		return -ENOMEM;
	for (int i = 0; i < a->n; at += a->iov[i++].iov_len) {
		if (in_room(a, &a->iov[i]))
			continue;
		memcpy(a->room + at, a->iov[i].iov_base, a->iov[i].iov_len);
		budget_put(a->budget, a->iov[i].iov_base);
	}
	a->iov[0] = (struct iovec){a->room, a->len};
	a->n = 1;
	return 0;
}

int answer_add(struct answer *a, const void *bytes, size_t n)
{
	char *to = answer_room(a);

	if (!to)
		return -ENOMEM;
	if (bytes)
		memcpy(to, bytes, n);
	else
		memset(to, 0, n);
	answer_add_room(a, n);
	return 0;
}

int answer_add_block(struct answer *a, void *bytes, size_t n)
{
	assert(n <= a->size - a->len);
	if (a->n >= ANSWER_PIECES - 1) /* the last is for all the rest */
		return answer_add(a, bytes, n);
	if (n) {
		budget_hold(a->budget, bytes);
		a->iov[a->n++] = (struct iovec){bytes, n};
		a->len += n;
	}
	return 0;
}
