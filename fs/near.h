/* SPDX-License-Identifier: MIT */
/*
 * near.h - what a word that is not known may have meant. Pure.
 */
#ifndef POURFS_NEAR_H
#define POURFS_NEAR_H

#include <stddef.h>

/* What to write for an option that s3fs, rclone, goofys or mountpoint-s3 call so,
 * dashes before it and in it or not: a few words. NULL: none of them does. */
const char *near_advice(const char *name);

/* Edits between two words, dashes and underscores being one: up to 3. */
unsigned near_distance(const char *a, const char *b);

#endif
