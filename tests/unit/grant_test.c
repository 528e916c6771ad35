/* SPDX-License-Identifier: MIT */
#include "grant.h"

#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNTIL   "2026-11-22T12:00:00Z"
#define UNTIL_S 1795348800

static int read_json(const char *s, struct keys **out, struct s3_fault *fault)
{
	*out = NULL;
	*fault = (struct s3_fault){0};
	return grant_read_json(s, strlen(s), out, fault);
}

static int read_sts(const char *s, struct keys **out, struct s3_fault *fault)
{
	*out = NULL;
	*fault = (struct s3_fault){0};
	return grant_read_sts(s, strlen(s), out, fault);
}

static void check_keys(int err, struct keys *k, const char *token, time_t expires)
{
	check_int(err, 0);
	if (err)
		return;
	check_str(k->access, "AKID");
	check_str(k->secret, "S3CRET/+");
	check(!token == !k->token);
	if (token && k->token)
		check_str(k->token, token);
	check_int(k->expires, expires);
	keys_put(k);
}

TEST(each_spelling_of_json_is_read)
{
	struct s3_fault fault;
	struct keys *k;
	int err;

	err = read_json("{\"Version\":1,\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"S3CRET/+\","
	                "\"SessionToken\":\"T\",\"Expiration\":\"" UNTIL "\"}",
	                &k, &fault);
	check_keys(err, k, "T", UNTIL_S);
	err = read_json("{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"AKID\","
	                "\"SecretAccessKey\":\"S3CRET/+\",\"Token\":\"T\",\"Expiration\":\"" UNTIL
	                "\",\"Message\":\"all is well\"}",
	                &k, &fault);
	check_keys(err, k, "T", UNTIL_S);
	err = read_json("{\"roleCredentials\":{\"accessKeyId\":\"AKID\",\"secretAccessKey\":"
	                "\"S3CRET/+\",\"sessionToken\":\"T\",\"expiration\":1795348800123}}",
	                &k, &fault);
	check_keys(err, k, "T", UNTIL_S);
	err = read_json("{\"Version\":1,\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"S3CRET/+\"}",
	                &k, &fault);
	check_keys(err, k, NULL, 0);
}

TEST(what_says_why_there_are_none_is_passed_on)
{
	struct s3_fault fault;
	struct keys *k;

	check_int(read_json("{\"message\":\"Session token not found\\u001b[2J\",\"__type\":"
	                    "\"UnauthorizedException\"}",
	                    &k, &fault),
	          -EACCES);
	check_str(fault.code, "UnauthorizedException");
	check_str(fault.message, "Session token not found?[2J");
	check_int(read_sts("<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
	                   "<Message>not authorized</Message></Error></ErrorResponse>",
	                   &k, &fault),
	          -EACCES);
	check_str(fault.code, "AccessDenied");
	check_str(fault.message, "not authorized");
}

TEST(both_actions_of_sts_are_read)
{
	static const char *const actions[] = {"AssumeRole", "AssumeRoleWithWebIdentity"};

	for (size_t i = 0; i < 2; i++) {
		char text[1024];
		struct s3_fault fault;
		struct keys *k;
		int err;

		snprintf(
			text, sizeof(text),
			"<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult>"
			"<AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></"
			"AssumedRoleUser>"
			"<Credentials><AccessKeyId>AKID</AccessKeyId><SecretAccessKey>S3CRET/+"
			"</SecretAccessKey><SessionToken>T</SessionToken><Expiration>" UNTIL
			"</Expiration></Credentials></%sResult></%sResponse>",
			actions[i], actions[i], actions[i], actions[i]);
		err = read_sts(text, &k, &fault);
		check_keys(err, k, "T", UNTIL_S);
	}
}

TEST(what_is_no_grant_is_refused)
{
	static const char *const wrong[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"AccessKeyId\":\"AKID\"}",
		"{\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":7}",
		"{\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"\"}",
		"{\"AccessKeyId\":\"A\\r\\nHost: x\",\"SecretAccessKey\":\"S\"}",
		"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Token\":\"a b\"}",
		"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Expiration\":\"soon\"}",
		"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Expiration\":{}}",
		"<html>no</html>",
	};
	struct s3_fault fault;
	struct keys *k;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		check_int(read_json(wrong[i], &k, &fault), -EIO);
		check_int(read_sts(wrong[i], &k, &fault), -EIO);
		check(!k);
	}
}

TEST(the_cached_login_is_read)
{
	static const char good[] =
		"{\"startUrl\":\"https://x\",\"accessToken\":\"T\",\"expiresAt\":\"" UNTIL "\"}";
	char *token = NULL;
	time_t expires = 0;

	check_int(grant_read_sso_token(good, strlen(good), &token, &expires), 0);
	check_str(token, "T");
	check_int(expires, UNTIL_S);
	free(token);
	check_int(grant_read_sso_token("{}", 2, &token, &expires), -EIO);
}

static const char login[] =
	"{\"startUrl\":\"https://"
	"x\",\"accessToken\":\"old\",\"expiresAt\":\"2026-01-01T00:00:00Z\","
	"\"clientId\":\"me\",\"clientSecret\":\"s\\\"ecret\",\"refreshToken\":\"again\","
	"\"registrationExpiresAt\":\"2026-03-01T00:00:00Z\"}";

TEST(a_login_is_renewed_as_the_aws_tools_do)
{
	time_t now = 1767225600; /* 2026-01-01 */
	struct buf made = BUF_INIT;
	char *token = NULL;
	time_t expires;

	check_int(grant_sso_renewal(login, strlen(login), now, &made), 0);
	check_str(made.s, "{\"clientId\":\"me\",\"clientSecret\":\"s\\\"ecret\",\"grantType\":"
	                  "\"refresh_token\",\"refreshToken\":\"again\"}");
	buf_clear(&made);
	check_int(grant_sso_renewal(login, strlen(login), now + 60 * 86400, &made), -ENOENT);
	check_int(grant_sso_renewal("{\"accessToken\":\"a\"}", 19, now, &made), -ENOENT);
	check_int(made.len, 0);

	static const char answer[] =
		"{\"accessToken\":\"new\",\"expiresIn\":3600,\"refreshToken\":\"next\"}";
	check_int(grant_sso_renewed(login, strlen(login), answer, strlen(answer), now, &made), 0);
	check_int(grant_read_sso_token(made.s, made.len, &token, &expires), 0);
	check_str(token, "new");
	check_int(expires, now + 3600);
	check(strstr(made.s, "\"refreshToken\": \"next\"") != NULL);
	check(strstr(made.s, "\"clientId\": \"me\"") != NULL);
	check(strstr(made.s, "\"startUrl\": \"https://x\"") != NULL);
	check(strstr(made.s, "\"expiresAt\": \"2026-01-01T01:00:00Z\"") != NULL);
	free(token);
	buf_clear(&made);
	static const char *const wrong[] = {"",
	                                    "{}",
	                                    "[]",
	                                    "{\"accessToken\":\"a b\",\"expiresIn\":60}",
	                                    "{\"accessToken\":\"a\"}",
	                                    "{\"accessToken\":\"a\",\"expiresIn\":-1}",
	                                    "{\"error\":\"invalid_grant\"}"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		check_int(grant_sso_renewed(login, strlen(login), wrong[i], strlen(wrong[i]), now,
		                            &made),
		          -EIO);
	check_int(made.len, 0);
	buf_fini(&made);
}

TEST_MAIN
