/* SPDX-License-Identifier: MIT */
/* stage_test - the promises of parts.h, one by one: the staged upload, and files
 * of more slots than an upload has parts. */
#include "parts_steps.h"

/* A table all of whose slots are staged. */
static void begin_staged(struct world *w)
{
	world_begin(w);
	check(parts_redirect(w->parts));
}

static void stage_all(struct world *w)
{
	check_int(world_stage(w, 0), 0);
	parts_check(w->parts);
}

static void send_staged(struct world *w, uint64_t slot, unsigned number)
{
	struct world_flight *f = take_off(w, PARTS_FULL, PARTS_SEND, slot);

	check(f->a.staged);
	check_int(f->a.number, number);
	land(w, f, 0);
}

TEST(staged_slots_are_numbered_as_they_come)
{
	struct world w;

	begin_staged(&w);
	write_ok(&w, 5 * PART, PART);
	send_staged(&w, 5, 1);
	write_ok(&w, 2 * PART, PART);
	send_staged(&w, 2, 2);
	check_int(parts_truncate(w.parts, 3 * PART), 0); /* its part stays in the upload */
	check(!parts_outgrown(w.parts));
	write_ok(&w, 0, PART);
	send_staged(&w, 0, 3);
	stage_all(&w);
	drop_all(&w);
	check_int(parts_at(w.parts, 2 * PART, PART).source_offset, PART);
	check_reads(&w, 0, text(0, PART), PART);
	check_reads(&w, PART, zeros, PART);
	check_reads(&w, 2 * PART, text(2 * PART, PART), PART);
	world_end(&w);
}

TEST(what_is_sealed_can_be_read_and_patched_once_it_is_staged)
{
	struct world w;

	begin_staged(&w);
	write_ok(&w, 0, 3 * PART);
	for (unsigned i = 0; i < 3; i++)
		send_staged(&w, i, i + 1);
	check(parts_staged_any(w.parts));
	drop_all(&w);
	check_int(w.blocks_out, 0); /* the first slot as well */
	check_int(parts_at(w.parts, 0, 9).kind, PARTS_IS_STAGED);
	check_int(world_write(w.parts, PART, "x", 1), PARTS_STAGED);
	check_int(parts_truncate(w.parts, 9), PARTS_STAGED);
	check_int(parts_replace(w.parts, 9, 9, PARTS_ZERO, 0), PARTS_STAGED);
	stage_all(&w);
	check(!parts_staged_any(w.parts));
	check_reads(&w, 0, text(0, 3 * PART), 3 * PART);
	check_int(world_write(w.parts, PART, "x", 1), 1);
	check_reads(&w, PART, "x", 1);
	world_end(&w);
}

TEST(what_is_in_memory_stays_there_when_it_is_staged)
{
	struct world w;

	begin_staged(&w);
	write_ok(&w, 0, 2 * PART);
	send_staged(&w, 0, 1);
	send_staged(&w, 1, 2);
	stage_all(&w);
	check_int(parts_at(w.parts, 0, 1).kind, PARTS_IS_MEMORY);
	check_int(parts_in_memory(w.parts), 2 * PART);
	check_int(parts_safe_bytes(w.parts), 2 * PART);
	drop_all(&w); /* it is clean */
	check_int(parts_at(w.parts, 0, 1).kind, PARTS_IS_REMOTE);
	world_end(&w);
}

TEST(a_slot_that_changes_while_its_upload_is_completed_stays_dirty)
{
	struct world w;
	const struct s3_part *list;
	size_t n;

	begin_staged(&w);
	write_ok(&w, 0, 2 * PART);
	send_staged(&w, 0, 1);
	send_staged(&w, 1, 2);
	parts_stage(w.parts, &list, &n);
	check_int(n, 2);
	check_int(next(&w, PARTS_FULL).what, PARTS_NOTHING);
	check_int(world_write(w.parts, 3, "new", 3), 3);
	check_int(parts_staged(w.parts, 0, world_source(&w, zeros, 2 * PART)), 0);
	parts_check(w.parts);
	check_reads(&w, 3, "new", 3);
	check_int(parts_safe_bytes(w.parts), PART);
	world_end(&w);
}

TEST(a_stage_that_fails_leaves_all_as_it_was)
{
	struct world w;

	begin_staged(&w);
	write_ok(&w, 0, 2 * PART);
	send_staged(&w, 0, 1);
	check_int(world_stage(&w, -EIO), 0);
	check(parts_staged_any(w.parts));
	send_staged(&w, 1, 2);
	stage_all(&w);
	world_end(&w);
}

TEST(a_second_pass_goes_to_another_staged_upload)
{
	struct world w;

	begin_staged(&w);
	write_ok(&w, 0, 2 * PART);
	send_staged(&w, 0, 1);
	send_staged(&w, 1, 2);
	drop_all(&w);
	stage_all(&w);
	for (uint64_t i = 0; i < 2; i++) {
		check_int(world_write(w.parts, i * PART, text(i * PART + 7, PART), PART), PART);
		send_staged(&w, i, (unsigned)i + 1);
	}
	drop_all(&w);
	stage_all(&w);
	check(!parts_uses(w.parts, 0)); /* the first pass is not needed any more */
	check_reads(&w, 0, text(7, 2 * PART), 2 * PART);
	world_end(&w);
}

TEST(a_redirected_table_sends_again_what_its_own_upload_had)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 2 * PART);
	send_slot(&w, PARTS_FULL, 0);
	check(parts_redirect(w.parts));
	check(parts_outgrown(w.parts));
	check_int(parts_restart(w.parts), 0);
	world_forget_upload(&w);
	send_staged(&w, 0, 1);
	send_staged(&w, 1, 2);
	world_end(&w);
}

TEST(a_table_with_sealed_slots_cannot_be_redirected)
{
	struct world w;

	world_begin(&w);
	write_ok(&w, 0, 3 * PART);
	send_slot(&w, PARTS_FULL, 0);
	send_slot(&w, PARTS_FULL, 1);
	drop_all(&w);
	check(!parts_redirect(w.parts));
	check(!parts_outgrown(w.parts));
	send_slot(&w, PARTS_FULL, 2);
	world_end(&w);
}

TEST(finishing_completes_the_staged_upload_first_and_copies_from_it)
{
	struct world w;

	begin_staged(&w);
	for (unsigned i = 0; i < 3; i++) {
		write_ok(&w, (2 - i) * PART, PART);
		send_staged(&w, 2 - i, i + 1);
	}
	write_ok(&w, 3 * PART, 20);
	check_int(next(&w, PARTS_FINISH).what, PARTS_STAGE);
	stage_all(&w);
	send_all(&w);
	for (unsigned i = 0; i < 3; i++) /* they lie there the other way round */
		check_uploaded(&w, i + 1, text(i * PART, PART), PART);
	check_uploaded(&w, 4, text(3 * PART, 20), 20);
	world_end(&w);
}

TEST(a_sync_spills_what_fills_no_slot_and_stages_the_rest)
{
	struct world w;
	struct world_flight *f;

	begin_staged(&w);
	write_ok(&w, 0, 2 * PART + 10);
	check_int(world_write(w.parts, 5 * PART, "tail", 4), 4);
	send_staged(&w, 0, 1);
	send_staged(&w, 1, 2);
	f = take_off(&w, PARTS_SYNC, PARTS_SPILL, 2);
	check_int(f->a.size, 14);
	check_int(next(&w, PARTS_SYNC).what, PARTS_NOTHING); /* not before it has landed */
	land(&w, f, 0);
	check_int(next(&w, PARTS_SYNC).what, PARTS_DONE);
	world_end(&w);
}

TEST(a_full_staged_upload_is_completed_before_more_is_sent)
{
	struct world w;

	world_begin_with(&w, (struct parts_limits){PART, 40, 2 * PART, PARTS, false});
	check(parts_redirect(w.parts));
	write_ok(&w, 0, 3 * PART);
	send_staged(&w, 0, 1);
	send_staged(&w, 1, 2);
	check_int(next(&w, PARTS_FULL).what, PARTS_STAGE);
	stage_all(&w);
	send_staged(&w, 2, 1);
	world_end(&w);
}

TEST(slots_beyond_the_numbers_of_the_own_upload_are_staged)
{
	struct world w;
	struct s3_part *list;
	size_t n;

	/* 4 slots go as they are; then one number for each 3. */
	world_begin_with(&w, (struct parts_limits){PART, 40, 3 * PART, 5, false});
	check_int(world_write(w.parts, 0, text(0, 7 * PART), 7 * PART), 7 * PART);
	check_int(world_write(w.parts, 7 * PART, "x", 1), -EFBIG);
	do_all(&w, PARTS_FINISH);
	check_int(parts_list(w.parts, &list, &n), 0);
	check_int(n, 5);
	check_int(list[4].number, 5);
	check_int(list[4].size, 3 * PART);
	check(!memcmp(w.upload[5].data, text(4 * PART, 3 * PART), 3 * PART));
	free(list);
	world_end(&w);
}

TEST(a_file_in_too_many_pieces_is_gathered_first)
{
	struct world w;
	struct s3_part *list;
	size_t n;

	world_begin_with(&w, (struct parts_limits){PART, 40, COPY, 8, false});
	check(parts_redirect(w.parts));
	for (uint64_t i = 0; i < 20; i++) { /* 0, 7, 14, 1, 8, ... */
		write_ok(&w, i * 7 % 20 * PART, PART);
		sync_all(&w);
	}
	drop_all(&w);
	send_all(&w);
	check_int(parts_list(w.parts, &list, &n), 0);
	check(n <= 8);
	for (uint64_t i = 0, at = 0; i < n; at += list[i++].size)
		check(!memcmp(w.upload[list[i].number].data, text(at, list[i].size), list[i].size));
	free(list);
	world_end(&w);
}

TEST(a_finished_table_can_begin_again)
{
	struct world w;

	begin_staged(&w);
	check_int(parts_replace(w.parts, 0, 3 * PART, world_source(&w, text(0, 3 * PART), 3 * PART),
	                        0),
	          0);
	write_ok(&w, PART, 9);
	send_all(&w);
	check(parts_finishing(w.parts));
	check_int(parts_restart(w.parts), 0);
	world_forget_upload(&w);
	check(!parts_finishing(w.parts));
	write_ok(&w, 2 * PART, 9);
	send_all(&w);
	check_uploaded(&w, 3, text(2 * PART, PART), PART);
	world_end(&w);
}

/* ------------------------------------------------------------- 48 terabytes
 *
 * A file of 48 TiB has 6,291,456 slots of 8 MiB. Written in order, with no
 * byte of it kept: the content of each byte follows from its offset, a staged
 * object is the slot that it begins with, and the finished upload is checked
 * range by range. Slots are 16 bytes here, but as many as they are there. */

enum { SMALL = 16, RUN = 640 };
#define FILE_48T (UINT64_C(48) << 40)

/* The sanitizers make it ten times as slow: there it is a tenth of the file. */
#if defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WRITTEN (FILE_48T / 10 / MIB8 * MIB8)
#endif
#elif defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define WRITTEN (FILE_48T / 10 / MIB8 * MIB8)
#endif
#ifndef WRITTEN
#define WRITTEN FILE_48T
#endif
#define MIB8 (UINT64_C(8) << 20)
#define GIB5 (UINT64_C(5) << 30)

struct plan {
	struct world w; /* for its blocks */
	struct parts *parts;
	uint64_t part_size;
	uint64_t *first; /* of each source: the file's offset where it begins */
	int nsources;
	uint64_t done; /* bytes of the finished upload */
	unsigned number;
	size_t most_slots, most_runs;
};

static char byte_at(uint64_t offset)
{
	return (char)(offset * 0x9e3779b97f4a7c15u >> 56);
}

static void plan_begin(struct plan *p, struct parts_limits limits)
{
	struct parts_mem mem = {BLOCK, world_take, world_hold, world_put, world_shared, &p->w};

	*p = (struct plan){.w.blocks_max = 1000000, .part_size = limits.part_size};
	p->parts = parts_new(&limits, &mem);
	p->first = calloc(S3_PARTS_MAX, sizeof *p->first);
	assert(p->parts && p->first && parts_redirect(p->parts));
}

static void plan_end(struct plan *p)
{
	parts_free(p->parts);
	free(p->first);
	assert(!p->w.blocks_out);
}

static void plan_send(struct plan *p, struct parts_action *a)
{
	static const struct s3_etag etag = {"e"};
	uint64_t at = a->slot * p->part_size;

	for (int i = 0; i < a->iovcnt; i++)
		for (size_t k = 0; k < a->iov[i].iov_len; k++)
			assert(((char *)a->iov[i].iov_base)[k] == byte_at(at++));
	if (a->staged) { /* in order: so its object can be copied in one piece */
		uint64_t in_object = (a->number - 1) * p->part_size;

		if (a->number == 1)
			p->first[p->nsources] = a->slot * p->part_size;
		assert(p->first[p->nsources] + in_object == a->slot * p->part_size);
	} else {
		assert(a->number > p->number && a->slot * p->part_size == p->done);
		p->number = a->number;
		p->done += a->size;
	}
	parts_sent(p->parts, a, 0, &etag);
}

static void plan_copy(struct plan *p, struct parts_action *a)
{
	static const struct s3_etag etag = {"e"};

	assert(a->number > p->number && a->slot * p->part_size == p->done);
	assert(p->first[a->source] + a->source_offset == p->done);
	p->number = a->number;
	p->done += a->size;
	parts_sent(p->parts, a, 0, &etag);
}

static enum parts_what plan_next(struct plan *p, enum parts_mode mode)
{
	const struct s3_part *list;
	struct parts_action a;
	size_t n;

	assert(!parts_next(p->parts, mode, &a));
	if (a.what == PARTS_SEND) {
		plan_send(p, &a);
	} else if (a.what == PARTS_COPY) {
		plan_copy(p, &a);
	} else if (a.what == PARTS_STAGE) {
		parts_stage(p->parts, &list, &n);
		assert(n <= RUN && !parts_staged(p->parts, 0, p->nsources++));
	}
	/* When it is finished, each copied part has one. */
	if (!parts_finishing(p->parts) && p->parts->nslots > p->most_slots)
		p->most_slots = p->parts->nslots;
	if (p->parts->base.n > p->most_runs)
		p->most_runs = p->parts->base.n;
	return a.what;
}

TEST(a_file_of_48_tib_is_planned_to_the_last_byte_in_constant_memory)
{
	const uint64_t slots = WRITTEN / MIB8, size = slots * SMALL - 5;
	struct plan p;

	plan_begin(&p, (struct parts_limits){SMALL, SMALL, RUN * SMALL, S3_PARTS_MAX, false});
	for (uint64_t at = 0; at < size;) {
		char data[SMALL];
		uint64_t n = at + SMALL <= size ? SMALL : size - at;

		for (uint64_t k = 0; k < n; k++)
			data[k] = byte_at(at + k);
		assert(world_write(p.parts, at, data, n) == (ssize_t)n);
		at += n;
		while (plan_next(&p, PARTS_FULL) != PARTS_NOTHING)
			;
		while (at % (64 * SMALL) == 0 && parts_drop(p.parts, false))
			;
	}
	while (plan_next(&p, PARTS_FINISH) != PARTS_DONE)
		;
	check_int(p.done, size);
	check_int(p.nsources, (slots + RUN - 1) / RUN); /* each is copied as one part */
	check(p.number <= S3_PARTS_MAX);
	check(p.most_slots <= 2 * RUN + 2); /* whatever was staged needs no struct */
	check(p.most_runs <= (size_t)p.nsources);
	plan_end(&p);
}

TEST(the_ranges_of_a_file_of_48_tib_are_copied_to_the_last_byte)
{
	const uint64_t size = FILE_48T - 12345;
	struct plan p;

	plan_begin(&p, (struct parts_limits){MIB8, S3_PART_MIN, GIB5, S3_PARTS_MAX, false});
	for (uint64_t at = 0; at < size; at += GIB5) {
		uint64_t n = at + GIB5 <= size ? GIB5 : size - at;

		p.first[p.nsources] = at;
		assert(!parts_replace(p.parts, at, n, p.nsources++, 0));
	}
	check_int(parts_size(p.parts), size);
	while (plan_next(&p, PARTS_FINISH) != PARTS_DONE)
		;
	check_int(p.done, size);
	check_int(p.number, 9831);
	plan_end(&p);
}

TEST_MAIN
