/* SPDX-License-Identifier: MIT */
#include "ahead.h"

#define SKIP    64 /* the kernel knows some, and does not ask for them */
#define CERTAIN 2  /* lookups in order that make a pass of them */
#define MANY    8  /* ... which the next directory will see, too */

#define DIRECTORIES_MIN 4 /* ... to list ahead */
#define DIRECTORIES_MAX 32
#define UNPROVED_MAX    2048

bool ahead_is_pass(const struct ahead *a, size_t n)
{
	return a->files &&
	       (a->streak >= MANY || (a->from_first && a->streak >= CERTAIN && a->next == n));
}

size_t ahead_look(struct ahead *a, size_t i, size_t n, unsigned flags, size_t *first)
{
	size_t window = AHEAD_MAX, end;
	bool likely;

	if (i + 1 == a->next)
		return 0; /* the same again */
	if (!a->next || i < a->next || i > a->next + SKIP) {
		*a = (struct ahead){.from_first = !i, .streak = !a->next};
	} else {
		a->streak++;
	}
	if (!(flags & AHEAD_DIR) && !a->files) {
		a->files = true;
		a->asked = i + 1; /* the files among those before were left out */
	}
	likely = flags & AHEAD_LIKELY && a->files && i <= SKIP;
	a->next = i + 1;
	if (a->asked < a->next)
		a->asked = a->next;
	if (a->streak < CERTAIN && !likely)
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

void ahead_opened(struct ahead_below *b, bool foreseen)
{
	b->foretold = foreseen ? b->foretold + 1 : 0;
}

unsigned ahead_directories(const struct ahead_below *b)
{
	/* Each is listed and has attributes of its own. */
	unsigned n = AHEAD_MAX / (b->names + 2);
	unsigned most = b->foretold < 3 ? DIRECTORIES_MIN << b->foretold : DIRECTORIES_MAX;

	return n < DIRECTORIES_MIN ? DIRECTORIES_MIN : n < most ? n : most;
}

bool ahead_listed(struct ahead_below *b, size_t n)
{
	b->names = n < AHEAD_MAX ? (unsigned)n : AHEAD_MAX;
	if (b->unproved >= UNPROVED_MAX)
		return false;
	b->unproved += b->names;
	return true;
}

void ahead_proved(struct ahead_below *b)
{
	b->unproved = 0;
}
