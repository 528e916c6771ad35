/* SPDX-License-Identifier: MIT */
#include "extents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"

void extents_fini(struct extents *e)
{
	free(e->v);
	*e = (struct extents){0};
}

int extents_reserve(struct extents *e)
{
	size_t cap = e->cap ? 2 * e->cap : 2;
	struct extent *v;

	if (e->n < e->cap)
		return 0;
	v = realloc(e->v, cap * sizeof *v);
	if (!v)
		return -ENOMEM;
	e->v = v;
	e->cap = cap;
	return 0;
}

size_t extents_position(const struct extents *e, uint64_t at)
{
	size_t lo = 0, hi = e->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e->v[mid].to <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The extents from i on are those from j on, moved. */
static void move(struct extents *e, size_t i, size_t j)
{
	if (i != j)
		memmove(e->v + i, e->v + j, (e->n - j) * sizeof *e->v);
	e->n = e->n + i - j;
}

void extents_add(struct extents *e, uint64_t from, uint64_t to)
{
	size_t i = extents_position(e, from), j;

	if (i && e->v[i - 1].to == from)
		i--;
	for (j = i; j < e->n && e->v[j].from <= to; j++)
		;
	if (i == j) {
		move(e, i + 1, i);
		e->v[i] = (struct extent){from, to};
		return;
	}
	e->v[i] = (struct extent){min64(e->v[i].from, from), max64(e->v[j - 1].to, to)};
	move(e, i + 1, j);
}

void extents_remove(struct extents *e, uint64_t from, uint64_t to)
{
	size_t i = extents_position(e, from), j;

	if (i < e->n && e->v[i].from < from) {
		if (e->v[i].to > to) {
			move(e, i + 1, i);
			e->v[i + 1].from = to;
			e->v[i].to = from;
			return;
		}
		e->v[i++].to = from;
	}
	for (j = i; j < e->n && e->v[j].to <= to; j++)
		;
	move(e, i, j);
	if (i < e->n && e->v[i].from < to)
		e->v[i].from = to;
}

bool extents_cover(const struct extents *e, uint64_t from, uint64_t to)
{
	size_t i = extents_position(e, from);

	return from >= to || (i < e->n && e->v[i].from <= from && e->v[i].to >= to);
}

bool extents_touch(const struct extents *e, uint64_t from, uint64_t to)
{
	size_t i = extents_position(e, from);

	return i < e->n && e->v[i].from < to;
}
