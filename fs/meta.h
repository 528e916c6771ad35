/* SPDX-License-Identifier: MIT */
/*
 * meta.h - attributes of a file <-> the headers of its object.
 *
 * s3fs's user metadata, which rclone reads too: mode (decimal, with the type
 * bits), uid, gid, mtime (seconds, or seconds and exactly nine digits); ctime
 * and atime only where they are another time than mtime. What rclone writes is
 * understood as well: an octal mode, and times as RFC 3339 has them.
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
	struct timespec atime; /* tv_nsec UTIME_OMIT: no program has set it, it follows mtime */
};

#define META_ROOM 192 /* bytes that they take among the user metadata, at most */

#define META_SECONDS_MAX ((time_t)1 << 40) /* of a time, before and after 1970 */

/* Which of the attributes a change concerns. */
enum meta_fields {
	META_MODE = 1,
	META_UID = 2,
	META_GID = 4,
	META_MTIME = 8,
	META_ATIME = 16,
	META_CTIME = 32, /* goes with the others: no change by itself */
	META_XATTR = 64, /* of the headers: nothing in struct attr */
	META_ALL = 127,
};

/* Sets those headers. 0 or -ENOMEM. */
int meta_to_headers(const struct attr *a, unsigned fields, struct s3_headers *h) s3_must_check;

bool meta_says_mtime(const struct s3_headers *h);

/* Removes those headers: struct attr has what they say. */
void meta_strip(struct s3_headers *h);

/* Overwrites in *a, which holds the defaults, what the headers say. The type
 * changes only between kinds that have a body: files, links, FIFOs, sockets. */
void meta_from_headers(const struct s3_headers *h, struct attr *a);

/* Copies those fields. */
void meta_merge(struct attr *to, const struct attr *from, unsigned fields);

/* The nearest time that a header can say. */
struct timespec meta_time(struct timespec t);
/* The content was last written then. */
void meta_written(struct attr *a, struct timespec when);
struct timespec meta_atime(const struct attr *a);
bool meta_same(struct timespec a, struct timespec b);
struct timespec meta_later(struct timespec a, struct timespec b);

/* A content type that came from the old name's extension follows the new name's,
 * any other stays. 1: it has changed; 0 or -ENOMEM. */
int meta_follow_name(struct s3_headers *h, const char *old_name,
                     const char *new_name) s3_must_check;

#endif
