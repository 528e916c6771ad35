/* SPDX-License-Identifier: MIT */
#include "host.h"

#include "buf.h"
#include "s3.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

void host_add_aws(struct buf *url, const char *region, unsigned variants, bool access_point)
{
	const char *stack = variants & S3_DUALSTACK ? ".dualstack" : "";

	if (variants & S3_ACCELERATE) {
		buf_addf(url, "https://s3-accelerate%s.amazonaws.com", stack);
		return;
	}
	buf_addf(url, "https://s3%s%s%s.%s.amazonaws.com%s", access_point ? "-accesspoint" : "",
	         variants & S3_FIPS ? "-fips" : "", stack, region,
	         strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}

/* The field that s begins with, if it is made of these characters. */
static size_t field(const char *s, const char *characters, char end)
{
	size_t n = strspn(s, characters);

	return s[n] == end ? n : 0;
}

int host_read_arn(const char *s, struct host_arn *arn)
{
	static const char kind[] = "accesspoint";
	const char *region, *account, *name;
	size_t nregion, naccount, nname;

	if (strncmp(s, "arn:", 4) != 0)
		return 1;
	s += 4;
	s += field(s, LOWER "-", ':'); /* aws, aws-cn, aws-us-gov */
	if (strncmp(s, ":s3:", 4) != 0)
		return -EINVAL;
	region = s + 4;
	nregion = field(region, LOWER DIGITS "-", ':');
	account = region + nregion + 1;
	naccount = nregion ? field(account, DIGITS, ':') : 0;
	name = account + naccount + 1;
	if (!naccount || strncmp(name, kind, sizeof kind - 1) != 0 ||
	    !strchr("/:", name[sizeof kind - 1]) || !name[sizeof kind - 1])
		return -EINVAL;
	name += sizeof kind;
	nname = field(name, LOWER DIGITS "-", '\0');
	if (!nname || nregion >= sizeof(arn->region) || nname + 1 + naccount >= sizeof(arn->bucket))
		return -EINVAL;
	snprintf(arn->region, sizeof(arn->region), "%.*s", (int)nregion, region);
	snprintf(arn->bucket, sizeof(arn->bucket), "%.*s-%.*s", (int)nname, name, (int)naccount,
	         account);
	return 0;
}
