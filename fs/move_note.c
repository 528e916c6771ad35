/* SPDX-License-Identifier: MIT */
/* move_note.c - what the journal is told of a move, and what is done about one that
 * a crash has interrupted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jbytes.h"
#include "journal.h"
#include "log.h"
#include "move.h"

#define LATE_S 4 /* the last look comes after 1 + 2 + 4 s */

void move_note(struct move *mv, bool copied)
{
	struct mount *m = mv->m;
	json_t *all = json_pack("{so, so, so, so, sb, sb}", "bucket", jbytes_new(m->conf.bucket),
	                        "endpoint", jbytes_new(s3_endpoint(m->s3)), "from",
	                        jbytes_new(mv->from.s), "to", jbytes_new(mv->to.s), "copied",
	                        copied, "marker", mv->marker);
	char *text = all ? json_dumps(all, JSON_COMPACT) : NULL;
	int err = !m->journal ? 0
	          : text      ? journal_write(&mv->entry, m->journal, JOURNAL_RENAME, text, copied)
	                      : -ENOMEM;

	if (err)
		log_warn("a crash would leave a rename half done: the journal in %s: %s",
		         m->journal, strerror(-err));
	free(text);
	json_decref(all);
}

void move_leave(struct move *mv)
{
	if (mv->entry)
		mv->m->journal_needed = true;
	journal_leave(mv->entry);
	mv->entry = NULL;
}

void move_note_fini(struct move_note *note)
{
	free(note->bucket);
	free(note->endpoint);
	free(note->from);
	free(note->to);
	*note = (struct move_note){0};
}

static bool is_prefix(const char *s)
{
	return *s && s[strlen(s) - 1] == '/';
}

int move_note_read(struct move_note *note, const char *text)
{
	json_t *all = json_loads(text, 0, NULL);
	int err = 0;

	note->bucket = jbytes_get(json_object_get(all, "bucket"), &err);
	note->endpoint = jbytes_get(json_object_get(all, "endpoint"), &err);
	note->from = jbytes_get(json_object_get(all, "from"), &err);
	note->to = jbytes_get(json_object_get(all, "to"), &err);
	note->copied = json_is_true(json_object_get(all, "copied"));
	note->marker = json_is_true(json_object_get(all, "marker"));
	if (!err && (!is_prefix(note->from) || !is_prefix(note->to)))
		err = -EINVAL;
	json_decref(all);
	return err;
}

/* Copies that were asked for before the crash may be made after it: the service
 * knows nothing of that. */
static unsigned undo_late_ones(struct move *mv)
{
	unsigned left = move_undo(mv);

	for (unsigned wait_s = 1; !left && wait_s <= LATE_S; wait_s *= 2) {
		sleep(wait_s);
		if (move_check_target(mv) == -ENOTEMPTY)
			left = move_undo(mv);
	}
	return left;
}

int move_recover(struct s3 *s3, const struct move_note *note)
{
	struct mount m = {.s3 = s3}; /* all that is needed of one */
	struct move mv = {.m = &m,
	                  .from = BUF_INIT,
	                  .to = BUF_INIT,
	                  .reached = BUF_INIT,
	                  .marker = note->marker,
	                  .stranger = true};
	unsigned left;
	int err;

	buf_adds(&mv.from, note->from);
	buf_adds(&mv.to, note->to);
	buf_addc(&mv.reached, (char)0xff); /* beyond all keys */
	err = buf_error(&mv.from) | buf_error(&mv.to) | buf_error(&mv.reached);
	if (!err && note->copied)
		err = move_sweep(&mv, &left);
	else if (!err && undo_late_ones(&mv))
		err = -EIO;
	buf_fini(&mv.from);
	buf_fini(&mv.to);
	buf_fini(&mv.reached);
	return err;
}
