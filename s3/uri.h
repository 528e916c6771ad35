/* SPDX-License-Identifier: MIT */
/*
 * uri.h - endpoint URLs, and their paths and queries.
 *
 * Pure. Strings that are built go to a struct buf, whose failure latches.
 */
#ifndef POURFS_URI_H
#define POURFS_URI_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Where a service listens: scheme://host[:port][/base]. */
struct uri {
	bool tls;
	char *host;    /* lower case; an IPv6 address keeps its brackets */
	unsigned port; /* 0: the scheme's own */
	char *base;    /* "" or "/path", without a slash at its end */
};

/* A scheme that is left out is https. -EINVAL: not such a URL, or one with a
 * user, a query or a fragment. -ENOMEM. */
int uri_parse(struct uri *uri, const char *url) __attribute__((warn_unused_result));
void uri_fini(struct uri *uri);

/* The value of the Host header: [bucket.]host[:port]. bucket may be NULL. */
void uri_add_authority(struct buf *to, const struct uri *uri, const char *bucket);
/* base[/bucket]/key, encoded. bucket NULL: it is in the host. key may be NULL. */
void uri_add_path(struct buf *to, const struct uri *uri, const char *bucket, const char *key);

struct uri_param {
	const char *name, *value; /* not encoded */
};
/* name=value&..., encoded and sorted: the canonical query of Signature V4,
 * which is also what is sent. Reorders v. */
void uri_add_query(struct buf *to, struct uri_param *v, size_t n);

#endif
