/* SPDX-License-Identifier: MIT */
/* exerciser - a long random program of file operations, done twice: in a
 * directory under test, and in a local one that is believed. After every step
 * both must agree.
 *
 *	exerciser [-s SEED] [-n OPERATIONS] [-t SECONDS] [-z MAX_SIZE] [-p PART_SIZE]
 *	          [-w WITHOUT,...] [-x OPERATION] [-v] DIR_UNDER_TEST LOCAL_DIR
 *
 *	-z, -p   bytes, or 60M; many offsets lie about the multiples of PART_SIZE
 *	-w       leaves out the kinds of operation (see kinds) that begin so
 *	-x       spoils a byte under test after this operation: it must be noticed
 *
 * The program depends on SEED and the options -z, -p and -w alone, so that
 * "-s SEED -n OPERATION" leads to the same place again; -t only cuts it off.
 * Both directories have to be empty. The files of the last operations stay in
 * them. Exit status: 0, or 1 after a difference, or 2.
 *
 * One file at a time is worked on, through up to three descriptors: the first,
 * sometimes a second writer, sometimes a reader. Half of the time what was
 * touched is read back at once; in between only what the program reads by itself,
 * for reading back hides what happens to writers that never look.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MIB         (1L << 20)
#define CHUNK       MIB /* of what is compared at once */
#define MARGIN      64  /* compared around what was touched */
#define TOUCHED_MAX 256
#define LOG_MAX     40
#define LEFT_MAX    6

enum { TEST, LOCAL };
enum { FIRST, SECOND, READER, DESCRIPTORS };

struct side {
	const char *path;
	int dir;
	int fd[DESCRIPTORS]; /* -1: closed; of both sides the same ones are open */
	char *bytes;         /* CHUNK, read */
};

struct range {
	long offset, length;
};

static struct side sides[2];
static char *payload; /* as long as the longest single write */
static long max_size = 60 * MIB, part_size = 5 * MIB, spoil_at = -1, operation;
static uint64_t seed, dice;
static bool verbose;

/* The file being worked on. */
static char name[32], other[32]; /* other: closed, to be copied from; may be "" */
static long size, last_offset;
static bool linked, readable; /* it has a name; the first descriptor may read */
static bool watchful;         /* what is touched is read back */
static bool timed;            /* nothing changed it since the program set its time */
static struct range touched[TOUCHED_MAX];
static int touches;
static char left[LEFT_MAX][32]; /* files that were finished */
static int names, lefts;
static char story[LOG_MAX][160];

/* ------------------------------------------------------------------ verdicts */

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void failed(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* What the operation now does, for the log. */
static void tell(const char *format, ...)
{
	char *line = story[operation % LOG_MAX];
	int n = snprintf(line, sizeof story[0], "%ld (size %ld): ", operation, size);
	va_list args;

	va_start(args, format);
	vsnprintf(line + n, sizeof story[0] - (size_t)n, format, args);
	va_end(args);
	if (verbose)
		puts(line);
}

static void failed(const char *format, ...)
{
	long from = operation - LOG_MAX + 1;
	va_list args;

	printf("the last operations, on %s:\n", linked ? name : "a file without a name");
	for (long i = from > 1 ? from : 1; i <= operation; i++)
		printf("  %s\n", story[i % LOG_MAX]);
	printf("FAILED at operation %ld of seed %llu, size %ld: ", operation,
	       (unsigned long long)seed, size);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	exit(1);
}

static void agree(const char *call, const long said[2], const int why[2])
{
	if (said[LOCAL] < 0)
		failed("locally, %s: %s", call, strerror(why[LOCAL]));
	if (said[TEST] < 0)
		failed("%s: %s", call, strerror(why[TEST]));
	if (said[TEST] != said[LOCAL])
		failed("%s said %ld, and locally %ld", call, said[TEST], said[LOCAL]);
}

/* Makes the call on each side s. It has to succeed and say the same on both. */
#define BOTH(call)                                                                                 \
	({                                                                                         \
		long said_[2];                                                                     \
		int why_[2];                                                                       \
		for (int i_ = 0; i_ < 2; i_++) {                                                   \
			struct side *s = &sides[i_];                                               \
			said_[i_] = (call);                                                        \
			why_[i_] = errno;                                                          \
		}                                                                                  \
		agree(#call, said_, why_);                                                         \
		said_[LOCAL];                                                                      \
	})

/* ---------------------------------------------------------------------- dice */

static uint64_t next(void) /* splitmix64 */
{
	uint64_t z = dice += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static long below(long n)
{
	return n > 0 ? (long)(next() % (uint64_t)n) : 0;
}

static bool one_in(long n)
{
	return below(n) == 0;
}

/* 1 to most, each order of magnitude as often. */
static long some_length(long most)
{
	long magnitude = 1;

	for (long n = below(64); n > 0 && magnitude < most; n -= 3)
		magnitude *= 2;
	return 1 + below(magnitude < most ? magnitude : most);
}

static long some_boundary(void)
{
	long boundary = part_size * below(size / part_size + 2);

	return boundary + (one_in(3) ? 0 : below(19) - 9);
}

static long some_offset(void)
{
	switch (below(10)) {
	case 0:
	case 1:
		return size;
	case 2:
		return one_in(3) ? size + some_length(2 * part_size) : size - below(100);
	case 3:
	case 4:
		return some_boundary();
	case 5:
		return below(4096);
	case 6:
		return last_offset + below(65536) - 32768;
	default:
		return below(size + 1);
	}
}

/* A range to be changed: within max_size. */
static struct range some_range(long longest)
{
	struct range r = {some_offset(), some_length(longest)};

	if (one_in(8)) /* ends at a boundary */
		r.length = part_size - r.offset % part_size;
	if (r.length <= 0 || r.length > longest)
		r.length = 1;
	if (r.offset > max_size - r.length)
		r.offset = max_size - r.length;
	if (r.offset < 0)
		r.offset = 0;
	last_offset = r.offset;
	return r;
}

/* ------------------------------------------------------------- what is checked */

static void touch(long offset, long length)
{
	if (touches < TOUCHED_MAX)
		touched[touches++] = (struct range){offset, length};
	if (offset + length > size)
		size = offset + length;
	timed = false;
}

static void differ(const struct side *test, const struct side *local, long offset, long n)
{
	long first = 0, wrong = 0, zeros = 0;

	while (test->bytes[first] == local->bytes[first])
		first++;
	for (long i = first; i < n; i++) {
		wrong += test->bytes[i] != local->bytes[i];
		zeros += test->bytes[i] != local->bytes[i] && !test->bytes[i];
	}
	failed("byte %ld (part %ld and %ld) is %02x, not %02x; of the %ld bytes from %ld on "
	       "%ld are wrong, %ld of them zeros",
	       offset + first, (offset + first) / part_size, (offset + first) % part_size,
	       test->bytes[first] & 0xff, local->bytes[first] & 0xff, n, offset, wrong, zeros);
}

static void compare(const int fd[2], long offset, long end)
{
	while (offset < end) {
		long want = end - offset < CHUNK ? end - offset : CHUNK;
		long n = BOTH(pread(fd[s - sides], s->bytes, (size_t)want, offset));

		if (!n)
			return;
		if (memcmp(sides[TEST].bytes, sides[LOCAL].bytes, (size_t)n) != 0)
			differ(&sides[TEST], &sides[LOCAL], offset, n);
		offset += n;
	}
}

static void compare_by(int which, long offset, long end)
{
	int fd[2] = {sides[TEST].fd[which], sides[LOCAL].fd[which]};

	compare(fd, offset > 0 ? offset : 0, end);
}

/* Opens; a name that is there, but for O_CREAT. */
static void open_as(int which, const char *file, int flags)
{
	BOTH((s->fd[which] = openat(s->dir, file, flags | O_CLOEXEC, 0644)) < 0 ? -1 : 0);
}

static void close_as(int which)
{
	if (sides[TEST].fd[which] < 0)
		return;
	BOTH(close(s->fd[which]));
	sides[TEST].fd[which] = sides[LOCAL].fd[which] = -1;
}

static bool is_open(int which)
{
	return sides[TEST].fd[which] >= 0;
}

/* A descriptor that can read: one of those that are open, or the reader anew. */
static int some_reader(void)
{
	int which = (int)below(DESCRIPTORS);

	if (is_open(which) && (which != FIRST || readable))
		return which;
	if (is_open(FIRST) && readable)
		return FIRST;
	if (!is_open(READER))
		open_as(READER, name, O_RDONLY);
	return READER;
}

static int some_writer(void)
{
	return is_open(SECOND) && one_in(2) ? SECOND : FIRST;
}

static void compare_whole(const char *file)
{
	int fd[2];

	BOTH((fd[s - sides] = openat(s->dir, file, O_RDONLY | O_CLOEXEC)) < 0 ? -1 : 0);
	compare(fd, 0, max_size + 1);
	BOTH(close(fd[s - sides]));
}

static void check_stat(const struct stat st[2])
{
	const struct timespec *t = &st[TEST].st_mtim, *want = &st[LOCAL].st_mtim;

	if (st[LOCAL].st_size != size)
		failed("the exerciser itself is wrong: %ld locally", (long)st[LOCAL].st_size);
	if (st[TEST].st_size != size)
		failed("st_size is %ld", (long)st[TEST].st_size);
	if (st[TEST].st_mode != st[LOCAL].st_mode)
		failed("st_mode is %o, not %o", st[TEST].st_mode, st[LOCAL].st_mode);
	if (timed && (t->tv_sec != want->tv_sec || t->tv_nsec != want->tv_nsec))
		failed("st_mtim is %ld.%09ld, not %ld.%09ld", (long)t->tv_sec, t->tv_nsec,
		       (long)want->tv_sec, want->tv_nsec);
}

static void compare_now(void)
{
	compare_by(some_reader(), 0, max_size + 1);
}

static void check(void)
{
	struct stat st[2];

	for (int which = 0; which < DESCRIPTORS; which++) {
		if (!is_open(which))
			continue;
		BOTH(fstat(s->fd[which], &st[s - sides]));
		check_stat(st);
	}
	if (linked) {
		BOTH(fstatat(s->dir, name, &st[s - sides], 0));
		check_stat(st);
	}
	for (int i = 0; watchful && i < touches; i++)
		compare_by(some_reader(), touched[i].offset - MARGIN,
		           touched[i].offset + touched[i].length + MARGIN);
	if (one_in(32))
		compare_now();
	touches = 0;
}

/* ---------------------------------------------------------------- operations */

static void fill(long n)
{
	for (long i = 0; i < n; i += (long)sizeof(uint64_t)) {
		uint64_t v = next();

		memcpy(payload + i, &v, sizeof v);
	}
}

static void write_by(int which, struct range r)
{
	fill(r.length);
	BOTH(pwrite(s->fd[which], payload, (size_t)r.length, r.offset));
	touch(r.offset, r.length);
}

static void do_write(void)
{
	int which = some_writer();
	struct range r = some_range(4 * MIB);

	tell("write %ld at %ld by %d", r.length, r.offset, which);
	write_by(which, r);
}

/* Mostly at the end, as a program that records does. */
static void do_run(void)
{
	int which = some_writer();
	struct range r = some_range(one_in(2) ? MIB : 64 << 10);
	long n = 2 + below(16);

	if (!one_in(3))
		r.offset = size;
	tell("run of %ld writes of %ld from %ld on by %d", n, r.length, r.offset, which);
	for (; n > 0 && r.offset + r.length <= max_size; n--, r.offset += r.length)
		write_by(which, r);
}

static void do_scatter(void)
{
	int which = some_writer();
	long n = 2 + below(one_in(4) ? 200 : 30);

	tell("scatter %ld small writes by %d", n, which);
	while (n--)
		write_by(which, some_range(100));
}

static void do_read(void)
{
	int which = some_reader();
	struct range r = some_range(one_in(8) ? 16 * MIB : MIB);

	tell("read %ld at %ld by %d", r.length, r.offset, which);
	compare_by(which, r.offset, r.offset + r.length);
}

static void do_scan(void)
{
	int which = some_reader();
	long length = some_length(256 << 10), offset = below(size + 1), n = 2 + below(40);

	tell("scan %ld times %ld from %ld on by %d", n, length, offset, which);
	while (n--)
		compare_by(which, offset + n * length, offset + (n + 1) * length);
}

static void do_append(void)
{
	long n = 1 + below(4), length = some_length(MIB);
	int fd[2];

	if (!linked || size + n * length > max_size)
		return;
	tell("append %ld times %ld by O_APPEND", n, length);
	BOTH((fd[s - sides] = openat(s->dir, name, O_WRONLY | O_APPEND | O_CLOEXEC)) < 0 ? -1 : 0);
	while (n--) {
		fill(length);
		BOTH(write(fd[s - sides], payload, (size_t)length));
		touch(size, length);
	}
	BOTH(close(fd[s - sides]));
}

/* What is about to go is mostly looked at first. */
static void look_before(long to)
{
	if (to < size && !one_in(4))
		compare_now();
}

static void cut(long to)
{
	long seen = to < size ? to : size;

	size = to;
	touch(seen, to - seen);
}

static long some_size(void)
{
	long to = one_in(8) ? 0 : one_in(2) ? some_offset() : size + below(MIB) - MIB / 2;

	return to < 0 ? 0 : to > max_size ? max_size : to;
}

static void do_truncate(void)
{
	int which = some_writer();
	long to = some_size();

	look_before(to);
	tell("ftruncate to %ld by %d", to, which);
	BOTH(ftruncate(s->fd[which], to));
	cut(to);
}

static void do_truncate_path(void)
{
	char path[2][4096];
	long to = some_size();

	if (!linked)
		return;
	look_before(to);
	tell("truncate by path to %ld", to);
	for (int i = 0; i < 2; i++)
		snprintf(path[i], sizeof path[i], "%s/%s", sides[i].path, name);
	BOTH(truncate(path[s - sides], to));
	cut(to);
}

static void do_allocate(void)
{
	struct range r = some_range(2 * part_size);

	tell("fallocate %ld at %ld", r.length, r.offset);
	BOTH(fallocate(s->fd[FIRST], 0, r.offset, r.length));
	touch(r.offset, r.length);
}

static void do_keep_size(void)
{
	struct range r = some_range(2 * part_size);

	tell("fallocate KEEP_SIZE %ld at %ld", r.length, r.offset);
	BOTH(fallocate(s->fd[FIRST], FALLOC_FL_KEEP_SIZE, r.offset, r.length));
	touch(r.offset < size ? r.offset : size, 0);
}

/* What a range that is not to grow the file comes to. */
static void touch_within(struct range r)
{
	if (r.offset > size)
		r.offset = size;
	touch(r.offset, r.length < size - r.offset ? r.length : size - r.offset);
}

static void do_punch(void)
{
	int which = some_writer();
	struct range r = some_range(one_in(2) ? 3 * part_size : MIB);

	tell("punch %ld at %ld by %d", r.length, r.offset, which);
	BOTH(fallocate(s->fd[which], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, r.offset,
	               r.length));
	touch_within(r);
}

/* tmpfs knows no FALLOC_FL_ZERO_RANGE. */
static int zero_range(const struct side *s, int which, bool keep, struct range r)
{
	static const char zeros[65536];

	if (s == &sides[TEST])
		return fallocate(s->fd[which],
		                 FALLOC_FL_ZERO_RANGE | (keep ? FALLOC_FL_KEEP_SIZE : 0), r.offset,
		                 r.length);
	if (keep && r.length > size - r.offset)
		r.length = size - r.offset;
	while (r.length > 0) {
		long n = r.length < (long)sizeof zeros ? r.length : (long)sizeof zeros;

		if (pwrite(s->fd[which], zeros, (size_t)n, r.offset) != n)
			return -1;
		r.offset += n;
		r.length -= n;
	}
	return 0;
}

static void do_zero(void)
{
	int which = some_writer();
	bool keep = one_in(2);
	struct range r = some_range(one_in(2) ? 3 * part_size : MIB);

	tell("zero %ld at %ld by %d%s", r.length, r.offset, which, keep ? " KEEP_SIZE" : "");
	BOTH(zero_range(s, which, keep, r));
	if (keep)
		touch_within(r);
	else
		touch(r.offset, r.length);
}

static long copy(int in, loff_t from, int out, loff_t to, long length)
{
	long done = 0;

	while (done < length) {
		ssize_t n = copy_file_range(in, &from, out, &to, (size_t)(length - done), 0);

		if (n < 0)
			return -1;
		if (!n)
			break;
		done += n;
	}
	return done;
}

static void do_copy(void)
{
	int in = some_reader(), out = some_writer();
	struct range r = some_range(one_in(2) ? 3 * part_size : MIB);
	long from = below(size);

	if (r.length > size - from)
		r.length = size - from;
	if (r.length <= 0 || labs(r.offset - from) < r.length)
		return; /* nothing, or onto itself */
	tell("copy %ld from %ld by %d to %ld by %d", r.length, from, in, r.offset, out);
	BOTH(copy(s->fd[in], from, s->fd[out], r.offset, r.length));
	touch(r.offset, r.length);
}

static void make_other(void)
{
	int fd[2];
	long length = below(max_size / 2);

	snprintf(other, sizeof other, "other-%d", names++);
	BOTH((fd[s - sides] =
	              openat(s->dir, other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) < 0
	             ? -1
	             : 0);
	for (long offset = 0; offset < length; offset += MIB) {
		fill(MIB);
		BOTH(pwrite(fd[s - sides], payload, MIB, offset));
	}
	BOTH(close(fd[s - sides]));
}

static void do_copy_from(void)
{
	struct range r = some_range(one_in(2) ? 4 * part_size : MIB);
	long from = below(max_size / 2), n;
	int fd[2];

	if (*other && one_in(4)) {
		BOTH(unlinkat(s->dir, other, 0));
		*other = 0;
	}
	if (!*other)
		make_other();
	tell("copy %ld from %ld of %s to %ld", r.length, from, other, r.offset);
	BOTH((fd[s - sides] = openat(s->dir, other, O_RDONLY | O_CLOEXEC)) < 0 ? -1 : 0);
	n = BOTH(copy(fd[s - sides], from, s->fd[FIRST], r.offset, r.length));
	BOTH(close(fd[s - sides]));
	if (n)
		touch(r.offset, n);
}

static void close_all(void)
{
	for (int which = 0; which < DESCRIPTORS; which++)
		close_as(which);
}

static void open_first(int flags)
{
	open_as(FIRST, name, flags);
	readable = (flags & O_ACCMODE) == O_RDWR;
	watchful = one_in(2);
	if (flags & O_TRUNC)
		cut(0);
}

static void finish_copy(const char *file)
{
	compare_whole(file);
	if (one_in(2)) {
		BOTH(unlinkat(s->dir, file, 0));
		return;
	}
	tell("copy whole to %s, which then replaces it", file);
	close_all();
	BOTH(renameat(s->dir, file, s->dir, name));
	timed = false;
	open_first(O_RDWR);
}

static void do_copy_whole(void)
{
	char file[32];
	int in, fd[2];

	if (!linked)
		return;
	if (one_in(2)) { /* published */
		close_all();
		open_first(O_RDWR);
	}
	in = some_reader();
	snprintf(file, sizeof file, "copy-%d", names++);
	tell("copy whole to %s", file);
	BOTH((fd[s - sides] = openat(s->dir, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) <
	                     0
	             ? -1
	             : 0);
	BOTH(copy(s->fd[in], 0, fd[s - sides], 0, size));
	BOTH(close(fd[s - sides]));
	finish_copy(file);
}

static void do_fsync(void)
{
	tell("fsync");
	BOTH(fsync(s->fd[FIRST]));
}

static void do_fdatasync(void)
{
	int which = some_writer();

	tell("fdatasync by %d", which);
	BOTH(fdatasync(s->fd[which]));
}

static void do_second(void)
{
	if (is_open(SECOND)) {
		tell("close second writer");
		close_as(SECOND);
	} else if (linked) {
		tell("open second writer");
		open_as(SECOND, name, O_RDWR);
	}
}

static void do_reader(void)
{
	if (is_open(READER)) {
		tell("close reader");
		close_as(READER);
	} else if (linked) {
		tell("open reader");
		open_as(READER, name, O_RDONLY);
	}
}

static void do_dup(void)
{
	struct range r = some_range(MIB);
	int fd[2];

	tell("dup, write %ld at %ld, and close", r.length, r.offset);
	BOTH((fd[s - sides] = dup(s->fd[FIRST])) < 0 ? -1 : 0);
	fill(r.length);
	BOTH(pwrite(fd[s - sides], payload, (size_t)r.length, r.offset));
	BOTH(close(fd[s - sides]));
	touch(r.offset, r.length);
}

static void create_file(void)
{
	snprintf(name, sizeof name, "file-%d", names++);
	size = last_offset = touches = 0;
	linked = true;
	timed = false;
	open_first(O_RDWR | O_CREAT | O_EXCL);
}

static void do_reopen(void)
{
	static const int flags[] = {O_RDWR, O_RDWR, O_RDWR, O_WRONLY};
	int how = one_in(16) ? O_RDWR | O_TRUNC : flags[below(4)];

	if (!linked) {
		tell("close for good");
		compare_now();
		close_all();
		create_file();
		return;
	}
	tell("reopen %s%s", (how & O_ACCMODE) == O_WRONLY ? "O_WRONLY" : "O_RDWR",
	     how & O_TRUNC ? " O_TRUNC" : "");
	if (one_in(3))
		close_all();
	close_as(FIRST);
	compare_whole(name);
	open_first(how);
}

static void do_mmap(void)
{
	long from = below(size) & -4096L, length = some_length(4 * MIB);
	int flags = one_in(2) ? MAP_SHARED : MAP_PRIVATE;
	void *map;

	if (!linked || !size)
		return;
	if (length > size - from)
		length = size - from;
	if (length > CHUNK)
		length = CHUNK;
	close_all();
	open_as(READER, name, O_RDONLY);
	tell("mmap %ld at %ld %s", length, from,
	     flags == MAP_SHARED ? "MAP_SHARED" : "MAP_PRIVATE");
	map = mmap(NULL, (size_t)length, PROT_READ, flags, sides[TEST].fd[READER], from);
	/* The kernel shares no pages while it has not yet released the writer. */
	if (map == MAP_FAILED && (errno != ENODEV || flags != MAP_SHARED))
		failed("mmap: %s", strerror(errno));
	if (map != MAP_FAILED) {
		memcpy(sides[TEST].bytes, map, (size_t)length);
		munmap(map, (size_t)length);
		if (pread(sides[LOCAL].fd[READER], sides[LOCAL].bytes, (size_t)length, from) !=
		    length)
			failed("locally, pread: %s", strerror(errno));
		if (memcmp(sides[TEST].bytes, sides[LOCAL].bytes, (size_t)length) != 0)
			differ(&sides[TEST], &sides[LOCAL], from, length);
	}
	open_first(O_RDWR);
}

/* What lies under a hole must be zeros. */
static void check_hole(int which, long from, long to)
{
	for (long n; from < to; from += n) {
		struct side *local = &sides[LOCAL];

		n = pread(local->fd[which], local->bytes,
		          (size_t)(to - from < CHUNK ? to - from : CHUNK), from);
		if (n <= 0)
			failed("locally, pread: %s", strerror(errno));
		for (long i = 0; i < n; i++)
			if (local->bytes[i])
				failed("byte %ld is said to lie in a hole", from + i);
	}
}

/* Walks over holes and data until nothing is said to follow. */
static void do_seek(void)
{
	int which = some_reader(), fd = sides[TEST].fd[which];
	long offset = one_in(2) ? 0 : below(size), data, hole;

	tell("seek data and holes from %ld on by %d", offset, which);
	for (int i = 0; i < 200 && offset < size; i++, offset = hole) {
		data = lseek(fd, offset, SEEK_DATA);
		if (data < 0 && errno != ENXIO)
			failed("SEEK_DATA from %ld: %s", offset, strerror(errno));
		if (data >= 0 && (data < offset || data >= size))
			failed("SEEK_DATA from %ld said %ld", offset, data);
		check_hole(which, offset, data < 0 ? size : data);
		if (data < 0)
			break;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole <= data || hole > size)
			failed("SEEK_HOLE from %ld said %ld (%s)", data, hole, strerror(errno));
	}
	for (long end = size; end < size + 2; end++)
		if (lseek(fd, end, SEEK_DATA) >= 0 || errno != ENXIO ||
		    lseek(fd, end, SEEK_HOLE) >= 0 || errno != ENXIO)
			failed("SEEK_DATA or SEEK_HOLE from %ld is not ENXIO", end);
}

static void rename_to(const char *new)
{
	struct stat st;

	BOTH(renameat(s->dir, name, s->dir, new));
	if (!fstatat(sides[TEST].dir, name, &st, 0) || errno != ENOENT)
		failed("%s is still there", name);
	if (!strcmp(new, other))
		*other = 0;
	memcpy(name, new, sizeof name);
}

/* Sometimes over a file that is there. */
static void some_new_name(char new[sizeof name])
{
	if (*other && one_in(4))
		memcpy(new, other, sizeof name);
	else
		snprintf(new, sizeof name, "file-%d", names++);
}

static void do_rename(void)
{
	char new[sizeof name];

	if (!linked)
		return;
	some_new_name(new);
	tell("rename the closed %s to %s", name, new);
	close_all();
	rename_to(new);
	open_first(O_RDWR);
}

static void do_rename_open(void)
{
	char new[sizeof name];

	if (!linked)
		return;
	some_new_name(new);
	tell("rename the open %s to %s", name, new);
	rename_to(new);
}

static void do_unlink(void)
{
	struct stat st;

	if (!linked || !readable)
		return;
	tell("unlink the open %s", name);
	BOTH(unlinkat(s->dir, name, 0));
	if (!fstatat(sides[TEST].dir, name, &st, 0) || errno != ENOENT)
		failed("%s is still there", name);
	linked = false;
}

/* Leaves the file to be compared at the end, and begins another. */
static void do_leave(void)
{
	char *place = left[lefts % LEFT_MAX];

	if (!linked)
		return;
	tell("leave %s", name);
	close_all();
	if (*place)
		BOTH(unlinkat(s->dir, place, 0));
	memcpy(place, name, sizeof name);
	lefts++;
	create_file();
}

static void do_mode(void)
{
	mode_t mode = 0600 | (mode_t)below(0200);

	tell("fchmod %o", mode);
	BOTH(fchmod(s->fd[FIRST], mode));
}

static void do_times(void)
{
	struct timespec t[2] = {{.tv_sec = below(2000000000), .tv_nsec = below(1000000000)}};

	t[1] = t[0];
	tell("futimens %ld.%09ld", (long)t[0].tv_sec, t[0].tv_nsec);
	BOTH(futimens(s->fd[FIRST], t));
	timed = true;
}

static struct kind {
	const char *name;
	void (*execute)(void);
	int weight;
} kinds[] = {
	{"write", do_write, 160},
	{"run", do_run, 120},
	{"scatter", do_scatter, 40},
	{"read", do_read, 140},
	{"scan", do_scan, 20},
	{"append", do_append, 30},
	{"truncate", do_truncate, 20},
	{"truncate_path", do_truncate_path, 8},
	{"allocate", do_allocate, 10},
	{"keep_size", do_keep_size, 8},
	{"punch", do_punch, 30},
	{"zero", do_zero, 30},
	{"copy", do_copy, 30},
	{"copy_from", do_copy_from, 15},
	{"copy_whole", do_copy_whole, 6},
	{"sync", do_fsync, 15},
	{"syncdata", do_fdatasync, 10},
	{"second", do_second, 30},
	{"reader", do_reader, 30},
	{"dup", do_dup, 15},
	{"reopen", do_reopen, 30},
	{"mmap", do_mmap, 8},
	{"seek", do_seek, 15},
	{"rename", do_rename, 6},
	{"rename_open", do_rename_open, 8},
	{"unlink", do_unlink, 6},
	{"leave", do_leave, 8},
	{"mode", do_mode, 10},
	{"times", do_times, 10},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

static const struct kind *some_kind(void)
{
	const struct kind *k = kinds;
	long total = 0, n;

	for (size_t i = 0; i < KINDS; i++)
		total += kinds[i].weight;
	for (n = below(total); n >= k->weight; k++)
		n -= k->weight;
	return k;
}

/* What -x does: a byte in the middle of the file under test becomes another. */
static void spoil(void)
{
	char c;

	watchful = true;
	if (!size)
		write_by(FIRST, (struct range){0, 1});
	if (pread(sides[LOCAL].fd[some_reader()], &c, 1, size / 2) != 1)
		failed("locally, pread: %s", strerror(errno));
	c = (char)~c;
	if (pwrite(sides[TEST].fd[FIRST], &c, 1, size / 2) != 1)
		failed("pwrite: %s", strerror(errno));
}

static void step(void)
{
	const struct kind *k = some_kind();

	snprintf(story[operation % LOG_MAX], sizeof story[0], "%ld: nothing to %s", operation,
	         k->name);
	k->execute();
	check();
	if (operation == spoil_at)
		spoil();
	if (!linked && one_in(16)) {
		compare_now();
		close_all();
		create_file();
	}
}

/* --------------------------------------------------------------------- options */

static void leave_out(char *list)
{
	for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		bool known = false;

		for (size_t i = 0; i < KINDS; i++) {
			if (strncmp(kinds[i].name, word, strlen(word)) != 0)
				continue;
			kinds[i].weight = 0;
			known = true;
		}
		if (!known)
			errx(2, "no kind of operation begins with %s", word);
	}
}

static long number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end == 'M') {
		n *= MIB;
		end++;
	}
	if (end == text || *end || n < 0)
		errx(2, "not a number: %s", text);
	return n;
}

static void open_side(struct side *s, const char *path)
{
	s->path = path;
	s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->bytes = malloc(CHUNK);
	if (s->dir < 0 || !s->bytes)
		err(2, "%s", path);
	for (int which = 0; which < DESCRIPTORS; which++)
		s->fd[which] = -1;
}

static long seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

int main(int argc, char **argv)
{
	long operations = 0, time_limit = 0, end;
	int option;

	seed = (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
	while ((option = getopt(argc, argv, "s:n:t:z:p:w:x:v")) != -1) {
		switch (option) {
		case 's':
			seed = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			operations = number(optarg);
			break;
		case 't':
			time_limit = number(optarg);
			break;
		case 'z':
			max_size = number(optarg);
			break;
		case 'p':
			part_size = number(optarg);
			break;
		case 'w':
			leave_out(optarg);
			break;
		case 'x':
			spoil_at = number(optarg);
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2 || max_size < MIB || !part_size)
		errx(2, "usage: exerciser [-s SEED] [-n OPERATIONS] [-t SECONDS] [-z MAX_SIZE] "
		        "[-p PART_SIZE] [-w WITHOUT,...] [-x OPERATION] [-v] DIR_UNDER_TEST "
		        "LOCAL_DIR");
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	open_side(&sides[TEST], argv[optind]);
	open_side(&sides[LOCAL], argv[optind + 1]);
	payload = malloc(4 * MIB + sizeof(uint64_t));
	if (!payload)
		err(2, "malloc");
	dice = seed;
	printf("seed %llu\n", (unsigned long long)seed);

	end = seconds() + time_limit;
	create_file();
	while ((!operations || operation < operations) && (!time_limit || seconds() < end)) {
		operation++;
		step();
	}
	if (linked)
		compare_whole(name);
	close_all();
	for (int i = 0; i < LEFT_MAX; i++)
		if (*left[i])
			compare_whole(left[i]);
	printf("seed %llu: %ld operations, no difference\n", (unsigned long long)seed, operation);
	return 0;
}
