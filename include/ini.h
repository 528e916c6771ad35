/* SPDX-License-Identifier: MIT */
/*
 * ini.h - files as those of the AWS tools: [section], key = value, # and ; comments.
 *
 * An indented line belongs to the key above it: "s3 =\n  addressing_style = path"
 * is the key "s3.addressing_style". A later value of the same key wins. Pure.
 */
#ifndef POURFS_INI_H
#define POURFS_INI_H

#include <stdbool.h>
#include <stddef.h>

struct ini_entry {
	char *section, *key, *value; /* section and key as written; "" before any */
};
struct ini {
	struct ini_entry *v;
	size_t n;
};

/* -EINVAL: *line is where it is not such a file. -ENOMEM. After an error
 * nothing needs to be ended. */
int ini_parse(struct ini *ini, const char *text, size_t n, unsigned *line)
	__attribute__((warn_unused_result));
/* NULL if there is none. */
const char *ini_get(const struct ini *ini, const char *section, const char *key);
bool ini_has(const struct ini *ini, const char *section);
/* Wipes the values, which may be secret. */
void ini_fini(struct ini *ini);

#endif
