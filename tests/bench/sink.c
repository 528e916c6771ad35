/* SPDX-License-Identifier: MIT */
/*
 * sink [-n NAMES [-d EACH]] [-l MS] [-b MB] - an S3 service that answers at once and keeps no
 * byte: what is left of the time is the client's own. On loopback; prints "port N".
 *
 * -l and -b put it at the end of a line: each answer begins MS milliseconds later, and
 * all connections together get MB megabytes a second each way. How TCP finds out what
 * a line carries is not emulated.
 *
 * It knows how long what was put is, and reads of it are zeros. It checks nothing.
 * The folder "names/" has NAMES empty objects; "tree/" has as many in folders, EACH in
 * one of them (50).
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <search.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX   (64U << 10)
#define PIECE      (1U << 20)
#define LINE_PIECE (64U << 10)
#define PARTS_MAX  10000
#define PAGE       1000

struct object {
	char *key;
	uint64_t size;
};

struct upload {
	char *id;
	uint64_t sizes[PARTS_MAX + 1];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *objects, *uploads; /* trees (tsearch) */
static unsigned names, each = 50, ids;
static const char zeros[PIECE];
static unsigned latency_ms, rate; /* of the line; rate: bytes a microsecond, 0: any */

struct request {
	char *method, *key, *headers;
	char query[4096]; /* "&" before each of them */
	uint64_t length;  /* of the body */
};

struct connection {
	int fd;
	size_t have; /* bytes that have come, and are not used up */
	char in[HEAD_MAX], head[HEAD_MAX];
	char piece[PIECE];
};

/* ------------------------------------------------------------------ the line */

enum way { UP, DOWN };

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* n bytes go over the line, when those before them have. */
static void travel(enum way way, size_t n)
{
	static uint64_t free_us[2];
	uint64_t now, until;

	if (!rate)
		return;
	pthread_mutex_lock(&lock);
	now = now_us();
	if (free_us[way] < now)
		free_us[way] = now;
	until = free_us[way] += n / rate;
	pthread_mutex_unlock(&lock);
	if (until > now)
		usleep((useconds_t)(until - now));
}

/* ----------------------------------------------------------------- the state */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The entry of that name, made if need be. With the lock. */
static void *entry(void **tree, const char *name, size_t size)
{
	void **found = tfind(&name, tree, compare);
	char **new;

	if (found)
		return *found;
	new = calloc(1, size);
	if (!new || !(*new = strdup(name)) || !tsearch(new, tree, compare))
		err(1, "memory");
	return new;
}

static void object_set(const char *key, uint64_t size)
{
	pthread_mutex_lock(&lock);
	((struct object *)entry(&objects, key, sizeof(struct object)))->size = size;
	pthread_mutex_unlock(&lock);
}

/* One of those that are always there. */
static bool is_name(const char *key)
{
	unsigned folder, i;

	return sscanf(key, "names/%u", &i) == 1 || sscanf(key, "tree/%u/%u", &folder, &i) == 2;
}

static bool object_size(const char *key, uint64_t *size)
{
	struct object **found;

	*size = 0;
	if (is_name(key))
		return true;
	pthread_mutex_lock(&lock);
	found = tfind(&key, &objects, compare);
	if (found)
		*size = (*found)->size;
	pthread_mutex_unlock(&lock);
	return found != NULL;
}

static void object_remove(const char *key)
{
	struct object **found, *o = NULL;

	pthread_mutex_lock(&lock);
	found = tfind(&key, &objects, compare);
	if (found) {
		o = *found;
		tdelete(&key, &objects, compare);
	}
	pthread_mutex_unlock(&lock);
	if (o)
		free(o->key);
	free(o);
}

static void part_set(const char *id, unsigned number, uint64_t size)
{
	if (!number || number > PARTS_MAX)
		return;
	pthread_mutex_lock(&lock);
	((struct upload *)entry(&uploads, id, sizeof(struct upload)))->sizes[number] = size;
	pthread_mutex_unlock(&lock);
}

/* All that the upload has, and it is gone. */
static uint64_t upload_end(const char *id)
{
	struct upload **found, *u = NULL;
	uint64_t size = 0;

	pthread_mutex_lock(&lock);
	found = tfind(&id, &uploads, compare);
	if (found) {
		u = *found;
		tdelete(&id, &uploads, compare);
	}
	pthread_mutex_unlock(&lock);
	for (unsigned i = 1; u && i <= PARTS_MAX; i++)
		size += u->sizes[i];
	if (u)
		free(u->id);
	free(u);
	return size;
}

/* --------------------------------------------------------------- the requests */

static int hex(int c)
{
	return isdigit(c) ? c - '0' : (tolower(c) - 'a' + 10) & 15;
}

static void percent_decode(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '%' && s[1] && s[2]) {
			*to++ = (char)(hex((unsigned char)s[1]) * 16 + hex((unsigned char)s[2]));
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* A header's or a parameter's value, up to one of the ends. "": it has none. */
static const char *value_of(const char *in, const char *name, const char *ends, char *to, size_t n)
{
	const char *at = strcasestr(in, name);
	size_t len;

	*to = '\0';
	if (!at)
		return NULL;
	at += strlen(name);
	at += strspn(at, " ");
	len = strcspn(at, ends);
	snprintf(to, n, "%.*s", (int)len, at);
	return to;
}

static bool param(const struct request *r, const char *name, char *to, size_t n)
{
	char found[64];

	snprintf(found, sizeof found, "&%s", name);
	return value_of(r->query, found, "&", to, n) != NULL;
}

static void used(struct connection *c, size_t n)
{
	c->have -= n;
	memmove(c->in, c->in + n, c->have);
}

/* false: the connection is at its end. */
static bool read_head(struct connection *c)
{
	char *end;

	while (!(end = memmem(c->in, c->have, "\r\n\r\n", 4))) {
		ssize_t n =
			c->have < HEAD_MAX ? read(c->fd, c->in + c->have, HEAD_MAX - c->have) : 0;

		if (n <= 0)
			return false;
		c->have += (size_t)n;
	}
	memcpy(c->head, c->in, (size_t)(end - c->in));
	c->head[end - c->in] = '\0';
	used(c, (size_t)(end + 4 - c->in));
	return true;
}

/* "PUT /bucket/key?query HTTP/1.1" and headers. */
static bool parse(char *head, struct request *r)
{
	char *target = strchr(head, ' '), *query, text[32];

	r->method = head;
	r->headers = strstr(head, "\r\n");
	if (!target || !r->headers || target > r->headers)
		return false;
	*r->headers++ = '\0';
	*target++ = '\0';
	target[strcspn(target, " ")] = '\0';
	query = strchr(target, '?');
	snprintf(r->query, sizeof r->query, "&%s", query ? query + 1 : "");
	if (query)
		*query = '\0';
	r->key = *target ? strchr(target + 1, '/') : NULL;
	r->key = r->key ? r->key + 1 : target + strlen(target);
	percent_decode(r->key);
	value_of(r->headers, "\ncontent-length:", "\r", text, sizeof text);
	r->length = strtoull(text, NULL, 10);
	return true;
}

static bool skip_body(struct connection *c, uint64_t left)
{
	size_t here = left < c->have ? (size_t)left : c->have;

	used(c, here);
	for (left -= here; left;) {
		ssize_t n = read(c->fd, c->piece, left < PIECE ? (size_t)left : PIECE);

		if (n <= 0)
			return false;
		travel(UP, (size_t)n);
		left -= (uint64_t)n;
	}
	return true;
}

/* ---------------------------------------------------------------- the answers */

static bool send_all(int fd, const char *s, uint64_t n)
{
	while (n) {
		ssize_t done = send(fd, s, n, MSG_NOSIGNAL);

		if (done <= 0)
			return false;
		s += done;
		n -= (uint64_t)done;
	}
	return true;
}

static bool answer(int fd, const char *status, const char *headers, const char *body)
{
	char *text;
	int n = asprintf(&text, "HTTP/1.1 %s\r\nServer: sink\r\nContent-Length: %zu\r\n%s\r\n%s",
	                 status, strlen(body), headers, body);
	bool good = n > 0 && send_all(fd, text, (uint64_t)n);

	if (n > 0)
		free(text);
	return good;
}

static bool answer_zeros(int fd, const struct request *r, uint64_t size)
{
	char range[64], *head;
	unsigned long long from = 0, to = size ? size - 1 : 0;
	bool ranged = value_of(r->headers, "\nrange:", "\r", range, sizeof range) &&
	              sscanf(range, "bytes=%llu-%llu", &from, &to) == 2;
	uint64_t len;
	bool good;
	int n;

	if (ranged && from >= size)
		return answer(fd, "416 Range", "", "");
	if (to >= size)
		to = size ? size - 1 : 0;
	len = size ? to - from + 1 : 0;
	n = asprintf(&head,
	             "HTTP/1.1 %s\r\nContent-Length: %llu\r\nETag: \"sink-%llu\"\r\n"
	             "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
	             "Content-Range: bytes %llu-%llu/%llu\r\n\r\n",
	             ranged ? "206 Part" : "200 OK", (unsigned long long)len,
	             (unsigned long long)size, from, to, (unsigned long long)size);
	good = n > 0 && send_all(fd, head, (uint64_t)n);
	if (n > 0)
		free(head);
	if (!strcmp(r->method, "HEAD"))
		return good;
	while (good && len) {
		size_t piece = rate ? LINE_PIECE : PIECE;

		piece = len < piece ? (size_t)len : piece;
		travel(DOWN, piece);
		good = send_all(fd, zeros, piece);
		len -= piece;
	}
	return good;
}

/* How many names the folder has; *folders: they are folders themselves. */
static unsigned names_in(const char *prefix, bool *folders)
{
	*folders = !strcmp(prefix, "tree/");
	if (*folders)
		return (names + each - 1) / each;
	return !strcmp(prefix, "names/") ? names : !strncmp(prefix, "tree/", 5) ? each : 0;
}

static void write_name(FILE *f, const char *prefix, unsigned i, bool folder)
{
	if (folder)
		fprintf(f, "<CommonPrefixes><Prefix>%s%07u/</Prefix></CommonPrefixes>", prefix, i);
	else
		fprintf(f,
		        "<Contents><Key>%s%07u</Key><Size>0</Size>"
		        "<LastModified>2026-01-01T00:00:00.000Z</LastModified>"
		        "<ETag>\"sink-0\"</ETag></Contents>",
		        prefix, i);
}

static bool answer_list(int fd, const struct request *r)
{
	char text[256], prefix[256], *body;
	size_t size;
	FILE *f = open_memstream(&body, &size);
	unsigned max = param(r, "max-keys=", text, sizeof text) ? (unsigned)atoi(text) : PAGE;
	unsigned at = 0, all;
	bool folders, good;

	if (!f)
		return false;
	param(r, "prefix=", prefix, sizeof prefix);
	percent_decode(prefix);
	if (param(r, "continuation-token=", text, sizeof text)) {
		at = (unsigned)atoi(text);
	} else if (param(r, "start-after=", text, sizeof text)) {
		percent_decode(text);
		if (!strncmp(text, prefix, strlen(prefix)) && isdigit(text[strlen(prefix)]))
			at = (unsigned)atoi(text + strlen(prefix)) + 1;
	}
	fputs("<ListBucketResult><EncodingType>url</EncodingType>", f);
	all = names_in(prefix, &folders);
	for (; max && at < all; max--, at++)
		write_name(f, prefix, at, folders);
	if (at < all)
		fprintf(f,
		        "<IsTruncated>true</IsTruncated>"
		        "<NextContinuationToken>%u</NextContinuationToken>",
		        at);
	if (names && !*prefix)
		fputs("<CommonPrefixes><Prefix>names/</Prefix></CommonPrefixes>"
		      "<CommonPrefixes><Prefix>tree/</Prefix></CommonPrefixes>",
		      f);
	fputs("</ListBucketResult>", f);
	fclose(f);
	good = answer(fd, "200 OK", "", body);
	free(body);
	return good;
}

static bool copied(int fd, const struct request *r, const char *from, const char *id,
                   unsigned number)
{
	const char *root = number ? "CopyPartResult" : "CopyObjectResult";
	char key[2048], range[64], body[256];
	unsigned long long first, last;
	uint64_t size;

	from += *from == '/';
	from = strchr(from, '/') ? strchr(from, '/') + 1 : from;
	snprintf(key, sizeof key, "%s", from);
	percent_decode(key);
	if (!object_size(key, &size))
		return answer(fd, "404 Not Found", "", "<Error><Code>NoSuchKey</Code></Error>");
	if (value_of(r->headers, "\nx-amz-copy-source-range:", "\r", range, sizeof range) &&
	    sscanf(range, "bytes=%llu-%llu", &first, &last) == 2)
		size = last - first + 1;
	if (number)
		part_set(id, number, size);
	else
		object_set(r->key, size);
	snprintf(body, sizeof body, "<%s><ETag>\"sink-%llu\"</ETag></%s>", root,
	         (unsigned long long)size, root);
	return answer(fd, "200 OK", "", body);
}

static bool put(int fd, const struct request *r)
{
	char id[64], number[16], from[2048], etag[64];
	unsigned n = param(r, "partNumber=", number, sizeof number) ? (unsigned)atoi(number) : 0;

	param(r, "uploadId=", id, sizeof id);
	if (value_of(r->headers, "\nx-amz-copy-source:", "\r", from, sizeof from))
		return copied(fd, r, from, id, n);
	if (n)
		part_set(id, n, r->length);
	else
		object_set(r->key, r->length);
	snprintf(etag, sizeof etag, "ETag: \"sink-%llu\"\r\n", (unsigned long long)r->length);
	return answer(fd, "200 OK", etag, "");
}

static bool post(int fd, const struct request *r)
{
	char id[64], body[256];
	uint64_t size;

	if (param(r, "delete", id, sizeof id))
		return answer(fd, "200 OK", "", "<DeleteResult></DeleteResult>");
	if (!param(r, "uploadId=", id, sizeof id)) {
		snprintf(body, sizeof body,
		         "<InitiateMultipartUploadResult><UploadId>%u</UploadId>"
		         "</InitiateMultipartUploadResult>",
		         __atomic_add_fetch(&ids, 1, __ATOMIC_RELAXED));
		return answer(fd, "200 OK", "", body);
	}
	size = upload_end(id);
	object_set(r->key, size);
	snprintf(body, sizeof body,
	         "<CompleteMultipartUploadResult><ETag>\"sink-%llu\"</ETag>"
	         "</CompleteMultipartUploadResult>",
	         (unsigned long long)size);
	return answer(fd, "200 OK", "", body);
}

static bool act(int fd, const struct request *r)
{
	char text[64];
	uint64_t size;

	if (latency_ms)
		usleep(latency_ms * 1000);
	if (!strcmp(r->method, "PUT"))
		return put(fd, r);
	if (!strcmp(r->method, "POST"))
		return post(fd, r);
	if (!strcmp(r->method, "DELETE")) {
		if (param(r, "uploadId=", text, sizeof text))
			upload_end(text);
		else
			object_remove(r->key);
		return answer(fd, "204 No Content", "", "");
	}
	if (!*r->key)
		return answer_list(fd, r);
	if (object_size(r->key, &size))
		return answer_zeros(fd, r, size);
	return answer(fd, "404 Not Found", "",
	              strcmp(r->method, "HEAD") ? "<Error><Code>NoSuchKey</Code></Error>" : "");
}

static void *serve(void *arg)
{
	struct connection *c = arg;
	struct request r;

	while (read_head(c) && parse(c->head, &r) && skip_body(c, r.length) && act(c->fd, &r))
		continue;
	close(c->fd);
	free(c);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	int service = socket(AF_INET, SOCK_STREAM, 0), on = 1, option;

	while ((option = getopt(argc, argv, "n:d:l:b:")) != -1) {
		if (option == 'n')
			names = (unsigned)atoi(optarg);
		else if (option == 'd' && atoi(optarg) > 0)
			each = (unsigned)atoi(optarg);
		else if (option == 'l')
			latency_ms = (unsigned)atoi(optarg);
		else if (option == 'b')
			rate = (unsigned)atoi(optarg);
		else
			errx(2, "usage: sink [-n NAMES [-d EACH]] [-l MS] [-b MB]");
	}
	if (bind(service, (struct sockaddr *)&at, size) || listen(service, 256) ||
	    getsockname(service, (struct sockaddr *)&at, &size))
		err(1, "cannot listen");
	printf("port %u\n", ntohs(at.sin_port));
	fflush(stdout);
	for (;;) {
		struct connection *c = malloc(sizeof *c);
		pthread_t thread;

		if (!c)
			err(1, "memory");
		c->have = 0;
		c->fd = accept(service, NULL, NULL);
		if (c->fd < 0)
			err(1, "accept");
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		if (pthread_create(&thread, NULL, serve, c))
			errx(1, "no thread");
		pthread_detach(thread);
	}
}
