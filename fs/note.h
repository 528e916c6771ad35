/* SPDX-License-Identifier: MIT */
/*
 * note.h - what the journal is told of a draft (journal.h, record.h), and what has
 * to stay in the service because it was told so.
 *
 * Locks: file->lock. The writes are small; a durable one waits for the disk.
 */
#ifndef POURFS_NOTE_H
#define POURFS_NOTE_H

#include "draft.h"

/* An upload was created for the draft. Without a journal entry the mount goes on. */
void note_begun(struct draft *d);
/* Every byte of it is in the service: a crash loses none from now on. -errno: it
 * might, as the journal cannot say so. */
int note_synced(struct draft *d) s3_must_check;
/* Its name, or a source of it, is another one. */
void note_moved(struct draft *d);

/* Bytes of the object that it began with were changed. */
void note_changed(struct draft *d);

/* The object (id NULL) or upload is not needed by the draft any more, but what was
 * promised lies in it. True: it will be ended when that is no more so; key and id
 * are taken over. */
bool note_retire(struct draft *d, char *key, char *id) s3_must_check;

/* A range of that source has been promised. */
bool note_uses(const struct draft *d, int source);

/* The file was removed: it is not to come back. */
void note_discarded(struct draft *d);

/* The draft ends. leave: it failed, and its uploads wait to be recovered. */
void note_end(struct draft *d, bool leave);

/* All drafts whose names are others by now. No lock. */
void note_renamed(struct mount *m);

/* The mount itself: its hidden objects are garbage when it is dead. Says what is
 * wrong, and what waits to be recovered. */
void note_mount(struct mount *m);
void note_unmount(struct mount *m);

#endif
