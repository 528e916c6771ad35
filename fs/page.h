/* SPDX-License-Identifier: MIT */
/*
 * page.h - the next page of a listing, asked for before it is wanted.
 *
 * No lock may be held when calling. Errors are -errno as s3.h gives them.
 */
#ifndef POURFS_PAGE_H
#define POURFS_PAGE_H

#include "mount.h"

#define PAGE_NAMES 1000 /* as many as services list at once */

struct page_ahead;

/* Has a worker ask for what follows token in the directory with that prefix, as both
 * are now. NULL: it is not asked for. */
struct page_ahead *page_ask(struct mount *m, const char *prefix, const char *token);
/* Waits for it, and ends p, whatever comes of it. -EAGAIN: it has to be asked for;
 * -EINTR. */
int page_take(struct page_ahead *p, struct s3_page *page, const atomic_bool *cancel) s3_must_check;
/* Nobody wants it any more; accepts NULL. */
void page_drop(struct page_ahead *p);

#endif
