/* SPDX-License-Identifier: MIT */
#include "attr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "copy.h"
#include "draft.h"
#include "log.h"

#define NAME_MAX_BYTES 255
#define RETRY_MS       10000 /* a held-back change that could not be carried out */

static void lock(struct mount *m)
{
	pthread_mutex_lock(&m->tree->lock);
}

static void unlock(struct mount *m)
{
	pthread_mutex_unlock(&m->tree->lock);
}

/* Ours alone know what is true: a draft, or changes not carried out. */
static bool is_ours(const struct node *n)
{
	return n->drafted || n->pending || n->special;
}

static bool is_fresh(const struct node *n)
{
	return is_ours(n) || (n->full && mount_now_ms() < n->fresh_until_ms);
}

static void believe(struct mount *m, struct node *n)
{
	n->full = true;
	n->fresh_until_ms = mount_now_ms() + m->conf.ttl_ms;
}

/* What the service said of the object: attributes and headers. Takes o's headers. */
static void set_from_object(struct mount *m, struct node *n, struct s3_object *o)
{
	struct attr a = mount_default_attr(m, n->attr.mode & S_IFMT, o->modified);

	if (!S_ISDIR(a.mode))
		a.mode = S_IFREG | (a.mode & ~S_IFMT);
	meta_from_headers(&o->headers, &a);
	a.size = S_ISDIR(a.mode) ? 0 : o->size;
	n->attr = a;
	n->etag = o->etag;
	s3_headers_fini(&n->headers);
	n->headers = o->headers;
	o->headers = (struct s3_headers){0};
	believe(m, n);
}

/* ---------------------------------------------------------------- listings */

/* A name that a path can have. */
static bool good_name(const char *name, size_t len)
{
	if (!len || len > NAME_MAX_BYTES || memchr(name, '/', len))
		return false;
	return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

/* Adds what one page lists, seen from the directory with that key prefix. */
static int add_page(struct mount *m, struct listing **l, const struct s3_page *page, size_t skip,
                    bool is_root)
{
	int err = 0;

	for (size_t i = 0; !err && i < page->n; i++) {
		const struct s3_entry *e = &page->v[i];
		const char *name = e->key + skip;
		size_t len = strlen(name) - e->prefix;
		char copy[NAME_MAX_BYTES + 1];
		char quoted[600];

		if (!*name)
			continue; /* the directory's own marker */
		if (!good_name(name, len)) {
			if (!m->bad_keys++)
				log_warn("keys that no path can name are left out, the first: %s",
				         log_quote(quoted, sizeof quoted, e->key));
			continue;
		}
		memcpy(copy, name, len);
		copy[len] = 0;
		if (is_root && !strcmp(copy, MOUNT_HIDDEN))
			continue;
		/* A key and a prefix of the same name: the directory is shown. */
		if (!e->prefix && listing_find(*l, copy) && listing_find(*l, copy)->dir)
			continue;
		err = listing_add(l, copy, e->prefix, e->size, e->modified);
	}
	return err;
}

/* Names made here that the bucket does not have yet. */
static int add_unpublished_locked(struct mount *m, struct node *dir, struct listing **l)
{
	int err = 0;

	pthread_mutex_lock(&m->drafts_lock);
	for (struct draft *d = m->drafts; d && !err; d = d->next) {
		const struct node *n = d->file->node;

		while (n->parent && n->parent != dir)
			n = n->parent;
		if (n->parent)
			err = listing_add(l, n->name, S_ISDIR(n->attr.mode), n->attr.size,
			                  n->attr.mtime.tv_sec);
	}
	pthread_mutex_unlock(&m->drafts_lock);
	return err;
}

/* Lists dir: all of it, or (first_page) one page, and -E2BIG if that is not
 * all of it. A listing that saw no change meanwhile is kept in the node. */
static int list(struct mount *m, struct node *dir, bool first_page, struct listing **out,
                struct s3_call *call)
{
	struct listing *l = listing_new();
	struct buf prefix = BUF_INIT;
	char *token = NULL;
	uint64_t changes;
	int err = l ? 0 : -ENOMEM;

	lock(m);
	changes = dir->changes;
	if (!err)
		err = mount_key_locked(m, dir, NULL, &prefix);
	unlock(m);
	while (!err) {
		struct s3_page page = {0};

		err = s3_list(m->s3, prefix.s, '/', NULL, token, 1000, &page, call);
		if (err)
			break;
		err = add_page(m, &l, &page, prefix.len, !dir->parent);
		free(token);
		token = page.next;
		page.next = NULL;
		s3_page_fini(&page);
		if (!err && token && first_page)
			err = -E2BIG;
		if (!token)
			break;
	}
	free(token);
	buf_fini(&prefix);
	lock(m);
	if (!err)
		err = add_unpublished_locked(m, dir, &l);
	if (!err) {
		listing_put(dir->listing);
		dir->listing = listing_hold(l);
		dir->listing_until_ms =
			dir->changes == changes ? mount_now_ms() + m->conf.ttl_ms : 0;
	}
	unlock(m);
	if (!err && out)
		*out = l;
	else
		listing_put(l);
	return err;
}

static bool listing_fresh(const struct node *dir)
{
	return dir->listing && mount_now_ms() < dir->listing_until_ms;
}

int attr_listing(struct mount *m, struct node *dir, struct listing **out, struct s3_call *call)
{
	lock(m);
	if (listing_fresh(dir)) {
		*out = listing_hold(dir->listing);
		unlock(m);
		return 0;
	}
	unlock(m);
	return list(m, dir, false, out, call);
}

void attr_name_added(struct mount *m, struct node *dir, const char *name, bool is_dir)
{
	lock(m);
	dir->changes++;
	if (dir->listing)
		(void)listing_add(&dir->listing, name, is_dir, 0, time(NULL));
	unlock(m);
}

void attr_name_removed(struct mount *m, struct node *dir, const char *name)
{
	lock(m);
	dir->changes++;
	if (dir->listing)
		(void)listing_remove(&dir->listing, name);
	unlock(m);
}

/* ------------------------------------------------------------------ lookup */

enum found { FOUND_NOTHING, FOUND_FILE, FOUND_DIR, FOUND_UNKNOWN };

/* Files are being written below it: the directory is there as long as they are. */
static bool has_drafts_below_locked(struct mount *m, const struct node *dir)
{
	bool has = false;

	if (!S_ISDIR(dir->attr.mode))
		return false;
	pthread_mutex_lock(&m->drafts_lock);
	for (struct draft *d = m->drafts; d && !has; d = d->next)
		has = tree_below_locked(d->file->node, dir);
	pthread_mutex_unlock(&m->drafts_lock);
	return has;
}

/* What a fresh listing of the parent, or the tree itself, knows of the name. */
static enum found known_locked(struct mount *m, struct node *parent, const char *name,
                               struct node **out)
{
	struct node *n = tree_find_locked(m->tree, parent, name);
	const struct listing_entry *e;

	if (n && (is_fresh(n) || has_drafts_below_locked(m, n))) {
		*out = n;
		return S_ISDIR(n->attr.mode) ? FOUND_DIR : FOUND_FILE;
	}
	if (n)
		tree_put_locked(m->tree, n);
	if (!listing_fresh(parent))
		return FOUND_UNKNOWN;
	e = listing_find(parent->listing, name);
	if (!e)
		return FOUND_NOTHING;
	return e->dir ? FOUND_DIR : FOUND_FILE;
}

/* Asks the service whether key is an object or, with a slash, a directory. */
static int probe(struct mount *m, struct buf *key, enum found *what, struct s3_object *o,
                 struct s3_call *call)
{
	struct s3_page page = {0};
	int err = -ENOENT;

	if (*what == FOUND_UNKNOWN || *what == FOUND_FILE) {
		err = s3_head(m->s3, key->s, o, call);
		if (!err)
			*what = FOUND_FILE;
		if (err != -ENOENT)
			return err;
	}
	buf_addc(key, '/');
	if (buf_error(key))
		return -ENOMEM;
	if (*what != FOUND_DIR) {
		err = s3_list(m->s3, key->s, 0, NULL, NULL, 1, &page, call);
		if (err)
			return err;
		*what = page.n ? FOUND_DIR : FOUND_NOTHING;
		if (page.n && strcmp(page.v[0].key, key->s) != 0) {
			s3_page_fini(&page);
			return 0; /* implied: there is no marker to ask for */
		}
		s3_page_fini(&page);
		if (*what == FOUND_NOTHING)
			return -ENOENT;
	}
	err = s3_head(m->s3, key->s, o, call);
	return err == -ENOENT ? 0 : err;
}

/* Enters what was found into the tree. */
static int enter_locked(struct mount *m, struct node *parent, const char *name, enum found what,
                        struct s3_object *o, struct node **out)
{
	mode_t type = what == FOUND_DIR ? S_IFDIR : S_IFREG;
	struct node *n = tree_find_locked(m->tree, parent, name);

	if (n && !is_ours(n) && S_ISDIR(n->attr.mode) != (what == FOUND_DIR)) {
		tree_unlink_locked(m->tree, n);
		tree_put_locked(m->tree, n);
		n = NULL;
	}
	if (!n)
		n = tree_add_locked(m->tree, parent, name, type);
	if (!n)
		return -ENOMEM;
	*out = n;
	if (is_fresh(n))
		return 0; /* somebody was faster, or it is ours by now */
	if (!o->modified && what == FOUND_DIR) {
		n->attr = mount_default_attr(m, S_IFDIR, m->started);
		believe(m, n);
		return 0;
	}
	set_from_object(m, n, o);
	return 0;
}

int attr_lookup(struct mount *m, struct node *parent, const char *name, struct node **out,
                struct s3_call *call)
{
	struct s3_object o = {0};
	struct buf key = BUF_INIT;
	enum found what;
	int err;

	*out = NULL;
	if (!good_name(name, strlen(name)))
		return strlen(name) > NAME_MAX_BYTES ? -ENAMETOOLONG : -ENOENT;
	lock(m);
	what = known_locked(m, parent, name, out);
	err = mount_key_locked(m, parent, name, &key);
	unlock(m);
	if (!*out && !err && what == FOUND_UNKNOWN && list(m, parent, true, NULL, call) == 0) {
		lock(m);
		what = known_locked(m, parent, name, out);
		unlock(m);
	}
	if (!*out && !err && what != FOUND_NOTHING)
		err = probe(m, &key, &what, &o, call);
	if (!*out && !err && what == FOUND_NOTHING)
		err = -ENOENT;
	if (!*out && !err) {
		lock(m);
		err = enter_locked(m, parent, name, what, &o, out);
		unlock(m);
	}
	if (err && *out) {
		tree_put(m->tree, *out);
		*out = NULL;
	}
	s3_object_fini(&o);
	buf_fini(&key);
	return err;
}

int attr_refresh(struct mount *m, struct node *n, struct s3_call *call)
{
	struct s3_object o = {0};
	struct buf key = BUF_INIT;
	bool fresh, dir;
	int err = 0;

	lock(m);
	fresh = is_fresh(n) || n->unlinked || !n->parent;
	dir = S_ISDIR(n->attr.mode);
	if (!fresh)
		err = mount_key_locked(m, n, NULL, &key);
	unlock(m);
	if (!fresh && !err) {
		err = s3_head(m->s3, key.s, &o, call);
		lock(m);
		if (!err && !is_fresh(n)) /* or made anew meanwhile: o is older */
			set_from_object(m, n, &o);
		if (err == -ENOENT && dir) {
			believe(m, n); /* an implied directory: as it was */
			err = 0;
		}
		unlock(m);
	}
	s3_object_fini(&o);
	buf_fini(&key);
	return err;
}

bool attr_stale(struct mount *m, const struct node *n)
{
	bool stale;

	lock(m);
	stale = !is_fresh(n);
	unlock(m);
	return stale;
}

void attr_distrust(struct mount *m, struct node *n)
{
	lock(m);
	n->fresh_until_ms = 0;
	n->listing_until_ms = 0;
	unlock(m);
}

/* ----------------------------------------------------------------- changes */

int attr_take(struct mount *m, struct node *n, const struct timespec *written, unsigned fields,
              struct attr *a, struct s3_headers *h, unsigned *taken)
{
	const char *type;
	int err;

	lock(m);
	if (written) {
		n->attr.mtime = *written;
		n->attr.ctime = *written;
	}
	*a = n->attr;
	*taken = n->pending & fields;
	n->pending &= ~fields;
	err = s3_headers_copy(h, &n->headers);
	type = n->name ? meta_content_type(n->name) : NULL;
	if (!err && type && !S_ISDIR(a->mode) && !s3_headers_get(h, "content-type"))
		err = s3_headers_set(h, "content-type", type);
	unlock(m);
	if (!err)
		err = meta_to_headers(a, fields, h);
	if (!err && !(fields & META_MTIME))
		s3_headers_remove(h, "x-amz-meta-mtime");
	if (err)
		attr_untake(m, n, *taken);
	return err;
}

static void flush_job(void *arg);

struct flush {
	struct mount *m;
	struct node *n;
};

/* With the tree's lock held. */
static void schedule_locked(struct mount *m, struct node *n, unsigned delay_ms)
{
	struct flush *fl;

	if (n->pending_scheduled || !n->pending || n->unlinked || m->ending)
		return;
	fl = malloc(sizeof *fl);
	if (!fl)
		return; /* unmount carries it out */
	*fl = (struct flush){m, n};
	tree_hold_locked(n);
	n->pending_scheduled = true;
	if (workers_give(m->fetches, delay_ms, flush_job, fl)) {
		n->pending_scheduled = false;
		n->held--; /* the caller holds it as well */
		free(fl);
	}
}

void attr_untake(struct mount *m, struct node *n, unsigned taken)
{
	lock(m);
	n->pending |= taken;
	if (n->etag.s[0])
		schedule_locked(m, n, RETRY_MS);
	unlock(m);
}

void attr_never_made(struct mount *m, struct node *n)
{
	lock(m);
	if (!n->etag.s[0] && n->parent) {
		n->pending = 0;
		n->fresh_until_ms = 0;
		n->parent->changes++;
		if (n->parent->listing)
			(void)listing_remove(&n->parent->listing, n->name);
	}
	unlock(m);
}

void attr_made_locked(struct mount *m, struct node *n, const struct attr *a,
                      const struct s3_etag *etag, struct s3_headers *h)
{
	struct attr newest = n->attr;

	n->attr = *a;
	meta_merge(&n->attr, &newest, n->pending);
	n->etag = *etag;
	n->covers = false;
	s3_headers_fini(&n->headers);
	n->headers = *h;
	*h = (struct s3_headers){0};
	believe(m, n);
	schedule_locked(m, n, ATTR_DELAY_MS);
	if (n->parent) {
		n->parent->changes++;
		if (n->parent->listing)
			(void)listing_add(&n->parent->listing, n->name, S_ISDIR(a->mode), a->size,
			                  a->mtime.tv_sec);
	}
}

void attr_made(struct mount *m, struct node *n, const struct attr *a, const struct s3_etag *etag,
               struct s3_headers *h)
{
	lock(m);
	attr_made_locked(m, n, a, etag, h);
	unlock(m);
}

void attr_change(struct mount *m, struct node *n, const struct attr *a, unsigned fields)
{
	lock(m);
	meta_merge(&n->attr, a, fields);
	clock_gettime(CLOCK_REALTIME, &n->attr.ctime);
	n->pending |= n->parent ? fields : 0; /* the root has no object */
	/* A file that has no object yet gets its attributes with it. */
	if (n->etag.s[0] || S_ISDIR(n->attr.mode))
		schedule_locked(m, n, ATTR_DELAY_MS);
	unlock(m);
}

/* Drafts that have ranges of the object know its new ETag then. */
static int copy_onto_itself(struct mount *m, const char *key, const struct s3_etag *etag,
                            uint64_t size, const struct s3_headers *h, struct s3_etag *made,
                            struct s3_call *call)
{
	int err;

	draft_moving(m, key);
	err = copy_object(m, key, etag, size, key, h, made, call);
	draft_moved(m, key, err ? NULL : key, made);
	return err;
}

/* One self-copy (directories: one marker) with all attributes, as they are now. */
static int carry_out(struct mount *m, struct node *n, struct s3_call *call)
{
	struct s3_headers h = {0};
	struct s3_body nothing = {0};
	struct s3_etag etag, made;
	struct buf key = BUF_INIT;
	struct attr a;
	unsigned taken = 0;
	int err = mount_key(m, n, &key);

	if (!err)
		err = attr_take(m, n, NULL, META_ALL, &a, &h, &taken);
	if (err || !taken)
		goto out;
	lock(m);
	etag = n->etag;
	unlock(m);
	if (S_ISDIR(a.mode))
		err = s3_put(m->s3, key.s, &h, &nothing, 0, &made, call);
	else
		err = copy_onto_itself(m, key.s, &etag, a.size, &h, &made, call);
	if (err)
		attr_untake(m, n, taken);
	else
		attr_made(m, n, &a, &made, &h);
out:
	s3_headers_fini(&h);
	buf_fini(&key);
	return err;
}

/* A draft that is not published yet will carry the changes. */
static bool has_draft(struct mount *m, struct node *n)
{
	struct file *f = file_find(m, n);
	uint64_t size;
	struct timespec t;
	bool has = f && draft_stat(f, &size, &t);

	if (f)
		file_put(f);
	return has;
}

int attr_flush(struct mount *m, struct node *n, struct s3_call *call)
{
	int err = 0;
	bool due;

	if (has_draft(m, n))
		return 0;
	lock(m);
	err = tree_busy_locked(m->tree, n, call ? call->cancel : NULL);
	if (err) {
		unlock(m);
		return err;
	}
	due = n->pending && !n->unlinked && (n->etag.s[0] || S_ISDIR(n->attr.mode));
	unlock(m);
	if (due)
		err = carry_out(m, n, call);
	lock(m);
	/* Gone, or another object by now: it has attributes of its own. */
	if (err == -ENOENT || err == -ESTALE) {
		n->pending = 0;
		n->fresh_until_ms = 0;
	}
	tree_idle_locked(m->tree, n);
	unlock(m);
	return err;
}

static void flush_job(void *arg)
{
	struct flush *fl = arg;
	struct mount *m = fl->m;
	int err;

	lock(m);
	fl->n->pending_scheduled = false;
	unlock(m);
	err = attr_flush(m, fl->n, NULL);
	if (err) {
		struct buf key = BUF_INIT;
		char text[600];

		(void)!mount_key(m, fl->n, &key);
		log_error("the attributes of %s could not be stored: %s",
		          log_quote(text, sizeof text, key.s), strerror(-err));
		buf_fini(&key);
	}
	tree_put(m->tree, fl->n);
	free(fl);
}

unsigned attr_flush_all(struct mount *m)
{
	unsigned failed = 0;

	for (;;) {
		struct node *n = NULL;

		lock(m);
		for (size_t i = 0; !n && i < m->tree->nbuckets; i++)
			for (n = m->tree->buckets[i]; n; n = n->next)
				if (n->pending && (n->etag.s[0] || S_ISDIR(n->attr.mode)))
					break;
		if (n)
			tree_hold_locked(n);
		unlock(m);
		if (!n)
			return failed;
		if (attr_flush(m, n, NULL)) {
			failed++;
			lock(m);
			n->pending = 0;
			unlock(m);
		}
		tree_put(m->tree, n);
	}
}
