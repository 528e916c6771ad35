/* SPDX-License-Identifier: MIT */
/*
 * buf.h - a byte string that grows.
 *
 * Invariant: s is never NULL and s[len] is NUL, also when nothing was ever
 * allocated (BUF_INIT) and after buf_fini(). Bytes may be NUL themselves.
 *
 * Errors: a failed allocation latches. The buffer is then empty, takes nothing
 * more, and buf_error() says -ENOMEM: build first, ask once at the end.
 */
#ifndef POURFS_BUF_H
#define POURFS_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *s;
	size_t len;
	size_t cap; /* allocated, 0: s is the shared empty string */
	bool failed;
};

extern char buf_empty[1];
#define BUF_INIT                                                                                   \
	{                                                                                          \
		.s = buf_empty                                                                     \
	}

void buf_fini(struct buf *b);  /* b is BUF_INIT afterwards */
void buf_clear(struct buf *b); /* empty; keeps the memory, forgets a failure */
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
/* All of a file, as far as it has at most max bytes: -EFBIG otherwise. -errno. */
int buf_add_file(struct buf *b, const char *path, size_t max) __attribute__((warn_unused_result));
int buf_error(const struct buf *b); /* 0 or -ENOMEM */
/* The string, for free(); NULL if an allocation failed. b is BUF_INIT afterwards. */
char *buf_detach(struct buf *b) __attribute__((warn_unused_result));

#endif
