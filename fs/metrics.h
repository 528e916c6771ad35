/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - the mount in numbers, as MOUNTPOINT/.pourfs/metrics tells them.
 *
 * Prometheus's text format:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
#ifndef POURFS_METRICS_H
#define POURFS_METRICS_H

#include "mount.h"

/* For free(); NULL: no memory. */
char *metrics_text(struct mount *m);

#endif
