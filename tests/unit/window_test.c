/* SPDX-License-Identifier: MIT */
#include "test.h"
#include "window.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)

TEST(the_window_doubles_up_to_its_limit_while_reads_are_sequential)
{
	struct window w = {.limit = 8 * MIB};
	uint64_t want = WINDOW_FIRST;

	for (uint64_t at = 0; at < 20 * 128 * KIB; at += 128 * KIB) {
		window_read(&w, at, 128 * KIB);
		check_int(w.next, at + 128 * KIB);
		check_int(w.ahead, want);
		check_int(w.chunk, want < WINDOW_CHUNK ? want : WINDOW_CHUNK);
		want = 2 * want < w.limit ? 2 * want : w.limit;
	}
}

TEST(a_jump_closes_it)
{
	struct window w = {.limit = 8 * MIB};

	for (uint64_t at = 0; at < 8; at++)
		window_read(&w, at * 128 * KIB, 128 * KIB);
	window_read(&w, 100 * MIB, 4 * KIB);
	check_int(w.ahead, 0);
	check_int(w.chunk, 0);
	window_read(&w, 100 * MIB + 4 * KIB, 4 * KIB);
	check_int(w.ahead, WINDOW_FIRST);
	window_read(&w, 10 * MIB, 4 * KIB);
	check_int(w.ahead, 0);
	check_int(w.next, 10 * MIB + 4 * KIB);
}

TEST(closed_it_opens_as_at_first)
{
	struct window w = {.limit = 8 * MIB};

	for (uint64_t at = 0; at < 8; at++)
		window_read(&w, at * 128 * KIB, 128 * KIB);
	window_close(&w);
	check_int(w.ahead, 0);
	window_read(&w, MIB, 128 * KIB);
	check_int(w.ahead, WINDOW_FIRST);
	check_int(w.chunk, WINDOW_FIRST);
}

TEST(a_first_read_far_inside_opens_nothing)
{
	struct window w = {.limit = 8 * MIB};

	window_read(&w, 50 * MIB, 4 * KIB);
	check_int(w.ahead, 0);
}

TEST(reads_a_little_out_of_order_are_sequential)
{
	struct window w = {.limit = 8 * MIB};

	window_read(&w, 0, 128 * KIB);
	window_read(&w, 256 * KIB, 128 * KIB);
	check_int(w.next, 384 * KIB);
	check_int(w.ahead, 2 * WINDOW_FIRST);
	window_read(&w, 128 * KIB, 128 * KIB); /* late: it neither opens nor closes */
	check_int(w.next, 384 * KIB);
	check_int(w.ahead, 2 * WINDOW_FIRST);
}

/* A run from `at` on, in reads of 128 KiB as the kernel sends them; how far ahead of its
 * first read it was fetched. */
static uint64_t run(struct window *w, uint64_t at, uint64_t len)
{
	uint64_t ahead = 0;

	for (uint64_t n = 0; n < len; n += 128 * KIB) {
		window_read(w, at + n, 128 * KIB);
		ahead = n ? ahead : w->ahead;
	}
	return ahead;
}

TEST(runs_as_long_as_two_before_are_fetched_at_once_and_no_farther)
{
	struct window w = {.limit = 8 * MIB};

	check_int(run(&w, 10 * MIB, MIB), 0);
	check_int(run(&w, 30 * MIB, MIB), 0);
	check_int(run(&w, 20 * MIB, 128 * KIB), MIB - 128 * KIB);
	check_int(w.chunk, MIB);
	for (uint64_t at = 128 * KIB; at < MIB; at += 128 * KIB) {
		window_read(&w, 20 * MIB + at, 128 * KIB);
		check_int(w.ahead, MIB - at - 128 * KIB);
		check_int(w.chunk, MIB);
	}
	window_read(&w, 21 * MIB, 128 * KIB); /* longer than those: from the start */
	check_int(w.ahead, WINDOW_FIRST);
	check_int(w.chunk, WINDOW_FIRST);
}

TEST(one_long_run_among_short_ones_makes_nobody_expect_another)
{
	struct window w = {.limit = 8 * MIB};

	run(&w, 10 * MIB, MIB);
	run(&w, 30 * MIB, 128 * KIB);
	check_int(run(&w, 40 * MIB, MIB), 0);
	check_int(run(&w, 50 * MIB, 128 * KIB), 0);
	check_int(run(&w, 60 * MIB, 128 * KIB), 0);
}

TEST(what_is_expected_has_a_limit)
{
	struct window w = {.limit = 512 * KIB};

	run(&w, 10 * MIB, 4 * MIB);
	run(&w, 30 * MIB, 4 * MIB);
	check_int(run(&w, 20 * MIB, 128 * KIB), 384 * KIB);
	w.limit = 64 * KIB; /* others came */
	window_read(&w, 20 * MIB + 128 * KIB, 128 * KIB);
	check_int(w.ahead, 64 * KIB);
	window_close(&w);
	window_read(&w, 20 * MIB + 256 * KIB, 128 * KIB);
	check_int(w.ahead, 64 * KIB);
	check_int(w.chunk, 64 * KIB);
}

TEST(a_limit_below_the_first_fetch_holds)
{
	struct window w = {.limit = 64 * KIB};

	window_read(&w, 0, 4 * KIB);
	check_int(w.ahead, 64 * KIB);
	window_read(&w, 4 * KIB, 4 * KIB);
	check_int(w.ahead, 64 * KIB);
}

TEST(a_small_window_is_made_of_more_than_one_request)
{
	struct window w = {.limit = 2 * MIB};

	for (uint64_t at = 0; at < 20; at++)
		window_read(&w, at * 128 * KIB, 128 * KIB);
	check_int(w.ahead, 2 * MIB);
	check_int(w.chunk, MIB);
	w.limit = 600 * KIB; /* others came */
	window_read(&w, 20 * 128 * KIB, 128 * KIB);
	check_int(w.ahead, 600 * KIB);
	check_int(w.chunk, 300 * KIB);
}

TEST_MAIN
