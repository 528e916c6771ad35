/* SPDX-License-Identifier: MIT */
#include "request.h"

#include "checksum.h"
#include "date.h"
#include "fault.h"
#include "log.h"
#include "retry.h"
#include "sign.h"
#include "xml.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SLOW_STALLS    30  /* a copy of many gigabytes says nothing for long */
#define STALL_LEAST_S  10U /* however short retry_time is */
#define SKEW_OFF_S     300 /* services refuse what is off by 15 minutes */
#define CANCEL_LOOK_MS 200

/* One call, over all its tries. */
struct run {
	struct s3 *s3;
	struct request *request;
	struct s3_call *call;
	struct http_answer *answer;
	char payload_hash[CHECKSUM_HEX];
	unsigned retry_time_s;
	const struct client_place *place; /* of the last try */
	time_t signed_at;                 /* our time in the last try */
	struct keys *keys;                /* it was signed with; NULL: it was not */
	bool skew_learned, region_followed, keys_refused;
	int answered; /* -errno of the last answer that came, 0: none did */
};

/* What is to be done after a try. */
enum step { STEP_DONE, STEP_RETRY, STEP_AGAIN };

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static int64_t now_ms(void)
{
	return now_us() / 1000;
}

static bool cancelled(const struct s3_call *call)
{
	return call->cancel && atomic_load(call->cancel);
}

/* --------------------------------------------------------------- building */

void request_param(struct request *r, const char *name, const char *value)
{
	r->params[r->nparams++] = (struct uri_param){name, value};
}

void request_header(struct request *r, const char *name, const char *value)
{
	if (value && !r->err)
		r->err = s3_headers_set(&r->headers, name, value);
}

void request_headerf(struct request *r, const char *name, const char *format, ...)
{
	struct buf value = BUF_INIT;
	va_list ap;

	va_start(ap, format);
	buf_vaddf(&value, format, ap);
	va_end(ap);
	if (!r->err)
		r->err = buf_error(&value);
	request_header(r, name, value.s);
	buf_fini(&value);
}

void request_fini(struct request *r)
{
	s3_headers_fini(&r->headers);
}

/* Adds what every request carries, and signs all of it. */
static int sign(const struct run *run, struct s3_headers *headers, const char *path,
                const char *query)
{
	const struct keys *keys = run->keys;
	time_t t = run->signed_at + (time_t)atomic_load(&run->s3->skew_s);
	struct buf authorization = BUF_INIT;
	char stamp[DATE_AMZ_SIZE];
	int err;

	if (!keys)
		return 0;
	date_format_amz(stamp, t);
	err = s3_headers_set(headers, "x-amz-date", stamp);
	if (!err)
		err = s3_headers_set(headers, "x-amz-content-sha256", run->payload_hash);
	if (!err && keys->token)
		err = s3_headers_set(headers, "x-amz-security-token", keys->token);
	if (!err) {
		const struct sign_key key = {keys->access, keys->secret, keys->token,
		                             run->place->region, "s3"};

		err = sign_headers(&authorization, &key, t, run->request->method, path, query,
		                   headers, run->payload_hash);
	}
	if (!err)
		err = s3_headers_set(headers, "authorization", authorization.s);
	buf_fini(&authorization);
	return err;
}

static int build(struct run *run, struct s3_headers *headers, struct buf *url)
{
	struct request *r = run->request;
	const struct s3 *s3 = run->s3;
	struct buf host = BUF_INIT, path = BUF_INIT, query = BUF_INIT;
	int err;

	run->place = client_place(s3);
	run->signed_at = time(NULL);
	uri_add_authority(&host, &run->place->uri, s3->path_style ? NULL : s3->bucket);
	uri_add_path(&path, &run->place->uri, s3->path_style ? s3->bucket : NULL, r->key);
	uri_add_query(&query, r->params, r->nparams);
	buf_addf(url, "%s://%s%s%s%s", run->place->uri.tls ? "https" : "http", host.s, path.s,
	         query.len ? "?" : "", query.s);
	err = buf_error(&host) | buf_error(&path) | buf_error(&query) | buf_error(url);
	if (!err)
		err = s3_headers_copy(headers, &r->headers);
	if (!err)
		err = terms_add_to_all(&s3->terms, headers);
	if (!err)
		err = s3_headers_set(headers, "host", host.s);
	if (!err)
		err = sign(run, headers, path.s, query.s);
	buf_fini(&host);
	buf_fini(&path);
	buf_fini(&query);
	return err;
}

/* ---------------------------------------------------------------- judging */

static int set_fault(struct run *run, int err, const char *code, const char *message)
{
	struct s3_fault *f = &run->call->fault;

	*f = (struct s3_fault){.status = run->answer->status};
	xml_set_text(f->code, sizeof(f->code), code);
	xml_set_text(f->message, sizeof(f->message), message);
	return err;
}

static int judge_silence(struct run *run, enum http_result result, const char *message)
{
	static const struct {
		const char *code;
		int err;
	} faults[] = {
		[HTTP_RESOLVE] = {"Resolve", -ETIMEDOUT}, [HTTP_CONNECT] = {"Connect", -ETIMEDOUT},
		[HTTP_UNTRUSTED] = {"Certificate", -EIO}, [HTTP_TIMEOUT] = {"Timeout", -ETIMEDOUT},
		[HTTP_BROKEN] = {"Broken", -ETIMEDOUT},   [HTTP_OVERFLOW] = {"TooMuch", -EIO},
		[HTTP_CANCELLED] = {"Cancelled", -EINTR}, [HTTP_NO_MEMORY] = {"NoMemory", -ENOMEM},
		[HTTP_NO_FILES] = {"Files", -EMFILE},     [HTTP_FAILED] = {"Failed", -EIO},
	};

	return set_fault(run, faults[result].err, faults[result].code, message);
}

/* Learns the service's clock. Once a call: then it is not the clock. */
static bool correct_clock(struct run *run, const char *code)
{
	const char *date = s3_headers_get(&run->answer->headers, "date");
	time_t theirs = date ? date_parse_http(date) : -1;
	int64_t skew = theirs - run->signed_at, used = atomic_load(&run->s3->skew_s);
	bool named = strcmp(code, "RequestTimeTooSkewed") == 0;

	if (theirs < 0 || run->skew_learned || (run->answer->status != 403 && !named))
		return false;
	if (!named && llabs(skew - used) < SKEW_OFF_S)
		return false;
	run->skew_learned = true;
	atomic_store(&run->s3->skew_s, skew);
	log_warn("this computer's clock is %lld s off the service's: corrected for",
	         (long long)-skew);
	return true;
}

static bool follow_region(struct run *run, const struct xml_error *error)
{
	const char *region = s3_headers_get(&run->answer->headers, "x-amz-bucket-region");
	int status = run->answer->status;

	if (run->region_followed || (status != 301 && status != 307 && status != 400))
		return false;
	if (!region)
		region = error->region;
	run->region_followed = client_follow(run->s3, run->place, region);
	return run->region_followed;
}

/* Headers may hold any byte, and some of 8 bits steer terminals, too. */
static bool is_plain(const char *s)
{
	while (*s > ' ' && *s < 0x7f)
		s++;
	return !*s;
}

/* The <Error> of the answer, if it has one. True: the answer is no success. */
static bool read_error(const struct run *run, struct xml_error *error)
{
	const struct http_answer *a = run->answer;
	/* To a reader, 416 says where the object ends. */
	bool good =
		(a->status >= 200 && a->status < 300) || (a->status == 416 && run->request->into);
	const char *id = s3_headers_get(&a->headers, "x-amz-request-id");
	bool found = false;

	*error = (struct xml_error){0};
	if (!good || run->request->late_error)
		found = a->body.len && xml_read_error(a->body.s, a->body.len, error) == 1;
	if (id && is_plain(id))
		xml_set_text(error->request_id, sizeof(error->request_id), id);
	return !good || found;
}

/* Temporary keys that the service takes for expired are renewed, once a call. */
static bool renew_keys(struct run *run, const char *code)
{
	bool refused = !strcmp(code, "ExpiredToken") || !strcmp(code, "ExpiredTokenException") ||
	               !strcmp(code, "TokenRefreshRequired");

	/* Of a HEAD the service says no more than that; but of others things as well. */
	bool perhaps = run->answer->status == 400 && !*code &&
	               !strcmp(run->request->method, "HEAD") && run->keys && run->keys->token;

	if ((!refused && !perhaps) || run->keys_refused || !run->keys)
		return false;
	run->keys_refused = true;
	return keyring_refused(&run->s3->keyring, run->keys, refused);
}

static enum step judge_answer(struct run *run, int *err)
{
	const struct http_answer *a = run->answer;
	struct xml_error error;
	enum step step = STEP_DONE;

	if (!read_error(run, &error)) {
		*err = 0;
		return STEP_DONE;
	}
	*err = fault_errno(a->status, error.code, run->request->flags);
	set_fault(run, *err, error.code, error.message);
	strcpy(run->call->fault.request_id, error.request_id);
	run->answered = *err;
	if (correct_clock(run, error.code) || follow_region(run, &error) ||
	    renew_keys(run, error.code))
		step = STEP_AGAIN;
	else if (retry_answer(a->status, error.code))
		step = STEP_RETRY;
	else if (a->status >= 200 && a->status < 300 && !error.code[0])
		step = STEP_RETRY; /* an <Error> that says nothing */
	return step;
}

/* ----------------------------------------------------------------- trying */

static void count_try(struct run *run)
{
	struct s3 *s3 = run->s3;

	atomic_fetch_add(&s3->requests, 1);
	if (run->request->tries++ == 0)
		return;
	atomic_fetch_add(&s3->retries, 1);
	if (run->call->retries)
		atomic_fetch_add(run->call->retries, 1);
}

static bool may_retry(struct s3 *s3, int64_t now)
{
	bool may;

	pthread_mutex_lock(&s3->lock);
	may = retry_take(&s3->budget, now);
	pthread_mutex_unlock(&s3->lock);
	return may;
}

static void note_success(struct s3 *s3, bool retried)
{
	pthread_mutex_lock(&s3->lock);
	retry_give(&s3->budget, retried);
	pthread_mutex_unlock(&s3->lock);
}

static enum http_result send_once(struct run *run, const struct s3_headers *headers,
                                  const char *url, char message[256])
{
	const struct request *r = run->request;
	const struct s3 *s3 = run->s3;
	unsigned limit_s = run->retry_time_s;
	unsigned connect_s = s3->connect_timeout_s < limit_s ? s3->connect_timeout_s : limit_s;
	unsigned stall_s = limit_s > STALL_LEAST_S ? limit_s : STALL_LEAST_S;

	if (stall_s > s3->stall_timeout_s)
		stall_s = s3->stall_timeout_s;
	const struct http_request http = {
		.method = r->method,
		.url = url,
		.headers = headers,
		.body = r->body,
		.into = r->into,
		.intocnt = r->intocnt,
		.into_skip = r->into_skip,
		.connect_timeout_ms = 1000 * connect_s,
		.stall_timeout_ms = 1000 * (r->slow ? SLOW_STALLS * s3->stall_timeout_s : stall_s),
		.cancel = run->call->cancel,
		.sent = run->call->sent,
	};

	return http_perform(s3->http, &http, run->answer, message);
}

static int take_keys(struct run *run)
{
	struct s3_fault fault = {0};
	int err;

	keys_put(run->keys);
	run->keys = NULL;
	err = keyring_take(&run->s3->keyring, run->s3->http, atomic_load(&run->s3->skew_s),
	                   run->call->cancel, &run->keys, &fault);
	return err ? set_fault(run, err, fault.code, fault.message) : 0;
}

static void log_try(const struct run *run, int64_t took_us)
{
	const struct http_answer *a = run->answer;
	const char *id = s3_headers_get(&a->headers, "x-amz-request-id");
	char key[256];

	log_debug("op=%s key=%s try=%u status=%d ms=%lld sent=%llu received=%llu request=%s",
	          run->request->op,
	          log_quote(key, sizeof(key), run->request->key ? run->request->key : ""),
	          run->request->tries, a->status, (long long)(took_us / 1000),
	          (unsigned long long)a->sent, (unsigned long long)a->received,
	          id && is_plain(id) ? id : "-");
}

/* What has to do with nobody but us is not counted. */
static void meter(const struct run *run, enum http_result result, int err, int64_t took_us)
{
	int status = run->answer->status;
	enum s3_result what = S3_RESULT_REFUSED;

	if (result == HTTP_CANCELLED || result == HTTP_NO_FILES || result == HTTP_NO_MEMORY)
		return;
	if (result != HTTP_OK)
		what = S3_RESULT_SILENT;
	else if (!err)
		what = S3_RESULT_OK;
	else if (status < 300 || status == 429 || status >= 500)
		what = S3_RESULT_UNWELL;
	meter_add(&run->s3->meters, run->request->op, what, (uint64_t)took_us,
	          run->request->tries > 1);
}

static enum step try_once(struct run *run, int *err)
{
	struct s3_headers headers = {0};
	struct buf url = BUF_INIT;
	char message[256] = "";
	enum http_result result;
	enum step step;
	int64_t began, took_us;

	*run->answer = (struct http_answer){.body = BUF_INIT};
	*err = take_keys(run);
	if (*err) {
		step = *err == -ETIMEDOUT ? STEP_RETRY : STEP_DONE;
		goto out;
	}
	*err = build(run, &headers, &url);
	if (*err) {
		set_fault(run, *err, "Request", strerror(-*err));
		step = STEP_DONE;
		goto out;
	}
	count_try(run);
	began = now_us();
	result = send_once(run, &headers, url.s, message);
	took_us = now_us() - began;
	/* The first of them may have been carried out. */
	run->request->tries += run->answer->resent;
	atomic_fetch_add(&run->s3->bytes_sent, run->answer->sent);
	atomic_fetch_add(&run->s3->bytes_received, run->answer->received);
	if (result == HTTP_OK) {
		step = judge_answer(run, err);
		if (step == STEP_DONE)
			note_success(run->s3,
			             run->request->tries > 1); /* also a 404: the service is well */
	} else {
		*err = judge_silence(run, result, message);
		step = retry_result(result) ? STEP_RETRY : STEP_DONE;
	}
	meter(run, result, *err, took_us);
	log_try(run, took_us);
	if (*err && run->call->sent)
		atomic_fetch_sub(run->call->sent, run->answer->sent);
out:
	s3_headers_fini(&headers);
	buf_fini(&url);
	return step;
}

static void log_retry(const struct run *run, unsigned wait_ms)
{
	const struct s3_fault *f = &run->call->fault;
	char key[256];

	log_info("%s %s: %d %s %s: try %u in %u ms", run->request->op,
	         log_quote(key, sizeof(key), run->request->key ? run->request->key : ""), f->status,
	         f->code, f->message, run->request->tries + 1, wait_ms);
}

/* 0: try again; -errno: no more. */
static int wait_to_retry(struct run *run, int err)
{
	struct request *r = run->request;
	int64_t now = now_ms(), until;
	uint64_t random = 0;
	unsigned wait_ms;

	if (r->deadline_ms == 0)
		r->deadline_ms = now + run->retry_time_s * INT64_C(1000);
	if (now >= r->deadline_ms || run->call->guess)
		return run->answered ? run->answered : err;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = (uint64_t)now;
	wait_ms = retry_wait_ms(r->tries, random,
	                        s3_headers_get(&run->answer->headers, "retry-after"));
	until = now + wait_ms;
	if (until > r->deadline_ms)
		until = r->deadline_ms;
	log_retry(run, (unsigned)(until - now));
	/* At the deadline there is one last try, whatever the budget says. */
	while (!cancelled(run->call) && (now = now_ms()) < r->deadline_ms) {
		int64_t left = until - now;

		if (left <= 0 && may_retry(run->s3, now))
			break;
		poll(NULL, 0, (int)(left > 0 && left < CANCEL_LOOK_MS ? left : CANCEL_LOOK_MS));
	}
	return cancelled(run->call) ? set_fault(run, -EINTR, "Cancelled", "") : 0;
}

/* ENOENT, ESTALE and EEXIST are answers that callers ask for. */
static void report(const struct run *run, int err)
{
	const struct s3_fault *f = &run->call->fault;
	char key[256];

	if (err == -ENOENT || (err == -EACCES && run->call->may_refuse && f->status) ||
	    run->call->guess)
		return;
	if (err == -EINTR)
		return; /* we ended it ourselves */
	if (err == -EOPNOTSUPP && run->request->may_lack) {
		log_info("%s: %d %s %s: done in another way", run->request->op, f->status, f->code,
		         f->message);
		return;
	}
	atomic_fetch_add(&run->s3->errors, 1);
	if (err == -ESTALE || err == -EEXIST)
		return;
	log_warn("%s %s failed after %u %s: %d %s%s%s%s%s", run->request->op,
	         log_quote(key, sizeof(key), run->request->key ? run->request->key : ""),
	         run->request->tries, run->request->tries == 1 ? "try" : "tries", f->status,
	         f->code, f->message[0] ? " " : "", f->message,
	         f->request_id[0] ? ", request " : "", f->request_id);
}

static int prepare(struct run *run)
{
	const struct s3_body *body = run->request->body;
	unsigned char digest[CHECKSUM_SHA256];
	int err = run->request->err;

	run->retry_time_s =
		run->call->retry_time_s ? run->call->retry_time_s : run->s3->retry_time_s;
	if (!err && run->request->key &&
	    (!run->request->key[0] || strlen(run->request->key) > S3_KEY_MAX))
		err = -EINVAL;
	if (!err && cancelled(run->call))
		return set_fault(run, -EINTR, "Cancelled", "");
	if (!err)
		err = checksum_sha256(body ? body->iov : NULL, body ? body->iovcnt : 0, digest);
	if (!err)
		checksum_hex(run->payload_hash, digest, sizeof(digest));
	else
		set_fault(run, err, "Request", strerror(-err));
	return err;
}

int request_run(struct s3 *s3, struct request *r, struct http_answer *answer, struct s3_call *call)
{
	struct s3_call unwatched = {0};
	struct run run = {.s3 = s3, .request = r, .answer = answer};
	enum step step = STEP_DONE;
	int err;

	run.call = call ? call : &unwatched;
	run.call->fault = (struct s3_fault){0};
	*answer = (struct http_answer){.body = BUF_INIT};
	err = prepare(&run);
	if (!err)
		step = STEP_AGAIN;
	while (step != STEP_DONE) {
		http_answer_fini(answer);
		step = try_once(&run, &err);
		if (step == STEP_RETRY) {
			int final = wait_to_retry(&run, err);

			if (final) {
				err = final;
				break;
			}
			if (r->into && answer->received > 0 && answer->body.len == 0) {
				keys_put(run.keys);
				return REQUEST_RESUME;
			}
		}
	}
	if (err)
		report(&run, err);
	keys_put(run.keys);
	return err;
}

int request_do(struct s3 *s3, struct request *r, struct s3_call *call)
{
	struct http_answer answer;
	int err = request_run(s3, r, &answer, call);

	http_answer_fini(&answer);
	request_fini(r);
	return err;
}

int request_fail(struct s3 *s3, const struct request *r, struct s3_call *call, int err,
                 const char *code, const char *message)
{
	struct s3_call unwatched = {0};
	struct http_answer none = {0};
	struct run run = {.s3 = s3, .answer = &none, .call = call ? call : &unwatched};

	run.request = (struct request *)r;
	set_fault(&run, err, code, message);
	report(&run, err);
	return err;
}

static int read_answer(struct s3 *s3, struct request *r, request_reader *read, void *arg,
                       bool *damaged, struct s3_call *call)
{
	struct http_answer answer;
	int err = request_run(s3, r, &answer, call);

	*damaged = !err;
	if (!err)
		err = read(answer.body.s, answer.body.len, arg);
	*damaged = *damaged && err == -EIO;
	http_answer_fini(&answer);
	return err;
}

int request_read(struct s3 *s3, struct request *r, request_reader *read, void *arg,
                 const char *wanted, struct s3_call *call)
{
	bool damaged = true;
	int err = 0;

	for (unsigned i = 0; damaged && i < REQUEST_DAMAGED_MAX; i++)
		err = read_answer(s3, r, read, arg, &damaged, call);
	if (damaged)
		request_fail(s3, r, call, err, "Damaged", wanted);
	request_fini(r);
	return err;
}
