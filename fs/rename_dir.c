/* SPDX-License-Identifier: MIT */
/* rename_dir.c - the rename of a directory, and of all that is below: objects
 * (move.h), files that are open, drafts, and what is remembered of them. */
#include "names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attr.h"
#include "dir.h"
#include "draft.h"
#include "log.h"
#include "lookup.h"
#include "move.h"
#include "wait.h"

struct renaming {
	struct mount *m;
	struct node *parent, *n, *new_parent, *there; /* there: NULL, or empty */
	const char *name, *new_name;
	struct move mv;
	unsigned foreign; /* markers of other clients: they become one of our own */
	struct witness *witnesses;

	/* the new marker */
	struct attr attr;
	unsigned taken;
	struct s3_headers headers;
	struct s3_etag etag; /* "": not made */
};

/* --------------------------------------------------------------- the freeze */

struct below {
	struct mount *m;
	const struct node *dir;
};

static bool is_below(const struct draft *d, const struct below *b)
{
	bool below;

	tree_lock(b->m->tree);
	below = tree_below_locked(d->file->node, b->dir);
	tree_unlock(b->m->tree);
	return below;
}

/* An object is just being made. (No more will be: draft_name_moves().) */
static bool is_publishing(struct draft *d, void *arg)
{
	return (d->step == DRAFT_PUTTING || d->step == DRAFT_COMPLETING) && is_below(d, arg);
}

static int wait_for_publishes(struct renaming *r, const atomic_bool *cancel)
{
	struct tree *t = r->m->tree;
	struct below b = {r->m, r->n};
	int err = 0;

	while (!err && draft_any(r->m, is_publishing, &b)) {
		tree_lock(t);
		err = wait_moment(&t->idle, &t->lock, cancel);
		tree_unlock(t);
	}
	return err;
}

/* What waited goes on. An upload that was created under the old name ends, if
 * what it has can be sent again; else it is completed there, and moved. */
static bool go_on(struct draft *d, void *arg)
{
	struct below *b = arg;
	struct buf key = BUF_INIT;

	if (!is_below(d, b))
		return false;
	if (d->own.id && !d->error && !d->discarded && !d->publish && d->step == DRAFT_READY &&
	    !mount_key(b->m, d->file->node, &key) && strcmp(key.s, d->own.key) != 0)
		(void)!parts_redirect(d->parts);
	draft_pump(d);
	buf_fini(&key);
	return false;
}

static void end(struct renaming *r)
{
	struct below b = {r->m, r->n};

	tree_lock(r->m->tree);
	tree_thaw_locked(r->m->tree, r->n);
	tree_idle_locked(r->m->tree, r->n);
	tree_idle_locked(r->m->tree, r->new_parent);
	if (r->there)
		tree_idle_locked(r->m->tree, r->there);
	tree_unlock(r->m->tree);
	draft_any(r->m, go_on, &b);
}

/* From now on nothing below changes but by us, nor where it goes. */
static int begin(struct renaming *r, const atomic_bool *cancel)
{
	struct node *all[] = {r->n, r->new_parent, r->there};
	struct tree *t = r->m->tree;
	int err;

	tree_lock(t);
	err = tree_busy_all_locked(t, all, 3, cancel);
	if (err) {
		tree_unlock(t);
		return err;
	}
	err = tree_freeze_locked(t, r->n, cancel);
	tree_unlock(t);
	if (!err)
		err = wait_for_publishes(r, cancel);
	if (err)
		end(r);
	return err;
}

/* A file that was renamed while it was written will be completed under a name
 * that it has no more: below the source that would be missed, below the target
 * it would be in the way. */
static bool completes_in_the_way(struct draft *d, void *arg)
{
	struct renaming *r = arg;
	const struct buf *from = &r->mv.from, *to = &r->mv.to;
	struct buf key = BUF_INIT, later = BUF_INIT;
	bool source, target, bad = false;

	if (!d->own.id || mount_key(r->m, d->file->node, &key))
		return false;
	source = !strncmp(d->own.key, from->s, from->len) && strcmp(d->own.key, key.s) != 0;
	target = !strncmp(d->own.key, to->s, to->len);
	if (target) /* unless it gets back just that name */
		bad = strncmp(key.s, from->s, from->len) != 0 ||
		      move_target(&r->mv, key.s, &later) || strcmp(later.s, d->own.key) != 0;
	buf_fini(&key);
	buf_fini(&later);
	return source || bad;
}

/* -------------------------------------------------- ETags that others rely on */

/* An object whose copy has another ETag, and who will ask for it by that: the
 * node of a file that is open or has changes, or a draft with ranges of it. */
struct witness {
	struct witness *next;
	struct node *node; /* held; NULL: a draft's */
	char *key;
	struct s3_etag etag, made; /* made: "" if it is another object by now */
};

static void witness_add(struct renaming *r, struct node *n, const char *key,
                        const struct s3_etag *etag, int *err)
{
	struct witness *w = calloc(1, sizeof *w);

	if (w)
		w->key = strdup(key);
	if (!w || !w->key) {
		free(w);
		*err = -ENOMEM;
		return;
	}
	w->etag = *etag;
	w->node = n;
	if (n)
		tree_hold_locked(n);
	w->next = r->witnesses;
	r->witnesses = w;
}

static struct witness *witness_of(const struct renaming *r, const struct node *n)
{
	struct witness *w = r->witnesses;

	while (w && w->node != n)
		w = w->next;
	return w;
}

static void witnesses_fini(struct renaming *r)
{
	while (r->witnesses) {
		struct witness *w = r->witnesses;

		r->witnesses = w->next;
		if (w->node)
			tree_put(r->m->tree, w->node);
		free(w->key);
		free(w);
	}
}

struct collecting {
	struct renaming *r;
	int err;
};

/* None is added meanwhile, as the directory is frozen. */
static bool add_sources(struct draft *d, void *arg)
{
	struct collecting *c = arg;
	const struct buf *from = &c->r->mv.from;

	for (int i = 0; i < d->nsources; i++) {
		const struct draft_source *s = &d->sources[i];

		if (s->key && !s->ours && !strncmp(s->key, from->s, from->len))
			witness_add(c->r, NULL, s->key, &s->etag, &c->err);
	}
	return false;
}

/* Which ETag the copy of it has. */
static int learn(struct renaming *r, struct witness *w)
{
	struct s3_call call = {.cancel = r->mv.cancel};
	struct s3_object o = {0};
	struct buf to = BUF_INIT;
	bool same;
	int err = s3_head(r->m->s3, w->key, &o, &call);

	same = !err && !strcmp(o.etag.s, w->etag.s);
	s3_object_fini(&o);
	if (same)
		err = move_target(&r->mv, w->key, &to);
	if (!err && same) {
		err = s3_head(r->m->s3, to.s, &o, &call);
		w->made = err ? w->made : o.etag;
		s3_object_fini(&o);
	}
	buf_fini(&to);
	return err == -ENOENT ? 0 : err;
}

/* Drafts copy and read from the new keys from now on. */
static int move_sources(struct renaming *r)
{
	struct collecting c = {.r = r};
	int err;

	draft_any(r->m, add_sources, &c);
	err = c.err;
	for (struct witness *w = r->witnesses; w && !err; w = w->next) {
		struct buf to = BUF_INIT;

		err = learn(r, w);
		if (!err && w->made.s[0]) {
			err = move_target(&r->mv, w->key, &to);
			if (!err)
				draft_moved(r->m, w->key, to.s, &w->made);
		}
		buf_fini(&to);
	}
	return err;
}

static bool needs_etag(const struct renaming *r, const struct node *n)
{
	return n->etag.s[0] && move_changes_etag(&r->mv, &n->etag) &&
	       (n->file || n->pending || n->drafted);
}

/* Calls what for each node below the directory. */
static void each_below_locked(struct renaming *r,
                              void (*what)(struct renaming *r, struct node *n, int *err), int *err)
{
	struct tree *t = r->m->tree;

	for (size_t i = 0; i < t->nbuckets; i++)
		for (struct node *n = t->buckets[i]; n; n = n->next)
			if (n != r->n && tree_below_locked(n, r->n))
				what(r, n, err);
}

static void add_unknown(struct renaming *r, struct node *n, int *err)
{
	struct buf key = BUF_INIT;

	if (!needs_etag(r, n) || witness_of(r, n) || *err)
		return;
	*err = mount_key_locked(r->m, n, NULL, &key);
	if (!*err)
		witness_add(r, n, key.s, &n->etag, err);
	buf_fini(&key);
}

/* What is known of a node, now that its object is another one. */
static void renew(struct renaming *r, struct node *n, int *err)
{
	const struct witness *w = witness_of(r, n);

	(void)err;
	n->changes++;
	if (!n->etag.s[0] || !move_changes_etag(&r->mv, &n->etag))
		return;
	if (w && w->made.s[0] && !strcmp(w->etag.s, n->etag.s))
		n->etag = w->made;
	else
		n->fresh_until_ms = 0;
}

/* --------------------------------------------------------------- the commit */

/* The directory's own marker comes last, as an empty directory may be there. */
static int make_marker(struct renaming *r)
{
	struct mount *m = r->m;
	struct s3_call call = {.cancel = r->mv.cancel};
	struct s3_body nothing = {0};
	const char *tags;
	bool plain;
	int err;

	if (!r->mv.marker && !r->foreign)
		return 0;
	tree_lock(m->tree);
	tags = s3_headers_get(&r->n->headers, "x-amz-tagging-count");
	plain = !r->mv.marker ||
	        (r->n->etag.s[0] && !r->mv.marker_size && (!tags || !strcmp(tags, "0")));
	tree_unlock(m->tree);
	if (!plain)
		return move_copy_one(&r->mv, r->mv.from.s);
	err = attr_take(m, r->n, NULL, META_ALL, &r->attr, &r->headers, &r->taken);
	if (!err)
		err = s3_put(m->s3, r->mv.to.s, &r->headers, &nothing, 0, &r->etag, &call);
	return err;
}

/* The new name, and the new ETags, at once. -EAGAIN: there are files whose ETag
 * is to be learnt first. */
static int commit_locked(struct renaming *r)
{
	struct witness *before = r->witnesses;
	int err = 0;

	each_below_locked(r, add_unknown, &err);
	if (!err && r->witnesses != before)
		return -EAGAIN;
	if (!err)
		err = tree_move_locked(r->m->tree, r->n, r->new_parent, r->new_name);
	if (err)
		return err;
	each_below_locked(r, renew, &err);
	r->n->changes++;
	if (r->etag.s[0])
		attr_made_locked(r->m, r->n, &r->attr, &r->etag, &r->headers);
	else if (!r->mv.marker)
		r->n->etag.s[0] = 0;
	r->n->foreign = 0;
	return 0;
}

static int commit(struct renaming *r)
{
	int err;

	do {
		struct witness *known = r->witnesses;

		tree_lock(r->m->tree);
		err = commit_locked(r);
		tree_unlock(r->m->tree);
		for (struct witness *w = r->witnesses; err == -EAGAIN && w != known; w = w->next) {
			int failed = learn(r, w);

			if (failed)
				err = failed;
		}
	} while (err == -EAGAIN);
	return err;
}

/* The name of an empty directory was taken by one that has no marker. */
static void remove_marker_there(struct renaming *r)
{
	int err = r->there && !r->etag.s[0] && !r->mv.marker ? s3_delete(r->m->s3, r->mv.to.s, NULL)
	                                                     : 0;

	if (err)
		log_warn("the attributes of the directory that was replaced stay: %s",
		         strerror(-err));
}

static bool is_anything(struct draft *d, void *arg)
{
	return is_below(d, arg);
}

static int carry_out(struct renaming *r)
{
	struct below b = {r->m, r->n};
	int err, swept;
	unsigned left;

	move_note(&r->mv, false);
	err = move_copy(&r->mv);
	/* Another client has removed it all. */
	if (!err && !r->mv.objects && !r->mv.marker && !draft_any(r->m, is_anything, &b))
		err = -ENOENT;
	if (!err)
		err = move_sources(r);
	if (!err)
		err = make_marker(r);
	if (!err)
		err = commit(r);
	if (err) {
		if (move_undo(&r->mv))
			move_leave(&r->mv);
		attr_untake(r->m, r->n, r->taken);
		if (r->etag.s[0] && !r->there)
			(void)!s3_delete(r->m->s3, r->mv.to.s, NULL);
		return err;
	}
	dir_name_removed(r->m, r->parent, r->name);
	dir_name_added(r->m, r->new_parent, r->new_name, true);
	move_note(&r->mv, true);
	remove_marker_there(r);
	err = names_delete_foreign(r->m, r->parent, r->name, r->foreign, NULL);
	swept = move_sweep(&r->mv, &left);
	if (left || err)
		attr_distrust(r->m, r->parent);
	if (swept || err)
		move_leave(&r->mv); /* pourfs recover tries again */
	return err ? err : swept;
}

static int check(struct renaming *r)
{
	struct s3_call call = {.cancel = r->mv.cancel};
	char text[1200];
	int err = 0;

	if (r->there && names_unpublished(r->m, r->there)) /* first: see empty() in names.c */
		err = -ENOTEMPTY;
	if (!err)
		err = move_check_target(&r->mv);
	if (!err)
		err = lookup_foreign(r->m, r->parent, r->name, r->n, &r->foreign, &call);
	if (!err && draft_any(r->m, completes_in_the_way, r)) {
		err = -EBUSY;
		log_warn("%s cannot be renamed before a file is closed that was renamed while it "
		         "was written: mount with -o staging=always for that",
		         log_quote(text, sizeof text, r->mv.from.s));
	}
	return err;
}

int names_rename_dir(struct mount *m, struct node *parent, struct node *n, const char *name,
                     struct node *new_parent, struct node *there, const char *new_name,
                     struct s3_call *call)
{
	struct renaming r = {.m = m,
	                     .parent = parent,
	                     .n = n,
	                     .new_parent = new_parent,
	                     .there = there,
	                     .name = name,
	                     .new_name = new_name};
	int err = parent == new_parent ? 0 : names_keep_parent(m, parent, name, call);

	if (!err)
		err = begin(&r, call->cancel);
	if (err)
		return err;
	tree_lock(m->tree);
	err = move_init_locked(&r.mv, m, n, new_parent, new_name, call->cancel);
	tree_unlock(m->tree);
	if (!err)
		err = check(&r);
	if (!err)
		err = carry_out(&r);
	move_fini(&r.mv);
	witnesses_fini(&r);
	s3_headers_fini(&r.headers);
	end(&r);
	if (err) {
		attr_distrust(m, parent);
		attr_distrust(m, new_parent);
	}
	return err;
}
