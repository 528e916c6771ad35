/* SPDX-License-Identifier: MIT */
/*
 * status.h - what the mount is doing, as MOUNTPOINT/.pourfs/status tells it.
 */
#ifndef POURFS_STATUS_H
#define POURFS_STATUS_H

#include "mount.h"

/* JSON text, for free(); NULL: no memory. */
char *status_json(struct mount *m);

#endif
