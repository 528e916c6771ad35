/* SPDX-License-Identifier: MIT */
#include "work.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct side sides[2];
char *payload; /* as long as the longest single write */
long max_size = 60 * MIB, part_size = 5 * MIB, spoil_at = -1, operation;
uint64_t seed, dice;
bool verbose;

/* The file being worked on. */
char name[32], other[32]; /* other: closed, to be copied from; may be "" */
long size, last_offset;
bool linked, readable; /* it has a name; the first descriptor may read */
bool watchful;         /* what is touched is read back */
bool timed;            /* nothing changed it since the program set its time */
struct range touched[TOUCHED_MAX];
int touches;
char left[LEFT_MAX][32]; /* files that were finished */
int names, lefts;
char story[LOG_MAX][160];

/* ------------------------------------------------------------------ verdicts */

void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
void failed(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* What the operation now does, for the log. */
void tell(const char *format, ...)
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

void failed(const char *format, ...)
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

void agree(const char *call, const long said[2], const int why[2])
{
	if (said[LOCAL] < 0)
		failed("locally, %s: %s", call, strerror(why[LOCAL]));
	if (said[TEST] < 0)
		failed("%s: %s", call, strerror(why[TEST]));
	if (said[TEST] != said[LOCAL])
		failed("%s said %ld, and locally %ld", call, said[TEST], said[LOCAL]);
}

/* ---------------------------------------------------------------------- dice */

uint64_t next(void) /* splitmix64 */
{
	uint64_t z = dice += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

long below(long n)
{
	return n > 0 ? (long)(next() % (uint64_t)n) : 0;
}

bool one_in(long n)
{
	return below(n) == 0;
}

/* 1 to most, each order of magnitude as often. */
long some_length(long most)
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

long some_offset(void)
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
struct range some_range(long longest)
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

void touch(long offset, long length)
{
	if (touches < TOUCHED_MAX)
		touched[touches++] = (struct range){offset, length};
	if (offset + length > size)
		size = offset + length;
	timed = false;
}

void differ(const struct side *test, const struct side *local, long offset, long n)
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

void compare_by(int which, long offset, long end)
{
	int fd[2] = {sides[TEST].fd[which], sides[LOCAL].fd[which]};

	compare(fd, offset > 0 ? offset : 0, end);
}

/* Opens; a name that is there, but for O_CREAT. */
void open_as(int which, const char *file, int flags)
{
	BOTH((s->fd[which] = openat(s->dir, file, flags | O_CLOEXEC, 0644)) < 0 ? -1 : 0);
}

void close_as(int which)
{
	if (sides[TEST].fd[which] < 0)
		return;
	BOTH(close(s->fd[which]));
	sides[TEST].fd[which] = sides[LOCAL].fd[which] = -1;
}

bool is_open(int which)
{
	return sides[TEST].fd[which] >= 0;
}

/* A descriptor that can read: one of those that are open, or the reader anew. */
int some_reader(void)
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

int some_writer(void)
{
	return is_open(SECOND) && one_in(2) ? SECOND : FIRST;
}

void compare_whole(const char *file)
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

void compare_now(void)
{
	compare_by(some_reader(), 0, max_size + 1);
}

void check(void)
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
