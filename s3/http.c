/* SPDX-License-Identifier: MIT */
#include "http.h"

#include "pace.h"
#include "tls.h"

#include <curl/curl.h>
#include <errno.h>
#include <linux/sockios.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HEADERS_MAX       128          /* lines of an answer */
#define HEADER_BYTES_MAX  (64U << 10)  /* and their bytes */
#define CURL_BUFFER_BYTES (128L << 10) /* of a connection, the way of its large body */
#define CURL_BUFFER_SMALL (16L << 10)
#define LEAST_SPEED       1024 /* bytes a second, over each stall timeout */
#define CANCEL_LOOK_US    200000

struct http {
	CURLSH *share;
	pthread_mutex_t shared[CURL_LOCK_DATA_LAST];
	pthread_mutex_t lock; /* a leaf: guards idle and n */
	CURL **idle;          /* last in, first out: the warmest connection first */
	unsigned n, max;
	char *user_agent, *ca_file, *client_cert, *client_key, *proxy;
	struct tls *tls;
	pthread_mutex_t pace_lock; /* a leaf: guards these */
	struct pace up, down;
};

/* One exchange under way. */
struct exchange {
	struct http *http;
	const struct http_request *request;
	struct http_answer *answer;
	struct curl_slist *lines;
	unsigned starts;    /* how often it was sent */
	uint64_t body_at;   /* next byte of the request's body */
	uint64_t into_size; /* bytes that fit into request->into */
	size_t header_bytes;
	bool headed;           /* all headers of the answer came */
	curl_socket_t fd;      /* of the connection, as far as is known */
	bool no_files;         /* there could be none */
	int64_t paced_us;      /* that it was made to wait since */
	struct timespec moved; /* when there was last seen to be enough progress */
	curl_off_t moved_bytes;
	enum http_result verdict; /* why a callback ended it, or HTTP_OK */
};

/* ------------------------------------------------------------------- pool */

static void lock_shared(CURL *easy, curl_lock_data data, curl_lock_access access, void *ctx)
{
	struct http *http = ctx;

	(void)easy, (void)access;
	pthread_mutex_lock(&http->shared[data]);
}

static void unlock_shared(CURL *easy, curl_lock_data data, void *ctx)
{
	struct http *http = ctx;

	(void)easy;
	pthread_mutex_unlock(&http->shared[data]);
}

static void start_curl(void)
{
	struct sigaction old;

	/* OpenSSL writes to closed sockets with write(), which would kill us. */
	if (sigaction(SIGPIPE, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool keep(char **to, const char *s)
{
	*to = s ? strdup(s) : NULL;
	return !s || *to;
}

/* The working directory will be another. */
static bool keep_path(char **to, const char *path)
{
	*to = path ? realpath(path, NULL) : NULL;
	return *to || keep(to, path);
}

/* For what curl would read by itself, if it says what that is and its OpenSSL is ours. */
static struct tls *new_tls(const char *ca_file)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
	char ours[32];
	bool same;

	snprintf(ours, sizeof ours, "OpenSSL/%u.", OPENSSL_version_major());
	same = curl->age >= CURLVERSION_SEVENTH && curl->ssl_version &&
	       !strncmp(curl->ssl_version, ours, strlen(ours));
	if (!same)
		return tls_new(NULL, NULL);
	return ca_file ? tls_new(ca_file, NULL) : tls_new(curl->cainfo, curl->capath);
}

/* Its certificate is judged by the system's authorities whatever ca_file is. */
static bool has_tls_proxy(const struct http *http)
{
	static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

	if (http->proxy)
		return !strncasecmp(http->proxy, "https:", 6);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *proxy = getenv(names[i]);

		if (proxy && !strncasecmp(proxy, "https:", 6))
			return true;
	}
	return false;
}

int http_new(struct http **out, const struct http_conf *conf)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http *http = calloc(1, sizeof(*http));

	pthread_once(&once, start_curl);
	if (!http)
		return -ENOMEM;
	pthread_mutex_init(&http->lock, NULL);
	pthread_mutex_init(&http->pace_lock, NULL);
	for (int i = 0; i < CURL_LOCK_DATA_LAST; i++)
		pthread_mutex_init(&http->shared[i], NULL);
	http->max = conf->idle_max;
	http->idle = calloc(http->max + 1, sizeof(CURL *));
	http->share = curl_share_init();
	http->up.rate = conf->send_rate;
	http->down.rate = conf->receive_rate;
	if (!keep(&http->user_agent, conf->user_agent) ||
	    !keep_path(&http->ca_file, conf->ca_file) ||
	    !keep_path(&http->client_cert, conf->client_cert) ||
	    !keep_path(&http->client_key, conf->client_key) || !keep(&http->proxy, conf->proxy) ||
	    !(http->tls = new_tls(http->ca_file)) || !http->idle || !http->share) {
		http_free(http);
		return -ENOMEM;
	}
	curl_share_setopt(http->share, CURLSHOPT_LOCKFUNC, lock_shared);
	curl_share_setopt(http->share, CURLSHOPT_UNLOCKFUNC, unlock_shared);
	curl_share_setopt(http->share, CURLSHOPT_USERDATA, http);
	curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	*out = http;
	return 0;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	while (http->n > 0)
		curl_easy_cleanup(http->idle[--http->n]);
	curl_share_cleanup(http->share);
	for (int i = 0; i < CURL_LOCK_DATA_LAST; i++)
		pthread_mutex_destroy(&http->shared[i]);
	pthread_mutex_destroy(&http->lock);
	pthread_mutex_destroy(&http->pace_lock);
	tls_free(http->tls);
	free(http->idle);
	free(http->user_agent);
	free(http->ca_file);
	free(http->client_cert);
	free(http->client_key);
	free(http->proxy);
	free(http);
}

static CURL *take_handle(struct http *http)
{
	CURL *easy = NULL;

	pthread_mutex_lock(&http->lock);
	if (http->n > 0)
		easy = http->idle[--http->n];
	pthread_mutex_unlock(&http->lock);
	return easy ? easy : curl_easy_init();
}

static void give_handle(struct http *http, CURL *easy)
{
	curl_easy_reset(easy); /* keeps the connection */
	pthread_mutex_lock(&http->lock);
	if (http->n < http->max) {
		http->idle[http->n++] = easy;
		easy = NULL;
	}
	pthread_mutex_unlock(&http->lock);
	if (easy)
		curl_easy_cleanup(easy);
}

/* -------------------------------------------------------------- callbacks */

/* Copies between bytes and iov beginning at byte `at` of iov; returns how many.
 * Exactly one of from and to is set. What goes to no place is skipped. */
static size_t copy_iov(const struct iovec *iov, int iovcnt, uint64_t at, char *to, const char *from,
                       size_t n)
{
	size_t done = 0;

	for (int i = 0; i < iovcnt && done < n; i++) {
		size_t chunk;

		if (at >= iov[i].iov_len) {
			at -= iov[i].iov_len;
			continue;
		}
		chunk = iov[i].iov_len - at < n - done ? iov[i].iov_len - at : n - done;
		if (to)
			memcpy(to + done, (char *)iov[i].iov_base + at, chunk);
		else if (iov[i].iov_base)
			memcpy((char *)iov[i].iov_base + at, from + done, chunk);
		done += chunk;
		at = 0;
	}
	return done;
}

static bool is_cancelled(const struct exchange *x)
{
	return x->request->cancel && atomic_load(x->request->cancel);
}

/* Waits until n bytes may move. False: it was cancelled meanwhile. */
static bool keep_pace(struct exchange *x, struct pace *pace, size_t n)
{
	struct timespec t;
	int64_t wait_us;

	if (!pace->rate)
		return true;
	pthread_mutex_lock(&x->http->pace_lock);
	clock_gettime(CLOCK_MONOTONIC, &t);
	wait_us = pace_take(pace, t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000, n);
	pthread_mutex_unlock(&x->http->pace_lock);
	x->paced_us += wait_us;
	while (wait_us > 0 && !is_cancelled(x)) {
		usleep((useconds_t)(wait_us < CANCEL_LOOK_US ? wait_us : CANCEL_LOOK_US));
		wait_us -= CANCEL_LOOK_US;
	}
	if (!is_cancelled(x))
		return true;
	x->verdict = HTTP_CANCELLED;
	return false;
}

static size_t on_read(char *to, size_t size, size_t count, void *ctx)
{
	struct exchange *x = ctx;
	const struct s3_body *body = x->request->body;
	size_t n;

	if (!body)
		return 0;
	n = copy_iov(body->iov, body->iovcnt, x->body_at, to, NULL,
	             pace_chunk(&x->http->up, size * count));
	if (!keep_pace(x, &x->http->up, n))
		return CURL_READFUNC_ABORT;
	x->body_at += n;
	x->answer->sent += n;
	if (x->request->sent)
		atomic_fetch_add(x->request->sent, n);
	return n;
}

/* Before each time that it is sent. */
static int on_start(void *ctx, char *to_ip, char *from_ip, int to_port, int from_port)
{
	struct exchange *x = ctx;

	(void)to_ip, (void)from_ip, (void)to_port, (void)from_port;
	x->answer->resent = x->starts++;
	return CURL_PREREQFUNC_OK;
}

/* curl sends again from the start when a kept connection turns out to be dead. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
	struct exchange *x = ctx;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > x->body_at)
		return CURL_SEEKFUNC_CANTSEEK;
	if (x->request->sent)
		atomic_fetch_sub(x->request->sent, x->body_at - (uint64_t)offset);
	x->answer->sent -= x->body_at - (uint64_t)offset;
	x->body_at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t on_write(char *from, size_t size, size_t count, void *ctx)
{
	struct exchange *x = ctx;
	const struct http_request *r = x->request;
	struct http_answer *a = x->answer;
	size_t n = size * count;

	if (r->into && (a->status == 200 || a->status == 206)) {
		if (n > x->into_size - r->into_skip - a->received) {
			x->verdict = HTTP_OVERFLOW;
			return 0;
		}
		copy_iov(r->into, r->intocnt, r->into_skip + a->received, NULL, from, n);
	} else {
		size_t max = a->status >= 300 ? HTTP_ERROR_MAX : HTTP_BODY_MAX;

		if (a->body.len > max || n > max - a->body.len) {
			x->verdict = HTTP_OVERFLOW;
			return 0;
		}
		buf_add(&a->body, from, n);
		if (buf_error(&a->body)) {
			x->verdict = HTTP_NO_MEMORY;
			return 0;
		}
	}
	a->received += n;
	return !r->into || keep_pace(x, &x->http->down, n) ? n : 0;
}

/* "name: value", not terminated. A line that is no header is passed over. */
static int keep_header(struct s3_headers *headers, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	char *copy, *value;
	int err;

	if (!colon || memchr(line, '\0', n))
		return 0;
	while (n > 0 && strchr(" \t\r\n", line[n - 1]))
		n--;
	copy = strndup(line, n);
	if (!copy)
		return -ENOMEM;
	value = copy + (colon - line);
	*value++ = '\0';
	value += strspn(value, " \t");
	err = s3_headers_set(headers, copy, value);
	free(copy);
	return err == -ENOMEM ? err : 0;
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
	struct exchange *x = ctx;
	struct http_answer *a = x->answer;
	size_t n = size * count;

	x->header_bytes += n;
	if (x->header_bytes > HEADER_BYTES_MAX || a->headers.n >= HEADERS_MAX) {
		x->verdict = HTTP_OVERFLOW;
		return 0;
	}
	if (n > 9 && strncasecmp(line, "HTTP/", 5) == 0) {
		/* A new answer: what came before was an interim one. */
		const char *space = memchr(line, ' ', n);

		s3_headers_fini(&a->headers);
		a->status = space ? atoi(space + 1) : 0;
		x->headed = false;
	} else if (n > 0 && (line[0] == '\r' || line[0] == '\n')) {
		x->headed = true;
	} else if (keep_header(&a->headers, line, n) != 0) {
		x->verdict = HTTP_NO_MEMORY;
		return 0;
	}
	return n;
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct exchange *x = ctx;

	(void)purpose;
	x->fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
	x->no_files = x->fd < 0 && (errno == EMFILE || errno == ENFILE);
	return x->fd;
}

/* What the kernel has taken, and the other side has not acknowledged. */
static curl_off_t unsent(const struct exchange *x)
{
	int n = 0;

	return x->fd != CURL_SOCKET_BAD && ioctl(x->fd, SIOCOUTQ, &n) == 0 ? n : 0;
}

/* Enough bytes have to move in each stall timeout, so that who lets them drip
 * does not hold us. Small answers have to be there when it is over. */
static int on_progress(void *ctx, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal,
                       curl_off_t ulnow)
{
	struct exchange *x = ctx;
	curl_off_t bytes = dlnow + ulnow - unsent(x);
	struct timespec now;
	int64_t idle_ms, enough;

	(void)dltotal, (void)ultotal;
	if (is_cancelled(x)) {
		x->verdict = HTTP_CANCELLED;
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	enough = (int64_t)x->request->stall_timeout_ms * LEAST_SPEED / 1000;
	if (bytes - x->moved_bytes >= enough) {
		x->moved_bytes = bytes;
		x->moved = now;
		x->paced_us = 0;
		return 0;
	}
	if (bytes < x->moved_bytes)
		x->moved_bytes = bytes; /* sent again from the start */
	idle_ms = (now.tv_sec - x->moved.tv_sec) * INT64_C(1000) +
	          (now.tv_nsec - x->moved.tv_nsec) / 1000000 - x->paced_us / 1000;
	if (idle_ms < (int64_t)x->request->stall_timeout_ms)
		return 0;
	x->verdict = HTTP_TIMEOUT;
	return 1;
}

/* --------------------------------------------------------------- exchange */

static bool add_line(struct exchange *x, const char *name, const char *value)
{
	struct buf line = BUF_INIT;
	struct curl_slist *more = NULL;

	/* In curl's lists "name:" takes a header out; "name;" sends it empty. */
	if (!value)
		buf_addf(&line, "%s:", name);
	else if (*value)
		buf_addf(&line, "%s: %s", name, value);
	else
		buf_addf(&line, "%s;", name);
	if (!buf_error(&line))
		more = curl_slist_append(x->lines, line.s);
	buf_fini(&line);
	if (more)
		x->lines = more;
	return more;
}

static bool add_lines(struct exchange *x)
{
	const struct s3_headers *h = x->request->headers;
	bool ok = add_line(x, "Expect", NULL) && add_line(x, "Accept", NULL);

	for (size_t i = 0; ok && i < h->n; i++)
		ok = add_line(x, h->v[i].name, h->v[i].value);
	return ok;
}

/* As SSL_CTX_FUNCTION. */
static CURLcode on_tls(CURL *easy, void *context, void *ctx)
{
	struct http *http = ctx;
	X509_STORE *store = tls_authorities(http->tls);

	(void)easy;
	if (!store)
		return CURLE_SSL_CACERT_BADFILE;
	SSL_CTX_set_cert_store(context, store);
	/* Most connections wait most of the time, and would keep 34 KB meanwhile. */
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	return CURLE_OK;
}

/* Where that cannot be done curl does it, or says why not. */
static void set_authorities(struct http *http, CURL *easy)
{
	X509_STORE *store = has_tls_proxy(http) ? NULL : tls_authorities(http->tls);

	X509_STORE_free(store);
	if (store && curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls) == CURLE_OK) {
		curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, http);
		curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	} else if (http->ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
}

static void set_transport(struct http *http, CURL *easy, const struct http_request *r)
{
	curl_easy_setopt(easy, CURLOPT_SHARE, http->share);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_DEFAULT_PROTOCOL, "https");
	/* One transfer a connection is the fastest for large bodies. */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_MAXCONNECTS, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_timeout_ms);
	if (http->user_agent)
		curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
	if (!strncasecmp(r->url, "https:", 6))
		set_authorities(http, easy);
	if (http->client_cert)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, http->client_cert);
	if (http->client_cert || http->client_key)
		curl_easy_setopt(easy, CURLOPT_SSLKEY,
		                 http->client_key ? http->client_key : http->client_cert);
	if (r->direct) {
		curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	} else if (http->proxy) {
		curl_easy_setopt(easy, CURLOPT_PROXY, http->proxy);
		curl_easy_setopt(easy, CURLOPT_NOPROXY, ""); /* it was asked for by name */
	}
}

static void set_request(CURL *easy, struct exchange *x)
{
	const struct http_request *r = x->request;
	bool upload = strcmp(r->method, "PUT") == 0 || strcmp(r->method, "POST") == 0;
	bool much_up = r->body && r->body->size > CURL_BUFFER_BYTES;
	bool much_down = x->into_size > CURL_BUFFER_BYTES;

	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
	                 much_down ? CURL_BUFFER_BYTES : CURL_BUFFER_SMALL);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE,
	                 much_up ? CURL_BUFFER_BYTES : CURL_BUFFER_SMALL);
	curl_easy_setopt(easy, CURLOPT_URL, r->url);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* keys may hold "/../" */
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, x->lines);
	if (strcmp(r->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	} else if (upload) {
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
		                 (curl_off_t)(r->body ? r->body->size : 0));
	}
	if (strcmp(r->method, "HEAD") != 0)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r->method);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_start);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, x);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(easy, CURLOPT_READDATA, x);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, x);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, x);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, x);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

static enum http_result result_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return HTTP_OK;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return HTTP_RESOLVE;
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PROXY:
	case CURLE_SSL_CACERT_BADFILE: /* it was there: no more open files? */
		return HTTP_CONNECT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return HTTP_UNTRUSTED;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_TIMEOUT;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_AGAIN:
		return HTTP_BROKEN;
	case CURLE_OUT_OF_MEMORY:
		return HTTP_NO_MEMORY;
	default:
		return HTTP_FAILED;
	}
}

#define TOO_LARGE ((CURLcode)100) /* CURLE_TOO_LARGE, which libcurl has since 8.6 */

static bool is_reused(CURL *easy)
{
	long made = 0;

	return curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &made) == CURLE_OK && made == 0;
}

static enum http_result run(struct http *http, struct exchange *x, char *message)
{
	CURL *easy = take_handle(http);
	enum http_result result;
	CURLcode code;

	if (!easy)
		return HTTP_NO_MEMORY;
	if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &x->fd) != CURLE_OK)
		x->fd = CURL_SOCKET_BAD;
	set_transport(http, easy, x->request);
	set_request(easy, x);
	message[0] = '\0';
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, message);
	code = curl_easy_perform(easy);
	/* On a connection that served before, these are remains of an earlier answer. */
	if (code == CURLE_UNSUPPORTED_PROTOCOL && x->starts && is_reused(easy))
		code = CURLE_WEIRD_SERVER_REPLY;
	/* So curl calls it, too, when a line of the header has no end. */
	if ((code == CURLE_OUT_OF_MEMORY || code == TOO_LARGE) && x->answer->status)
		x->verdict = HTTP_OVERFLOW;
	if (code == CURLE_COULDNT_CONNECT && x->no_files)
		x->verdict = HTTP_NO_FILES;
	result = x->verdict != HTTP_OK ? x->verdict : result_of(code);
	if (x->verdict == HTTP_NO_FILES)
		strcpy(message, "no more files may be open: raise the limit (ulimit -n)");
	else if (x->verdict == HTTP_TIMEOUT)
		strcpy(message, "too little moved for too long");
	else if (x->verdict == HTTP_OVERFLOW)
		strcpy(message, "more was answered than there may be");
	else if (result != HTTP_OK && (!message[0] || x->verdict != HTTP_OK))
		strcpy(message, curl_easy_strerror(code));
	give_handle(http, easy);
	return result;
}

enum http_result http_perform(struct http *http, const struct http_request *request,
                              struct http_answer *answer, char message[256])
{
	struct exchange x = {.http = http, .request = request, .answer = answer};
	char text[CURL_ERROR_SIZE] = "";
	enum http_result result = HTTP_NO_MEMORY;

	*answer = (struct http_answer){.body = BUF_INIT};
	for (int i = 0; i < request->intocnt; i++)
		x.into_size += request->into[i].iov_len;
	clock_gettime(CLOCK_MONOTONIC, &x.moved);
	if (add_lines(&x))
		result = run(http, &x, text);
	curl_slist_free_all(x.lines);
	/* To curl, a connection that ends among the headers is an answer. */
	if (result == HTTP_OK && !x.headed)
		result = HTTP_BROKEN;
	snprintf(message, 256, "%.255s", text);
	return result;
}

void http_answer_fini(struct http_answer *a)
{
	s3_headers_fini(&a->headers);
	buf_fini(&a->body);
}
