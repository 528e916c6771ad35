/* SPDX-License-Identifier: MIT */
/*
 * mixed [-t SECONDS] [-w WRITERS] [-r READERS] [-n NAMES] [-z SIZE] [-s SEED] DIR
 *
 * Everything at once in DIR: each writer makes one version of its file after
 * another, of up to SIZE bytes, and renames it into place; readers read them,
 * whole or somewhere; one thread lists a directory of NAMES files and looks at
 * them. Each byte is known from the version it belongs to. Whatever fails or is
 * wrong is said and ends the program with 1. The last line counts what was done.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PIECE (256U << 10)
#define STACK (256U << 10)

/* The version of a writer's file that is in place. Readers hold the lock. */
struct slot {
	pthread_rwlock_t lock;
	uint64_t seed, size; /* seed 0: there is none yet */
};

static struct slot *slots;
static int writers = 50, readers = 200, names = 1000;
static uint64_t size_max = 20U << 20, first_seed = 1;
static time_t end;
static atomic_bool failed;
static atomic_ullong written, read_, listed, versions;

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void fail(const char *format, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	printf("%s\n", line);
	fflush(stdout);
	failed = true;
}

static bool over(void)
{
	return failed || time(NULL) >= end;
}

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15U;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
	return x ^ (x >> 31);
}

static uint64_t next(uint64_t *state)
{
	return mix((*state)++);
}

/* The bytes of a version from offset on, which is a multiple of 8, as n is but at the end. */
static void fill(char *to, uint64_t seed, uint64_t offset, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t word = mix(seed ^ ((offset + i) << 8));

		memcpy(to + i, &word, n - i < 8 ? n - i : 8);
	}
}

static bool write_all(int fd, const char *piece, size_t n, uint64_t offset)
{
	while (n > 0) {
		ssize_t did = pwrite(fd, piece, n, (off_t)offset);

		if (did <= 0)
			return false;
		piece += did;
		offset += (uint64_t)did;
		n -= (size_t)did;
	}
	return true;
}

/* From the beginning to the end, or with its first piece last, as muxers do. */
static bool write_version(const char *path, uint64_t seed, uint64_t size, bool head_last)
{
	char *piece = malloc(PIECE);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool ok = piece && fd >= 0;

	for (uint64_t at = 0; ok && at < size; at += PIECE) {
		size_t n = size - at < PIECE ? size - at : PIECE;

		fill(piece, head_last && at == 0 ? ~seed : seed, at, n);
		ok = write_all(fd, piece, n, at);
		written += n;
	}
	if (ok && head_last && size) {
		size_t n = size < PIECE ? size : PIECE;

		fill(piece, seed, 0, n);
		ok = write_all(fd, piece, n, 0);
	}
	if (fd >= 0 && close(fd))
		ok = false;
	free(piece);
	return ok;
}

static void *write_on(void *arg)
{
	struct slot *s = arg;
	int i = (int)(s - slots);
	uint64_t state = mix(first_seed + (uint64_t)i);
	char path[64], fresh[64];

	snprintf(path, sizeof(path), "file.%d", i);
	snprintf(fresh, sizeof(fresh), "file.%d.new", i);
	while (!over()) {
		uint64_t seed = next(&state) | 1, size = next(&state) % (size_max + 1);

		/* Small ones are more. */
		size >>= next(&state) % 4 * 4;
		if (!write_version(fresh, seed, size, next(&state) % 3 == 0)) {
			fail("%s of %llu bytes: %s", fresh, (unsigned long long)size,
			     strerror(errno));
			break;
		}
		pthread_rwlock_wrlock(&s->lock);
		if (rename(fresh, path))
			fail("rename to %s: %s", path, strerror(errno));
		s->seed = seed;
		s->size = size;
		pthread_rwlock_unlock(&s->lock);
		versions++;
	}
	return NULL;
}

static void check_piece(const char *path, const struct slot *s, const char *got, char *want,
                        uint64_t at, size_t n)
{
	fill(want, s->seed, at, n);
	for (size_t i = 0; i < n; i++)
		if (got[i] != want[i]) {
			fail("%s: byte %llu of %llu is wrong", path, (unsigned long long)(at + i),
			     (unsigned long long)s->size);
			return;
		}
}

static void check_version(const char *path, const struct slot *s, uint64_t *state, char *got,
                          char *want)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t at = next(state) % 2 ? 0 : (next(state) % (s->size + 1)) & ~UINT64_C(7);
	uint64_t until = next(state) % 2 ? s->size : at + (64U << 10);
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		fail("open %s: %s", path, strerror(errno));
	} else if ((uint64_t)st.st_size != s->size) {
		fail("%s has %lld bytes, not %llu", path, (long long)st.st_size,
		     (unsigned long long)s->size);
	}
	until = until < s->size ? until : s->size;
	while (!failed && at < until) {
		size_t n = until - at < PIECE ? until - at : PIECE;
		ssize_t did = pread(fd, got, n, (off_t)at);

		if (did != (ssize_t)n) {
			fail("read %s at %llu: %zd of %zu: %s", path, (unsigned long long)at, did,
			     n, strerror(errno));
			break;
		}
		check_piece(path, s, got, want, at, n);
		read_ += n;
		at += n;
	}
	if (fd >= 0)
		close(fd);
}

static void *read_on(void *arg)
{
	uint64_t state = mix(first_seed + (uintptr_t)arg + 1000000);
	char *got = malloc(PIECE), *want = malloc(PIECE), path[64];

	while (got && want && !over()) {
		int i = (int)(next(&state) % (uint64_t)writers);

		snprintf(path, sizeof(path), "file.%d", i);
		pthread_rwlock_rdlock(&slots[i].lock);
		if (slots[i].seed)
			check_version(path, &slots[i], &state, got, want);
		else
			usleep(10000);
		pthread_rwlock_unlock(&slots[i].lock);
	}
	free(got);
	free(want);
	return NULL;
}

static bool look_at(DIR *dir, const char *name)
{
	struct stat st;

	if (fstatat(dirfd(dir), name, &st, 0)) {
		fail("stat many/%s: %s", name, strerror(errno));
		return false;
	}
	return true;
}

static void *list_on(void *arg)
{
	(void)arg;
	while (!over()) {
		DIR *dir = opendir("many");
		struct dirent *d = NULL;
		int n = 0;

		errno = 0;
		while (dir && (d = readdir(dir)))
			n += d->d_name[0] != '.' && (n % 16 || look_at(dir, d->d_name));
		if (!dir || errno)
			fail("the directory: %s", strerror(errno));
		else if (n != names)
			fail("there are %d names, not %d", n, names);
		if (dir)
			closedir(dir);
		usleep(100000);
		listed += (unsigned)n;
	}
	return NULL;
}

static void make_names(void)
{
	char path[64];

	if (mkdir("many", 0755))
		fail("mkdir many: %s", strerror(errno));
	for (int i = 0; i < names && !failed; i++) {
		int fd;

		snprintf(path, sizeof(path), "many/name.%d", i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0 || close(fd))
			fail("%s: %s", path, strerror(errno));
	}
}

static void usage(void)
{
	fputs("usage: mixed [-t SECONDS] [-w WRITERS] [-r READERS] [-n NAMES] [-z SIZE] [-s SEED] "
	      "DIR\n",
	      stderr);
	exit(2);
}

static int start_all(pthread_t *threads)
{
	pthread_attr_t attr;
	int n = 0, err = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (int i = 0; !err && i < writers; i++, n += !err)
		err = pthread_create(&threads[n], &attr, write_on, &slots[i]);
	for (int i = 0; !err && i < readers; i++, n += !err)
		err = pthread_create(&threads[n], &attr, read_on, (void *)(uintptr_t)i);
	if (!err) {
		err = pthread_create(&threads[n], &attr, list_on, NULL);
		n += !err;
	}
	if (err)
		fail("a thread: %s", strerror(err));
	pthread_attr_destroy(&attr);
	return n;
}

int main(int argc, char **argv)
{
	pthread_rwlockattr_t attr;
	pthread_t *threads;
	int seconds = 20, n, c;

	while ((c = getopt(argc, argv, "t:w:r:n:z:s:")) != -1) {
		uint64_t value = c == '?' ? 0 : strtoull(optarg, NULL, 0);

		switch (c) {
		case 't':
			seconds = (int)value;
			break;
		case 'w':
			writers = (int)value;
			break;
		case 'r':
			readers = (int)value;
			break;
		case 'n':
			names = (int)value;
			break;
		case 'z':
			size_max = value;
			break;
		case 's':
			first_seed = value;
			break;
		default:
			usage();
		}
	}
	if (optind + 1 != argc || writers < 1 || chdir(argv[optind]))
		usage();
	threads = calloc((size_t)writers + (size_t)readers + 1, sizeof(*threads));
	slots = calloc((size_t)writers, sizeof(*slots));
	if (!threads || !slots)
		return 1;
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	for (int i = 0; i < writers; i++)
		pthread_rwlock_init(&slots[i].lock, &attr);
	make_names();
	end = time(NULL) + seconds;
	n = start_all(threads);
	while (n > 0)
		pthread_join(threads[--n], NULL);
	printf("%llu versions, %llu MiB written, %llu MiB read, %llu names listed\n",
	       (unsigned long long)versions, (unsigned long long)written >> 20,
	       (unsigned long long)read_ >> 20, (unsigned long long)listed);
	free(threads);
	free(slots);
	return failed;
}
