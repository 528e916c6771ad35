/* SPDX-License-Identifier: MIT */
#include "budget.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "num.h"
#include "wait.h"

#define HUGE_PAGE ((size_t)2 << 20) /* at most */

struct budget {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	pthread_mutex_t reserve_owner;
	char *map;
	size_t map_size;
	char *memory; /* in the map */
	size_t blocks, reserve;
	size_t share;        /* for reading alone */
	bool reads_expected; /* then it is larger */
	size_t used, read;
	uint64_t told;  /* times */
	uint32_t *free; /* indices, the last freed on top */
	size_t nfree;
	uint32_t *gone; /* given up, likewise */
	size_t ngone, to_go;
	uint16_t *held; /* times, by index */
	bool *reads;    /* was taken to read, by index */
	bool *touched;  /* the system has memory for it, by index */
	size_t ntouched;
};

static size_t index_of(const struct budget *b, const void *block)
{
	size_t i = (size_t)((const char *)block - b->memory) / BUDGET_BLOCK;

	assert(i < b->blocks);
	return i;
}

/* In huge pages, where the system has them for who asks: each byte is touched several
 * times, and page by page that costs a tenth of all. */
static int map_memory(struct budget *b)
{
	size_t size = b->blocks * BUDGET_BLOCK;
	char *map;

	b->map_size = size + HUGE_PAGE;
	map = mmap(NULL, b->map_size, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	b->map = map;
	b->memory = map + (HUGE_PAGE - (uintptr_t)map % HUGE_PAGE) % HUGE_PAGE;
	(void)!madvise(b->memory, size, MADV_HUGEPAGE);
	return 0;
}

static size_t not_given_up(const struct budget *b)
{
	return b->blocks - b->to_go;
}

static void set_share(struct budget *b)
{
	size_t all = not_given_up(b), few = all / 32;
	size_t many = all > 3 * b->reserve ? all - 3 * b->reserve : 0;

	b->share = b->reads_expected ? max64(few, min64(all / 4, many)) : few;
}

struct budget *budget_new(uint64_t size, uint64_t reserve)
{
	struct budget *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	b->blocks = (size + BUDGET_BLOCK - 1) / BUDGET_BLOCK;
	b->reserve = (reserve + BUDGET_BLOCK - 1) / BUDGET_BLOCK;
	b->free = calloc(b->blocks, sizeof *b->free);
	b->gone = calloc(b->blocks, sizeof *b->gone);
	b->held = calloc(b->blocks, sizeof *b->held);
	b->reads = calloc(b->blocks, sizeof *b->reads);
	b->touched = calloc(b->blocks, sizeof *b->touched);
	set_share(b);
	if (!b->free || !b->gone || !b->held || !b->reads || !b->touched || map_memory(b)) {
		budget_free(b);
		return NULL;
	}
	for (size_t i = b->blocks; i-- > 0;)
		b->free[b->nfree++] = (uint32_t)i;
	pthread_mutex_init(&b->lock, NULL);
	pthread_mutex_init(&b->reserve_owner, NULL);
	wait_init(&b->freed);
	return b;
}

void budget_free(struct budget *b)
{
	if (!b)
		return;
	assert(!b->used);
	if (b->map)
		munmap(b->map, b->map_size);
	free(b->free);
	free(b->gone);
	free(b->held);
	free(b->reads);
	free(b->touched);
	free(b);
}

/* Blocks that writers must leave. */
static size_t kept(const struct budget *b)
{
	return b->reserve + (b->share > b->read ? b->share - b->read : 0);
}

static void *take(struct budget *b, bool to_read, bool reserved)
{
	void *block = NULL;

	pthread_mutex_lock(&b->lock);
	if (b->nfree > (reserved ? 0 : to_read ? b->reserve : kept(b))) {
		uint32_t i = b->free[--b->nfree];

		b->held[i] = 1;
		b->ntouched += !b->touched[i];
		b->touched[i] = true;
		b->reads[i] = to_read;
		b->read += to_read;
		b->used++;
		block = b->memory + i * BUDGET_BLOCK;
	}
	pthread_mutex_unlock(&b->lock);
	return block;
}

/* Free blocks go, those first that were not used for the longest time, as far as the
 * reserve is not touched; or come back. */
static void settle_locked(struct budget *b)
{
	size_t n = 0, back = 0;

	while (b->ngone < b->to_go && b->nfree - n > b->reserve) {
		uint32_t i = b->free[n++];

		(void)!madvise(b->memory + i * BUDGET_BLOCK, BUDGET_BLOCK, MADV_DONTNEED);
		b->ntouched -= b->touched[i];
		b->touched[i] = false;
		b->gone[b->ngone++] = i;
	}
	b->nfree -= n;
	memmove(b->free, b->free + n, b->nfree * sizeof *b->free);
	if (b->ngone > b->to_go)
		back = b->ngone - b->to_go;
	memmove(b->free + back, b->free, b->nfree * sizeof *b->free);
	b->ngone -= back;
	memcpy(b->free, b->gone + b->ngone, back * sizeof *b->free);
	b->nfree += back;
}

void budget_give_up(struct budget *b, uint64_t bytes)
{
	size_t stay = max64(b->blocks / 2, min64(b->blocks, 4 * b->reserve));

	pthread_mutex_lock(&b->lock);
	b->to_go = min64(bytes / BUDGET_BLOCK, b->blocks - stay);
	set_share(b);
	settle_locked(b);
	pthread_cond_broadcast(&b->freed);
	pthread_mutex_unlock(&b->lock);
}

void *budget_take(struct budget *b, bool reserved)
{
	return take(b, false, reserved);
}

void *budget_take_to_read(struct budget *b)
{
	return take(b, true, false);
}

bool budget_has_to_read(struct budget *b, size_t blocks)
{
	bool has;

	pthread_mutex_lock(&b->lock);
	has = b->nfree >= b->reserve + blocks;
	pthread_mutex_unlock(&b->lock);
	return has;
}

void budget_hold(struct budget *b, void *block)
{
	pthread_mutex_lock(&b->lock);
	b->held[index_of(b, block)]++;
	pthread_mutex_unlock(&b->lock);
}

void budget_put(struct budget *b, void *block)
{
	size_t i = index_of(b, block);

	pthread_mutex_lock(&b->lock);
	assert(b->held[i]);
	if (--b->held[i] == 0) {
		b->free[b->nfree++] = (uint32_t)i;
		b->used--;
		b->read -= b->reads[i];
		b->reads[i] = false;
		if (b->ngone != b->to_go)
			settle_locked(b);
		pthread_cond_broadcast(&b->freed);
	}
	pthread_mutex_unlock(&b->lock);
}

bool budget_shared(struct budget *b, void *block)
{
	bool shared;

	pthread_mutex_lock(&b->lock);
	shared = b->held[index_of(b, block)] > 1;
	pthread_mutex_unlock(&b->lock);
	return shared;
}

uint64_t budget_told(struct budget *b)
{
	uint64_t told;

	pthread_mutex_lock(&b->lock);
	told = b->told;
	pthread_mutex_unlock(&b->lock);
	return told;
}

void budget_wait(struct budget *b, uint64_t told, unsigned timeout_ms)
{
	pthread_mutex_lock(&b->lock);
	if (b->nfree <= kept(b) && b->told == told)
		wait_ms(&b->freed, &b->lock, timeout_ms);
	pthread_mutex_unlock(&b->lock);
}

void budget_tell(struct budget *b)
{
	pthread_mutex_lock(&b->lock);
	b->told++;
	pthread_cond_broadcast(&b->freed);
	pthread_mutex_unlock(&b->lock);
}

void budget_reserve(struct budget *b)
{
	pthread_mutex_lock(&b->reserve_owner);
}

void budget_unreserve(struct budget *b)
{
	pthread_mutex_unlock(&b->reserve_owner);
}

uint64_t budget_touched(struct budget *b)
{
	uint64_t bytes;

	pthread_mutex_lock(&b->lock);
	bytes = b->ntouched * BUDGET_BLOCK;
	pthread_mutex_unlock(&b->lock);
	return bytes;
}

uint64_t budget_size(struct budget *b)
{
	uint64_t size;

	pthread_mutex_lock(&b->lock);
	size = not_given_up(b) * BUDGET_BLOCK;
	pthread_mutex_unlock(&b->lock);
	return size;
}

uint64_t budget_used(struct budget *b)
{
	uint64_t used;

	pthread_mutex_lock(&b->lock);
	used = b->used * BUDGET_BLOCK;
	pthread_mutex_unlock(&b->lock);
	return used;
}

uint64_t budget_spare(struct budget *b)
{
	uint64_t spare;

	pthread_mutex_lock(&b->lock);
	spare = b->nfree > kept(b) ? (b->nfree - kept(b)) * BUDGET_BLOCK : 0;
	pthread_mutex_unlock(&b->lock);
	return spare;
}

void budget_expect_reads(struct budget *b, bool any)
{
	size_t before;

	pthread_mutex_lock(&b->lock);
	before = b->share;
	b->reads_expected = any;
	set_share(b);
	if (b->share < before)
		pthread_cond_broadcast(&b->freed);
	pthread_mutex_unlock(&b->lock);
}

uint64_t budget_read_share(struct budget *b)
{
	uint64_t share;

	pthread_mutex_lock(&b->lock);
	share = b->share * BUDGET_BLOCK;
	pthread_mutex_unlock(&b->lock);
	return share;
}

bool budget_read_too_much(struct budget *b)
{
	bool too_much;

	pthread_mutex_lock(&b->lock);
	too_much = b->read > b->share;
	pthread_mutex_unlock(&b->lock);
	return too_much;
}
