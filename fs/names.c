/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "attr.h"
#include "copy.h"
#include "draft.h"
#include "log.h"
#include "source.h"

static void lock(struct mount *m)
{
	pthread_mutex_lock(&m->tree->lock);
}

static void unlock(struct mount *m)
{
	pthread_mutex_unlock(&m->tree->lock);
}

static int absent(struct mount *m, struct node *parent, const char *name, struct s3_call *call)
{
	struct node *n;
	int err = attr_lookup(m, parent, name, &n, call);

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

	lock(m);
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
	unlock(m);
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
static int reserved(struct mount *m, struct node *parent, const char *name, const struct node *but)
{
	struct reservation r = {.but = but};
	struct buf key = BUF_INIT;
	char text[600];
	int err;

	lock(m);
	err = mount_key_locked(m, parent, name, &key);
	unlock(m);
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
		err = reserved(m, parent, name, NULL);
	if (!err)
		err = add(m, parent, name, a, out);
	if (!err)
		attr_name_added(m, parent, name, false);
	return err;
}

int names_mkdir(struct mount *m, struct node *parent, const char *name, const struct attr *a,
                struct node **out, struct s3_call *call)
{
	struct s3_headers h = {0};
	struct s3_body nothing = {0};
	struct s3_etag etag;
	struct buf key = BUF_INIT;
	int err = absent(m, parent, name, call);

	if (!err) {
		lock(m);
		err = mount_key_locked(m, parent, name, &key);
		unlock(m);
		buf_addc(&key, '/');
	}
	if (!err)
		err = meta_to_headers(a, META_ALL, &h);
	if (!err)
		err = s3_headers_set(&h, "content-type", "application/x-directory");
	if (!err)
		err = s3_put(m->s3, key.s, &h, &nothing, 0, &etag, call);
	if (!err)
		err = add(m, parent, name, a, out);
	if (!err) {
		attr_made(m, *out, a, &etag, &h);
		lock(m);
		(*out)->listing = listing_new(); /* empty, as we made it */
		(*out)->listing_until_ms = mount_now_ms() + m->conf.ttl_ms;
		unlock(m);
	}
	s3_headers_fini(&h);
	buf_fini(&key);
	return err;
}

/* ---------------------------------------------------------------- removing */

/* Somebody reads from the object just now. */
static bool is_read(struct mount *m, struct node *n)
{
	bool read;

	lock(m);
	read = n->file && !n->drafted && !n->file->ghost && n->etag.s[0] && n->attr.size;
	unlock(m);
	return read;
}

/* Who has the file open reads on from a hidden copy; so do drafts that have
 * ranges of it. n is busy. */
static int keep_for_users(struct mount *m, struct node *n, const char *key, struct s3_call *call)
{
	struct buf hidden = BUF_INIT;
	struct s3_etag made;
	int err = draft_rescue(m, key, NULL, call);

	if (err || !is_read(m, n))
		return err;
	err = mount_hidden_key(m, &hidden);
	if (!err)
		err = copy_object(m, key, &n->etag, n->attr.size, hidden.s, NULL, &made, call);
	lock(m);
	if (!err && n->file && !n->file->ghost) {
		n->file->ghost = buf_detach(&hidden);
		n->file->ghost_etag = made;
	} else if (!err) { /* closed meanwhile */
		source_delete_later(m, buf_detach(&hidden));
	}
	unlock(m);
	buf_fini(&hidden);
	return err == -ENOENT || err == -ESTALE ? 0 : err; /* there is nothing to be kept */
}

/* Deletes the object of n, if it has one, and takes the name away. */
static int remove_node(struct mount *m, struct node *parent, struct node *n, const char *name,
                       struct s3_call *call)
{
	struct buf key = BUF_INIT;
	bool object;
	int err;

	lock(m);
	err = tree_busy_locked(m->tree, n, call->cancel);
	if (err) {
		unlock(m);
		return err;
	}
	err = mount_key_locked(m, n, NULL, &key);
	object = n->etag.s[0] || n->covers || S_ISDIR(n->attr.mode);
	unlock(m);
	if (!err && object)
		err = keep_for_users(m, n, key.s, call);
	if (!err && object)
		err = s3_delete(m->s3, key.s, call);
	lock(m);
	if (!err) {
		tree_unlink_locked(m->tree, n);
		n->pending = 0;
	}
	tree_idle_locked(m->tree, n);
	unlock(m);
	if (!err)
		attr_name_removed(m, parent, name);
	buf_fini(&key);
	return err;
}

int names_unlink(struct mount *m, struct node *parent, const char *name, struct s3_call *call)
{
	struct node *n;
	struct file *f;
	int err = attr_lookup(m, parent, name, &n, call);

	if (err)
		return err;
	if (n->special)
		err = -EPERM;
	else if (S_ISDIR(n->attr.mode))
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

/* Nothing is below the directory, in the bucket or about to be. */
static int empty(struct mount *m, struct node *dir, struct s3_call *call)
{
	struct s3_page page = {0};
	struct listing *l;
	struct buf key = BUF_INIT;
	int err = mount_key(m, dir, &key);

	if (!err)
		err = s3_list(m->s3, key.s, 0, NULL, NULL, 2, &page, call);
	for (size_t i = 0; !err && i < page.n; i++)
		if (strcmp(page.v[i].key, key.s) != 0)
			err = -ENOTEMPTY;
	s3_page_fini(&page);
	buf_fini(&key);
	if (err)
		return err;
	err = attr_listing(m, dir, &l, call);
	if (!err) {
		if (l->n)
			err = -ENOTEMPTY;
		listing_put(l);
	}
	return err;
}

int names_rmdir(struct mount *m, struct node *parent, const char *name, struct s3_call *call)
{
	struct node *n;
	int err = attr_lookup(m, parent, name, &n, call);

	if (err)
		return err;
	if (n->special)
		err = -EPERM;
	else if (!S_ISDIR(n->attr.mode))
		err = -ENOTDIR;
	else
		err = empty(m, n, call);
	if (!err)
		err = remove_node(m, parent, n, name, call);
	tree_put(m->tree, n);
	return err;
}

/* ---------------------------------------------------------------- renaming */

static int move_locked(struct mount *m, struct node *n, struct node *new_parent,
                       const char *new_name)
{
	struct node *there = tree_find_locked(m->tree, new_parent, new_name);

	if (there) {
		there->pending = 0;
		tree_put_locked(m->tree, there);
	}
	return tree_move_locked(m->tree, n, new_parent, new_name);
}

/* What is written under the old name goes on under the new one. An upload that
 * was created for the old one ends, and what it had is sent again; or, if only
 * that upload has it, it is completed there when the time comes, and moved.
 * -EAGAIN: not just now. */
static int free_from_name(struct file *f)
{
	struct draft *d;
	int err = 0;

	pthread_mutex_lock(&f->lock);
	d = f->draft;
	if (d && !d->error && !d->discarded) {
		if (d->publish || d->step == DRAFT_CREATING || d->step == DRAFT_PUTTING ||
		    d->step == DRAFT_COMPLETING)
			err = -EAGAIN;
		else if (d->own.id && parts_redirect(d->parts)) {
			draft_pump(d);
			err = -EAGAIN; /* until that upload is gone */
		}
	}
	pthread_mutex_unlock(&f->lock);
	return err;
}

/* Until something has happened to the file, or for a moment. */
static void wait_for_file(struct file *f)
{
	pthread_mutex_lock(&f->lock);
	(void)!file_wait(f, NULL);
	pthread_mutex_unlock(&f->lock);
}

/* Headers for the copy, when something in them has to change: changes of
 * attributes held back, or a content type that came from the old name. */
static int new_headers(struct mount *m, struct node *n, const char *old_name, const char *new_name,
                       struct attr *a, struct s3_headers *h, unsigned *taken, bool *replace)
{
	const char *old_type = meta_content_type(old_name), *new_type = meta_content_type(new_name);
	const char *type;
	int err = attr_take(m, n, NULL, META_ALL, a, h, taken);

	if (err)
		return err;
	type = s3_headers_get(h, "content-type");
	*replace = *taken != 0;
	if (strcmp(old_type, new_type) != 0 && type && !strcmp(type, old_type)) {
		*replace = true;
		err = s3_headers_set(h, "content-type", new_type);
	}
	return err;
}

/* Copies the object to its new key and deletes the old one. Both nodes are busy. */
static int move_object(struct mount *m, struct node *n, const char *name, struct node *new_parent,
                       struct node *there, const char *new_name, struct s3_call *call)
{
	struct buf from = BUF_INIT, to = BUF_INIT;
	struct s3_headers h = {0};
	struct s3_etag etag, made;
	struct attr a;
	unsigned taken = 0;
	bool replace = false;
	int err;

	lock(m);
	err = mount_key_locked(m, n, NULL, &from);
	if (!err)
		err = mount_key_locked(m, new_parent, new_name, &to);
	etag = n->etag;
	unlock(m);
	if (!err && there)
		err = keep_for_users(m, there, to.s, call);
	if (!err)
		err = new_headers(m, n, name, new_name, &a, &h, &taken, &replace);
	if (!err) {
		err = copy_object(m, from.s, &etag, a.size, to.s, replace ? &h : NULL, &made, call);
		if (err)
			attr_untake(m, n, taken);
		else
			draft_moved(m, from.s, to.s, &made);
	}
	if (!err) { /* name and ETag change together: a reader sees no mixture */
		lock(m);
		err = move_locked(m, n, new_parent, new_name);
		if (!err)
			attr_made_locked(m, n, &a, &made, &h);
		unlock(m);
	}
	if (!err) {
		err = s3_delete(m->s3, from.s, NULL);
		if (err) {
			char text[1200];

			log_error("renamed, but the old name %s is still there: %s",
			          log_quote(text, sizeof text, from.s), strerror(-err));
		}
	}
	s3_headers_fini(&h);
	buf_fini(&from);
	buf_fini(&to);
	return err;
}

/* b may be NULL. */
static int busy_both(struct mount *m, struct node *a, struct node *b, const atomic_bool *cancel)
{
	bool a_first = !b || a->ino < b->ino;
	struct node *first = a_first ? a : b, *second = a_first ? b : a;
	int err;

	lock(m);
	err = tree_busy_locked(m->tree, first, cancel);
	if (!err && second) {
		err = tree_busy_locked(m->tree, second, cancel);
		if (err)
			tree_idle_locked(m->tree, first);
	}
	unlock(m);
	return err;
}

static void idle_both(struct mount *m, struct node *a, struct node *b)
{
	lock(m);
	tree_idle_locked(m->tree, a);
	if (b)
		tree_idle_locked(m->tree, b);
	unlock(m);
}

/* Both nodes become busy, and n's draft is free from its name. */
static int take_both(struct mount *m, struct node *n, struct node *there, struct s3_call *call)
{
	struct file *f;
	int err;

	do {
		err = busy_both(m, n, there, call->cancel);
		f = err ? NULL : file_find(m, n);
		if (!f)
			return err;
		err = free_from_name(f);
		if (err)
			idle_both(m, n, there);
		if (err == -EAGAIN) /* not busy: the publish that is waited for has to be */
			wait_for_file(f);
		file_put(f);
	} while (err == -EAGAIN && !(call->cancel && *call->cancel));
	return err == -EAGAIN ? -EINTR : err;
}

/* A file that has no object yet: its name is all there is. An object that the
 * new name has stays there until ours is made. Both nodes are busy. */
static int move_name(struct mount *m, struct node *n, struct node *new_parent, struct node *there,
                     const char *new_name, struct s3_call *call)
{
	struct buf from = BUF_INIT, to = BUF_INIT;
	bool covers = false, covered;
	int err;

	lock(m);
	covered = n->covers;
	err = mount_key_locked(m, n, NULL, &from);
	if (!err)
		err = mount_key_locked(m, new_parent, new_name, &to);
	unlock(m);
	if (!err && there)
		err = keep_for_users(m, there, to.s, call);
	if (!err && covered)
		err = s3_delete(m->s3, from.s, call);
	if (!err) {
		lock(m);
		covers = there && (there->etag.s[0] || there->covers);
		err = move_locked(m, n, new_parent, new_name);
		n->covers = !err && covers;
		unlock(m);
	}
	buf_fini(&from);
	buf_fini(&to);
	return err;
}

static int rename_file(struct mount *m, struct node *parent, struct node *n, const char *name,
                       struct node *new_parent, struct node *there, const char *new_name,
                       struct s3_call *call)
{
	struct file *replaced;
	bool object;
	int err = reserved(m, new_parent, new_name, n);

	if (!err)
		err = take_both(m, n, there, call);
	if (!err) {
		lock(m);
		object = n->etag.s[0];
		unlock(m);
		err = object ? move_object(m, n, name, new_parent, there, new_name, call)
		             : move_name(m, n, new_parent, there, new_name, call);
		idle_both(m, n, there);
	}
	if (err) {
		attr_distrust(m, parent);
		attr_distrust(m, new_parent);
		return err;
	}
	attr_name_removed(m, parent, name);
	attr_name_added(m, new_parent, new_name, false);
	replaced = there ? file_find(m, there) : NULL;
	if (replaced) {
		draft_discard(replaced);
		file_put(replaced);
	}
	return 0;
}

/* What renameat2(2) says about the two names. */
static int may_rename(const struct node *n, const struct node *there, const char *new_name,
                      unsigned flags)
{
	if (flags & ~1u) /* RENAME_NOREPLACE alone */
		return -EINVAL;
	if (n->special || !strcmp(new_name, MOUNT_HIDDEN))
		return -EPERM;
	if (there && flags)
		return -EEXIST;
	if (there && S_ISDIR(there->attr.mode) && !S_ISDIR(n->attr.mode))
		return -EISDIR;
	if (there && !S_ISDIR(there->attr.mode) && S_ISDIR(n->attr.mode))
		return -ENOTDIR;
	if (S_ISDIR(n->attr.mode))
		return -EXDEV; /* not yet: mv(1) then copies, file by file */
	return 0;
}

int names_rename(struct mount *m, struct node *parent, const char *name, struct node *new_parent,
                 const char *new_name, unsigned flags, struct s3_call *call)
{
	struct node *n, *there;
	int err = attr_lookup(m, parent, name, &n, call);

	if (err)
		return err;
	err = attr_lookup(m, new_parent, new_name, &there, call);
	if (err && err != -ENOENT) {
		tree_put(m->tree, n);
		return err;
	}
	err = may_rename(n, there, new_name, flags);
	if (!err && n != there)
		err = rename_file(m, parent, n, name, new_parent, there, new_name, call);
	if (there)
		tree_put(m->tree, there);
	tree_put(m->tree, n);
	return err;
}
