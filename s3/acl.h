/* SPDX-License-Identifier: MIT */
/*
 * acl.h - the access control list of an object, over a change of the object.
 *
 * A PUT, a copy and the end of an upload all give the object a new list. With
 * acl=keep it gets the old one back: one request before, and one after if there
 * was an object.
 */
#ifndef POURFS_ACL_H
#define POURFS_ACL_H

#include "client.h"

/* GetObjectAcl: the list of key, as XML. Nothing if lists are not to be kept,
 * there is no such key, or the service knows no lists. */
int acl_take(struct s3 *s3, const char *key, struct buf *acl, struct s3_call *call) s3_must_check;
/* PutObjectAcl, unless acl is empty. A failure is logged: the object is there. */
void acl_give(struct s3 *s3, const char *key, const struct buf *acl, struct s3_call *call);

#endif
