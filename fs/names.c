/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "attr.h"
#include "copy.h"
#include "dir.h"
#include "draft.h"
#include "link.h"
#include "log.h"
#include "lookup.h"
#include "source.h"

static int absent(struct mount *m, struct node *parent, const char *name, struct s3_call *call)
{
	struct node *n;
	int err = lookup_name(m, parent, name, &n, call);

	if (!err)
		tree_put(m->tree, n);
	return err ? (err == -ENOENT ? 0 : err) : -EEXIST;
}

/* ------------------------------------------------------------------ making */

static int add(struct mount *m, struct node *parent, const char *name, const struct attr *a,
               struct node **out)
{
	struct buf key = BUF_INIT;
	int err;

	tree_lock(m->tree);
	err = mount_key_locked(m, parent, name, &key);
	if (!err) {
		struct node *n = tree_find_locked(m->tree, parent, name);

		/* What is remembered under that name is not there any more. */
		if (n) {
			tree_unlink_locked(m->tree, n);
			tree_put_locked(m->tree, n);
		}
		*out = tree_add_locked(m->tree, parent, name, a->mode & S_IFMT);
		if (*out) {
			(*out)->attr = *a;
			(*out)->full = true;
		} else {
			err = -ENOMEM;
		}
	}
	tree_unlock(m->tree);
	buf_fini(&key);
	return err;
}

struct reservation {
	const char *key;
	const struct node *but;
};

static bool completes_there(struct draft *d, void *arg)
{
	const struct reservation *r = arg;
	struct buf own = BUF_INIT;
	bool there = d->own.id && d->file->node != r->but && !strcmp(d->own.key, r->key) &&
	             (mount_key(d->file->m, d->file->node, &own) || strcmp(own.s, r->key) != 0);

	buf_fini(&own);
	return there;
}

/* A file that was renamed while it was written will be completed there, for a
 * moment: nothing else may be there then. */
int names_reserved(struct mount *m, struct node *parent, const char *name, const struct node *but)
{
	struct reservation r = {.but = but};
	struct buf key = BUF_INIT;
	char text[600];
	int err;

	tree_lock(m->tree);
	err = mount_key_locked(m, parent, name, &key);
	tree_unlock(m->tree);
	r.key = key.s;
	if (!err && draft_any(m, completes_there, &r)) {
		err = -EBUSY;
		log_warn("%s cannot be made before the file that had this name is closed, as parts "
		         "of it have left under it: mount with -o staging=always for that",
		         log_quote(text, sizeof text, name));
	}
	buf_fini(&key);
	return err;
}

int names_create(struct mount *m, struct node *parent, const char *name, const struct attr *a,
                 struct node **out, struct s3_call *call)
{
	int err = absent(m, parent, name, call);

	if (!err)
		err = names_reserved(m, parent, name, NULL);
	if (!err)
		err = add(m, parent, name, a, out);
	if (!err)
		dir_name_added(m, parent, name, false);
	return err;
}

static void end_below(struct mount *m, struct node *parent)
{
	tree_lock(m->tree);
	tree_idle_locked(m->tree, parent);
	tree_unlock(m->tree);
}

/* An object of that name is about to be made at *key: until end_below() no
 * directory above it gets another name. */
static int begin_below(struct mount *m, struct node *parent, const char *name, struct buf *key,
                       struct s3_call *call)
{
	int err;

	tree_lock(m->tree);
	err = tree_busy_locked(m->tree, parent, call->cancel);
	if (!err) {
		err = mount_key_locked(m, parent, name, key);
		if (err)
			tree_idle_locked(m->tree, parent);
	}
	tree_unlock(m->tree);
	if (err)
		buf_fini(key);
	return err;
}

/* What another client has made is to be seen: it was not known, or known to be absent. */
static void other_was_faster(struct mount *m, struct node *parent, const char *name)
{
	attr_distrust(m, parent);
	tree_lock(m->tree);
	tree_set_absent_locked(m->tree, parent, name, 0);
	tree_unlock(m->tree);
}

int names_mkdir(struct mount *m, struct node *parent, const char *name, const struct attr *a,
                struct node **out, struct s3_call *call)
{
	struct s3_headers h = {0};
	struct s3_body nothing = {0};
	struct s3_etag etag;
	struct buf key = BUF_INIT;
	int err = absent(m, parent, name, call);

	if (!err)
		err = begin_below(m, parent, name, &key, call);
	if (err)
		return err;
	buf_addc(&key, '/');
	err = meta_to_headers(a, META_ALL, &h);
	if (!err)
		err = s3_headers_set(&h, "content-type", "application/x-directory");
	if (!err)
		err = buf_error(&key);
	if (!err)
		err = s3_put(m->s3, key.s, &h, &nothing, S3_IF_ABSENT, &etag, call);
	if (!err)
		err = add(m, parent, name, a, out);
	if (!err) {
		attr_made(m, *out, a, &etag, &h);
		tree_lock(m->tree);
		dir_is_empty_locked(m, *out);
		tree_unlock(m->tree);
	}
	end_below(m, parent);
	if (err == -EEXIST)
		other_was_faster(m, parent, name);
	s3_headers_fini(&h);
	buf_fini(&key);
	return err;
}

/* A link is made at once or not at all: programs lock by that. */
int names_symlink(struct mount *m, struct node *parent, const char *name, const char *target,
                  const struct attr *a, struct node **out, struct s3_call *call)
{
	struct iovec iov = {(char *)target, strlen(target)};
	struct s3_body body = {&iov, 1, iov.iov_len};
	struct attr attr = *a;
	struct s3_headers h = {0};
	struct s3_etag etag;
	struct buf key = BUF_INIT;
	int err = absent(m, parent, name, call);

	attr.size = body.size;
	if (!err)
		err = names_reserved(m, parent, name, NULL);
	if (!err)
		err = begin_below(m, parent, name, &key, call);
	if (err)
		return err;
	err = meta_to_headers(a, META_ALL, &h);
	if (!err) /* s3fs says so, too */
		err = s3_headers_set(&h, "content-type", "application/octet-stream");
	if (!err)
		err = s3_put(m->s3, key.s, &h, &body, S3_IF_ABSENT, &etag, call);
	if (err == -EEXIST)
		other_was_faster(m, parent, name);
	if (!err)
		err = add(m, parent, name, &attr, out);
	if (!err) {
		attr_made(m, *out, &attr, &etag, &h);
		link_know(m, *out, target, &etag);
	}
	end_below(m, parent);
	s3_headers_fini(&h);
	buf_fini(&key);
	return err;
}

/* ---------------------------------------------------------------- removing */

/* Somebody reads from the object just now: which one, and how long it is. */
static bool is_read(struct mount *m, struct node *n, struct s3_etag *etag, uint64_t *size)
{
	bool read;

	tree_lock(m->tree);
	read = n->file && !n->drafted && !n->file->ghost && n->etag.s[0] && n->attr.size;
	*etag = n->etag;
	*size = n->attr.size;
	tree_unlock(m->tree);
	return read;
}

/* Who has the file open reads on from a hidden copy; so do drafts that have
 * ranges of it. n is busy. */
int names_keep(struct mount *m, struct node *n, const char *key, struct s3_call *call)
{
	struct buf hidden = BUF_INIT;
	struct s3_etag etag, made;
	uint64_t size;
	int err;

	tree_lock(m->tree);
	n->leaving = true;
	tree_unlock(m->tree);
	err = draft_rescue(m, key, NULL, call);
	if (err || !is_read(m, n, &etag, &size))
		return err;
	err = mount_hidden_key(m, &hidden);
	if (!err)
		err = copy_object(m, key, &etag, size, hidden.s, NULL, 0, &made, call);
	tree_lock(m->tree);
	if (!err && n->file && !n->file->ghost) {
		n->file->ghost = buf_detach(&hidden);
		n->file->ghost_etag = made;
	} else if (!err) { /* closed meanwhile */
		source_delete_later(m, buf_detach(&hidden));
	}
	tree_unlock(m->tree);
	buf_fini(&hidden);
	return err == -ENOENT || err == -ESTALE ? 0 : err; /* there is nothing to be kept */
}

int names_delete_foreign(struct mount *m, struct node *parent, const char *name, unsigned foreign,
                         struct s3_call *call)
{
	static const struct {
		enum node_foreign mark;
		enum listing_form form;
		const char *suffix;
	} marks[] = {{NODE_MARK_FOLDER, LISTING_FOLDER, LISTING_FOLDER_SUFFIX},
	             {NODE_MARK_PLAIN, LISTING_FILE, ""},
	             {NODE_MARK_LINK, LISTING_LINK, LISTING_LINK_SUFFIX}};
	struct buf key = BUF_INIT;
	int err = 0;

	for (size_t i = 0; i < sizeof marks / sizeof *marks && !err; i++) {
		if (!(foreign & marks[i].mark))
			continue;
		tree_lock(m->tree);
		err = mount_key_locked(m, parent, name, &key);
		tree_unlock(m->tree);
		buf_adds(&key, marks[i].suffix);
		if (!err)
			err = s3_delete(m->s3, key.s, call);
		tree_lock(m->tree);
		if (!err && parent->listing)
			err = listing_remove_form(&parent->listing, name, marks[i].form);
		tree_listing_changed_locked(m->tree, parent);
		tree_unlock(m->tree);
	}
	buf_fini(&key);
	return err;
}

/* Deletes the object of n, if it has one, and takes the name away. */
static int remove_node(struct mount *m, struct node *parent, struct node *n, const char *name,
                       struct s3_call *call)
{
	struct buf key = BUF_INIT;
	unsigned foreign = 0;
	bool object, dir;
	int err = names_keep_parent(m, parent, name, call);

	if (err)
		return err;
	tree_lock(m->tree);
	err = tree_busy_locked(m->tree, n, call->cancel);
	if (err) {
		tree_unlock(m->tree);
		return err;
	}
	err = mount_key_locked(m, n, NULL, &key);
	dir = S_ISDIR(n->attr.mode);
	object = n->etag.s[0] || n->covers || dir;
	tree_unlock(m->tree);
	if (!err && object)
		err = names_keep(m, n, key.s, call);
	if (!err && object)
		err = s3_delete(m->s3, key.s, call);
	if (!err && dir)
		err = lookup_foreign(m, parent, name, n, &foreign, call);
	if (!err)
		err = names_delete_foreign(m, parent, name, foreign, call);
	tree_lock(m->tree);
	if (!err) {
		tree_unlink_locked(m->tree, n);
		n->pending = 0;
	}
	tree_idle_locked(m->tree, n);
	tree_unlock(m->tree);
	if (!err)
		dir_name_removed(m, parent, name);
	buf_fini(&key);
	return err;
}

int names_unlink(struct mount *m, struct node *parent, const char *name, struct s3_call *call)
{
	struct node *n;
	struct file *f;
	int err = lookup_name(m, parent, name, &n, call);

	if (err)
		return err;
	if (n->special)
		err = -EPERM;
	else if (attr_is_dir(m, n))
		err = -EISDIR;
	else
		err = remove_node(m, parent, n, name, call);
	f = err ? NULL : file_find(m, n);
	if (f) {
		draft_discard(f);
		file_put(f);
	}
	tree_put(m->tree, n);
	return err;
}

bool names_unpublished(struct mount *m, struct node *dir)
{
	bool has;

	tree_lock(m->tree);
	has = dir_has_unpublished_locked(m, dir);
	tree_unlock(m->tree);
	return has;
}

/* Nothing is below the directory, in the bucket or about to be: asked in the
 * order in which a file goes from here to there. */
static int empty(struct mount *m, struct node *dir, struct s3_call *call)
{
	struct s3_page page = {0};
	struct buf key = BUF_INIT;
	int err = names_unpublished(m, dir) ? -ENOTEMPTY : mount_key(m, dir, &key);

	if (!err)
		err = s3_list(m->s3, key.s, 0, NULL, NULL, 2, &page, call);
	for (size_t i = 0; !err && i < page.n; i++)
		if (strcmp(page.v[i].key, key.s) != 0)
			err = -ENOTEMPTY;
	s3_page_fini(&page);
	buf_fini(&key);
	return err;
}

int names_rmdir(struct mount *m, struct node *parent, const char *name, struct s3_call *call)
{
	struct node *n;
	int err = lookup_name(m, parent, name, &n, call);

	if (err)
		return err;
	if (n->special)
		err = -EPERM;
	else if (!attr_is_dir(m, n))
		err = -ENOTDIR;
	else
		err = empty(m, n, call);
	if (!err)
		err = remove_node(m, parent, n, name, call);
	tree_put(m->tree, n);
	return err;
}
