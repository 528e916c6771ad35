/* SPDX-License-Identifier: MIT */
#include "listing.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static void add(struct listing **l, const char *entry)
{
	check_int(listing_add(l, entry, true), 0);
}

/* All entries; hidden ones in brackets. */
static const char *shown(const struct listing *l)
{
	static char text[400];
	int n = 0;

	text[0] = 0;
	for (size_t i = 0; i < l->n; i++)
		n += snprintf(text + n, sizeof text - (size_t)n,
		              listing_hidden(l, i) ? "%s(%s)" : "%s%s", i ? " " : "",
		              listing_entry(l, i));
	return text;
}

TEST(entries_are_sorted_by_bytes_and_found)
{
	struct listing *l = listing_new();

	add(&l, "b");
	add(&l, "a/");
	add(&l, "\xc3\xa4");
	add(&l, "a-b");
	add(&l, "B");
	check_str(shown(l), "B a-b a/ b \xc3\xa4"); /* '-' comes before '/' */
	check_int(listing_find(l, "a"), LISTING_DIR);
	check_int(listing_find(l, "a-b"), LISTING_FILE);
	check_int(listing_find(l, "\xc3\xa4"), LISTING_FILE);
	check_int(listing_find(l, "c"), LISTING_NONE);
	check_int(listing_find(l, ""), LISTING_NONE);
	check_int(listing_find(l, "zz"), LISTING_NONE);
	listing_put(l);
}

TEST(an_entry_added_twice_is_there_once)
{
	struct listing *l = listing_new();

	add(&l, "x");
	add(&l, "x");
	check_int(l->n, 1);
	listing_put(l);
}

TEST(other_clients_mark_directories_and_links_by_suffixes)
{
	struct listing *l = listing_new();
	size_t len;

	add(&l, "hadoop_$folder$");
	add(&l, "link.rclonelink");
	check_int(listing_find(l, "hadoop"), LISTING_FOLDER);
	check_int(listing_find(l, "link"), LISTING_LINK);
	check_int(listing_find(l, "link.rclonelink"), LISTING_NONE);
	check_int(listing_form("hadoop_$folder$", &len), LISTING_FOLDER);
	check_int(len, 6);
	check_int(listing_form("link.rclonelink", &len), LISTING_LINK);
	check_int(len, 4);
	check_int(listing_form("dir/", &len), LISTING_DIR);
	check_int(len, 3);
	/* A suffix alone is a name like any other. */
	check_int(listing_form("_$folder$", &len), LISTING_FILE);
	check_int(len, 9);
	check_int(listing_form(".rclonelink", &len), LISTING_FILE);
	check_int(listing_form("/", &len), LISTING_FILE);
	listing_put(l);
}

TEST(of_several_forms_of_a_name_the_directory_is_shown_and_none_is_lost)
{
	struct listing *l = listing_new();

	add(&l, "x");
	add(&l, "x.rclonelink");
	add(&l, "x/");
	add(&l, "x_$folder$");
	check_str(shown(l), "(x) (x.rclonelink) x/ (x_$folder$)");
	check_int(listing_find(l, "x"), LISTING_DIR);
	check_int(listing_remove_name(&l, "x"), 0);
	check_str(shown(l), "x (x.rclonelink) (x_$folder$)");
	check_int(listing_remove_name(&l, "x"), 0);
	check_int(listing_find(l, "x"), LISTING_FOLDER);
	check_int(listing_remove(&l, "x_$folder$"), 0);
	check_int(listing_find(l, "x"), LISTING_LINK);
	check_int(listing_remove_name(&l, "x"), 0);
	check_int(listing_remove_name(&l, "x"), 0);
	check_int(l->n, 0);
	listing_put(l);
}

TEST(what_may_be_small_stays_known)
{
	struct listing *l = listing_new(), *reader;

	check_int(listing_add(&l, "large", false), 0);
	check_int(listing_add(&l, "small", true), 0);
	reader = listing_hold(l);
	check_int(listing_add(&l, "a", true), 0);
	check(listing_may_be_small(l, 0) && !listing_may_be_small(l, 1) &&
	      listing_may_be_small(l, 2));
	check(!listing_may_be_small(reader, 0));
	check_str(shown(l), "a large small");
	check_int(listing_index(l, "large", LISTING_FILE), 1);
	check_int(listing_index(l, "m", LISTING_FILE), 2);
	listing_put(reader);
	listing_put(l);
}

TEST(a_reader_keeps_the_listing_it_began_with)
{
	struct listing *l = listing_new(), *reader;

	add(&l, "a");
	add(&l, "b");
	reader = listing_hold(l);
	check_int(listing_add_name(&l, "c", true), 0);
	check(l != reader);
	check_int(listing_remove(&l, "a"), 0);
	check_str(shown(l), "b c/");
	check_str(shown(reader), "a b");
	listing_put(reader);
	reader = listing_hold(l);
	check_int(listing_remove(&l, "not there"), 0);
	check_int(listing_add(&l, "b", true), 0);
	check(l == reader); /* nothing changed, nothing copied */
	check_int(listing_remove_name(&l, "b"), 0);
	check(l != reader);
	check_str(shown(reader), "b c/");
	listing_put(reader);
	listing_put(l);
	listing_put(NULL);
}

TEST(many_names_in_any_order_come_and_go)
{
	struct listing *l = listing_new();
	char name[16];

	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "%05d", i * 7919 % 5000);
		add(&l, name);
	}
	check_int(l->n, 5000);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "%05d", i);
		check_str(listing_entry(l, (size_t)i), name);
		check_int(listing_find(l, name), LISTING_FILE);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "%05d", i);
		if (i % 4)
			check_int(listing_remove_name(&l, name), 0);
	}
	check_int(l->n, 1250);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "%05d", i);
		check_int(listing_find(l, name), i % 4 ? LISTING_NONE : LISTING_FILE);
	}
	check(l->used < (size_t)5000 * 6); /* what was removed makes room */
	listing_put(l);
}

TEST_MAIN
