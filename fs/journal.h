/* SPDX-License-Identifier: MIT */
/*
 * journal.h - which uploads are under way, on disk: after a crash they can be
 * found and brought back (recover.h).
 *
 * A folder with one small file an entry: a draft (record.h), a directory that is
 * being renamed, or the mount itself, whose hidden objects are garbage when it is
 * dead. An entry is locked (flock(2)) by the process that it belongs to, also
 * before it gets its name, and so is free as soon as that process is gone. It is
 * replaced whole: what is there is one text or the next.
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

/* Calls what for each entry of that kind: e is locked and the callee's to remove
 * or leave, or NULL: its process is at work. Returns its first error. -ENOMEM. */
typedef int journal_found(struct journal_entry *e, const char *text, void *arg);
int journal_each(const char *folder, enum journal_kind kind, journal_found *what,
                 void *arg) s3_must_check;

#endif
