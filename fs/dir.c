/* SPDX-License-Identifier: MIT */
#include "dir.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "draft.h"
#include "log.h"
#include "page.h"
#include "wait.h"

#define FAILED_MS 2000 /* so long after a failure nothing is listed ahead */

struct dir_pass {
	struct node *dir;
	struct listing *own; /* not in the bucket yet; shown first */
	struct listing *listing;
	struct buf prefix;        /* the directory's key */
	char *token;              /* of the next page */
	size_t newest;            /* entry, the first of the page that came last */
	struct page_ahead *ahead; /* the next page; NULL: not asked for */
	bool whole;               /* there is none */
	uint64_t began_ms;
	uint64_t changes;
};

bool dir_name_is_good(const char *name, size_t len)
{
	if (!len || len > DIR_NAME_MAX || memchr(name, '/', len))
		return false;
	return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

bool dir_name_has_meaning(const char *name)
{
	size_t len;

	return listing_form(name, &len) != LISTING_FILE;
}

bool dir_is_fresh_locked(const struct node *dir)
{
	return dir->listing && mount_now_ms() < dir->listing_until_ms;
}

struct listing *dir_names_locked(const struct node *dir, bool *whole)
{
	*whole = dir_is_fresh_locked(dir);
	return *whole ? dir->listing : mount_now_ms() < dir->coming_until_ms ? dir->coming : NULL;
}

/* ------------------------------------------------------- not published yet */

/* The names in dir that are there for files which are being written. */
static int unpublished_locked(struct mount *m, struct node *dir, struct listing **l)
{
	int err = 0;

	pthread_mutex_lock(&m->drafts_lock);
	for (struct draft *d = m->drafts; d && !err; d = d->next) {
		const struct node *n = d->file->node;

		while (n->parent && n->parent != dir)
			n = n->parent;
		if (n->parent)
			err = listing_add_name(l, n->name, S_ISDIR(n->attr.mode));
	}
	pthread_mutex_unlock(&m->drafts_lock);
	return err;
}

bool dir_has_unpublished_locked(struct mount *m, const struct node *dir)
{
	bool has = false;

	pthread_mutex_lock(&m->drafts_lock);
	for (struct draft *d = m->drafts; d && !has; d = d->next)
		has = d->file->node != dir && tree_below_locked(d->file->node, dir);
	pthread_mutex_unlock(&m->drafts_lock);
	return has;
}

/* ------------------------------------------------------------------- pages */

static bool is_ours(const struct dir_pass *p, const char *name, size_t len)
{
	return !p->dir->parent && len == strlen(MOUNT_HIDDEN) && !memcmp(name, MOUNT_HIDDEN, len);
}

/* Adds what one page lists, seen from the directory with that key prefix. */
static int add_page(struct mount *m, struct dir_pass *p, const struct s3_page *page, size_t skip)
{
	int err = 0;

	for (size_t i = 0; !err && i < page->n; i++) {
		const struct s3_entry *e = &page->v[i];
		const char *entry = e->key + skip;
		char quoted[600];
		size_t len;

		if (!*entry)
			continue; /* the directory's own marker */
		(void)listing_form(entry, &len);
		if (!dir_name_is_good(entry, len)) {
			if (!m->bad_keys++)
				log_warn("keys that no path can name are left out, the first: %s",
				         log_quote(quoted, sizeof quoted, e->key));
			continue;
		}
		if (!is_ours(p, entry, len))
			err = listing_add(&p->listing, entry, e->size <= PATH_MAX);
	}
	return err;
}

/* What a whole listing says is known from now on, unless we have changed the
 * directory meanwhile. Its first page is as old as the pass. */
static void learn(struct mount *m, struct dir_pass *p)
{
	struct listing *l = listing_hold(p->listing);

	tree_lock(m->tree);
	if (p->dir->changes == p->changes && !unpublished_locked(m, p->dir, &l)) {
		tree_set_listing_locked(m->tree, p->dir, l, p->began_ms + m->conf.ttl_ms);
		l = NULL;
	}
	tree_unlock(m->tree);
	listing_put(l);
}

/* Lets lookups see how far the pass has come. Before it goes on this is taken
 * back, or the whole beginning would be copied. */
static void show(struct mount *m, struct dir_pass *p)
{
	struct node *dir = p->dir;
	uint64_t now = mount_now_ms();

	tree_lock(m->tree);
	if (m->conf.ttl_ms && p->listing && dir->changes == p->changes &&
	    (!dir->coming || now >= dir->coming_until_ms ||
	     dir->coming->n < p->listing->n)) { /* nobody is further */
		listing_put(dir->coming);
		dir->coming = listing_hold(p->listing);
		dir->coming_until_ms = now + m->conf.ttl_ms;
	}
	tree_unlock(m->tree);
}

static void hide_locked(struct node *dir, const struct listing *l)
{
	if (l && dir->coming == l) {
		listing_put(dir->coming);
		dir->coming = NULL;
	}
}

static void hide(struct mount *m, struct dir_pass *p)
{
	tree_lock(m->tree);
	hide_locked(p->dir, p->listing);
	tree_unlock(m->tree);
}

/* Lists what follows. A directory that was renamed is listed on under its new key. */
static int list_page(struct mount *m, struct dir_pass *p, struct s3_page *page,
                     struct s3_call *call)
{
	struct buf key = BUF_INIT, after = BUF_INIT;
	int err;

	do {
		err = mount_key(m, p->dir, &key);
		if (err)
			break;
		if (strcmp(key.s, p->prefix.s) != 0) {
			free(p->token); /* of the old key */
			p->token = NULL;
			buf_clear(&p->prefix);
			buf_adds(&p->prefix, key.s);
		}
		/* The directory's own marker would be the first of all. */
		buf_clear(&after);
		buf_adds(&after, key.s);
		if (p->listing->n)
			buf_adds(&after, listing_entry(p->listing, p->listing->n - 1));
		err = buf_error(&after);
		if (!err)
			err = s3_list(m->s3, key.s, '/', p->token || !after.len ? NULL : after.s,
			              p->token, PAGE_NAMES, page, call);
		if (!err && mount_key_moved(m, p->dir, NULL, &key)) {
			s3_page_fini(page);
			err = -EAGAIN;
		}
	} while (err == -EAGAIN);
	buf_fini(&key);
	buf_fini(&after);
	return err;
}

/* From what was asked ahead, unless that failed or the directory was renamed. */
static int take_page(struct mount *m, struct dir_pass *p, struct s3_page *page,
                     struct s3_call *call)
{
	int err = p->ahead ? page_take(p->ahead, page, call->cancel) : -EAGAIN;

	p->ahead = NULL;
	if (!err && mount_key_moved(m, p->dir, NULL, &p->prefix)) {
		s3_page_fini(page);
		err = -EAGAIN;
	}
	return err == -EAGAIN ? list_page(m, p, page, call) : err;
}

static int next_page(struct mount *m, struct dir_pass *p, struct s3_call *call)
{
	struct s3_page page = {0};
	int err = take_page(m, p, &page, call);

	if (err)
		return err;
	hide(m, p);
	p->newest = p->listing->n;
	err = add_page(m, p, &page, p->prefix.len);
	free(p->token);
	p->token = page.next;
	page.next = NULL;
	p->whole = !p->token;
	s3_page_fini(&page);
	if (!err && p->whole)
		learn(m, p);
	else if (!err)
		show(m, p);
	return err;
}

/* ------------------------------------------------------------------ passes */

void dir_close(struct mount *m, struct dir_pass *p)
{
	if (!p)
		return;
	hide(m, p);
	page_drop(p->ahead);
	listing_put(p->own);
	listing_put(p->listing);
	buf_fini(&p->prefix);
	free(p->token);
	free(p);
}

static int open_pass(struct mount *m, struct node *dir, struct dir_pass **out, struct s3_call *call)
{
	struct dir_pass *p = calloc(1, sizeof *p);
	int err = 0;

	if (!p)
		return -ENOMEM;
	p->dir = dir;
	p->began_ms = mount_now_ms();
	p->prefix = (struct buf)BUF_INIT;
	p->own = listing_new();
	tree_lock(m->tree);
	p->changes = dir->changes;
	p->whole = dir->special || dir_is_fresh_locked(dir);
	p->listing = p->whole && !dir->special ? listing_hold(dir->listing) : listing_new();
	if (!p->own || !p->listing)
		err = -ENOMEM;
	else if (!p->whole)
		err = unpublished_locked(m, dir, &p->own);
	tree_unlock(m->tree);
	if (!err && !p->whole)
		err = next_page(m, p, call);
	if (err)
		dir_close(m, p);
	else
		*out = p;
	return err;
}

/* From then on it is not foreseen any more, but wanted. */
static void await_foreseen(struct mount *m, struct node *dir, struct s3_call *call)
{
	int err = 0;

	tree_lock(m->tree);
	while (dir->foreseen == NODE_ASKING && !err)
		err = wait_moment(&m->tree->idle, &m->tree->lock, call->cancel);
	if (!err)
		dir->foreseen = NODE_NOT_ASKED;
	tree_unlock(m->tree);
}

int dir_open(struct mount *m, struct node *dir, struct dir_pass **out, struct s3_call *call)
{
	await_foreseen(m, dir, call);
	return open_pass(m, dir, out, call);
}

static mode_t type_of(const struct listing *l, size_t i, enum listing_form form)
{
	if (form == LISTING_DIR || form == LISTING_FOLDER)
		return S_IFDIR;
	if (form == LISTING_LINK)
		return S_IFLNK;
	return listing_may_be_small(l, i) ? 0 : S_IFREG;
}

int dir_read(struct mount *m, struct dir_pass *p, size_t *at, struct dir_entry *e,
             struct s3_call *call)
{
	while (p->listing) {
		bool own = *at < p->own->n;
		const struct listing *l = own ? p->own : p->listing;
		size_t i = own ? *at : *at - p->own->n;

		if (i >= l->n) {
			int err;

			if (p->whole)
				return 0;
			err = next_page(m, p, call);
			if (err)
				return err;
			continue;
		}
		if (!own && i >= p->newest && p->token && !p->ahead)
			p->ahead = page_ask(m, p->prefix.s, p->token);
		e->type = type_of(l, i, listing_name(l, i, e->name));
		if (!listing_hidden(l, i) && (own || !listing_find(p->own, e->name)))
			return 1;
		++*at;
	}
	return -ENOMEM; /* the pass ended when a page was added */
}

/* Nothing would be known afterwards, or it takes many pages. */
static bool not_to_learn_locked(struct mount *m, struct node *dir)
{
	bool whole;
	const struct listing *l = dir_names_locked(dir, &whole);

	return !m->conf.ttl_ms || (!whole && (l || mount_now_ms() < dir->large_until_ms));
}

static int learn_by_pass(struct mount *m, struct node *dir, struct s3_call *call)
{
	struct dir_pass *p;
	int err = open_pass(m, dir, &p, call);

	if (err)
		return err;
	if (!p->whole) {
		err = -E2BIG;
		tree_lock(m->tree);
		dir->large_until_ms = mount_now_ms() + m->conf.ttl_ms;
		tree_unlock(m->tree);
	}
	dir_close(m, p);
	return err;
}

/* 0: the caller is to list it; -EALREADY: another has done so meanwhile; -E2BIG, -EINTR. */
static int begin_to_learn(struct mount *m, struct node *dir, struct s3_call *call)
{
	bool waited = false;
	int err = 0;

	tree_lock(m->tree);
	while (dir->learning && !err) {
		waited = true;
		err = wait_moment(&m->tree->idle, &m->tree->lock, call->cancel);
	}
	if (!err && waited && dir_is_fresh_locked(dir))
		err = -EALREADY;
	else if (!err && not_to_learn_locked(m, dir))
		err = -E2BIG;
	else if (!err)
		dir->learning = true;
	tree_unlock(m->tree);
	return err;
}

int dir_learn(struct mount *m, struct node *dir, struct s3_call *call)
{
	int err;

	await_foreseen(m, dir, call);
	err = begin_to_learn(m, dir, call);
	if (err)
		return err == -EALREADY ? 0 : err;
	err = learn_by_pass(m, dir, call);
	tree_lock(m->tree);
	dir->learning = false;
	pthread_cond_broadcast(&m->tree->idle);
	tree_unlock(m->tree);
	return err;
}

bool dir_is_to_foresee_locked(struct mount *m, struct node *dir)
{
	return S_ISDIR(dir->attr.mode) && !m->conf.no_list && dir->foreseen != NODE_ASK_SOON &&
	       dir->foreseen != NODE_ASKING && !dir_is_fresh_locked(dir) &&
	       mount_now_ms() >= dir->foresee_after_ms && !not_to_learn_locked(m, dir);
}

int dir_foresee(struct mount *m, struct node *dir, struct s3_call *call)
{
	bool mine;

	tree_lock(m->tree);
	mine = dir->foreseen == NODE_ASK_SOON;
	if (mine)
		dir->foreseen = NODE_ASKING;
	tree_unlock(m->tree);
	return mine ? learn_by_pass(m, dir, call) : -EALREADY;
}

void dir_foreseen_locked(struct mount *m, struct node *dir, int err)
{
	if (err == -EALREADY)
		return;
	dir->foreseen = err ? NODE_NOT_ASKED : NODE_ASKED;
	if (err)
		dir->foresee_after_ms = mount_now_ms() + FAILED_MS;
	pthread_cond_broadcast(&m->tree->idle);
}

/* ----------------------------------------------------------------- changes */

void dir_is_empty_locked(struct mount *m, struct node *dir)
{
	if (m->conf.no_list)
		return; /* its marker is new, that is all */
	tree_set_listing_locked(m->tree, dir, listing_new(), mount_now_ms() + m->conf.ttl_ms);
}

/* What is believed no more only grows. */
static bool changes_locked(struct mount *m, struct node *dir)
{
	dir->changes++;
	hide_locked(dir, dir->coming);
	if (dir->listing && !dir_is_fresh_locked(dir))
		tree_set_listing_locked(m->tree, dir, NULL, 0);
	return dir->listing;
}

void dir_name_added_locked(struct mount *m, struct node *dir, const char *name, bool is_dir)
{
	if (changes_locked(m, dir)) {
		(void)listing_add_name(&dir->listing, name, is_dir);
		tree_listing_changed_locked(m->tree, dir);
	}
}

void dir_name_removed_locked(struct mount *m, struct node *dir, const char *name)
{
	if (changes_locked(m, dir)) {
		(void)listing_remove_name(&dir->listing, name);
		tree_listing_changed_locked(m->tree, dir);
	}
}

void dir_name_added(struct mount *m, struct node *dir, const char *name, bool is_dir)
{
	tree_lock(m->tree);
	dir_name_added_locked(m, dir, name, is_dir);
	tree_unlock(m->tree);
}

void dir_name_removed(struct mount *m, struct node *dir, const char *name)
{
	tree_lock(m->tree);
	dir_name_removed_locked(m, dir, name);
	tree_unlock(m->tree);
}
