/* SPDX-License-Identifier: MIT */
/* What an object's header says of extended attributes, read and changed. */
#include "xattr.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct s3_headers h = {0};
	struct buf names = BUF_INIT, value = BUF_INIT;
	char *text = strndup((const char *)data, size);

	if (text && !s3_headers_set(&h, XATTR_HEADER, text)) {
		if (xattr_list(&h, &names))
			abort();
		for (size_t at = 0; at < names.len; at += strlen(names.s + at) + 1) {
			if (xattr_get(&h, names.s + at, &value) || xattr_check_name(names.s + at))
				abort();
		}
		/* What there was stays readable by the side of what is added. */
		if (!xattr_set(&h, "user.fuzz", data, size, 0)) {
			for (size_t at = 0; at < names.len; at += strlen(names.s + at) + 1)
				if (xattr_get(&h, names.s + at, &value))
					abort();
			buf_clear(&value);
			if (xattr_get(&h, "user.fuzz", &value) || value.len != size ||
			    memcmp(value.s, data, size) || xattr_remove(&h, "user.fuzz"))
				abort();
		}
	}
	buf_fini(&names);
	buf_fini(&value);
	s3_headers_fini(&h);
	free(text);
	return 0;
}
