/* SPDX-License-Identifier: MIT */
#include "url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "log.h"
#include "opts.h"

#define KEYS_MAX 1000
#define HOUR     3600

static const char usage[] = "pourfs url [--expires AGE] [-o OPTION,...] BUCKET[:/FOLDER] NAME...";

/* Takes --expires out of argv. */
static int take_flags(unsigned *expires_s, int *argc, char **argv)
{
	int64_t age = HOUR;
	int n = 0;

	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--expires") != 0)
			argv[n++] = argv[i];
		else
			age = ++i < *argc ? opts_age(argv[i]) : -1;
	}
	*argc = n;
	if (age < 1 || age > S3_URL_MAX) {
		fputs("pourfs: --expires takes a time of at most a week, such as 90m, 12h or 3d\n",
		      stderr);
		return -EINVAL;
	}
	*expires_s = (unsigned)age;
	return 0;
}

static int print_url(struct s3 *s3, const char *prefix, const char *name, unsigned expires_s)
{
	struct s3_call call = {0};
	struct buf key = BUF_INIT;
	char *url = NULL;
	int err;

	buf_adds(&key, prefix);
	buf_adds(&key, name);
	err = buf_error(&key);
	if (!err)
		err = s3_url(s3, key.s, expires_s, &url, &call);
	if (!err)
		puts(url);
	else
		fprintf(stderr, "pourfs: %s: %s\n", name,
		        *call.fault.message ? call.fault.message : strerror(-err));
	free(url);
	buf_fini(&key);
	return err;
}

int url_main(int argc, char **argv)
{
	const char *operands[KEYS_MAX + 1];
	struct s3_fault fault = {0};
	struct s3 *s3 = NULL;
	struct opts o = {0};
	unsigned expires_s;
	bool other;
	int n = 0, err = take_flags(&expires_s, &argc, argv);

	if (err)
		return 1;
	err = opts_parse_command(&o, argc, argv, operands, KEYS_MAX + 1, &n, usage);
	other = !err && (o.help || o.version);
	log_setup((enum log_level)(err ? LOG_LEVEL_WARN : o.log_level), false);
	if (other && o.help)
		opts_help();
	else if (other)
		puts("pourfs " POURFS_VERSION);
	if (!err && !other && n < 2) {
		fprintf(stderr, "pourfs: usage: %s\n", usage);
		err = -EINVAL;
	} else if (!err && !other) {
		err = s3_new(&s3, &o.s3, &fault);
		if (err)
			fprintf(stderr, "pourfs: %s\n",
			        *fault.message ? fault.message : strerror(-err));
		for (int i = 1; !err && i < n; i++)
			err = print_url(s3, o.mount.prefix, operands[i], expires_s);
	}
	s3_free(s3);
	opts_fini(&o);
	return err ? 1 : 0;
}
