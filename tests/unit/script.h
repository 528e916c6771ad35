/* SPDX-License-Identifier: MIT */
/* script.h - a service on loopback that answers from a script, for what no real
 * service does when asked. */
#ifndef POURFS_TEST_SCRIPT_H
#define POURFS_TEST_SCRIPT_H

#include "s3.h"

#include "buf.h"
#include "log.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWERS_MAX 8

/* One connection an answer, closed after it. NULL: closed without an answer. */
struct service {
	const char *answers[ANSWERS_MAX];
	int n;
	char requests[ANSWERS_MAX][4096];
	int served, fd;
	bool again;                        /* the last answer is given again and again */
	bool kept;                         /* the second comes on the connection of the first */
	bool sip;                          /* bodies are read slowly: 16 KiB each 50 ms */
	unsigned stall_timeout_s, drip_ms; /* a byte so often, instead of all at once */
	pthread_t thread;
	struct s3 *s3;
};

static inline void read_request(int fd, char *to, size_t size)
{
	size_t n = 0, want = size;
	ssize_t got;

	memset(to, 0, size);
	while (n < want && n < size - 1 && (got = read(fd, to + n, size - 1 - n)) > 0) {
		char *end, *length;

		n += (size_t)got;
		end = strstr(to, "\r\n\r\n");
		length = strcasestr(to, "\r\ncontent-length:");
		if (end)
			want = (size_t)(end + 4 - to) +
			       (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
	}
}

/* What does not fit to is read all the same. */
static inline void read_slowly(int fd, size_t n)
{
	char sip[16 << 10];
	ssize_t got;

	while (n > 0 && (got = read(fd, sip, n < sizeof(sip) ? n : sizeof(sip))) > 0) {
		n -= (size_t)got;
		usleep(50000);
	}
}

static inline void write_answer(const struct service *s, int fd, const char *answer)
{
	size_t n = strlen(answer), step = s->drip_ms ? 1 : n;

	for (size_t at = 0; at < n; at += step) {
		if (send(fd, answer + at, step, MSG_NOSIGNAL) < 0)
			break;
		usleep(1000 * s->drip_ms);
	}
}

static inline void *serve(void *ctx)
{
	struct service *s = ctx;

	for (int i = 0; s->again || i < s->n; i++) {
		int fd, at = i < s->n ? i : s->n - 1;

		while ((fd = accept(s->fd, NULL, NULL)) < 0 && errno == EMFILE)
			usleep(10000);
		if (fd < 0)
			break;
		read_request(fd, s->requests[at], sizeof(s->requests[at]));
		s->served++;
		if (s->sip) {
			const char *end = strstr(s->requests[at], "\r\n\r\n");

			read_slowly(fd, (1U << 20) - strlen(end + 4));
		}
		if (s->answers[at])
			write_answer(s, fd, s->answers[at]);
		if (s->kept && i == 0) {
			read_request(fd, s->requests[++i], sizeof(s->requests[i]));
			s->served++;
		}
		shutdown(fd, SHUT_WR);
		while (read(fd, &(char){0}, 1) > 0)
			continue;
		close(fd);
	}
	return NULL;
}

static inline void start(struct service *s)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	char url[64];
	struct s3_conf conf = {.bucket = "bkt",
	                       .endpoint = url,
	                       .retry_time_s = 20,
	                       .stall_timeout_s = s->stall_timeout_s};

	log_setup(LOG_LEVEL_ERROR, 0);
	setenv("AWS_ACCESS_KEY_ID", "A", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "S", 1);
	setenv("AWS_CONFIG_FILE", "/dev/null", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
	unsetenv("http_proxy");
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (s->sip) /* they inherit it */
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &(int){16 << 10}, sizeof(int));
	check(bind(s->fd, (struct sockaddr *)&at, size) == 0 && listen(s->fd, 8) == 0);
	check(getsockname(s->fd, (struct sockaddr *)&at, &size) == 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(at.sin_port));
	while (s->n < ANSWERS_MAX && s->answers[s->n])
		s->n++;
	for (int i = 0; i < s->n; i++)
		if (!*s->answers[i])
			s->answers[i] = NULL;
	pthread_create(&s->thread, NULL, serve, s);
	check_int(s3_new(&s->s3, &conf, NULL), 0);
}

/* Every answer was asked for. */
static inline void stop(struct service *s)
{
	s3_free(s->s3); /* ends its idle connections, which serve() waits for */
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	if (!s->again)
		check_int(s->served, s->n);
}

#define LOST        ""
#define HELLO_TWICE "616b22817b80eed9f65c3aa38cd29054"
#define EMPTY_200   "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"e1\"\r\n\r\n"

static inline int put(struct service *s, unsigned flags, struct s3_etag *etag, struct s3_call *call)
{
	struct iovec iov = {(char *)"hello", 5};
	struct s3_body body = {&iov, 1, 5};

	return s3_put(s->s3, "k", NULL, &body, flags, etag, call);
}

static inline ssize_t get(struct service *s, char *to, size_t n, struct s3_object *o)
{
	struct iovec iov[] = {{to, 3}, {to + 3, n - 3}};

	memset(to, 0, n + 1);
	return s3_get(s->s3, "k", 0, iov, 2, NULL, o, NULL);
}

/* A GET gets this answer, always. */
static inline void check_get(const char *answer, ssize_t want, int served)
{
	struct service s = {.answers = {answer}, .again = true};
	char got[11];

	start(&s);
	check_int(get(&s, got, 10, NULL), want);
	stop(&s);
	check_int(s.served, served);
}

#endif
