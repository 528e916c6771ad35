/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include <errno.h>
#include <libxml/parser.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void stop(struct walk *w, int err)
{
	if (!w->err)
		w->err = err;
	xmlStopParser(w->parser);
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *id, const xmlChar *uri)
{
	(void)name, (void)id, (void)uri;
	stop(ctx, -EIO);
}

static void on_begin(void *ctx, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
                     int nns, const xmlChar **ns, int nattr, int ndefault, const xmlChar **attr)
{
	struct walk *w = ctx;

	(void)prefix, (void)uri, (void)nns, (void)ns, (void)nattr, (void)ndefault, (void)attr;
	if (w->err)
		return;
	if (w->depth == WALK_DEPTH_MAX || strlen((const char *)local) > WALK_NAME_MAX) {
		stop(w, -EIO);
		return;
	}
	w->starts[w->depth] = w->path.len;
	if (w->depth++ == 0) {
		strcpy(w->root, (const char *)local);
		return;
	}
	if (w->path.len > 0)
		buf_addc(&w->path, '/');
	buf_adds(&w->path, (const char *)local);
	buf_clear(&w->text);
	if (buf_error(&w->path))
		stop(w, -ENOMEM);
	else if (w->begin)
		w->begin(w, w->path.s);
}

static void on_end(void *ctx, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	struct walk *w = ctx;

	(void)local, (void)prefix, (void)uri;
	if (w->err)
		return;
	if (buf_error(&w->text)) {
		stop(w, -ENOMEM);
		return;
	}
	if (w->depth > 1)
		w->end(w, w->path.s, w->text.s);
	if (w->err)
		xmlStopParser(w->parser);
	buf_clear(&w->text);
	w->path.len = w->starts[--w->depth];
	if (w->path.cap)
		w->path.s[w->path.len] = '\0';
}

static void on_text(void *ctx, const xmlChar *s, int n)
{
	struct walk *w = ctx;

	if (!w->err)
		buf_add(&w->text, s, (size_t)n);
}

static void on_message(void *ctx, const char *format, ...)
{
	(void)ctx, (void)format; /* the result says it */
}

static int parse(struct walk *w, const char *s, size_t n, const char *roots)
{
	xmlSAXHandler sax = {
		.initialized = XML_SAX2_MAGIC,
		.internalSubset = on_doctype,
		.startElementNs = on_begin,
		.endElementNs = on_end,
		.characters = on_text,
		.cdataBlock = on_text,
		.warning = on_message,
		.error = on_message,
	};
	/* libxml2 wants that before two threads use it. */
	static pthread_once_t ready = PTHREAD_ONCE_INIT;
	xmlParserCtxtPtr parser;
	char wanted[WALK_NAME_MAX + 2];

	pthread_once(&ready, xmlInitParser);
	w->path = w->text = (struct buf)BUF_INIT;
	if (n == 0 || n > INT_MAX)
		return -EIO;
	w->parser = parser = xmlCreatePushParserCtxt(&sax, w, NULL, 0, NULL);
	if (!parser)
		return -ENOMEM;
	xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlParseChunk(parser, s, (int)n, 1);
	if (!w->err && parser->errNo == XML_ERR_NO_MEMORY)
		w->err = -ENOMEM;
	if (!w->err && (!parser->wellFormed || w->depth != 0))
		w->err = -EIO;
	snprintf(wanted, sizeof(wanted), "%s ", w->root);
	if (!w->err && roots && (!w->root[0] || !strstr(roots, wanted)))
		w->err = -EIO;
	xmlFreeDoc(parser->myDoc);
	xmlFreeParserCtxt(parser);
	buf_fini(&w->path);
	buf_fini(&w->text);
	return w->err;
}

static bool forbidden(unsigned long c)
{
	return c < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

/* Control characters, and references to them as AWS writes them, become '?'. */
static void blot(char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t end = i + 2;
		char *stop;

		if (forbidden((unsigned char)s[i]))
			s[i] = '?';
		if (s[i] != '&' || s[i + 1] != '#')
			continue;
		end += s[end] == 'x';
		if (!forbidden(strtoul(s + end, &stop, s[i + 2] == 'x' ? 16 : 10)) ||
		    stop == s + end || *stop != ';')
			continue;
		memset(s + i, '?', (size_t)(stop + 1 - (s + i)));
	}
}

int walk_xml(struct walk *w, const char *s, size_t n, const char *roots)
{
	struct buf copy = BUF_INIT;
	int err;

	if (!w->lenient)
		return parse(w, s, n, roots);
	buf_add(&copy, s, n);
	err = buf_error(&copy);
	if (!err) {
		blot(copy.s, copy.len);
		err = parse(w, copy.s, copy.len, roots);
	}
	buf_fini(&copy);
	return err;
}

uint64_t walk_number(struct walk *w, const char *s, uint64_t max)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || n > max) {
		w->err = -EIO;
		return 0;
	}
	return n;
}

void walk_string(struct walk *w, char **to, const char *s)
{
	char *copy = strdup(s);

	if (!copy) {
		w->err = -ENOMEM;
		return;
	}
	free(*to);
	*to = copy;
}

void *walk_grow(struct walk *w, void **v, size_t *n, size_t size)
{
	char *bigger = *v;

	/* Whole powers of two, so that a page costs few reallocations. */
	if ((*n & (*n - 1)) == 0)
		bigger = reallocarray(*v, *n ? 2 * *n : 1, size);
	if (!bigger) {
		w->err = -ENOMEM;
		return NULL;
	}
	*v = bigger;
	return memset(bigger + (*n)++ * size, 0, size);
}
