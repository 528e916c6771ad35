/* SPDX-License-Identifier: MIT */
/*
 * creds.h - who we are and where, from where the AWS tools take it.
 *
 * The environment and the files ~/.aws/credentials and ~/.aws/config (or
 * AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE). A profile that is asked for
 * by name comes before the environment's keys; AWS_PROFILE comes after them.
 * Secrets are wiped by creds_fini() and never logged. A process that holds one
 * makes no core dump and is no other process's to read or trace but root's: all
 * of it, as a secret is also in its environment, and in what libraries copy.
 */
#ifndef POURFS_CREDS_H
#define POURFS_CREDS_H

#include "s3.h"

struct creds {
	char *access, *secret; /* both NULL if anonymous */
	char *token;           /* of temporary credentials, else NULL */
	char *region, *endpoint;
	enum s3_addressing addressing;
};

/* profile: NULL, or the one asked for. -EACCES, -EINVAL, -ENOMEM as s3_new(),
 * with the fault telling what to do; nothing needs to be ended then. */
int creds_load(struct creds *out, const char *profile, bool anonymous,
               struct s3_fault *fault) s3_must_check;
void creds_fini(struct creds *c);

#endif
