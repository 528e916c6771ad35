/* SPDX-License-Identifier: MIT */
#include "window.h"

#include "num.h"

#define SLACK    ((uint64_t)512 << 10) /* how far out of order is still in order */
#define REQUESTS 2                     /* that an open window is made of, or more */

void window_close(struct window *w)
{
	w->ahead = 0;
	w->chunk = 0;
	w->expected = 0;
}

/* The read is the first one elsewhere. */
static void jump(struct window *w, uint64_t offset, uint64_t end)
{
	uint64_t run = w->next - w->began;
	uint64_t expected = min64(min64(run, w->last), min64(WINDOW_CHUNK, w->limit));

	window_close(w);
	w->last = run;
	w->began = offset;
	w->next = end;
	if (expected >= WINDOW_FIRST && offset + expected > end) {
		w->expected = offset + expected;
		w->ahead = w->expected - end;
		w->chunk = expected;
	}
}

void window_read(struct window *w, uint64_t offset, uint64_t len)
{
	uint64_t end = offset + len,
		 most = max64(w->limit / REQUESTS, min64(w->limit, WINDOW_FIRST));

	if (offset + SLACK < w->next || offset > w->next + SLACK) {
		jump(w, offset, end);
		return;
	}
	if (end <= w->next)
		return;
	w->next = end;
	if (end <= w->expected) {
		w->ahead = min64(w->expected - end, w->limit);
		return;
	}
	if (w->expected)
		window_close(w); /* what was expected is no start for more */
	w->ahead = min64(w->ahead ? 2 * w->ahead : WINDOW_FIRST, w->limit);
	w->chunk = min64(w->chunk ? 2 * w->chunk : WINDOW_FIRST, min64(most, WINDOW_CHUNK));
}
