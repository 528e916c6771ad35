/* SPDX-License-Identifier: MIT */
#include "creds.h"

#include "chain.h"
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

static int load_place(struct creds *c, const struct profiles *files, const struct profile *p)
{
	const char *regions[] = {profile_env("AWS_REGION"), profile_env("AWS_DEFAULT_REGION"),
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

int creds_load(struct creds *out, const char *profile, bool anonymous, struct s3_fault *fault)
{
	struct profiles files;
	struct profile p;
	struct creds c = {0};
	bool asked, found;
	int err = profiles_load(&files, fault);

	if (err)
		return err;
	found = profile_find(&files, profile_name(profile, &asked), &p);
	if (asked && !found)
		err = profile_complain(fault, -EINVAL, "Profile",
		                       "there is no profile [%s] in %s or %s", p.name,
		                       files.credentials.path, files.config.path);
	if (!err)
		err = load_place(&c, &files, &p);
	if (!err && !anonymous)
		err = chain_find(&c, &files, &p, profile != NULL, fault);
	profiles_fini(&files);
	if (!err && !anonymous && prctl(PR_SET_DUMPABLE, 0))
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
