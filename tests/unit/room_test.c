/* SPDX-License-Identifier: MIT */
#include "room.h"
#include "test.h"

#define MIB ((uint64_t)1 << 20)

/* Fills what it was granted, in writes that take no time, from that moment on. */
static void fill(struct room *r, struct room_claim *c, uint64_t bytes, uint64_t now)
{
	room_begin(r, c, now);
	room_use(r, c, bytes);
	room_end(r, c, now);
}

static enum room_answer enter_and_ask(struct room *r, struct room_waiter *w, uint64_t spare,
                                      uint64_t now)
{
	check_int(room_enter(r, w), ROOM_LATER);
	return room_ask(r, w, spare, now);
}

TEST(one_alone_waits_for_nobody)
{
	struct room r;
	struct room_claim a = {0};
	struct room_waiter w = {.claim = &a, .bytes = 8 * MIB};

	room_init(&r);
	check(!room_has(&r, &a, 1));
	check_int(enter_and_ask(&r, &w, 0, 1000), ROOM_GRANTED);
	check(room_has(&r, &a, 8 * MIB));
	check(!room_has(&r, &a, 8 * MIB + 1));
	room_fini(&r);
}

TEST(what_the_others_have_to_fill_is_theirs)
{
	struct room r;
	struct room_claim a = {0}, b = {0};
	struct room_waiter wa = {.claim = &a, .bytes = 8 * MIB},
			   wb = {.claim = &b, .bytes = 8 * MIB};

	room_init(&r);
	check_int(enter_and_ask(&r, &wa, 20 * MIB, 1000), ROOM_GRANTED);
	fill(&r, &a, 3 * MIB, 1000);
	check_int(enter_and_ask(&r, &wb, 12 * MIB, 1001), ROOM_LACKS);
	check_int(room_ask(&r, &wb, 13 * MIB, 1001), ROOM_GRANTED);
	check(!r.waiting);
	room_fini(&r);
}

TEST(who_is_whole_or_has_gone_away_is_in_nobodys_way)
{
	struct room r;
	struct room_claim a = {0}, b = {0};
	struct room_waiter wa = {.claim = &a, .bytes = 8 * MIB},
			   wb = {.claim = &b, .bytes = 8 * MIB};

	room_init(&r);
	check_int(enter_and_ask(&r, &wa, 8 * MIB, 1000), ROOM_GRANTED);
	fill(&r, &a, MIB, 1000);
	check_int(enter_and_ask(&r, &wb, MIB, 1010), ROOM_LACKS);
	check_int(room_ask(&r, &wb, MIB, 1021), ROOM_GRANTED); /* it pauses */
	room_drop(&r, &b);

	fill(&r, &a, 7 * MIB, 1030);
	check_int(enter_and_ask(&r, &wb, MIB, 1030), ROOM_GRANTED);
	room_drop(&r, &b);

	check_int(enter_and_ask(&r, &wa, 8 * MIB, 1040), ROOM_GRANTED);
	check_int(enter_and_ask(&r, &wb, MIB, 1040), ROOM_LACKS);
	room_give_back(&r, &a);
	check_int(room_ask(&r, &wb, MIB, 1040), ROOM_GRANTED);
	room_fini(&r);
}

TEST(one_that_waits_for_memory_is_not_gone)
{
	struct room r;
	struct room_claim a = {0}, b = {0};
	struct room_waiter wa = {.claim = &a, .bytes = 8 * MIB},
			   wb = {.claim = &b, .bytes = 8 * MIB};

	room_init(&r);
	check_int(enter_and_ask(&r, &wa, 8 * MIB, 1000), ROOM_GRANTED);
	room_lacks(&r, &a, true);
	check_int(enter_and_ask(&r, &wb, 0, 9000), ROOM_LACKS);
	room_lacks(&r, &a, false);
	check_int(room_ask(&r, &wb, 0, 9000), ROOM_GRANTED);
	room_fini(&r);
}

TEST(they_go_on_in_the_order_they_came)
{
	struct room r;
	struct room_claim a = {0}, b = {0}, c = {0};
	struct room_waiter wa = {.claim = &a, .bytes = 8 * MIB}, wb = {.claim = &b, .bytes = 8},
			   wc = {.claim = &c, .bytes = 8};

	room_init(&r);
	check_int(enter_and_ask(&r, &wa, 8 * MIB, 1000), ROOM_GRANTED);
	fill(&r, &a, 0, 1000);
	check_int(enter_and_ask(&r, &wb, MIB, 1000), ROOM_LACKS);
	check_int(enter_and_ask(&r, &wc, 100 * MIB, 1000), ROOM_LATER);
	room_leave(&r, &wb);
	check_int(room_ask(&r, &wc, 100 * MIB, 1000), ROOM_GRANTED);
	check(!r.waiting);
	room_fini(&r);
}

TEST(slow_ones_do_not_wait_and_are_not_waited_for)
{
	struct room r;
	struct room_claim a = {0}, b = {0};
	struct room_waiter wa = {.claim = &a, .bytes = 8 * MIB},
			   wb = {.claim = &b, .bytes = 8 * MIB};
	uint64_t now = 1000;

	room_init(&r);
	check_int(enter_and_ask(&r, &wb, 0, now), ROOM_GRANTED);
	check_int(enter_and_ask(&r, &wa, 100 * MIB, now), ROOM_GRANTED);
	for (int i = 0; i < 8; i++, now += 200)
		fill(&r, &a, MIB, now);
	room_begin(&r, &a, now);
	check_int(room_enter(&r, &wa), ROOM_GRANTED); /* though b has room to fill */
	check(room_has(&r, &a, 8 * MIB));
	room_end(&r, &a, now);
	fill(&r, &b, 8 * MIB, now);
	b.idle_ms = 0;
	check_int(enter_and_ask(&r, &wb, 0, now), ROOM_GRANTED);

	/* By now it is fast. */
	fill(&r, &a, 8 * MIB, now + 100);
	check_int(room_enter(&r, &wa), ROOM_LATER);
	room_leave(&r, &wa);
	room_fini(&r);
}

/* As a recorder does: a little at a time, and often. */
TEST(one_that_writes_often_and_little_is_slow)
{
	struct room r;
	struct room_claim a = {0}, b = {0};
	struct room_waiter wa = {.claim = &a, .bytes = 8 * MIB},
			   wb = {.claim = &b, .bytes = 8 * MIB};
	uint64_t now = 1000;

	room_init(&r);
	check_int(enter_and_ask(&r, &wa, 8 * MIB, now), ROOM_GRANTED);
	for (; now < 1080; now += 10)
		fill(&r, &a, 2048, now);
	check_int(enter_and_ask(&r, &wb, 0, now), ROOM_LACKS);
	for (; now < 1200; now += 10)
		fill(&r, &a, 2048, now);
	check_int(room_ask(&r, &wb, 0, now), ROOM_GRANTED);

	/* It is known before it asks for the first time, too. */
	room_drop(&r, &a);
	for (; now < 2200; now += 10)
		fill(&r, &a, 0, now);
	check_int(room_enter(&r, &wa), ROOM_GRANTED);
	room_fini(&r);
}

TEST(one_that_pauses_but_is_fast_stays_in_the_row)
{
	struct room r;
	struct room_claim a = {0};
	struct room_waiter w = {.claim = &a, .bytes = 8 * MIB};

	room_init(&r);
	check_int(enter_and_ask(&r, &w, 8 * MIB, 1000), ROOM_GRANTED);
	for (uint64_t now = 1000; now < 1700; now += 100)
		fill(&r, &a, MIB, now);
	check_int(room_enter(&r, &w), ROOM_LATER);
	room_leave(&r, &w);
	room_fini(&r);
}

TEST(a_file_that_is_opened_anew_is_not_slow_for_that)
{
	struct room r;
	struct room_claim a = {0};
	struct room_waiter w = {.claim = &a, .bytes = 8 * MIB};

	room_init(&r);
	check_int(enter_and_ask(&r, &w, 8 * MIB, 1000), ROOM_GRANTED);
	fill(&r, &a, MIB, 1000);
	room_give_back(&r, &a);
	check(!room_has(&r, &a, 1));
	fill(&r, &a, 0, 60000);
	check_int(room_enter(&r, &w), ROOM_LATER);
	room_leave(&r, &w);
	room_fini(&r);
}

TEST_MAIN
