/* SPDX-License-Identifier: MIT */
#include "listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct listing *listing_new(void)
{
	struct listing *l = calloc(1, sizeof *l);

	if (l)
		l->held = 1;
	return l;
}

struct listing *listing_hold(struct listing *l)
{
	l->held++;
	return l;
}

void listing_put(struct listing *l)
{
	if (!l || --l->held)
		return;
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].name);
	free(l->v);
	free(l);
}

/* Where name is or belongs. */
static size_t position(const struct listing *l, const char *name, bool *found)
{
	size_t lo = 0, hi = l->n;

	*found = false;
	if (hi && strcmp(l->v[hi - 1].name, name) < 0)
		return hi; /* a listing arrives sorted */
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int order = strcmp(l->v[mid].name, name);

		if (!order) {
			*found = true;
			return mid;
		}
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct listing_entry *listing_find(const struct listing *l, const char *name)
{
	bool found;
	size_t at = position(l, name, &found);

	return found ? &l->v[at] : NULL;
}

size_t listing_after(const struct listing *l, const char *name)
{
	bool found;
	size_t at = position(l, name, &found);

	return at + found;
}

static int insert(struct listing *l, size_t at, const struct listing_entry *e)
{
	char *name = strdup(e->name);

	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 16;
		struct listing_entry *v = realloc(l->v, cap * sizeof *v);

		if (!v) {
			free(name);
			return -ENOMEM;
		}
		l->v = v;
		l->cap = cap;
	}
	if (!name)
		return -ENOMEM;
	memmove(l->v + at + 1, l->v + at, (l->n - at) * sizeof *l->v);
	l->v[at] = *e;
	l->v[at].name = name;
	l->n++;
	return 0;
}

/* *l held by nobody else. */
static int unshare(struct listing **l)
{
	struct listing *copy;

	if ((*l)->held == 1)
		return 0;
	copy = listing_new();
	for (size_t i = 0; copy && i < (*l)->n; i++) {
		if (insert(copy, i, &(*l)->v[i])) {
			listing_put(copy);
			copy = NULL;
		}
	}
	listing_put(*l);
	*l = copy;
	return copy ? 0 : -ENOMEM;
}

int listing_add(struct listing **l, const char *name, bool dir, uint64_t size, time_t modified)
{
	struct listing_entry e = {(char *)name, dir, size, modified};
	bool found;
	size_t at;

	if (unshare(l))
		return -ENOMEM;
	at = position(*l, name, &found);
	if (found) {
		e.name = (*l)->v[at].name;
		(*l)->v[at] = e;
		return 0;
	}
	if (!insert(*l, at, &e))
		return 0;
	listing_put(*l);
	*l = NULL;
	return -ENOMEM;
}

int listing_remove(struct listing **l, const char *name)
{
	bool found;
	size_t at = position(*l, name, &found);

	if (!found)
		return 0;
	if (unshare(l))
		return -ENOMEM;
	free((*l)->v[at].name);
	memmove((*l)->v + at, (*l)->v + at + 1, ((*l)->n - at - 1) * sizeof *(*l)->v);
	(*l)->n--;
	return 0;
}
