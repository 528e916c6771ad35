/* SPDX-License-Identifier: MIT */
#include "url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "dir.h"
#include "log.h"
#include "opts.h"

#define KEYS_MAX 1000
#define HOUR     3600

static const char usage[] = "pourfs url [--expires AGE] [-o OPTION,...] BUCKET[:/FOLDER] NAME...";

/* Takes --expires out of argv, up to a "--". */
static int take_flags(unsigned *expires_s, int *argc, char **argv)
{
	int64_t age = HOUR;
	bool ended = false;
	int n = 0;

	for (int i = 0; i < *argc; i++) {
		ended |= !strcmp(argv[i], "--");
		if (ended || strcmp(argv[i], "--expires") != 0)
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

/* Whether a file of the mount may have it. */
static bool is_path(const char *name)
{
	size_t n = strcspn(name, "/");

	while (dir_name_is_good(name, n) && name[n]) {
		name += n + 1;
		n = strcspn(name, "/");
	}
	return dir_name_is_good(name, n);
}

/* The service may correct our clock, and name another region than was guessed. */
static void ask(struct s3 *s3, const char *prefix)
{
	struct s3_call call = {.retry_time_s = 10, .may_refuse = true, .guess = true};
	struct s3_page page = {0};

	if (s3_source(s3) && !s3_list(s3, prefix, 0, NULL, NULL, 1, &page, &call))
		s3_page_fini(&page);
}

static int print_url(struct s3 *s3, const char *prefix, const char *name, unsigned expires_s)
{
	struct s3_call call = {0};
	struct buf key = BUF_INIT;
	char *url = NULL, quoted[1200];
	int err;

	if (!is_path(name)) {
		fprintf(stderr, "pourfs: %s is the path of no file in a mount\n",
		        log_quote(quoted, sizeof quoted, name));
		return -EINVAL;
	}
	buf_adds(&key, prefix);
	buf_adds(&key, name);
	err = buf_error(&key);
	if (!err)
		err = s3_url(s3, key.s, expires_s, &url, &call);
	if (!err)
		puts(url);
	else if (err == -EOPNOTSUPP)
		fputs("pourfs: with sse_c_key_file there are no such URLs: whoever has one would "
		      "need the key, too\n",
		      stderr);
	else
		fprintf(stderr, "pourfs: %s: %s\n", log_quote(quoted, sizeof quoted, name),
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
	log_setup((enum log_level)(err ? LOG_LEVEL_WARN : o.log_level), opts_log_flags(&o));
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
		if (!err)
			ask(s3, o.mount.prefix);
		for (int i = 1; !err && i < n; i++)
			err = print_url(s3, o.mount.prefix, operands[i], expires_s);
	}
	s3_free(s3);
	opts_fini(&o);
	return err || fflush(stdout) ? 1 : 0;
}
