/* SPDX-License-Identifier: MIT */
#include "names.h"
#include "note.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "attr.h"
#include "copy.h"
#include "dir.h"
#include "draft.h"
#include "log.h"
#include "lookup.h"

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
		d->exclusive = d->exclusive && err; /* a rename replaces what is there */
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
	int err = attr_take(m, n, NULL, META_ALL, a, h, taken);

	if (err)
		return err;
	err = meta_follow_name(h, old_name, new_name);
	*replace = err > 0 || *taken || *n->suffix; /* which says no more that it is a link */
	if (err < 0)
		attr_untake(m, n, *taken);
	return err < 0 ? err : 0;
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

	tree_lock(m->tree);
	err = mount_key_locked(m, n, NULL, &from);
	if (!err)
		err = mount_key_locked(m, new_parent, new_name, &to);
	etag = n->etag;
	tree_unlock(m->tree);
	if (!err && there)
		err = names_keep(m, there, to.s, call);
	if (!err)
		err = new_headers(m, n, name, new_name, &a, &h, &taken, &replace);
	if (!err) {
		err = copy_object(m, from.s, &etag, a.size, to.s, &h,
		                  replace ? 0 : S3_KEEP_METADATA, &made, call);
		if (err)
			attr_untake(m, n, taken);
		else
			draft_moved(m, from.s, to.s, &made);
	}
	if (!err) { /* name and ETag change together: a reader sees no mixture */
		tree_lock(m->tree);
		err = move_locked(m, n, new_parent, new_name);
		if (!err)
			attr_made_locked(m, n, &a, &made, &h);
		tree_unlock(m->tree);
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

/* new_parent is among them so that no directory above it is renamed meanwhile. */
static int busy_all(struct mount *m, struct node *n, struct node *new_parent, struct node *there,
                    const atomic_bool *cancel)
{
	struct node *all[] = {n, new_parent, there};
	int err;

	tree_lock(m->tree);
	err = tree_busy_all_locked(m->tree, all, 3, cancel);
	tree_unlock(m->tree);
	return err;
}

static void idle_all(struct mount *m, struct node *n, struct node *new_parent, struct node *there)
{
	tree_lock(m->tree);
	tree_idle_locked(m->tree, n);
	tree_idle_locked(m->tree, new_parent);
	if (there)
		tree_idle_locked(m->tree, there);
	tree_unlock(m->tree);
}

/* All become busy, and n's draft is free from its name. */
static int take_all(struct mount *m, struct node *n, struct node *new_parent, struct node *there,
                    struct s3_call *call)
{
	struct file *f;
	int err;

	do {
		err = busy_all(m, n, new_parent, there, call->cancel);
		f = err ? NULL : file_find(m, n);
		if (!f)
			return err;
		err = free_from_name(f);
		if (err)
			idle_all(m, n, new_parent, there);
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

	tree_lock(m->tree);
	covered = n->covers;
	err = mount_key_locked(m, n, NULL, &from);
	if (!err)
		err = mount_key_locked(m, new_parent, new_name, &to);
	tree_unlock(m->tree);
	if (!err && there)
		err = names_keep(m, there, to.s, call);
	if (!err && covered)
		err = s3_delete(m->s3, from.s, call);
	if (!err) {
		tree_lock(m->tree);
		covers = there && (there->etag.s[0] || there->covers);
		err = move_locked(m, n, new_parent, new_name);
		n->covers = !err && covers;
		tree_unlock(m->tree);
	}
	buf_fini(&from);
	buf_fini(&to);
	return err;
}

/* What rclone wrote as a link had another key than what took its name: it would
 * be there again when that goes. */
static void remove_link_there(struct mount *m, struct node *new_parent, const struct node *there,
                              const char *new_name)
{
	char text[600];
	bool link;
	int err;

	tree_lock(m->tree);
	link = there && *there->suffix;
	tree_unlock(m->tree);
	err = link ? names_delete_foreign(m, new_parent, new_name, NODE_MARK_LINK, NULL) : 0;
	if (err)
		log_error("the link that %s was is still there: %s",
		          log_quote(text, sizeof text, new_name), strerror(-err));
}

static int rename_file(struct mount *m, struct node *parent, struct node *n, const char *name,
                       struct node *new_parent, struct node *there, const char *new_name,
                       struct s3_call *call)
{
	struct file *replaced;
	bool object;
	int err = names_reserved(m, new_parent, new_name, n);

	if (!err && parent != new_parent)
		err = names_keep_parent(m, parent, name, call);
	if (!err)
		err = take_all(m, n, new_parent, there, call);
	if (!err) {
		tree_lock(m->tree);
		object = n->etag.s[0];
		tree_unlock(m->tree);
		err = object ? move_object(m, n, name, new_parent, there, new_name, call)
		             : move_name(m, n, new_parent, there, new_name, call);
		if (!err)
			remove_link_there(m, new_parent, there, new_name);
		idle_all(m, n, new_parent, there);
	}
	if (err) {
		attr_distrust(m, parent);
		attr_distrust(m, new_parent);
		return err;
	}
	dir_name_removed(m, parent, name);
	dir_name_added(m, new_parent, new_name, false);
	replaced = there ? file_find(m, there) : NULL;
	if (replaced) {
		draft_discard(replaced);
		file_put(replaced);
	}
	return 0;
}

/* What renameat2(2) says about the two names. */
static int may_rename(struct mount *m, const struct node *n, const struct node *new_parent,
                      const struct node *there, const char *new_name, unsigned flags)
{
	bool dir, into_itself;

	if (flags & ~1u) /* RENAME_NOREPLACE alone */
		return -EINVAL;
	if (n->special || !strcmp(new_name, MOUNT_HIDDEN))
		return -EPERM;
	if (there && flags)
		return -EEXIST;
	dir = attr_is_dir(m, n);
	if (there && attr_is_dir(m, there) != dir)
		return dir ? -ENOTDIR : -EISDIR;
	tree_lock(m->tree);
	into_itself = tree_below_locked(new_parent, n);
	tree_unlock(m->tree);
	return into_itself ? -EINVAL : 0;
}

int names_rename(struct mount *m, struct node *parent, const char *name, struct node *new_parent,
                 const char *new_name, unsigned flags, struct s3_call *call)
{
	struct node *n, *there;
	int err = lookup_name(m, parent, name, &n, call);

	if (err)
		return err;
	err = lookup_name(m, new_parent, new_name, &there, call);
	if (err && err != -ENOENT) {
		tree_put(m->tree, n);
		return err;
	}
	err = may_rename(m, n, new_parent, there, new_name, flags);
	if (!err && n != there && attr_is_dir(m, n))
		err = names_rename_dir(m, parent, n, name, new_parent, there, new_name, call);
	else if (!err && n != there)
		err = rename_file(m, parent, n, name, new_parent, there, new_name, call);
	if (!err && n != there)
		note_renamed(m);
	if (there)
		tree_put(m->tree, there);
	tree_put(m->tree, n);
	return err;
}
