/* SPDX-License-Identifier: MIT */
#include "creds.h"
#include "passwd.h"

#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/creds_test.XXXXXX";
static char credentials[128], config[128], passwd[128];

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	check(f != NULL);
	if (!f)
		return;
	fputs(text, f);
	fclose(f);
	check_int(chmod(path, mode), 0);
}

static void remove_folder(void)
{
	unlink(credentials);
	unlink(config);
	rmdir(folder);
}

/* Nothing set but two files, which are empty. */
static void start(void)
{
	static const char *const names[] = {
		"AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN",
		"AWS_PROFILE",
		"AWS_DEFAULT_PROFILE",
		"AWS_REGION",
		"AWS_DEFAULT_REGION",
		"AWS_ENDPOINT_URL",
		"AWS_ENDPOINT_URL_S3",
		"AWS_ENDPOINT_URL_STS",
		"AWS_ENDPOINT_URL_SSO",
		"AWS_ROLE_ARN",
		"AWS_ROLE_SESSION_NAME",
		"AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
	if (!credentials[0]) {
		check(mkdtemp(folder) != NULL);
		atexit(remove_folder);
		snprintf(credentials, sizeof(credentials), "%s/credentials", folder);
		snprintf(config, sizeof(config), "%s/config", folder);
		snprintf(passwd, sizeof(passwd), "%s/s3fs", folder);
	}
	write_file(credentials, "", 0600);
	write_file(config, "", 0644);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", credentials, 1);
	setenv("AWS_CONFIG_FILE", config, 1);
}

static int load_as(struct creds *c, const char *profile, struct s3_fault *fault)
{
	const struct s3_conf conf = {.profile = profile};

	return creds_load(c, &conf, fault);
}

static void check_keys(const char *profile, const char *access, const char *secret,
                       const char *token)
{
	struct s3_fault fault = {0};
	struct creds c;
	int err = load_as(&c, profile, &fault);

	check_int(err, 0);
	if (err) {
		puts(fault.message);
		return;
	}
	check(c.keys && c.source);
	if (c.keys) {
		check_str(c.keys->access, access);
		check_str(c.keys->secret, secret);
		check(!token == !c.keys->token);
		if (token && c.keys->token)
			check_str(c.keys->token, token);
	}
	creds_fini(&c);
	check(c.keys == NULL);
}

static void check_refused(const char *profile, int want, const char *words)
{
	struct s3_fault fault = {0};
	struct creds c;

	check_int(load_as(&c, profile, &fault), want);
	if (!strstr(fault.message, words))
		check_fail("\"%s\" lacks \"%s\"", fault.message, words);
	check(strstr(fault.message, "S3CRET") == NULL);
}

TEST(the_environment_comes_before_the_default_profile)
{
	start();
	write_file(credentials, "[default]\naws_access_key_id=FA\naws_secret_access_key=S3CRET\n",
	           0600);
	check_keys(NULL, "FA", "S3CRET", NULL);
	setenv("AWS_ACCESS_KEY_ID", "EA", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "ES", 1);
	setenv("AWS_SESSION_TOKEN", "ET", 1);
	check_keys(NULL, "EA", "ES", "ET");
}

TEST(a_profile_that_is_asked_for_comes_before_the_environment)
{
	start();
	setenv("AWS_ACCESS_KEY_ID", "EA", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "ES", 1);
	write_file(credentials,
	           "[two]\naws_access_key_id=A2\naws_secret_access_key=S2\n"
	           "aws_session_token=T2\n",
	           0600);
	check_keys("two", "A2", "S2", "T2");
	setenv("AWS_PROFILE", "two", 1);
	check_keys(NULL, "EA", "ES", NULL);
	check_refused("three", -EINVAL, "no profile [three]");
}

TEST(the_config_file_may_hold_keys_and_says_where)
{
	struct s3_fault fault;
	struct creds c;

	start();
	write_file(config,
	           "[profile two]\naws_access_key_id=A2\naws_secret_access_key=S2\n"
	           "region=eu-west-1\nendpoint_url=http://h:1\n"
	           "s3 =\n  addressing_style = virtual\n",
	           0600);
	setenv("AWS_PROFILE", "two", 1);
	check_keys(NULL, "A2", "S2", NULL);
	check_int(load_as(&c, NULL, &fault), 0);
	check_str(c.region, "eu-west-1");
	check_str(c.endpoint, "http://h:1");
	check_int(c.addressing, S3_ADDRESS_VHOST);
	creds_fini(&c);
	setenv("AWS_DEFAULT_REGION", "r1", 1);
	setenv("AWS_ENDPOINT_URL", "http://all", 1);
	check_int(load_as(&c, NULL, &fault), 0);
	check_str(c.region, "r1");
	check_str(c.endpoint, "http://all");
	creds_fini(&c);
	setenv("AWS_REGION", "r2", 1);
	setenv("AWS_ENDPOINT_URL_S3", "http://s3", 1);
	check_int(load_as(&c, NULL, &fault), 0);
	check_str(c.region, "r2");
	check_str(c.endpoint, "http://s3");
	creds_fini(&c);
}

TEST(a_secret_that_others_can_read_is_refused)
{
	char words[256];

	start();
	write_file(credentials, "[default]\naws_access_key_id=A\naws_secret_access_key=S3CRET\n",
	           0640);
	snprintf(words, sizeof(words), "chmod 600 %s", credentials);
	check_refused(NULL, -EACCES, words);
	chmod(credentials, 0604);
	check_refused(NULL, -EACCES, words);
	chmod(credentials, 0600);
	check_keys(NULL, "A", "S3CRET", NULL);
}

TEST(without_credentials_the_message_says_what_to_do)
{
	start();
	check_refused(NULL, -EACCES, "AWS_ACCESS_KEY_ID");
	check_refused(NULL, -EACCES, credentials);
	unlink(credentials);
	unlink(config);
	check_refused(NULL, -EACCES, credentials);
	start();
	setenv("AWS_ACCESS_KEY_ID", "A", 1);
	check_refused(NULL, -EACCES, "AWS_SECRET_ACCESS_KEY is not");
	start();
	write_file(credentials, "[default]\naws_secret_access_key=S3CRET\n", 0600);
	check_refused(NULL, -EACCES, "only one of");
	write_file(credentials, "[default]\naws_secret_access_key S3CRET\n", 0600);
	check_refused(NULL, -EINVAL, "line 2");
}

/* ------------------------------------------------------------ who grants others */

static struct creds load(const char *profile)
{
	struct s3_fault fault = {0};
	struct creds c = {0};

	check_int(load_as(&c, profile, &fault), 0);
	if (fault.message[0])
		puts(fault.message);
	return c;
}

TEST(a_role_is_taken_with_the_keys_of_another_profile)
{
	struct creds c;

	start();
	write_file(config,
	           "[profile a]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = b\nregion = "
	           "eu-west-1\n"
	           "external_id = x\nrole_session_name = me\nduration_seconds = 900\n"
	           "[profile b]\nrole_arn = arn:aws:iam::2:role/q\nsource_profile = c\n",
	           0600);
	write_file(credentials, "[c]\naws_access_key_id = AKID\naws_secret_access_key = S3CRET\n",
	           0600);
	c = load("a");
	check(c.provider && c.provider->kind == PROVIDER_ROLE && !c.keys);
	if (c.provider && c.provider->base) {
		const struct provider *p = c.provider, *base = p->base;

		check_str(p->role, "arn:aws:iam::1:role/r");
		check_str(p->url, "https://sts.eu-west-1.amazonaws.com");
		check_str(p->region, "eu-west-1");
		check_str(p->external_id, "x");
		check_str(p->session, "me");
		check_str(p->duration_s, "900");
		check_str(c.source, "role_arn of profile [a]");
		check(base->kind == PROVIDER_ROLE && base->base_keys && !base->base);
		if (base->base_keys)
			check_str(base->base_keys->access, "AKID");
	} else {
		check_fail("nobody takes the role");
	}
	creds_fini(&c);
}

TEST(a_role_that_cannot_be_taken_is_refused)
{
	start();
	write_file(config,
	           "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = q\n"
	           "source_profile = a\n",
	           0600);
	check_refused("a", -EINVAL, "circle");
	write_file(config, "[profile a]\nrole_arn = r\nsource_profile = b\n", 0600);
	check_refused("a", -EINVAL, "no profile of the name");
	write_file(config, "[profile a]\nrole_arn = r\n", 0600);
	check_refused("a", -EINVAL, "source_profile or credential_source");
	write_file(config, "[profile a]\nrole_arn = r\nsource_profile = a\n", 0600);
	check_refused("a", -EINVAL, "no keys with which");
	write_file(config, "[profile a]\nrole_arn = r\ncredential_source = Moon\n", 0600);
	check_refused("a", -EINVAL, "EcsContainer");
	write_file(config, "[profile a]\nrole_arn = r\nsource_profile = a\nmfa_serial = m\n", 0600);
	check_refused("a", -EINVAL, "types a code");
}

TEST(a_role_is_taken_by_the_profile_itself_or_the_environment)
{
	struct creds c;

	start();
	write_file(config,
	           "[profile a]\nrole_arn = r\nsource_profile = a\naws_access_key_id = AKID\n"
	           "aws_secret_access_key = S3CRET\n[profile e]\nrole_arn = r\n"
	           "credential_source = Environment\n",
	           0600);
	c = load("a");
	check(c.provider && c.provider->base_keys);
	creds_fini(&c);
	setenv("AWS_ACCESS_KEY_ID", "ENVKEY", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "S3CRET", 1);
	c = load("e");
	check(c.provider && c.provider->base_keys);
	if (c.provider && c.provider->base_keys)
		check_str(c.provider->base_keys->access, "ENVKEY");
	creds_fini(&c);
}

TEST(a_web_identity_is_found_in_profile_and_environment)
{
	struct s3_fault fault;
	struct creds c;

	start();
	write_file(config, "[profile a]\nrole_arn = r\nweb_identity_token_file = /a/token\n", 0600);
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/env/token", 1);
	setenv("AWS_ROLE_ARN", "envrole", 1);
	setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1", 1);
	c = load("a");
	check(c.provider && c.provider->kind == PROVIDER_WEB_IDENTITY);

	check_str(c.provider->token_file, "/a/token");
	creds_fini(&c);
	c = load(NULL);
	check(c.provider && c.provider->kind == PROVIDER_WEB_IDENTITY);

	check_str(c.provider->token_file, "/env/token");
	check_str(c.provider->role, "envrole");
	check_str(c.provider->url, "http://127.0.0.1:1");
	creds_fini(&c);
	/* A profile that is named comes before the environment's. */
	write_file(config,
	           "[profile a]\naws_access_key_id = AKID\naws_secret_access_key = S3CRET\n", 0600);
	check_keys("a", "AKID", "S3CRET", NULL);
	/* The STS of the service, and of the region, that were named. */
	unsetenv("AWS_ENDPOINT_URL_STS");
	setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:2", 1);
	c = load(NULL);
	check_str(c.provider->url, "http://127.0.0.1:2");
	creds_fini(&c);
	unsetenv("AWS_ENDPOINT_URL");
	check_int(creds_load(&c, &(struct s3_conf){.region = "cn-north-1"}, &fault), 0);
	check_str(c.provider->url, "https://sts.cn-north-1.amazonaws.com.cn");
	creds_fini(&c);
}

TEST(a_login_is_found_by_its_session_or_url)
{
	struct creds c;

	start();
	setenv("HOME", "/home/me", 1);
	write_file(config,
	           "[profile new]\nsso_session = work\nsso_account_id = 12\nsso_role_name = r\n"
	           "[sso-session work]\nsso_region = eu-central-1\nsso_start_url = https://x\n"
	           "[profile old]\nsso_start_url = https://x\nsso_region = us-west-2\n"
	           "sso_account_id = 12\nsso_role_name = r\n[profile half]\nsso_session = work\n",
	           0600);
	c = load("new");
	check(c.provider && c.provider->kind == PROVIDER_SSO);
	check_str(c.provider->url, "https://portal.sso.eu-central-1.amazonaws.com");
	check_str(c.provider->login, "https://oidc.eu-central-1.amazonaws.com");
	check_str(c.provider->token_file, /* printf work | sha1sum */
	          "/home/me/.aws/sso/cache/e274eeff768c6396088ec6eb091f4bf4d47ab1e0.json");
	creds_fini(&c);
	c = load("old");
	check_str(c.provider->token_file, /* printf https://x | sha1sum */
	          "/home/me/.aws/sso/cache/98383e6608d65e46b24bbd92582bc8d916605a21.json");
	creds_fini(&c);
	check_refused("half", -EINVAL, "sso_account_id");
}

TEST(a_process_comes_between_the_two_files)
{
	struct creds c;

	start();
	write_file(config,
	           "[profile a]\ncredential_process = /bin/keys --me\naws_access_key_id = AKID\n"
	           "aws_secret_access_key = S3CRET\n",
	           0600);
	c = load("a");
	check(c.provider && c.provider->kind == PROVIDER_PROCESS);
	check_str(c.provider->command, "/bin/keys --me");
	creds_fini(&c);
	write_file(credentials, "[a]\naws_access_key_id = FIRST\naws_secret_access_key = S3CRET\n",
	           0600);
	check_keys("a", "FIRST", "S3CRET", NULL);
}

TEST(where_we_run_is_asked_last)
{
	struct creds c;

	start();
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x", 1);
	c = load(NULL);
	check(c.provider && c.provider->kind == PROVIDER_CONTAINER && !c.provider->otherwise);
	check_str(c.provider->url, "http://169.254.170.2/v2/x");
	creds_fini(&c);
	write_file(credentials,
	           "[default]\naws_access_key_id = AKID\naws_secret_access_key = S3CRET\n", 0600);
	check_keys(NULL, "AKID", "S3CRET", NULL);
	start();
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[::1]:80/get", 1);
	c = load(NULL);
	check_str(c.provider->url, "http://[::1]:80/get");
	creds_fini(&c);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1.evil.example/get", 1);
	check_refused(NULL, -EACCES, "neither https");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost:x@evil.example/get", 1);
	check_refused(NULL, -EACCES, "neither https");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[::1]@evil.example/get", 1);
	check_refused(NULL, -EACCES, "neither https");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[::1].evil.example/get", 1);
	check_refused(NULL, -EACCES, "neither https");
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/get", 1);
	check_refused(NULL, -EACCES, "no path");
	start();
	check_refused(NULL, -EACCES, "no credentials");
	unsetenv("AWS_EC2_METADATA_DISABLED");
	c = load(NULL);
	check(c.provider && c.provider->kind == PROVIDER_INSTANCE);
	check_str(c.provider->url, "http://169.254.169.254");
	check(c.provider->otherwise && strstr(c.provider->otherwise, "no credentials"));
	creds_fini(&c);
}

TEST(anonymous_needs_no_keys_and_takes_none)
{
	struct s3_fault fault;
	struct creds c;

	start();
	setenv("AWS_ACCESS_KEY_ID", "A", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "S", 1);
	check_int(creds_load(&c, &(struct s3_conf){.anonymous = true}, &fault), 0);
	check(!c.keys && !c.provider);
	creds_fini(&c);
}

static int load_passwd(struct creds *c, const char *bucket, struct s3_fault *fault)
{
	const struct s3_conf conf = {.passwd_file = passwd, .bucket = bucket};

	return creds_load(c, &conf, fault);
}

TEST(a_password_file_of_s3fs_has_keys_for_all_or_for_one_bucket)
{
	struct s3_fault fault;
	struct creds c;

	start();
	setenv("AWS_ACCESS_KEY_ID", "EA", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "S3CRET", 1);
	write_file(passwd, "# mine\n\nvideo:VA:VS\n ALL:EVERY \r\nphotos:PA:P/S+=\n", 0600);
	check_int(load_passwd(&c, "video", &fault), 0);
	check_str(c.keys->access, "VA");
	check_str(c.keys->secret, "VS");
	check_str(c.source, passwd);
	creds_fini(&c);
	check_int(load_passwd(&c, "photos", &fault), 0);
	check_str(c.keys->secret, "P/S+=");
	creds_fini(&c);
	check_int(load_passwd(&c, "other", &fault), 0);
	check_str(c.keys->access, "ALL");
	check_str(c.keys->secret, "EVERY");
	creds_fini(&c);
	unlink(passwd);
}

static void check_passwd_refused(const char *text, int mode, int want, const char *words)
{
	struct s3_fault fault;
	struct creds c;

	write_file(passwd, text, mode);
	check_int(load_passwd(&c, "bucket", &fault), want);
	if (!strstr(fault.message, words))
		check_fail("\"%s\" lacks \"%s\"", fault.message, words);
	check(!strstr(fault.message, "S3CRET"));
	unlink(passwd);
}

TEST(a_password_file_that_cannot_serve_says_why)
{
	struct s3_fault fault;
	struct creds c;

	start();
	check_passwd_refused("A:S3CRET\n", 0640, -EACCES, "chmod 600");
	check_passwd_refused("other:A:S3CRET\n", 0600, -EACCES, "no line for this bucket");
	check_passwd_refused("\nA=S3CRET\n", 0600, -EINVAL, "line 2");
	check_passwd_refused("bucket:A:S3CRET:more\n", 0600, -EINVAL, "line 1");
	check_passwd_refused(":S3CRET\n", 0600, -EINVAL, "line 1");
	setenv("AWS_PROFILE", "none", 1); /* which is not asked */
	write_file(passwd, "A:S\n", 0600);
	check_int(load_passwd(&c, "bucket", &fault), 0);
	creds_fini(&c);
	unsetenv("AWS_PROFILE");
	unlink(passwd);
	check_int(load_passwd(&c, "bucket", &fault), -EACCES);
	check(strstr(fault.message, "No such file") != NULL);
}

TEST(a_password_file_with_a_nul_is_refused)
{
	char text[600] = "A:S3CRET\n";
	struct keys *keys;
	unsigned line;

	check_int(passwd_find(&keys, text, sizeof(text), "bucket", &line), -EINVAL);
}

TEST(the_variants_of_endpoints_come_from_the_environment_or_the_profile)
{
	struct s3_fault fault;
	struct creds c;

	start();
	write_file(config,
	           "[default]\nuse_fips_endpoint = true\naws_access_key_id = A\n"
	           "aws_secret_access_key = S3CRET\ns3 =\n  use_accelerate_endpoint = true\n",
	           0600);
	check_int(load_as(&c, NULL, &fault), 0);
	check_int(c.variants, S3_FIPS | S3_ACCELERATE);
	creds_fini(&c);
	setenv("AWS_USE_DUALSTACK_ENDPOINT", "TRUE", 1);
	setenv("AWS_USE_FIPS_ENDPOINT", "false", 1);
	check_int(load_as(&c, NULL, &fault), 0);
	check_int(c.variants, S3_DUALSTACK | S3_ACCELERATE);
	creds_fini(&c);
	unsetenv("AWS_USE_DUALSTACK_ENDPOINT");
	unsetenv("AWS_USE_FIPS_ENDPOINT");
}

TEST_MAIN
