/* SPDX-License-Identifier: MIT */
#include "grant.h"

#include "date.h"
#include "walk.h"
#include "xml.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 16384 /* no key or token is longer */

static void say(struct s3_fault *fault, const char *code, const char *message)
{
	*fault = (struct s3_fault){0};
	xml_set_text(fault->code, sizeof(fault->code), code);
	xml_set_text(fault->message, sizeof(fault->message), message);
}

/* They become header fields. */
static bool is_plain(const char *s)
{
	size_t n = 0;

	while (s[n] > ' ' && s[n] < 0x7f)
		n++;
	return n && n <= TEXT_MAX && !s[n];
}

static int make(const char *access, const char *secret, const char *token, time_t expires,
                struct keys **out)
{
	if (!access || !secret || !is_plain(access) || !is_plain(secret) ||
	    (token && *token && !is_plain(token)) || expires < 0)
		return -EIO;
	*out = keys_new(access, secret, token, expires);
	return *out ? 0 : -ENOMEM;
}

/* -------------------------------------------------------------------- JSON */

static json_t *load(const char *s, size_t n)
{
	json_t *json = json_loadb(s, n, JSON_REJECT_DUPLICATES, NULL);

	if (json && !json_is_object(json)) {
		json_decref(json);
		json = NULL;
	}
	return json;
}

/* The text under the first of the names that is there, up to a NULL. */
static const char *text_of(const json_t *json, const char *const *names)
{
	const char *text = NULL;

	for (; !text && *names; names++)
		text = json_string_value(json_object_get(json, *names));
	return text;
}

/* A date, or milliseconds; 0: none; -1: something else. */
static time_t expiry_of(const json_t *json)
{
	static const char *const names[] = {"Expiration", "expiration"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const json_t *value = json_object_get(json, names[i]);

		if (json_is_integer(value))
			return (time_t)(json_integer_value(value) / 1000);
		if (json_is_string(value))
			return date_parse_iso(json_string_value(value));
		if (value && !json_is_null(value))
			return -1;
	}
	return 0;
}

int grant_read_json(const char *s, size_t n, struct keys **out, struct s3_fault *fault)
{
	static const char *const access[] = {"AccessKeyId", "accessKeyId", NULL};
	static const char *const secret[] = {"SecretAccessKey", "secretAccessKey", NULL};
	static const char *const token[] = {"SessionToken", "sessionToken", "Token", NULL};
	static const char *const code[] = {"Code", "code", "__type", "error", NULL};
	static const char *const message[] = {"Message", "message", "error_description", NULL};
	json_t *json = load(s, n);
	const json_t *in = json_object_get(json, "roleCredentials");
	const char *why;
	int err;

	if (!json)
		return -EIO;
	if (!in)
		in = json;
	err = make(text_of(in, access), text_of(in, secret), text_of(in, token), expiry_of(in),
	           out);
	why = text_of(json, message);
	if (err == -EIO && why) {
		say(fault, text_of(json, code) ? text_of(json, code) : "Credentials", why);
		err = -EACCES;
	}
	json_decref(json);
	return err;
}

int grant_read_sso_token(const char *s, size_t n, char **token, time_t *expires)
{
	json_t *json = load(s, n);
	const char *text = json_string_value(json_object_get(json, "accessToken"));
	const char *until = json_string_value(json_object_get(json, "expiresAt"));
	int err = -EIO;

	*expires = until ? date_parse_iso(until) : -1;
	if (text && is_plain(text) && *expires >= 0) {
		*token = strdup(text);
		err = *token ? 0 : -ENOMEM;
	}
	json_decref(json);
	return err;
}

/* Into a request or a file, to be wiped. */
static int dump(const json_t *json, size_t flags, struct buf *to)
{
	char *text = json ? json_dumps(json, flags) : NULL;

	if (!text)
		return -ENOMEM;
	buf_adds(to, text);
	explicit_bzero(text, strlen(text));
	free(text);
	return buf_error(to);
}

int grant_sso_renewal(const char *s, size_t n, time_t now, struct buf *request)
{
	json_t *json = load(s, n), *asks = NULL;
	const char *token = json_string_value(json_object_get(json, "refreshToken"));
	const char *id = json_string_value(json_object_get(json, "clientId"));
	const char *secret = json_string_value(json_object_get(json, "clientSecret"));
	const char *until = json_string_value(json_object_get(json, "registrationExpiresAt"));
	time_t registered = until ? date_parse_iso(until) : -1;
	int err = -ENOENT;

	if (token && id && secret && (!until || registered > now)) {
		asks = json_pack("{s:s, s:s, s:s, s:s}", "clientId", id, "clientSecret", secret,
		                 "grantType", "refresh_token", "refreshToken", token);
		err = dump(asks, JSON_COMPACT, request);
	}
	json_decref(asks);
	json_decref(json);
	return err;
}

int grant_sso_renewed(const char *s, size_t n, const char *answer, size_t answer_n, time_t now,
                      struct buf *file)
{
	json_t *json = load(s, n), *new = load(answer, answer_n);
	const char *token = json_string_value(json_object_get(new, "accessToken"));
	json_t *next = json_object_get(new, "refreshToken");
	json_int_t life = json_integer_value(json_object_get(new, "expiresIn"));
	char until[DATE_ISO_SIZE];
	int err = -EIO;

	if (json_is_object(json) && token && is_plain(token) && life > 0 && life < 100 * 86400) {
		date_format_iso(until, now + (time_t)life);
		err = json_object_set_new(json, "accessToken", json_string(token)) ||
		                      json_object_set_new(json, "expiresAt", json_string(until)) ||
		                      (json_is_string(next) &&
		                       json_object_set(json, "refreshToken", next))
		              ? -ENOMEM
		              : dump(json, JSON_INDENT(2), file);
	}
	json_decref(new);
	json_decref(json);
	return err;
}

/* --------------------------------------------------------------------- XML */

struct sts {
	char *access, *secret, *token;
	time_t expires;
	struct xml_error error;
};

static void sts_end(struct walk *w, const char *path, const char *text)
{
	struct sts *sts = w->out;
	const char *field = strrchr(path, '/'), *of;

	/* AssumeRoleResult/Credentials/..., and that of the other action; Error/... */
	field = field ? field + 1 : path;
	of = strstr(path, "Credentials/");
	if (of && !strcmp(field, "AccessKeyId"))
		walk_string(w, &sts->access, text);
	else if (of && !strcmp(field, "SecretAccessKey"))
		walk_string(w, &sts->secret, text);
	else if (of && !strcmp(field, "SessionToken"))
		walk_string(w, &sts->token, text);
	else if (of && !strcmp(field, "Expiration"))
		sts->expires = date_parse_iso(text);
	else if (!strcmp(path, "Error/Code"))
		xml_set_text(sts->error.code, sizeof(sts->error.code), text);
	else if (!strcmp(path, "Error/Message"))
		xml_set_text(sts->error.message, sizeof(sts->error.message), text);
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

int grant_read_sts(const char *s, size_t n, struct keys **out, struct s3_fault *fault)
{
	struct sts sts = {0};
	struct walk w = {.end = sts_end, .out = &sts};
	int err = walk_xml(&w, s, n, NULL);

	if (!err)
		err = make(sts.access, sts.secret, sts.token, sts.expires, out);
	if (err == -EIO && sts.error.code[0]) {
		say(fault, sts.error.code, sts.error.message);
		err = -EACCES;
	}
	wipe(sts.access);
	wipe(sts.secret);
	wipe(sts.token);
	return err;
}
