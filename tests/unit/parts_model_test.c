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
#define EPISODE  150 /* operations in the life of one table */

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
	REDIRECTED,
	STAGED,
	STAGE_FIRST,
	COMPACTED,
	SPANS,
	REFUSED,
	PREFIXED,
	SYNCED,
	TOO_MANY,
	TOO_LARGE,
	GATHERED,
	RELIEVED,
	DONE
};
static const char *const reached_names[] = {
	"wrote",   "short",       "no block",  "sealed",   "sent",      "copied",
	"fetched", "spilled",     "dropped",   "outgrown", "restarted", "redirected",
	"staged",  "stage first", "compacted", "spans",    "refused",   "prefixed",
	"synced",  "too many",    "too large", "gathered", "relieved",  "done"};

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
	uint64_t composing;
};

#define NOBODY UINT64_MAX

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

/* What the uploads can carry. */
static uint64_t largest(const struct model *m)
{
	const struct parts_limits *l = &m->w.limits;
	uint64_t run = l->equal ? 1 : l->copy_max / PART, direct = m->w.parts->direct;

	run = run < l->parts ? run : l->parts;
	return direct * PART + (l->parts - direct) * run * PART;
}

/* A byte of [offset, end) that nobody can read: what an edit of it says; or 0. */
static int sealed_in(const struct model *m, uint64_t offset, uint64_t end)
{
	for (uint64_t at = offset / PART * PART; at < end && at < m->size; at += PART) {
		enum parts_kind kind = parts_at(m->w.parts, at, 1).kind;

		if (kind == PARTS_IS_SEALED)
			return PARTS_SEALED;
		if (kind == PARTS_IS_STAGED)
			return PARTS_STAGED;
	}
	return 0;
}

static void count_refusal(int err)
{
	count[err == PARTS_SEALED   ? SEALED
	      : err == PARTS_STAGED ? STAGE_FIRST
	      : err == -EFBIG       ? TOO_LARGE
	                            : NO_BLOCK]++;
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
	n = world_write(m->w.parts, offset, data, len);
	if (n < 0) {
		assert(n == PARTS_NO_BLOCK || n == sealed_in(m, offset, offset + 1) ||
		       (n == -EFBIG && offset + len > largest(m)));
		count_refusal((int)n);
		return;
	}
	assert((uint64_t)n <= len && (n || !len));
	if (!n)
		return;
	assert(!sealed_in(m, offset, offset + (uint64_t)n));
	count[(uint64_t)n < len ? SHORT : WROTE]++;
	if (offset > m->size)
		memset(m->bytes + m->size, 0, offset - m->size);
	memcpy(m->bytes + offset, data, (size_t)n);
	if (offset + (uint64_t)n > m->size)
		m->size = offset + (uint64_t)n;
	m->head = offset + (uint64_t)n;
}

static bool any_sealed(const struct model *m, enum parts_kind kind)
{
	for (uint64_t at = 0; at < m->size; at += PART)
		if (parts_at(m->w.parts, at, 1).kind == kind)
			return true;
	return false;
}

static void do_truncate(struct model *m, uint64_t size)
{
	bool sealed = any_sealed(m, PARTS_IS_SEALED);
	int err = parts_truncate(m->w.parts, size);

	if (err == -EFBIG) {
		assert(size > largest(m));
		return;
	}
	if (err) {
		assert(size < m->size && size > 0);
		assert(err == PARTS_STAGED ? sealed_in(m, size, size + 1) == err : sealed);
		count_refusal(err);
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
	int err, refusal;

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
	refusal = end > largest(m) ? -EFBIG : sealed_in(m, offset, end);
	err = parts_replace(m->w.parts, offset, len, source, from);
	assert(err == (len ? refusal : 0));
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

static bool same_upload(const struct parts_action *a, const struct parts_action *b)
{
	return a->staged == b->staged && a->what != PARTS_FETCH && a->what != PARTS_SPILL &&
	       b->what != PARTS_FETCH && b->what != PARTS_SPILL;
}

/* The action is one that the contract allows. */
static void judge(const struct model *m, const struct parts_action *a, enum parts_mode mode)
{
	uint64_t start = a->slot * PART;
	uint64_t len = start >= m->size ? 0 : m->size - start < PART ? m->size - start : PART;
	char sent[MOVED];
	const struct slot *s;

	assert(a->size > 0);
	if (a->what == PARTS_FETCH || a->what == PARTS_SPILL)
		return;
	/* Two of one number could overtake each other. */
	for (int i = 0; i < FLIGHTS; i++)
		assert(!m->w.flights[i].there || !same_upload(&m->w.flights[i].a, a) ||
		       m->w.flights[i].a.number != a->number);
	assert(a->number >= 1 && a->number <= m->w.limits.parts);
	s = slot_find(m->w.parts, a->slot);
	start += s->skip;
	len -= s->skip;
	if (mode != PARTS_FINISH)
		assert(a->what == PARTS_SEND);
	if (mode == PARTS_FULL)
		assert(len == PART && m->size > PART);
	if (a->staged)
		assert(len == PART && !m->w.parts->finishing);
	if (a->staged && a->what == PARTS_COPY)
		count[GATHERED]++;
	if (a->what == PARTS_COPY) {
		assert(a->size >= m->w.limits.part_min && a->size <= m->w.limits.copy_max);
		world_copy(&m->w, a, sent);
		assert(a->size > len || a->size == len);
		if (a->size > PART) {
			assert(!m->w.limits.equal);
			count[a->size % PART && start + a->size < m->size ? PREFIXED : SPANS]++;
		}
	} else {
		world_gather(a, sent);
		assert(a->size == len);
	}
	assert(!memcmp(sent, m->bytes + start, a->size));
}

static void do_land(struct model *m, bool may_fail)
{
	struct world_flight *f = &m->w.flights[below(FLIGHTS)];
	enum parts_what what = f->a.what;

	if (!f->there)
		return;
	/* (A draft dies of a failure: it completes no upload after one.) */
	if (may_fail && !below(8) && !f->a.staged && what != PARTS_COPY) {
		assert(!world_land(&m->w, f, -EIO));
		return;
	}
	/* The service makes no large copies: they are planned anew. */
	if (may_fail && what == PARTS_COPY && !below(3) && parts_copy_refused(m->w.parts, &f->a)) {
		assert(!world_land(&m->w, f, -EOPNOTSUPP));
		count[REFUSED]++;
		return;
	}
	if (what == PARTS_COPY)
		parts_copy_small(m->w.parts, !below(4));
	assert(!world_land(&m->w, f, 0));
	count[what == PARTS_SEND    ? SENT
	      : what == PARTS_COPY  ? COPIED
	      : what == PARTS_FETCH ? FETCHED
	                            : SPILLED]++;
}

/* Steps of composing, as one job at a time does them. */
static void do_compose(struct model *m, enum parts_mode mode)
{
	struct parts_action a;
	const struct slot *s = slot_find(m->w.parts, m->composing);
	bool compact = s && s->compact;
	int err = parts_fetch(m->w.parts, m->composing, &a);

	if (err) {
		assert(err == PARTS_NO_BLOCK);
		count[NO_BLOCK]++;
		return;
	}
	if (a.what == PARTS_FETCH) {
		judge(m, &a, mode);
		world_fly(&m->w, &a);
		return; /* once more when it has landed */
	}
	if (a.what == PARTS_SEND) {
		judge(m, &a, a.staged ? PARTS_SYNC : PARTS_FINISH);
		world_fly(&m->w, &a);
	}
	s = slot_find(m->w.parts, m->composing);
	count[COMPACTED] += compact && s && !s->compact;
	if (s && s->fetch)
		return;
	parts_composed(m->w.parts, m->composing);
	m->composing = NOBODY;
}

static void do_stage(struct model *m)
{
	int error = below(8) ? 0 : -EIO;

	for (int i = 0; i < FLIGHTS; i++)
		if (m->w.flights[i].there)
			return; /* as a draft, which waits for all */
	if (!stage_filled(m->w.parts))
		return;
	assert(!world_stage(&m->w, error));
	assert(error || (!parts_staged_any(m->w.parts) && !any_sealed(m, PARTS_IS_STAGED)));
	count[STAGED] += !error;
}

static void check_done(struct model *m)
{
	struct s3_part *list;
	size_t n;
	uint64_t at = 0;

	assert(!flying(m) && !parts_outgrown(m->w.parts));
	assert(!parts_list(m->w.parts, &list, &n));
	for (size_t i = 0; i < n; i++) {
		const struct world_part *part = &m->w.upload[list[i].number];

		assert(part->there && (!i || list[i].number > list[i - 1].number));
		assert(list[i].size == part->size && !strcmp(list[i].etag.s, part->etag.s));
		assert(i + 1 == n || part->size >= m->w.limits.part_min);
		assert(i + 1 == n || !m->w.limits.equal || part->size == PART);
		assert(!memcmp(part->data, m->bytes + at, part->size));
		at += part->size;
	}
	assert(at == m->size);
	for (size_t i = 1, there = 0; i <= PARTS; i++) {
		there += m->w.upload[i].there;
		assert(there <= n); /* nothing that the file has not */
	}
	free(list);
	count[DONE]++;
}

static enum parts_what do_next(struct model *m, enum parts_mode mode)
{
	struct parts_action a;
	int err = parts_next(m->w.parts, mode, &a);

	if (err) {
		assert(err == -EFBIG && mode == PARTS_FINISH &&
		       m->w.limits.parts < 2 * FILE_MAX / PART);
		count[TOO_MANY]++;
		return PARTS_DONE; /* the draft fails */
	}
	if (a.what == PARTS_SEND || a.what == PARTS_COPY || a.what == PARTS_SPILL) {
		judge(m, &a, mode);
		world_fly(&m->w, &a);
	} else if (a.what == PARTS_COMPOSE) {
		if (m->composing == NOBODY)
			m->composing = a.slot;
		else
			parts_composed(m->w.parts, a.slot); /* not now */
	} else if (a.what == PARTS_STAGE) {
		do_stage(m);
	} else if (a.what == PARTS_DONE && mode == PARTS_FINISH && !flying(m)) {
		check_done(m);
	} else if (a.what == PARTS_DONE && mode == PARTS_SYNC) {
		assert(parts_safe_bytes(m->w.parts) == m->size);
		count[SYNCED]++;
	}
	return a.what;
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
	judge(m, &a, PARTS_SYNC);
	world_fly(&m->w, &a);
}

static void do_drop(struct model *m)
{
	uint64_t before = parts_in_memory(m->w.parts);

	if (!parts_drop(m->w.parts, false))
		return;
	assert(parts_in_memory(m->w.parts) < before);
	count[DROPPED]++;
}

/* As a draft does when the own upload is outgrown, or was lost. */
static void do_restart(struct model *m)
{
	bool sealed = any_sealed(m, PARTS_IS_SEALED);
	bool outgrown = parts_outgrown(m->w.parts);
	int err;

	if (flying(m) || m->composing != NOBODY)
		return;
	err = parts_restart(m->w.parts);
	assert(err == (sealed ? PARTS_SEALED : 0));
	assert(!(sealed && outgrown)); /* it could never be published */
	if (err)
		return;
	assert(!parts_outgrown(m->w.parts));
	world_forget_upload(&m->w);
	count[RESTARTED]++;
}

static void do_redirect(struct model *m)
{
	bool sealed = any_sealed(m, PARTS_IS_SEALED) && m->w.parts->direct;

	assert(parts_redirect(m->w.parts) == !sealed);
	count[REDIRECTED]++;
}

/* What a draft does that has to complete it: aborts it when it is not needed. */
static void unstage(struct model *m)
{
	if (parts_staged_any(m->w.parts) || !m->w.parts->nstaged || flying(m))
		return;
	parts_unstaged(m->w.parts);
	memset(m->w.staged, 0, sizeof m->w.staged);
}

/* Whatever is under way comes to an end. */
static void calm(struct model *m, bool may_fail)
{
	for (unsigned i = 0; flying(m) || m->composing != NOBODY; i++) {
		assert(i < 100000);
		do_land(m, may_fail && i < 20);
		if (m->composing != NOBODY && flying(m) < FLIGHTS)
			do_compose(m, PARTS_SYNC);
	}
}

/* To PARTS_DONE, with enough memory and a service that works. */
static void finish(struct model *m)
{
	long max = m->w.blocks_max;
	unsigned fails = m->w.take_fails;

	m->w.blocks_max = 1000000;
	m->w.take_fails = 0;
	calm(m, true);
	unstage(m);
	for (unsigned tries = 0;; tries++) {
		assert(tries < 5000);
		calm(m, tries < 10);
		if (parts_outgrown(m->w.parts))
			do_restart(m);
		if (do_next(m, PARTS_FINISH) == PARTS_DONE)
			break;
		compare(m);
	}
	calm(m, false);
	m->w.blocks_max = max;
	m->w.take_fails = fails;
}

/* When nothing is under way all memory can be given up: else a writer would wait for
 * ever. */
static void relieve(struct model *m)
{
	bool some = true;

	m->w.blocks_max = 1000000;
	m->w.take_fails = 0;
	calm(m, false);
	if (parts_outgrown(m->w.parts))
		return;
	while (some) {
		some = parts_drop(m->w.parts, false);
		for (int first = 0; first < 2; first++) {
			some |= parts_spillable(m->w.parts, first) > 0;
			do_spill(m, first);
			calm(m, false);
		}
	}
	assert(!parts_in_memory(m->w.parts));
	count[RELIEVED]++;
}

/* What a program does. */
static void edit(struct model *m)
{
	uint64_t span = m->size + PART < FILE_MAX ? m->size + PART : FILE_MAX;
	uint64_t op = below(50);

	if (op < 20)
		do_write(m, m->head, 1 + below(2 * PART));
	else if (op < 36)
		do_write(m, place(span), below(3) ? below(20) : place(3 * PART));
	else if (op < 40)
		do_truncate(m, below(4) ? place(span) : m->size - below(m->size < 9 ? m->size : 9));
	else if (op < 47)
		do_replace(m, place(span), place(4 * PART));
	else
		m->head = place(span);
}

/* What a draft does. */
static void move(struct model *m)
{
	bool finishing = m->w.parts->finishing;
	uint64_t op = below(50);

	if (op < 20)
		do_land(m, true);
	else if (flying(m) >= FLIGHTS)
		return;
	else if (op < 28)
		do_next(m, finishing ? PARTS_FINISH : PARTS_FULL);
	else if (op < 34)
		do_next(m, finishing || !below(30) ? PARTS_FINISH : PARTS_SYNC);
	else if (op < 38 && m->composing != NOBODY)
		do_compose(m, PARTS_SYNC);
	else if (op < 41)
		do_spill(m, below(2));
	else if (op < 45)
		do_drop(m);
	else if (op < 46)
		unstage(m);
	else if (op < 47 && !below(4))
		do_stage(m);
	else if (op < 48 && !finishing && !below(12))
		do_redirect(m);
	else if (op < 49)
		m->w.parts->crowded = below(FILE_MAX / PART); /* it never is, so small */
	else if (finishing || !below(6))
		do_restart(m);
}

static void operate(struct model *m)
{
	uint64_t op = below(100);

	if (parts_outgrown(m->w.parts) && !below(4)) {
		count[OUTGROWN]++;
		calm(m, false);
		do_restart(m);
	}
	if (op < 50 && !m->w.parts->finishing && m->w.parts->gathering == NO_SLOT) {
		edit(m);
	} else if (op < 98) {
		move(m);
	} else if (op == 98) {
		m->w.blocks_max = below(3) ? (long)below(60) : 1000000;
		m->w.take_fails = below(4) ? 0 : (unsigned)below(128);
	} else if (!below(6)) {
		finish(m);
		do_restart(m);
	} else if (below(2)) {
		relieve(m);
	}
}

static struct parts_limits some_limits(void)
{
	struct parts_limits l = {PART, 40, PART * (1 + below(COPY / PART)), PARTS, !below(4)};

	if (below(2)) /* few, so that staged uploads are full soon */
		l.parts = 2 + (unsigned)below(16);
	return l;
}

static void episode(unsigned operations)
{
	static struct model m;
	char data[FILE_MAX];

	memset(&m, 0, sizeof m);
	m.composing = NOBODY;
	world_begin_with(&m.w, some_limits());
	m.w.random = random_next;
	if (below(2))
		(void)parts_redirect(m.w.parts);
	for (int i = (int)below(4); i-- > 0;) {
		uint64_t size = 1 + below(FILE_MAX - 1);

		for (uint64_t k = 0; k < size; k++)
			data[k] = (char)random_next();
		(void)world_source(&m.w, data, size);
	}
	if (m.w.nsources && below(2)) { /* an object is edited, and often little */
		do_replace(&m, 0, FILE_MAX);
		m.head = m.size;
		operations = below(3) ? (unsigned)below(12) : operations;
	}
	for (unsigned i = 0; i < operations; i++) {
		operate(&m);
		compare(&m);
	}
	finish(&m);
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
		if (operations >= 100000 && count[i] < 10)
			check_fail("%s only %lu times", reached_names[i], count[i]);
	if (getenv("PARTS_MODEL_OPERATIONS"))
		for (size_t i = 0; i < sizeof reached_names / sizeof *reached_names; i++)
			printf("  %s %lu times\n", reached_names[i], count[i]);
}

TEST_MAIN
