/* SPDX-License-Identifier: MIT */
#include "xml.h"

#include "buf.h"
#include "date.h"
#include "encode.h"
#include "log.h"
#include "reference.h"
#include "walk.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

void xml_set_etag(struct s3_etag *etag, const char *s)
{
	size_t n;

	if (strncmp(s, "W/", 2) == 0)
		s += 2;
	if (*s == '"')
		s++;
	n = strcspn(s, "\"");
	etag->s[0] = '\0';
	if (n >= sizeof(etag->s))
		return;
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f)
			return;
	memcpy(etag->s, s, n);
	etag->s[n] = '\0';
}

void xml_set_text(char *to, size_t size, const char *s)
{
	size_t n = 0;

	for (const unsigned char *p = (const unsigned char *)s; *p && n + 1 < size; p++) {
		bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;

		to[n++] = *p < 0x20 || *p == 0x7f || c1 ? '?' : (char)*p;
		p += c1;
	}
	to[n] = '\0';
}

/* ---------------------------------------------------------------- answers */

static void error_end(struct walk *w, const char *path, const char *text)
{
	struct xml_error *e = w->out;

	if (strcmp(path, "Code") == 0)
		xml_set_text(e->code, sizeof(e->code), text);
	else if (strcmp(path, "Message") == 0)
		xml_set_text(e->message, sizeof(e->message), text);
	else if (strcmp(path, "RequestId") == 0)
		xml_set_text(e->request_id, sizeof(e->request_id), text);
	else if (strcmp(path, "Region") == 0)
		xml_set_text(e->region, sizeof(e->region), text);
}

int xml_read_error(const char *s, size_t n, struct xml_error *error)
{
	struct xml_error e = {0};
	struct walk w = {.end = error_end, .out = &e, .lenient = true};
	int err = walk_xml(&w, s, n, NULL);

	if (err || strcmp(w.root, "Error") != 0)
		return err;
	*error = e;
	return 1;
}

struct list {
	struct s3_page page;
	bool encoded, truncated;
};

static void list_begin(struct walk *w, const char *path)
{
	struct list *list = w->out;
	struct s3_entry *e;

	if (strcmp(path, "Contents") != 0 && strcmp(path, "CommonPrefixes") != 0)
		return;
	e = walk_grow(w, (void **)&list->page.v, &list->page.n, sizeof(*e));
	if (e)
		e->prefix = path[1] == 'o' && path[2] == 'm';
}

static void entry_end(struct walk *w, struct s3_entry *e, const char *field, const char *text)
{
	if (strcmp(field, "Key") == 0)
		walk_string(w, &e->key, text);
	else if (strcmp(field, "Size") == 0)
		e->size = walk_number(w, text, INT64_MAX);
	else if (strcmp(field, "LastModified") == 0)
		e->modified = date_parse_iso(text);
	else if (strcmp(field, "ETag") == 0)
		xml_set_etag(&e->etag, text);
}

static void list_end(struct walk *w, const char *path, const char *text)
{
	struct list *list = w->out;
	struct s3_entry *last = list->page.n ? &list->page.v[list->page.n - 1] : NULL;

	if (last && strncmp(path, "Contents/", 9) == 0)
		entry_end(w, last, path + 9, text);
	else if (last && strcmp(path, "CommonPrefixes/Prefix") == 0)
		walk_string(w, &last->key, text);
	else if (strcmp(path, "EncodingType") == 0)
		list->encoded = strcmp(text, "url") == 0;
	else if (strcmp(path, "IsTruncated") == 0)
		list->truncated = strcmp(text, "true") == 0;
	else if (strcmp(path, "NextContinuationToken") == 0)
		walk_string(w, &list->page.next, text);
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct s3_entry *)a)->key, ((const struct s3_entry *)b)->key);
}

/* Decodes the keys, and drops what cannot be one. */
static int list_settle(struct list *list)
{
	struct s3_page *page = &list->page;
	size_t kept = 0;

	for (size_t i = 0; i < page->n; i++) {
		struct s3_entry *e = &page->v[i];

		if (!e->key)
			return -EIO;
		if (!list->encoded || percent_decode(e->key) >= 0) {
			page->v[kept++] = *e;
		} else {
			char quoted[128];

			log_warn("skipped a key that no file name can hold: %s",
			         log_quote(quoted, sizeof(quoted), e->key));
			free(e->key);
		}
	}
	page->n = kept;
	if (kept > 1)
		qsort(page->v, kept, sizeof(*page->v), compare_entries);
	/* A listing that claims to go on, but not where, would lose names. */
	if (list->truncated && (!page->next || !*page->next))
		return -EIO;
	if (!list->truncated) {
		free(page->next);
		page->next = NULL;
	}
	return 0;
}

/* What could only be read with references hidden. Encoded keys had none. */
static void show_hidden(struct list *list)
{
	if (list->page.next)
		reference_show(list->page.next);
	for (size_t i = 0; !list->encoded && i < list->page.n; i++)
		if (list->page.v[i].key)
			reference_show(list->page.v[i].key);
}

static int read_list(const char *s, size_t n, bool hidden, struct s3_page *page)
{
	struct list list = {0};
	struct walk w = {.begin = list_begin, .end = list_end, .out = &list};
	int err = walk_xml(&w, s, n, "ListBucketResult ");

	if (!err && hidden)
		show_hidden(&list);
	if (!err)
		err = list_settle(&list);
	if (err)
		s3_page_fini(&list.page);
	else
		*page = list.page;
	return err;
}

int xml_read_list(const char *s, size_t n, struct s3_page *page)
{
	struct buf legal = BUF_INIT;
	int err = read_list(s, n, false, page);

	if (err == -EIO && reference_hide(&legal, s, n) && !buf_error(&legal))
		err = read_list(legal.s, legal.len, true, page);
	buf_fini(&legal);
	return err;
}

static void upload_id_end(struct walk *w, const char *path, const char *text)
{
	if (strcmp(path, "UploadId") == 0)
		walk_string(w, w->out, text);
}

int xml_read_upload_id(const char *s, size_t n, char **id)
{
	char *found = NULL;
	struct walk w = {.end = upload_id_end, .out = &found, .lenient = true};
	int err = walk_xml(&w, s, n, "InitiateMultipartUploadResult ");

	if (!err && (!found || !*found))
		err = -EIO;
	if (err)
		free(found);
	else
		*id = found;
	return err;
}

struct named_etag {
	struct s3_etag etag;
	bool named;
};

static void etag_end(struct walk *w, const char *path, const char *text)
{
	struct named_etag *found = w->out;

	if (strcmp(path, "ETag") == 0) {
		xml_set_etag(&found->etag, text);
		found->named = true;
	}
}

int xml_read_etag(const char *s, size_t n, struct s3_etag *etag)
{
	struct named_etag found = {0};
	struct walk w = {.end = etag_end, .out = &found, .lenient = true};
	int err = walk_xml(&w, s, n,
	                   "CopyObjectResult CopyPartResult CompleteMultipartUploadResult ");

	if (!err && !found.etag.s[0])
		err = found.named ? -ENODATA : -EIO;
	if (!err)
		*etag = found.etag;
	return err;
}

struct parts {
	struct s3_parts *to;
	struct xml_marker next;
	bool truncated;
};

static void parts_begin(struct walk *w, const char *path)
{
	struct parts *p = w->out;

	if (strcmp(path, "Part") != 0)
		return;
	if (p->to->n >= S3_PARTS_MAX)
		w->err = -EIO;
	else
		walk_grow(w, (void **)&p->to->v, &p->to->n, sizeof(*p->to->v));
}

static void parts_end(struct walk *w, const char *path, const char *text)
{
	struct parts *p = w->out;
	struct s3_part *last = p->to->n ? &p->to->v[p->to->n - 1] : NULL;

	if (last && strcmp(path, "Part/PartNumber") == 0)
		last->number = (unsigned)walk_number(w, text, S3_PARTS_MAX);
	else if (last && strcmp(path, "Part/Size") == 0)
		last->size = walk_number(w, text, INT64_MAX);
	else if (last && strcmp(path, "Part/ETag") == 0)
		xml_set_etag(&last->etag, text);
	else if (strcmp(path, "NextPartNumberMarker") == 0)
		p->next.part = (unsigned)walk_number(w, *text ? text : "0", UINT_MAX);
	else if (strcmp(path, "IsTruncated") == 0)
		p->truncated = strcmp(text, "true") == 0;
}

int xml_read_parts(const char *s, size_t n, struct s3_parts *parts, struct xml_marker *next)
{
	size_t before = parts->n;
	struct parts p = {.to = parts};
	struct walk w = {.begin = parts_begin, .end = parts_end, .out = &p, .lenient = true};
	int err = walk_xml(&w, s, n, "ListPartsResult ");

	for (size_t i = before; !err && i < parts->n; i++)
		if (parts->v[i].number <= (i > 0 ? parts->v[i - 1].number : 0))
			err = -EIO;
	/* The marker must move on, or the pages would never end. */
	if (!err && p.truncated && (parts->n == before || p.next.part <= next->part))
		err = -EIO;
	if (err)
		parts->n = before;
	else
		next->part = p.truncated ? p.next.part : 0;
	return err;
}

struct uploads {
	struct s3_uploads *to;
	struct xml_marker next;
	bool truncated, encoded;
};

static void uploads_begin(struct walk *w, const char *path)
{
	struct uploads *u = w->out;

	if (strcmp(path, "Upload") == 0)
		walk_grow(w, (void **)&u->to->v, &u->to->n, sizeof(*u->to->v));
}

static void uploads_end(struct walk *w, const char *path, const char *text)
{
	struct uploads *u = w->out;
	struct s3_upload *last = u->to->n ? &u->to->v[u->to->n - 1] : NULL;

	if (last && strcmp(path, "Upload/Key") == 0)
		walk_string(w, &last->key, text);
	else if (last && strcmp(path, "Upload/UploadId") == 0)
		walk_string(w, &last->id, text);
	else if (last && strcmp(path, "Upload/Initiated") == 0)
		last->initiated = date_parse_iso(text);
	else if (strcmp(path, "NextKeyMarker") == 0)
		walk_string(w, &u->next.key, text);
	else if (strcmp(path, "NextUploadIdMarker") == 0)
		walk_string(w, &u->next.upload_id, text);
	else if (strcmp(path, "IsTruncated") == 0)
		u->truncated = strcmp(text, "true") == 0;
}

static void upload_fini(struct s3_upload *u)
{
	free(u->key);
	free(u->id);
}

/* Decodes the keys of one page, and drops what cannot be one. */
static int uploads_settle(struct uploads *u, size_t before)
{
	size_t kept = before;

	for (size_t i = before; i < u->to->n; i++)
		if (!u->to->v[i].key || !u->to->v[i].id)
			return -EIO;
	for (size_t i = before; i < u->to->n; i++) {
		struct s3_upload *one = &u->to->v[i];

		if (!u->encoded || percent_decode(one->key) >= 0)
			u->to->v[kept++] = *one;
		else
			upload_fini(one);
	}
	u->to->n = kept;
	if (u->encoded && u->next.key && percent_decode(u->next.key) < 0)
		return -EIO;
	return 0;
}

static bool moves_on(const struct xml_marker *from, const struct xml_marker *to)
{
	int keys;

	if (!to->key || !*to->key)
		return false;
	keys = strcmp(to->key, from->key ? from->key : "");
	return keys > 0 || (keys == 0 && to->upload_id && from->upload_id &&
	                    strcmp(to->upload_id, from->upload_id) != 0);
}

int xml_read_uploads(const char *s, size_t n, bool encoded, struct s3_uploads *uploads,
                     struct xml_marker *next)
{
	size_t before = uploads->n;
	struct uploads u = {.to = uploads, .encoded = encoded};
	struct walk w = {.begin = uploads_begin, .end = uploads_end, .out = &u, .lenient = encoded};
	int err = walk_xml(&w, s, n, "ListMultipartUploadsResult ");

	if (!err)
		err = uploads_settle(&u, before);
	if (!err && u.truncated && !moves_on(next, &u.next))
		err = -EIO;
	if (err || !u.truncated)
		xml_marker_fini(&u.next);
	if (err) {
		while (uploads->n > before)
			upload_fini(&uploads->v[--uploads->n]);
		return err;
	}
	xml_marker_fini(next);
	*next = u.next;
	return 0;
}

void xml_marker_fini(struct xml_marker *m)
{
	free(m->key);
	free(m->upload_id);
	*m = (struct xml_marker){0};
}

static void delete_begin(struct walk *w, const char *path)
{
	struct xml_delete_result *r = w->out;

	if (strcmp(path, "Error") == 0)
		walk_grow(w, (void **)&r->v, &r->n, sizeof(*r->v));
}

static void delete_end(struct walk *w, const char *path, const char *text)
{
	struct xml_delete_result *r = w->out;
	struct xml_undeleted *last = r->n ? &r->v[r->n - 1] : NULL;

	if (!last)
		return;
	if (strcmp(path, "Error/Key") == 0)
		walk_string(w, &last->key, text);
	else if (strcmp(path, "Error/Code") == 0)
		xml_set_text(last->code, sizeof(last->code), text);
	else if (strcmp(path, "Error/Message") == 0)
		xml_set_text(last->message, sizeof(last->message), text);
}

int xml_read_delete(const char *s, size_t n, struct xml_delete_result *result)
{
	struct xml_delete_result found = {0};
	struct walk w = {.begin = delete_begin, .end = delete_end, .out = &found};
	int err = walk_xml(&w, s, n, "DeleteResult ");

	if (err)
		xml_delete_result_fini(&found);
	else
		*result = found;
	return err;
}

void xml_delete_result_fini(struct xml_delete_result *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].key);
	free(r->v);
	*r = (struct xml_delete_result){0};
}

struct tags {
	struct buf query;
	char *key, *value; /* of the tag that is being read */
};

static void tags_end(struct walk *w, const char *path, const char *text)
{
	struct tags *t = w->out;

	if (strcmp(path, "TagSet/Tag/Key") == 0) {
		walk_string(w, &t->key, text);
	} else if (strcmp(path, "TagSet/Tag/Value") == 0) {
		walk_string(w, &t->value, text);
	} else if (strcmp(path, "TagSet/Tag") == 0 && !w->err) {
		if (!t->key) {
			w->err = -EIO;
			return;
		}
		if (t->query.len)
			buf_addc(&t->query, '&');
		percent_encode(&t->query, t->key, false);
		buf_addc(&t->query, '=');
		percent_encode(&t->query, t->value ? t->value : "", false);
		free(t->key);
		free(t->value);
		t->key = t->value = NULL;
	}
}

int xml_read_tags(const char *s, size_t n, char **tags)
{
	struct tags t = {.query = BUF_INIT};
	struct walk w = {.end = tags_end, .out = &t};
	int err = walk_xml(&w, s, n, "Tagging ");
	char *query;

	free(t.key);
	free(t.value);
	if (!err)
		err = buf_error(&t.query);
	query = err ? NULL : t.query.len ? buf_detach(&t.query) : strdup("");
	buf_fini(&t.query);
	if (!err && !query)
		err = -ENOMEM;
	if (!err)
		*tags = query;
	return err;
}

/* --------------------------------------------------------- request bodies */

static void add_text(struct buf *to, const char *s)
{
	for (; *s; s++) {
		if (*s == '&')
			buf_adds(to, "&amp;");
		else if (*s == '<')
			buf_adds(to, "&lt;");
		else if (*s == '>')
			buf_adds(to, "&gt;");
		else if (*s == '"')
			buf_adds(to, "&quot;");
		else
			buf_addc(to, *s);
	}
}

void xml_add_complete(struct buf *to, const struct s3_part *parts, size_t n)
{
	buf_adds(to, "<CompleteMultipartUpload "
	             "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; i < n; i++) {
		buf_addf(to, "<Part><PartNumber>%u</PartNumber><ETag>&quot;", parts[i].number);
		add_text(to, parts[i].etag.s);
		buf_adds(to, "&quot;</ETag></Part>");
	}
	buf_adds(to, "</CompleteMultipartUpload>");
}

/* "key=value", which is decoded in place. */
static int add_tag(struct buf *to, char *tag)
{
	char *value = strchr(tag, '=');

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	if (percent_decode(tag) < 0 || percent_decode(value) < 0)
		return -EINVAL;
	buf_adds(to, "<Tag><Key>");
	add_text(to, tag);
	buf_adds(to, "</Key><Value>");
	add_text(to, value);
	buf_adds(to, "</Value></Tag>");
	return 0;
}

int xml_add_tags(struct buf *to, const char *tags)
{
	char *copy = strdup(tags), *rest = copy, *tag;
	int err = copy ? 0 : -ENOMEM;

	buf_adds(to, "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>");
	while (!err && (tag = strsep(&rest, "&")))
		err = *tag ? add_tag(to, tag) : 0;
	buf_adds(to, "</TagSet></Tagging>");
	free(copy);
	return err ? err : buf_error(to);
}

void xml_add_delete(struct buf *to, const char *const *keys, size_t n)
{
	buf_adds(to, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; i < n; i++) {
		buf_adds(to, "<Object><Key>");
		add_text(to, keys[i]);
		buf_adds(to, "</Key></Object>");
	}
	buf_adds(to, "<Quiet>true</Quiet></Delete>");
}

bool xml_can_carry(const char *key)
{
	for (const char *p = key; *p; p++) {
		unsigned char c = (unsigned char)*p;

		/* Tabs and newlines are legal, but not all parsers keep them. */
		if (c < 0x20 || c == 0x7f)
			return false;
		/* Encoded U+FFFE and U+FFFF. */
		if (c == 0xef && strncmp(p, "\xef\xbf\xbe", 3) >= 0 &&
		    strncmp(p, "\xef\xbf\xbf", 3) <= 0)
			return false;
	}
	return utf8_is_valid(key);
}
