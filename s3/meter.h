/* SPDX-License-Identifier: MIT */
/* meter.h - what the requests of each operation came to, and how long they took. */
#ifndef POURFS_METER_H
#define POURFS_METER_H

#include "s3.h"

#include <stdatomic.h>

#define METER_OPS 20

struct meter {
	_Atomic uint64_t results[S3_RESULTS], retries, took_us, buckets[S3_METER_BUCKETS + 1];
};

struct meters {
	struct meter ops[METER_OPS];
};

/* One try of op, an S3 API action. Threads: any. */
void meter_add(struct meters *m, const char *op, enum s3_result result, uint64_t took_us,
               bool retry);

#endif
