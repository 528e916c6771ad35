/* SPDX-License-Identifier: MIT */
#include "record.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>

#define P ((uint64_t)8 << 20)

static struct record example(void)
{
	const struct s3_etag etag = {"0123"};
	struct record r = {.endpoint = strdup("http://here:1"),
	                   .bucket = strdup("b"),
	                   .run = strdup("77"),
	                   .key = strdup("odd \x01\xff\"\\\n+%/name"),
	                   .part_size = P,
	                   .equal_parts = true,
	                   .direct = 8000,
	                   .began = 1234567890,
	                   .base = {"old"},
	                   .base_size = 5,
	                   .kept = 4,
	                   .synced = true,
	                   .size = 5 * P + 3,
	                   .cut = 6,
	                   .cut_from = 7,
	                   .own = {strdup("own key"), strdup("2~id/+=")}};

	check_int(record_add_source(&r, "source", &etag, 99, true), 0);
	check_int(record_add_old(&r, "old key", "old id"), 0);
	check_int(record_add_range(&r, 0, 2 * P, RECORD_OWN, 1), 0);
	check_int(record_add_range(&r, 3 * P, 3, 0, 17), 0);
	check_int(s3_headers_set(&r.headers, "content-type", "text/plain"), 0);
	return r;
}

TEST(a_record_comes_back_from_its_text)
{
	struct record r = example(), s;
	struct buf text = BUF_INIT, again = BUF_INIT;

	record_write(&r, &text);
	check_int(buf_error(&text), 0);
	check(strchr(text.s, '\n') == NULL);
	check_int(record_read(&s, text.s), 0);
	check_str(s.key, r.key);
	check_str(s.own.id, "2~id/+=");
	check(s.staged.id == NULL);
	check_int(s.nranges, 2);
	check_int(s.ranges[0].source, RECORD_OWN);
	check_int(s.sources[0].size, 99);
	check_str(s.old[0].id, "old id");
	check_str(s3_headers_get(&s.headers, "content-type"), "text/plain");
	record_write(&s, &again);
	check_str(again.s, text.s);
	buf_fini(&text);
	buf_fini(&again);
	record_fini(&r);
	record_fini(&s);
}

/* The text with one piece of it replaced. */
static int read_with(const char *from, const char *to)
{
	struct record r = example(), s;
	struct buf text = BUF_INIT, other = BUF_INIT;
	const char *at;
	int err;

	record_write(&r, &text);
	at = strstr(text.s, from);
	check(at != NULL);
	if (at) {
		buf_add(&other, text.s, (size_t)(at - text.s));
		buf_adds(&other, to);
		buf_adds(&other, at + strlen(from));
	}
	err = record_read(&s, other.s);
	if (!err)
		record_fini(&s);
	buf_fini(&text);
	buf_fini(&other);
	record_fini(&r);
	return err;
}

TEST(a_text_that_makes_no_sense_is_refused)
{
	struct record r;

	check_int(record_read(&r, ""), -EINVAL);
	check_int(record_read(&r, "{}"), -EINVAL);
	check_int(record_read(&r, "[1]"), -EINVAL);
	check_int(record_read(&r, "{\"version\":1"), -EINVAL);
	check_int(read_with("\"version\":1", "\"version\":1"), 0);
	check_int(read_with("\"version\":1", "\"version\":2"), -EINVAL);
	check_int(read_with("\"part_size\":8388608", "\"part_size\":0"), -EINVAL);
	check_int(read_with("\"part_size\":8388608", "\"part_size\":-8388608"), -EINVAL);
	check_int(read_with("[25165824,3,0,17]", "[25165824,3,1,17]"),
	          -EINVAL);                                               /* no such source */
	check_int(read_with("[25165824,3,0,17]", "[5,3,0,17]"), -EINVAL); /* out of order */
	check_int(read_with("[25165824,3,0,17]", "[25165824,0,0,17]"), -EINVAL);
	check_int(read_with("[25165824,3,0,17]", "[90165824,3,0,17]"),
	          -EINVAL); /* beyond its end */
	check_int(read_with("[25165824,3,0,17]", "[25165824,3,-1,17]"), -EINVAL);
	check_int(read_with("\"77\"", "null"), -EINVAL);
	check_int(read_with("\"own%20key\"", "\"%zz\""), -EINVAL);
}

TEST(ranges_that_go_on_are_one)
{
	struct record r = {.part_size = P};

	for (uint64_t i = 0; i < 5; i++)
		check_int(record_add_range(&r, i * P, P, RECORD_OWN, i + 1), 0);
	check_int(r.nranges, 1);
	check_int(record_add_range(&r, 5 * P, P, RECORD_OWN, 9), 0);
	check_int(record_add_range(&r, 6 * P, 10, 0, 100), 0);
	check_int(record_add_range(&r, 6 * P + 10, 10, 0, 110), 0);
	check_int(r.nranges, 3);
	check_int(record_at(&r, 2 * P, P).at, 3);
	check_int(record_at(&r, 6 * P + 4, 100).at, 104);
	check_int(record_at(&r, 6 * P + 4, 100).len, 16);
	check_int(record_at(&r, 7 * P, 100).source, -1);
	record_fini(&r);
}

TEST_MAIN
