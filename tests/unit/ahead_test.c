/* SPDX-License-Identifier: MIT */
#include "ahead.h"
#include "test.h"

static size_t first;

TEST(lookups_in_order_are_met_with_more_each_time)
{
	struct ahead a = {0};
	size_t asked = 0, requests = 0;

	for (size_t i = 0; i < 1000; i++) {
		size_t n = ahead_look(&a, i, 1000, 0, &first);

		check(n <= AHEAD_MAX);
		if (n) {
			check(first > i); /* what is being looked up now is not asked for twice */
			check(first == (asked ? asked : i + 1));
			asked = first + n;
			requests++;
		}
		check(i < 3 || asked > i); /* it was known when it was wanted */
	}
	check_int(asked, 1000);
	check(requests < 50);
}

TEST(a_single_lookup_asks_for_nothing_more)
{
	struct ahead a = {0};

	check_int(ahead_look(&a, 50, 1000, 0, &first), 0);
	check_int(ahead_look(&a, 900, 1000, 0, &first), 0);
	check_int(ahead_look(&a, 10, 1000, 0, &first), 0);
	check_int(ahead_look(&a, 500, 1000, 0, &first), 0);
	check_int(ahead_look(&a, 3, 1000, 0, &first), 0);
}

TEST(the_same_name_again_and_again_is_no_pass)
{
	struct ahead a = {0};

	for (int i = 0; i < 20; i++)
		check_int(ahead_look(&a, 7, 1000, 0, &first), 0);
}

TEST(a_second_pass_begins_anew)
{
	struct ahead a = {0};
	size_t n = 0;

	for (size_t i = 0; i < 100; i++)
		(void)ahead_look(&a, i, 100, 0, &first);
	for (size_t i = 0; i < 10 && !n; i++)
		n = ahead_look(&a, i, 100, 0, &first);
	check(n);
	check(first < 10);
}

TEST(the_end_is_the_end)
{
	struct ahead a = {0};

	for (size_t i = 0; i < 5; i++) {
		size_t n = ahead_look(&a, i, 5, 0, &first);

		check(!n || first + n <= 5);
	}
}

TEST(after_another_pass_the_first_name_is_enough)
{
	struct ahead a = {0};

	check_int(ahead_look(&a, 0, 1000, AHEAD_LIKELY, &first), AHEAD_MAX);
	check_int(first, 1);
	check(!ahead_is_pass(&a, 1000)); /* which would make the next one likely, too */
	check_int(ahead_look(&a, 1, 1000, AHEAD_LIKELY, &first), 0);
	for (size_t i = 2; i < 10; i++)
		check_int(ahead_look(&a, i, 1000, AHEAD_LIKELY, &first), 0);
	check(ahead_is_pass(&a, 1000));
	check_int(ahead_look(&a, 500, 1000, AHEAD_LIKELY, &first),
	          0); /* elsewhere it says nothing */
}

TEST(a_small_directory_must_be_passed_from_end_to_end)
{
	struct ahead a = {0}, b = {0};

	for (size_t i = 0; i < 3; i++) {
		check(!ahead_is_pass(&a, 3));
		(void)ahead_look(&a, i, 3, 0, &first);
	}
	check(ahead_is_pass(&a, 3));
	(void)ahead_look(&b, 1, 3, 0, &first);
	(void)ahead_look(&b, 2, 3, 0, &first);
	check(!ahead_is_pass(&b, 3));
}

TEST(who_goes_into_directories_only_wants_no_attributes)
{
	struct ahead a = {0};

	for (size_t i = 0; i < 20; i++)
		(void)ahead_look(&a, i, 1000, AHEAD_DIR, &first);
	check(!ahead_is_pass(&a, 1000));
	a = (struct ahead){0};
	check_int(ahead_look(&a, 0, 1000, AHEAD_LIKELY | AHEAD_DIR, &first), 0);
	check_int(ahead_look(&a, 1, 1000, AHEAD_LIKELY, &first), AHEAD_MAX);
}

TEST(files_between_directories_are_asked_for_once_one_is_looked_up)
{
	struct ahead a = {0};

	for (size_t i = 0; i < 400; i += 40)
		(void)ahead_look(&a, i, 1000, AHEAD_DIR, &first);
	check(!a.files && a.asked > 370);
	check(ahead_look(&a, 361, 1000, 0, &first));
	check(a.files);
	check_int(first, 362);
}

TEST(what_comes_later_is_asked_for_later)
{
	struct ahead a = {0};
	size_t asked = 1;

	for (size_t i = 0; i < 100; i++) { /* a page of 100, then one of 50 */
		size_t n = ahead_look(&a, i, 100, AHEAD_LIKELY, &first);

		check(!n || first == asked);
		asked += n;
	}
	check_int(asked, 100);
	check_int(ahead_look(&a, 100, 150, 0, &first), 49);
	check_int(first, 101);
}

static struct ahead_below after(unsigned opened, size_t names)
{
	struct ahead_below b = {0};

	(void)ahead_listed(&b, names);
	while (opened--)
		ahead_opened(&b, true);
	return b;
}

TEST(directories_are_listed_ahead_as_many_as_fill_the_window_once_that_proved_right)
{
	struct ahead_below b = after(0, 0);

	check_int(ahead_directories(&b), 4);
	b = after(1, 0);
	check_int(ahead_directories(&b), 8);
	for (unsigned opened = 10; opened < 1000; opened *= 10) {
		b = after(opened, 0);
		check_int(ahead_directories(&b), 32);
		b = after(opened, 20);
		check_int(ahead_directories(&b), AHEAD_MAX / 22);
		b = after(opened, 100000);
		check_int(ahead_directories(&b), 4);
	}
	ahead_opened(&b, false); /* another one than was foreseen */
	b.names = 0;
	check_int(ahead_directories(&b), 4);
}

TEST(attributes_in_directories_ahead_are_asked_for_until_nobody_wants_them)
{
	struct ahead_below b = {0};
	size_t asked = 0;

	while (ahead_listed(&b, 10))
		asked += 10;
	check(asked >= 2000 && asked < 2100);
	check(!ahead_listed(&b, 0));
	ahead_proved(&b);
	check(ahead_listed(&b, 100000));
	check_int(b.unproved, AHEAD_MAX); /* no more are asked for */
}

TEST_MAIN
