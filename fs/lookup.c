/* SPDX-License-Identifier: MIT */
#include "lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attr.h"
#include "dir.h"
#include "draft.h"
#include "encode.h"
#include "wait.h"

#define PASS_MS     2000 /* so long one pass over names makes the next one likely */
#define MARKER_TYPE "application/x-directory" /* of the markers that end in no slash */

/* What is known of a name, and what the service says of its object. */
struct finding {
	uint64_t turns;         /* tree->turns, before it was asked */
	enum listing_form form; /* LISTING_NONE: not known, or nothing */
	bool certain;           /* of form; attributes are still to be asked for */
	bool object;            /* there is one: o is filled in */
	struct s3_object o;
};

/* ------------------------------------------------------------------ asking */

/* For a service that may not be listed, a refusal is all it says of a missing key. */
static int head(struct mount *m, const char *key, struct finding *f, struct s3_call *call)
{
	struct s3_call quiet = {.cancel = call->cancel,
	                        .retry_time_s = call->retry_time_s,
	                        .may_refuse = m->conf.no_list,
	                        .guess = call->guess};
	int err = s3_head(m->s3, key, &f->o, &quiet);

	f->object = !err;
	/* The service's refusal, that is: without keys nobody was asked. */
	return err == -EACCES && m->conf.no_list && quiet.fault.status ? -ENOENT : err;
}

/* Something is below the key, which ends in a slash; *marker: that key itself
 * is the first. 1, 0 or -errno. */
static int has_below(struct mount *m, const char *key, bool *marker, struct s3_call *call)
{
	struct s3_page page = {0};
	int err, n;

	*marker = true;
	if (m->conf.no_list)
		return 1; /* if its marker is there */
	err = s3_list(m->s3, key, 0, NULL, NULL, 1, &page, call);
	if (err)
		return err;
	n = page.n != 0;
	*marker = n && !strcmp(page.v[0].key, key);
	s3_page_fini(&page);
	return n;
}

static int ask_as_directory(struct mount *m, struct buf *key, struct finding *f,
                            struct s3_call *call)
{
	bool marker = true;
	int err, is = 1;

	buf_addc(key, '/');
	if (buf_error(key))
		return -ENOMEM;
	if (!f->certain)
		is = has_below(m, key->s, &marker, call);
	if (is <= 0)
		return is ? is : -ENOENT;
	err = marker ? head(m, key->s, f, call) : 0;
	if (err == -ENOENT && (f->certain || !m->conf.no_list))
		err = 0; /* implied by what is below */
	if (!err)
		f->form = LISTING_DIR;
	return err;
}

/* Asks the service what key is, which a name makes. -ENOENT: nothing. */
static int ask(struct mount *m, struct buf *key, struct finding *f, struct s3_call *call)
{
	int err;

	if (f->form == LISTING_DIR)
		return ask_as_directory(m, key, f, call);
	buf_adds(key, f->form == LISTING_FOLDER ? LISTING_FOLDER_SUFFIX
	              : f->form == LISTING_LINK ? LISTING_LINK_SUFFIX
	                                        : "");
	if (buf_error(key))
		return -ENOMEM;
	err = head(m, key->s, f, call);
	if (!err && !f->certain)
		f->form = LISTING_FILE;
	if (err != -ENOENT || f->certain)
		return err;
	return ask_as_directory(m, key, f, call);
}

/* --------------------------------------------------------------- answering */

/* An empty object that other clients made for a directory. */
static bool is_plain_marker(const struct finding *f)
{
	const char *type = s3_headers_get(&f->o.headers, "content-type");

	return f->form == LISTING_FILE && !f->o.size && type && !strcmp(type, MARKER_TYPE);
}

static bool is_directory(const struct finding *f)
{
	return f->form == LISTING_DIR || f->form == LISTING_FOLDER || is_plain_marker(f);
}

/* Takes over what was found. n is not known otherwise, or of that type. */
static void set_locked(struct mount *m, struct node *n, struct finding *f)
{
	bool own_marker = f->form == LISTING_DIR;

	n->attr.mode = is_directory(f) ? S_IFDIR : S_IFREG;
	n->foreign = f->form == LISTING_FOLDER  ? NODE_MARK_FOLDER
	             : own_marker || !f->object ? 0
	             : is_plain_marker(f)       ? NODE_MARK_PLAIN
	                                        : 0;
	n->suffix = "";
	if (!f->object) {
		n->attr = mount_default_attr(m, S_IFDIR, m->started);
		attr_believe_locked(m, n);
		return;
	}
	if (f->form == LISTING_LINK && f->o.size) {
		n->suffix = LISTING_LINK_SUFFIX;
		n->attr.mode = S_IFLNK;
	}
	attr_set_locked(m, n, &f->o);
	if (n->foreign) /* its own marker is still to be made */
		n->etag = (struct s3_etag){""};
}

/* Enters what was found into the tree. */
static int enter_locked(struct mount *m, struct node *parent, const char *name, struct finding *f,
                        struct node **out)
{
	mode_t type = is_directory(f) ? S_IFDIR : S_IFREG;
	struct node *n = tree_find_locked(m->tree, parent, name);

	if (n && !attr_is_ours_locked(n) && !n->busy && n->turn <= f->turns &&
	    S_ISDIR(n->attr.mode) != S_ISDIR(type)) {
		tree_unlink_locked(m->tree, n);
		tree_put_locked(m->tree, n);
		n = NULL;
	}
	if (!n)
		n = tree_add_locked(m->tree, parent, name, type);
	if (!n)
		return -ENOMEM;
	*out = n;
	if (!attr_is_older_locked(n, f->turns)) /* else somebody was faster, or it is ours */
		set_locked(m, n, f);
	return 0;
}

/* ----------------------------------------------- asking before it is wanted */

struct fetch {
	struct mount *m;
	struct node *n; /* held */
	struct finding f;
};

static void fetch_job(void *arg)
{
	struct fetch *job = arg;
	struct mount *m = job->m;
	struct node *n = job->n;
	struct buf key = BUF_INIT, asked = BUF_INIT;
	struct s3_call call = mount_call_ahead(m);
	int err = -ENOENT;
	bool mine;

	tree_lock(m->tree);
	job->f.turns = m->tree->turns;
	mine = n->fetched == NODE_ASK_SOON;
	if (mine)
		n->fetched = NODE_ASKING;
	if (mine && n->parent && !attr_is_fresh_locked(n))
		err = mount_key_locked(m, n->parent, n->name, &key);
	tree_unlock(m->tree);
	buf_adds(&asked, key.s);
	if (!err)
		err = ask(m, &key, &job->f, &call); /* nobody wants it any more at the end */
	tree_lock(m->tree);
	if (!err && n->parent && !mount_key_moved_locked(m, n->parent, n->name, &asked) &&
	    !attr_is_older_locked(n, job->f.turns) &&
	    /* Of another type it may become as long as this is all that holds it. */
	    ((!n->lookups && n->held == 1) || S_ISDIR(n->attr.mode) == is_directory(&job->f)))
		set_locked(m, n, &job->f);
	if (mine) {
		n->fetched = NODE_NOT_ASKED;
		pthread_cond_broadcast(&m->tree->idle);
	}
	tree_put_locked(m->tree, n);
	tree_unlock(m->tree);
	s3_object_fini(&job->f.o);
	buf_fini(&key);
	buf_fini(&asked);
	free(job);
}

/* Takes over n, which is held. what: of n, what run will ask for. */
static void ask_soon_locked(struct mount *m, struct node *n, enum node_ahead *what,
                            void (*run)(void *), enum listing_form form)
{
	struct fetch *job = malloc(sizeof *job);

	if (job) {
		*job = (struct fetch){m, n, {.form = form, .certain = true}};
		*what = NODE_ASK_SOON;
		if (!workers_give(m->looks, 0, run, job))
			return;
		*what = NODE_NOT_ASKED;
		free(job);
	}
	tree_put_locked(m->tree, n);
}

static void fetch_locked(struct mount *m, struct node *dir, const char *name,
                         enum listing_form form)
{
	bool is_dir = form == LISTING_DIR || form == LISTING_FOLDER;
	struct node *n = tree_add_locked(m->tree, dir, name, is_dir ? S_IFDIR : S_IFREG);

	if (n && n->fetched == NODE_NOT_ASKED && !attr_is_fresh_locked(n))
		ask_soon_locked(m, n, &n->fetched, fetch_job, form);
	else if (n)
		tree_put_locked(m->tree, n);
}

/* Asks for the attributes of n names from first on, or of the directories among them. */
static void fetch_all_locked(struct mount *m, struct node *dir, size_t first, size_t n, bool files)
{
	bool whole;
	struct listing *l = dir_names_locked(dir, &whole);

	if (!l)
		return;
	listing_hold(l);
	for (size_t i = first; i < first + n && i < l->n; i++) {
		char name[DIR_NAME_MAX + 1];
		enum listing_form form = listing_name(l, i, name);

		if ((files || form == LISTING_DIR) && !listing_hidden(l, i) &&
		    (whole || !listing_may_be_hidden_later(l, name)))
			fetch_locked(m, dir, name, form);
	}
	listing_put(l);
}

/* Its names are known: their attributes are asked for, as long as such are wanted. */
static void listed_ahead_locked(struct mount *m, struct node *dir)
{
	bool whole;
	const struct listing *l = dir_names_locked(dir, &whole);

	dir->unasked = !l || !ahead_listed(&dir->parent->below, l->n);
	if (!dir->unasked)
		fetch_all_locked(m, dir, 0, AHEAD_MAX, true);
}

static void foresee_job(void *arg)
{
	struct fetch *job = arg;
	struct mount *m = job->m;
	struct s3_call call = mount_call_ahead(m);
	struct node *n = job->n;
	int err = dir_foresee(m, n, &call);

	tree_lock(m->tree);
	if (!err && n->parent)
		listed_ahead_locked(m, n);
	dir_foreseen_locked(m, n, err);
	tree_put_locked(m->tree, n);
	tree_unlock(m->tree);
	free(job);
}

static void foresee_locked(struct mount *m, struct node *parent, const char *name)
{
	struct node *n = tree_add_locked(m->tree, parent, name, S_IFDIR);

	if (!n)
		return;
	if (n->unasked)
		listed_ahead_locked(m, n);
	if (dir_is_to_foresee_locked(m, n))
		ask_soon_locked(m, n, &n->foreseen, foresee_job, LISTING_DIR);
	else
		tree_put_locked(m->tree, n);
}

/* The directories that follow dir in its parent. */
static void foresee_next_locked(struct mount *m, struct node *dir)
{
	struct node *parent = dir->parent;
	struct listing *l;
	size_t i;
	unsigned found = 0, wanted;

	if (!dir_is_fresh_locked(parent))
		return;
	wanted = ahead_directories(&parent->below);
	l = listing_hold(parent->listing);
	i = listing_index(l, dir->name, LISTING_DIR) + 1;
	for (size_t end = i + AHEAD_MAX; i < end && i < l->n && found < wanted; i++) {
		char name[DIR_NAME_MAX + 1];

		if (listing_name(l, i, name) == LISTING_DIR) {
			foresee_locked(m, parent, name);
			found++;
		}
	}
	listing_put(l);
}

static bool is_passed_locked(const struct node *parent)
{
	return parent && mount_now_ms() - parent->passed_ms < PASS_MS;
}

/* When a directory that was foreseen is opened, the pass goes on. */
void lookup_opened(struct mount *m, struct node *dir)
{
	struct node *parent;

	tree_lock(m->tree);
	parent = dir->parent;
	if (dir->foreseen == NODE_ASKED && !dir_is_fresh_locked(dir))
		dir->foreseen = NODE_NOT_ASKED;
	dir->unasked = false;
	if (parent) {
		ahead_opened(&parent->below, dir->foreseen != NODE_NOT_ASKED);
		if (dir->foreseen != NODE_NOT_ASKED)
			parent->passed_ms = mount_now_ms();
	}
	if (is_passed_locked(parent))
		foresee_next_locked(m, dir);
	tree_unlock(m->tree);
}

/* The name was looked up: when that looks like a pass over the directory, what
 * comes next is asked for. */
static void look_ahead_locked(struct mount *m, struct node *dir, const struct listing *l,
                              const char *name, enum listing_form form)
{
	unsigned flags = (form == LISTING_DIR ? AHEAD_DIR : 0) |
	                 (is_passed_locked(dir->parent) ? AHEAD_LIKELY : 0);
	uint64_t now = mount_now_ms(), before = dir->looked_ms;
	size_t first, n, next = dir->ahead.next;

	if (!m->conf.ttl_ms)
		return;
	dir->looked_ms = now;
	n = ahead_look(&dir->ahead, listing_index(l, name, form), l->n, flags, &first);
	if (dir->ahead.next != next && now - before < PASS_MS && ahead_is_pass(&dir->ahead, l->n)) {
		dir->passed_ms = now; /* those in it come next, or those beside it */
		if (dir->parent) {
			dir->parent->passed_ms = now;
			ahead_proved(&dir->parent->below);
		}
	}
	if (n)
		fetch_all_locked(m, dir, first, n, dir->ahead.files);
}

/* ------------------------------------------------------------------ lookup */

static struct node *known_node_locked(struct mount *m, struct node *parent, const char *name,
                                      struct s3_call *call)
{
	struct node *n = tree_find_locked(m->tree, parent, name);

	while (n && n->fetched == NODE_ASKING &&
	       !wait_moment(&m->tree->idle, &m->tree->lock, call->cancel))
		;
	if (n && n->parent == parent &&
	    (attr_is_fresh_locked(n) ||
	     (S_ISDIR(n->attr.mode) && dir_has_unpublished_locked(m, n))))
		return n;
	if (n) {
		if (n->fetched == NODE_ASK_SOON)
			n->fetched = NODE_NOT_ASKED;
		tree_put_locked(m->tree, n);
	}
	return NULL;
}

/* What the tree or a fresh listing of the parent knows of the name: the node;
 * or -ENOENT; or nothing (0), but perhaps the form. */
static int known_locked(struct mount *m, struct node *parent, const char *name, struct node **out,
                        struct finding *f, struct s3_call *call)
{
	enum listing_form form;
	struct listing *l;
	bool whole;

	*out = known_node_locked(m, parent, name, call);
	l = dir_names_locked(parent, &whole);
	form = l ? listing_find(l, name) : LISTING_NONE;
	/* What is ours need not be asked for, and is looked up all the time. */
	if (form != LISTING_NONE && !(*out && attr_is_ours_locked(*out)))
		look_ahead_locked(m, parent, l, name, form);
	if (whole) {
		f->form = form;
		f->certain = form != LISTING_NONE;
		if (!f->certain && !*out)
			return -ENOENT;
	} else if (!*out && tree_absent_locked(m->tree, parent, name, mount_now_ms())) {
		return -ENOENT;
	}
	return 0;
}

/* Asks the service for key, which is that name's, and enters what it says.
 * -EAGAIN: the parent was renamed meanwhile. */
static int find_out(struct mount *m, struct node *parent, const char *name, struct buf *key,
                    struct finding *f, struct node **out, struct s3_call *call)
{
	struct buf asked = BUF_INIT;
	int err;

	buf_adds(&asked, key->s); /* ask() adds to the other */
	err = buf_error(&asked);
	if (!err)
		err = ask(m, key, f, call);
	tree_lock(m->tree);
	if (mount_key_moved_locked(m, parent, name, &asked))
		err = -EAGAIN;
	else if (!err)
		err = enter_locked(m, parent, name, f, out);
	else if (err == -ENOENT && !f->certain)
		tree_set_absent_locked(m->tree, parent, name, mount_now_ms() + m->conf.ttl_ms);
	tree_unlock(m->tree);
	buf_fini(&asked);
	return err;
}

/* -EAGAIN: the same. */
static int look_up(struct mount *m, struct node *parent, const char *name, struct node **out,
                   struct s3_call *call)
{
	struct finding f = {0};
	struct buf key = BUF_INIT;
	bool asked = false;
	int err;

	*out = NULL;
	tree_lock(m->tree);
	f.turns = m->tree->turns;
	err = mount_key_locked(m, parent, name, &key);
	if (!err)
		err = known_locked(m, parent, name, out, &f, call);
	tree_unlock(m->tree);
	if (!err && !*out && !f.certain && !m->conf.no_list && dir_learn(m, parent, call) == 0) {
		asked = true;
		tree_lock(m->tree);
		err = known_locked(m, parent, name, out, &f, call);
		tree_unlock(m->tree);
	}
	if (!err && !*out && !f.certain && !utf8_is_valid(name))
		err = -ENOENT; /* it cannot be a key: services refuse to be asked */
	if (!err && !*out) {
		asked = true;
		err = find_out(m, parent, name, &key, &f, out, call);
	}
	if (asked)
		m->asked++;
	else if (!err)
		m->looked_up++;
	s3_object_fini(&f.o);
	buf_fini(&key);
	return err;
}

int lookup_name(struct mount *m, struct node *parent, const char *name, struct node **out,
                struct s3_call *call)
{
	int err;

	*out = NULL;
	if (!dir_name_is_good(name, strlen(name)))
		return strlen(name) > DIR_NAME_MAX ? -ENAMETOOLONG : -ENOENT;
	do
		err = look_up(m, parent, name, out, call);
	while (err == -EAGAIN);
	return err;
}

/* -EAGAIN: a directory above was renamed meanwhile, or it was made anew. */
static int refresh(struct mount *m, struct node *n, struct s3_call *call)
{
	struct s3_object o = {0};
	struct buf key = BUF_INIT;
	bool fresh, dir;
	uint64_t turns;
	int err = 0;

	tree_lock(m->tree);
	turns = m->tree->turns;
	fresh = attr_is_fresh_locked(n) || n->unlinked || !n->parent;
	dir = S_ISDIR(n->attr.mode);
	if (!fresh)
		err = mount_key_locked(m, n, NULL, &key);
	tree_unlock(m->tree);
	if (!fresh && !err) {
		err = s3_head(m->s3, key.s, &o, call);
		tree_lock(m->tree);
		if (mount_key_moved_locked(m, n, NULL, &key) ||
		    (err == -ENOENT && n->parent && attr_is_older_locked(n, turns)))
			err = -EAGAIN;
		else if (!err && !attr_is_older_locked(n, turns))
			attr_set_locked(m, n, &o);
		if (err == -ENOENT && dir) {
			attr_believe_locked(m, n); /* an implied directory: as it was */
			err = 0;
		}
		tree_unlock(m->tree);
	}
	s3_object_fini(&o);
	buf_fini(&key);
	return err;
}

int lookup_refresh(struct mount *m, struct node *n, struct s3_call *call)
{
	int err;

	do
		err = refresh(m, n, call);
	while (err == -EAGAIN);
	return err;
}

int lookup_foreign(struct mount *m, struct node *parent, const char *name, struct node *n,
                   unsigned *foreign, struct s3_call *call)
{
	struct finding f = {.form = LISTING_FILE, .certain = true};
	struct buf key = BUF_INIT;
	bool plain = false;
	int err;

	tree_lock(m->tree);
	*foreign = n->foreign;
	if (dir_is_fresh_locked(parent)) {
		if (listing_has(parent->listing, name, LISTING_FOLDER))
			*foreign |= NODE_MARK_FOLDER;
		plain = listing_has(parent->listing, name, LISTING_FILE);
	}
	err = mount_key_locked(m, parent, name, &key);
	tree_unlock(m->tree);
	if (!err && plain) { /* or a file that the directory hides */
		err = ask(m, &key, &f, call);
		if (!err && is_plain_marker(&f))
			*foreign |= NODE_MARK_PLAIN;
		if (err == -ENOENT)
			err = 0;
	}
	s3_object_fini(&f.o);
	buf_fini(&key);
	return err;
}
