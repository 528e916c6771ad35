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
#include "work.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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
