/* SPDX-License-Identifier: MIT */
#include "keys.h"

#include <stdlib.h>
#include <string.h>

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

struct keys *keys_new(const char *access, const char *secret, const char *token, time_t expires)
{
	struct keys *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->held = 1;
	k->access = strdup(access);
	k->secret = strdup(secret);
	k->token = token && *token ? strdup(token) : NULL;
	k->expires = expires;
	if (k->access && k->secret && (k->token || !token || !*token))
		return k;
	keys_put(k);
	return NULL;
}

struct keys *keys_hold(struct keys *k)
{
	atomic_fetch_add(&k->held, 1);
	return k;
}

void keys_put(struct keys *k)
{
	if (!k || atomic_fetch_sub(&k->held, 1) != 1)
		return;
	wipe(k->access);
	wipe(k->secret);
	wipe(k->token);
	free(k);
}
