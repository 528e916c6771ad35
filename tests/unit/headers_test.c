/* SPDX-License-Identifier: MIT */
#include "s3.h"
#include "test.h"

#include <errno.h>

TEST(names_are_lower_case_and_found_in_any_case)
{
	struct s3_headers h = {0};

	check_int(s3_headers_set(&h, "Content-Type", "video/mp4"), 0);
	check_str(h.v[0].name, "content-type");
	check_str(s3_headers_get(&h, "CONTENT-TYPE"), "video/mp4");
	check(s3_headers_get(&h, "content") == NULL);
	s3_headers_fini(&h);
}

TEST(a_second_value_replaces_the_first_in_its_place)
{
	struct s3_headers h = {0};

	check_int(s3_headers_set(&h, "a", "1"), 0);
	check_int(s3_headers_set(&h, "b", "2"), 0);
	check_int(s3_headers_set(&h, "A", "3"), 0);
	check_int(h.n, 2);
	check_str(h.v[0].value, "3");
	check_str(h.v[1].name, "b");
	s3_headers_fini(&h);
}

TEST(no_header_can_be_smuggled_in)
{
	struct s3_headers h = {0};

	check_int(s3_headers_set(&h, "x", "a\r\nhost: evil"), -EINVAL);
	check_int(s3_headers_set(&h, "x", "a\n"), -EINVAL);
	check_int(s3_headers_set(&h, "x", "\x01"), -EINVAL);
	check_int(s3_headers_set(&h, "x", "\x7f"), -EINVAL);
	check_int(s3_headers_set(&h, "x: y", "a"), -EINVAL);
	check_int(s3_headers_set(&h, "x\n", "a"), -EINVAL);
	check_int(s3_headers_set(&h, "", "a"), -EINVAL);
	check_int(h.n, 0);
	check_int(s3_headers_set(&h, "x", "Z\xc3\xbcrich"), 0);
	s3_headers_fini(&h);
}

TEST(removal_keeps_the_order_of_the_rest)
{
	struct s3_headers h = {0};

	check_int(s3_headers_set(&h, "a", "1"), 0);
	check_int(s3_headers_set(&h, "b", "2"), 0);
	check_int(s3_headers_set(&h, "c", "3"), 0);
	s3_headers_remove(&h, "B");
	s3_headers_remove(&h, "nothing");
	check_int(h.n, 2);
	check_str(h.v[0].name, "a");
	check_str(h.v[1].name, "c");
	s3_headers_fini(&h);
}

TEST(a_copy_replaces_what_was_there_and_stands_alone)
{
	struct s3_headers a = {0}, b = {0};

	check_int(s3_headers_set(&a, "a", "1"), 0);
	check_int(s3_headers_set(&b, "z", "9"), 0);
	check_int(s3_headers_copy(&b, &a), 0);
	check_int(s3_headers_set(&a, "a", "changed"), 0);
	check_int(b.n, 1);
	check_str(s3_headers_get(&b, "a"), "1");
	s3_headers_fini(&a);
	s3_headers_fini(&b);
	check_int(b.n, 0);
}

TEST_MAIN
