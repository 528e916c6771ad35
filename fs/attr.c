/* SPDX-License-Identifier: MIT */
#include "attr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "copy.h"
#include "dir.h"
#include "draft.h"
#include "kernel.h"
#include "log.h"
#include "types.h"
#include "xattr.h"

#define RETRY_MS 10000 /* a held-back change that could not be carried out; doubled each time */
#define DOUBLES  5     /* at most: each try may move all bytes of the object */

/* ------------------------------------------------------------------ belief */

/* We alone know what is true: a draft, or changes not carried out, or just about
 * to be: the service would tell of the object as it was before. */
bool attr_is_ours_locked(const struct node *n)
{
	return n->drafted || n->pending || n->special || (n->busy && n->full);
}

bool attr_is_fresh_locked(const struct node *n)
{
	return attr_is_ours_locked(n) || (n->full && mount_now_ms() < n->fresh_until_ms);
}

bool attr_is_older_locked(const struct node *n, uint64_t turns)
{
	return attr_is_fresh_locked(n) || (n->full && n->turn > turns);
}

void attr_believe_locked(struct mount *m, struct node *n)
{
	n->full = true;
	n->fresh_until_ms = mount_now_ms() + m->conf.ttl_ms;
}

/* Its content is another one: what the kernel has of it is old. */
static void set_etag_locked(struct mount *m, struct node *n, const struct s3_etag *etag)
{
	if (n->file && strcmp(n->etag.s, etag->s) != 0)
		kernel_changed_locked(m, n);
	n->etag = *etag;
}

/* Takes h, without what n->attr says. */
static void set_headers_locked(struct node *n, struct s3_headers *h)
{
	meta_strip(h);
	s3_headers_fini(&n->headers);
	n->headers = *h;
	*h = (struct s3_headers){0};
}

/* What the service said of the object: attributes and headers. Takes o's headers. */
void attr_set_locked(struct mount *m, struct node *n, struct s3_object *o)
{
	struct attr a = mount_default_attr(m, n->attr.mode & S_IFMT, o->modified);

	if (!S_ISDIR(a.mode))
		a.mode = *n->suffix ? S_IFLNK | 0777 : S_IFREG | (a.mode & ~S_IFMT);
	meta_from_headers(&o->headers, &a);
	a.size = S_ISDIR(a.mode) ? 0 : o->size;
	n->attr = a;
	if (strcmp(n->etag.s, o->etag.s) != 0) {
		free(n->target);
		n->target = NULL;
		n->replaced += n->etag.s[0] != 0;
	}
	set_etag_locked(m, n, &o->etag);
	set_headers_locked(n, &o->headers);
	attr_believe_locked(m, n);
}

bool attr_stale(struct mount *m, const struct node *n)
{
	bool stale;

	tree_lock(m->tree);
	stale = !attr_is_fresh_locked(n);
	tree_unlock(m->tree);
	return stale;
}

bool attr_is_dir(struct mount *m, const struct node *n)
{
	bool dir;

	tree_lock(m->tree);
	dir = S_ISDIR(n->attr.mode);
	tree_unlock(m->tree);
	return dir;
}

void attr_distrust(struct mount *m, struct node *n)
{
	tree_lock(m->tree);
	n->fresh_until_ms = 0;
	n->listing_until_ms = 0;
	n->coming_until_ms = 0;
	tree_unlock(m->tree);
}

/* ----------------------------------------------------------------- changes */

/* Of a new file. An object that is there has its own; without a word of it, the default. */
static int add_new_headers(const struct mount_conf *conf, struct s3_headers *h)
{
	const struct {
		const char *name, *value;
	} headers[] = {
		{"x-amz-storage-class", conf->storage_class},
		{"x-amz-tagging", conf->tags},
		{"cache-control", conf->cache_control},
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof headers / sizeof *headers; i++)
		if (headers[i].value && !s3_headers_get(h, headers[i].name))
			err = s3_headers_set(h, headers[i].name, headers[i].value);
	return err;
}

int attr_take(struct mount *m, struct node *n, const struct timespec *written, unsigned fields,
              struct attr *a, struct s3_headers *h, unsigned *taken)
{
	const char *type;
	int err;

	tree_lock(m->tree);
	*a = n->attr;
	if (written)
		meta_written(a, *written);
	*taken = n->pending & fields;
	n->pending &= ~fields;
	err = s3_headers_copy(h, &n->headers);
	type = S_ISDIR(a->mode) ? "application/x-directory" : n->name ? types_of(n->name) : NULL;
	if (!err && type && !s3_headers_get(h, "content-type"))
		err = s3_headers_set(h, "content-type", type);
	if (!err && !n->etag.s[0] && !S_ISDIR(a->mode))
		err = add_new_headers(&m->conf, h);
	tree_unlock(m->tree);
	if (!err)
		err = meta_to_headers(a, fields, h);
	if (err)
		attr_untake(m, n, *taken);
	return err;
}

unsigned attr_take_mtime(struct mount *m, struct node *n)
{
	unsigned taken;

	tree_lock(m->tree);
	taken = n->pending & META_MTIME;
	n->pending &= ~taken;
	tree_unlock(m->tree);
	return taken;
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
	if (workers_give(m->flushes, delay_ms, flush_job, fl)) {
		n->pending_scheduled = false;
		n->held--; /* the caller holds it as well */
		free(fl);
	}
}

void attr_untake(struct mount *m, struct node *n, unsigned taken)
{
	tree_lock(m->tree);
	n->pending |= taken;
	if (n->etag.s[0] || S_ISDIR(n->attr.mode))
		schedule_locked(m, n, RETRY_MS << n->pending_failures);
	tree_unlock(m->tree);
}

void attr_never_made(struct mount *m, struct node *n)
{
	tree_lock(m->tree);
	if (!n->etag.s[0] && n->parent) {
		n->pending = 0;
		n->fresh_until_ms = 0;
		/* Nothing is there, or what somebody else has made: the service knows. */
		dir_name_removed_locked(m, n->parent, n->name);
		n->parent->listing_until_ms = 0;
	}
	tree_unlock(m->tree);
}

/* Extended attributes that were changed while h was on its way. */
static void keep_xattrs_locked(const struct node *n, struct s3_headers *h)
{
	const char *newest = s3_headers_get(&n->headers, XATTR_HEADER);

	if (!(n->pending & META_XATTR))
		return;
	if (!newest)
		s3_headers_remove(h, XATTR_HEADER);
	else if (s3_headers_set(h, XATTR_HEADER, newest))
		log_error("no memory: a change of extended attributes is lost");
}

void attr_made_locked(struct mount *m, struct node *n, const struct attr *a,
                      const struct s3_etag *etag, struct s3_headers *h)
{
	struct attr newest = n->attr;

	n->turn = ++m->tree->turns;
	n->attr = *a;
	meta_merge(&n->attr, &newest, n->pending);
	n->attr.ctime = meta_later(n->attr.ctime, newest.ctime);
	set_etag_locked(m, n, etag);
	n->covers = false;
	keep_xattrs_locked(n, h);
	/* A new version has another, which the service will tell when it is asked. */
	s3_headers_remove(h, "x-amz-version-id");
	copy_tags_made(h);
	set_headers_locked(n, h);
	attr_believe_locked(m, n);
	schedule_locked(m, n, ATTR_DELAY_MS);
	if (n->parent && !*n->suffix)
		dir_name_added_locked(m, n->parent, n->name, S_ISDIR(a->mode));
}

static void changed_locked(struct mount *m, struct node *n, unsigned fields)
{
	if (n->pending_failures) { /* sooner than was put off */
		n->pending_failures = 0;
		n->pending_scheduled = false;
	}
	n->pending |= n->parent ? fields : 0; /* the root has no object */
	/* A file that has no object yet gets its attributes with it. */
	if (n->etag.s[0] || S_ISDIR(n->attr.mode))
		schedule_locked(m, n, ATTR_DELAY_MS);
}

void attr_made(struct mount *m, struct node *n, const struct attr *a, const struct s3_etag *etag,
               struct s3_headers *h)
{
	tree_lock(m->tree);
	attr_made_locked(m, n, a, etag, h);
	tree_unlock(m->tree);
}

void attr_made_late(struct mount *m, struct node *n, const struct attr *a,
                    const struct s3_etag *etag, struct s3_headers *h, unsigned fields)
{
	tree_lock(m->tree);
	attr_made_locked(m, n, a, etag, h);
	changed_locked(m, n, fields);
	tree_unlock(m->tree);
}

void attr_change(struct mount *m, struct node *n, const struct attr *a, unsigned fields)
{
	tree_lock(m->tree);
	meta_merge(&n->attr, a, fields | META_CTIME);
	changed_locked(m, n, fields);
	tree_unlock(m->tree);
}

int attr_change_xattr(struct mount *m, struct node *n, const char *name, const void *value,
                      size_t size, int flags)
{
	int err;

	tree_lock(m->tree);
	err = value ? xattr_set(&n->headers, name, value, size, flags)
	            : xattr_remove(&n->headers, name);
	if (!err) {
		clock_gettime(CLOCK_REALTIME, &n->attr.ctime);
		changed_locked(m, n, META_XATTR);
	}
	tree_unlock(m->tree);
	return err;
}

/* Drafts that have ranges of the object know its new ETag then. */
static int copy_onto_itself(struct mount *m, const char *key, const struct s3_etag *etag,
                            uint64_t size, const struct s3_headers *h, struct s3_etag *made,
                            struct s3_call *call)
{
	int err;

	draft_moving(m, key);
	err = copy_object(m, key, etag, size, key, h, 0, made, call);
	draft_moved(m, key, err ? NULL : key, made);
	return err;
}

/* One self-copy with all attributes, as they are now; or a marker for a
 * directory that has none. */
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
	tree_lock(m->tree);
	etag = n->etag;
	tree_unlock(m->tree);
	if (!etag.s[0])
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

/* It will not pass by itself, and all bytes may have moved before it showed. */
static bool is_lasting(int err)
{
	return err == -EDQUOT || err == -ENOSPC || err == -EACCES || err == -EFBIG;
}

int attr_flush(struct mount *m, struct node *n, struct s3_call *call)
{
	int err = 0;
	bool due;

	if (has_draft(m, n))
		return 0;
	tree_lock(m->tree);
	err = tree_busy_locked(m->tree, n, call ? call->cancel : NULL);
	if (err) {
		tree_unlock(m->tree);
		return err;
	}
	due = n->pending && !n->unlinked && (n->etag.s[0] || S_ISDIR(n->attr.mode));
	tree_unlock(m->tree);
	if (due)
		err = carry_out(m, n, call);
	tree_lock(m->tree);
	/* Gone, or another object by now: it has attributes of its own. */
	if (err == -ENOENT || err == -ESTALE) {
		n->pending = 0;
		n->fresh_until_ms = 0;
	}
	if (!is_lasting(err))
		n->pending_failures = 0;
	else if (n->pending_failures < DOUBLES)
		n->pending_failures++;
	tree_idle_locked(m->tree, n);
	tree_unlock(m->tree);
	return err;
}

static void flush_job(void *arg)
{
	struct flush *fl = arg;
	struct mount *m = fl->m;
	bool busy;
	int err;

	tree_lock(m->tree);
	fl->n->pending_scheduled = false;
	busy = fl->n->busy || tree_moving_locked(fl->n);
	if (busy) /* for long, if by a rename: others need the thread meanwhile */
		schedule_locked(m, fl->n, ATTR_DELAY_MS);
	tree_unlock(m->tree);
	err = busy ? 0 : attr_flush(m, fl->n, NULL);
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

		tree_lock(m->tree);
		for (size_t i = 0; !n && i < m->tree->nbuckets; i++)
			for (n = m->tree->buckets[i]; n; n = n->next)
				if (n->pending && (n->etag.s[0] || S_ISDIR(n->attr.mode)))
					break;
		if (n)
			tree_hold_locked(n);
		tree_unlock(m->tree);
		if (!n)
			return failed;
		if (attr_flush(m, n, NULL)) {
			failed++;
			tree_lock(m->tree);
			n->pending = 0;
			tree_unlock(m->tree);
		}
		tree_put(m->tree, n);
	}
}
