/* SPDX-License-Identifier: MIT */
/*
 * http.h - one blocking HTTP exchange; the only user of libcurl.
 *
 * A struct http keeps easy handles, last in first out, each with its own
 * kept-alive connection; resolved names and TLS sessions are shared among them.
 * No redirects are followed, no answer is kept beyond its bound. SIGPIPE is ignored from http_new()
 * on, unless the program handles it.
 *
 * Threads   http_perform() from any.
 */
#ifndef POURFS_HTTP_H
#define POURFS_HTTP_H

#include "buf.h"
#include "s3.h"

struct http;

struct http_conf {
	const char *user_agent;               /* NULL: none is sent */
	const char *ca_file;                  /* NULL: the system's */
	const char *client_cert, *client_key; /* PEM; NULL: none, or both in the first */
	const char *proxy;                    /* NULL: as the environment says; "": none */
	uint64_t send_rate, receive_rate;     /* bytes of bodies a second; 0: any */
	unsigned idle_max;                    /* connections kept open between calls */
};

/* Borrows nothing. -ENOMEM. */
int http_new(struct http **out, const struct http_conf *conf) s3_must_check;
void http_free(struct http *http);

struct http_request {
	const char *method; /* HEAD expects no body, PUT and POST always send one */
	const char *url;
	const struct s3_headers *headers; /* all that is sent, with Host */
	const struct s3_body *body;       /* NULL: none, or an empty one */
	/* Where the body of a 200 or 206 goes; other bodies, and all if into is
	 * NULL, go to the answer's bounded buffer. */
	const struct iovec *into;
	int intocnt;
	uint64_t into_skip; /* bytes of into that are filled already */
	unsigned connect_timeout_ms;
	unsigned stall_timeout_ms; /* less than 1 KiB/s, either way, for so long ends it */
	bool direct;               /* past any proxy */
	const atomic_bool *cancel; /* may be NULL */
	_Atomic uint64_t *sent;    /* may be NULL; see struct s3_call */
};

struct http_answer {
	int status;                /* 0: none came */
	unsigned resent;           /* how often curl sent the request again by itself */
	struct s3_headers headers; /* of the final answer */
	struct buf body;
	uint64_t sent;     /* body bytes handed out; still in *request->sent */
	uint64_t received; /* body bytes, those in into among them */
};
void http_answer_fini(struct http_answer *a);

enum http_result {
	HTTP_OK,        /* an answer came, whole; whatever its status */
	HTTP_RESOLVE,   /* no address for the name */
	HTTP_CONNECT,   /* no connection, or no TLS on it */
	HTTP_UNTRUSTED, /* the certificate is not good */
	HTTP_TIMEOUT,   /* connect or stall timeout */
	HTTP_BROKEN,    /* the connection ended too early */
	HTTP_OVERFLOW,  /* more was answered than there may be */
	HTTP_CANCELLED,
	HTTP_NO_MEMORY,
	HTTP_NO_FILES, /* this process may open no more */
	HTTP_FAILED,   /* anything else */
};

#define HTTP_BODY_MAX  (8U << 20)  /* of an answer that is not for into */
#define HTTP_ERROR_MAX (64U << 10) /* of one that says no */

/* One exchange. The answer is filled in as far as it came, whatever is
 * returned, and is to be ended with http_answer_fini(). message says in words
 * what went wrong. */
enum http_result http_perform(struct http *http, const struct http_request *request,
                              struct http_answer *answer, char message[256]);

#endif
