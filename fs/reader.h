/* SPDX-License-Identifier: MIT */
/*
 * reader.h - reads of one version of an object, fetched ahead in parallel.
 *
 * Every request carries the ETag, so that two versions are never mixed: a
 * reader of an object that was replaced gets -ESTALE. What is fetched ahead is
 * kept in blocks of the budget; what is more than the readers' share, as long as
 * nobody needs it more. Without any, reads go to the service one by one.
 *
 * Threads: any number may read at once.
 */
#ifndef POURFS_READER_H
#define POURFS_READER_H

#include "answer.h"
#include "mount.h"

struct reader;

/* key is copied. NULL: no memory. */
struct reader *reader_new(struct mount *m, const char *key, const struct s3_etag *etag,
                          uint64_t size);
void reader_free(struct reader *r); /* no read may be under way; accepts NULL */

/* Adds len bytes to the answer. Returns how many: fewer only at the end. -ESTALE,
 * -ENOENT, -EINTR, ...: then it has none of them. */
ssize_t reader_read(struct reader *r, struct answer *to, size_t len, uint64_t offset,
                    const atomic_bool *cancel) s3_must_check;

/* The reader is of that version under that key. */
bool reader_is_of(const struct reader *r, const char *key, const struct s3_etag *etag);

/* Gives back blocks that were fetched ahead, if they are more than the share
 * of readers. false: there are none to be given. */
bool reader_relieve(struct mount *m);

#endif
