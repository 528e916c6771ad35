/* SPDX-License-Identifier: MIT */
#include "listing.h"
#include "test.h"

#include <stdlib.h>

static void add(struct listing **l, const char *name, uint64_t size)
{
	check_int(listing_add(l, name, false, size, 0), 0);
}

static const char *shown(const struct listing *l)
{
	static char text[400];
	int n = 0;

	text[0] = 0;
	for (size_t i = 0; i < l->n; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, "%s%s", i ? " " : "",
		              l->v[i].name);
	return text;
}

TEST(names_are_sorted_by_bytes_and_found)
{
	struct listing *l = listing_new();

	add(&l, "b", 2);
	add(&l, "a", 1);
	add(&l, "\xc3\xa4", 5);
	add(&l, "ab", 3);
	add(&l, "B", 4);
	check_str(shown(l), "B a ab b \xc3\xa4");
	check_int(listing_find(l, "ab")->size, 3);
	check_int(listing_find(l, "\xc3\xa4")->size, 5);
	check(!listing_find(l, "c") && !listing_find(l, "") && !listing_find(l, "zz"));
	listing_put(l);
}

TEST(a_name_added_twice_is_there_once_with_what_was_said_last)
{
	struct listing *l = listing_new();

	check_int(listing_add(&l, "x", true, 0, 5), 0);
	check_int(listing_add(&l, "x", false, 9, 6), 0);
	check_int(l->n, 1);
	check(!l->v[0].dir);
	check_int(l->v[0].size, 9);
	check_int(l->v[0].modified, 6);
	listing_put(l);
}

TEST(after_a_name_comes_the_next_whether_it_is_there_or_not)
{
	struct listing *l = listing_new();

	add(&l, "b", 0);
	add(&l, "d", 0);
	check_int(listing_after(l, ""), 0);
	check_int(listing_after(l, "a"), 0);
	check_int(listing_after(l, "b"), 1);
	check_int(listing_after(l, "c"), 1);
	check_int(listing_after(l, "d"), 2);
	check_int(listing_after(l, "e"), 2);
	listing_put(l);
}

TEST(removing_takes_one_and_an_unknown_name_is_no_error)
{
	struct listing *l = listing_new();

	add(&l, "a", 0);
	add(&l, "b", 0);
	add(&l, "c", 0);
	check_int(listing_remove(&l, "b"), 0);
	check_int(listing_remove(&l, "b"), 0);
	check_str(shown(l), "a c");
	listing_put(l);
}

TEST(a_reader_keeps_the_listing_it_began_with)
{
	struct listing *l = listing_new(), *reader;

	add(&l, "a", 1);
	add(&l, "b", 2);
	reader = listing_hold(l);
	add(&l, "c", 3);
	check(l != reader);
	check_int(listing_remove(&l, "a"), 0);
	check_str(shown(l), "b c");
	check_str(shown(reader), "a b");
	listing_put(reader);
	reader = listing_hold(l);
	check_int(listing_remove(&l, "not there"), 0);
	check(l == reader); /* nothing changed, nothing copied */
	check_int(listing_remove(&l, "b"), 0);
	check(l != reader);
	check_str(shown(reader), "b c");
	listing_put(reader);
	listing_put(l);
	listing_put(NULL);
}

TEST(many_names_in_any_order)
{
	struct listing *l = listing_new();
	char name[16];

	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "%05d", i * 7919 % 5000);
		add(&l, name, (uint64_t)i);
	}
	check_int(l->n, 5000);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "%05d", i);
		check_str(l->v[i].name, name);
		check(listing_find(l, name) == &l->v[i]);
	}
	listing_put(l);
}

TEST_MAIN
