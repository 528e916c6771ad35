/* SPDX-License-Identifier: MIT */
#include "uri.h"

#include "buf.h"
#include "encode.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int compare_params(const void *a, const void *b)
{
	const struct uri_param *x = a, *y = b;
	int names = strcmp(x->name, y->name);

	return names ? names : strcmp(x->value, y->value);
}

void uri_add_query(struct buf *to, struct uri_param *v, size_t n)
{
	/* Names of S3's own parameters hold nothing that is encoded, so their
	 * order is that of their encoded forms. */
	if (n > 1)
		qsort(v, n, sizeof(*v), compare_params);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(to, '&');
		percent_encode(to, v[i].name, false);
		buf_addc(to, '=');
		percent_encode(to, v[i].value, false);
	}
}

/* The length of the host that s begins with; 0 if it is none. */
static size_t host_length(const char *s)
{
	size_t n;

	if (*s == '[') {
		n = 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");
		return n > 2 && s[n] == ']' ? n + 1 : 0;
	}
	n = 0;
	while (s[n] != '~' && percent_unreserved(s[n]))
		n++;
	return n;
}

static int parse_port(const char **s, unsigned *port)
{
	char *end;
	unsigned long n;

	if (**s != ':')
		return 0;
	if (!isdigit((unsigned char)(*s)[1]))
		return -EINVAL;
	n = strtoul(*s + 1, &end, 10);
	if (n < 1 || n > 65535)
		return -EINVAL;
	*port = (unsigned)n;
	*s = end;
	return 0;
}

static int parse_base(const char *s, char **base)
{
	size_t n = 0;

	if (*s && *s != '/')
		return -EINVAL;
	while (s[n] == '/' || percent_unreserved(s[n]))
		n++;
	if (s[n])
		return -EINVAL;
	while (n > 0 && s[n - 1] == '/')
		n--;
	*base = strndup(s, n);
	return *base ? 0 : -ENOMEM;
}

int uri_parse(struct uri *uri, const char *url)
{
	const char *s = url;
	size_t n;
	int err;

	*uri = (struct uri){.tls = true};
	if (strncasecmp(s, "https://", 8) == 0) {
		s += 8;
	} else if (strncasecmp(s, "http://", 7) == 0) {
		s += 7;
		uri->tls = false;
	} else if (strstr(s, "://")) {
		return -EINVAL;
	}
	n = host_length(s);
	if (n == 0 || n > 255)
		return -EINVAL;
	uri->host = strndup(s, n);
	if (!uri->host)
		return -ENOMEM;
	for (char *c = uri->host; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	s += n;
	err = parse_port(&s, &uri->port);
	if (!err)
		err = parse_base(s, &uri->base);
	if (err)
		uri_fini(uri);
	else if (uri->port == (uri->tls ? 443U : 80U))
		uri->port = 0; /* clients leave it out of the Host header, and so do we */
	return err;
}

void uri_fini(struct uri *uri)
{
	free(uri->host);
	free(uri->base);
	*uri = (struct uri){0};
}

void uri_add_authority(struct buf *to, const struct uri *uri, const char *bucket)
{
	if (bucket) {
		buf_adds(to, bucket);
		buf_addc(to, '.');
	}
	buf_adds(to, uri->host);
	if (uri->port)
		buf_addf(to, ":%u", uri->port);
}

void uri_add_path(struct buf *to, const struct uri *uri, const char *bucket, const char *key)
{
	buf_adds(to, uri->base);
	if (bucket) {
		buf_addc(to, '/');
		percent_encode(to, bucket, false);
	}
	if (key || !bucket)
		buf_addc(to, '/');
	if (key)
		percent_encode(to, key, true);
}
