/* SPDX-License-Identifier: MIT */
#include "budget.h"
#include "test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

TEST(sizes_are_rounded_up_to_blocks)
{
	struct budget *b = budget_new(3 * BUDGET_BLOCK - 5, 0);

	check_int(budget_size(b), 3 * BUDGET_BLOCK);
	check_int(budget_used(b), 0);
	budget_free(b);
	budget_free(NULL);
}

TEST(no_more_is_lent_than_there_is)
{
	struct budget *b = budget_new(4 * BUDGET_BLOCK, 0);
	void *v[4];

	for (int i = 0; i < 4; i++) {
		v[i] = budget_take(b, false);
		check(v[i] != NULL);
		memset(v[i], i, BUDGET_BLOCK);
		for (int k = 0; k < i; k++)
			check(v[k] != v[i] && *(char *)v[k] == k);
	}
	check(!budget_take(b, false) && !budget_take(b, true));
	check_int(budget_used(b), 4 * BUDGET_BLOCK);
	budget_put(b, v[2]);
	check(budget_take(b, false) == v[2]); /* the last put is taken first: warm */
	for (int i = 0; i < 4; i++)
		budget_put(b, v[i]);
	check_int(budget_used(b), 0);
	budget_free(b);
}

/* Blocks that can be taken now. */
static size_t count(struct budget *b)
{
	void *v[64];
	size_t n = 0;

	while (n < 64 && (v[n] = budget_take(b, false)))
		n++;
	for (size_t i = n; i-- > 0;)
		budget_put(b, v[i]);
	return n;
}

TEST(what_is_given_up_goes_as_it_is_free_and_comes_back)
{
	struct budget *b = budget_new(32 * BUDGET_BLOCK, 2 * BUDGET_BLOCK);
	size_t all = count(b); /* 32, but for the reserve and one for reading */
	void *v[32];

	budget_give_up(b, 10 * BUDGET_BLOCK);
	check_int(count(b), 22 - 2);
	budget_give_up(b, 4 * BUDGET_BLOCK - 1);
	check_int(count(b), 29 - 2);
	budget_give_up(b, 1000 * BUDGET_BLOCK); /* but half of it stays */
	check_int(count(b), 16 - 2);
	budget_give_up(b, 0);
	check_int(count(b), all);
	check_int(all, 32 - 2 - 1);

	for (size_t i = 0; i < all; i++)
		memset(v[i] = budget_take(b, false), 1, BUDGET_BLOCK);
	budget_give_up(b, 10 * BUDGET_BLOCK);
	for (size_t i = 0; i < 2; i++)
		check((v[all + i] = budget_take(b, true)) != NULL); /* the reserve stays */
	for (size_t i = 0; i < all + 2; i++)
		budget_put(b, v[i]);
	check_int(count(b), 22 - 2);
	check_int(budget_size(b), 22 * BUDGET_BLOCK);
	budget_free(b);
}

TEST(what_is_given_up_leaves_writers_twice_the_reserve_beside_readers)
{
	struct budget *b = budget_new(64 * BUDGET_BLOCK, 8 * BUDGET_BLOCK);

	budget_expect_reads(b, true);
	check_int(count(b), 64 - 8 - 16);
	budget_give_up(b, 1000 * BUDGET_BLOCK);
	check_int(budget_size(b), 32 * BUDGET_BLOCK);
	check_int(count(b), 16);
	budget_free(b);
}

TEST(what_was_given_up_is_no_memory_any_more)
{
	struct budget *b = budget_new(32 * BUDGET_BLOCK, 0);
	void *v[32];
	unsigned char there;
	size_t gone = 0;

	for (int i = 0; i < 31; i++)
		memset(v[i] = budget_take(b, false), 1, BUDGET_BLOCK);
	for (int i = 0; i < 31; i++)
		budget_put(b, v[i]);
	check_int(budget_touched(b), 31 * BUDGET_BLOCK);
	budget_give_up(b, 8 * BUDGET_BLOCK);
	check_int(budget_touched(b), 24 * BUDGET_BLOCK); /* one was never used */
	for (int i = 0; i < 31; i++) {
		check(!mincore(v[i], 1, &there));
		gone += !(there & 1);
	}
	check_int(gone, 7);
	budget_give_up(b, 0);
	check_int(count(b), 31);
	budget_free(b);
}

TEST(a_block_held_twice_is_free_when_put_twice)
{
	struct budget *b = budget_new(BUDGET_BLOCK, 0);
	void *block = budget_take(b, false);

	check(!budget_shared(b, block));
	budget_hold(b, block);
	check(budget_shared(b, block));
	check_int(budget_used(b), BUDGET_BLOCK);
	budget_put(b, block);
	check(!budget_shared(b, block));
	check(!budget_take(b, false));
	budget_put(b, block);
	check_int(budget_used(b), 0);
	budget_free(b);
}

TEST(the_reserve_is_lent_to_its_owner_only)
{
	struct budget *b = budget_new(5 * BUDGET_BLOCK, 2 * BUDGET_BLOCK - 1);
	void *v[5];

	for (int i = 0; i < 3; i++)
		v[i] = budget_take(b, false);
	check(v[2] != NULL);
	check(!budget_take(b, false));
	budget_reserve(b);
	v[3] = budget_take(b, true);
	v[4] = budget_take(b, true);
	check(v[3] && v[4] && !budget_take(b, true));
	budget_unreserve(b);
	budget_put(b, v[0]);
	check(!budget_take(b, false)); /* the reserve is made good first */
	budget_put(b, v[1]);
	check(!budget_take(b, false));
	budget_put(b, v[2]);
	v[0] = budget_take(b, false);
	check(v[0] != NULL);
	budget_put(b, v[0]);
	budget_put(b, v[3]);
	budget_put(b, v[4]);
	budget_free(b);
}

struct late {
	struct budget *b;
	void *block;
};

static void *put_later(void *arg)
{
	struct late *l = arg;

	usleep(50000);
	budget_put(l->b, l->block);
	return NULL;
}

TEST(a_wait_ends_with_a_put_or_in_time)
{
	struct budget *b = budget_new(BUDGET_BLOCK, 0);
	struct late late = {b, budget_take(b, false)};
	pthread_t thread;
	long long start = now_ms();

	budget_wait(b, budget_told(b), 30);
	check(now_ms() - start >= 29 && now_ms() - start < 5000);
	start = now_ms();
	pthread_create(&thread, NULL, put_later, &late);
	budget_wait(b, budget_told(b), 20000);
	check(now_ms() - start < 10000);
	pthread_join(thread, NULL);
	start = now_ms();
	budget_wait(b, budget_told(b), 20000); /* there is one */
	check(now_ms() - start < 10000);
	budget_free(b);
}

static void *tell_later(void *arg)
{
	usleep(50000);
	budget_tell(arg);
	return NULL;
}

TEST(a_wait_ends_when_something_was_told_also_before_it)
{
	struct budget *b = budget_new(BUDGET_BLOCK, 0);
	void *block = budget_take(b, false);
	uint64_t told = budget_told(b);
	pthread_t thread;
	long long start = now_ms();

	pthread_create(&thread, NULL, tell_later, b);
	budget_wait(b, told, 20000);
	check(now_ms() - start < 10000);
	pthread_join(thread, NULL);
	budget_wait(b, told, 20000);
	check(now_ms() - start < 10000);
	budget_put(b, block);
	budget_free(b);
}

static void *own_reserve(void *arg)
{
	static int owners;

	for (int i = 0; i < 500; i++) {
		budget_reserve(arg);
		if (++owners != 1)
			abort();
		owners--;
		budget_unreserve(arg);
	}
	return NULL;
}

TEST(the_reserve_has_one_owner_at_a_time)
{
	struct budget *b = budget_new(BUDGET_BLOCK, BUDGET_BLOCK);
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, own_reserve, b);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	budget_free(b);
}

static void *use_blocks(void *arg)
{
	for (int i = 0; i < 5000; i++) {
		char *block = budget_take(arg, false);

		if (!block)
			continue;
		block[i] = (char)i;
		budget_hold(arg, block);
		budget_put(arg, block);
		if (block[i] != (char)i)
			abort();
		budget_put(arg, block);
	}
	return NULL;
}

TEST(threads_never_share_a_block_unasked)
{
	struct budget *b = budget_new(3 * BUDGET_BLOCK, 0);
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, use_blocks, b);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	check_int(budget_used(b), 0);
	budget_free(b);
}

TEST(readers_have_a_share_that_writers_leave_to_them)
{
	struct budget *b = budget_new(64 * BUDGET_BLOCK, 4 * BUDGET_BLOCK);
	void *v[64];
	int n = 0, readers;

	while ((v[n] = budget_take(b, false)))
		n++;
	check_int(n, 64 - 4 - 2);
	check_int(budget_spare(b), 0);
	check(!budget_read_too_much(b));
	for (readers = n; (v[n] = budget_take_to_read(b)); n++)
		;
	check_int(n - readers, 2);
	budget_put(b, v[0]); /* is anybody's */
	v[0] = budget_take_to_read(b);
	check(v[0] && budget_read_too_much(b));
	budget_put(b, v[0]);
	check_int(budget_spare(b), BUDGET_BLOCK);
	while (n > 1)
		budget_put(b, v[--n]);
	check_int(budget_used(b), 0);
	budget_free(b);
}

static int takes_to_write(struct budget *b)
{
	void *v[64];
	int n = 0, taken;

	while ((v[n] = budget_take(b, false)))
		n++;
	taken = n;
	while (n)
		budget_put(b, v[--n]);
	return taken;
}

TEST(while_somebody_reads_ahead_the_share_is_larger_if_writers_have_enough)
{
	struct budget *b = budget_new(64 * BUDGET_BLOCK, 8 * BUDGET_BLOCK);

	check_int(budget_read_share(b), 2 * BUDGET_BLOCK);
	budget_expect_reads(b, true);
	check_int(budget_read_share(b), 16 * BUDGET_BLOCK);
	check_int(takes_to_write(b), 64 - 8 - 16);
	budget_expect_reads(b, false);
	check_int(takes_to_write(b), 64 - 8 - 2);
	budget_free(b);
	b = budget_new(64 * BUDGET_BLOCK, 18 * BUDGET_BLOCK);
	budget_expect_reads(b, true);
	check_int(takes_to_write(b), 2 * 18);
	budget_free(b);
	b = budget_new(64 * BUDGET_BLOCK, 22 * BUDGET_BLOCK);
	budget_expect_reads(b, true);
	check_int(takes_to_write(b), 64 - 22 - 2);
	budget_free(b);
}

TEST_MAIN
