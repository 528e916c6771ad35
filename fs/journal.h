/* SPDX-License-Identifier: MIT */
/*
 * journal.h - which uploads are under way, on disk: after a crash they can be
 * found and brought back (recover.h).
 *
 * A folder with one small file an entry: a draft (record.h), a directory that is
 * being renamed, or the mount itself, whose hidden objects are garbage when it is
 * dead. An entry is locked (flock(2)) by the process that it belongs to, also
 * before it gets its name, and so is free as soon as that process is gone. It is
 * replaced whole: what is there is one text or the next. Who only looks whether an
 * entry is free has the folder locked meanwhile, and so is never taken for its owner.
 *
 * Threads: none at once on the same entry.
 */
#ifndef POURFS_JOURNAL_H
#define POURFS_JOURNAL_H

#include <stdbool.h>

#include "buf.h"
#include "s3.h"

enum journal_kind { JOURNAL_DRAFT, JOURNAL_RENAME, JOURNAL_MOUNT, JOURNAL_KINDS };

struct journal_entry;

/* The folder: dir, or $XDG_STATE_HOME/pourfs, ~/.local/state/pourfs, or for root
 * without a home /var/lib/pourfs. *path is for free(). -errno: it cannot be made. */
int journal_folder(const char *dir, bool make, char **path) s3_must_check;

/* Writes *e, which is NULL at first. durable: it is on the disk when this
 * returns. What was there stays there on error. */
int journal_write(struct journal_entry **e, const char *folder, enum journal_kind kind,
                  const char *text, bool durable) s3_must_check;
/* Removes it. Accepts NULL. */
void journal_remove(struct journal_entry *e);
/* Leaves it to whoever comes to recover it. Accepts NULL. */
void journal_leave(struct journal_entry *e);

/* An entry as it was just now. */
struct journal_item {
	const char *name, *text; /* valid during the call */
	bool is_free;            /* no process is at work on it */
};

/* Calls what for each entry of that kind. Returns its first error. -ENOMEM. */
typedef int journal_found(const struct journal_item *item, void *arg);
int journal_each(const char *folder, enum journal_kind kind, journal_found *what,
                 void *arg) s3_must_check;

/* Makes a free entry this process's own, to be removed or left. text: what it says
 * now. -EBUSY: it is not free. -ENOENT: it is gone. */
int journal_take(const char *folder, const char *name, struct journal_entry **e,
                 struct buf *text) s3_must_check;

#endif
