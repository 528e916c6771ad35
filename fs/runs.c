/* SPDX-License-Identifier: MIT */
#include "runs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"

void runs_fini(struct runs *r)
{
	free(r->v);
	*r = (struct runs){0};
}

int runs_reserve(struct runs *r, size_t more)
{
	size_t cap = r->cap ? r->cap : 4;
	struct run *v;

	while (cap < r->n + more)
		cap *= 2;
	if (cap == r->cap)
		return 0;
	v = realloc(r->v, cap * sizeof *v);
	if (!v)
		return -ENOMEM;
	r->v = v;
	r->cap = cap;
	return 0;
}

/* The first run that ends after offset. */
static size_t position(const struct runs *r, uint64_t offset)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->v[mid].to <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void insert(struct runs *r, size_t at, struct run run)
{
	memmove(r->v + at + 1, r->v + at, (r->n - at) * sizeof *r->v);
	r->v[at] = run;
	r->n++;
}

static void cut_front(struct run *run, uint64_t from)
{
	run->source_offset += from - run->from;
	run->from = from;
}

void runs_clear(struct runs *r, uint64_t from, uint64_t to)
{
	size_t i = position(r, from), j;

	if (i < r->n && r->v[i].from < from) {
		struct run tail = r->v[i];

		r->v[i++].to = from;
		if (tail.to > to) {
			cut_front(&tail, to);
			insert(r, i, tail);
			return;
		}
	}
	for (j = i; j < r->n && r->v[j].to <= to; j++)
		;
	if (j > i)
		memmove(r->v + i, r->v + j, (r->n - j) * sizeof *r->v);
	r->n -= j - i;
	if (i < r->n && r->v[i].from < to)
		cut_front(&r->v[i], to);
}

/* Makes one of run i and the next, if they go on in the same object. */
static void join(struct runs *r, size_t i)
{
	struct run *a = r->v + i, *b = a + 1;

	if (i + 1 >= r->n || a->to != b->from || a->source != b->source ||
	    a->source_offset + (a->to - a->from) != b->source_offset)
		return;
	a->to = b->to;
	memmove(b, b + 1, (r->n - i - 2) * sizeof *b);
	r->n--;
}

void runs_set(struct runs *r, uint64_t from, uint64_t to, int source, uint64_t source_offset)
{
	size_t i;

	runs_clear(r, from, to);
	i = position(r, from);
	insert(r, i, (struct run){from, to, source, source_offset});
	join(r, i);
	if (i)
		join(r, i - 1);
}

struct run runs_at(const struct runs *r, uint64_t from, uint64_t to)
{
	size_t i = position(r, from);
	struct run run = {from, to, RUN_ZERO, 0};

	if (i == r->n || r->v[i].from >= to)
		return run;
	if (r->v[i].from > from) {
		run.to = r->v[i].from;
		return run;
	}
	run = r->v[i];
	cut_front(&run, from);
	run.to = min64(run.to, to);
	return run;
}

size_t runs_count(const struct runs *r, uint64_t from, uint64_t to)
{
	size_t i = position(r, from), j = position(r, to);

	return j - i + (j < r->n && r->v[j].from < to);
}
