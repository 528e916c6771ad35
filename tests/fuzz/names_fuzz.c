/* SPDX-License-Identifier: MIT */
/* Keys and URLs: what is encoded is what was meant, and comes back as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "encode.h"
#include "log.h"
#include "reference.h"
#include "uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_encoding(const char *text)
{
	struct buf encoded = BUF_INIT;
	char quoted[64];

	percent_encode(&encoded, text, strlen(text) % 2);
	for (size_t i = 0; i < encoded.len; i++)
		if (!percent_unreserved(encoded.s[i]) && !strchr("%/", encoded.s[i]))
			abort();
	if (percent_decode(encoded.s) != (int)strlen(text) || strcmp(encoded.s, text) != 0)
		abort();
	if (strlen(log_quote(quoted, sizeof(quoted), text)) >= sizeof(quoted))
		abort();
	(void)utf8_is_valid(text);
	buf_fini(&encoded);
}

static void check_url(const char *text)
{
	struct uri_param params[] = {{"prefix", text}, {"delimiter", "/"}};
	struct buf url = BUF_INIT;
	struct uri uri = {0};

	uri_add_query(&url, params, 2);
	if (!uri_parse(&uri, text)) {
		uri_add_authority(&url, &uri, "bucket");
		uri_add_path(&url, &uri, NULL, text);
		uri_fini(&uri);
	}
	for (size_t i = 0; i < url.len; i++)
		if ((unsigned char)url.s[i] <= ' ' || url.s[i] == 0x7f)
			abort();
	buf_fini(&url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct buf hidden = BUF_INIT;

	if (!text)
		return 0;
	check_encoding(text);
	check_url(text);
	if (reference_hide(&hidden, text, strlen(text)))
		reference_show(hidden.s);
	buf_fini(&hidden);
	(void)!percent_decode(text);
	free(text);
	return 0;
}
