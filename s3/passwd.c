/* SPDX-License-Identifier: MIT */
#include "passwd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Spaces around it are not part of it. */
static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	for (n = strlen(s); n && strchr(" \t\r", s[n - 1]); n--)
		s[n - 1] = '\0';
	return s;
}

/* The line, taken apart: access and secret point into it. -EINVAL: not such a line; 0: one
 * for the bucket; 1: one for all; 2: a comment, or of another bucket. */
static int read_line(char *s, const char *bucket, const char **access, const char **secret)
{
	char *first, *second;
	bool own;

	s = trim(s);
	if (!*s || *s == '#')
		return 2;
	first = strchr(s, ':');
	if (!first)
		return -EINVAL;
	*first++ = '\0';
	second = strchr(first, ':');
	own = second;
	if (own)
		*second++ = '\0';
	*access = own ? first : s;
	*secret = own ? second : first;
	if (!**access || !**secret || strchr(*secret, ':') || strpbrk(*access, " \t") ||
	    strpbrk(*secret, " \t"))
		return -EINVAL;
	return !own ? 1 : strcmp(s, bucket) == 0 ? 0 : 2;
}

int passwd_find(struct keys **keys, const char *text, size_t n, const char *bucket, unsigned *line)
{
	char *copy = memchr(text, '\0', n) ? NULL : strndup(text, n), *next = copy;
	const char *access = NULL, *secret = NULL;
	int best = 2, err = copy ? 0 : memchr(text, '\0', n) ? -EINVAL : -ENOMEM;

	*line = 0;
	while (!err && next && best) {
		char *s = strsep(&next, "\n");
		const char *a, *b;
		int found = read_line(s, bucket, &a, &b);

		++*line;
		if (found < 0) {
			err = found;
		} else if (found < best) {
			best = found;
			access = a;
			secret = b;
		}
	}
	if (!err && !access)
		err = -ENOENT;
	if (!err) {
		*keys = keys_new(access, secret, NULL, 0);
		err = *keys ? 0 : -ENOMEM;
	}
	if (copy)
		explicit_bzero(copy, n);
	free(copy);
	return err;
}
