/* SPDX-License-Identifier: MIT */
/*
 * host.h - AWS's names of where a bucket is, and the ARNs of access points.
 *
 * Pure. Strings that are built go to a struct buf, whose failure latches.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
 * https://docs.aws.amazon.com/general/latest/gr/s3.html
 */
#ifndef POURFS_HOST_H
#define POURFS_HOST_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* "https://s3.REGION.amazonaws.com", to be preceded by the bucket. variants: of
 * enum s3_variants. access_point: those have hosts of their own. */
void host_add_aws(struct buf *url, const char *region, unsigned variants, bool access_point);

/* "arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME". */
struct host_arn {
	char region[64];
	char bucket[128]; /* "NAME-ACCOUNT", which stands for it in host names */
};
/* 0; -EINVAL: an ARN, but not of an access point of one region; 1: no ARN. */
int host_read_arn(const char *s, struct host_arn *arn) __attribute__((warn_unused_result));

#endif
