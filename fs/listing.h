/* SPDX-License-Identifier: MIT */
/*
 * listing.h - what is in one directory, as a service listed it.
 *
 * Entries are what follows the directory in a key, sorted by bytes as a
 * service sorts them, so that pages are only ever appended:
 *
 *	entry            name  form
 *	"name/"          name  LISTING_DIR     a prefix, with or without a marker
 *	"name"           name  LISTING_FILE
 *	"name_$folder$"  name  LISTING_FOLDER  a directory, as Hadoop marks them
 *	"name.rclonelink" name LISTING_LINK    a symbolic link, as rclone writes it
 *
 * A name may have several; then the first of these forms is what is shown, and
 * the others are hidden by it. Shared by reference: a reader of the directory
 * keeps the listing it began with, and a change copies it first if somebody
 * else holds it. Pure.
 *
 * Threads: counting is atomic; a listing held once is its holder's to change.
 */
#ifndef POURFS_LISTING_H
#define POURFS_LISTING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LISTING_LINK_SUFFIX   ".rclonelink"
#define LISTING_FOLDER_SUFFIX "_$folder$"

enum listing_form {
	LISTING_NONE,
	LISTING_DIR,
	LISTING_FILE,
	LISTING_FOLDER,
	LISTING_LINK,
};

struct listing {
	atomic_uint held;
	size_t n;
	/* private */
	size_t room;
	uint32_t *at; /* of each entry, in text; the highest bit: it may be small */
	char *text;   /* NUL-terminated entries, in the order they came */
	size_t used, text_room, waste;
};

struct listing *listing_new(void); /* held once; NULL: no memory */
struct listing *listing_hold(struct listing *l);
void listing_put(struct listing *l); /* accepts NULL */

/* The i-th entry. Borrowed until the listing changes. */
const char *listing_entry(const struct listing *l, size_t i);
/* Its form, and the length of its name. */
enum listing_form listing_form(const char *entry, size_t *name_length);
/* The form of the i-th entry, and its name, which is shorter than the entry. */
enum listing_form listing_name(const struct listing *l, size_t i, char *name);
/* The object may be so small that it need not be a plain file: a link, a FIFO,
 * a directory's marker. */
bool listing_may_be_small(const struct listing *l, size_t i);
/* The i-th entry is hidden by another one of the same name. */
bool listing_hidden(const struct listing *l, size_t i);

/* What follows the last entry may be a form of the name that hides this one. */
bool listing_may_be_hidden_later(const struct listing *l, const char *name);

/* How the name is shown; LISTING_NONE: not at all. */
enum listing_form listing_find(const struct listing *l, const char *name);
/* The name has that form, shown or hidden. */
bool listing_has(const struct listing *l, const char *name, enum listing_form form);
/* Where that form of the name is, or would be. */
size_t listing_index(const struct listing *l, const char *name, enum listing_form form);

/* Adds an entry, or removes one, unless that is so already. *l is replaced by a
 * copy if it is shared. On -ENOMEM *l has been put and is NULL: nothing is
 * known any more. */
int listing_add(struct listing **l, const char *entry, bool may_be_small);
int listing_remove(struct listing **l, const char *entry);

/* The same by name: a file or directory of that name, as we make them; what is
 * shown under that name; that form of it. */
int listing_add_name(struct listing **l, const char *name, bool dir);
int listing_remove_name(struct listing **l, const char *name);
int listing_remove_form(struct listing **l, const char *name, enum listing_form form);

#endif
