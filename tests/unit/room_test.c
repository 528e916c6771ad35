/* SPDX-License-Identifier: MIT */
#include "room.h"
#include "test.h"

#define MIB ((uint64_t)1 << 20)

static struct room r;
static struct room_claim a, b, c;
static struct room_waiter wa, wb, wc; /* of them */

static void begin(void)
{
	room_init(&r);
	a = b = c = (struct room_claim){0};
	wa = (struct room_waiter){.claim = &a, .bytes = 8 * MIB};
	wb = (struct room_waiter){.claim = &b, .bytes = 8 * MIB};
	wc = (struct room_waiter){.claim = &c, .bytes = 8 * MIB};
}

/* Fills what it was granted, in writes that take no time, from that moment on. */
static void fill(struct room_claim *claim, uint64_t bytes, uint64_t now)
{
	room_begin(&r, claim, now);
	room_use(&r, claim, bytes);
	room_end(&r, claim, now);
}

static enum room_answer enter_and_ask(struct room_waiter *w, uint64_t spare, uint64_t now)
{
	check_int(room_enter(&r, w), ROOM_LATER);
	return room_ask(&r, w, spare, now);
}

TEST(one_alone_waits_for_nobody)
{
	begin();
	check(!room_has(&r, &a, 1));
	check_int(enter_and_ask(&wa, 0, 1000), ROOM_GRANTED);
	check(room_has(&r, &a, 8 * MIB));
	check(!room_has(&r, &a, 8 * MIB + 1));
	room_fini(&r);
}

TEST(what_the_others_have_to_fill_is_theirs)
{
	begin();
	check_int(enter_and_ask(&wa, 20 * MIB, 1000), ROOM_GRANTED);
	fill(&a, 3 * MIB, 1000);
	check_int(enter_and_ask(&wb, 12 * MIB, 1001), ROOM_LACKS);
	check_int(room_ask(&r, &wb, 13 * MIB, 1001), ROOM_GRANTED);
	check(!r.waiting);
	room_fini(&r);
}

TEST(who_is_whole_or_has_gone_away_is_in_nobodys_way)
{
	begin();
	check_int(enter_and_ask(&wa, 8 * MIB, 1000), ROOM_GRANTED);
	fill(&a, MIB, 1000);
	check_int(enter_and_ask(&wb, MIB, 1010), ROOM_LACKS);
	check_int(room_ask(&r, &wb, MIB, 1021), ROOM_GRANTED); /* it pauses */
	room_drop(&r, &b);

	fill(&a, 7 * MIB, 1030);
	check_int(enter_and_ask(&wb, MIB, 1030), ROOM_GRANTED);
	room_drop(&r, &b);

	check_int(enter_and_ask(&wa, 8 * MIB, 1040), ROOM_GRANTED);
	check_int(enter_and_ask(&wb, MIB, 1040), ROOM_LACKS);
	room_give_back(&r, &a);
	check_int(room_ask(&r, &wb, MIB, 1040), ROOM_GRANTED);
	room_fini(&r);
}

TEST(one_that_waits_for_memory_is_not_gone)
{
	begin();
	check_int(enter_and_ask(&wa, 8 * MIB, 1000), ROOM_GRANTED);
	room_lacks(&r, &a, true);
	check_int(enter_and_ask(&wb, 0, 9000), ROOM_LACKS);
	room_lacks(&r, &a, false);
	check_int(room_ask(&r, &wb, 0, 9000), ROOM_GRANTED);
	room_fini(&r);
}

TEST(they_go_on_in_the_order_they_came)
{
	begin();
	check_int(enter_and_ask(&wa, 8 * MIB, 1000), ROOM_GRANTED);
	fill(&a, 0, 1000);
	check_int(enter_and_ask(&wb, MIB, 1000), ROOM_LACKS);
	check_int(enter_and_ask(&wc, 100 * MIB, 1000), ROOM_LATER);
	room_leave(&r, &wb);
	check_int(room_ask(&r, &wc, 100 * MIB, 1000), ROOM_GRANTED);
	check(!r.waiting);
	room_fini(&r);
}

TEST(slow_ones_do_not_wait_and_are_not_waited_for)
{
	uint64_t now = 1000;

	begin();
	check_int(enter_and_ask(&wb, 0, now), ROOM_GRANTED);
	check_int(enter_and_ask(&wa, 100 * MIB, now), ROOM_GRANTED);
	for (int i = 0; i < 8; i++, now += 200)
		fill(&a, MIB, now);
	room_begin(&r, &a, now);
	check_int(room_enter(&r, &wa), ROOM_GRANTED); /* though b has room to fill */
	check(room_has(&r, &a, 8 * MIB));
	room_end(&r, &a, now);
	fill(&b, 8 * MIB, now);
	b.idle_ms = 0;
	check_int(enter_and_ask(&wb, 0, now), ROOM_GRANTED);

	/* By now it is fast. */
	fill(&a, 8 * MIB, now + 100);
	check_int(room_enter(&r, &wa), ROOM_LATER);
	room_leave(&r, &wa);
	room_fini(&r);
}

/* As a recorder does: a little at a time, and often. */
TEST(one_that_writes_often_and_little_is_slow)
{
	uint64_t now = 1000;

	begin();
	check_int(enter_and_ask(&wa, 8 * MIB, now), ROOM_GRANTED);
	for (; now < 1080; now += 10)
		fill(&a, 2048, now);
	check_int(enter_and_ask(&wb, 0, now), ROOM_LACKS);
	for (; now < 1200; now += 10)
		fill(&a, 2048, now);
	check_int(room_ask(&r, &wb, 0, now), ROOM_GRANTED);

	/* It is known before it asks for the first time, too. */
	room_drop(&r, &a);
	for (; now < 2200; now += 10)
		fill(&a, 0, now);
	check_int(room_enter(&r, &wa), ROOM_GRANTED);
	room_fini(&r);
}

TEST(one_that_pauses_but_is_fast_stays_in_the_row)
{
	begin();
	check_int(enter_and_ask(&wa, 8 * MIB, 1000), ROOM_GRANTED);
	for (uint64_t now = 1000; now < 1700; now += 100)
		fill(&a, MIB, now);
	check_int(room_enter(&r, &wa), ROOM_LATER);
	room_leave(&r, &wa);
	room_fini(&r);
}

TEST(a_file_that_is_opened_anew_is_not_slow_for_that)
{
	begin();
	check_int(enter_and_ask(&wa, 8 * MIB, 1000), ROOM_GRANTED);
	fill(&a, MIB, 1000);
	room_give_back(&r, &a);
	check(!room_has(&r, &a, 1));
	fill(&a, 0, 60000);
	check_int(room_enter(&r, &wa), ROOM_LATER);
	room_leave(&r, &wa);
	room_fini(&r);
}

TEST_MAIN
