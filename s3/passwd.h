/* SPDX-License-Identifier: MIT */
/*
 * passwd.h - the password file of s3fs: ACCESS:SECRET, or BUCKET:ACCESS:SECRET for
 * one bucket, a line each; # comments. Pure.
 */
#ifndef POURFS_PASSWD_H
#define POURFS_PASSWD_H

#include "keys.h"
#include "s3.h"

/* The keys for the bucket: those of its own line, else those of the line without
 * one. 0; -ENOENT: it has none; -EINVAL: *line is not such a line; -ENOMEM. */
int passwd_find(struct keys **keys, const char *text, size_t n, const char *bucket,
                unsigned *line) s3_must_check;

#endif
