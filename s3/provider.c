/* SPDX-License-Identifier: MIT */
#include "provider.h"

#include "buf.h"
#include "checksum.h"
#include "date.h"
#include "grant.h"
#include "process.h"
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
#define STS_VERSION  "2011-06-15"

struct asking {
	const struct provider *p;
	struct http *http;
	int64_t skew_s;
	const atomic_bool *cancel;
	struct s3_fault *fault;
};

void provider_free(struct provider *p)
{
	if (!p)
		return;
	free(p->name);
	free(p->url);
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
		err = result == HTTP_OK ? complain(a, -ETIMEDOUT, "status %d", answer->status)
		                        : complain(a, -ETIMEDOUT, "%s", message);
		if (i + 1 == TRIES || a->p->otherwise || wait_a_moment(a, WAIT_MS << i))
			return err;
		http_answer_fini(answer);
	}
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
		.stall_timeout_ms = STALL_MS,
		.cancel = a->cancel,
		.direct = a->p->kind == PROVIDER_INSTANCE || a->p->kind == PROVIDER_CONTAINER,
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

/* The text of a small file, without white space at its end, for free(). */
static int read_file(struct asking *a, const char *path, char **text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *room = malloc(FILE_MAX + 1);
	ssize_t n = fd >= 0 && room ? read(fd, room, FILE_MAX) : -1;
	int err = !room ? -ENOMEM : n < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	if (err) {
		free(room);
		return err == -ENOMEM
		               ? err
		               : complain(a, -EACCES, "cannot read %s: %s", path, strerror(-err));
	}
	while (n && strchr(" \t\r\n", room[n - 1]))
		n--;
	room[n] = '\0';
	*text = room;
	return 0;
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

/* --------------------------------------------------------------------- STS */

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
	struct buf form = BUF_INIT, authorization = BUF_INIT, host = BUF_INIT, path = BUF_INIT;
	struct s3_headers headers = {0};
	unsigned char digest[CHECKSUM_SHA256];
	char hash[CHECKSUM_HEX], stamp[DATE_AMZ_SIZE];
	struct http_answer answer = {.body = BUF_INIT};
	time_t now = time(NULL) + (time_t)a->skew_s;
	struct uri uri = {0};
	struct iovec iov;
	struct s3_body body = {&iov, 1, 0};
	size_t n = 4;
	int err;

	if (p->external_id)
		params[n++] = (struct uri_param){"ExternalId", p->external_id};
	if (p->duration_s)
		params[n++] = (struct uri_param){"DurationSeconds", p->duration_s};
	if (identity)
		params[n++] = (struct uri_param){"WebIdentityToken", identity};
	uri_add_query(&form, params, n);
	err = buf_error(&form);
	if (!err)
		err = uri_parse(&uri, p->url);
	uri_add_authority(&host, &uri, NULL);
	uri_add_path(&path, &uri, NULL, NULL);
	buf_adds(&path, path.len ? "" : "/");
	if (!err)
		err = buf_error(&host) | buf_error(&path);
	iov = (struct iovec){form.s, form.len};
	body.size = form.len;
	if (!err)
		err = checksum_sha256(&iov, 1, digest);
	if (err)
		goto out;
	checksum_hex(hash, digest, sizeof(digest));
	date_format_amz(stamp, now);
	err = add_header(&headers, "host", host.s);
	if (!err)
		err = add_header(&headers, "content-type", "application/x-www-form-urlencoded");
	if (!err && with) {
		const struct sign_key key = {with->access, with->secret, with->token, p->region,
		                             "sts"};

		err = add_header(&headers, "x-amz-date", stamp);
		if (!err)
			err = add_header(&headers, "x-amz-security-token", with->token);
		if (!err)
			err = sign_headers(&authorization, &key, now, "POST", path.s, "", &headers,
			                   hash);
		if (!err)
			err = add_header(&headers, "authorization", authorization.s);
	}
	if (!err) {
		const struct http_request request = {
			.method = "POST",
			.url = p->url,
			.headers = &headers,
			.body = &body,
			.connect_timeout_ms = CONNECT_MS,
			.stall_timeout_ms = STALL_MS,
			.cancel = a->cancel,
		};

		err = exchange(a, &request, &answer);
	}
	if (!err)
		err = conclude(a, grant_read_sts(answer.body.s, answer.body.len, out, a->fault));
out:
	http_answer_fini(&answer);
	s3_headers_fini(&headers);
	uri_fini(&uri);
	buf_fini(&form);
	buf_fini(&authorization);
	buf_fini(&host);
	buf_fini(&path);
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
	http_answer_fini(&answer);
	s3_headers_fini(&headers);
	return err;
}

/* A session's token first; then the name of the role; then its keys. */
static int ask_instance(struct asking *a, struct keys **out)
{
	struct http_answer answer = {.body = BUF_INIT};
	struct s3_headers headers = {0};
	struct buf url = BUF_INIT;
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
	if (!err)
		err = add_header(&headers, "x-aws-ec2-metadata-token", answer.body.s);
	http_answer_fini(&answer);
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
	http_answer_fini(&answer);
	if (!err)
		err = ask_url(a, "GET", url.s, &headers, &answer);
	if (!err)
		err = read_keys(a, &answer, out);
	http_answer_fini(&answer);
	s3_headers_fini(&headers);
	buf_fini(&url);
	return err;
}

/* --------------------------------------------------------------------- SSO */

static int ask_sso(struct asking *a, struct keys **out)
{
	struct uri_param params[] = {{"account_id", a->p->account}, {"role_name", a->p->role}};
	struct http_answer answer = {.body = BUF_INIT};
	struct s3_headers headers = {0};
	struct buf url = BUF_INIT;
	char *text = NULL, *token = NULL;
	time_t expires = 0;
	int err = read_file(a, a->p->token_file, &text);

	if (!err) {
		err = grant_read_sso_token(text, strlen(text), &token, &expires);
		if (err == -EIO)
			err = complain(a, -EACCES, "%s is no token", a->p->token_file);
	}
	if (!err && expires <= time(NULL))
		err = complain(a, -EACCES, "its login has expired: aws sso login");
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
	wipe(text);
	wipe(token);
	http_answer_fini(&answer);
	s3_headers_fini(&headers);
	buf_fini(&url);
	return err;
}

/* ----------------------------------------------------------------- process */

static int ask_process(struct asking *a, struct keys **out)
{
	struct buf said = BUF_INIT;
	int status = 0, err = process_read(a->p->command, PROCESS_MS, FILE_MAX, &said, &status);

	if (err == -ETIMEDOUT)
		err = complain(a, -EACCES, "it did not end within %d s", PROCESS_MS / 1000);
	else if (err && err != -ENOMEM)
		err = complain(a, -EACCES, "%s", strerror(-err));
	else if (!err && status)
		err = complain(a, -EACCES, "its exit status is %d", status);
	if (!err)
		err = conclude(a, grant_read_json(said.s, said.len, out, a->fault));
	if (said.s)
		explicit_bzero(said.s, said.len);
	buf_fini(&said);
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
	struct asking a = {p, http, skew_s, cancel, fault};
	int err = asks[p->kind](&a, out);

	if (err == -ETIMEDOUT && p->otherwise) {
		xml_set_text(fault->message, sizeof(fault->message), p->otherwise);
		err = -EACCES;
	}
	return err;
}
