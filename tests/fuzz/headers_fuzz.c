/* SPDX-License-Identifier: MIT */
/* The header lines of an answer: what they say of an object, of its bytes, of time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "date.h"
#include "object.h"
#include "proof.h"
#include "xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_line(struct s3_headers *h, char *line)
{
	char *colon = strchr(line, ':');
	char shown[64];

	if (!colon)
		return;
	*colon++ = '\0';
	(void)!s3_headers_set(h, line, colon);
	(void)date_parse_http(colon);
	(void)date_parse_iso(colon);
	xml_set_text(shown, sizeof(shown), colon);
	if (strlen(shown) >= sizeof(shown))
		abort();
	for (const char *c = shown; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_answer answer = {.body = BUF_INIT};
	struct iovec iov = {(char *)"hello", 5};
	char *text = strndup((const char *)data, size), *rest = text, *line, md5[CHECKSUM_HEX];
	struct s3_object object;
	const char *by;

	while (text && (line = strsep(&rest, "\n")))
		read_line(&answer.headers, line);
	if (!object_read(&answer, &object))
		s3_object_fini(&object);
	(void)proof_of(&answer.headers, &iov, 1, &by, md5);
	http_answer_fini(&answer);
	free(text);
	return 0;
}
