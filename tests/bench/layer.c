/* SPDX-License-Identifier: MIT */
/*
 * layer put BUCKET KEY FILE | layer get BUCKET KEY SIZE - one object moved by the S3
 * layer alone: the requests that pourfs sends, eight at once, signed as it signs
 * them, without a filesystem. What is left to pourfs is the way through the kernel.
 */
#include "s3.h"

#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS 8
#define PART    (UINT64_C(8) << 20)
#define CHUNK   (UINT64_C(4) << 20) /* as much as pourfs asks for at once */

static struct s3 *s3;
static const char *key;
static char *id, *bytes;
static uint64_t size;
static struct s3_part parts[S3_PARTS_MAX];
static atomic_ullong next;

static void *put_parts(void *arg)
{
	uint64_t at;

	while ((at = next++ * PART) < size) {
		struct s3_part *p = &parts[at / PART];
		struct iovec iov = {bytes + at, size - at < PART ? size - at : PART};
		struct s3_body body = {&iov, 1, iov.iov_len};

		p->number = (unsigned)(at / PART + 1);
		p->size = body.size;
		if (s3_upload_part(s3, key, id, p->number, &body, &p->etag, NULL))
			errx(1, "part %u failed", p->number);
	}
	return arg;
}

static void *get_ranges(void *arg)
{
	char *room = malloc(CHUNK);
	uint64_t at;

	while ((at = next++ * CHUNK) < size) {
		struct iovec iov = {room, size - at < CHUNK ? size - at : CHUNK};

		if (!room || s3_get(s3, key, at, &iov, 1, NULL, NULL, NULL) != (ssize_t)iov.iov_len)
			errx(1, "the range at %llu failed", (unsigned long long)at);
	}
	free(room);
	return arg;
}

static void run(void *(*what)(void *))
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, what, NULL))
			errx(1, "no thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void put(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !st.st_size)
		err(1, "%s", file);
	size = (uint64_t)st.st_size;
	if (size > PART * S3_PARTS_MAX)
		errx(1, "%s is too large", file);
	bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		err(1, "%s", file);
	if (s3_upload_create(s3, key, NULL, &id, NULL))
		errx(1, "no upload");
	run(put_parts);
	if (s3_upload_complete(s3, key, id, parts, (size + PART - 1) / PART, size, 0, NULL, NULL))
		errx(1, "it cannot be completed");
}

int main(int argc, char **argv)
{
	struct s3_conf conf = {.bucket = argc > 2 ? argv[2] : NULL};
	struct s3_fault fault;

	if (argc != 5)
		errx(2, "usage: layer put BUCKET KEY FILE | layer get BUCKET KEY SIZE");
	if (s3_new(&s3, &conf, &fault))
		errx(1, "%s", fault.message);
	key = argv[3];
	if (!strcmp(argv[1], "put")) {
		put(argv[4]);
	} else {
		size = strtoull(argv[4], NULL, 10);
		run(get_ranges);
	}
	s3_free(s3);
	return 0;
}
