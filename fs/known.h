/* SPDX-License-Identifier: MIT */
/* known.h - the uploads that the journal knows, and those that the bucket has. */
#ifndef POURFS_KNOWN_H
#define POURFS_KNOWN_H

#include "record.h"
#include "recover.h"

/* Zero-initialise; what the journal says of this bucket, below the prefix. */
struct known {
	struct record *records;
	bool *live; /* a process is at it */
	size_t n;
};

/* Such an entry belongs to the bucket, and lies below the prefix. */
bool known_is_ours(const struct recover *r, const char *bucket, const char *endpoint,
                   const char *key);
/* A draft's entry. -ENOENT: not ours. -EINVAL: it makes no sense, which is logged. */
int known_read_one(const struct recover *r, const char *text, struct record *record) s3_must_check;

/* known_fini() in any case. */
int known_read(struct recover *r, struct known *k) s3_must_check;
void known_fini(struct known *k);
bool known_has(const struct known *k, const struct s3_upload *u);
/* The file of that key is just being written. */
bool known_is_live(const struct known *k, const char *key);

#endif
