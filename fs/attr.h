/* SPDX-License-Identifier: MIT */
/*
 * attr.h - keeps attributes true.
 *
 * Attributes of a node are believed until fresh_until_ms, longer while it has
 * changes of ours that the bucket does not have yet. A change of attributes is
 * held back for ATTR_DELAY_MS, so that it can ride on a publish or a rename
 * that follows; otherwise one self-copy carries all of them.
 *
 * No lock may be held when calling, but where a name says _locked: the tree's
 * then. Errors are -errno as s3.h gives them.
 */
#ifndef POURFS_ATTR_H
#define POURFS_ATTR_H

#include "mount.h"

#define ATTR_DELAY_MS 1000

/* Ours alone know what is true: a draft, or changes not carried out. */
bool attr_is_ours_locked(const struct node *n);
bool attr_is_fresh_locked(const struct node *n);
/* What was asked of the service when tree->turns was that is older than what is known. */
bool attr_is_older_locked(const struct node *n, uint64_t turns);
/* What the node says is true, from now on for ttl=. */
void attr_believe_locked(struct mount *m, struct node *n);
/* What the service said of the object: attributes and headers. Takes o's headers. */
void attr_set_locked(struct mount *m, struct node *n, struct s3_object *o);
/* The attributes are not believed any more. */
bool attr_stale(struct mount *m, const struct node *n);
bool attr_is_dir(struct mount *m, const struct node *n);
/* Forgets what was believed, so that the next look asks the service. */
void attr_distrust(struct mount *m, struct node *n);

/* Changes these fields, and the ctime; the object follows in a moment. */
void attr_change(struct mount *m, struct node *n, const struct attr *a, unsigned fields);

/* Changes an extended attribute, as xattr_set() does; value NULL: as
 * xattr_remove(). The object follows in a moment. */
int attr_change_xattr(struct mount *m, struct node *n, const char *name, const void *value,
                      size_t size, int flags) s3_must_check;

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
/* Of the pending changes, that of the mtime alone; returns it, or 0. */
unsigned attr_take_mtime(struct mount *m, struct node *n);
/* The new version was not made: *taken is pending again. */
void attr_untake(struct mount *m, struct node *n, unsigned taken);
/* A file that has no object yet was given up: there is nothing of ours of that name. */
void attr_never_made(struct mount *m, struct node *n);
/* The new version was made. h is taken over (and emptied). */
void attr_made(struct mount *m, struct node *n, const struct attr *a, const struct s3_etag *etag,
               struct s3_headers *h);
/* The same of a version whose headers were sent before all was known: in those
 * fields a is right, and the object will follow. */
void attr_made_late(struct mount *m, struct node *n, const struct attr *a,
                    const struct s3_etag *etag, struct s3_headers *h, unsigned fields);
/* The same with the tree's lock held. */
void attr_made_locked(struct mount *m, struct node *n, const struct attr *a,
                      const struct s3_etag *etag, struct s3_headers *h);

#endif
