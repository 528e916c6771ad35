/* SPDX-License-Identifier: MIT */
#include "recover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jbytes.h"
#include "known.h"
#include "log.h"
#include "mount.h"
#include "move.h"
#include "rebuild.h"

/* ------------------------------------------------------------------- words */

static void say(struct recover *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct recover *r, const char *format, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, format);
	buf_vaddf(&text, format, ap);
	va_end(ap);
	r->say(text.s);
	buf_fini(&text);
}

static const char *quote(const char *key)
{
	static _Thread_local char text[S3_KEY_MAX + 200];

	return log_quote(text, sizeof text, key);
}

/* ----------------------------------------------------------- which of them */

/* The work on all entries of one kind. */
struct round {
	struct recover *r;
	const char *const *keys; /* NULL: all */
	size_t nkeys;
	bool *done; /* of keys */
	struct known known;
	bool end;        /* abort, instead of recovering */
	const char *run; /* is looked for */
	bool found;
};

static bool is_named(struct round *round, const char *key)
{
	for (size_t i = 0; i < round->nkeys; i++)
		if (!strcmp(round->keys[i], key))
			return round->done[i] = true;
	return false;
}

/* ------------------------------------------------------------------ drafts */

struct kept {
	struct journal_entry *entry;
	const char *folder;
};

static int keep(const struct record *record, void *arg)
{
	struct kept *kept = arg;
	struct buf text = BUF_INIT;
	int err;

	if (!kept->entry)
		return 0; /* it has none */
	record_write(record, &text);
	err = buf_error(&text);
	if (!err)
		err = journal_write(&kept->entry, kept->folder, JOURNAL_DRAFT, text.s, true);
	buf_fini(&text);
	return err;
}

/* The object that has the name is what the upload goes on from, whole. */
static bool goes_on_from(const struct record *record, const struct s3_object *object)
{
	return !strcmp(record->base.s, object->etag.s) && record->kept >= record->base_size &&
	       record->base_size == object->size;
}

/* It is what an earlier recovery has made, too long as it is. */
static bool is_to_be_cut(const struct record *record, const struct s3_object *object)
{
	return record->cut && record->nsources &&
	       !strcmp(record->sources[record->nsources - 1].etag.s, object->etag.s);
}

/* Whether the file may be made. 1: there is nothing to make. */
static int may_make(struct recover *r, const struct record *record, uint64_t size, bool named)
{
	struct s3_object object = {0};
	int err = s3_head(r->s3, record->key, &object, NULL);

	if (err == -ENOENT) {
		if (size)
			return 0;
		say(r, "%s: nothing of it had been stored", quote(record->key));
		return 1;
	}
	if (err)
		return err;
	if (goes_on_from(record, &object) && size <= object.size)
		err = 1;
	else if (!goes_on_from(record, &object) && !is_to_be_cut(record, &object) && !named)
		err = -EEXIST;
	if (err == 1)
		say(r, "%s: nothing more of it had been stored", quote(record->key));
	s3_object_fini(&object);
	return err;
}

/* The upload completes under the name that the file had when it began: somebody
 * else may have that by now. */
static int may_complete(struct recover *r, const struct record *record)
{
	struct s3_object object;
	char there[S3_KEY_MAX + 200];
	int err;

	if (!record->own.id || !strcmp(record->own.key, record->key))
		return 0;
	err = s3_head(r->s3, record->own.key, &object, NULL);
	if (err)
		return err == -ENOENT ? 0 : err;
	s3_object_fini(&object);
	say(r, "%s: cannot be made as long as there is a file %s", quote(record->key),
	    log_quote(there, sizeof there, record->own.key));
	return -EBUSY;
}

/* Makes the file of a record. 0: nothing is left to be done for it. */
static int make(struct recover *r, struct record *record, struct kept *kept, bool named)
{
	struct rebuild_keeper keeper = {keep, kept};
	struct rebuilt made;
	int err = rebuild_look(r->s3, record, &keeper, &made);

	if (!err && made.whole) {
		if (strcmp(record->own.key, record->key) != 0)
			say(r, "%s: was being renamed; look for it under its old name",
			    quote(record->key));
		return 0;
	}
	if (!err && made.loses && !named)
		say(r, "%s: only %llu of %llu bytes that were synced are still in the bucket",
		    quote(record->key), (unsigned long long)made.size,
		    (unsigned long long)record->size);
	if (!err)
		err = may_make(r, record, made.size, named);
	if (!err)
		err = may_complete(r, record);
	if (err)
		return err == 1 ? 0 : err;
	err = rebuild(r->s3, record, &keeper, &made);
	if (!err)
		say(r, "%s: recovered, %llu bytes", quote(record->key),
		    (unsigned long long)made.size);
	return err;
}

static void explain(struct recover *r, const char *key, int err)
{
	r->failed++;
	if (err == -EEXIST)
		say(r,
		    "%s: there is a file of that name; to have the interrupted one instead, name "
		    "it: pourfs recover %s KEY",
		    quote(key), r->bucket);
	else if (err == -EBUSY)
		say(r, "%s: not yet: it is in use", quote(key));
	else
		say(r, "%s: not recovered, and kept as it is: %s", quote(key), strerror(-err));
}

/* Of several interrupted writings of one file it is the last that is meant. And
 * who writes it now goes on from what is there. */
static int in_turn(const struct round *round, const struct record *record, bool named)
{
	const struct known *k = &round->known;

	if (known_is_live(k, record->key))
		return -EBUSY;
	for (size_t i = 0; named && i < k->n; i++)
		if (!strcmp(k->records[i].key, record->key) && !k->records[i].removed &&
		    k->records[i].began > record->began)
			return -EEXIST;
	return 0;
}

/* Makes it, or ends it. */
static void settle(struct round *round, struct record *record, struct journal_entry *e, bool named)
{
	struct kept kept = {e, round->r->folder};
	bool end = round->end || record->removed;
	int err = end ? 0 : in_turn(round, record, named);

	if (!err && !end)
		err = make(round->r, record, &kept, named);
	if (!err)
		err = rebuild_clean(round->r->s3, record);
	if (!err && round->end)
		say(round->r, "%s: its upload is ended", quote(record->key));
	if (err) {
		explain(round->r, record->key, err);
		journal_leave(kept.entry);
	} else {
		journal_remove(kept.entry);
	}
}

/* Takes the entry; record is what it says by then. */
static int take(struct round *round, const struct journal_item *item, struct record *record,
                struct journal_entry **e)
{
	struct buf text = BUF_INIT;
	struct record now;
	int err = journal_take(round->r->folder, item->name, e, &text);

	if (!err)
		err = known_read_one(round->r, text.s, &now);
	if (!err) {
		record_fini(record);
		*record = now;
	}
	buf_fini(&text);
	return err;
}

static int recover_one(const struct journal_item *item, void *arg)
{
	struct round *round = arg;
	struct journal_entry *e = NULL;
	struct record record;
	bool named;
	int err = known_read_one(round->r, item->text, &record);

	if (err)
		return err == -ENOMEM ? err : 0;
	named = is_named(round, record.key);
	err = named || !round->nkeys ? take(round, item, &record, &e) : -ENOENT;
	if (!err)
		settle(round, &record, e, named);
	else
		journal_leave(e);
	if (err && err != -ENOENT && (err != -EBUSY || named))
		explain(round->r, record.key, err);
	record_fini(&record);
	return err == -ENOMEM ? err : 0;
}

/* -------------------------------------------------- what a dead mount left */

static int has_run(const struct journal_item *item, void *arg)
{
	struct round *round = arg;
	struct record record;

	if (record_read(&record, item->text)) {
		round->found = true; /* who knows */
		return 0;
	}
	round->found |= !strcmp(record.run, round->run);
	record_fini(&record);
	return 0;
}

/* Its hidden objects and uploads, by their common beginning. */
static int sweep(struct s3 *s3, const char *prefix)
{
	struct s3_uploads uploads = {0};
	struct s3_page page;
	int err = s3_uploads(s3, prefix, &uploads, NULL);

	for (size_t i = 0; !err && i < uploads.n; i++)
		err = s3_upload_abort(s3, uploads.v[i].key, uploads.v[i].id, NULL);
	s3_uploads_fini(&uploads);
	while (!err) {
		bool more;

		err = s3_list(s3, prefix, 0, NULL, NULL, S3_DELETE_MAX, &page, NULL);
		if (err)
			break;
		more = page.next != NULL;
		for (size_t i = 0; !err && i < page.n; i++)
			err = s3_delete(s3, page.v[i].key, NULL);
		s3_page_fini(&page);
		if (!more)
			break;
	}
	return err;
}

/* Nobody will come to need its hidden objects. */
static int sweep_after(struct recover *r, const char *prefix, const char *run)
{
	struct round look = {.r = r, .run = run};
	struct buf hidden = BUF_INIT;
	int err = journal_each(r->folder, JOURNAL_DRAFT, has_run, &look);

	if (!err && look.found)
		err = -EBUSY; /* may need them */
	buf_addf(&hidden, "%s" MOUNT_HIDDEN "/stage/%s-", prefix, run);
	if (!err)
		err = buf_error(&hidden);
	if (!err)
		err = sweep(r->s3, hidden.s);
	buf_fini(&hidden);
	return err;
}

static int sweep_mount(const struct journal_item *item, void *arg)
{
	struct round *round = arg;
	struct recover *r = round->r;
	struct journal_entry *e = NULL;
	struct buf again = BUF_INIT; /* it never changes */
	json_t *all = json_loads(item->text, 0, NULL);
	int err = 0;
	char *bucket = jbytes_get(json_object_get(all, "bucket"), &err);
	char *endpoint = jbytes_get(json_object_get(all, "endpoint"), &err);
	char *prefix = jbytes_get(json_object_get(all, "prefix"), &err);
	char *run = jbytes_get(json_object_get(all, "run"), &err);

	if (!err && (!*run || !known_is_ours(r, bucket, endpoint, prefix)))
		err = -ENOENT;
	if (!err)
		err = journal_take(r->folder, item->name, &e, &again);
	if (!err)
		err = sweep_after(r, prefix, run);
	if (!err)
		journal_remove(e);
	else
		journal_leave(e);
	buf_fini(&again);
	free(bucket);
	free(endpoint);
	free(prefix);
	free(run);
	json_decref(all);
	return 0;
}

int recover_enter_mount(struct journal_entry **e, const struct recover *r, const char *run)
{
	json_t *all = json_pack("{so, so, so, so}", "bucket", jbytes_new(r->bucket), "endpoint",
	                        jbytes_new(r->endpoint), "prefix", jbytes_new(r->prefix), "run",
	                        jbytes_new(run));
	char *text = all ? json_dumps(all, JSON_COMPACT) : NULL;
	int err = text ? journal_write(e, r->folder, JOURNAL_MOUNT, text, true) : -ENOMEM;

	free(text);
	json_decref(all);
	return err;
}

/* ------------------------------------------------------- directory renames */

static bool read_move(const struct recover *r, const char *text, struct move_note *note)
{
	int err = move_note_read(note, text);

	if (err == -EINVAL)
		log_warn("an entry of the journal in %s makes no sense", r->folder);
	if (!err && known_is_ours(r, note->bucket, note->endpoint, note->from))
		return true;
	move_note_fini(note);
	return false;
}

static int finish_move(const struct journal_item *item, void *arg)
{
	struct round *round = arg;
	struct recover *r = round->r;
	struct journal_entry *e = NULL;
	struct buf text = BUF_INIT;
	struct move_note note;
	int err = 0;

	if (!read_move(r, item->text, &note))
		return 0;
	err = journal_take(r->folder, item->name, &e, &text);
	if (!err) {
		move_note_fini(&note);
		err = read_move(r, text.s, &note) ? move_recover(r->s3, &note) : -ENOENT;
	} else if (err == -EBUSY) {
		err = -ENOENT; /* it is somebody's */
	}
	if (!err) {
		say(r,
		    note.copied ? "%s: renamed, the old name is removed"
		                : "%s: its rename is undone",
		    quote(note.from));
		journal_remove(e);
	} else {
		if (err != -ENOENT)
			explain(r, note.from, err);
		journal_leave(e);
	}
	move_note_fini(&note);
	buf_fini(&text);
	return 0;
}

/* --------------------------------------------------------------------- all */

/* A key was named that the journal does not know: the last upload to it, if it has
 * but one way to be read. */
static int recover_unknown(const struct round *round, const char *key, bool *found)
{
	struct recover *r = round->r;
	struct kept none = {0};
	struct s3_uploads uploads;
	struct s3_parts parts;
	struct record record = {.direct = S3_PARTS_MAX, .part_size = S3_PART_MIN};
	const struct s3_upload *last = NULL;
	int err = s3_uploads(r->s3, key, &uploads, NULL);

	if (err)
		return err;
	for (size_t i = 0; i < uploads.n; i++)
		if (!strcmp(uploads.v[i].key, key) && !known_has(&round->known, &uploads.v[i]) &&
		    (!last || uploads.v[i].initiated > last->initiated))
			last = &uploads.v[i];
	*found = last != NULL;
	if (last) {
		record.key = strdup(key);
		record.own = (struct record_upload){strdup(key), strdup(last->id)};
		err = record.key && record.own.key && record.own.id ? 0 : -ENOMEM;
		if (!err)
			err = s3_upload_parts(r->s3, key, last->id, &parts, NULL);
		for (size_t i = 0; !err && i < parts.n; i++)
			if (parts.v[i].size > record.part_size)
				record.part_size = parts.v[i].size;
		if (!err)
			s3_parts_fini(&parts);
		if (!err)
			err = make(r, &record, &none, true);
		if (err)
			explain(r, key, err);
	}
	record_fini(&record);
	s3_uploads_fini(&uploads);
	return 0;
}

static int recover_rest(struct round *round)
{
	struct recover *r = round->r;
	int err = 0;

	for (size_t i = 0; i < round->nkeys && !err; i++) {
		const char *key = round->keys[i];
		bool found = false;

		if (round->done[i])
			continue;
		if (!strncmp(key, r->prefix, strlen(r->prefix)))
			err = recover_unknown(round, key, &found);
		if (!err && !found) {
			r->failed++;
			say(r, "%s: no upload of it was interrupted", quote(key));
		}
	}
	return err;
}

int recover_all(struct recover *r, const char *const *keys, size_t n)
{
	struct round round = {.r = r, .keys = keys, .nkeys = n};
	int err;

	round.done = calloc(n + 1, sizeof *round.done);
	if (!round.done)
		return -ENOMEM;
	err = known_read(r, &round.known);
	if (!err)
		err = journal_each(r->folder, JOURNAL_DRAFT, recover_one, &round);
	if (!err)
		err = recover_rest(&round);
	if (!err && !n)
		err = journal_each(r->folder, JOURNAL_RENAME, finish_move, &round);
	if (!err)
		err = journal_each(r->folder, JOURNAL_MOUNT, sweep_mount, &round);
	known_fini(&round.known);
	free(round.done);
	return err;
}

/* What was begun before it was listed is in the journal by now, if it is ours. */
static int abort_unknown(struct recover *r, int64_t older_than)
{
	struct known k = {0};
	struct s3_uploads uploads = {0};
	int err = s3_uploads(r->s3, r->prefix, &uploads, NULL);

	if (!err)
		err = known_read(r, &k);
	for (size_t i = 0; !err && i < uploads.n; i++) {
		const struct s3_upload *u = &uploads.v[i];
		int failed;

		if (known_has(&k, u) || u->initiated > older_than)
			continue;
		failed = s3_upload_abort(r->s3, u->key, u->id, NULL);
		if (failed)
			explain(r, u->key, failed);
		else
			say(r, "%s: its upload is ended", quote(u->key));
	}
	s3_uploads_fini(&uploads);
	known_fini(&k);
	return err;
}

int recover_abort(struct recover *r, int64_t older_than)
{
	struct round round = {.r = r, .end = true};
	int err = journal_each(r->folder, JOURNAL_DRAFT, recover_one, &round);

	if (!err)
		err = journal_each(r->folder, JOURNAL_RENAME, finish_move, &round);
	if (!err)
		err = journal_each(r->folder, JOURNAL_MOUNT, sweep_mount, &round);
	if (!err && older_than)
		err = abort_unknown(r, older_than);
	return err;
}
