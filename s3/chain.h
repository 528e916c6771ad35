/* SPDX-License-Identifier: MIT */
/*
 * chain.h - where keys are looked for, in the order of the AWS tools:
 *
 *	AWS_ACCESS_KEY_ID             unless a profile was asked for by name
 *	role_arn                      of the profile: web_identity_token_file, or with the
 *	                              keys of source_profile or credential_source
 *	AWS_WEB_IDENTITY_TOKEN_FILE   with AWS_ROLE_ARN, as in EKS
 *	sso_session, sso_start_url    of the profile, after "aws sso login"
 *	aws_access_key_id             of the profile, in the credentials file
 *	credential_process            of the profile
 *	aws_access_key_id             of the profile, in the config file
 *	AWS_CONTAINER_CREDENTIALS_*   in ECS, EKS and others
 *	EC2's metadata service        unless AWS_EC2_METADATA_DISABLED is true
 *
 * Nobody is asked yet.
 * https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
#ifndef POURFS_CHAIN_H
#define POURFS_CHAIN_H

#include "creds.h"
#include "profile.h"

/* Sets keys or provider, and source, of c, whose region is known. by_name: the
 * profile was asked for. -EACCES: there are none, or not to be used as they are;
 * -EINVAL: the profile makes no sense; -ENOMEM. */
int chain_find(struct creds *c, const struct profiles *files, const struct profile *p, bool by_name,
               struct s3_fault *fault) s3_must_check;

#endif
