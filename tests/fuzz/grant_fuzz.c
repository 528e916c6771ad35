/* SPDX-License-Identifier: MIT */
/* What those say who grant keys. */
#include "grant.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;
	struct s3_fault fault = {0};
	struct keys *keys = NULL;
	struct buf made = BUF_INIT;
	char *token = NULL;
	time_t expires;

	if (!grant_read_json(s, size, &keys, &fault))
		keys_put(keys);
	if (!grant_read_sts(s, size, &keys, &fault))
		keys_put(keys);
	if (!grant_read_sso_token(s, size, &token, &expires))
		free(token);
	(void)!grant_sso_renewal(s, size, 0, &made);
	(void)!grant_sso_renewed(s, size, s, size, 0, &made);
	buf_fini(&made);
	return 0;
}
