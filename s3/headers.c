/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A token of RFC 9110, section 5.6.2. */
static bool good_name(const char *s)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return *s && s[strspn(s, token)] == '\0';
}

static bool good_value(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

static struct s3_header *find(const struct s3_headers *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcasecmp(h->v[i].name, name) == 0)
			return &h->v[i];
	return NULL;
}

static char *lower(const char *s)
{
	char *copy = strdup(s);

	for (char *c = copy; c && *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

int s3_headers_set(struct s3_headers *h, const char *name, const char *value)
{
	struct s3_header *old, one;

	if (!good_name(name) || !good_value(value))
		return -EINVAL;
	one.value = strdup(value);
	if (!one.value)
		return -ENOMEM;
	old = find(h, name);
	if (old) {
		free(old->value);
		old->value = one.value;
		return 0;
	}
	one.name = lower(name);
	old = one.name ? reallocarray(h->v, h->n + 1, sizeof(*h->v)) : NULL;
	if (!old) {
		free(one.name);
		free(one.value);
		return -ENOMEM;
	}
	h->v = old;
	h->v[h->n++] = one;
	return 0;
}

const char *s3_headers_get(const struct s3_headers *h, const char *name)
{
	const struct s3_header *at = find(h, name);

	return at ? at->value : NULL;
}

void s3_headers_remove(struct s3_headers *h, const char *name)
{
	struct s3_header *at = find(h, name);

	if (!at)
		return;
	free(at->name);
	free(at->value);
	h->n--;
	memmove(at, at + 1, (size_t)(h->v + h->n - at) * sizeof(*at));
}

int s3_headers_copy(struct s3_headers *to, const struct s3_headers *from)
{
	struct s3_headers copy = {0};

	for (size_t i = 0; i < from->n; i++) {
		int err = s3_headers_set(&copy, from->v[i].name, from->v[i].value);

		if (err) {
			s3_headers_fini(&copy);
			return err;
		}
	}
	s3_headers_fini(to);
	*to = copy;
	return 0;
}

void s3_headers_fini(struct s3_headers *h)
{
	for (size_t i = 0; i < h->n; i++) {
		free(h->v[i].name);
		free(h->v[i].value);
	}
	free(h->v);
	*h = (struct s3_headers){0};
}

void s3_object_fini(struct s3_object *o)
{
	s3_headers_fini(&o->headers);
	*o = (struct s3_object){0};
}
