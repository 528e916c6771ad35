/* SPDX-License-Identifier: MIT */
/*
 * meta.h - attributes of a file <-> the headers of its object.
 *
 * s3fs's user metadata, which rclone reads too: mode (decimal, with the type
 * bits), uid, gid, mtime (seconds, or seconds and exactly nine digits).
 *
 * Pure. What a bucket says is hostile: a value that is not a plain number in
 * range counts as absent, and device and unknown type bits are dropped. Set-id
 * bits pass, as the mount is nosuid.
 */
#ifndef POURFS_META_H
#define POURFS_META_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "s3.h"

struct attr {
	mode_t mode; /* with the type bits */
	uid_t uid;
	gid_t gid;
	uint64_t size;
	struct timespec mtime, ctime;
};

/* Which of the attributes a change concerns. */
enum meta_fields {
	META_MODE = 1,
	META_UID = 2,
	META_GID = 4,
	META_MTIME = 8,
	META_ALL = 15,
};

/* Sets those headers. 0 or -ENOMEM. */
int meta_to_headers(const struct attr *a, unsigned fields, struct s3_headers *h) s3_must_check;

/* Overwrites in *a, which holds the defaults, what the headers say. The type
 * changes only between kinds that have a body: files, links, FIFOs, sockets. */
void meta_from_headers(const struct s3_headers *h, struct attr *a);

/* Copies those fields. */
void meta_merge(struct attr *to, const struct attr *from, unsigned fields);

/* By the extension of name; "application/octet-stream" if it tells nothing. */
const char *meta_content_type(const char *name);

#endif
