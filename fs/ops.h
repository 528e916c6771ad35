/* SPDX-License-Identifier: MIT */
/* ops.h - the FUSE entry points: decode, call, reply. */
#ifndef POURFS_OPS_H
#define POURFS_OPS_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

/* Their userdata is the struct mount. */
extern const struct fuse_lowlevel_ops ops_table;

#endif
