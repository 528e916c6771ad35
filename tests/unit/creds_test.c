/* SPDX-License-Identifier: MIT */
#include "creds.h"

#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/creds_test.XXXXXX";
static char credentials[128], config[128];

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

/* Nothing set but two files, which are empty. */
static void start(void)
{
	static const char *const names[] = {
		"AWS_ACCESS_KEY_ID",  "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_PROFILE",        "AWS_DEFAULT_PROFILE",   "AWS_REGION",
		"AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",      "AWS_ENDPOINT_URL_S3",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
	if (!credentials[0]) {
		check(mkdtemp(folder) != NULL);
		snprintf(credentials, sizeof(credentials), "%s/credentials", folder);
		snprintf(config, sizeof(config), "%s/config", folder);
	}
	write_file(credentials, "", 0600);
	write_file(config, "", 0644);
	setenv("AWS_SHARED_CREDENTIALS_FILE", credentials, 1);
	setenv("AWS_CONFIG_FILE", config, 1);
}

static void check_keys(const char *profile, const char *access, const char *secret,
                       const char *token)
{
	struct s3_fault fault = {0};
	struct creds c;
	int err = creds_load(&c, profile, false, &fault);

	check_int(err, 0);
	if (err) {
		puts(fault.message);
		return;
	}
	check_str(c.access, access);
	check_str(c.secret, secret);
	check(!token == !c.token);
	if (token && c.token)
		check_str(c.token, token);
	creds_fini(&c);
	check(c.secret == NULL);
}

static void check_refused(const char *profile, int want, const char *words)
{
	struct s3_fault fault = {0};
	struct creds c;

	check_int(creds_load(&c, profile, false, &fault), want);
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
	check_int(creds_load(&c, NULL, false, &fault), 0);
	check_str(c.region, "eu-west-1");
	check_str(c.endpoint, "http://h:1");
	check_int(c.addressing, S3_ADDRESS_VHOST);
	creds_fini(&c);
	setenv("AWS_DEFAULT_REGION", "r1", 1);
	setenv("AWS_ENDPOINT_URL", "http://all", 1);
	check_int(creds_load(&c, NULL, false, &fault), 0);
	check_str(c.region, "r1");
	check_str(c.endpoint, "http://all");
	creds_fini(&c);
	setenv("AWS_REGION", "r2", 1);
	setenv("AWS_ENDPOINT_URL_S3", "http://s3", 1);
	check_int(creds_load(&c, NULL, false, &fault), 0);
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

TEST(anonymous_needs_no_keys_and_takes_none)
{
	struct s3_fault fault;
	struct creds c;

	start();
	setenv("AWS_ACCESS_KEY_ID", "A", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "S", 1);
	check_int(creds_load(&c, NULL, true, &fault), 0);
	check(c.access == NULL && c.secret == NULL);
	creds_fini(&c);
	unlink(credentials);
	unlink(config);
	rmdir(folder);
}

TEST_MAIN
