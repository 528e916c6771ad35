/* SPDX-License-Identifier: MIT */
#include "window.h"

#include "num.h"

#define SLACK    ((uint64_t)512 << 10) /* how far out of order is still in order */
#define REQUESTS 2                     /* that an open window is made of, or more */

void window_close(struct window *w)
{
	w->ahead = 0;
	w->chunk = 0;
}

void window_read(struct window *w, uint64_t offset, uint64_t len)
{
	uint64_t end = offset + len,
		 most = max64(w->limit / REQUESTS, min64(w->limit, WINDOW_FIRST));

	if (offset + SLACK < w->next || offset > w->next + SLACK) {
		window_close(w);
		w->next = end;
		return;
	}
	if (end <= w->next)
		return;
	w->next = end;
	w->ahead = min64(w->ahead ? 2 * w->ahead : WINDOW_FIRST, w->limit);
	w->chunk = min64(w->chunk ? 2 * w->chunk : WINDOW_FIRST, min64(most, WINDOW_CHUNK));
}
