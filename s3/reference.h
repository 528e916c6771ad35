/* SPDX-License-Identifier: MIT */
/*
 * reference.h - references to characters that XML forbids, such as &#x1b;
 *
 * Ceph writes a continuation token that ends in a control character so. No
 * parser reads that: the references are hidden as characters of the private use
 * area (U+E000 and up), and shown again in what was read. Pure.
 */
#ifndef POURFS_REFERENCE_H
#define POURFS_REFERENCE_H

#include <stddef.h>

#include "buf.h"

/* Appends the document with such references hidden. How many there were. */
size_t reference_hide(struct buf *to, const char *s, size_t n);

/* The characters themselves, in place. */
void reference_show(char *s);

#endif
