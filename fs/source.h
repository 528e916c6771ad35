/* SPDX-License-Identifier: MIT */
/*
 * source.h - the objects that drafts have ranges of: hidden ones of their own,
 * and files of the mount, which are pinned by their ETag.
 *
 * Locks: file->lock, but where a function says otherwise.
 */
#ifndef POURFS_SOURCE_H
#define POURFS_SOURCE_H

#include "answer.h"
#include "draft.h"

/* Adds one, or finds it. Its index; -ENOMEM. */
int source_add(struct draft *d, const char *key, const struct s3_etag *etag, uint64_t size,
               bool ours) s3_must_check;

/* Which key and ETag a source has just now: copied, for a request without the
 * lock. -ENOMEM. */
struct source_pin {
	char *key;
	struct s3_etag etag;
};
int source_pin(const struct draft *d, int source, struct source_pin *pin) s3_must_check;
/* Ends the pin. true: err is because the source has moved meanwhile; ask again. */
bool source_unpin(struct draft *d, int source, struct source_pin *pin, int err) s3_must_check;

/* Adds a range to the answer, with file->lock released meanwhile. Bytes: len, or -errno:
 * then the answer may have some of them.
 * -EAGAIN: the source has moved; the draft may be another one now, or none. */
ssize_t source_read(struct file *f, int source, uint64_t offset, struct answer *to, size_t len,
                    const atomic_bool *cancel) s3_must_check;

/* Deletes hidden ones that no byte of the draft lies in any more. */
void source_collect(struct draft *d);
/* Ends all; hidden ones are deleted, some time later. */
void source_end_all(struct draft *d);

/* Deletes a hidden object, or aborts an upload, some time later. No lock. key and
 * id are taken over. */
void source_delete_later(struct mount *m, char *key);
void source_abort_later(struct mount *m, char *key, char *id);

#endif
