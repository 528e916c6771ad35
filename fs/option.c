/* SPDX-License-Identifier: MIT */
#include "option.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "near.h"

#define AT(member) offsetof(struct opts, member)
#define RATE_LEAST (64 * KIB) /* below it transfers seem to stand still */

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
	{"log_format", CHOICE, AT(log_format), 0, 0, "FORMAT",
         "text, or logfmt: name=value pairs throughout (text)"},
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
	{AT(log_format), "text, logfmt"},
};

int option_fail(const char *format, ...)
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
int option_keep(struct opts *o, const char **to, const char *s, size_t len)
{
	if (o->nstrings == sizeof o->strings / sizeof o->strings[0])
		return option_fail("too many options");
	*to = o->strings[o->nstrings] = strndup(s, len);
	if (!*to)
		return option_fail("no memory");
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

void option_size_text(uint64_t n, char *to, size_t room)
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
			option_size_text(opt->min, min, sizeof min);
			option_size_text(opt->max, max, sizeof max);
		} else {
			const char *format = opt->kind == OCTAL ? "%03llo" : "%llu";

			snprintf(min, sizeof min, format, (unsigned long long)opt->min);
			snprintf(max, sizeof max, format, (unsigned long long)opt->max);
		}
		return option_fail("%s=%s: it takes %s from %s to %s", opt->name, value,
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
	return option_fail("staging=%s: it takes auto, always or never", value);
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
		return option_fail(
			"bwlimit=%s: it takes UP or UP:DOWN, each off or bytes a second from "
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
	return option_fail("%s=%s: it takes one of %s", opt->name, value, choices[i].words);
}

int option_set(struct opts *o, const struct option *opt, const char *value)
{
	bool wants_value = opt->value != NULL;

	if (wants_value && (!value || !*value))
		return option_fail("%s needs a value: -o %s=%s", opt->name, opt->name, opt->value);
	if (!wants_value && value)
		return option_fail("%s takes no value: -o %s", opt->name, opt->name);
	switch (opt->kind) {
	case CHOICE:
		if (check_choice(opt, value))
			return -EINVAL;
		/* fall through */
	case STRING:
		return option_keep(o, (const char **)((char *)o + opt->at), value, strlen(value));
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
		               ? option_fail("log_level=%s: it takes error, warn, info or debug",
		                             value)
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

bool option_is_near(const char *name)
{
	return near_advice(name) || nearest(name);
}

int option_unknown(const char *name)
{
	const char *near = nearest(name), *advice = near_advice(name);

	if (advice)
		return option_fail("unknown option '%s': %s", name, advice);
	if (near)
		return option_fail("unknown option '%s': did you mean '%s%s'?", name,
		                   *name == '-' ? "-o " : "", near);
	return option_fail("unknown option '%s': pourfs --help lists them", name);
}

const struct option *option_find(const char *name)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

bool option_is_borne(const char *name)
{
	for (size_t i = 0; i < sizeof borne / sizeof borne[0]; i++)
		if (!strcmp(name, borne[i]))
			return true;
	return !strncasecmp(name, "x-", 2) || !strncmp(name, "comment", 7);
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
int option_set_named(struct opts *o, const struct option *opt, const char *value)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};

	if (opt->value)
		return option_set(o, opt, value);
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		if (!strcmp(value, yes[i]))
			return option_set(o, opt, NULL);
		if (!strcmp(value, no[i])) {
			unset(o, opt);
			return 0;
		}
	}
	return option_fail("%s=%s: it takes yes or no", opt->name, value);
}

void option_help(void)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		char name[64];

		if (!table[i].help)
			continue;
		snprintf(name, sizeof name, "%s%s%s", table[i].name, table[i].value ? "=" : "",
		         table[i].value ? table[i].value : "");
		printf("  %-22s %s\n", name, table[i].help);
	}
}
