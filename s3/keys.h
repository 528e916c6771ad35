/* SPDX-License-Identifier: MIT */
/*
 * keys.h - what requests are signed with. Constant; shared by reference.
 */
#ifndef POURFS_KEYS_H
#define POURFS_KEYS_H

#include <stdatomic.h>
#include <time.h>

struct keys {
	atomic_uint held;
	char *access, *secret;
	char *token;    /* of temporary ones, else NULL */
	time_t expires; /* 0: never */
};

/* Held once; copies the strings, token may be NULL. NULL: no memory. */
struct keys *keys_new(const char *access, const char *secret, const char *token, time_t expires);
struct keys *keys_hold(struct keys *k);
/* Wipes them, if that was the last. Accepts NULL. */
void keys_put(struct keys *k);

#endif
