/* SPDX-License-Identifier: MIT */
/* parts_test - the promises of parts.h, one by one: edits, sending, cuts. */
#include "parts_steps.h"

/* ------------------------------------------------------------------ sending */

TEST(an_empty_file_is_done_at_once)
{
	struct world w;
	struct s3_part *list;
	size_t n;

	world_begin(&w);
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING);
	check_int(next(&w, PARTS_SYNC).what, PARTS_DONE);
	check_int(parts_slots(w.parts), 0);
	check_int(parts_at(w.parts, 0, 1).kind, PARTS_IS_END);
	check_int(parts_list(w.parts, &list, &n), 0);
	check_int(n, 0);
	free(list);
	check_int(world_write(w.parts, 5, "", 0), 0);
	check_int(parts_size(w.parts), 0);
	world_end(&w);
}

TEST(a_sequential_write_flies_slot_by_slot)
{
	struct world w;

	world_begin(&w);
	for (uint64_t i = 0; i < 4; i++) {
		write_ok(&w, i * PART, PART);
		if (i == 1)
			send_slot(&w, PARTS_FULL, 0);
		if (i)
			send_slot(&w, PARTS_FULL, i);
		check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING);
	}
	check_int(parts_safe_bytes(w.parts), 4 * PART);
	check_int(next(&w, PARTS_SYNC).what, PARTS_DONE);
	check_uploaded(&w, 3, text(2 * PART, PART), PART);
	world_end(&w);
}

TEST(a_file_of_one_slot_never_flies_before_publish)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, PART);
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING);
	send_slot(&w, PARTS_SYNC, 0);
	check_int(next(&w, PARTS_SYNC).what, PARTS_DONE);
	world_end(&w);
}

TEST(a_slot_with_a_hole_waits_for_publish_and_is_sent_with_zeros)
{
	struct world w;
	char want[PART] = "";

	world_begin(&w);
	write_ok(&w, 0, 10);
	write_ok(&w, 30, 2 * PART - 30);
	send_slot(&w, PARTS_FULL, 1);
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING);
	send_slot(&w, PARTS_SYNC, 0);
	memcpy(want, text(0, 10), 10);
	memcpy(want + 30, text(30, PART - 30), PART - 30);
	check_uploaded(&w, 1, want, PART);
	world_end(&w);
}

TEST(writes_out_of_order_fill_slots_that_fly_by_themselves)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 3 * PART, PART);
	write_ok(&w, PART + 32, 32);
	write_ok(&w, PART, 32);
	send_slot(&w, PARTS_FULL, 1);
	send_slot(&w, PARTS_FULL, 3);
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING);
	check_reads(&w, 0, zeros, PART);
	world_end(&w);
}

TEST(no_slot_flies_twice_at_once_and_a_failed_one_flies_again)
{
	struct world w;
	struct world_flight *f;

	world_begin(&w);
	write_ok(&w, 0, PART);
	f = take_off(&w, PARTS_SYNC, PARTS_SEND, 0);
	check(parts_flying(w.parts));
	check_int(next(&w, PARTS_SYNC).what, PARTS_NOTHING);
	land(&w, f, -EIO);
	check(!parts_flying(w.parts));
	check_int(parts_safe_bytes(w.parts), 0);
	send_slot(&w, PARTS_SYNC, 0);
	check_int(next(&w, PARTS_SYNC).what, PARTS_DONE);
	world_end(&w);
}

TEST(a_patch_in_memory_is_sent_again_under_the_same_number)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 2 * PART);
	sync_all(&w);
	check_int(world_write(w.parts, 4, "HEAD", 4), 4);
	check_int(parts_safe_bytes(w.parts), PART);
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING); /* more patches may come */
	send_slot(&w, PARTS_SYNC, 0);
	check(!memcmp(w.upload[1].data + 4, "HEAD", 4));
	check_int(next(&w, PARTS_SYNC).what, PARTS_DONE);
	world_end(&w);
}

TEST(a_write_to_a_flying_slot_goes_to_fresh_blocks)
{
	struct world w;
	struct world_flight *f;
	long blocks;

	world_begin(&w);
	write_ok(&w, 0, 2 * PART);
	f = take_off(&w, PARTS_FULL, PARTS_SEND, 0);
	blocks = w.blocks_out;
	check_int(world_write(w.parts, 20, "new", 3), 3);
	check_int(w.blocks_out, blocks + 1);
	check_reads(&w, 20, "new", 3);
	check(!memcmp((char *)f->a.iov[1].iov_base + 4, text(20, 3), 3));
	land(&w, f, 0); /* compares what flew, too */
	check_int(w.blocks_out, blocks);
	check_int(parts_safe_bytes(w.parts), 0); /* the late result is discarded */
	send_slot(&w, PARTS_FULL, 1);
	send_slot(&w, PARTS_SYNC, 0);
	check(!memcmp(w.upload[1].data + 20, "new", 3));
	world_end(&w);
}

TEST(a_stored_tail_that_grows_is_sent_again)
{
	struct world w;
	char want[PART] = "";

	world_begin(&w);
	write_ok(&w, 0, PART + 10);
	sync_all(&w);
	write_ok(&w, PART + 10, 5);
	send_slot(&w, PARTS_SYNC, 1);
	check_uploaded(&w, 2, text(PART, 15), 15);
	check_int(parts_truncate(w.parts, 3 * PART), 0);
	memcpy(want, text(PART, 15), 15);
	send_slot(&w, PARTS_SYNC, 1);
	check_uploaded(&w, 2, want, PART);
	send_slot(&w, PARTS_FINISH, 2);
	check_uploaded(&w, 3, zeros, PART);
	check_int(next(&w, PARTS_FINISH).what, PARTS_DONE);
	world_end(&w);
}

TEST(a_tail_that_grows_while_it_flies_is_sent_again)
{
	struct world w;
	struct world_flight *f;

	world_begin(&w);
	write_ok(&w, 0, 10);
	f = take_off(&w, PARTS_SYNC, PARTS_SEND, 0);
	check_int(parts_truncate(w.parts, 20), 0);
	land(&w, f, 0);
	send_slot(&w, PARTS_SYNC, 0);
	check_int(w.upload[1].size, 20);
	world_end(&w);
}

TEST(the_list_of_parts_is_ascending_with_sizes_and_etags)
{
	struct world w;
	struct s3_part *list;
	size_t n;

	world_begin(&w);
	write_ok(&w, 0, 2 * PART + 7);
	sync_all(&w);
	check_int(parts_list(w.parts, &list, &n), 0);
	check_int(n, 3);
	for (unsigned i = 0; i < 3; i++) {
		check_int(list[i].number, i + 1);
		check_int(list[i].size, i < 2 ? PART : 7);
		check_str(list[i].etag.s, w.upload[i + 1].etag.s);
	}
	free(list);
	world_end(&w);
}

/* ------------------------------------------------------- dropped and sealed */

TEST(dropping_gives_memory_back_but_not_that_of_the_first_slot_nor_of_the_tail)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 3 * PART + 10);
	check(!parts_drop(w.parts, false)); /* nothing is stored */
	sync_all(&w);
	check_int(parts_in_memory(w.parts), 3 * PART + BLOCK);
	drop_all(&w);
	check_int(parts_in_memory(w.parts), PART + BLOCK);
	check_int(w.blocks_out, 5);
	check_int(parts_at(w.parts, 0, 1).kind, PARTS_IS_MEMORY);
	check_int(parts_at(w.parts, PART, 2 * PART).kind, PARTS_IS_SEALED);
	check_int(parts_at(w.parts, PART, 2 * PART).len, PART);
	check_int(next(&w, PARTS_SYNC).what, PARTS_DONE);
	world_end(&w);
}

TEST(an_edit_of_a_sealed_slot_is_refused_and_changes_nothing)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 3 * PART);
	sync_all(&w);
	drop_all(&w);
	check_int(world_write(w.parts, PART + 5, "x", 1), PARTS_SEALED);
	check_int(parts_truncate(w.parts, 2 * PART + 1), PARTS_SEALED);
	check_int(parts_truncate(w.parts, 2 * PART), PARTS_SEALED);
	check_int(parts_replace(w.parts, PART - 1, 2, PARTS_ZERO, 0), PARTS_SEALED);
	check_int(parts_replace(w.parts, 0, 5 * PART, PARTS_ZERO, 0), PARTS_SEALED);
	check_int(parts_restart(w.parts), PARTS_SEALED);
	parts_check(w.parts);
	check_int(parts_size(w.parts), 3 * PART);
	check(!parts_outgrown(w.parts));
	check_reads(&w, 0, text(0, PART), PART);
	check_int(next(&w, PARTS_SYNC).what, PARTS_DONE);
	world_end(&w);
}

static int no_input(void *arg, void *to, size_t n)
{
	(void)arg, (void)to, (void)n;
	return -EIO;
}

static int some_input(void *arg, void *to, size_t n)
{
	int *blocks = arg;

	memset(to, 'x', n);
	return (*blocks)-- ? 0 : -EIO;
}

TEST(a_write_whose_bytes_do_not_come_is_an_error)
{
	int blocks = 2;
	const struct parts_input in = {no_input, NULL};
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 5);
	check_int(parts_write(w.parts, 3, &in, 2 * PART), -EIO);
	parts_check(w.parts);
	check_int(parts_write(w.parts, 3, &(struct parts_input){some_input, &blocks}, 2 * PART),
	          -EIO);
	check_int(blocks, -1);
	parts_check(w.parts);
	check_reads(&w, 0, text(0, 3), 3);
	check_int(world_write(w.parts, 3, "xyz", 3), 3);
	parts_check(w.parts);
	world_end(&w);
}

TEST(a_write_up_to_a_sealed_slot_is_short)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 2 * PART);
	sync_all(&w);
	drop_all(&w);
	check_int(world_write(w.parts, PART - 4, "12345678", 8), 4);
	check_reads(&w, PART - 4, "1234", 4);
	world_end(&w);
}

TEST(behind_a_sealed_slot_the_file_goes_on)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 2 * PART);
	sync_all(&w);
	drop_all(&w);
	write_ok(&w, 2 * PART, 10);
	check_int(parts_truncate(w.parts, 2 * PART), 0);
	check(!parts_outgrown(w.parts)); /* it never left */
	check_int(next(&w, PARTS_SYNC).what, PARTS_DONE);
	world_end(&w);
}

TEST(a_sealed_file_can_always_be_emptied)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 3 * PART);
	sync_all(&w);
	drop_all(&w);
	check_int(parts_truncate(w.parts, 0), 0);
	check(parts_outgrown(w.parts));
	check_int(parts_restart(w.parts), 0);
	check_int(next(&w, PARTS_SYNC).what, PARTS_DONE);
	check_int(w.blocks_out, 0);
	world_end(&w);
}

/* ----------------------------------------------------------------- truncate */

TEST(a_cut_into_memory_forgets_what_is_behind_it)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 60);
	check_int(parts_truncate(w.parts, 20), 0);
	check_int(w.blocks_out, 2); /* and gives its blocks back */
	check_int(parts_truncate(w.parts, 60), 0);
	check_reads(&w, 0, text(0, 20), 20);
	check_reads(&w, 20, zeros, 40);
	check(!parts_outgrown(w.parts));
	world_end(&w);
}

TEST(a_cut_below_stored_slots_needs_a_restart)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 3 * PART);
	sync_all(&w);
	check_int(parts_truncate(w.parts, PART + 10), 0);
	check(parts_outgrown(w.parts));
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING);
	check_int(next(&w, PARTS_SYNC).what, PARTS_NOTHING);
	world_forget_upload(&w);
	check_int(parts_restart(w.parts), 0);
	check(!parts_outgrown(w.parts));
	sync_all(&w);
	check_uploaded(&w, 1, text(0, PART), PART);
	check_uploaded(&w, 2, text(PART, 10), 10);
	check(!w.upload[3].there);
	world_end(&w);
}

TEST(a_cut_slot_that_was_sent_and_patched_is_in_the_upload_still)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 3 * PART);
	sync_all(&w);
	write_ok(&w, 2 * PART, 4); /* not STORED now, but its number is taken */
	check_int(parts_truncate(w.parts, 2 * PART), 0);
	check(parts_outgrown(w.parts));
	world_end(&w);
}

TEST(a_cut_slot_whose_sending_failed_may_be_in_the_upload)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 2 * PART);
	send_slot(&w, PARTS_FULL, 0);
	land(&w, take_off(&w, PARTS_FULL, PARTS_SEND, 1), -ETIMEDOUT);
	check_int(parts_truncate(w.parts, PART), 0);
	check(parts_outgrown(w.parts));
	world_end(&w);
}

TEST(an_outgrown_upload_never_becomes_the_only_copy)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 5 * PART);
	sync_all(&w);
	check_int(parts_truncate(w.parts, 3 * PART), 0);
	check(!parts_drop(w.parts, false));
	check_int(parts_spillable(w.parts, true), 0);
	check_int(parts_spillable(w.parts, false), 0);
	check_int(parts_restart(w.parts), 0);
	check_reads(&w, 0, text(0, 3 * PART), 3 * PART);
	world_end(&w);
}

TEST(a_slot_cut_off_while_it_flies_lands_nowhere)
{
	struct world w;
	struct world_flight *f;

	world_begin(&w);
	write_ok(&w, 0, 2 * PART);
	send_slot(&w, PARTS_FULL, 0);
	f = take_off(&w, PARTS_FULL, PARTS_SEND, 1);
	check_int(parts_truncate(w.parts, PART), 0);
	check(parts_outgrown(w.parts) && parts_flying(w.parts));
	write_ok(&w, PART, PART); /* a slot of that number again */
	land(&w, f, 0);
	check_int(parts_safe_bytes(w.parts), PART);
	check_int(parts_restart(w.parts), 0);
	world_forget_upload(&w);
	sync_all(&w);
	world_end(&w);
}

TEST(a_spill_cut_off_while_it_flies_lands_nowhere)
{
	struct world w;
	struct world_flight *early;
	struct parts_action a;

	world_begin(&w);
	write_ok(&w, 0, 10);
	check_int(parts_spill(w.parts, false, &a), 0);
	early = world_fly(&w, &a);
	check_int(parts_truncate(w.parts, 0), 0);
	check(!parts_outgrown(w.parts)); /* no part of it was ever sent */
	check_int(world_write(w.parts, 0, "0123456789", 10), 10);
	check_int(parts_spill(w.parts, false, &a), 0);
	check_int(a.what, PARTS_NOTHING); /* one at a time */
	land(&w, early, 0);
	check_int(parts_at(w.parts, 0, 10).kind, PARTS_IS_MEMORY);
	check(!parts_drop(w.parts, false));
	check_int(parts_spill(w.parts, false, &a), 0);
	land(&w, world_fly(&w, &a), 0);
	check(parts_drop(w.parts, false));
	check_int(parts_at(w.parts, 0, 10).kind, PARTS_IS_REMOTE);
	check_reads(&w, 0, "0123456789", 10);
	world_end(&w);
}

/* ------------------------------------------------------------------- limits */

TEST(a_write_without_memory_is_short_then_refused)
{
	struct world w;

	world_begin(&w);
	w.blocks_max = 2;
	check_int(world_write(w.parts, 0, text(0, PART), PART), 2 * BLOCK);
	check_int(parts_size(w.parts), 2 * BLOCK);
	check_int(world_write(w.parts, 2 * BLOCK, "x", 1), PARTS_NO_BLOCK);
	check_int(world_write(w.parts, 5 * PART, "x", 1), PARTS_NO_BLOCK);
	check_int(parts_size(w.parts), 2 * BLOCK); /* as it was */
	parts_check(w.parts);
	write_ok(&w, 1, 3); /* what is there can be written to */
	world_end(&w);
}

TEST(a_patch_of_a_flying_slot_without_memory_is_refused)
{
	struct world w;
	struct world_flight *f;

	world_begin(&w);
	write_ok(&w, 0, PART);
	f = take_off(&w, PARTS_SYNC, PARTS_SEND, 0);
	w.blocks_max = 0;
	check_int(world_write(w.parts, 0, "x", 1), PARTS_NO_BLOCK);
	land(&w, f, 0);
	check_int(next(&w, PARTS_SYNC).what, PARTS_DONE); /* it was not changed */
	world_end(&w);
}

TEST(a_file_of_more_than_the_uploads_can_carry_is_too_large)
{
	struct world w;
	/* 52 slots as they are, and 12 copies of 4 */
	const uint64_t most = 52 * PART + 12 * COPY;

	world_begin(&w);
	check_int(parts_truncate(w.parts, most + 1), -EFBIG);
	check_int(world_write(w.parts, most, "x", 1), -EFBIG);
	check_int(world_write(w.parts, UINT64_MAX, "xx", 2), -EFBIG);
	check_int(parts_replace(w.parts, most, 1, PARTS_ZERO, 0), -EFBIG);
	check_int(parts_replace(w.parts, 2, UINT64_MAX, PARTS_ZERO, 0), -EFBIG);
	check_int(parts_size(w.parts), 0);
	check_int(w.blocks_out, 0);
	check_int(world_write(w.parts, most - 1, "x", 1), 1);
	check(parts_redirect(w.parts));
	check_int(parts_truncate(w.parts, 64 * COPY), 0);
	check_int(parts_truncate(w.parts, 64 * COPY + 1), -EFBIG);
	world_end(&w);
}

TEST_MAIN
