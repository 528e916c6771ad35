/* SPDX-License-Identifier: MIT */
#include "opts.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "buf.h"
#include "ini.h"
#include "log.h"
#include "near.h"

enum kind {
	STRING,
	SIZE,
	RATES,
	NUMBER,
	OCTAL,
	FLAG,
	NO_FLAG,
	VARIANT,
	ADDRESSING,
	LEVEL,
	STAGING,
	CHOICE, /* a STRING, one of several */
};

struct option {
	const char *name;
	enum kind kind;
	size_t at; /* in struct opts */
	uint64_t min, max;
	const char *value; /* how the help calls it */
	const char *help;
};

#define CONFIG_MAX (1U << 20)   /* bytes of a file of options */
#define NO_MODE    ((mode_t)-1) /* was given */
#define AT(member) offsetof(struct opts, member)
#define SMALL      4          /* requests that carry no bytes for each transfer ... */
#define SMALL_MAX  64         /* ... up to so many */
#define RATE_LEAST (64 * KIB) /* below it transfers seem to stand still */
#define KIB        (UINT64_C(1) << 10)
#define MIB        (UINT64_C(1) << 20)
#define GIB        (UINT64_C(1) << 30)

/* In the order of the help. */
static const struct option table[] = {
	{"endpoint", STRING, AT(s3.endpoint), 0, 0, "URL", "the service, if it is not AWS"},
	{"region", STRING, AT(s3.region), 0, 0, "NAME", "its region (us-east-1)"},
	{"profile", STRING, AT(s3.profile), 0, 0, "NAME",
         "of ~/.aws/credentials and ~/.aws/config"},
	{"path_style", ADDRESSING, S3_ADDRESS_PATH, 0, 0, NULL, "https://endpoint/bucket/key"},
	{"virtual_host", ADDRESSING, S3_ADDRESS_VHOST, 0, 0, NULL, "https://bucket.endpoint/key"},
	{"dual_stack", VARIANT, S3_DUALSTACK, 0, 0, NULL, "AWS's endpoints that IPv6 reaches, too"},
	{"fips", VARIANT, S3_FIPS, 0, 0, NULL, "AWS's endpoints with FIPS 140 cryptography"},
	{"accelerate", VARIANT, S3_ACCELERATE, 0, 0, NULL, "AWS's Transfer Acceleration"},
	{"anonymous", FLAG, AT(s3.anonymous), 0, 0, NULL, "sign nothing: a public bucket"},
	{"passwd_file", STRING, AT(s3.passwd_file), 0, 0, "FILE",
         "keys as s3fs has them: [BUCKET:]ACCESS:SECRET"},
	{"requester_pays", FLAG, AT(s3.requester_pays), 0, 0, NULL,
         "pay for the requests to somebody else's bucket"},
	{"bucket_owner", STRING, AT(s3.bucket_owner), 0, 0, "ACCOUNT",
         "refuse a bucket that another account owns"},
	{"ca_file", STRING, AT(s3.ca_file), 0, 0, "FILE", "certificates to trust, PEM"},
	{"client_cert", STRING, AT(s3.client_cert), 0, 0, "FILE",
         "certificate to show to the service, PEM"},
	{"client_key", STRING, AT(s3.client_key), 0, 0, "FILE",
         "its key, PEM, if it is not in the same file"},
	{"proxy", STRING, AT(s3.proxy), 0, 0, "URL",
         "of an HTTP or SOCKS proxy; none: whatever the environment says"},
	{"user_agent", STRING, AT(s3.user_agent), 0, 0, "TEXT", "what requests call us"},
	{"acl", CHOICE, AT(s3.acl), 0, 0, "NAME",
         "of what is made: private, public-read, ...; keep: as it was"},
	{"sse", CHOICE, AT(s3.sse), 0, 0, "NAME",
         "encryption at rest of what is made: AES256, aws:kms, aws:kms:dsse"},
	{"sse_kms_key_id", STRING, AT(s3.sse_kms_key_id), 0, 0, "ID", "the key for sse=aws:kms"},
	{"sse_c_key_file", STRING, AT(s3.sse_c_key_file), 0, 0, "FILE",
         "a key of your own for all that is made and read"},
	{"storage_class", STRING, AT(mount.storage_class), 0, 0, "NAME", "of new files"},
	{"tags", STRING, AT(mount.tags), 0, 0, "NAME=VALUE&...", "of new files"},
	{"cache_control", STRING, AT(mount.cache_control), 0, 0, "TEXT",
         "Cache-Control of new files"},
	{"mime_types", STRING, AT(mime_types), 0, 0, "FILE",
         "content types that come before ours, as /etc/mime.types comes behind"},
	{"part_size", SIZE, AT(mount.part_size), 5 * MIB, 5 * GIB, "SIZE", "of a part (8M)"},
	{"max_parts", NUMBER, AT(mount.max_parts), 10, S3_PARTS_MAX, "N",
         "parts that the service takes of one file (10000)"},
	{"equal_parts", FLAG, AT(mount.equal_parts), 0, 0, NULL,
         "the service wants parts of one size, as R2 does"},
	{"staging", STAGING, AT(mount.staging), 0, 0, "WHEN",
         "keep what has left readable: auto, always, never (auto)"},
	{"sync_interval", NUMBER, AT(mount.sync_interval_ms), 0, 86400, "SECONDS",
         "send what is not full yet so often (0: never)"},
	{"parallel", NUMBER, AT(mount.parallel), 1, 64, "N", "transfers at once (8)"},
	{"memory", SIZE, AT(mount.memory), 16 * MIB, 1024 * GIB, "SIZE",
         "for all file contents together (64M)"},
	{"bwlimit", RATES, AT(s3.send_rate), 0, 0, "UP[:DOWN]",
         "bytes a second at most, or off; one number for both"},
	{"retry_time", NUMBER, AT(s3.retry_time_s), 1, 86400, "SECONDS",
         "how long a transfer is kept trying (300)"},
	{"connect_timeout", NUMBER, AT(s3.connect_timeout_s), 1, 3600, "SECONDS",
         "how long a connection may take to be made (10)"},
	{"stall_timeout", NUMBER, AT(s3.stall_timeout_s), 1, 3600, "SECONDS",
         "how long a transfer may stand still (30)"},
	{"ttl", NUMBER, AT(mount.ttl_ms), 0, 86400, "SECONDS",
         "how long names and attributes are believed (60)"},
	{"max_entries", NUMBER, AT(mount.max_entries), 100, 100000000, "N",
         "names remembered, and 16 times as many of listings (20000)"},
	{"no_list", FLAG, AT(mount.no_list), 0, 0, NULL, "the bucket may not be listed"},
	{"uid", NUMBER, AT(mount.uid), 0, UINT32_MAX - 1, "N", "owner of what has none"},
	{"gid", NUMBER, AT(mount.gid), 0, UINT32_MAX - 1, "N", "group of what has none"},
	{"umask", OCTAL, AT(mount.umask), 0, 0777, "OCTAL", "for what has no mode (022)"},
	{"file_mode", OCTAL, AT(mount.file_mode), 0, 07777, "OCTAL",
         "of files that have none (0666 without umask)"},
	{"dir_mode", OCTAL, AT(mount.dir_mode), 0, 07777, "OCTAL",
         "of directories that have none (0777 without umask)"},
	{"recover", FLAG, AT(mount.recover), 0, 0, NULL,
         "first bring back files whose writing was interrupted"},
	{"journal", STRING, AT(mount.journal_dir), 0, 0, "FOLDER",
         "where uploads under way are noted (~/.local/state/pourfs)"},
	{"ro", FLAG, AT(mount.read_only), 0, 0, NULL, "read only"},
	{"rw", NO_FLAG, AT(mount.read_only), 0, 0, NULL, NULL},
	{"allow_other", FLAG, AT(allow_other), 0, 0, NULL,
         "let other users in, as the modes permit"},
	{"default_permissions", FLAG, AT(default_permissions), 0, 0, NULL,
         "let the modes bind the owner of the mount too"},
	{"nonempty", FLAG, AT(nonempty), 0, 0, NULL, "mount over a directory that is not empty"},
	{"noexec", FLAG, AT(noexec), 0, 0, NULL, "run no programs from it"},
	{"noatime", FLAG, AT(noatime), 0, 0, NULL, NULL},
	{"config", STRING, AT(config), 0, 0, "FILE", "options, a line each: NAME = VALUE"},
	{"log_level", LEVEL, AT(log_level), 0, 0, "LEVEL", "error, warn, info or debug (warn)"},
};

#define OPTIONS (sizeof table / sizeof table[0])

/* What mount(8) and fstab(5) say of every file system, and is nothing to us: suid and
 * dev as well, since no mount of ours lets them. */
static const char *const borne[] = {
	"_netdev",    "async",    "atime",      "auto",          "defaults", "dev",
	"diratime",   "exec",     "group",      "iversion",      "lazytime", "loud",
	"mand",       "noauto",   "nodev",      "nodiratime",    "nofail",   "noiversion",
	"nolazytime", "nomand",   "norelatime", "nostrictatime", "nosuid",   "nouser",
	"owner",      "relatime", "silent",     "strictatime",   "suid",     "sync",
	"user",       "users",
};

/* What a CHOICE takes. */
static const struct {
	size_t at;
	const char *words;
} choices[] = {
	{AT(s3.acl),
         "keep, private, public-read, public-read-write, authenticated-read, aws-exec-read, "
         "bucket-owner-read, bucket-owner-full-control"},
	{AT(s3.sse), "AES256, aws:kms, aws:kms:dsse"},
};

static int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int fail(const char *format, ...)
{
	va_list ap;

	fputs("pourfs: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -EINVAL;
}

/* Points *to to a copy. */
static int keep(struct opts *o, const char **to, const char *s, size_t len)
{
	if (o->nstrings == sizeof o->strings / sizeof o->strings[0])
		return fail("too many options");
	*to = o->strings[o->nstrings] = strndup(s, len);
	if (!*to)
		return fail("no memory");
	o->nstrings++;
	return 0;
}

/* ------------------------------------------------------------------ values */

/* "8M", "8MiB", "8m", "8388608". */
static bool parse_size(const char *s, uint64_t *n)
{
	static const char units[] = "KMGT";
	char *end;
	const char *unit;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*n = strtoull(s, &end, 10);
	if (errno)
		return false;
	unit = *end ? strchr(units, *end >= 'a' ? *end - 32 : *end) : NULL;
	if (unit) {
		unsigned shift = 10 * (unsigned)(unit - units + 1);

		if (*n > UINT64_MAX >> shift)
			return false;
		*n <<= shift;
		end++;
		if (!strcmp(end, "iB") || !strcmp(end, "B"))
			end += strlen(end);
	}
	return !*end;
}

static bool parse_number(const char *s, int base, uint64_t *n)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*n = strtoull(s, &end, base);
	return !errno && !*end;
}

static void size_text(uint64_t n, char *to, size_t room)
{
	if (n >= GIB && n % GIB == 0)
		snprintf(to, room, "%lluG", (unsigned long long)(n / GIB));
	else
		snprintf(to, room, "%lluM", (unsigned long long)(n / MIB));
}

static int set_number(struct opts *o, const struct option *opt, const char *value)
{
	char min[32], max[32];
	uint64_t n;
	bool good = opt->kind == SIZE ? parse_size(value, &n)
	                              : parse_number(value, opt->kind == OCTAL ? 8 : 10, &n);

	if (!good || n < opt->min || n > opt->max) {
		if (opt->kind == SIZE) {
			size_text(opt->min, min, sizeof min);
			size_text(opt->max, max, sizeof max);
		} else {
			const char *format = opt->kind == OCTAL ? "%03llo" : "%llu";

			snprintf(min, sizeof min, format, (unsigned long long)opt->min);
			snprintf(max, sizeof max, format, (unsigned long long)opt->max);
		}
		return fail("%s=%s: it takes %s from %s to %s", opt->name, value,
		            opt->kind == SIZE    ? "a size"
		            : opt->kind == OCTAL ? "an octal number"
		                                 : "a number",
		            min, max);
	}
	if (opt->at == AT(mount.ttl_ms) || opt->at == AT(mount.sync_interval_ms))
		n *= 1000;
	if (opt->kind == SIZE)
		*(uint64_t *)((char *)o + opt->at) = n;
	else
		*(unsigned *)((char *)o + opt->at) = (unsigned)n;
	return 0;
}

static int set_staging(struct opts *o, const char *value)
{
	static const char *const names[] = {
		[MOUNT_STAGING_AUTO] = "auto",
		[MOUNT_STAGING_ALWAYS] = "always",
		[MOUNT_STAGING_NEVER] = "never",
	};

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!strcmp(value, names[i])) {
			o->mount.staging = (enum mount_staging)i;
			return 0;
		}
	}
	return fail("staging=%s: it takes auto, always or never", value);
}

static bool parse_rate(const char *s, uint64_t *rate)
{
	*rate = 0;
	return !strcmp(s, "off") || (parse_size(s, rate) && *rate >= RATE_LEAST);
}

/* "UP:DOWN", each a size or "off"; one stands for both. */
static int set_rates(struct opts *o, const char *value)
{
	char up[64];
	size_t n = strcspn(value, ":");
	const char *down = value[n] ? value + n + 1 : up;

	snprintf(up, sizeof up, "%.*s", (int)n, value);
	if (n >= sizeof up || !parse_rate(up, &o->s3.send_rate) ||
	    !parse_rate(down, &o->s3.receive_rate))
		return fail("bwlimit=%s: it takes UP or UP:DOWN, each off or bytes a second from "
		            "64K on, such as 10M:off",
		            value);
	return 0;
}

static int check_choice(const struct option *opt, const char *value)
{
	size_t n = strlen(value), i = 0;

	while (choices[i].at != opt->at)
		i++;
	for (const char *at = choices[i].words; at; at = strstr(at, ", ")) {
		at += at == choices[i].words ? 0 : 2;
		if (!strncmp(at, value, n) && (!at[n] || at[n] == ','))
			return 0;
	}
	return fail("%s=%s: it takes one of %s", opt->name, value, choices[i].words);
}

static int set_value(struct opts *o, const struct option *opt, const char *value)
{
	bool wants_value = opt->value != NULL;

	if (wants_value && (!value || !*value))
		return fail("%s needs a value: -o %s=%s", opt->name, opt->name, opt->value);
	if (!wants_value && value)
		return fail("%s takes no value: -o %s", opt->name, opt->name);
	switch (opt->kind) {
	case CHOICE:
		if (check_choice(opt, value))
			return -EINVAL;
		/* fall through */
	case STRING:
		return keep(o, (const char **)((char *)o + opt->at), value, strlen(value));
	case FLAG:
	case NO_FLAG:
		*(bool *)((char *)o + opt->at) = opt->kind == FLAG;
		return 0;
	case VARIANT:
		o->s3.variants |= (unsigned)opt->at;
		return 0;
	case RATES:
		return set_rates(o, value);
	case ADDRESSING:
		o->s3.addressing = (enum s3_addressing)opt->at;
		return 0;
	case LEVEL:
		o->log_level = log_level_parse(value);
		return o->log_level < 0
		               ? fail("log_level=%s: it takes error, warn, info or debug", value)
		               : 0;
	case STAGING:
		return set_staging(o, value);
	default:
		return set_number(o, opt, value);
	}
}

/* ----------------------------------------------------------------- options */

/* The option that was perhaps meant; NULL: none. */
static const char *nearest(const char *name)
{
	const char *near = NULL;
	unsigned best = 3;

	for (size_t i = 0; i < OPTIONS; i++) {
		unsigned d = near_distance(name + strspn(name, "-"), table[i].name);

		if (d < best) {
			best = d;
			near = table[i].name;
		}
	}
	return near;
}

static bool is_near(const char *name)
{
	return near_advice(name) || nearest(name);
}

static int unknown(const char *name)
{
	const char *near = nearest(name), *advice = near_advice(name);

	if (advice)
		return fail("unknown option '%s': %s", name, advice);
	if (near)
		return fail("unknown option '%s': did you mean '%s%s'?", name,
		            *name == '-' ? "-o " : "", near);
	return fail("unknown option '%s': pourfs --help lists them", name);
}

static const struct option *find(const char *name)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

static bool is_borne(const char *name)
{
	for (size_t i = 0; i < sizeof borne / sizeof borne[0]; i++)
		if (!strcmp(name, borne[i]))
			return true;
	return !strncasecmp(name, "x-", 2) || !strncmp(name, "comment", 7);
}

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
		opt = find(one);
		if (opt)
			err = set_value(o, opt, value);
		else if (*one && !is_borne(one))
			err = unknown(one);
		free(one);
	}
	return err;
}

/* What has no value is taken back. */
static void unset(struct opts *o, const struct option *opt)
{
	if (opt->kind == FLAG || opt->kind == NO_FLAG)
		*(bool *)((char *)o + opt->at) = opt->kind == NO_FLAG;
	else if (opt->kind == VARIANT)
		o->s3.variants &= ~(unsigned)opt->at;
	else if (opt->kind == ADDRESSING && o->s3.addressing == (enum s3_addressing)opt->at)
		o->s3.addressing = S3_ADDRESS_AUTO;
}

/* Where an option without a value has one, too: "ro = yes". */
static int set_named(struct opts *o, const struct option *opt, const char *value)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};

	if (opt->value)
		return set_value(o, opt, value);
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		if (!strcmp(value, yes[i]))
			return set_value(o, opt, NULL);
		if (!strcmp(value, no[i])) {
			unset(o, opt);
			return 0;
		}
	}
	return fail("%s=%s: it takes yes or no", opt->name, value);
}

/* ------------------------------------------- what the command line does not say */

#define VARIABLE "POURFS_"

/* POURFS_NAME=VALUE for each name. */
static int parse_environment(struct opts *o)
{
	char name[64];

	for (char **at = environ; *at; at++) {
		const char *s = *at + strlen(VARIABLE), *value = strchr(*at, '=');
		const struct option *opt;
		size_t n = 0;
		int err;

		if (strncmp(*at, VARIABLE, strlen(VARIABLE)) != 0 || !value)
			continue;
		for (; s < value && n < sizeof name - 1; s++)
			name[n++] = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;
		name[n] = '\0';
		opt = find(name);
		/* Who names things after us has others: POURFS_SERVICE_HOST in Kubernetes. */
		if (!value[1] || (!opt && !is_near(name)))
			continue;
		err = opt ? set_named(o, opt, value + 1) : unknown(name);
		if (err)
			return fail("so says " VARIABLE "%.*s of the environment",
			            (int)(value - *at - (ptrdiff_t)strlen(VARIABLE)),
			            *at + strlen(VARIABLE));
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
		err = fail("config=%s: %s", path, strerror(-err));
	else if ((err = ini_parse(&ini, text.s, text.len, &line)) == -EINVAL)
		err = fail("%s, line %u: it takes NAME = VALUE, or [BUCKET] above those for one "
		           "bucket alone",
		           path, line);
	for (size_t i = 0; !err && i < ini.n; i++) {
		const struct ini_entry *e = &ini.v[i];
		const struct option *opt = *e->key ? find(e->key) : NULL;

		if (!*e->key || (*e->section && strcmp(e->section, bucket) != 0))
			continue;
		if (!strcmp(e->key, "config"))
			err = fail("config names a file, and does not stand in one");
		else
			err = opt ? set_named(o, opt, e->value) : unknown(e->key);
		if (err)
			err = fail("so says %s", path);
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
		return fail("'%s' is no bucket: write BUCKET, BUCKET:/FOLDER or s3://BUCKET/FOLDER",
		            source);
	err = keep(o, &o->mount.bucket, s, len);
	o->s3.bucket = o->mount.bucket;
	len = strlen(prefix);
	while (len && prefix[len - 1] == '/')
		len--;
	if (len > S3_KEY_MAX / 2)
		return fail("the folder in '%s' is too long", source);
	if (!err && len) {
		char with_slash[S3_KEY_MAX / 2 + 2];

		snprintf(with_slash, sizeof with_slash, "%.*s/", (int)len, prefix);
		err = keep(o, &o->mount.prefix, with_slash, len + 1);
	}
	return err;
}

static int check(struct opts *o)
{
	if (o->mount.file_mode == NO_MODE)
		o->mount.file_mode = 0666 & ~o->mount.umask;
	if (o->mount.dir_mode == NO_MODE)
		o->mount.dir_mode = 0777 & ~o->mount.umask;
	if (o->s3.endpoint && strstr(o->s3.endpoint, ".r2.cloudflarestorage.com"))
		o->mount.equal_parts = true;
	if (o->mount.part_size % BUDGET_BLOCK)
		return fail("part_size=%llu: it must be a multiple of 64K",
		            (unsigned long long)o->mount.part_size);
	if (o->mount.memory < 2 * o->mount.part_size) {
		char part[32], memory[32];

		size_text(o->mount.part_size, part, sizeof part);
		size_text(2 * o->mount.part_size, memory, sizeof memory);
		return fail("part_size=%s needs memory=%s or more", part, memory);
	}
	if (o->s3.sse_kms_key_id && (!o->s3.sse || !strncmp(o->s3.sse, "AES", 3)))
		return fail("sse_kms_key_id goes with sse=aws:kms or sse=aws:kms:dsse");
	if (o->s3.sse_c_key_file && o->s3.sse)
		return fail("sse and sse_c_key_file are two ways: choose one of them");
	if (o->s3.client_key && !o->s3.client_cert)
		return fail("client_key goes with client_cert=FILE");
	if (o->s3.passwd_file && (o->s3.anonymous || o->s3.profile))
		return fail("passwd_file, profile and anonymous are different ways: choose one");
	if (o->s3.proxy && !strcmp(o->s3.proxy, "none"))
		o->s3.proxy = "";
	if (o->s3.endpoint && strncmp(o->s3.endpoint, "http://", 7) != 0 &&
	    strncmp(o->s3.endpoint, "https://", 8) != 0)
		return fail("endpoint=%s: it takes a URL, such as https://%s", o->s3.endpoint,
		            o->s3.endpoint);
	return 0;
}

static int parse_flag(struct opts *o, int argc, char **argv, int *i)
{
	const char *arg = argv[*i];

	if (!strncmp(arg, "-o", 2)) {
		if (arg[2])
			return parse_options(o, arg + 2);
		if (++*i == argc)
			return fail("-o needs options: -o OPTION,...");
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
		return unknown(arg);
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
	                             .file_mode = NO_MODE,
	                             .dir_mode = NO_MODE},
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
			err = fail("what is '%s'? Usage: %s", l->argv[i], l->usage);
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
		return fail("usage: %s (pourfs --help tells more)", usage);
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
		return fail("usage: %s (pourfs --help tells more)", usage);
	return keep(o, &o->mount.mountpoint, operands[1], strlen(operands[1]));
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
	for (size_t i = 0; i < OPTIONS; i++) {
		char name[64];

		if (!table[i].help)
			continue;
		snprintf(name, sizeof name, "%s%s%s", table[i].name, table[i].value ? "=" : "",
		         table[i].value ? table[i].value : "");
		printf("  %-22s %s\n", name, table[i].help);
	}
	puts("\n"
	     "Each can also stand in the environment, as POURFS_NAME=VALUE, or in config=FILE.\n"
	     "Keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws, roles and\n"
	     "all else that the AWS tools know. To unmount: fusermount3 -u MOUNTPOINT\n"
	     "More: man pourfs, man 7 pourfs");
}
