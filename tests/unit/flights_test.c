/* SPDX-License-Identifier: MIT */
/* flights_test - the promises of parts.h, one by one: ranges of objects that are
 * copied or fetched, and slots that are spilled. */
#include "parts_steps.h"

/* ------------------------------------------------------------------- remote */

TEST(ranges_are_copied_as_one_part_each_and_a_patched_slot_is_composed)
{
	struct world w;
	struct world_flight *f;
	int source;
	char want[PART];

	world_begin(&w);
	source = world_source(&w, text(0, 7 * PART + 9), 7 * PART + 9);
	check_int(parts_replace(w.parts, 0, 7 * PART + 9, source, 0), 0);
	check_int(parts_size(w.parts), 7 * PART + 9);
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING);
	check_int(world_write(w.parts, PART + 20, "patch", 5), 5);
	land(&w, take_off(&w, PARTS_FINISH, PARTS_COPY, 0), 0);
	check_int(w.upload[1].size, PART);
	check_int(next(&w, PARTS_FINISH).what, PARTS_COMPOSE);
	f = take_off(&w, PARTS_FINISH, PARTS_COPY, 2); /* meanwhile */
	check_int(f->a.size, COPY);
	check_int(f->a.source_offset, 2 * PART);
	land(&w, f, 0);
	compose(&w, 1);
	memcpy(want, text(PART, PART), PART);
	memcpy(want + 20, "patch", 5);
	check_uploaded(&w, 2, want, PART);
	send_all(&w);
	check_uploaded(&w, 7, text(6 * PART, PART + 9), PART + 9);
	world_end(&w);
}

TEST(a_tail_behind_a_range_is_a_part_of_its_own_wherever_it_begins)
{
	struct world w;
	const uint64_t size = 2 * PART + 30;

	world_begin(&w);
	check_int(parts_replace(w.parts, 0, size, world_source(&w, text(0, size), size), 0), 0);
	write_ok(&w, size, 20);
	send_all(&w);
	check_uploaded(&w, 1, text(0, size), size);
	/* Under a number that no whole slot has. */
	check_uploaded(&w, (unsigned)parts_direct(w.parts) + 1, text(size, 20), 20);
	check_int(parts_restart(w.parts), 0);
	check_reads(&w, 0, text(0, size + 20), size + 20);
	world_end(&w);
}

TEST(a_slot_that_is_filled_up_behind_a_range_is_composed_at_once)
{
	struct world w;

	world_begin(&w);
	check_int(parts_replace(w.parts, 0, PART + 30,
	                        world_source(&w, text(0, PART + 30), PART + 30), 0),
	          0);
	write_ok(&w, PART + 30, 20);
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING); /* more may come */
	write_ok(&w, PART + 50, 40);
	check_int(next(&w, PARTS_FULL).what, PARTS_COMPOSE);
	compose(&w, 1);
	check_uploaded(&w, 2, text(PART, PART), PART);
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING);
	world_end(&w);
}

TEST(nothing_is_stored_behind_a_synced_part_that_is_too_short)
{
	struct world w;
	struct world_flight *tail;

	world_begin(&w);
	write_ok(&w, 0, PART + 20);
	sync_all(&w);
	check_uploaded(&w, 2, text(PART, 20), 20);
	write_ok(&w, PART + 20, 2 * PART - 20);
	tail = take_off(&w, PARTS_FULL, PARTS_SEND, 1);
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING);
	check_int(next(&w, PARTS_SYNC).what, PARTS_NOTHING);
	land(&w, tail, -EIO);
	tail = take_off(&w, PARTS_FULL, PARTS_SEND, 1);
	land(&w, tail, 0);
	send_slot(&w, PARTS_FULL, 2);
	world_end(&w);
}

TEST(a_synced_tail_that_is_never_filled_goes_before_what_follows_it)
{
	struct world w;
	char want[PART] = {0};

	world_begin(&w);
	write_ok(&w, 0, PART + 20);
	sync_all(&w);
	write_ok(&w, 2 * PART, PART);
	send_slot(&w, PARTS_FULL, 1);
	memcpy(want, text(PART, 20), 20);
	check_uploaded(&w, 2, want, PART);
	send_slot(&w, PARTS_FULL, 2);
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING);
	world_end(&w);
}

TEST(a_slot_with_gaps_that_was_sent_early_can_be_filled_later)
{
	struct world w;
	char want[PART];

	world_begin(&w);
	write_ok(&w, 0, PART + 20);
	sync_all(&w);
	write_ok(&w, 2 * PART, 2 * PART);
	send_slot(&w, PARTS_FULL, 1);
	send_slot(&w, PARTS_FULL, 2);
	drop_all(&w);
	write_ok(&w, PART + 20, 10);
	send_all(&w);
	memcpy(want, text(PART, 30), 30);
	memset(want + 30, 0, PART - 30);
	check_uploaded(&w, 2, want, PART);
	world_end(&w);
}

TEST(a_service_that_wants_equal_parts_gets_them)
{
	struct world w;
	const uint64_t size = 2 * PART + 50;

	world_begin_with(&w, (struct parts_limits){PART, 40, COPY, PARTS, true});
	check_int(parts_replace(w.parts, 0, size, world_source(&w, text(0, size), size), 0), 0);
	write_ok(&w, size, 4);
	send_all(&w);
	check_uploaded(&w, 1, text(0, PART), PART);
	check_uploaded(&w, 2, text(PART, PART), PART);
	check_uploaded(&w, 3, text(2 * PART, 54), 54);
	world_end(&w);
}

TEST(a_range_too_short_for_a_part_is_fetched)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, PART);
	check_int(parts_replace(w.parts, PART, 39, world_source(&w, text(0, 39), 39), 0), 0);
	send_slot(&w, PARTS_FINISH, 0);
	check_int(next(&w, PARTS_FINISH).what, PARTS_COMPOSE);
	compose(&w, 1);
	check_uploaded(&w, 2, text(0, 39), 39);
	world_end(&w);
}

TEST(a_file_that_is_one_object_is_known_as_such)
{
	struct world w;
	int source, whole = -1;

	world_begin(&w);
	source = world_source(&w, text(0, 3 * PART), 3 * PART);
	check(!parts_whole(w.parts, &whole));
	check_int(parts_replace(w.parts, 0, 3 * PART, source, 0), 0);
	check(parts_whole(w.parts, &whole));
	check_int(whole, source);
	check(parts_uses(w.parts, source) && !parts_uses(w.parts, source + 1));
	write_ok(&w, 5, 1);
	check(!parts_whole(w.parts, &whole));
	check_int(parts_replace(w.parts, 0, 3 * PART - 1, source, 1), 0);
	check(!parts_whole(w.parts, &whole));
	world_end(&w);
}

TEST(a_wholly_overwritten_range_is_never_fetched)
{
	struct world w;

	world_begin(&w);
	check_int(parts_replace(w.parts, 0, 2 * PART, world_source(&w, zeros, 2 * PART), 0), 0);
	write_ok(&w, 0, 2 * PART);
	send_slot(&w, PARTS_FULL, 0);
	send_slot(&w, PARTS_FULL, 1);
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
	check_int(world_write(w.parts, 0, "A", 1), 1);
	check_int(next(&w, PARTS_SYNC).what, PARTS_COMPOSE);
	check_int(parts_fetch(w.parts, 0, &a), 0);
	check_int(a.what, PARTS_FETCH);
	f = world_fly(&w, &a);
	check_int(world_write(w.parts, 10, "BBBB", 4), 4);
	check_int(world_write(w.parts, 30, "CCCC", 4), 4);
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
	check_int(world_write(w.parts, 0, text(0, 1), 1), 1);
	check_int(next(&w, PARTS_SYNC).what, PARTS_COMPOSE);
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
	check_int(world_write(w.parts, 0, "A", 1), 1);
	check_int(next(&w, PARTS_SYNC).what, PARTS_COMPOSE);
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
	check_int(world_write(w.parts, 0, text(0, 1), 1), 1);
	check_int(next(&w, PARTS_SYNC).what, PARTS_COMPOSE);
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
	sync_all(&w);
	check_int(parts_replace(w.parts, 20, 24, PARTS_ZERO, 0), 0);
	memcpy(want, text(0, PART), PART);
	memset(want + 20, 0, 24);
	check_reads(&w, 0, want, PART);
	send_slot(&w, PARTS_SYNC, 0);
	check_uploaded(&w, 1, want, PART);
	world_end(&w);
}

/* ------------------------------------------------------------------- spills */

static void spill_all(struct world *w, bool first)
{
	struct parts_action a;

	check_int(parts_spill(w->parts, first, &a), 0);
	check_int(a.what, PARTS_SPILL);
	land(w, world_fly(w, &a), 0);
}

TEST(a_spilled_slot_lies_over_its_object_and_is_composed_later)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 4, 20);
	write_ok(&w, 40, 10);
	check_int(parts_spillable(w.parts, true), 0);
	check_int(parts_spillable(w.parts, false), 4 * BLOCK);
	check(!parts_drop(w.parts, false));
	spill_all(&w, false);
	check_int(w.sources[0].size, 30);
	check_int(w.blocks_out, 4); /* a cache, until somebody needs the memory */
	check_int(parts_spillable(w.parts, false), 0);
	check(parts_drop(w.parts, false));
	check_int(w.blocks_out, 0);
	check_reads(&w, 4, text(4, 20), 20);
	check_reads(&w, 24, zeros, 16);
	write_ok(&w, 24, 16); /* nothing is sealed */
	send_all(&w);
	check(!memcmp(w.upload[1].data + 4, text(4, 46), 46));
	world_end(&w);
}

TEST(many_slots_are_spilled_as_one_object_the_oldest_first)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 20);
	write_ok(&w, 2 * PART, 30);
	write_ok(&w, PART, 40);
	write_ok(&w, 3 * PART, 50);
	write_ok(&w, 1, 1); /* that one is the youngest now */
	spill_all(&w, false);
	check_int(w.sources[0].size, 30 + 40);
	check(!memcmp(w.sources[0].data, text(2 * PART, 30), 30));
	check(!memcmp(w.sources[0].data + 30, text(PART, 40), 40));
	spill_all(&w, false);
	check_int(w.sources[1].size, 50 + 20);
	drop_all(&w);
	check_int(w.blocks_out, 0);
	check_reads(&w, 0, text(0, 20), 20);
	check_reads(&w, PART, text(PART, 40), 40);
	check_reads(&w, 2 * PART, text(2 * PART, 30), 30);
	check_reads(&w, 3 * PART, text(3 * PART, 50), 50);
	world_end(&w);
}

TEST(the_stored_first_slot_is_spilled_and_stays_stored_and_readable)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 2 * PART);
	sync_all(&w);
	check_int(parts_spillable(w.parts, false), 0); /* the other can be sealed */
	check_int(parts_spillable(w.parts, true), PART);
	spill_all(&w, true);
	drop_all(&w);
	check_int(w.blocks_out, 0);
	check_int(next(&w, PARTS_SYNC).what, PARTS_DONE);
	check_reads(&w, 0, text(0, PART), PART);
	check_int(parts_at(w.parts, PART, 1).kind, PARTS_IS_SEALED);
	check_int(world_write(w.parts, 0, "HEAD", 4), 4);
	send_all(&w);
	check(!memcmp(w.upload[1].data, "HEAD", 4));
	check(!memcmp(w.upload[1].data + 4, text(4, PART - 4), PART - 4));
	world_end(&w);
}

TEST(a_stored_short_tail_is_spilled_not_sealed)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, PART + 10);
	sync_all(&w);
	check(!parts_drop(w.parts, false));
	spill_all(&w, false);
	check(parts_drop(w.parts, false));
	write_ok(&w, PART + 10, PART);
	check_reads(&w, PART, text(PART, PART), PART);
	world_end(&w);
}

TEST(a_spill_that_fails_changes_nothing)
{
	struct world w;
	struct parts_action a;

	world_begin(&w);
	write_ok(&w, 0, 10);
	check_int(parts_spill(w.parts, false, &a), 0);
	land(&w, world_fly(&w, &a), -EIO);
	check(!parts_drop(w.parts, false));
	check_int(parts_at(w.parts, 0, 10).kind, PARTS_IS_MEMORY);
	check_int(parts_safe_bytes(w.parts), 0);
	spill_all(&w, false);
	check_int(parts_safe_bytes(w.parts), 10);
	world_end(&w);
}

TEST(what_is_written_during_a_spill_lies_over_it)
{
	struct world w;
	struct world_flight *f;
	struct parts_action a;
	char want[40];

	world_begin(&w);
	write_ok(&w, 0, 40);
	check_int(parts_spill(w.parts, false, &a), 0);
	f = world_fly(&w, &a);
	check_int(world_write(w.parts, 4, "new", 3), 3);
	check_int(parts_replace(w.parts, 20, 8, PARTS_ZERO, 0), 0);
	land(&w, f, 0);
	check(!parts_drop(w.parts, false));
	memcpy(want, text(0, 40), 40);
	memcpy(want + 4, "new", 3);
	memset(want + 20, 0, 8);
	check_reads(&w, 0, want, 40);
	spill_all(&w, false);
	check_int(w.sources[1].size, 3);
	drop_all(&w);
	check_int(w.blocks_out, 0);
	check_reads(&w, 0, want, 40);
	world_end(&w);
}

/* ---------------------------------------------------------------- very many */

TEST(a_slot_of_very_many_pieces_is_made_whole)
{
	struct parts_limits limits = {4096, 40, 4096, PARTS, false};
	struct world w;
	struct parts_action a;
	uint64_t at = 0;

	world_begin_with(&w, limits);
	while (next(&w, PARTS_FULL).what != PARTS_COMPOSE) {
		assert(at < 4096);
		check_int(world_write(w.parts, at, "x", 1), 1);
		at += 4;
	}
	check(at > 4 * 200);
	check_int(parts_fetch(w.parts, 0, &a), 0);
	check_int(a.what, PARTS_NOTHING); /* zeros are at hand */
	parts_composed(w.parts, 0);
	parts_check(w.parts);
	check_int(parts_at(w.parts, 0, 4096).kind, PARTS_IS_MEMORY);
	check_int(slot_find(w.parts, 0)->dirty.n, 1);
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING);
	world_end(&w);
}

TEST(a_writer_of_too_many_pieces_waits)
{
	struct parts_limits limits = {4096, 40, 4096, PARTS, false};
	struct world w;
	ssize_t n = 1;

	world_begin_with(&w, limits);
	for (uint64_t at = 0; n == 1; at += 3) {
		assert(at < 4096);
		n = world_write(w.parts, at, "x", 1);
	}
	check_int(n, PARTS_CROWDED);
	check_int(next(&w, PARTS_FULL).what, PARTS_COMPOSE);
	world_end(&w);
}

TEST(a_slot_that_was_sent_in_too_many_pieces_is_made_whole_when_written)
{
	struct parts_limits limits = {4096, 40, 4096, PARTS, false};
	struct world w;
	ssize_t n = 1;

	world_begin_with(&w, limits);
	for (uint64_t at = 0; n == 1; at += 3)
		n = world_write(w.parts, at, "x", 1);
	slot_find(w.parts, 0)->progress = STORED;
	slot_find(w.parts, 0)->stored_len = parts_size(w.parts);
	w.parts->crowded = NO_SLOT;
	check_int(world_write(w.parts, 4090, "x", 1), PARTS_CROWDED);
	check_int(next(&w, PARTS_FULL).what, PARTS_COMPOSE);
	world_end(&w);
}

TEST_MAIN
