/* SPDX-License-Identifier: MIT */
/* flights_test - the promises of parts.h, one by one: ranges of objects that are
 * copied or fetched, and slots that are spilled. */
#include "parts_steps.h"

/* ------------------------------------------------------------------- remote */

TEST(whole_slots_of_a_range_are_copied_and_a_patched_one_is_composed)
{
	struct world w;
	int source;
	char want[PART];
	struct parts_action a;

	world_begin(&w);
	source = world_source(&w, text(0, 3 * PART + 9), 3 * PART + 9);
	check_int(parts_replace(w.parts, 0, 3 * PART + 9, source, 0), 0);
	check_int(parts_size(w.parts), 3 * PART + 9);
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING);
	check_int(parts_write(w.parts, PART + 20, "patch", 5), 5);
	land(&w, take_off(&w, PARTS_ALL, PARTS_COPY, 0), 0);
	check_int(next(&w, PARTS_ALL).what, PARTS_COMPOSE);
	check_int(parts_fetch(w.parts, 1, &a), 0);
	check_int(a.what, PARTS_FETCH);
	check_int(a.size, 20);
	check_int(a.source_offset, PART);
	land(&w, world_fly(&w, &a), 0);
	check_int(parts_fetch(w.parts, 1, &a), 0);
	check_int(a.what, PARTS_FETCH);
	check_int(a.source_offset, PART + 25);
	land(&w, world_fly(&w, &a), 0);
	check_int(parts_fetch(w.parts, 1, &a), 0);
	check_int(a.what, PARTS_SEND);
	land(&w, world_fly(&w, &a), 0);
	check_int(parts_fetch(w.parts, 1, &a), 0);
	check_int(a.what, PARTS_NOTHING);
	memcpy(want, text(PART, PART), PART);
	memcpy(want + 20, "patch", 5);
	check_uploaded(&w, 2, want, PART);
	send_all(&w);
	check_uploaded(&w, 4, text(3 * PART, 9), 9);
	world_end(&w);
}

TEST(a_wholly_overwritten_range_is_never_fetched)
{
	struct world w;

	world_begin(&w);
	check_int(parts_replace(w.parts, 0, 2 * PART, world_source(&w, zeros, 2 * PART), 0), 0);
	write_ok(&w, 0, 2 * PART);
	send_slot(&w, PARTS_FULL, 1);
	send_slot(&w, PARTS_FULL, 0);
	world_end(&w);
}

TEST(a_write_during_a_fetch_wins_over_what_is_fetched)
{
	struct world w;
	struct world_flight *f;
	struct parts_action a;
	char want[PART];

	world_begin(&w);
	check_int(parts_replace(w.parts, 0, PART, world_source(&w, text(0, PART), PART), 0), 0);
	check_int(parts_write(w.parts, 0, "A", 1), 1);
	check_int(parts_fetch(w.parts, 0, &a), 0);
	check_int(a.what, PARTS_FETCH);
	f = world_fly(&w, &a);
	check_int(parts_write(w.parts, 10, "BBBB", 4), 4);
	check_int(parts_write(w.parts, 30, "CCCC", 4), 4);
	memcpy(want, text(0, PART), PART);
	want[0] = 'A';
	memcpy(want + 10, "BBBB", 4);
	memcpy(want + 30, "CCCC", 4);
	check_reads(&w, 0, want, PART);
	land(&w, f, 0);
	check_reads(&w, 0, want, PART);
	check_int(parts_fetch(w.parts, 0, &a), 0);
	check_int(a.what, PARTS_SEND);
	land(&w, world_fly(&w, &a), 0);
	check_uploaded(&w, 1, want, PART);
	world_end(&w);
}

TEST(a_fetch_that_fails_leaves_no_blocks_and_no_bytes)
{
	struct world w;
	struct parts_action a;

	world_begin(&w);
	check_int(parts_replace(w.parts, 0, PART, world_source(&w, text(0, PART), PART), 0), 0);
	check_int(parts_write(w.parts, 0, text(0, 1), 1), 1);
	check_int(parts_fetch(w.parts, 0, &a), 0);
	land(&w, world_fly(&w, &a), -EIO);
	check_int(w.blocks_out, 1);
	check_reads(&w, 0, text(0, PART), PART);
	world_end(&w);
}

TEST(what_was_fetched_from_a_replaced_range_is_not_used)
{
	struct world w;
	struct world_flight *f;
	struct parts_action a;

	world_begin(&w);
	check_int(parts_replace(w.parts, 0, PART, world_source(&w, text(0, PART), PART), 0), 0);
	check_int(parts_write(w.parts, 0, "A", 1), 1);
	check_int(parts_fetch(w.parts, 0, &a), 0);
	f = world_fly(&w, &a);
	check_int(parts_replace(w.parts, 8, PART - 8, PARTS_ZERO, 0), 0);
	land(&w, f, 0);
	check_reads(&w, 8, zeros, PART - 8);
	check_reads(&w, 1, text(1, 7), 7);
	check_int(w.blocks_out, 1);
	world_end(&w);
}

TEST(a_fetch_without_memory_says_so_and_holds_none)
{
	struct world w;
	struct parts_action a;

	world_begin(&w);
	check_int(parts_replace(w.parts, 0, PART, world_source(&w, text(0, PART), PART), 0), 0);
	check_int(parts_write(w.parts, 0, text(0, 1), 1), 1);
	w.blocks_max = 3;
	check_int(parts_fetch(w.parts, 0, &a), PARTS_NO_BLOCK);
	check_int(w.blocks_out, 1);
	check(!parts_flying(w.parts));
	parts_check(w.parts);
	w.blocks_max = 4;
	check_int(parts_fetch(w.parts, 0, &a), 0);
	land(&w, world_fly(&w, &a), 0);
	check_reads(&w, 0, text(0, PART), PART);
	world_end(&w);
}

TEST(replaced_bytes_give_their_blocks_back)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 2 * PART);
	check_int(parts_replace(w.parts, 8, PART, PARTS_ZERO, 0), 0);
	check_reads(&w, 8, zeros, PART);
	check_reads(&w, 0, text(0, 8), 8);
	check_int(w.blocks_out, 5);
	check_int(parts_in_memory(w.parts), 5 * BLOCK);
	world_end(&w);
}

TEST(a_hole_punched_into_a_stored_slot_is_sent)
{
	struct world w;
	char want[PART];

	world_begin(&w);
	write_ok(&w, 0, 2 * PART);
	send_all(&w);
	check_int(parts_replace(w.parts, 20, 24, PARTS_ZERO, 0), 0);
	memcpy(want, text(0, PART), PART);
	memset(want + 20, 0, 24);
	check_reads(&w, 0, want, PART);
	send_slot(&w, PARTS_ALL, 0);
	check_uploaded(&w, 1, want, PART);
	world_end(&w);
}

/* ------------------------------------------------------------------- spills */

TEST(a_spilled_slot_lies_over_its_object_and_is_composed_later)
{
	struct world w;
	struct parts_action a;

	world_begin(&w);
	write_ok(&w, 4, 20);
	write_ok(&w, 40, 10);
	check_int(parts_spillable(w.parts, true), 0);
	check_int(parts_spillable(w.parts, false), 4 * BLOCK);
	check_int(parts_spill(w.parts, false, &a), 0);
	check_int(a.what, PARTS_SPILL);
	check_int(a.size, 30);
	land(&w, world_fly(&w, &a), 0);
	check_int(w.blocks_out, 0);
	check_reads(&w, 4, text(4, 20), 20);
	check_reads(&w, 24, zeros, 16);
	write_ok(&w, 24, 16); /* nothing is sealed */
	send_all(&w);
	check(!memcmp(w.upload[1].data + 4, text(4, 46), 46));
	world_end(&w);
}

TEST(the_stored_first_slot_is_spilled_and_stays_stored_and_readable)
{
	struct world w;
	struct parts_action a;

	world_begin(&w);
	write_ok(&w, 0, 2 * PART);
	send_all(&w);
	check_int(parts_spillable(w.parts, false), 0); /* that one can be dropped */
	check_int(parts_spillable(w.parts, true), PART);
	check_int(parts_spill(w.parts, true, &a), 0);
	check_int(a.slot, 0);
	land(&w, world_fly(&w, &a), 0);
	check_int(parts_in_memory(w.parts), PART);
	check_int(next(&w, PARTS_ALL).what, PARTS_DONE);
	check_reads(&w, 0, text(0, PART), PART);
	check_int(parts_write(w.parts, 0, "HEAD", 4), 4);
	send_all(&w);
	check(!memcmp(w.upload[1].data, "HEAD", 4));
	check(!memcmp(w.upload[1].data + 4, text(4, PART - 4), PART - 4));
	world_end(&w);
}

TEST(a_stored_short_tail_is_spilled_not_dropped)
{
	struct world w;
	struct parts_action a;

	world_begin(&w);
	write_ok(&w, 0, PART + 10);
	send_all(&w);
	check(!parts_drop(w.parts));
	check_int(parts_spill(w.parts, false, &a), 0);
	check_int(a.slot, 1);
	land(&w, world_fly(&w, &a), 0);
	write_ok(&w, PART + 10, PART);
	check_reads(&w, PART, text(PART, PART), PART);
	world_end(&w);
}

TEST(a_spill_that_fails_or_comes_late_changes_nothing)
{
	struct world w;
	struct world_flight *f;
	struct parts_action a;

	world_begin(&w);
	write_ok(&w, 0, 10);
	check_int(parts_spill(w.parts, false, &a), 0);
	land(&w, world_fly(&w, &a), -EIO);
	check_int(parts_at(w.parts, 0, 10).kind, PARTS_IS_MEMORY);
	check_int(parts_spill(w.parts, false, &a), 0);
	f = world_fly(&w, &a);
	check_int(parts_write(w.parts, 0, "new", 3), 3);
	land(&w, f, 0);
	check_int(parts_at(w.parts, 0, 10).kind, PARTS_IS_MEMORY);
	check_reads(&w, 0, "new", 3);
	world_end(&w);
}

TEST(the_slot_with_the_most_blocks_is_spilled_but_none_that_can_be_sent)
{
	struct world w;
	struct parts_action a;

	world_begin(&w);
	write_ok(&w, 0, PART);
	write_ok(&w, PART, 20);
	write_ok(&w, 2 * PART, 40);
	check_int(parts_spill(w.parts, false, &a), 0);
	check_int(a.slot, 2);
	land(&w, world_fly(&w, &a), 0);
	check_int(parts_spill(w.parts, false, &a), 0);
	check_int(a.slot, 1);
	land(&w, world_fly(&w, &a), 0);
	check_int(parts_spill(w.parts, false, &a), 0);
	check_int(a.what, PARTS_NOTHING);
	world_end(&w);
}

TEST(a_full_slot_that_is_kept_back_can_be_spilled)
{
	struct world w;
	struct parts_action a;

	world_begin(&w);
	write_ok(&w, 0, PART);
	write_ok(&w, PART, 20);
	parts_keep_back(w.parts);
	check_int(parts_spill(w.parts, false, &a), 0);
	check_int(a.what, PARTS_SPILL);
	check_int(a.slot, 0);
	land(&w, world_fly(&w, &a), 0);
	check_reads(&w, 0, text(0, PART), PART);
	world_end(&w);
}

TEST_MAIN
