/* SPDX-License-Identifier: MIT */
#include "runs.h"
#include "test.h"

#include <stdlib.h>

static void set(struct runs *r, uint64_t from, uint64_t to, int source, uint64_t offset)
{
	check_int(runs_reserve(r, 2), 0);
	runs_set(r, from, to, source, offset);
}

static void clear(struct runs *r, uint64_t from, uint64_t to)
{
	check_int(runs_reserve(r, 1), 0);
	runs_clear(r, from, to);
}

/* "0-10:1+5": bytes 0 to 10 are source 1 from 5 on. */
static const char *shown(const struct runs *r)
{
	static char text[4000];
	int n = 0;

	text[0] = 0;
	for (size_t i = 0; i < r->n; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, "%s%d-%d:%d+%d", i ? " " : "",
		              (int)r->v[i].from, (int)r->v[i].to, r->v[i].source,
		              (int)r->v[i].source_offset);
	return text;
}

static void check_at(const struct runs *r, uint64_t from, uint64_t to, uint64_t end, int source,
                     uint64_t offset)
{
	struct run at = runs_at(r, from, to);

	check_int(at.from, from);
	check_int(at.to, end);
	check_int(at.source, source);
	check_int(at.source_offset, offset);
}

TEST(without_runs_all_is_zeros)
{
	struct runs r = {0};

	check_at(&r, 7, 100, 100, RUN_ZERO, 0);
	clear(&r, 0, 10);
	check_str(shown(&r), "");
	runs_fini(&r);
	runs_fini(&r);
}

TEST(a_stretch_ends_with_its_run_or_where_the_next_begins)
{
	struct runs r = {0};

	set(&r, 10, 20, 3, 100);
	check_at(&r, 0, 5, 5, RUN_ZERO, 0);
	check_at(&r, 0, 50, 10, RUN_ZERO, 0);
	check_at(&r, 10, 50, 20, 3, 100);
	check_at(&r, 14, 16, 16, 3, 104);
	check_at(&r, 20, 50, 50, RUN_ZERO, 0);
	runs_fini(&r);
}

TEST(a_later_run_wins_and_the_rest_keeps_its_place_in_the_object)
{
	struct runs r = {0};

	set(&r, 0, 100, 0, 0);
	set(&r, 40, 60, 1, 7);
	check_str(shown(&r), "0-40:0+0 40-60:1+7 60-100:0+60");
	set(&r, 50, 70, 2, 0);
	check_str(shown(&r), "0-40:0+0 40-50:1+7 50-70:2+0 70-100:0+70");
	clear(&r, 45, 80);
	check_str(shown(&r), "0-40:0+0 40-45:1+7 80-100:0+80");
	runs_fini(&r);
}

TEST(neighbours_that_go_on_in_the_object_are_one)
{
	struct runs r = {0};

	set(&r, 0, 10, 0, 5);
	set(&r, 20, 30, 0, 25);
	set(&r, 10, 20, 0, 15);
	check_str(shown(&r), "0-30:0+5");
	clear(&r, 10, 20);
	set(&r, 10, 20, 0, 16);
	check_str(shown(&r), "0-10:0+5 10-20:0+16 20-30:0+25");
	set(&r, 10, 20, 1, 15);
	check_str(shown(&r), "0-10:0+5 10-20:1+15 20-30:0+25");
	runs_fini(&r);
}

TEST(a_run_set_again_is_the_same)
{
	struct runs r = {0};

	set(&r, 0, 100, 4, 0);
	set(&r, 30, 50, 4, 30);
	check_str(shown(&r), "0-100:4+0");
	runs_fini(&r);
}

TEST(a_cut_to_the_end_needs_no_room)
{
	struct runs r = {0};

	set(&r, 0, 100, 0, 0);
	runs_clear(&r, 30, UINT64_MAX);
	check_str(shown(&r), "0-30:0+0");
	runs_clear(&r, 0, UINT64_MAX);
	check_str(shown(&r), "");
	runs_fini(&r);
}

TEST(random_edits_are_those_of_an_array)
{
	struct runs r = {0};
	struct {
		int source;
		uint64_t offset;
	} flat[100];

	for (int i = 0; i < 100; i++)
		flat[i].source = RUN_ZERO;
	srand(2);
	for (int round = 0; round < 20000; round++) {
		unsigned from = (unsigned)rand() % 99, to = from + 1 + (unsigned)rand() % 30;
		int source = rand() % 3 - 1;
		uint64_t offset = rand() % 2 ? from : (unsigned)rand() % 50;

		if (to > 100)
			to = 100;
		for (unsigned i = from; i < to; i++) {
			flat[i].source = source;
			flat[i].offset = offset + i - from;
		}
		if (source == RUN_ZERO)
			clear(&r, from, to);
		else
			set(&r, from, to, source, offset);
		for (unsigned i = 0; i < 100; i++) {
			struct run at = runs_at(&r, i, 100);

			if (at.source != flat[i].source ||
			    (at.source != RUN_ZERO && at.source_offset != flat[i].offset))
				check_fail("byte %u, round %d: %s", i, round, shown(&r));
		}
	}
	runs_fini(&r);
}

TEST_MAIN
