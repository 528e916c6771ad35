/* SPDX-License-Identifier: MIT */
/*
 * option.h - the options, and how a value gets to its place. For opts.c.
 *
 * What is wrong is said on stderr, with what would be right.
 */
#ifndef POURFS_OPTION_H
#define POURFS_OPTION_H

#include <stddef.h>

#include "opts.h"

enum option_kind {
	STRING,
	SIZE,
	RATES,
	NUMBER,
	OCTAL,
	FLAG,
	NO_FLAG,
	VARIANT,
	ADDRESSING,
	LEVEL,
	STAGING,
	CHOICE, /* a STRING, one of several */
};

struct option {
	const char *name;
	enum option_kind kind;
	size_t at; /* in struct opts */
	uint64_t min, max;
	const char *value; /* how the help calls it */
	const char *help;
};

#define OPTION_NO_MODE ((mode_t)-1) /* was given */

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* NULL: there is none of that name. */
const struct option *option_find(const char *name);
/* Says what may have been meant. -EINVAL. */
int option_unknown(const char *name);
/* It is unknown, but may have been meant to be one. */
bool option_is_near(const char *name);
/* What mount(8) says of any file system. */
bool option_is_borne(const char *name);

/* As on a command line: value is NULL if there is none. 0 or -EINVAL. */
int option_set(struct opts *o, const struct option *opt, const char *value);
/* As elsewhere, where an option without a value has one, too: "ro = yes". */
int option_set_named(struct opts *o, const struct option *opt, const char *value);

/* Points *to to a copy, which opts_fini() frees. */
int option_keep(struct opts *o, const char **to, const char *s, size_t len);
/* "8M", "1G" */
void option_size_text(uint64_t n, char *to, size_t room);
/* "pourfs: ", and what is wrong. -EINVAL. */
int option_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The options' lines of the help. */
void option_help(void);

#endif
