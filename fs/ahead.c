/* SPDX-License-Identifier: MIT */
#include "ahead.h"

#define SKIP    AHEAD_MAX /* the kernel knows some, and does not ask for them */
#define CERTAIN 2         /* lookups in order that make a pass of them */

bool ahead_is_pass(const struct ahead *a)
{
	return a->streak >= CERTAIN;
}

size_t ahead_look(struct ahead *a, size_t i, size_t n, bool likely, size_t *first)
{
	size_t window = AHEAD_MAX, end;

	if (i + 1 == a->next)
		return 0; /* the same again */
	if (i < a->next || i > a->next + SKIP || (!i && a->next)) {
		a->streak = 0;
		a->asked = 0;
	} else {
		a->streak++;
	}
	a->next = i + 1;
	if (a->asked < a->next)
		a->asked = a->next;
	if (!ahead_is_pass(a) && !(likely && i <= SKIP))
		return 0;
	if (!likely && a->streak - CERTAIN < 4)
		window = (size_t)4 << (a->streak - CERTAIN);
	end = n - a->next < window ? n : a->next + window;
	/* A good number at once, not one each time. */
	if (end <= a->asked || (end < n && a->asked - a->next > window / 2))
		return 0;
	*first = a->asked;
	a->asked = end;
	return end - *first;
}
