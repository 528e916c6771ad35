/* SPDX-License-Identifier: MIT */
/*
 * grant.h - temporary keys, as those who grant them write them down.
 *
 * Pure. What they say is not to be trusted: what is no such answer is -EIO; one
 * that says why there are no keys is -EACCES, and *fault has its words. -ENOMEM.
 * On success *out is held for the caller.
 */
#ifndef POURFS_GRANT_H
#define POURFS_GRANT_H

#include "buf.h"
#include "keys.h"
#include "s3.h"

/* JSON: a credential_process, the metadata services of EC2, ECS and EKS, and the
 * portal of the Identity Center. Without a token or an expiry they are lasting. */
int grant_read_json(const char *s, size_t n, struct keys **out,
                    struct s3_fault *fault) s3_must_check;

/* XML: AssumeRole and AssumeRoleWithWebIdentity of STS. */
int grant_read_sts(const char *s, size_t n, struct keys **out,
                   struct s3_fault *fault) s3_must_check;

/* JSON: what "aws sso login" leaves in its cache: the token, for free(), and until
 * when it is good. */
int grant_read_sso_token(const char *s, size_t n, char **token, time_t *expires) s3_must_check;
/* The request by which such a token is renewed without a login (CreateToken of SSO
 * OIDC, JSON). -ENOENT: it cannot be, or not any more. */
int grant_sso_renewal(const char *s, size_t n, time_t now, struct buf *request) s3_must_check;
/* What belongs into the cache when that was answered so: *file is added to. */
int grant_sso_renewed(const char *s, size_t n, const char *answer, size_t answer_n, time_t now,
                      struct buf *file) s3_must_check;

#endif
