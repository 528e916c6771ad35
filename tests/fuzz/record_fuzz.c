/* SPDX-License-Identifier: MIT */
/* What the journal says of an interrupted upload, and what would be made of it. */
#include <stdlib.h>
#include <string.h>

#include "salvage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct s3_part v[] = {
		{1, (uint64_t)8 << 20, {"a"}}, {2, (uint64_t)8 << 20, {"b"}}, {4, 5, {"c"}}};
	const struct s3_parts parts = {v, 3};
	struct record r, again;
	struct buf json = BUF_INIT;
	struct salvage s;
	char *text = strndup((const char *)data, size);

	if (!text || record_read(&r, text)) {
		free(text);
		return 0;
	}
	record_write(&r, &json);
	if (record_read(&again, json.s))
		abort();
	/* Plans of absurd files only take long. */
	if (r.size <= (uint64_t)1 << 40 && !salvage_plan(&r, &parts, &s)) {
		if (!r.synced && s.size > ((uint64_t)1 << 62))
			abort();
		salvage_fini(&s);
	}
	record_fini(&again);
	record_fini(&r);
	buf_fini(&json);
	free(text);
	return 0;
}
