/* SPDX-License-Identifier: MIT */
/* The files of the AWS tools. */
#include "ini.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ini ini = {0};
	unsigned line;

	if (!ini_parse(&ini, (const char *)data, size, &line)) {
		(void)ini_get(&ini, "default", "region");
		ini_fini(&ini);
	}
	return 0;
}
