/* SPDX-License-Identifier: MIT */
#include "known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "log.h"
#include "move.h"

bool known_is_ours(const struct recover *r, const char *bucket, const char *endpoint,
                   const char *key)
{
	return !strcmp(bucket, r->bucket) && !strcmp(endpoint, r->endpoint) &&
	       !strncmp(key, r->prefix, strlen(r->prefix));
}

int known_read_one(const struct recover *r, const char *text, struct record *record)
{
	int err = record_read(record, text);

	if (err == -EINVAL)
		log_warn("an entry of the journal in %s makes no sense", r->folder);
	if (!err && !known_is_ours(r, record->bucket, record->endpoint, record->key)) {
		record_fini(record);
		err = -ENOENT;
	}
	return err;
}

/* --------------------------------------------------------------- all of them */

struct reading {
	struct recover *r;
	struct known *known;
};

static int add(struct known *k, const struct record *record, bool is_live)
{
	struct record *records = reallocarray(k->records, k->n + 1, sizeof *records);
	bool *live;

	if (records)
		k->records = records;
	live = records ? reallocarray(k->live, k->n + 1, sizeof *live) : NULL;
	if (!live)
		return -ENOMEM;
	k->live = live;
	live[k->n] = is_live;
	records[k->n++] = *record;
	return 0;
}

static int read_entry(const struct journal_item *item, void *arg)
{
	struct reading *reading = arg;
	struct record record;
	int err = known_read_one(reading->r, item->text, &record);

	if (!err) {
		err = add(reading->known, &record, !item->is_free);
		if (err)
			record_fini(&record);
	}
	return err == -ENOMEM ? err : 0;
}

int known_read(struct recover *r, struct known *k)
{
	struct reading reading = {r, k};

	return journal_each(r->folder, JOURNAL_DRAFT, read_entry, &reading);
}

void known_fini(struct known *k)
{
	for (size_t i = 0; i < k->n; i++)
		record_fini(&k->records[i]);
	free(k->records);
	free(k->live);
}

static bool is_upload(const struct record_upload *u, const struct s3_upload *upload)
{
	return u->id && !strcmp(u->id, upload->id);
}

bool known_has(const struct known *k, const struct s3_upload *u)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct record *r = &k->records[i];

		if (is_upload(&r->own, u) || is_upload(&r->staged, u))
			return true;
		for (size_t j = 0; j < r->nold; j++)
			if (is_upload(&r->old[j], u))
				return true;
	}
	return false;
}

bool known_is_live(const struct known *k, const char *key)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->live[i] && !k->records[i].removed && !strcmp(k->records[i].key, key))
			return true;
	return false;
}

/* ----------------------------------------------------------------- the list */

typedef void tell(const struct recover_upload *u, void *arg);

static int add_stored(struct recover *r, const char *key, struct recover_upload *u)
{
	struct s3_parts parts;
	int err = s3_upload_parts(r->s3, key, u->id, &parts, NULL);

	if (err)
		return err == -ENOENT ? 0 : err;
	for (size_t i = 0; i < parts.n; i++)
		u->size += parts.v[i].size;
	s3_parts_fini(&parts);
	return 0;
}

static int list_known(struct recover *r, const struct known *k, tell *what, void *arg)
{
	int err = 0;

	for (size_t i = 0; !err && i < k->n; i++) {
		const struct record *record = &k->records[i];
		struct recover_upload u = {record->key, record->own.id, 0, record->began,
		                           record->removed ? RECOVER_REMOVED
		                           : k->live[i]    ? RECOVER_WRITING
		                                           : RECOVER_INTERRUPTED};

		if (u.id)
			err = add_stored(r, record->own.key, &u);
		if (record->synced && record->size > u.size)
			u.size = record->size;
		if (!err)
			what(&u, arg);
	}
	return err;
}

static int list_unknown(struct recover *r, const struct known *k, tell *what, void *arg)
{
	struct s3_uploads uploads = {0};
	int err = s3_uploads(r->s3, r->prefix, &uploads, NULL);

	for (size_t i = 0; !err && i < uploads.n; i++) {
		struct recover_upload u = {uploads.v[i].key, uploads.v[i].id, 0,
		                           uploads.v[i].initiated, RECOVER_UNKNOWN};

		if (known_has(k, &uploads.v[i]))
			continue;
		err = add_stored(r, u.key, &u);
		if (!err)
			what(&u, arg);
	}
	s3_uploads_fini(&uploads);
	return err;
}

int recover_list(struct recover *r, tell *what, void *arg)
{
	struct known k = {0};
	int err = known_read(r, &k);

	if (!err)
		err = list_known(r, &k, what, arg);
	if (!err)
		err = list_unknown(r, &k, what, arg);
	known_fini(&k);
	return err;
}

/* ------------------------------------------------------------- how many wait */

struct counting {
	struct recover *r;
	unsigned n;
};

static int count_move(const struct journal_item *item, void *arg)
{
	struct counting *c = arg;
	struct move_note note;

	if (!item->is_free)
		return 0;
	if (!move_note_read(&note, item->text))
		c->n += known_is_ours(c->r, note.bucket, note.endpoint, note.from);
	move_note_fini(&note);
	return 0;
}

static int count(const struct journal_item *item, void *arg)
{
	struct counting *c = arg;
	struct record record;

	if (item->is_free && !known_read_one(c->r, item->text, &record)) {
		c->n += !record.removed;
		record_fini(&record);
	}
	return 0;
}

unsigned recover_waiting(struct recover *r)
{
	struct counting c = {.r = r};
	int err = journal_each(r->folder, JOURNAL_DRAFT, count, &c);

	if (!err)
		err = journal_each(r->folder, JOURNAL_RENAME, count_move, &c);
	return err ? 0 : c.n;
}
