/* SPDX-License-Identifier: MIT */
/* What an object's headers say of its attributes; a URL; an encoded key. */
#include "meta.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "encode.h"
#include "types.h"
#include "uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"x-amz-meta-mode",  "x-amz-meta-uid",
	                                    "x-amz-meta-gid",   "x-amz-meta-mtime",
	                                    "x-amz-meta-ctime", "x-amz-meta-atime"};
	struct s3_headers h = {0};
	struct attr a = {.mode = S_IFREG | 0644};
	struct uri uri = {0};
	char *text = strndup((const char *)data, size);

	if (!text)
		return 0;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		(void)!s3_headers_set(&h, names[i], text);
	meta_from_headers(&h, &a);
	if (a.mtime.tv_nsec < 0 || a.mtime.tv_nsec > 999999999 || S_ISBLK(a.mode) ||
	    S_ISCHR(a.mode))
		abort();
	(void)types_of(text);
	s3_headers_fini(&h);
	if (!uri_parse(&uri, text))
		uri_fini(&uri);
	(void)!percent_decode(text);
	free(text);
	return 0;
}
