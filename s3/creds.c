/* SPDX-License-Identifier: MIT */
#include "creds.h"

#include "buf.h"
#include "ini.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1U << 20)

/* One of the two files, and what is known of it. */
struct file {
	char path[512];
	struct ini ini;
	bool open_to_others; /* group or others may read or write it */
};

struct sources {
	struct file credentials, config;
	const char *profile;
	char section[256]; /* the profile's name in the config file */
	bool asked;        /* the profile was named, by option or environment */
	struct s3_fault *fault;
};

static int complain(struct s3_fault *fault, int err, const char *code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static int complain(struct s3_fault *fault, int err, const char *code, const char *format, ...)
{
	va_list ap;

	*fault = (struct s3_fault){0};
	snprintf(fault->code, sizeof(fault->code), "%s", code);
	va_start(ap, format);
	vsnprintf(fault->message, sizeof(fault->message), format, ap);
	va_end(ap);
	return err;
}

/* An empty variable counts as unset, as in the AWS tools. */
static const char *env(const char *name)
{
	const char *s = getenv(name);

	return s && *s ? s : NULL;
}

static void find_file(char path[512], const char *variable, const char *name)
{
	const char *set = env(variable), *home = env("HOME");
	struct passwd *me = home ? NULL : getpwuid(getuid());

	if (!home)
		home = me ? me->pw_dir : "";
	if (set && strncmp(set, "~/", 2) == 0)
		snprintf(path, 512, "%s/%s", home, set + 2);
	else if (set)
		snprintf(path, 512, "%s", set);
	else
		snprintf(path, 512, "%s/.aws/%s", home, name);
}

static int read_all(int fd, struct buf *to)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0 && to->len <= FILE_BYTES_MAX)
		buf_add(to, chunk, (size_t)n);
	explicit_bzero(chunk, sizeof(chunk));
	if (n < 0)
		return -errno;
	return to->len > FILE_BYTES_MAX ? -EFBIG : buf_error(to);
}

/* A file that is not there is an empty one. */
static int load_file(struct file *f, struct s3_fault *fault)
{
	struct buf text = BUF_INIT;
	struct stat st;
	unsigned line = 0;
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	err = fd < 0 || fstat(fd, &st) != 0 ? -errno : 0;
	/* /dev/null is how people say that they want no file. */
	if (!err && !S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		err = -EINVAL;
	if (!err && S_ISREG(st.st_mode)) {
		f->open_to_others = st.st_mode & (S_IRWXG | S_IRWXO);
		err = read_all(fd, &text);
	}
	if (fd >= 0)
		close(fd);
	if (err)
		complain(fault, 0, "Credentials", "cannot read %s: %s", f->path, strerror(-err));
	else if ((err = ini_parse(&f->ini, text.s, text.len, &line)) == -EINVAL)
		complain(fault, 0, "Credentials", "%s, line %u: neither [profile] nor key = value",
		         f->path, line);
	explicit_bzero(text.s, text.len);
	buf_fini(&text);
	return err == 0 || err == -ENOMEM ? err : err == -EINVAL ? err : -EACCES;
}

static int keep(char **to, const char *s)
{
	if (!s || !*s || *to)
		return 0;
	*to = strdup(s);
	return *to ? 0 : -ENOMEM;
}

static int keep_keys(struct creds *c, const char *access, const char *secret, const char *token)
{
	int err = keep(&c->access, access);

	if (!err)
		err = keep(&c->secret, secret);
	return err ? err : keep(&c->token, token);
}

/* 1: found, 0: there are none. */
static int keys_from_env(struct creds *c, struct s3_fault *fault)
{
	const char *access = env("AWS_ACCESS_KEY_ID"), *secret = env("AWS_SECRET_ACCESS_KEY");
	int err;

	if (!access && !secret)
		return 0;
	if (!access || !secret)
		return complain(fault, -EACCES, "Credentials", "%s is set, but %s is not",
		                access ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
		                access ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	err = keep_keys(c, access, secret, env("AWS_SESSION_TOKEN"));
	return err ? err : 1;
}

/* 1: found, 0: there are none. */
static int keys_from_file(struct creds *c, const struct file *f, const char *section,
                          struct s3_fault *fault)
{
	const char *access = ini_get(&f->ini, section, "aws_access_key_id");
	const char *secret = ini_get(&f->ini, section, "aws_secret_access_key");
	int err;

	if (!access && !secret)
		return 0;
	if (f->open_to_others)
		return complain(fault, -EACCES, "Credentials",
		                "others can read the secret in %s: chmod 600 %s", f->path, f->path);
	if (!access || !secret || !*access || !*secret)
		return complain(fault, -EACCES, "Credentials",
		                "profile [%s] in %s has only one of aws_access_key_id and "
		                "aws_secret_access_key",
		                section, f->path);
	err = keep_keys(c, access, secret, ini_get(&f->ini, section, "aws_session_token"));
	return err ? err : 1;
}

static int load_keys(struct creds *c, struct sources *src, bool env_first)
{
	int found = env_first ? keys_from_env(c, src->fault) : 0;

	if (found == 0)
		found = keys_from_file(c, &src->credentials, src->profile, src->fault);
	if (found == 0)
		found = keys_from_file(c, &src->config, src->section, src->fault);
	if (found != 0)
		return found < 0 ? found : 0;
	return complain(src->fault, -EACCES, "Credentials",
	                "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put "
	                "aws_access_key_id and aws_secret_access_key under [%s] in %s",
	                src->profile, src->credentials.path);
}

static enum s3_addressing addressing_of(const char *style)
{
	if (style && strcasecmp(style, "path") == 0)
		return S3_ADDRESS_PATH;
	if (style && strcasecmp(style, "virtual") == 0)
		return S3_ADDRESS_VHOST;
	return S3_ADDRESS_AUTO;
}

static int load_place(struct creds *c, const struct sources *src)
{
	const struct ini *ini = &src->config.ini;
	const char *regions[] = {env("AWS_REGION"), env("AWS_DEFAULT_REGION"),
	                         ini_get(ini, src->section, "region"),
	                         ini_get(&src->credentials.ini, src->profile, "region")};
	const char *endpoints[] = {env("AWS_ENDPOINT_URL_S3"), env("AWS_ENDPOINT_URL"),
	                           ini_get(ini, src->section, "s3.endpoint_url"),
	                           ini_get(ini, src->section, "endpoint_url"),
	                           ini_get(&src->credentials.ini, src->profile, "endpoint_url")};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(regions) / sizeof(*regions); i++)
		err = keep(&c->region, regions[i]);
	for (size_t i = 0; !err && i < sizeof(endpoints) / sizeof(*endpoints); i++)
		err = keep(&c->endpoint, endpoints[i]);
	c->addressing = addressing_of(ini_get(ini, src->section, "s3.addressing_style"));
	return err;
}

static void find_profile(struct sources *src, const char *profile)
{
	src->profile = profile ? profile : env("AWS_PROFILE");
	if (!src->profile)
		src->profile = env("AWS_DEFAULT_PROFILE");
	src->asked = src->profile != NULL;
	if (!src->profile)
		src->profile = "default";
	snprintf(src->section, sizeof(src->section), "profile %s", src->profile);
	/* [default] needs no "profile" before it, but may have one. */
	if (strcmp(src->profile, "default") == 0 && !ini_has(&src->config.ini, src->section))
		snprintf(src->section, sizeof(src->section), "default");
}

int creds_load(struct creds *out, const char *profile, bool anonymous, struct s3_fault *fault)
{
	struct sources src = {.fault = fault};
	struct creds c = {0};
	int err;

	find_file(src.credentials.path, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
	find_file(src.config.path, "AWS_CONFIG_FILE", "config");
	err = load_file(&src.credentials, fault);
	if (!err)
		err = load_file(&src.config, fault);
	find_profile(&src, profile);
	if (!err && src.asked && !ini_has(&src.credentials.ini, src.profile) &&
	    !ini_has(&src.config.ini, src.section))
		err = complain(fault, -EINVAL, "Profile", "there is no profile [%s] in %s or %s",
		               src.profile, src.credentials.path, src.config.path);
	if (!err)
		err = load_place(&c, &src);
	if (!err && !anonymous)
		err = load_keys(&c, &src, profile == NULL);
	ini_fini(&src.credentials.ini);
	ini_fini(&src.config.ini);
	if (!err && c.secret && prctl(PR_SET_DUMPABLE, 0))
		err = complain(fault, -EACCES, "Credentials",
		               "the secret cannot be kept out of core dumps: %s", strerror(errno));
	if (err)
		creds_fini(&c);
	else
		*out = c;
	return err;
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void creds_fini(struct creds *c)
{
	wipe(c->access);
	wipe(c->secret);
	wipe(c->token);
	free(c->region);
	free(c->endpoint);
	*c = (struct creds){0};
}
