/* SPDX-License-Identifier: MIT */
#include "note.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attr.h"
#include "journal.h"
#include "log.h"
#include "record.h"
#include "recover.h"
#include "source.h"

struct note {
	struct journal_entry *entry;
	struct record record; /* what it says */
	struct retired {
		char *key, *id;
	} * retired;
	size_t nretired;
};

/* ------------------------------------------------------------- the record */

static int describe_upload(struct record_upload *to, const struct draft_upload *u)
{
	if (!u->id)
		return 0;
	to->key = strdup(u->key);
	to->id = strdup(u->id);
	return to->key && to->id ? 0 : -ENOMEM;
}

static int describe_ranges(struct record *r, const struct parts *p)
{
	struct parts_range a;
	int err = 0;

	for (uint64_t at = 0; !err && (a = parts_safe_at(p, at)).kind != PARTS_IS_END;
	     at += a.len) {
		/* Hidden ones may go any time that nothing is promised. */
		if (a.kind == PARTS_IS_REMOTE && (r->synced || !r->sources[a.source].ours))
			err = record_add_range(r, at, a.len, a.source, a.source_offset);
		else if (a.kind == PARTS_IS_SEALED && r->synced)
			err = record_add_range(r, at, a.len, RECORD_OWN, a.source_offset);
		else if (a.kind == PARTS_IS_STAGED && r->synced)
			err = record_add_range(r, at, a.len, RECORD_STAGED, a.source_offset);
	}
	return err;
}

static int describe_headers(struct draft *d, struct record *r)
{
	struct attr a;
	unsigned taken;
	int err = attr_take(d->file->m, d->file->node, d->written_at.tv_sec ? &d->written_at : NULL,
	                    META_ALL, &a, &r->headers, &taken);

	if (!err)
		attr_untake(d->file->m, d->file->node, taken);
	return err;
}

static int describe_place(struct draft *d, struct record *r)
{
	struct mount *m = d->file->m;
	struct buf key = BUF_INIT;
	int err = mount_key(m, d->file->node, &key);

	r->endpoint = strdup(s3_endpoint(m->s3));
	r->bucket = strdup(m->conf.bucket);
	r->run = strdup(m->run_id);
	r->key = err ? NULL : buf_detach(&key);
	buf_fini(&key);
	if (!err && (!r->endpoint || !r->bucket || !r->run || !r->key))
		err = -ENOMEM;
	return err;
}

static int describe(struct draft *d, struct record *r, bool synced)
{
	const struct parts *p = d->parts;
	int err = describe_place(d, r);

	r->part_size = parts_part_size(p);
	r->equal_parts = d->file->m->conf.equal_parts;
	r->direct = parts_direct(p);
	r->began = time(NULL) - (int64_t)(mount_now_ms() - d->started_ms) / 1000;
	r->base = d->base;
	r->base_size = d->base_size;
	r->kept = d->kept < d->base_size ? d->kept : d->base_size;
	r->synced = synced;
	r->size = parts_size(p);
	if (!err)
		err = describe_upload(&r->own, &d->own);
	if (!err)
		err = describe_upload(&r->staged, &d->staged);
	for (int i = 0; i < d->nsources && !err; i++) {
		const struct draft_source *s = &d->sources[i];

		err = record_add_source(r, s->key ? s->key : "", &s->etag, s->size,
		                        s->ours && s->key);
	}
	if (!err)
		err = describe_ranges(r, p);
	if (!err)
		err = describe_headers(d, r);
	return err;
}

/* ----------------------------------------------------------------- writing */

static int write_entry(struct note *n, struct mount *m, bool durable)
{
	struct buf text = BUF_INIT;
	int err;

	record_write(&n->record, &text);
	err = buf_error(&text);
	if (!err)
		err = journal_write(&n->entry, m->journal, JOURNAL_DRAFT, text.s, durable);
	buf_fini(&text);
	return err;
}

static struct note *need_note(struct draft *d)
{
	if (!d->note)
		d->note = calloc(1, sizeof *d->note);
	return d->note;
}

static int rewrite(struct draft *d, bool synced)
{
	struct note *n = need_note(d);
	struct record fresh = {0};
	int err = n ? describe(d, &fresh, synced) : -ENOMEM;

	if (!err) {
		struct record old = n->record;

		n->record = fresh;
		err = write_entry(n, d->file->m, synced);
		fresh = err ? n->record : old;
		if (err)
			n->record = old;
	}
	record_fini(&fresh);
	return err;
}

static void complain(const struct draft *d, int err)
{
	char name[300];

	log_warn("%s could not be recovered after a crash: the journal in %s: %s",
	         log_quote(name, sizeof name, d->file->node->name), d->file->m->journal,
	         strerror(-err));
}

void note_begun(struct draft *d)
{
	struct note *n = d->note;
	int err = 0;

	if (!d->file->m->journal || (d->discarded && (!n || !n->entry)))
		return;
	if (!d->discarded && (!n || !n->record.synced)) {
		err = rewrite(d, false);
	} else { /* what was promised stays: this one is only to be found */
		const struct draft_upload *new[] = {&d->own, &d->staged};

		for (int i = 0; i < 2 && !err; i++)
			if (new[i]->id)
				err = record_add_old(&n->record, new[i]->key, new[i]->id);
		if (!err)
			err = write_entry(n, d->file->m, true);
	}
	if (err)
		complain(d, err);
}

static void end_retired(struct mount *m, struct note *n)
{
	for (size_t i = 0; i < n->nretired; i++) {
		if (n->retired[i].id)
			source_abort_later(m, n->retired[i].key, n->retired[i].id);
		else
			source_delete_later(m, n->retired[i].key);
	}
	free(n->retired);
	n->retired = NULL;
	n->nretired = 0;
}

int note_synced(struct draft *d)
{
	int err = d->file->m->journal && !d->discarded ? rewrite(d, true) : 0;

	if (!err && d->note)
		end_retired(d->file->m, d->note);
	if (err)
		complain(d, err);
	return err;
}

/* Once is enough: it is no mere append any more. */
void note_changed(struct draft *d)
{
	struct note *n = d->note;
	int err;

	if (!n || !n->entry || n->record.synced || n->record.removed || d->kept >= n->record.kept)
		return;
	n->record.kept = 0;
	err = write_entry(n, d->file->m, false);
	if (err)
		complain(d, err);
}

bool note_uses(const struct draft *d, int source)
{
	const struct note *n = d->note;

	if (!n || !n->record.synced)
		return false;
	for (size_t i = 0; i < n->record.nranges; i++)
		if (n->record.ranges[i].source == source)
			return true;
	return false;
}

bool note_retire(struct draft *d, char *key, char *id)
{
	struct note *n = d->note;
	struct retired *v;

	if (!n || !n->record.synced)
		return false;
	v = reallocarray(n->retired, n->nretired + 1, sizeof *v);
	if (!v)
		return false;
	n->retired = v;
	v[n->nretired++] = (struct retired){key, id};
	return true;
}

void note_moved(struct draft *d)
{
	struct note *n = d->note;
	struct buf key = BUF_INIT;
	int err = 0;

	if (!n || !n->entry || n->record.removed)
		return;
	for (size_t i = 0; i < n->record.nsources && (int)i < d->nsources && !err; i++) {
		struct record_source *s = &n->record.sources[i];
		const struct draft_source *now = &d->sources[i];
		char *to = now->key ? strdup(now->key) : NULL;

		/* Collected, and perhaps used again: what was promised is another. */
		if (!to || s->ours || now->size != s->size) {
			free(to);
			continue;
		}
		free(s->key);
		s->key = to;
		s->etag = now->etag;
		s->ours = now->ours;
	}
	if (!mount_key(d->file->m, d->file->node, &key)) {
		free(n->record.key);
		n->record.key = buf_detach(&key);
	}
	buf_fini(&key);
	if (!n->record.key)
		err = -ENOMEM;
	if (!err)
		err = write_entry(n, d->file->m, n->record.synced);
	if (err)
		complain(d, err);
}

void note_discarded(struct draft *d)
{
	struct note *n = d->note;

	if (!n)
		return;
	n->record.removed = true;
	n->record.synced = false; /* nobody is promised anything any more */
	n->record.nranges = 0;
	/* Its upload is still there for a while. */
	if (n->entry && write_entry(n, d->file->m, false)) {
		journal_remove(n->entry);
		n->entry = NULL;
	}
	end_retired(d->file->m, n);
}

void note_end(struct draft *d, bool leave)
{
	struct note *n = d->note;

	d->note = NULL;
	if (!n)
		return;
	if (leave && n->entry) {
		char key[1200];

		log_error("%s: what has been stored of it is kept: pourfs recover brings it back",
		          log_quote(key, sizeof key, n->record.key));
		journal_leave(n->entry);
		d->file->m->journal_needed = true;
		for (size_t i = 0; i < n->nretired; i++) {
			free(n->retired[i].key);
			free(n->retired[i].id);
		}
		free(n->retired);
	} else {
		journal_remove(n->entry);
		end_retired(d->file->m, n);
	}
	record_fini(&n->record);
	free(n);
}

/* ---------------------------------------------------------------- the mount */

static bool rename_one(struct draft *d, void *arg)
{
	(void)arg;
	note_moved(d);
	return false;
}

void note_renamed(struct mount *m)
{
	if (m->journal)
		draft_any(m, rename_one, NULL);
}

static void say(const char *text)
{
	log_warn("%s", text);
}

/* What a crash has left: brought back, or told of. */
static void look_back(struct mount *m, struct recover *r)
{
	unsigned waiting;
	int err = m->conf.recover && !m->conf.read_only ? recover_all(r, NULL, 0) : 0;

	if (err)
		log_warn("the interrupted uploads are not recovered: %s", strerror(-err));
	waiting = recover_waiting(r);
	if (waiting)
		log_warn("%u interrupted upload%s: pourfs uploads %s lists them, pourfs recover %s "
		         "brings them back",
		         waiting, waiting == 1 ? "" : "s", m->conf.bucket, m->conf.bucket);
}

void note_mount(struct mount *m)
{
	struct recover r = {.s3 = m->s3,
	                    .bucket = m->conf.bucket,
	                    .endpoint = s3_endpoint(m->s3),
	                    .prefix = m->conf.prefix,
	                    .say = say};
	int err = journal_folder(m->conf.journal_dir, !m->conf.read_only, &m->journal);

	r.folder = m->journal;
	if (!err)
		look_back(m, &r);
	if (!err && !m->conf.read_only)
		err = recover_enter_mount(&m->journal_entry, &r, m->run_id);
	if (err) {
		log_warn("no upload could be recovered after a crash: the journal%s%s: %s",
		         m->journal ? " in " : "", m->journal ? m->journal : "", strerror(-err));
		free(m->journal);
		m->journal = NULL;
	}
}

void note_unmount(struct mount *m)
{
	if (m->journal_needed)
		journal_leave(m->journal_entry);
	else
		journal_remove(m->journal_entry);
	m->journal_entry = NULL;
	free(m->journal);
	m->journal = NULL;
}
