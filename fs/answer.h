/* SPDX-License-Identifier: MIT */
/*
 * answer.h - the bytes of an answer to a read, in the places where they lie: blocks
 * of the budget, which it holds until it is sent, and room of its own, which it has
 * only if it needs some.
 *
 * Threads: one at a time.
 */
#ifndef POURFS_ANSWER_H
#define POURFS_ANSWER_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "budget.h"
#include "s3.h"

#define ANSWER_PIECES 16

struct answer {
	struct budget *budget;
	size_t size, len; /* bytes that it may have, and has */
	char *room;       /* size of them, or NULL; each is where it is in the answer */
	struct iovec iov[ANSWER_PIECES];
	int n;
};

void answer_begin(struct answer *a, struct budget *budget, size_t size);
void answer_end(struct answer *a);

/* It has its first len bytes alone: no more than it had. */
void answer_cut(struct answer *a, size_t len);

/* Where its next bytes can be put, up to its size; then they have to be added.
 * NULL: no memory. */
void *answer_room(struct answer *a);
void answer_add_room(struct answer *a, size_t n);

/* From now on it holds no block: who waits must not. -ENOMEM. */
int answer_own(struct answer *a) s3_must_check;

/* Adds n bytes that are copied; NULL: zeros. -ENOMEM. */
int answer_add(struct answer *a, const void *bytes, size_t n) s3_must_check;
/* Adds n bytes of a block, which stays unchanged as long as it is held. -ENOMEM. */
int answer_add_block(struct answer *a, void *bytes, size_t n) s3_must_check;

#endif
