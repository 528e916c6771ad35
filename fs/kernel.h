/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - what the kernel is told unasked.
 *
 * Each of these may wait for locks that a request to us holds: so a thread of
 * its own says it, which nobody waits for. With the tree's lock held.
 */
#ifndef POURFS_KERNEL_H
#define POURFS_KERNEL_H

#include "mount.h"

/* Forget the name; arg: the struct mount. Whether it will be told. */
bool kernel_forget_locked(void *arg, struct node *n);
/* The content of the file has changed: drop its pages. */
void kernel_changed_locked(struct mount *m, struct node *n);

#endif
