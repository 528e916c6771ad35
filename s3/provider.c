/* SPDX-License-Identifier: MIT */
#include "provider.h"

#include "buf.h"
#include "checksum.h"
#include "date.h"
#include "grant.h"
#include "log.h"
#include "process.h"
#include "profile.h"
#include "retry.h"
#include "sign.h"
#include "uri.h"
#include "xml.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRIES        3
#define WAIT_MS      200 /* before the second try; twice as long before the third */
#define CONNECT_MS   2000
#define GUESS_MS     1000 /* what may well not be there */
#define STALL_MS     10000
#define PROCESS_MS   60000
#define FILE_MAX     (64U << 10)
#define IMDS_SECONDS "21600" /* the session in which it is asked */
#define IMDS_ROLES   "/latest/meta-data/iam/security-credentials/"
#define SKEW_OFF_S   300
#define LOGIN_S      300 /* before it ends it is renewed */
#define STS_VERSION  "2011-06-15"

struct asking {
	const struct provider *p;
	struct http *http;
	int64_t skew_s;
	const atomic_bool *cancel;
	struct s3_fault *fault;
	bool corrected; /* skew_s, by what STS said */
};

void provider_free(struct provider *p)
{
	if (!p)
		return;
	free(p->name);
	free(p->url);
	free(p->login);
	free(p->region);
	free(p->command);
	free(p->role);
	free(p->session);
	free(p->external_id);
	free(p->duration_s);
	free(p->account);
	if (p->token)
		explicit_bzero(p->token, strlen(p->token));
	free(p->token);
	free(p->token_file);
	provider_free(p->base);
	keys_put(p->base_keys);
	free(p->otherwise);
	free(p);
}

static int complain(struct asking *a, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int complain(struct asking *a, int err, const char *format, ...)
{
	struct buf message = BUF_INIT;
	va_list ap;

	buf_addf(&message, "%s: ", a->p->name);
	va_start(ap, format);
	buf_vaddf(&message, format, ap);
	va_end(ap);
	*a->fault = (struct s3_fault){0};
	strcpy(a->fault->code, "Credentials");
	if (!buf_error(&message))
		xml_set_text(a->fault->message, sizeof(a->fault->message), message.s);
	buf_fini(&message);
	return err;
}

/* Of what a grant said, whose it is is not known yet. */
static int conclude(struct asking *a, int err)
{
	struct s3_fault said = *a->fault;

	if (err == -EIO)
		return complain(a, -EACCES, "what it answers are no keys");
	if (err == -EACCES)
		return complain(a, err, "%s %s", said.code, said.message);
	return err;
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

/* ------------------------------------------------------------------ asking */

static int wait_a_moment(struct asking *a, unsigned ms)
{
	poll(NULL, 0, (int)ms);
	return a->cancel && *a->cancel ? -EINTR : 0;
}

/* One request, again if nobody answered or the service is unwell. The answer is to
 * be ended whatever is returned. 0: it came; its status is the caller's to judge. */
static int exchange(struct asking *a, const struct http_request *request,
                    struct http_answer *answer)
{
	char message[256] = "";
	int err = 0;

	for (unsigned i = 0;; i++) {
		enum http_result result;

		*answer = (struct http_answer){.body = BUF_INIT};
		result = http_perform(a->http, request, answer, message);
		if (result == HTTP_OK && answer->status < 500 && answer->status != 429)
			return 0;
		if (result == HTTP_CANCELLED)
			return -EINTR;
		if (result == HTTP_NO_MEMORY)
			return -ENOMEM;
		if (result != HTTP_OK && !retry_result(result))
			return complain(a, -EACCES, "%s: %s", request->url, message);
		err = result == HTTP_OK ? complain(a, -ETIMEDOUT, "status %d", answer->status)
		                        : complain(a, -ETIMEDOUT, "%s", message);
		if (i + 1 == TRIES || a->p->otherwise || wait_a_moment(a, WAIT_MS << i))
			return err;
		http_answer_fini(answer);
	}
}

/* Keys may be in it. */
static void answer_fini(struct http_answer *answer)
{
	explicit_bzero(answer->body.s, answer->body.len);
	http_answer_fini(answer);
}

static int add_header(struct s3_headers *headers, const char *name, const char *value)
{
	return value ? s3_headers_set(headers, name, value) : 0;
}

/* A GET or PUT without a body. */
static int ask_url(struct asking *a, const char *method, const char *url,
                   const struct s3_headers *headers, struct http_answer *answer)
{
	const struct http_request request = {
		.method = method,
		.url = url,
		.headers = headers,
		.connect_timeout_ms = a->p->otherwise ? GUESS_MS : CONNECT_MS,
		.stall_timeout_ms = a->p->otherwise ? GUESS_MS : STALL_MS,
		.cancel = a->cancel,
		.direct = a->p->kind == PROVIDER_INSTANCE || a->p->kind == PROVIDER_CONTAINER,
	};

	return exchange(a, &request, answer);
}

static int post(struct asking *a, const char *url, const struct s3_headers *headers,
                const struct buf *text, struct http_answer *answer)
{
	struct iovec iov = {text->s, text->len};
	struct s3_body body = {&iov, 1, text->len};
	const struct http_request request = {
		.method = "POST",
		.url = url,
		.headers = headers,
		.body = &body,
		.connect_timeout_ms = CONNECT_MS,
		.stall_timeout_ms = STALL_MS,
		.cancel = a->cancel,
	};

	return exchange(a, &request, answer);
}

static int read_keys(struct asking *a, const struct http_answer *answer, struct keys **out)
{
	int err = grant_read_json(answer->body.s, answer->body.len, out, a->fault);

	if (err == -EIO && answer->status != 200)
		return complain(a, -EACCES, "status %d", answer->status);
	return conclude(a, err);
}

/* ------------------------------------------------------------------- files */

/* Without white space at its end, for free(); NULL: no memory. */
static char *trimmed(const char *s)
{
	size_t n = strlen(s);

	while (n && strchr(" \t\r\n", s[n - 1]))
		n--;
	return strndup(s, n);
}

/* The text of a small file, without white space at its end, to be wiped. */
static int read_file(struct asking *a, const char *path, char **text)
{
	struct buf all = BUF_INIT;
	bool open_to_others; /* that is for whoever made it to decide */
	int err = profile_read(path, &all, &open_to_others);

	if (err && err != -ENOMEM)
		err = complain(a, -EACCES, "cannot read %s: %s", path, strerror(-err));
	if (!err)
		*text = trimmed(all.s);
	if (!err && !*text)
		err = -ENOMEM;
	profile_wipe(&all);
	return err;
}

/* --------------------------------------------------------------------- STS */

/* Where it is asked: as it is signed, so it is sent. */
struct place {
	struct buf host, path, url;
};

static int find_place(struct asking *a, struct place *place)
{
	struct uri uri = {0};
	int err = uri_parse(&uri, a->p->url);

	*place = (struct place){BUF_INIT, BUF_INIT, BUF_INIT};
	if (err)
		return err == -EINVAL ? complain(a, -EACCES, "%s is no URL of a service", a->p->url)
		                      : err;
	uri_add_authority(&place->host, &uri, NULL);
	uri_add_path(&place->path, &uri, NULL, NULL);
	if (!place->path.len)
		buf_addc(&place->path, '/');
	buf_addf(&place->url, "%s://%s%s", uri.tls ? "https" : "http", place->host.s,
	         place->path.s);
	uri_fini(&uri);
	return buf_error(&place->host) | buf_error(&place->path) | buf_error(&place->url);
}

static void place_fini(struct place *place)
{
	buf_fini(&place->host);
	buf_fini(&place->path);
	buf_fini(&place->url);
}

static int sign_sts(struct asking *a, const struct keys *with, const struct place *place,
                    const char *hash, struct s3_headers *headers)
{
	const struct sign_key key = {with->access, with->secret, with->token, a->p->region, "sts"};
	time_t now = time(NULL) + (time_t)a->skew_s;
	struct buf authorization = BUF_INIT;
	char stamp[DATE_AMZ_SIZE];
	int err;

	date_format_amz(stamp, now);
	err = add_header(headers, "x-amz-date", stamp);
	if (!err)
		err = add_header(headers, "x-amz-security-token", with->token);
	if (!err)
		err = sign_headers(&authorization, &key, now, "POST", place->path.s, "", headers,
		                   hash);
	if (!err)
		err = add_header(headers, "authorization", authorization.s);
	buf_fini(&authorization);
	return err;
}

/* Its clock is another, and has been learned: once. */
static bool correct_clock(struct asking *a, const struct http_answer *answer)
{
	const char *date = s3_headers_get(&answer->headers, "date");
	time_t theirs = date ? date_parse_http(date) : -1;
	int64_t skew = theirs - time(NULL);

	if (answer->status != 403 || theirs < 0 || a->corrected ||
	    llabs(skew - a->skew_s) < SKEW_OFF_S)
		return false;
	a->corrected = true;
	a->skew_s = skew;
	return true;
}

/* What it said no with may pass. */
static bool may_pass(const struct http_answer *answer, const char *code)
{
	return retry_answer(answer->status, code) || !strcmp(code, "IDPCommunicationError");
}

static int post_sts(struct asking *a, const struct keys *with, const struct place *place,
                    const struct buf *form, struct keys **out)
{
	struct iovec iov = {form->s, form->len};
	struct http_answer answer = {.body = BUF_INIT};
	struct s3_headers headers = {0};
	unsigned char digest[CHECKSUM_SHA256];
	char hash[CHECKSUM_HEX];
	int err = checksum_sha256(&iov, 1, digest);

	checksum_hex(hash, digest, sizeof(digest));
	if (!err)
		err = add_header(&headers, "host", place->host.s);
	if (!err)
		err = add_header(&headers, "content-type", "application/x-www-form-urlencoded");
	if (!err && with)
		err = sign_sts(a, with, place, hash, &headers);
	if (!err)
		err = post(a, place->url.s, &headers, form, &answer);
	if (!err) {
		err = grant_read_sts(answer.body.s, answer.body.len, out, a->fault);
		if (err == -EACCES && correct_clock(a, &answer))
			err = -EAGAIN;
		else if (err == -EACCES && may_pass(&answer, a->fault->code))
			err = complain(a, -ETIMEDOUT, "it says %d", answer.status);
		else
			err = conclude(a, err);
	}
	answer_fini(&answer);
	s3_headers_fini(&headers);
	return err;
}

/* AssumeRole, signed; or AssumeRoleWithWebIdentity, which needs no keys. */
static int ask_sts(struct asking *a, const struct keys *with, const char *identity,
                   struct keys **out)
{
	const struct provider *p = a->p;
	struct uri_param params[8] = {
		{"Action", identity ? "AssumeRoleWithWebIdentity" : "AssumeRole"},
		{"Version", STS_VERSION},
		{"RoleArn", p->role},
		{"RoleSessionName", p->session ? p->session : "pourfs"},
	};
	struct buf form = BUF_INIT;
	struct place place;
	size_t n = 4;
	int err = find_place(a, &place);

	if (p->external_id)
		params[n++] = (struct uri_param){"ExternalId", p->external_id};
	if (p->duration_s)
		params[n++] = (struct uri_param){"DurationSeconds", p->duration_s};
	if (identity)
		params[n++] = (struct uri_param){"WebIdentityToken", identity};
	uri_add_query(&form, params, n);
	if (!err)
		err = buf_error(&form);
	if (!err)
		err = post_sts(a, with, &place, &form, out);
	if (err == -EAGAIN)
		err = post_sts(a, with, &place, &form, out);
	profile_wipe(&form);
	place_fini(&place);
	return err;
}

static int ask_role(struct asking *a, struct keys **out)
{
	struct keys *base = NULL;
	int err = 0;

	if (a->p->base)
		err = provider_ask(a->p->base, a->http, a->skew_s, a->cancel, &base, a->fault);
	else
		base = keys_hold(a->p->base_keys);
	if (!err)
		err = ask_sts(a, base, NULL, out);
	keys_put(base);
	return err;
}

static int ask_web_identity(struct asking *a, struct keys **out)
{
	char *identity = NULL;
	int err = read_file(a, a->p->token_file, &identity);

	if (!err)
		err = ask_sts(a, NULL, identity, out);
	wipe(identity);
	return err;
}

/* --------------------------------------------------------- metadata services */

static int ask_container(struct asking *a, struct keys **out)
{
	struct http_answer answer = {.body = BUF_INIT};
	struct s3_headers headers = {0};
	char *token = NULL;
	int err = 0;

	if (a->p->token_file)
		err = read_file(a, a->p->token_file, &token);
	if (!err)
		err = add_header(&headers, "authorization", token ? token : a->p->token);
	if (!err)
		err = ask_url(a, "GET", a->p->url, &headers, &answer);
	if (!err)
		err = read_keys(a, &answer, out);
	wipe(token);
	answer_fini(&answer);
	s3_headers_fini(&headers);
	return err;
}

/* A session's token first; then the name of the role; then its keys. */
static int ask_instance(struct asking *a, struct keys **out)
{
	struct http_answer answer = {.body = BUF_INIT};
	struct s3_headers headers = {0};
	struct buf url = BUF_INIT;
	char *token = NULL;
	int err;

	buf_addf(&url, "%s/latest/api/token", a->p->url);
	err = buf_error(&url);
	if (!err)
		err = add_header(&headers, "x-aws-ec2-metadata-token-ttl-seconds", IMDS_SECONDS);
	if (!err)
		err = ask_url(a, "PUT", url.s, &headers, &answer);
	if (!err && answer.status != 200)
		err = complain(a, -EACCES, "status %d to the request for a session", answer.status);
	s3_headers_fini(&headers);
	if (!err) {
		token = trimmed(answer.body.s);
		err = token ? add_header(&headers, "x-aws-ec2-metadata-token", token) : -ENOMEM;
	}
	wipe(token);
	answer_fini(&answer);
	buf_clear(&url);
	buf_addf(&url, "%s" IMDS_ROLES, a->p->url);
	if (!err)
		err = buf_error(&url);
	if (!err)
		err = ask_url(a, "GET", url.s, &headers, &answer);
	if (!err && (answer.status != 200 || !answer.body.len))
		err = complain(a, -EACCES, "no role is attached to this instance");
	if (!err) {
		buf_add(&url, answer.body.s, strcspn(answer.body.s, "\r\n"));
		err = buf_error(&url);
	}
	answer_fini(&answer);
	if (!err)
		err = ask_url(a, "GET", url.s, &headers, &answer);
	if (!err)
		err = read_keys(a, &answer, out);
	answer_fini(&answer);
	s3_headers_fini(&headers);
	buf_fini(&url);
	return err;
}

/* --------------------------------------------------------------------- SSO */

/* A login that ends is renewed as the AWS tools do it, who find the new one where they
 * keep theirs. */
static int renew_login(struct asking *a, time_t now, char **text)
{
	struct buf asks = BUF_INIT, file = BUF_INIT, url = BUF_INIT;
	struct http_answer answer = {.body = BUF_INIT};
	struct s3_headers headers = {0};
	int err = grant_sso_renewal(*text, strlen(*text), now, &asks), kept;

	buf_addf(&url, "%s/token", a->p->login);
	if (!err)
		err = buf_error(&url);
	if (!err)
		err = add_header(&headers, "content-type", "application/json");
	if (!err)
		err = post(a, url.s, &headers, &asks, &answer);
	if (!err && answer.status != 200)
		err = complain(a, -EACCES, "status %d to the renewal of its login", answer.status);
	if (!err)
		err = grant_sso_renewed(*text, strlen(*text), answer.body.s, answer.body.len,
		                        time(NULL), &file);
	if (!err) {
		kept = profile_write(a->p->token_file, &file);
		if (kept)
			log_warn("%s: its login was renewed, and cannot be kept in %s: %s",
			         a->p->name, a->p->token_file, strerror(-kept));
		wipe(*text);
		*text = strdup(file.s);
		err = *text ? 0 : -ENOMEM;
	}
	profile_wipe(&asks);
	profile_wipe(&file);
	buf_fini(&url);
	answer_fini(&answer);
	s3_headers_fini(&headers);
	return err;
}

/* What is in the cache now. */
static int read_login(struct asking *a, char **text, char **token, time_t *expires)
{
	int err;

	wipe(*text);
	wipe(*token);
	*text = *token = NULL;
	err = read_file(a, a->p->token_file, text);
	if (!err)
		err = grant_read_sso_token(*text, strlen(*text), token, expires);
	return err == -EIO ? complain(a, -EACCES, "%s is no token", a->p->token_file) : err;
}

/* The one of the text in the place of another. */
static int take_token(const char *text, char **token, time_t *expires)
{
	wipe(*token);
	*token = NULL;
	return grant_read_sso_token(text, strlen(text), token, expires);
}

/* The token of a login that is good. */
static int sso_token(struct asking *a, char **token)
{
	time_t now = time(NULL) + (time_t)a->skew_s, expires = 0;
	char *text = NULL;
	int err = read_login(a, &text, token, &expires);

	if (!err && expires <= now + LOGIN_S) {
		int renewed = renew_login(a, now, &text);

		if (renewed == -ENOMEM || renewed == -EINTR ||
		    (renewed == -ETIMEDOUT && expires <= now))
			err = renewed;
		else if (!renewed || expires <= now) /* by us, or just now by somebody else */
			err = renewed ? read_login(a, &text, token, &expires)
			              : take_token(text, token, &expires);
		if (!err && expires <= now)
			err = complain(a, -EACCES, "its login has expired: aws sso login");
	}
	wipe(text);
	return err;
}

static int ask_sso(struct asking *a, struct keys **out)
{
	struct uri_param params[] = {{"account_id", a->p->account}, {"role_name", a->p->role}};
	struct http_answer answer = {.body = BUF_INIT};
	struct s3_headers headers = {0};
	struct buf url = BUF_INIT;
	char *token = NULL;
	int err = sso_token(a, &token);

	buf_addf(&url, "%s/federation/credentials?", a->p->url);
	uri_add_query(&url, params, 2);
	if (!err)
		err = buf_error(&url);
	if (!err)
		err = add_header(&headers, "x-amz-sso_bearer_token", token);
	if (!err)
		err = ask_url(a, "GET", url.s, &headers, &answer);
	if (!err)
		err = read_keys(a, &answer, out);
	wipe(token);
	answer_fini(&answer);
	s3_headers_fini(&headers);
	buf_fini(&url);
	return err;
}

/* ----------------------------------------------------------------- process */

static int ask_process(struct asking *a, struct keys **out)
{
	struct buf said = BUF_INIT;
	int status = 0,
	    err = process_read(a->p->command, PROCESS_MS, FILE_MAX, a->cancel, &said, &status);

	if (err == -ETIMEDOUT)
		err = complain(a, -EACCES, "it did not end within %d s", PROCESS_MS / 1000);
	else if (err && err != -ENOMEM && err != -EINTR)
		err = complain(a, -EACCES, "%s", strerror(-err));
	else if (!err && status)
		err = complain(a, -EACCES, "its exit status is %d", status);
	if (!err)
		err = conclude(a, grant_read_json(said.s, said.len, out, a->fault));
	profile_wipe(&said);
	return err;
}

int provider_ask(const struct provider *p, struct http *http, int64_t skew_s,
                 const atomic_bool *cancel, struct keys **out, struct s3_fault *fault)
{
	static int (*const asks[])(struct asking *, struct keys **) = {
		[PROVIDER_PROCESS] = ask_process,           [PROVIDER_ROLE] = ask_role,
		[PROVIDER_WEB_IDENTITY] = ask_web_identity, [PROVIDER_SSO] = ask_sso,
		[PROVIDER_CONTAINER] = ask_container,       [PROVIDER_INSTANCE] = ask_instance,
	};
	struct asking a = {p, http, skew_s, cancel, fault, false};
	int err = asks[p->kind](&a, out);

	if (err == -EINVAL) /* a token that no header can carry */
		err = complain(&a, -EACCES, "what it is asked with makes no sense");
	if ((err == -ETIMEDOUT || err == -EACCES) && p->otherwise) {
		xml_set_text(fault->message, sizeof(fault->message), p->otherwise);
		err = -EACCES;
	}
	return err;
}
