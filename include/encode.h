/* SPDX-License-Identifier: MIT */
/*
 * encode.h - bytes as text: percent-encoding and base64; and which bytes are text.
 *
 * Pure. Strings that are built go to a struct buf, whose failure latches.
 */
#ifndef POURFS_ENCODE_H
#define POURFS_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* A-Z a-z 0-9 - . _ ~ */
bool percent_unreserved(char c);

/* Percent-encodes as Signature V4 demands: all but the unreserved, and
 * the slash only if slash is true. */
void percent_encode(struct buf *to, const char *s, bool slash);

/* Undoes percent-encoding and '+' for a space in place, as in answers with
 * encoding-type=url. Returns the new length; -EINVAL: a bad escape, or a NUL,
 * which no string can carry. */
int percent_decode(char *s) __attribute__((warn_unused_result));

/* UTF-8 as RFC 3629 has it: nothing longer than need be, no surrogates, nothing
 * beyond U+10FFFF. */
bool utf8_is_valid(const char *s);

/* With padding. */
void base64_encode(struct buf *to, const void *bytes, size_t n);
/* Takes it without padding too. -EINVAL, -ENOMEM. */
int base64_decode(struct buf *to, const char *s) __attribute__((warn_unused_result));

#endif
