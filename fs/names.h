/* SPDX-License-Identifier: MIT */
/*
 * names.h - making, removing and renaming names.
 *
 * No lock may be held when calling. 0 or -errno.
 */
#ifndef POURFS_NAMES_H
#define POURFS_NAMES_H

#include "mount.h"

/* A directory: one marker object. *out is held for the caller. */
int names_mkdir(struct mount *m, struct node *parent, const char *name, const struct attr *a,
                struct node **out, struct s3_call *call) s3_must_check;
/* A symbolic link: an object whose content is the target. *out is held. */
int names_symlink(struct mount *m, struct node *parent, const char *name, const char *target,
                  const struct attr *a, struct node **out, struct s3_call *call) s3_must_check;
/* A file without an object yet, held for the caller; -EEXIST. */
int names_create(struct mount *m, struct node *parent, const char *name, const struct attr *a,
                 struct node **out, struct s3_call *call) s3_must_check;
int names_unlink(struct mount *m, struct node *parent, const char *name,
                 struct s3_call *call) s3_must_check;
int names_rmdir(struct mount *m, struct node *parent, const char *name,
                struct s3_call *call) s3_must_check;
/* flags: as renameat2(2). */
int names_rename(struct mount *m, struct node *parent, const char *name, struct node *new_parent,
                 const char *new_name, unsigned flags, struct s3_call *call) s3_must_check;

/* ------------------------- between names.c, rename.c, rename_dir.c and keep.c */

/* The rest of names_rename(), when n is a directory, and there is NULL or one. */
int names_rename_dir(struct mount *m, struct node *parent, struct node *n, const char *name,
                     struct node *new_parent, struct node *there, const char *new_name,
                     struct s3_call *call) s3_must_check;

/* The name is about to be removed. A directory that would go with it, as it
 * exists for its contents alone, gets a marker. */
int names_keep_parent(struct mount *m, struct node *dir, const char *name,
                      struct s3_call *call) s3_must_check;

/* Files are being written below it that the bucket does not have yet. */
bool names_unpublished(struct mount *m, struct node *dir);

/* -EBUSY: a file that was renamed while it was written will be completed under
 * that name, for a moment. but: NULL, or that file itself. */
int names_reserved(struct mount *m, struct node *parent, const char *name,
                   const struct node *but) s3_must_check;

/* The object of n is about to go: who has the file open reads on from a hidden
 * copy, and so do drafts that have ranges of it. n is busy. */
int names_keep(struct mount *m, struct node *n, const char *key,
               struct s3_call *call) s3_must_check;

/* Deletes these objects of other clients (NODE_MARK_*) of that name, which is busy. */
int names_delete_foreign(struct mount *m, struct node *parent, const char *name, unsigned foreign,
                         struct s3_call *call) s3_must_check;

#endif
