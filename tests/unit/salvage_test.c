/* SPDX-License-Identifier: MIT */
#include "salvage.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>

#define P ((uint64_t)8 << 20)

/* "1 2 3:100": parts of those numbers, full but for those whose size is said. */
static struct s3_parts parts_of(const char *text)
{
	struct s3_parts parts = {calloc(100, sizeof(struct s3_part)), 0};

	while (*text) {
		char *end;
		struct s3_part *p = &parts.v[parts.n++];

		p->number = (unsigned)strtoul(text, &end, 10);
		p->size = *end == ':' ? strtoull(end + 1, &end, 10) : P;
		text = end + (*end == ' ');
	}
	return parts;
}

/* "part 1 8M, copy 2 from 0+5, gather 3 100" of a plan, sizes in M where they are whole. */
static const char *plan(struct record *r, const char *own)
{
	static const char *const names[] = {"part", "copy", "gather"};
	static char text[2000];
	struct s3_parts parts = parts_of(own);
	struct salvage s;
	size_t n = 0;

	text[0] = 0;
	check_int(salvage_plan(r, &parts, &s), 0);
	for (size_t i = 0; i < s.n; i++) {
		const struct salvage_step *v = &s.v[i];
		bool whole = v->part.size % ((uint64_t)1 << 20) == 0;

		n += (size_t)snprintf(
			text + n, sizeof text - n, "%s%s %u %llu%s", i ? ", " : "", names[v->what],
			v->part.number,
			(unsigned long long)(whole ? v->part.size >> 20 : v->part.size),
			whole ? "M" : "");
		if (v->what == SALVAGE_COPY)
			n += (size_t)snprintf(text + n, sizeof text - n, " of %d+%lluM", v->source,
			                      (unsigned long long)(v->at >> 20));
	}
	if (s.loses)
		snprintf(text + n, sizeof text - n, ", loses");
	salvage_fini(&s);
	s3_parts_fini(&parts);
	return text;
}

static struct record empty(bool synced, uint64_t size)
{
	return (struct record){.part_size = P, .direct = 8000, .synced = synced, .size = size};
}

static void range(struct record *r, uint64_t from, uint64_t len, int source, uint64_t at)
{
	check_int(record_add_range(r, from, len, source, at), 0);
}

TEST(of_what_was_not_synced_the_first_parts_without_a_gap_are_left)
{
	struct record r = empty(false, 0);

	check_str(plan(&r, ""), "");
	check_str(plan(&r, "2 3"), "");
	check_str(plan(&r, "1 2 4 5"), "part 1 8M, part 2 8M");
	check_str(plan(&r, "1 2 3:100 4"), "part 1 8M, part 2 8M, part 3 100");
	check_str(plan(&r, "1:20000000 2"), ""); /* a copy of several slots */
	record_fini(&r);
}

TEST(what_was_synced_is_all_there_or_said_to_be_lost)
{
	struct record r = empty(true, 2 * P + 100);

	range(&r, 0, 2 * P + 100, RECORD_OWN, 1);
	check_str(plan(&r, "1 2 3:100"), "part 1 8M, part 2 8M, part 3 100");
	check_str(plan(&r, "1 2 3 4"), "part 1 8M, part 2 8M, part 3 8M, part 4 8M");
	check_str(plan(&r, "1 2 3:50"), "part 1 8M, part 2 8M, part 3 50, loses"); /* was cut */
	check_str(plan(&r, "1 3:100"), "part 1 8M, loses");
	check_str(plan(&r, ""), ", loses");
	record_fini(&r);
}

TEST(an_object_that_is_appended_to_is_copied_up_to_the_new_parts)
{
	struct record r = empty(false, 0);

	range(&r, 0, 3 * P + 5, 0, 0);
	check_str(plan(&r, "4 5"), "copy 1 24M of 0+0M, part 4 8M, part 5 8M");
	check_str(plan(&r, "5"), "copy 1 25165829 of 0+0M");
	check_str(plan(&r, "4:3"), "copy 1 25165829 of 0+0M"); /* has less than the object */
	r.equal_parts = true;
	check_str(plan(&r, "4"),
	          "copy 1 8M of 0+0M, copy 2 8M of 0+8M, copy 3 8M of 0+16M, part 4 8M");
	record_fini(&r);
}

TEST(a_tail_under_a_number_of_its_own_is_no_slot)
{
	struct record r = empty(false, 0);

	range(&r, 0, 2 * P + 5, 0, 0);
	check_str(plan(&r, "8001:3000000"), "copy 1 16777221 of 0+0M");
	record_fini(&r);
}

TEST(a_plan_of_more_parts_than_there_may_be_is_refused)
{
	struct record r = empty(true, 20000 * P);
	struct s3_parts none = {0};
	struct salvage s;

	check_int(salvage_plan(&r, &none, &s), -EFBIG);
}

TEST(small_pieces_and_holes_are_gathered)
{
	struct record r = empty(true, 3 * P);

	range(&r, 0, 100, 0, 0);
	range(&r, 100, P - 100, 1, 0);
	range(&r, 2 * P, P, 0, P);
	check_str(plan(&r, ""), "gather 1 8M, gather 2 8M, copy 3 8M of 0+8M");
	record_fini(&r);
	r = empty(true, 100);
	range(&r, 0, 100, 0, 0);
	check_str(plan(&r, ""), "gather 1 100");
	record_fini(&r);
}

TEST(a_part_older_than_what_was_promised_is_not_taken)
{
	struct record r = empty(true, 3 * P);

	range(&r, 0, P, RECORD_OWN, 1);
	range(&r, P, 2 * P, 0, 0);
	check_str(plan(&r, "1 2 3"), "part 1 8M, copy 2 16M of 0+0M");
	record_fini(&r);
}

TEST(parts_of_an_upload_that_goes_another_way_say_nothing)
{
	struct record r = empty(false, 0);

	r.direct = 0;
	check_str(plan(&r, "1 2 3"), "");
	record_fini(&r);
}

TEST(what_the_staged_upload_lost_ends_the_file)
{
	struct record r = empty(true, 3 * P);

	range(&r, 0, P, 0, 0);
	range(&r, P, P, RECORD_STAGED, 2);
	range(&r, 2 * P, P, 0, 2 * P);
	check_str(plan(&r, ""), "copy 1 8M of 0+0M, loses");
	record_fini(&r);
}

TEST_MAIN
