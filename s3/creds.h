/* SPDX-License-Identifier: MIT */
/*
 * creds.h - who we are and where, from where the AWS tools take it.
 *
 * A profile that is asked for by name comes before the environment's keys;
 * AWS_PROFILE comes after them; for the whole order see chain.h. A file of s3fs
 * that is named comes before all.
 * Secrets are wiped when their last holder puts them, and never logged. A process that holds one
 * makes no core dump and is no other process's to read or trace but root's: all
 * of it, as a secret is also in its environment, and in what libraries copy.
 */
#ifndef POURFS_CREDS_H
#define POURFS_CREDS_H

#include "provider.h"

struct creds {
	struct keys *keys;         /* NULL: anonymous, or ... */
	struct provider *provider; /* ... this one is to be asked */
	char *source;              /* for people: where they are from; NULL: anonymous */
	char *region, *endpoint;
	enum s3_addressing addressing;
	unsigned variants; /* enum s3_variants */
};

/* -EACCES, -EINVAL, -ENOMEM as s3_new(), with the fault telling what to do; nothing
 * needs to be ended then. */
int creds_load(struct creds *out, const struct s3_conf *conf, struct s3_fault *fault) s3_must_check;
void creds_fini(struct creds *c);

#endif
