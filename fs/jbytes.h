/* SPDX-License-Identifier: MIT */
/* jbytes.h - strings of any bytes in JSON, which takes only text: percent-encoded. */
#ifndef POURFS_JBYTES_H
#define POURFS_JBYTES_H

#include <jansson.h>

/* NULL becomes null. A new reference; NULL: no memory. */
json_t *jbytes_new(const char *s);
/* For free(). An error latches in *err: -EINVAL, -ENOMEM; NULL then. */
char *jbytes_get(json_t *t, int *err);

#endif
