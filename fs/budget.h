/* SPDX-License-Identifier: MIT */
/*
 * budget.h - all memory for file contents of one mount, in small blocks.
 *
 * One mapping of fixed size, touched only as far as it was ever used. A block
 * may be held several times; it is free when put as often. A reserve of blocks
 * is lent only to the one thread that has the reserve (to compose a slot), so
 * that progress can be made when all else is taken. A share of the others is
 * for reading ahead alone, as writers fill all that they can get: one block in
 * 32, as many of them read as well; up to one in four while somebody does read
 * ahead, as far as that leaves writers twice the reserve.
 *
 * What else the process needs in the end comes out of it as well: blocks are
 * given back to the system as they become free.
 *
 * Threads: any. The budget's lock is a leaf: nothing is called under it.
 */
#ifndef POURFS_BUDGET_H
#define POURFS_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUDGET_BLOCK ((size_t)64 << 10)

struct budget;

/* size and reserve (a part of size): bytes, rounded up to blocks. NULL: no memory. */
struct budget *budget_new(uint64_t size, uint64_t reserve);
void budget_free(struct budget *b); /* every block must have been put; accepts NULL */

/* NULL if there is none free. reserved: the caller has the reserve. */
void *budget_take(struct budget *b, bool reserved);
void *budget_take_to_read(struct budget *b);
/* So many could be taken to read just now. */
bool budget_has_to_read(struct budget *b, size_t blocks);
/* A block by any place in it. */
void budget_hold(struct budget *b, void *block);
void budget_put(struct budget *b, void *block);
bool budget_shared(struct budget *b, void *block);

/* Who finds no block, and nothing that could be given up, waits: until there is
 * a block, until budget_tell() was called since budget_told() gave that number,
 * or until timeout_ms have passed. */
uint64_t budget_told(struct budget *b);
void budget_wait(struct budget *b, uint64_t told, unsigned timeout_ms);
/* There may be blocks that can be given up now. */
void budget_tell(struct budget *b);

/* The reserve: one owner at a time. Blocks; the owner may take no other lock
 * that a waiter could hold. */
void budget_reserve(struct budget *b);
void budget_unreserve(struct budget *b);

/* So many bytes of it are needed for something else, and not those of last time; half
 * of it and four times the reserve stay. */
void budget_give_up(struct budget *b, uint64_t bytes);
/* What was used so far and not given up, also if it is free: the system has memory for it. */
uint64_t budget_touched(struct budget *b);

/* Without what is given up. */
uint64_t budget_size(struct budget *b);
uint64_t budget_used(struct budget *b);
/* Bytes that writers could take just now. */
uint64_t budget_spare(struct budget *b);
/* Somebody reads ahead, or nobody does. */
void budget_expect_reads(struct budget *b, bool any);
/* What is for reading alone: bytes. */
uint64_t budget_read_share(struct budget *b);
/* Readers have more than their share. */
bool budget_read_too_much(struct budget *b);

#endif
