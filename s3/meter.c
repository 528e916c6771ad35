/* SPDX-License-Identifier: MIT */
#include "meter.h"

#include "client.h"

#include <string.h>

const unsigned s3_meter_ms[S3_METER_BUCKETS] = {5,   10,   25,   50,   100,   250,
                                                500, 1000, 2500, 5000, 10000, 60000};

static const char *const ops[METER_OPS] = {
	"PutObject",
	"GetObject",
	"HeadObject",
	"CopyObject",
	"DeleteObject",
	"DeleteObjects",
	"ListObjectsV2",
	"CreateMultipartUpload",
	"UploadPart",
	"UploadPartCopy",
	"CompleteMultipartUpload",
	"AbortMultipartUpload",
	"ListParts",
	"ListMultipartUploads",
	"GetObjectTagging",
	"PutObjectTagging",
	"GetObjectAcl",
	"PutObjectAcl",
};

void meter_add(struct meters *m, const char *op, enum s3_result result, uint64_t took_us,
               bool retry)
{
	size_t i = 0, bucket = 0;

	while (i < METER_OPS && ops[i] && strcmp(ops[i], op) != 0)
		i++;
	if (i == METER_OPS)
		return;
	while (bucket < S3_METER_BUCKETS && took_us > s3_meter_ms[bucket] * UINT64_C(1000))
		bucket++;
	atomic_fetch_add(&m->ops[i].results[result], 1);
	atomic_fetch_add(&m->ops[i].buckets[bucket], 1);
	atomic_fetch_add(&m->ops[i].took_us, took_us);
	atomic_fetch_add(&m->ops[i].retries, retry);
}

bool s3_meter(const struct s3 *s3, size_t i, struct s3_meter *out)
{
	const struct meter *m;

	if (i >= METER_OPS || !ops[i])
		return false;
	m = &s3->meters.ops[i];
	*out = (struct s3_meter){.op = ops[i],
	                         .retries = atomic_load(&m->retries),
	                         .took_us = atomic_load(&m->took_us)};
	for (size_t n = 0; n < S3_RESULTS; n++)
		out->results[n] = atomic_load(&m->results[n]);
	for (size_t n = 0; n <= S3_METER_BUCKETS; n++)
		out->buckets[n] = atomic_load(&m->buckets[n]);
	return true;
}
