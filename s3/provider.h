/* SPDX-License-Identifier: MIT */
/*
 * provider.h - those who grant temporary keys, and how they are asked.
 *
 * https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
#ifndef POURFS_PROVIDER_H
#define POURFS_PROVIDER_H

#include "http.h"
#include "keys.h"

enum provider_kind {
	PROVIDER_PROCESS,      /* a program of the user's prints them */
	PROVIDER_ROLE,         /* STS AssumeRole, asked by who has other keys */
	PROVIDER_WEB_IDENTITY, /* STS AssumeRoleWithWebIdentity */
	PROVIDER_SSO,          /* the Identity Center's portal, after "aws sso login" */
	PROVIDER_CONTAINER,    /* the endpoint of ECS and EKS */
	PROVIDER_INSTANCE,     /* EC2's metadata service, IMDSv2 */
};

/* All strings are for free(); those that a kind does not need are NULL. */
struct provider {
	enum provider_kind kind;
	char *name;    /* for people: "credential_process of profile [video]" */
	char *url;     /* of the service that is asked */
	char *login;   /* SSO: of the one that renews its token */
	char *region;  /* of STS, which requests are signed for */
	char *command; /* PROCESS: for the shell */
	char *role;    /* ROLE, WEB_IDENTITY: its ARN; SSO: its name */
	char *session, *external_id, *duration_s;
	char *account;          /* SSO */
	char *token;            /* CONTAINER: the value of Authorization */
	char *token_file;       /* CONTAINER: where it is; WEB_IDENTITY, SSO: the file of theirs */
	struct provider *base;  /* ROLE: who asks, or ... */
	struct keys *base_keys; /* ... with what */
	/* It is asked because nothing else is known: what to say if it does not answer. */
	char *otherwise;
};
void provider_free(struct provider *p); /* accepts NULL */

/* Asks once, with a few retries of what may pass: as long as some seconds. skew_s:
 * the service's clock minus ours. On success *out is held for the caller. -ETIMEDOUT:
 * nobody answers, which may pass; -EACCES: no keys, *fault says why and what to do;
 * -ENOMEM; -EINTR. */
int provider_ask(const struct provider *p, struct http *http, int64_t skew_s,
                 const atomic_bool *cancel, struct keys **out,
                 struct s3_fault *fault) s3_must_check;

#endif
