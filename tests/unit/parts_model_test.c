/* SPDX-License-Identifier: MIT */
/*
 * parts_model_test - random operations on a part table, against a flat array of bytes.
 *
 * After each operation every byte of the file is compared, and the invariants
 * are checked. Replay and prolong:
 *
 *	PARTS_MODEL_SEED=N         begin with that seed, which a failure prints
 *	PARTS_MODEL_OPERATIONS=N   so many (600,000)
 */
#include "parts_world.h"
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#define FILE_MAX (PART * 12)
#define EPISODE  400 /* operations in the life of one table */

static uint64_t seed; /* of this episode */
static uint64_t state;
static unsigned long count[32]; /* of what was reached, for the report */
enum reached {
	WROTE,
	SHORT,
	NO_BLOCK,
	SEALED,
	SENT,
	COPIED,
	FETCHED,
	SPILLED,
	DROPPED,
	OUTGROWN,
	RESTARTED,
	DONE
};
static const char *const reached_names[] = {"wrote",   "short",    "no block",  "sealed",
                                            "sent",    "copied",   "fetched",   "spilled",
                                            "dropped", "outgrown", "restarted", "done"};

static unsigned long random_next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned long)(state >> 11);
}

static uint64_t below(uint64_t n)
{
	return n ? random_next() % n : 0;
}

/* Offsets and lengths like those of programs: often on a boundary. */
static uint64_t place(uint64_t max)
{
	uint64_t at = below(max + 1);

	switch (below(6)) {
	case 0:
		return at / PART * PART;
	case 1:
		return at / BLOCK * BLOCK;
	default:
		return at;
	}
}

struct model {
	struct world w;
	char bytes[FILE_MAX];
	uint64_t size;
	uint64_t head; /* where the sequential writer goes on */
};

static void compare(struct model *m)
{
	char got[FILE_MAX];

	assert(parts_size(m->w.parts) == m->size);
	assert(parts_slots(m->w.parts) == (m->size + PART - 1) / PART);
	(void)world_read(&m->w, 0, got, m->size);
	assert(!memcmp(got, m->bytes, m->size));
	assert(parts_at(m->w.parts, m->size, 1).kind == PARTS_IS_END);
	parts_check(m->w.parts);
}

/* No byte of [offset, offset + len) is readable by nobody. */
static bool open_range(const struct model *m, uint64_t offset, uint64_t end)
{
	for (uint64_t at = offset / PART * PART; at < end && at < m->size; at += PART)
		if (parts_at(m->w.parts, at, 1).kind == PARTS_IS_SEALED)
			return false;
	return true;
}

static void do_write(struct model *m, uint64_t offset, uint64_t len)
{
	char data[FILE_MAX];
	ssize_t n;

	if (offset >= FILE_MAX)
		return;
	len = len < FILE_MAX - offset ? len : FILE_MAX - offset;
	for (uint64_t i = 0; i < len; i++)
		data[i] = (char)random_next();
	n = parts_write(m->w.parts, offset, data, len);
	if (n < 0) {
		assert(n == PARTS_NO_BLOCK || n == PARTS_SEALED);
		assert(n != PARTS_SEALED || !open_range(m, offset, offset + 1));
		count[n == PARTS_SEALED ? SEALED : NO_BLOCK]++;
		return;
	}
	assert((uint64_t)n <= len && (n || !len));
	if (!n)
		return;
	assert(open_range(m, offset, offset + (uint64_t)n));
	count[(uint64_t)n < len ? SHORT : WROTE]++;
	if (offset > m->size)
		memset(m->bytes + m->size, 0, offset - m->size);
	memcpy(m->bytes + offset, data, (size_t)n);
	if (offset + (uint64_t)n > m->size)
		m->size = offset + (uint64_t)n;
	m->head = offset + (uint64_t)n;
}

static bool any_sealed(const struct model *m)
{
	return !open_range(m, 0, m->size);
}

static void do_truncate(struct model *m, uint64_t size)
{
	bool sealed = any_sealed(m);
	int err = parts_truncate(m->w.parts, size);

	if (err) {
		assert(err == PARTS_SEALED && sealed && size < m->size && size > 0);
		count[SEALED]++;
		return;
	}
	if (size > m->size)
		memset(m->bytes + m->size, 0, size - m->size);
	m->size = size;
}

static void do_replace(struct model *m, uint64_t offset, uint64_t len)
{
	int source = below(3) ? (int)below((uint64_t)m->w.nsources) : PARTS_ZERO;
	uint64_t from = 0, end;
	bool open;
	int err;

	if (source >= m->w.nsources)
		source = PARTS_ZERO;
	if (offset >= FILE_MAX)
		return;
	len = len < FILE_MAX - offset ? len : FILE_MAX - offset;
	if (source >= 0) {
		uint64_t has = m->w.sources[source].size;

		from = below(4) ? below(has + 1) : offset % (has + 1);
		len = len < has - from ? len : has - from;
	}
	end = offset + len;
	open = open_range(m, offset, end);
	err = parts_replace(m->w.parts, offset, len, source, from);
	assert(err == (open || !len ? 0 : PARTS_SEALED));
	if (err || !len)
		return;
	if (offset > m->size)
		memset(m->bytes + m->size, 0, offset - m->size);
	if (source < 0)
		memset(m->bytes + offset, 0, len);
	else
		memcpy(m->bytes + offset, m->w.sources[source].data + from, len);
	if (end > m->size)
		m->size = end;
}

static unsigned flying(const struct model *m)
{
	unsigned n = 0;

	for (int i = 0; i < FLIGHTS; i++)
		n += m->w.flights[i].there;
	return n;
}

/* The action is one that the contract allows. */
static void judge(const struct model *m, const struct parts_action *a, enum parts_mode mode)
{
	uint64_t start = a->slot * PART;
	uint64_t len = start >= m->size ? 0 : m->size - start < PART ? m->size - start : PART;
	char sent[PART];

	if (a->what == PARTS_NOTHING || a->what == PARTS_DONE || a->what == PARTS_COMPOSE)
		return;
	/* Two of one number could overtake each other. */
	for (int i = 0; i < FLIGHTS; i++)
		assert(!m->w.flights[i].there || m->w.flights[i].a.slot != a->slot ||
		       m->w.flights[i].a.what == PARTS_FETCH ||
		       m->w.flights[i].a.what == PARTS_SPILL);
	assert(a->number == a->slot + 1 && a->size > 0);
	if (a->what == PARTS_FETCH || a->what == PARTS_SPILL)
		return;
	assert(a->size == len);
	if (mode == PARTS_FULL)
		assert(a->what == PARTS_SEND && len == PART && m->size > PART);
	if (a->what == PARTS_COPY)
		world_copy(&m->w, a, sent);
	else
		world_gather(a, sent);
	assert(!memcmp(sent, m->bytes + start, len));
}

static enum parts_what do_fetch(struct model *m, uint64_t slot)
{
	struct parts_action a;
	int err = parts_fetch(m->w.parts, slot, &a);

	if (err) {
		assert(err == PARTS_NO_BLOCK);
		count[NO_BLOCK]++;
		return PARTS_NOTHING;
	}
	judge(m, &a, PARTS_ALL);
	if (a.what == PARTS_FETCH || a.what == PARTS_SEND)
		world_fly(&m->w, &a);
	return a.what;
}

static void check_done(struct model *m)
{
	struct s3_part *list;
	size_t n;
	uint64_t at = 0;

	assert(!flying(m) && !parts_outgrown(m->w.parts));
	assert(parts_stored_bytes(m->w.parts) == m->size);
	assert(!parts_list(m->w.parts, &list, &n) && n == parts_slots(m->w.parts));
	for (size_t i = 0; i < n; i++) {
		const struct world_part *part = &m->w.upload[i + 1];

		assert(list[i].number == i + 1 && part->there);
		assert(list[i].size == part->size && !strcmp(list[i].etag.s, part->etag.s));
		assert(i + 1 == n || part->size == PART);
		assert(!memcmp(part->data, m->bytes + at, part->size));
		at += part->size;
	}
	assert(at == m->size);
	for (size_t i = n + 1; i <= PARTS; i++)
		assert(!m->w.upload[i].there); /* nothing that the file has not */
	free(list);
	count[DONE]++;
}

static enum parts_what do_next(struct model *m, enum parts_mode mode)
{
	struct parts_action a;

	assert(!parts_next(m->w.parts, mode, &a));
	judge(m, &a, mode);
	if (a.what == PARTS_SEND || a.what == PARTS_COPY)
		world_fly(&m->w, &a);
	else if (a.what == PARTS_COMPOSE)
		return do_fetch(m, a.slot);
	else if (a.what == PARTS_DONE && !flying(m))
		check_done(m);
	return a.what;
}

static void do_land(struct model *m, bool may_fail)
{
	struct world_flight *f = &m->w.flights[below(FLIGHTS)];
	enum parts_what what = f->a.what;

	if (!f->there)
		return;
	if (may_fail && !below(8)) {
		assert(!world_land(&m->w, f, -EIO));
		return;
	}
	assert(!world_land(&m->w, f, 0));
	count[what == PARTS_SEND    ? SENT
	      : what == PARTS_COPY  ? COPIED
	      : what == PARTS_FETCH ? FETCHED
	                            : SPILLED]++;
}

static void do_spill(struct model *m, bool first)
{
	uint64_t bytes = parts_spillable(m->w.parts, first);
	uint64_t before = parts_in_memory(m->w.parts);
	struct parts_action a;

	assert(!parts_spill(m->w.parts, first, &a));
	assert((a.what == PARTS_SPILL) == (bytes > 0) && bytes <= before);
	if (a.what != PARTS_SPILL)
		return;
	judge(m, &a, PARTS_ALL);
	world_fly(&m->w, &a);
}

static void do_drop(struct model *m)
{
	uint64_t before = parts_in_memory(m->w.parts);

	if (!parts_drop(m->w.parts))
		return;
	assert(parts_in_memory(m->w.parts) < before);
	count[DROPPED]++;
}

/* As a draft does when the upload is outgrown, or was lost. */
static void do_restart(struct model *m)
{
	bool sealed = any_sealed(m);
	bool outgrown = parts_outgrown(m->w.parts);
	int err;

	if (flying(m))
		return;
	err = parts_restart(m->w.parts);
	assert(err == (sealed ? PARTS_SEALED : 0));
	assert(!(sealed && outgrown)); /* it could never be published */
	if (err)
		return;
	assert(!parts_outgrown(m->w.parts) && !parts_stored_bytes(m->w.parts));
	world_forget_upload(&m->w);
	count[RESTARTED]++;
}

/* To PARTS_DONE, with enough memory and a service that works. */
static void finish(struct model *m)
{
	long max = m->w.blocks_max;
	unsigned fails = m->w.take_fails;

	m->w.blocks_max = 1000000;
	m->w.take_fails = 0;
	for (unsigned tries = 0;; tries++) {
		assert(tries < 5000);
		while (flying(m))
			do_land(m, tries < 10);
		if (parts_outgrown(m->w.parts))
			do_restart(m);
		if (do_next(m, PARTS_ALL) == PARTS_DONE)
			break;
		compare(m);
	}
	m->w.blocks_max = max;
	m->w.take_fails = fails;
}

static void operate(struct model *m)
{
	uint64_t span = m->size + PART < FILE_MAX ? m->size + PART : FILE_MAX;
	uint64_t op = below(100);

	if (op < 22)
		do_write(m, m->head, 1 + below(2 * PART));
	else if (op < 38)
		do_write(m, place(span), below(3) ? below(20) : place(3 * PART));
	else if (op < 42)
		do_truncate(m, below(4) ? place(span) : m->size - below(m->size < 9 ? m->size : 9));
	else if (op < 48)
		do_replace(m, place(span), place(4 * PART));
	else if (op < 68)
		do_land(m, true);
	else if (op < 96) {
		if (flying(m) >= FLIGHTS)
			return;
		if (op < 78)
			do_next(m, PARTS_FULL);
		else if (op < 84)
			do_next(m, PARTS_ALL);
		else if (op < 88)
			do_fetch(m, below(FILE_MAX / PART));
		else if (op < 91)
			do_spill(m, below(2));
		else if (op < 95)
			do_drop(m);
		else if (parts_outgrown(m->w.parts) || !below(10))
			do_restart(m);
	} else if (op < 97) {
		m->head = place(span);
	} else if (op == 97) {
		m->w.blocks_max = below(3) ? (long)below(60) : 1000000;
		m->w.take_fails = below(4) ? 0 : (unsigned)below(128);
	} else if (op == 98 && !below(8)) {
		finish(m);
	} else {
		count[OUTGROWN] += parts_outgrown(m->w.parts);
	}
}

static void episode(unsigned operations)
{
	static struct model m;
	char data[FILE_MAX];

	memset(&m, 0, sizeof m);
	world_begin(&m.w);
	m.w.random = random_next;
	for (int i = (int)below(4); i-- > 0;) {
		uint64_t size = 1 + below(FILE_MAX - 1);

		for (uint64_t k = 0; k < size; k++)
			data[k] = (char)random_next();
		(void)world_source(&m.w, data, size);
	}
	for (unsigned i = 0; i < operations; i++) {
		operate(&m);
		compare(&m);
	}
	finish(&m);
	while (flying(&m))
		do_land(&m, false);
	world_end(&m.w);
}

static void tell_seed(int signal)
{
	char text[64];
	int n = snprintf(text, sizeof text, "PARTS_MODEL_SEED=%llu\n", (unsigned long long)seed);

	(void)signal;
	(void)!write(STDOUT_FILENO, text, (size_t)n);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 10) : otherwise;
}

TEST(random_operations_give_the_bytes_of_a_flat_file)
{
	uint64_t operations = number_from("PARTS_MODEL_OPERATIONS", 600000);

	signal(SIGABRT, tell_seed);
	seed = number_from("PARTS_MODEL_SEED", 1);
	for (uint64_t done = 0; done < operations; done += EPISODE, seed++) {
		state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
		episode(EPISODE);
	}
	signal(SIGABRT, SIG_DFL);
	/* The walk has been everywhere. */
	for (size_t i = 0; i < sizeof reached_names / sizeof *reached_names; i++)
		if (operations >= 100000 && count[i] < 20)
			check_fail("%s only %lu times", reached_names[i], count[i]);
	if (getenv("PARTS_MODEL_OPERATIONS"))
		for (size_t i = 0; i < sizeof reached_names / sizeof *reached_names; i++)
			printf("  %s %lu times\n", reached_names[i], count[i]);
}

TEST_MAIN
