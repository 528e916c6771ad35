/* SPDX-License-Identifier: MIT */
#include "extents.h"
#include "test.h"

#include <stdlib.h>

static void add(struct extents *e, uint64_t from, uint64_t to)
{
	check_int(extents_reserve(e), 0);
	extents_add(e, from, to);
}

static void cut(struct extents *e, uint64_t from, uint64_t to)
{
	check_int(extents_reserve(e), 0);
	extents_remove(e, from, to);
}

/* "1-3 5-9" */
static const char *shown(const struct extents *e)
{
	static char text[400];
	int n = 0;

	text[0] = 0;
	for (size_t i = 0; i < e->n; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, "%s%d-%d", i ? " " : "",
		              (int)e->v[i].from, (int)e->v[i].to);
	return text;
}

TEST(the_set_of_nothing)
{
	struct extents e = {0};

	check_int(extents_position(&e, 0), 0);
	check(!extents_touch(&e, 0, 100));
	check(!extents_cover(&e, 0, 1));
	check(extents_cover(&e, 5, 5));
	cut(&e, 0, 10);
	check_str(shown(&e), "");
	extents_fini(&e);
	extents_fini(&e);
}

TEST(what_is_added_stays_sorted_and_apart)
{
	struct extents e = {0};

	add(&e, 10, 20);
	add(&e, 40, 50);
	add(&e, 1, 2);
	add(&e, 30, 35);
	check_str(shown(&e), "1-2 10-20 30-35 40-50");
	extents_fini(&e);
}

TEST(neighbours_and_overlaps_become_one)
{
	struct extents e = {0};

	add(&e, 10, 20);
	add(&e, 20, 30);
	check_str(shown(&e), "10-30");
	add(&e, 5, 10);
	check_str(shown(&e), "5-30");
	add(&e, 40, 50);
	add(&e, 60, 70);
	add(&e, 45, 60);
	check_str(shown(&e), "5-30 40-70");
	add(&e, 50, 55);
	check_str(shown(&e), "5-30 40-70");
	add(&e, 1, 100);
	check_str(shown(&e), "1-100");
	extents_fini(&e);
}

TEST(removing_cuts_splits_and_deletes)
{
	struct extents e = {0};

	add(&e, 0, 100);
	cut(&e, 40, 60);
	check_str(shown(&e), "0-40 60-100");
	cut(&e, 0, 10);
	cut(&e, 90, 200);
	check_str(shown(&e), "10-40 60-90");
	cut(&e, 30, 70);
	check_str(shown(&e), "10-30 70-90");
	cut(&e, 30, 70);
	check_str(shown(&e), "10-30 70-90");
	cut(&e, 10, 30);
	check_str(shown(&e), "70-90");
	cut(&e, 0, UINT64_MAX);
	check_str(shown(&e), "");
	extents_fini(&e);
}

TEST(cover_touch_and_position_see_the_edges)
{
	struct extents e = {0};

	add(&e, 10, 20);
	add(&e, 30, 40);
	check(extents_cover(&e, 10, 20) && extents_cover(&e, 12, 13));
	check(!extents_cover(&e, 9, 20) && !extents_cover(&e, 10, 21));
	check(!extents_cover(&e, 15, 35));
	check(extents_touch(&e, 0, 11) && extents_touch(&e, 19, 30) && extents_touch(&e, 0, 99));
	check(!extents_touch(&e, 0, 10) && !extents_touch(&e, 20, 30));
	check(!extents_touch(&e, 40, 50));
	check_int(extents_position(&e, 19), 0);
	check_int(extents_position(&e, 20), 1);
	check_int(extents_position(&e, 40), 2);
	extents_fini(&e);
}

TEST(random_edits_are_those_of_an_array_of_flags)
{
	struct extents e = {0};
	char flags[100] = {0};

	srand(1);
	for (int round = 0; round < 20000; round++) {
		unsigned from = (unsigned)rand() % 99, to = from + 1 + (unsigned)rand() % 12;
		bool in = rand() % 2;

		if (to > 100)
			to = 100;
		memset(flags + from, in, to - from);
		in ? add(&e, from, to) : cut(&e, from, to);
		for (unsigned i = 0, k = 0; i < 100; i++) {
			k += k < e.n && e.v[k].to <= i;
			if (flags[i] != (k < e.n && e.v[k].from <= i))
				check_fail("byte %u, round %d: %s", i, round, shown(&e));
		}
		for (size_t k = 0; k < e.n; k++)
			check(e.v[k].from < e.v[k].to && (!k || e.v[k - 1].to < e.v[k].from));
	}
	extents_fini(&e);
}

TEST_MAIN
