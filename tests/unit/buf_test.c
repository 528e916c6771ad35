/* SPDX-License-Identifier: MIT */
#include "buf.h"
#include "test.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

TEST(a_new_buffer_is_the_empty_string)
{
	struct buf b = BUF_INIT;

	check_str(b.s, "");
	check_int(b.len, 0);
	check_int(buf_error(&b), 0);
	buf_fini(&b);
	check_str(b.s, "");
}

TEST(what_is_added_stands_in_order_and_is_terminated)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "ab");
	buf_addc(&b, 'c');
	buf_addf(&b, "-%d-%s", 42, "x");
	buf_add(&b, "d\0e", 3);
	check_int(b.len, 11);
	check(memcmp(b.s, "abc-42-xd\0e", 12) == 0);
	buf_fini(&b);
}

TEST(a_buffer_grows_over_every_boundary)
{
	struct buf b = BUF_INIT;

	for (int i = 0; i < 10000; i++) {
		buf_addc(&b, (char)('a' + i % 26));
		if (b.s[b.len] != '\0' || b.len != (size_t)i + 1)
			check_fail("broken at %d", i);
	}
	check_int(b.s[9999], 'a' + 9999 % 26);
	buf_fini(&b);
}

TEST(clear_keeps_nothing_but_the_memory)
{
	struct buf b = BUF_INIT;

	buf_clear(&b);
	buf_adds(&b, "hello");
	buf_clear(&b);
	check_str(b.s, "");
	buf_adds(&b, "x");
	check_str(b.s, "x");
	buf_fini(&b);
}

TEST(a_failed_allocation_latches_until_clear)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "before");
	buf_add(&b, "", SIZE_MAX / 2);
	check_int(buf_error(&b), -ENOMEM);
	check_str(b.s, "");
	buf_adds(&b, "after");
	check_int(b.len, 0);
	buf_clear(&b);
	buf_adds(&b, "again");
	check_str(b.s, "again");
	check_int(buf_error(&b), 0);
	buf_fini(&b);
}

TEST(detach_gives_the_string_away_even_if_empty)
{
	struct buf b = BUF_INIT;
	char *s = buf_detach(&b);

	check_str(s, "");
	free(s);
	buf_adds(&b, "mine");
	s = buf_detach(&b);
	check_str(s, "mine");
	check_int(b.len, 0);
	check_str(b.s, "");
	free(s);
	buf_add(&b, "", SIZE_MAX / 2);
	check(buf_detach(&b) == NULL);
}

TEST_MAIN
