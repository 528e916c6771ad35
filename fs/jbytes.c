/* SPDX-License-Identifier: MIT */
#include "jbytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "encode.h"

json_t *jbytes_new(const char *s)
{
	struct buf b = BUF_INIT;
	json_t *t;

	if (!s)
		return json_null();
	percent_encode(&b, s, false);
	t = buf_error(&b) ? NULL : json_string(b.s);
	buf_fini(&b);
	return t;
}

char *jbytes_get(json_t *t, int *err)
{
	char *s = json_is_string(t) ? strdup(json_string_value(t)) : NULL;

	if (!json_is_string(t))
		*err = -EINVAL;
	else if (!s)
		*err = -ENOMEM;
	else if (percent_decode(s) < 0)
		*err = -EINVAL;
	if (!*err)
		return s;
	free(s);
	return NULL;
}
