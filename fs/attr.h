/* SPDX-License-Identifier: MIT */
/*
 * attr.h - finding names, and keeping attributes true.
 *
 * Attributes of a node are believed until fresh_until_ms, longer while it has
 * changes of ours that the bucket does not have yet. A change of attributes is
 * held back for ATTR_DELAY_MS, so that it can ride on a publish or a rename
 * that follows; otherwise one self-copy carries all of them.
 *
 * No lock may be held when calling. Errors are -errno as s3.h gives them.
 */
#ifndef POURFS_ATTR_H
#define POURFS_ATTR_H

#include "mount.h"

#define ATTR_DELAY_MS 1000

/* The child of that name, held for the caller, its attributes fresh. -ENOENT. */
int attr_lookup(struct mount *m, struct node *parent, const char *name, struct node **out,
                struct s3_call *call) s3_must_check;

/* Fresh attributes, user metadata and headers for a node. -ENOENT, -ESTALE if it is gone. */
int attr_refresh(struct mount *m, struct node *n, struct s3_call *call) s3_must_check;

/* The directory's listing, held for the caller, fresh or fetched now. Names
 * that were created here and are not published yet are in it. */
int attr_listing(struct mount *m, struct node *dir, struct listing **out,
                 struct s3_call *call) s3_must_check;

/* Changes these fields; the object follows in a moment. */
void attr_change(struct mount *m, struct node *n, const struct attr *a, unsigned fields);

/* Carries out what attr_change() holds back for n, now. */
int attr_flush(struct mount *m, struct node *n, struct s3_call *call) s3_must_check;
/* The same for all nodes, at unmount. Returns how many failed. */
unsigned attr_flush_all(struct mount *m);

/* A copy of attr and headers for a new version of the object, with the pending
 * changes in it, which *taken says and which are not pending any more.
 * written: NULL, or when the content was last written: that is its mtime then.
 * Adds a content type if it has none. */
int attr_take(struct mount *m, struct node *n, const struct timespec *written, unsigned fields,
              struct attr *a, struct s3_headers *h, unsigned *taken) s3_must_check;
/* The new version was not made: *taken is pending again. */
void attr_untake(struct mount *m, struct node *n, unsigned taken);
/* A file that has no object yet was given up: there is nothing of that name. */
void attr_never_made(struct mount *m, struct node *n);
/* The new version was made. h is taken over (and emptied). */
void attr_made(struct mount *m, struct node *n, const struct attr *a, const struct s3_etag *etag,
               struct s3_headers *h);
/* The same with the tree's lock held. */
void attr_made_locked(struct mount *m, struct node *n, const struct attr *a,
                      const struct s3_etag *etag, struct s3_headers *h);

/* The names of a directory, kept up to date with what we do. */
void attr_name_added(struct mount *m, struct node *dir, const char *name, bool is_dir);
void attr_name_removed(struct mount *m, struct node *dir, const char *name);

/* The attributes are not believed any more. */
bool attr_stale(struct mount *m, const struct node *n);
/* Forgets what was believed, so that the next look asks the service. */
void attr_distrust(struct mount *m, struct node *n);

#endif
