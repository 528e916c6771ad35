/* SPDX-License-Identifier: MIT */
#include "opts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "ini.h"
#include "log.h"
#include "option.h"

#define CONFIG_MAX (1U << 20) /* bytes of a file of options */
#define SMALL      16         /* requests that carry no bytes for each transfer ... */
#define SMALL_MAX  128        /* ... up to so many */

/* Up to the next comma that has no backslash before it, with what has one as it is.
 * For free(). *list is moved behind it. */
static char *next_option(const char **list)
{
	char *one = malloc(strlen(*list) + 1), *to = one;
	const char *s = *list;

	if (!one)
		return NULL;
	while (*s && *s != ',') {
		if (*s == '\\' && (s[1] == ',' || s[1] == '\\'))
			s++;
		*to++ = *s++;
	}
	*to = '\0';
	*list = s + (*s == ',');
	return one;
}

/* "name[=value],name[=value],…" */
static int parse_options(struct opts *o, const char *list)
{
	int err = 0;

	while (!err && *list) {
		char *one = next_option(&list), *value;
		const struct option *opt;

		if (!one)
			return -ENOMEM;
		value = strchr(one, '=');
		if (value)
			*value++ = 0;
		opt = option_find(one);
		if (opt)
			err = option_set(o, opt, value);
		else if (*one && !option_is_borne(one))
			err = option_unknown(one);
		free(one);
	}
	return err;
}

/* ------------------------------------------- what the command line does not say */

#define VARIABLE "POURFS_"

/* POURFS_NAME=VALUE for each name. */
static int parse_environment(struct opts *o)
{
	char name[64];

	for (char **at = environ; *at; at++) {
		const char *s = *at, *value = strchr(s, '=');
		const struct option *opt;
		size_t n = 0;
		int err;

		if (strncmp(s, VARIABLE, strlen(VARIABLE)) != 0 || !value)
			continue;
		for (s += strlen(VARIABLE); s < value && n < sizeof name - 1; s++)
			name[n++] = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;
		name[n] = '\0';
		opt = option_find(name);
		/* Who names things after us has others: POURFS_SERVICE_HOST in Kubernetes. */
		if (!value[1] || (!opt && !option_is_near(name)))
			continue;
		err = opt ? option_set_named(o, opt, value + 1) : option_unknown(name);
		if (err)
			return option_fail("so says %.*s of the environment", (int)(value - *at),
			                   *at);
	}
	return 0;
}

/* What is indented is not part of the line before it, as in the files of AWS. */
static void outdent(struct buf *text)
{
	struct buf plain = BUF_INIT;
	const char *s = text->s;

	while (*s) {
		size_t n = strcspn(s += strspn(s, " \t"), "\n");

		buf_add(&plain, s, n + (s[n] == '\n'));
		s += n + (s[n] == '\n');
	}
	buf_fini(text);
	*text = plain;
}

static int parse_config(struct opts *o, const char *path, const char *bucket)
{
	struct buf text = BUF_INIT;
	struct ini ini = {0};
	unsigned line;
	int err = buf_add_file(&text, path, CONFIG_MAX);

	if (!err && strlen(text.s) == text.len)
		outdent(&text);
	if (!err)
		err = buf_error(&text);
	if (err)
		err = option_fail("config=%s: %s", path, strerror(-err));
	else if ((err = ini_parse(&ini, text.s, text.len, &line)) == -EINVAL)
		err = option_fail(
			"%s, line %u: it takes NAME = VALUE, or [BUCKET] above those for one "
			"bucket alone",
			path, line);
	for (size_t i = 0; !err && i < ini.n; i++) {
		const struct ini_entry *e = &ini.v[i];
		const struct option *opt = *e->key ? option_find(e->key) : NULL;

		if (!*e->key || (*e->section && strcmp(e->section, bucket) != 0))
			continue;
		if (!strcmp(e->key, "config"))
			err = option_fail("config names a file, and does not stand in one");
		else
			err = opt ? option_set_named(o, opt, e->value) : option_unknown(e->key);
		if (err)
			err = option_fail("so says %s", path);
	}
	ini_fini(&ini);
	buf_fini(&text);
	return err;
}

/* BUCKET, BUCKET:/PREFIX, s3://BUCKET/PREFIX */
static int parse_source(struct opts *o, const char *source)
{
	const char *s = source, *prefix;
	size_t len;
	int err;

	if (!strncmp(s, "s3://", 5)) {
		s += 5;
		len = strcspn(s, "/");
		prefix = s + len + (s[len] == '/');
	} else {
		const char *colon = strstr(s, ":/"); /* the ARN of an access point has more */

		len = !strncmp(s, "arn:", 4) ? colon ? (size_t)(colon - s) : strlen(s)
		                             : strcspn(s, ":");
		prefix = s + len;
		if (*prefix == ':')
			prefix++;
		prefix += strspn(prefix, "/");
	}
	if (!len || (memchr(s, '/', len) && strncmp(s, "arn:", 4) != 0))
		return option_fail(
			"'%s' is no bucket: write BUCKET, BUCKET:/FOLDER or s3://BUCKET/FOLDER",
			source);
	err = option_keep(o, &o->mount.bucket, s, len);
	o->s3.bucket = o->mount.bucket;
	len = strlen(prefix);
	while (len && prefix[len - 1] == '/')
		len--;
	if (len > S3_KEY_MAX / 2)
		return option_fail("the folder in '%s' is too long", source);
	if (!err && len) {
		char with_slash[S3_KEY_MAX / 2 + 2];

		snprintf(with_slash, sizeof with_slash, "%.*s/", (int)len, prefix);
		err = option_keep(o, &o->mount.prefix, with_slash, len + 1);
	}
	return err;
}

static int check(struct opts *o)
{
	if (o->mount.file_mode == OPTION_NO_MODE)
		o->mount.file_mode = 0666 & ~o->mount.umask;
	if (o->mount.dir_mode == OPTION_NO_MODE)
		o->mount.dir_mode = 0777 & ~o->mount.umask;
	if (o->s3.endpoint && strstr(o->s3.endpoint, ".r2.cloudflarestorage.com"))
		o->mount.equal_parts = true;
	if (o->mount.part_size % BUDGET_BLOCK)
		return option_fail("part_size=%llu: it must be a multiple of 64K",
		                   (unsigned long long)o->mount.part_size);
	if (o->mount.memory < 2 * o->mount.part_size) {
		char part[32], memory[32];

		option_size_text(o->mount.part_size, part, sizeof part);
		option_size_text(2 * o->mount.part_size, memory, sizeof memory);
		return option_fail("part_size=%s needs memory=%s or more", part, memory);
	}
	if (o->s3.sse_kms_key_id && (!o->s3.sse || !strncmp(o->s3.sse, "AES", 3)))
		return option_fail("sse_kms_key_id goes with sse=aws:kms or sse=aws:kms:dsse");
	if (o->s3.sse_c_key_file && o->s3.sse)
		return option_fail("sse and sse_c_key_file are two ways: choose one of them");
	if (o->s3.client_key && !o->s3.client_cert)
		return option_fail("client_key goes with client_cert=FILE");
	if (o->s3.passwd_file && (o->s3.anonymous || o->s3.profile))
		return option_fail(
			"passwd_file, profile and anonymous are different ways: choose one");
	if (o->s3.proxy && !strcmp(o->s3.proxy, "none"))
		o->s3.proxy = "";
	if (o->s3.endpoint && strncmp(o->s3.endpoint, "http://", 7) != 0 &&
	    strncmp(o->s3.endpoint, "https://", 8) != 0)
		return option_fail("endpoint=%s: it takes a URL, such as https://%s",
		                   o->s3.endpoint, o->s3.endpoint);
	return 0;
}

static int parse_flag(struct opts *o, int argc, char **argv, int *i)
{
	const char *arg = argv[*i];

	if (!strncmp(arg, "-o", 2)) {
		if (arg[2])
			return parse_options(o, arg + 2);
		if (++*i == argc)
			return option_fail("-o needs options: -o OPTION,...");
		return parse_options(o, argv[*i]);
	}
	if (!strcmp(arg, "-f"))
		o->foreground = true;
	else if (!strcmp(arg, "-r"))
		o->mount.read_only = true;
	else if (!strcmp(arg, "-h") || !strcmp(arg, "--help"))
		o->help = true;
	else if (!strcmp(arg, "-V") || !strcmp(arg, "--version"))
		o->version = true;
	else
		return option_unknown(arg);
	return 0;
}

static void set_defaults(struct opts *o)
{
	opts_fini(o);
	*o = (struct opts){.mount = {.prefix = "",
	                             .part_size = 8 * MIB,
	                             .max_parts = S3_PARTS_MAX,
	                             .memory = 64 * MIB,
	                             .parallel = 8,
	                             .ttl_ms = 60000,
	                             .max_entries = 20000,
	                             .uid = getuid(),
	                             .gid = getgid(),
	                             .umask = 022,
	                             .file_mode = OPTION_NO_MODE,
	                             .dir_mode = OPTION_NO_MODE},
	                   .s3.retry_time_s = 300,
	                   .s3.user_agent = "pourfs/" POURFS_VERSION,
	                   .log_level = LOG_LEVEL_WARN};
}

struct line {
	int argc;
	char **argv;
	const char **operands;
	int max, n;
	const char *usage;
};

static int parse_line(struct opts *o, struct line *l)
{
	bool ended = false; /* by a "--": what follows are operands */
	int err = 0;

	l->n = 0;
	for (int i = 0; !err && i < l->argc; i++) {
		if (!ended && !strcmp(l->argv[i], "--"))
			ended = true;
		else if (!ended && l->argv[i][0] == '-')
			err = parse_flag(o, l->argc, l->argv, &i);
		else if (l->n == l->max)
			err = option_fail("what is '%s'? Usage: %s", l->argv[i], l->usage);
		else
			l->operands[l->n++] = l->argv[i];
	}
	return err;
}

/* The file, the environment and the command line: the later wins. */
static int parse_all(struct opts *o, struct line *l, const char *config)
{
	const char *source = l->n ? l->operands[0] : "";
	int err;

	set_defaults(o);
	err = l->n ? parse_source(o, source) : 0;
	if (!err && config)
		err = parse_config(o, config, o->mount.bucket ? o->mount.bucket : "");
	if (!err)
		err = parse_environment(o);
	return err ? err : parse_line(o, l);
}

int opts_parse_command(struct opts *o, int argc, char **argv, const char **operands, int max,
                       int *n, const char *usage)
{
	struct line l = {argc, argv, operands, max, 0, usage};
	char *config;
	int err;

	*n = 0;
	*o = (struct opts){0};
	set_defaults(o);
	err = parse_line(o, &l); /* which file, and which bucket? */
	if (err || o->help || o->version)
		return err;
	if (!l.n)
		return option_fail("usage: %s (pourfs --help tells more)", usage);
	if (!o->config)
		o->config = getenv(VARIABLE "CONFIG");
	config = o->config && *o->config ? strdup(o->config) : NULL;
	err = parse_all(o, &l, config);
	free(config);
	if (!err)
		err = check(o);
	*n = l.n;
	o->mount.small =
		SMALL * o->mount.parallel < SMALL_MAX ? SMALL * o->mount.parallel : SMALL_MAX;
	o->s3.connections = 2 * o->mount.parallel + o->mount.small;
	return err;
}

int opts_parse(struct opts *o, int argc, char **argv)
{
	static const char usage[] = "pourfs [-f] [-o OPTION,...] BUCKET[:/FOLDER] MOUNTPOINT";
	const char *operands[2];
	int n, err = opts_parse_command(o, argc, argv, operands, 2, &n, usage);

	if (err || o->help || o->version)
		return err;
	if (n < 2)
		return option_fail("usage: %s (pourfs --help tells more)", usage);
	return option_keep(o, &o->mount.mountpoint, operands[1], strlen(operands[1]));
}

void opts_fini(struct opts *o)
{
	while (o->nstrings)
		free(o->strings[--o->nstrings]);
}

int64_t opts_age(const char *s)
{
	static const struct {
		char unit;
		int64_t s;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	for (size_t i = 0; end > s && *s != '-' && i < sizeof units / sizeof *units; i++)
		if (*end == units[i].unit && !end[1] && n <= 1000000)
			return (int64_t)n * units[i].s;
	return -1;
}

void opts_help(void)
{
	puts("pourfs mounts an S3 bucket, so that programs pour files straight into it.\n"
	     "\n"
	     "  pourfs [-f] [-o OPTION,...] BUCKET[:/FOLDER] MOUNTPOINT   (or s3://BUCKET/FOLDER)\n"
	     "  pourfs status [--json | --watch] MOUNTPOINT               live transfers\n"
	     "  pourfs check [-o ...] BUCKET[:/FOLDER]                    what the service lets us "
	     "do\n"
	     "  pourfs url [--expires AGE] [-o ...] BUCKET[:/FOLDER] NAME...\n"
	     "                 what whoever has it may read the file by, for an hour or AGE\n"
	     "  pourfs uploads [--json] [--abort [--older-than AGE]] [-o ...] BUCKET[:/FOLDER]\n"
	     "                 uploads that have not ended; AGE: 12h, 3d\n"
	     "  pourfs recover [-o ...] BUCKET[:/FOLDER] [KEY...]\n"
	     "                 bring back files whose writing was interrupted\n"
	     "\n"
	     "  -f             stay in the foreground, log to stderr\n"
	     "  -r             read only, as -o ro\n"
	     "  -h, --help     this text\n"
	     "  -V, --version  the version\n"
	     "\n"
	     "Options (-o NAME=VALUE,NAME,...):");
	option_help();
	puts("\n"
	     "Each can also stand in the environment, as POURFS_NAME=VALUE, or in config=FILE.\n"
	     "Keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws, roles and\n"
	     "all else that the AWS tools know. To unmount: fusermount3 -u MOUNTPOINT\n"
	     "More: man pourfs, man 7 pourfs");
}

unsigned opts_log_flags(const struct opts *o)
{
	return o->log_format && !strcmp(o->log_format, "logfmt") ? LOG_PAIRS : 0;
}
