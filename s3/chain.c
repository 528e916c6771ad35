/* SPDX-License-Identifier: MIT */
#include "chain.h"

#include "buf.h"
#include "checksum.h"
#include "uri.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX     5 /* profiles that name another as their source */
#define INSTANCE      "http://169.254.169.254"
#define INSTANCE_IPV6 "http://[fd00:ec2::254]"
#define CONTAINER     "http://169.254.170.2"

struct chain {
	struct creds *c;
	const struct profiles *files;
	struct s3_fault *fault;
	unsigned depth;
};

/* All below return 1: found, 0: there is nothing of that kind, or -errno. */

static int copy(char **to, const char *s)
{
	free(*to);
	*to = s ? strdup(s) : NULL;
	return s && !*to ? -ENOMEM : 0;
}

static int textf(char **to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int textf(char **to, const char *format, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;
	int err;

	va_start(ap, format);
	buf_vaddf(&text, format, ap);
	va_end(ap);
	err = buf_error(&text);
	free(*to);
	*to = buf_detach(&text);
	return err;
}

static int refuse(const struct chain *in, const struct profile *p, const char *what)
{
	return profile_complain(in->fault, -EINVAL, "Profile", "profile [%s]: %s", p->name, what);
}

/* ------------------------------------------------------- keys that are there */

static int have_keys(struct chain *in, const char *access, const char *secret, const char *token)
{
	in->c->keys = keys_new(access, secret, token, 0);
	return in->c->keys ? 1 : -ENOMEM;
}

static int from_env(struct chain *in)
{
	const char *access = profile_env("AWS_ACCESS_KEY_ID");
	const char *secret = profile_env("AWS_SECRET_ACCESS_KEY");
	int err;

	if (!access && !secret)
		return 0;
	if (!access || !secret)
		return profile_complain(in->fault, -EACCES, "Credentials",
		                        "%s is set, but %s is not",
		                        access ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
		                        access ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	err = copy(&in->c->source, "AWS_ACCESS_KEY_ID of the environment");
	return err ? err : have_keys(in, access, secret, profile_env("AWS_SESSION_TOKEN"));
}

static int from_file(struct chain *in, const struct profile_file *f, const char *section)
{
	const char *access = ini_get(&f->ini, section, "aws_access_key_id");
	const char *secret = ini_get(&f->ini, section, "aws_secret_access_key");
	int err;

	if (!access && !secret)
		return 0;
	if (f->open_to_others)
		return profile_complain(in->fault, -EACCES, "Credentials",
		                        "others can read the secret in %s: chmod 600 %s", f->path,
		                        f->path);
	if (!access || !secret || !*access || !*secret)
		return profile_complain(in->fault, -EACCES, "Credentials",
		                        "profile [%s] in %s has only one of aws_access_key_id and "
		                        "aws_secret_access_key",
		                        section, f->path);
	err = textf(&in->c->source, "[%s] in %s", section, f->path);
	return err ? err
	           : have_keys(in, access, secret, ini_get(&f->ini, section, "aws_session_token"));
}

/* -------------------------------------------------------- who grants others */

static struct provider *grant_by(struct chain *in, enum provider_kind kind, const char *format,
                                 const char *name)
{
	struct provider *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->kind = kind;
	in->c->provider = p;
	return textf(&p->name, format, name) || copy(&in->c->source, p->name) ? NULL : p;
}

static int service_url(char **to, const char *variable, const char *host, const char *region)
{
	const char *url = profile_env(variable);

	/* MinIO and Ceph have a STS of their own, at the same place. */
	if (!url && !strcmp(host, "sts"))
		url = profile_env("AWS_ENDPOINT_URL");
	if (url)
		return copy(to, url);
	return textf(to, "https://%s.%s.amazonaws.com%s", host, region,
	             strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}

/* What both actions of STS need. */
static int set_role(const struct chain *in, struct provider *p, const char *role,
                    const char *session)
{
	const char *region = in->c->region ? in->c->region : "us-east-1";
	int err = copy(&p->role, role);

	if (!err)
		err = copy(&p->session, session);
	if (!err)
		err = copy(&p->region, region);
	return err ? err : service_url(&p->url, "AWS_ENDPOINT_URL_STS", "sts", region);
}

static int by_web_identity(struct chain *in, const char *name, const char *role,
                           const char *session, const char *file)
{
	struct provider *p = grant_by(in, PROVIDER_WEB_IDENTITY, "%s", name);
	char path[512];
	int err = p ? set_role(in, p, role, session) : -ENOMEM;

	profile_home(path, file);
	if (!err)
		err = copy(&p->token_file, path);
	return err ? err : 1;
}

static int from_container(struct chain *in);
static int from_instance(struct chain *in);
static int from_profile(struct chain *in, const struct profile *p);

/* Whose keys take the role. */
static int find_base(struct chain *in, const struct profile *p)
{
	const char *source = profile_get(in->files, p, "source_profile");
	const char *kind = profile_get(in->files, p, "credential_source");
	struct profile base;

	if (!source == !kind)
		return refuse(in, p,
		              "with role_arn it needs source_profile or credential_source, one "
		              "of them");
	if (kind && !strcasecmp(kind, "Environment"))
		return from_env(in);
	if (kind && !strcasecmp(kind, "Ec2InstanceMetadata"))
		return from_instance(in);
	if (kind && !strcasecmp(kind, "EcsContainer"))
		return from_container(in);
	if (kind)
		return refuse(
			in, p,
			"credential_source is Environment, Ec2InstanceMetadata or EcsContainer");
	if (in->depth == DEPTH_MAX)
		return refuse(in, p, "source_profile leads in a circle, or too far");
	if (!profile_find(in->files, source, &base))
		return refuse(in, p, "there is no profile of the name that source_profile has");
	in->depth++;
	if (!strcmp(source, p->name)) { /* its own keys take it */
		int found = from_file(in, &in->files->credentials, p->name);

		return found ? found : from_file(in, &in->files->config, p->section);
	}
	return from_profile(in, &base);
}

static int by_role(struct chain *in, const struct profile *p, const char *role)
{
	struct creds base = {.region = in->c->region};
	struct chain below = {&base, in->files, in->fault, in->depth};
	struct provider *taker = NULL;
	int found, err;

	if (profile_get(in->files, p, "mfa_serial"))
		return refuse(in, p,
		              "mfa_serial needs somebody who types a code: get the keys with aws "
		              "sts assume-role, or name a credential_process");
	found = find_base(&below, p);
	if (!found)
		found = refuse(in, p, "there are no keys with which its role could be taken");
	if (found > 0)
		taker = grant_by(in, PROVIDER_ROLE, "role_arn of profile [%s]", p->name);
	if (!taker) {
		keys_put(base.keys);
		provider_free(base.provider);
		free(base.source);
		return found < 0 ? found : -ENOMEM;
	}
	taker->base = base.provider;
	taker->base_keys = base.keys;
	free(base.source);
	err = set_role(in, taker, role, profile_get(in->files, p, "role_session_name"));
	if (!err)
		err = copy(&taker->external_id, profile_get(in->files, p, "external_id"));
	if (!err)
		err = copy(&taker->duration_s, profile_get(in->files, p, "duration_seconds"));
	return err ? err : 1;
}

/* The Identity Center's cache has a file by the name of the session, or of its URL. */
static int sso_cache(struct provider *p, const char *name)
{
	char file[600], path[512], hex[2 * CHECKSUM_SHA1 + 1];
	unsigned char digest[CHECKSUM_SHA1];
	struct iovec iov = {(char *)name, strlen(name)};
	int err = checksum_sha1(&iov, 1, digest);

	if (err)
		return err;
	snprintf(file, sizeof(file), "~/.aws/sso/cache/%s.json",
	         checksum_hex(hex, digest, sizeof(digest)));
	profile_home(path, file);
	return copy(&p->token_file, path);
}

static int by_sso(struct chain *in, const struct profile *p)
{
	const char *session = profile_get(in->files, p, "sso_session");
	const char *url = profile_get(in->files, p, "sso_start_url");
	const char *region = profile_get(in->files, p, "sso_region");
	const char *account = profile_get(in->files, p, "sso_account_id");
	const char *role = profile_get(in->files, p, "sso_role_name");
	struct provider *portal;
	int err;

	if (!session && !url)
		return 0;
	if (session)
		region = profile_section_get(in->files, "sso-session", session, "sso_region");
	if (!region || !account || !role)
		return refuse(in, p, "sso_region, sso_account_id and sso_role_name are needed");
	portal = grant_by(in, PROVIDER_SSO, "SSO of profile [%s]", p->name);
	if (!portal)
		return -ENOMEM;
	err = sso_cache(portal, session ? session : url);
	if (!err)
		err = copy(&portal->account, account);
	if (!err)
		err = copy(&portal->role, role);
	if (!err)
		err = service_url(&portal->url, "AWS_ENDPOINT_URL_SSO", "portal.sso", region);
	if (!err)
		err = service_url(&portal->login, "AWS_ENDPOINT_URL_SSO_OIDC", "oidc", region);
	return err ? err : 1;
}

static int by_process(struct chain *in, const struct profile *p)
{
	const char *command = profile_get(in->files, p, "credential_process");
	struct provider *process;
	int err;

	if (!command)
		return 0;
	process = grant_by(in, PROVIDER_PROCESS, "credential_process of profile [%s]", p->name);
	err = process ? copy(&process->command, command) : -ENOMEM;
	return err ? err : 1;
}

static int from_profile(struct chain *in, const struct profile *p)
{
	const char *role = profile_get(in->files, p, "role_arn");
	const char *file = profile_get(in->files, p, "web_identity_token_file");
	int found;

	if (role && file)
		return by_web_identity(in, "web_identity_token_file of the profile", role,
		                       profile_get(in->files, p, "role_session_name"), file);
	if (role)
		return by_role(in, p, role);
	found = by_sso(in, p);
	if (!found)
		found = from_file(in, &in->files->credentials, p->name);
	if (!found)
		found = by_process(in, p);
	return found ? found : from_file(in, &in->files->config, p->section);
}

/* ------------------------------------------------------------ where we run */

/* Keys travel in the clear only to this host and its container agent. */
static bool is_near(const char *url)
{
	static const char *const hosts[] = {"localhost",     "127.0.0.1",      "[::1]",
	                                    "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
	size_t scheme = strlen("http://"), n;

	if (strncmp(url, "https://", strlen("https://")) == 0)
		return true;
	if (strncmp(url, "http://", scheme) != 0)
		return false;
	if (strcspn(url + scheme, "@\\") < strcspn(url + scheme, "/?#"))
		return false; /* what looks like a host is a user */
	n = url[scheme] == '[' ? strcspn(url + scheme, "]") + 1 : strcspn(url + scheme, ":/?#");
	if (!strchr(":/?#", url[scheme + n]))
		return false;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		if (strlen(hosts[i]) == n && !strncasecmp(url + scheme, hosts[i], n))
			return true;
	return false;
}

static int from_container(struct chain *in)
{
	const char *relative = profile_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = profile_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	struct provider *p;
	int err;

	if (!relative && !full)
		return 0;
	if (relative && *relative != '/')
		return profile_complain(in->fault, -EACCES, "Credentials",
		                        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path");
	if (!relative && !is_near(full))
		return profile_complain(
			in->fault, -EACCES, "Credentials",
			"AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on "
			"this host or its container agent");
	p = grant_by(in, PROVIDER_CONTAINER, "%s",
	             relative ? "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
	                      : "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	if (!p)
		return -ENOMEM;
	err = textf(&p->url, "%s%s", relative ? CONTAINER : "", relative ? relative : full);
	if (!err)
		err = copy(&p->token, profile_env("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
	if (!err)
		err = copy(&p->token_file, profile_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
	return err ? err : 1;
}

static int from_instance(struct chain *in)
{
	const char *disabled = profile_env("AWS_EC2_METADATA_DISABLED");
	const char *url = profile_env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *mode = profile_env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	struct provider *p;
	size_t n;

	if (disabled && strcasecmp(disabled, "true") == 0)
		return 0;
	if (!url)
		url = mode && !strcasecmp(mode, "ipv6") ? INSTANCE_IPV6 : INSTANCE;
	p = grant_by(in, PROVIDER_INSTANCE, "%s", "EC2's metadata service");
	if (!p || copy(&p->url, url))
		return -ENOMEM;
	for (n = strlen(p->url); n && p->url[n - 1] == '/'; n--)
		p->url[n - 1] = '\0';
	return 1;
}

static int from_environment_identity(struct chain *in)
{
	const char *file = profile_env("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *role = profile_env("AWS_ROLE_ARN");

	if (!file || !role)
		return 0;
	return by_web_identity(in, "AWS_WEB_IDENTITY_TOKEN_FILE", role,
	                       profile_env("AWS_ROLE_SESSION_NAME"), file);
}

int chain_find(struct creds *c, const struct profiles *files, const struct profile *p, bool by_name,
               struct s3_fault *fault)
{
	struct chain in = {c, files, fault, 0};
	int found = by_name ? 0 : from_env(&in);
	bool guess;

	/* A role of the profile comes before that of the environment, its keys after it;
	 * a profile that was asked for by name, before all of it. */
	if (!found && !by_name && !profile_get(files, p, "role_arn"))
		found = from_environment_identity(&in);
	if (!found)
		found = from_profile(&in, p);
	if (!found)
		found = from_container(&in);
	guess = !found;
	if (!found)
		found = from_instance(&in);
	if (found < 0)
		return found;
	(void)profile_complain(
		fault, 0, "Credentials",
		"no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put "
		"aws_access_key_id and aws_secret_access_key under [%s] in %s",
		p->name, files->credentials.path);
	if (!found)
		return -EACCES;
	if (guess && copy(&c->provider->otherwise, fault->message))
		return -ENOMEM;
	*fault = (struct s3_fault){0};
	return 0;
}
