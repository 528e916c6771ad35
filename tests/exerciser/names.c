/* SPDX-License-Identifier: MIT */
/* names.c - operations on descriptors and names. */
#include "work.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

void do_copy_from(void)
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

void close_all(void)
{
	for (int which = 0; which < DESCRIPTORS; which++)
		close_as(which);
}

void open_first(int flags)
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

void do_copy_whole(void)
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

void do_second(void)
{
	if (is_open(SECOND)) {
		tell("close second writer");
		close_as(SECOND);
	} else if (linked) {
		tell("open second writer");
		open_as(SECOND, name, O_RDWR);
	}
}

void do_reader(void)
{
	if (is_open(READER)) {
		tell("close reader");
		close_as(READER);
	} else if (linked) {
		tell("open reader");
		open_as(READER, name, O_RDONLY);
	}
}

void do_dup(void)
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

void create_file(void)
{
	snprintf(name, sizeof name, "file-%d", names++);
	size = last_offset = touches = 0;
	linked = true;
	timed = false;
	open_first(O_RDWR | O_CREAT | O_EXCL);
}

void do_reopen(void)
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

void do_rename(void)
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

void do_rename_open(void)
{
	char new[sizeof name];

	if (!linked)
		return;
	some_new_name(new);
	tell("rename the open %s to %s", name, new);
	rename_to(new);
}

void do_unlink(void)
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
void do_leave(void)
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

void do_mode(void)
{
	mode_t mode = 0600 | (mode_t)below(0200);

	tell("fchmod %o", mode);
	BOTH(fchmod(s->fd[FIRST], mode));
}

void do_times(void)
{
	struct timespec t[2] = {{.tv_sec = below(2000000000), .tv_nsec = below(1000000000)}};

	t[1] = t[0];
	tell("futimens %ld.%09ld", (long)t[0].tv_sec, t[0].tv_nsec);
	BOTH(futimens(s->fd[FIRST], t));
	timed = true;
}
