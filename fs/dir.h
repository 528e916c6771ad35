/* SPDX-License-Identifier: MIT */
/*
 * dir.h - directories: which names are in them.
 *
 * A listing is believed for ttl=, and kept up to date with what we do. It is
 * read as it arrives, a page at a time; once it is whole the node keeps it.
 *
 * No lock may be held when calling, but where a name says _locked: the tree's
 * then. Errors are -errno as s3.h gives them.
 */
#ifndef POURFS_DIR_H
#define POURFS_DIR_H

#include "mount.h"

#define DIR_NAME_MAX 255 /* bytes of a name */

/* A path can have it as a component. */
bool dir_name_is_good(const char *name, size_t len);

/* As a key it would say more than its name: listing.h. */
bool dir_name_has_meaning(const char *name);

/* Its listing is there, and still believed. */
bool dir_is_fresh_locked(const struct node *dir);
/* That listing, *whole; or else its beginning, as far as it is known; or NULL. */
struct listing *dir_names_locked(const struct node *dir, bool *whole);
/* Files are being written below it that the bucket does not have yet. */
bool dir_has_unpublished_locked(struct mount *m, const struct node *dir);

/* Lists the directory, if it is not known and one request is enough for that; those
 * who want that at the same time wait for the first.
 * 0: it is known now; -E2BIG: it is too large, or nothing is believed. */
int dir_learn(struct mount *m, struct node *dir, struct s3_call *call) s3_must_check;
/* The same before it is wanted: whether it is worth while; then, by a job that was
 * to be called soon, the listing (-EALREADY: somebody wanted it earlier); and its
 * end, for which others wait. Of a directory that needs several pages the first
 * is asked for in vain. */
bool dir_is_to_foresee_locked(struct mount *m, struct node *dir);
int dir_foresee(struct mount *m, struct node *dir, struct s3_call *call) s3_must_check;
void dir_foreseen_locked(struct mount *m, struct node *dir, int err);
/* It has nothing in it, as we made it. */
void dir_is_empty_locked(struct mount *m, struct node *dir);

/* We have made or removed that name. */
void dir_name_added(struct mount *m, struct node *dir, const char *name, bool is_dir);
void dir_name_removed(struct mount *m, struct node *dir, const char *name);
/* The same with the tree's lock held. */
void dir_name_added_locked(struct mount *m, struct node *dir, const char *name, bool is_dir);
void dir_name_removed_locked(struct mount *m, struct node *dir, const char *name);

/* ----------------------------------------- one pass over the names, readdir */

struct dir_pass;

struct dir_entry {
	char name[DIR_NAME_MAX + 1];
	mode_t type; /* S_IFMT; 0: an object that need not be a plain file */
};

/* Begins one; dir must be held as long as it goes on. */
int dir_open(struct mount *m, struct node *dir, struct dir_pass **out,
             struct s3_call *call) s3_must_check;
/* Finds the first entry from position *at on, and sets *at to its position: 1,
 * or 0 at the end. Positions stay the same during a pass. One thread at a time. */
int dir_read(struct mount *m, struct dir_pass *p, size_t *at, struct dir_entry *e,
             struct s3_call *call) s3_must_check;
void dir_close(struct mount *m, struct dir_pass *p); /* accepts NULL */

#endif
