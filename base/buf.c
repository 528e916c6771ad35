/* SPDX-License-Identifier: MIT */
#include "buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char buf_empty[1];

static void fail(struct buf *b)
{
	buf_fini(b);
	b->failed = true;
}

/* Room for n more bytes and the NUL. */
static bool reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;
	char *s;

	if (b->failed)
		return false;
	if (n < b->cap - b->len)
		return true;
	if (n > SIZE_MAX / 4 - b->len) {
		fail(b);
		return false;
	}
	while (cap <= b->len + n)
		cap *= 2;
	s = realloc(b->cap ? b->s : NULL, cap);
	if (!s) {
		fail(b);
		return false;
	}
	b->s = s;
	b->cap = cap;
	return true;
}

void buf_fini(struct buf *b)
{
	if (b->cap)
		free(b->s);
	*b = (struct buf)BUF_INIT;
}

void buf_clear(struct buf *b)
{
	b->failed = false;
	b->len = 0;
	if (b->cap)
		b->s[0] = '\0';
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
	if (n == 0 || !reserve(b, n))
		return;
	memcpy(b->s + b->len, bytes, n);
	b->len += n;
	b->s[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vaddf(struct buf *b, const char *format, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, ap);
	if (n < 0)
		fail(b);
	else if (reserve(b, (size_t)n))
		b->len += (size_t)vsnprintf(b->s + b->len, (size_t)n + 1, format, again);
	va_end(again);
}

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_vaddf(b, format, ap);
	va_end(ap);
}

int buf_add_file(struct buf *b, const char *path, size_t max)
{
	FILE *in = fopen(path, "re");
	size_t n, all = 0;
	char chunk[4096];
	int err;

	if (!in)
		return -errno;
	while (all <= max && (n = fread(chunk, 1, sizeof(chunk), in)) > 0) {
		buf_add(b, chunk, n);
		all += n;
	}
	err = ferror(in) ? -EIO : buf_error(b);
	fclose(in);
	return err ? err : all > max ? -EFBIG : 0;
}

int buf_error(const struct buf *b)
{
	return b->failed ? -ENOMEM : 0;
}

char *buf_detach(struct buf *b)
{
	char *s;

	if (!reserve(b, 0)) {
		buf_fini(b);
		return NULL;
	}
	s = b->s;
	s[b->len] = '\0';
	*b = (struct buf)BUF_INIT;
	return s;
}
