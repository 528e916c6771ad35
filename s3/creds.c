/* SPDX-License-Identifier: MIT */
#include "creds.h"

#include "buf.h"
#include "chain.h"
#include "passwd.h"
#include "profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>

static int keep(char **to, const char *s)
{
	if (!s || !*s || *to)
		return 0;
	*to = strdup(s);
	return *to ? 0 : -ENOMEM;
}

static enum s3_addressing addressing_of(const char *style)
{
	if (style && strcasecmp(style, "path") == 0)
		return S3_ADDRESS_PATH;
	if (style && strcasecmp(style, "virtual") == 0)
		return S3_ADDRESS_VHOST;
	return S3_ADDRESS_AUTO;
}

static bool is_true(const char *s)
{
	return s && strcasecmp(s, "true") == 0;
}

/* What is said of it in the environment, else in the profile. */
static unsigned variants_of(const struct profiles *files, const struct profile *p)
{
	static const struct {
		unsigned variant;
		const char *variable, *key;
	} names[] = {
		{S3_DUALSTACK, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"},
		{S3_DUALSTACK, NULL, "s3.use_dualstack_endpoint"},
		{S3_FIPS, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"},
		{S3_ACCELERATE, NULL, "s3.use_accelerate_endpoint"},
	};
	unsigned variants = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *set = names[i].variable ? profile_env(names[i].variable) : NULL;

		if (is_true(set ? set : profile_get(files, p, names[i].key)))
			variants |= names[i].variant;
	}
	return variants;
}

/* asked: the region, or NULL. */
static int load_place(struct creds *c, const struct profiles *files, const struct profile *p,
                      const char *asked)
{
	const char *regions[] = {asked, profile_env("AWS_REGION"),
	                         profile_env("AWS_DEFAULT_REGION"),
	                         profile_get(files, p, "region")};
	const char *endpoints[] = {
		profile_env("AWS_ENDPOINT_URL_S3"), profile_env("AWS_ENDPOINT_URL"),
		profile_get(files, p, "s3.endpoint_url"), profile_get(files, p, "endpoint_url")};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(regions) / sizeof(*regions); i++)
		err = keep(&c->region, regions[i]);
	for (size_t i = 0; !err && i < sizeof(endpoints) / sizeof(*endpoints); i++)
		err = keep(&c->endpoint, endpoints[i]);
	c->addressing = addressing_of(profile_get(files, p, "s3.addressing_style"));
	c->variants = variants_of(files, p);
	return err;
}

/* The name of the profile; *asked: somebody said so. */
static const char *profile_name(const char *given, bool *asked)
{
	const char *name = given ? given : profile_env("AWS_PROFILE");

	if (!name)
		name = profile_env("AWS_DEFAULT_PROFILE");
	*asked = name;
	return name ? name : "default";
}

static int load_passwd(struct creds *c, const struct s3_conf *conf, struct s3_fault *fault)
{
	struct buf text = BUF_INIT;
	char path[512];
	unsigned line;
	bool open_to_others;
	int err;

	profile_home(path, conf->passwd_file);
	err = profile_read(path, &text, &open_to_others);
	if (err)
		err = profile_complain(fault, -EACCES, "Credentials", "passwd_file=%s: %s", path,
		                       strerror(-err));
	else if (open_to_others)
		err = profile_complain(fault, -EACCES, "Credentials",
		                       "%s is open to others: chmod 600 %s", path, path);
	else
		err = passwd_find(&c->keys, text.s, text.len, conf->bucket, &line);
	if (err == -EINVAL)
		profile_complain(fault, 0, "Credentials",
		                 "%s, line %u: it takes ACCESS:SECRET or BUCKET:ACCESS:SECRET",
		                 path, line);
	else if (err == -ENOENT)
		err = profile_complain(fault, -EACCES, "Credentials",
		                       "%s has no line for this bucket: BUCKET:ACCESS:SECRET or "
		                       "ACCESS:SECRET",
		                       path);
	profile_wipe(&text);
	return err ? err : keep(&c->source, path);
}

int creds_load(struct creds *out, const struct s3_conf *conf, struct s3_fault *fault)
{
	bool anonymous = conf->anonymous;
	struct profiles files;
	struct profile p;
	struct creds c = {0};
	bool asked, found;
	int err = profiles_load(&files, fault);

	if (err)
		return err;
	found = profile_find(&files, profile_name(conf->profile, &asked), &p);
	if (asked && !found && !conf->passwd_file)
		err = profile_complain(fault, -EINVAL, "Profile",
		                       "there is no profile [%s] in %s or %s", p.name,
		                       files.credentials.path, files.config.path);
	if (!err)
		err = load_place(&c, &files, &p, conf->region);
	if (!err && !anonymous && conf->passwd_file)
		err = load_passwd(&c, conf, fault);
	else if (!err && !anonymous)
		err = chain_find(&c, &files, &p, conf->profile != NULL, fault);
	profiles_fini(&files);
	if (!err && (!anonymous || conf->sse_c_key_file) && prctl(PR_SET_DUMPABLE, 0))
		err = profile_complain(fault, -EACCES, "Credentials",
		                       "the secret cannot be kept out of core dumps: %s",
		                       strerror(errno));
	if (err)
		creds_fini(&c);
	else
		*out = c;
	return err;
}

void creds_fini(struct creds *c)
{
	keys_put(c->keys);
	provider_free(c->provider);
	free(c->source);
	free(c->region);
	free(c->endpoint);
	*c = (struct creds){0};
}
