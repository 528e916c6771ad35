/* SPDX-License-Identifier: MIT */
/* bytes.c - operations on what is in the file. */
#include "work.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fill(long n)
{
	for (long i = 0; i < n; i += (long)sizeof(uint64_t)) {
		uint64_t v = next();

		memcpy(payload + i, &v, sizeof v);
	}
}

void write_by(int which, struct range r)
{
	fill(r.length);
	BOTH(pwrite(s->fd[which], payload, (size_t)r.length, r.offset));
	touch(r.offset, r.length);
}

void do_write(void)
{
	int which = some_writer();
	struct range r = some_range(4 * MIB);

	tell("write %ld at %ld by %d", r.length, r.offset, which);
	write_by(which, r);
}

/* Mostly at the end, as a program that records does. */
void do_run(void)
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

void do_scatter(void)
{
	int which = some_writer();
	long n = 2 + below(one_in(4) ? 200 : 30);

	tell("scatter %ld small writes by %d", n, which);
	while (n--)
		write_by(which, some_range(100));
}

void do_read(void)
{
	int which = some_reader();
	struct range r = some_range(one_in(8) ? 16 * MIB : MIB);

	tell("read %ld at %ld by %d", r.length, r.offset, which);
	compare_by(which, r.offset, r.offset + r.length);
}

void do_scan(void)
{
	int which = some_reader();
	long length = some_length(256 << 10), offset = below(size + 1), n = 2 + below(40);

	tell("scan %ld times %ld from %ld on by %d", n, length, offset, which);
	while (n--)
		compare_by(which, offset + n * length, offset + (n + 1) * length);
}

void do_append(void)
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

void cut(long to)
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

void do_truncate(void)
{
	int which = some_writer();
	long to = some_size();

	look_before(to);
	tell("ftruncate to %ld by %d", to, which);
	BOTH(ftruncate(s->fd[which], to));
	cut(to);
}

void do_truncate_path(void)
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

void do_allocate(void)
{
	struct range r = some_range(2 * part_size);

	tell("fallocate %ld at %ld", r.length, r.offset);
	BOTH(fallocate(s->fd[FIRST], 0, r.offset, r.length));
	touch(r.offset, r.length);
}

void do_keep_size(void)
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

void do_punch(void)
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

void do_zero(void)
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

long copy(int in, loff_t from, int out, loff_t to, long length)
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

void do_copy(void)
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

void do_fsync(void)
{
	tell("fsync");
	BOTH(fsync(s->fd[FIRST]));
}

void do_fdatasync(void)
{
	int which = some_writer();

	tell("fdatasync by %d", which);
	BOTH(fdatasync(s->fd[which]));
}

void do_mmap(void)
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
void do_seek(void)
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
