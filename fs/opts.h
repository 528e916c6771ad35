/* SPDX-License-Identifier: MIT */
/*
 * opts.h - the command line of a mount, into configuration.
 *
 * One table of options is the parser, the help and the check of values. What the
 * command line does not say, the environment may (POURFS_NAME), and what that does
 * not, a file (config=FILE).
 */
#ifndef POURFS_OPTS_H
#define POURFS_OPTS_H

#include <stdbool.h>

#include "mount.h"

struct opts {
	struct mount_conf mount;
	struct s3_conf s3;
	bool foreground;
	bool allow_other;
	bool default_permissions;
	bool nonempty;
	bool noexec, noatime;
	int log_level;
	const char *log_format; /* NULL: text */

	const char *config;     /* a file with options */
	const char *mime_types; /* a file of types that come before ours */
	bool help, version;
	char *strings[64]; /* what the configuration points into */
	unsigned nstrings;
};

/* Fills *o from a command line without its program name. 0, or -EINVAL after
 * a message on stderr that says what is wrong and what would be right. */
int opts_parse(struct opts *o, int argc, char **argv) __attribute__((warn_unused_result));
/* The same for a command on a bucket: *n operands come first, at most max, of which
 * the first is the bucket. They point into argv. */
int opts_parse_command(struct opts *o, int argc, char **argv, const char **operands, int max,
                       int *n, const char *usage) __attribute__((warn_unused_result));
void opts_fini(struct opts *o);
/* Of log_setup(). */
unsigned opts_log_flags(const struct opts *o);
/* "90m", "12h", "3d": in seconds. -1: no such age. */
int64_t opts_age(const char *s);

/* The usage text, options from the table. */
void opts_help(void);

#endif
