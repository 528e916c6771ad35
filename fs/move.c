/* SPDX-License-Identifier: MIT */
#include "move.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "cursor.h"
#include "journal.h"
#include "log.h"
#include "wait.h"

#define TRIES 3 /* of a copy whose source others keep changing */

/* -------------------------------------------------------------------- life */

int move_init_locked(struct move *mv, struct mount *m, struct node *dir, struct node *new_parent,
                     const char *new_name, const atomic_bool *cancel)
{
	int err;

	*mv = (struct move){.m = m,
	                    .dir = dir,
	                    .from = BUF_INIT,
	                    .to = BUF_INIT,
	                    .reached = BUF_INIT,
	                    .cancel = cancel,
	                    .started_ms = mount_now_ms()};
	pthread_mutex_init(&mv->lock, NULL);
	wait_init(&mv->landed);
	err = mount_key_locked(m, dir, NULL, &mv->from);
	if (!err)
		err = mount_key_locked(m, new_parent, new_name, &mv->to);
	buf_addc(&mv->to, '/');
	if (!err)
		err = buf_error(&mv->to);
	if (!err) {
		mv->next = m->moves;
		m->moves = mv;
	}
	return err;
}

void move_fini(struct move *mv)
{
	struct move **at = &mv->m->moves;

	tree_lock(mv->m->tree);
	while (*at && *at != mv)
		at = &(*at)->next;
	if (*at)
		*at = mv->next;
	tree_unlock(mv->m->tree);
	pthread_cond_destroy(&mv->landed);
	pthread_mutex_destroy(&mv->lock);
	buf_fini(&mv->from);
	buf_fini(&mv->to);
	buf_fini(&mv->reached);
	journal_remove(mv->entry);
}

int move_target(const struct move *mv, const char *key, struct buf *to)
{
	buf_clear(to);
	buf_adds(to, mv->to.s);
	buf_adds(to, key + mv->from.len);
	if (buf_error(to))
		return -ENOMEM;
	return to->len > S3_KEY_MAX ? -ENAMETOOLONG : 0;
}

/* That of an upload is made of its parts', that of a copy is not. */
bool move_changes_etag(const struct move *mv, const struct s3_etag *etag)
{
	return mv->etags_change || strchr(etag->s, '-');
}

int move_check_target(struct move *mv)
{
	struct s3_call call = {.cancel = mv->cancel};
	struct s3_page page = {0};
	int err = s3_list(mv->m->s3, mv->to.s, 0, NULL, NULL, 2, &page, &call);

	for (size_t i = 0; !err && i < page.n; i++)
		if (strcmp(page.v[i].key, mv->to.s) != 0)
			err = -ENOTEMPTY;
	s3_page_fini(&page);
	return err;
}

/* ------------------------------------------------------------------ copies */

/* The node of a key below the directory, held, or NULL. */
static struct node *find_locked(struct move *mv, const char *key)
{
	struct tree *t = mv->m->tree;
	struct node *n = mv->dir;
	const char *name = key + mv->from.len;

	tree_hold_locked(n);
	while (n && *name) {
		size_t len = strcspn(name, "/");
		char one[256];
		struct node *child = NULL;

		if (len && len < sizeof one) {
			memcpy(one, name, len);
			one[len] = 0;
			child = tree_find_locked(t, n, one);
		}
		tree_put_locked(t, n);
		n = child;
		name += len + (name[len] == '/');
	}
	return n;
}

/* What is known of the object without a question. */
static bool is_known(struct move *mv, const char *key, struct s3_object *o, int *err)
{
	struct node *n;
	bool known;

	tree_lock(mv->m->tree);
	n = find_locked(mv, key);
	known = n && n->etag.s[0] && n->full && !n->drafted && !S_ISDIR(n->attr.mode) &&
	        mount_now_ms() < n->fresh_until_ms;
	if (known) {
		*o = (struct s3_object){.size = n->attr.size, .etag = n->etag};
		*err = s3_headers_copy(&o->headers, &n->headers);
	}
	if (n)
		tree_put_locked(mv->m->tree, n);
	tree_unlock(mv->m->tree);
	return known;
}

static int try_copy(struct move *mv, const char *key, const char *to, bool again)
{
	struct s3_call call = {.cancel = mv->cancel};
	struct s3_object o = {0};
	struct s3_etag made;
	int err = 0;

	if (again || !is_known(mv, key, &o, &err))
		err = s3_head(mv->m->s3, key, &o, &call);
	if (err)
		return err;
	err = copy_object(mv->m, key, &o.etag, o.size, to, &o.headers, S3_KEEP_METADATA, &made,
	                  &call);
	if (!err) {
		if (!strchr(o.etag.s, '-') && strcmp(o.etag.s, made.s) != 0)
			mv->etags_change = true;
		mv->objects++;
		mv->bytes += o.size;
	}
	s3_object_fini(&o);
	/* Changed or deleted by another client since: then ask. */
	return err == -ENOENT && !again ? -ESTALE : err;
}

int move_copy_one(struct move *mv, const char *key)
{
	struct buf to = BUF_INIT;
	int err = move_target(mv, key, &to);

	for (int i = 0; i < TRIES && (!i ? !err : err == -ESTALE); i++)
		err = try_copy(mv, key, to.s, i > 0);
	buf_fini(&to);
	return err == -ENOENT ? 0 : err;
}

struct job {
	struct move *mv;
	char key[];
};

static void copy_job(void *arg)
{
	struct job *job = arg;
	struct move *mv = job->mv;
	int err = move_copy_one(mv, job->key);
	char text[1200];

	pthread_mutex_lock(&mv->lock);
	if (err && !mv->err) {
		mv->err = err;
		if (err != -EINTR)
			log_warn("%s cannot be copied, so its directory keeps its name: %s",
			         log_quote(text, sizeof text, job->key), strerror(-err));
	}
	mv->flying--;
	pthread_cond_broadcast(&mv->landed);
	pthread_mutex_unlock(&mv->lock);
	free(job);
}

/* With mv->lock: waits until fewer than n are flying. */
static void wait_for(struct move *mv, unsigned n)
{
	while (mv->flying >= n)
		pthread_cond_wait(&mv->landed, &mv->lock);
}

static int start(struct move *mv, const char *key)
{
	size_t len = strlen(key) + 1;
	struct job *job = malloc(sizeof *job + len);
	int err;

	if (!job)
		return -ENOMEM;
	job->mv = mv;
	memcpy(job->key, key, len);
	buf_clear(&mv->reached);
	buf_adds(&mv->reached, key);
	pthread_mutex_lock(&mv->lock);
	wait_for(mv, mv->m->conf.small);
	err = mv->err ? mv->err : buf_error(&mv->reached);
	if (!err && mv->cancel && *mv->cancel)
		err = -EINTR;
	if (!err) {
		mv->flying++;
		err = workers_give(mv->m->movers, 0, copy_job, job);
		if (err)
			mv->flying--;
	}
	pthread_mutex_unlock(&mv->lock);
	if (err)
		free(job);
	return err;
}

/* The names of a page, before any of them is copied. */
static int check_names(struct move *mv, const struct s3_page *page)
{
	for (size_t i = 0; i < page->n; i++)
		if (strlen(page->v[i].key) - mv->from.len + mv->to.len > S3_KEY_MAX)
			return -ENAMETOOLONG;
	return 0;
}

int move_copy(struct move *mv)
{
	struct cursor c = {.m = mv->m, .prefix = mv->from.s};
	struct s3_call call = {.cancel = mv->cancel};
	const struct s3_entry *e;
	int err;

	for (;;) {
		err = cursor_next(&c, &e, &call);
		if (err || !e)
			break;
		if (c.next == 1)
			err = check_names(mv, &c.page);
		if (!err && !strcmp(e->key, mv->from.s)) {
			mv->marker = true;
			mv->marker_size = e->size;
		} else if (!err) {
			err = start(mv, e->key);
		}
		if (err)
			break;
	}
	pthread_mutex_lock(&mv->lock);
	wait_for(mv, 1);
	if (!err)
		err = mv->err;
	pthread_mutex_unlock(&mv->lock);
	cursor_fini(&c);
	return err;
}

/* ------------------------------------------------------------ side by side */

struct batch {
	struct move *mv;
	char *keys[S3_DELETE_MAX];
	size_t n;
	unsigned left; /* that could not be deleted, or had no copy */
	int err;       /* why the first of those could not be deleted */
};

/* err 0: it is not ours to delete. */
static void leave(struct batch *b, const char *key, int err)
{
	char text[1200];

	if (!b->left++)
		log_error("%s is left behind by a rename: %s", log_quote(text, sizeof text, key),
		          err ? strerror(-err) : "another client has just made it");
	if (!b->err)
		b->err = err;
}

/* Nobody can stop it: half of it would be worse. */
static void delete_batch(struct batch *b)
{
	int results[S3_DELETE_MAX];

	if (b->n == 1)
		results[0] = s3_delete(b->mv->m->s3, b->keys[0], NULL);
	else if (b->n)
		(void)!s3_delete_many(b->mv->m->s3, (const char *const *)b->keys, b->n, results,
		                      NULL);
	for (size_t i = 0; i < b->n; i++) {
		if (results[i])
			leave(b, b->keys[i], results[i]);
		free(b->keys[i]);
	}
	b->n = 0;
}

static void delete_later(struct batch *b, const char *key)
{
	if (b->n == S3_DELETE_MAX)
		delete_batch(b);
	b->keys[b->n] = strdup(key);
	if (b->keys[b->n])
		b->n++;
	else
		leave(b, key, -ENOMEM);
}

/* Calls what for each key below the source but its marker, with what the target
 * has of the same name, or NULL, until it says false. */
static int side_by_side(struct move *mv, struct batch *b,
                        bool (*what)(struct batch *b, const struct s3_entry *source,
                                     const struct s3_entry *copy))
{
	struct cursor from = {.m = mv->m, .prefix = mv->from.s};
	struct cursor to = {.m = mv->m, .prefix = mv->to.s};
	const struct s3_entry *s, *c;
	int err = cursor_next(&from, &s, NULL);

	if (!err)
		err = cursor_next(&to, &c, NULL);
	while (!err && s) {
		int order = c ? strcmp(s->key + mv->from.len, c->key + mv->to.len) : -1;

		if (order <= 0 && s->key[mv->from.len] && !what(b, s, order ? NULL : c))
			break;
		if (order >= 0)
			err = cursor_next(&to, &c, NULL);
		if (!err && order <= 0)
			err = cursor_next(&from, &s, NULL);
	}
	cursor_fini(&from);
	cursor_fini(&to);
	return err;
}

static bool is_copy(const struct move *mv, const struct s3_entry *s, const struct s3_entry *c)
{
	if (!c || c->size != s->size || c->modified < s->modified)
		return false;
	return move_changes_etag(mv, &s->etag) || !strcmp(s->etag.s, c->etag.s);
}

static bool sweep_one(struct batch *b, const struct s3_entry *s, const struct s3_entry *c)
{
	if (is_copy(b->mv, s, c))
		delete_later(b, s->key);
	else
		leave(b, s->key, 0);
	return true;
}

int move_sweep(struct move *mv, unsigned *left)
{
	struct batch *b = calloc(1, sizeof *b);
	char text[256];
	int err;

	if (!b) {
		log_error("renamed, but the old name %s is still there",
		          log_quote(text, sizeof text, mv->from.s));
		*left = 1;
		return -ENOMEM;
	}
	b->mv = mv;
	err = side_by_side(mv, b, sweep_one);
	if (err)
		leave(b, mv->from.s, err);
	if (mv->marker && !b->left) {
		if (b->n == S3_DELETE_MAX)
			delete_batch(b);
		delete_later(b, mv->from.s);
	}
	delete_batch(b);
	*left = b->left;
	err = b->err;
	if (*left > 1)
		log_error("%u objects are left behind by that rename", *left);
	free(b);
	return err;
}

static bool undo_one(struct batch *b, const struct s3_entry *s, const struct s3_entry *c)
{
	if (strcmp(s->key, b->mv->reached.s) > 0)
		return false;
	/* Since a crash somebody else may have put something there. */
	if (c && b->mv->stranger && !is_copy(b->mv, s, c))
		leave(b, c->key, 0);
	else if (c)
		delete_later(b, c->key);
	return true;
}

unsigned move_undo(struct move *mv)
{
	struct batch *b = calloc(1, sizeof *b);
	int err = b ? 0 : -ENOMEM;
	char text[256];
	unsigned left;

	if (b && mv->reached.len) {
		b->mv = mv;
		err = side_by_side(mv, b, undo_one);
		delete_batch(b);
	}
	if (err)
		log_error("copies below %s are left behind: %s",
		          log_quote(text, sizeof text, mv->to.s), strerror(-err));
	left = (err != 0) + (b ? b->left : 0);
	free(b);
	return left;
}
