/* SPDX-License-Identifier: MIT */
/*
 * profile.h - the files of the AWS tools, ~/.aws/credentials and ~/.aws/config
 * (or AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE), and the profiles in them.
 */
#ifndef POURFS_PROFILE_H
#define POURFS_PROFILE_H

#include "ini.h"
#include "s3.h"

struct buf;

struct profile_file {
	char path[512];
	struct ini ini;
	bool open_to_others; /* group or others may read or write it */
};

struct profiles {
	struct profile_file credentials, config;
};

struct profile {
	const char *name;
	char section[256]; /* in the config file; in the other it is the name */
};

/* Files that are not there are empty. -EACCES, -EINVAL, -ENOMEM, with the fault
 * telling what to do; nothing needs to be ended then. */
int profiles_load(struct profiles *files, struct s3_fault *fault) s3_must_check;
void profiles_fini(struct profiles *files);

/* Borrows name. False: there is none of that name. */
bool profile_find(const struct profiles *files, const char *name, struct profile *p);
/* From the credentials file, else from the other one. NULL: there is none, or it is empty. */
const char *profile_get(const struct profiles *files, const struct profile *p, const char *key);
/* Of another section of the config file: "sso-session NAME". The same. */
const char *profile_section_get(const struct profiles *files, const char *kind, const char *name,
                                const char *key);

/* Adds all of a file that may hold secrets; *open_to_others: group or others may read
 * or write it. -errno; it is to be wiped whatever is returned. */
int profile_read(const char *path, struct buf *text, bool *open_to_others) s3_must_check;
void profile_wipe(struct buf *text);
/* In the place of a file that is there, for its owner alone. -errno: the old one stays. */
int profile_write(const char *path, const struct buf *text) s3_must_check;

/* An environment variable; an empty one counts as unset, as in the AWS tools. */
const char *profile_env(const char *name);
/* "~/..." or below ~: a path in the user's home. */
void profile_home(char path[512], const char *name);

/* Fills in the fault, and returns err. */
int profile_complain(struct s3_fault *fault, int err, const char *code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
