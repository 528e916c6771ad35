/* SPDX-License-Identifier: MIT */
/* A command line: words at line ends, as fstab and programs may make them up. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opts.h"

#define WORDS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *rest = text, *words[WORDS + 1] = {NULL};
	FILE *said = stderr;
	struct opts o;
	int n = 0;

	if (!text)
		return 0;
	while (n < WORDS && rest)
		words[n++] = strsep(&rest, "\n");
	/* What is wrong is said there, each time. */
	stderr = fopen("/dev/null", "w");
	(void)!opts_parse(&o, n, words);
	opts_fini(&o);
	fclose(stderr);
	stderr = said;
	free(text);
	return 0;
}
