/* SPDX-License-Identifier: MIT */
#include "status.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "draft.h"
#include "log.h"
#include "move.h"

#define SMOOTH    0.3 /* weight of the newest rate */
#define SAMPLE_MS 500

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* JSON knows only Unicode: other names are told as the log tells them. */
static json_t *name(const char *s)
{
	char quoted[4400];
	json_t *text = json_string(s);

	return text ? text : json_string(log_quote(quoted, sizeof quoted, s));
}

static const char *state(const struct draft *d)
{
	if (d->error)
		return "failed";
	if (d->publish || d->step == DRAFT_PUTTING || d->step == DRAFT_COMPLETING)
		return "publishing";
	return "writing";
}

/* Bytes that are safe in the service, or on their way there. */
static uint64_t stored_bytes(const struct draft *d)
{
	return parts_safe_bytes(d->parts);
}

static void sample_rate(struct draft *d)
{
	uint64_t now = mount_now_ms(), sent = d->sent;
	double rate;

	if (now - d->sample_ms < SAMPLE_MS)
		return;
	rate = sent >= d->sample_bytes
	               ? (double)(sent - d->sample_bytes) * 1000 / (double)(now - d->sample_ms)
	               : 0;
	d->rate = d->sample_bytes ? SMOOTH * rate + (1 - SMOOTH) * d->rate : rate;
	d->sample_ms = now;
	d->sample_bytes = sent;
}

/* One draft; with its file's lock held. */
static json_t *transfer(struct draft *d, const char *path)
{
	uint64_t size = parts_size(d->parts), stored = stored_bytes(d);
	json_t *o = json_object();

	sample_rate(d);
	json_object_set_new(o, "path", name(path));
	json_object_set_new(o, "state", json_string(state(d)));
	json_object_set_new(o, "size", number(size));
	json_object_set_new(o, "bytes_written", number(d->written));
	json_object_set_new(o, "bytes_stored", number(stored));
	json_object_set_new(o, "rate", number((uint64_t)d->rate));
	json_object_set_new(o, "eta",
	                    d->rate >= 1 ? number((uint64_t)((double)(size - stored) / d->rate))
	                                 : json_null());
	json_object_set_new(o, "retries", number(d->retries));
	json_object_set_new(o, "seconds", number((mount_now_ms() - d->started_ms) / 1000));
	return o;
}

static bool add_transfer(struct draft *d, void *arg)
{
	struct mount *m = d->file->m;
	struct buf path = BUF_INIT;

	tree_lock(m->tree);
	tree_path_locked(d->file->node, &path);
	tree_unlock(m->tree);
	json_array_append_new(arg, transfer(d, path.s));
	buf_fini(&path);
	return false;
}

static json_t *names(struct mount *m)
{
	size_t remembered, listed;

	tree_lock(m->tree);
	remembered = m->tree->nnodes;
	listed = m->tree->listed;
	tree_unlock(m->tree);
	return json_pack("{s:o, s:o}", "remembered", number(remembered), "listed", number(listed));
}

/* Directories that are being renamed. */
static void add_moves(struct mount *m, json_t *transfers)
{
	size_t skip = strlen(m->conf.prefix);

	tree_lock(m->tree);
	for (const struct move *mv = m->moves; mv; mv = mv->next) {
		json_t *o = json_object();

		json_object_set_new(o, "path", name(mv->from.s + skip));
		json_object_set_new(o, "to", name(mv->to.s + skip));
		json_object_set_new(o, "state", json_string("renaming"));
		json_object_set_new(o, "objects_copied", number(mv->objects));
		json_object_set_new(o, "bytes_copied", number(mv->bytes));
		json_object_set_new(o, "seconds", number((mount_now_ms() - mv->started_ms) / 1000));
		json_array_append_new(transfers, o);
	}
	tree_unlock(m->tree);
}

static json_t *service(const struct s3 *s3)
{
	json_t *lacks = json_array();
	const char *lack;

	for (size_t i = 0; (lack = s3_lacks(s3, i)); i++)
		json_array_append_new(lacks, json_string(lack));
	return json_pack("{s:s, s:s, s:s?, s:o}", "endpoint", s3_endpoint(s3), "region",
	                 s3_region(s3), "keys", s3_source(s3), "lacks", lacks);
}

char *status_json(struct mount *m)
{
	struct s3_stats stats;
	json_t *root = json_object(), *transfers = json_array();
	char *text;

	s3_stats(m->s3, &stats);
	draft_any(m, add_transfer, transfers);
	add_moves(m, transfers);
	json_object_set_new(root, "version", json_string(POURFS_VERSION));
	json_object_set_new(root, "bucket", json_string(m->conf.bucket));
	json_object_set_new(root, "prefix", name(m->conf.prefix));
	json_object_set_new(root, "endpoint", json_string(s3_endpoint(m->s3)));
	json_object_set_new(root, "service", service(m->s3));
	json_object_set_new(root, "memory",
	                    json_pack("{s:o, s:o}", "limit", number(budget_size(m->budget)), "used",
	                              number(budget_used(m->budget))));
	json_object_set_new(root, "requests",
	                    json_pack("{s:o, s:o, s:o}", "sent", number(stats.requests), "retries",
	                              number(stats.retries), "errors", number(stats.errors)));
	json_object_set_new(root, "bytes",
	                    json_pack("{s:o, s:o}", "sent", number(stats.bytes_sent), "received",
	                              number(stats.bytes_received)));
	json_object_set_new(root, "names", names(m));
	json_object_set_new(root, "unnameable_keys", number(m->bad_keys));
	json_object_set_new(root, "transfers", transfers);
	text = json_dumps(root, JSON_INDENT(1) | JSON_ENSURE_ASCII);
	json_decref(root);
	return text;
}
