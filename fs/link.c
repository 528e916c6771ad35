/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attr.h"
#include "lookup.h"

#define TRIES 3 /* for an object that is being replaced or renamed */

void link_know(struct mount *m, struct node *n, const char *target, const struct s3_etag *etag)
{
	char *copy = strdup(target); /* without memory it is asked for again */

	tree_lock(m->tree);
	if (copy && !strcmp(n->etag.s, etag->s)) {
		free(n->target);
		n->target = copy;
		copy = NULL;
	}
	tree_unlock(m->tree);
	free(copy);
}

/* What is remembered; else *key and *etag are those of the object. */
static int known(struct mount *m, struct node *n, char target[PATH_MAX], bool *is_known,
                 struct buf *key, struct s3_etag *etag)
{
	int err = 0;

	tree_lock(m->tree);
	*is_known = n->target != NULL;
	*etag = n->etag;
	if (!S_ISLNK(n->attr.mode))
		err = -EINVAL; /* it was one when the kernel asked */
	else if (*is_known)
		strcpy(target, n->target);
	else
		err = mount_key_locked(m, n, NULL, key);
	tree_unlock(m->tree);
	return err;
}

/* The bytes come from a bucket: they are believed only if a program could have
 * made such a link. */
static int fetch(struct mount *m, const char *key, const struct s3_etag *etag,
                 char target[PATH_MAX], struct s3_call *call)
{
	struct iovec iov = {target, PATH_MAX};
	ssize_t n = s3_get(m->s3, key, 0, &iov, 1, etag, NULL, call);

	if (n < 0)
		return (int)n;
	if (!n || n == PATH_MAX || memchr(target, 0, (size_t)n))
		return -EIO;
	target[n] = 0;
	return 0;
}

int link_read(struct mount *m, struct node *n, char target[PATH_MAX], struct s3_call *call)
{
	struct buf key = BUF_INIT;
	int err = -ESTALE;

	for (int tries = 0; tries < TRIES && (err == -ESTALE || err == -ENOENT); tries++) {
		struct s3_etag etag;
		bool is_known;

		if (tries)
			attr_distrust(m, n);
		err = lookup_refresh(m, n, call);
		if (err)
			break;
		err = known(m, n, target, &is_known, &key, &etag);
		if (err || is_known)
			break;
		err = fetch(m, key.s, &etag, target, call);
		if (!err)
			link_know(m, n, target, &etag);
	}
	buf_fini(&key);
	return err;
}
