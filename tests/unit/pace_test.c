/* SPDX-License-Identifier: MIT */
#include "pace.h"

#include "test.h"

TEST(without_a_rate_nothing_waits)
{
	struct pace p = {0};

	check_int(pace_take(&p, 5, 1 << 30), 0);
	check_int(pace_take(&p, 5, 1 << 30), 0);
	check_int(pace_chunk(&p, 1 << 30), 1 << 30);
}

TEST(bytes_move_one_after_the_other)
{
	struct pace p = {.rate = 1000};

	/* The first hundred are there: a tenth of a second was not used. */
	check_int(pace_take(&p, 10000000, 100), 0);
	check_int(pace_take(&p, 10000000, 500), 0);
	check_int(pace_take(&p, 10000000, 500), 500000);
	check_int(pace_take(&p, 10100000, 1), 900000);
}

TEST(what_was_not_used_is_not_made_up_for)
{
	struct pace p = {.rate = 1000};
	int64_t now = 0, moved = 0;

	check_int(pace_take(&p, 0, 1000), 0);
	check_int(pace_take(&p, 3600000000, 1000), 0);
	check_int(pace_take(&p, 3600000000, 1), 900000);
	/* Over a long time it is the rate. */
	p = (struct pace){.rate = 100000};
	for (int i = 0; i < 1000; i++) {
		now += pace_take(&p, now, 777);
		moved += 777;
	}
	check(now > moved * 10 - 200000 && now <= moved * 10);
}

TEST(what_is_taken_at_once_is_little)
{
	struct pace p = {.rate = 2000000};

	check_int(pace_chunk(&p, 131072), 100000);
	check_int(pace_chunk(&p, 10), 10);
	p.rate = 1;
	check_int(pace_chunk(&p, 131072), 1024);
}

TEST_MAIN
