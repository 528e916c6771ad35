/* SPDX-License-Identifier: MIT */
#include "metrics.h"

#include "buf.h"
#include "draft.h"

static const char *const results[S3_RESULTS] = {
	[S3_RESULT_OK] = "ok",
	[S3_RESULT_REFUSED] = "refused",
	[S3_RESULT_UNWELL] = "unwell",
	[S3_RESULT_SILENT] = "silent",
};

static void head(struct buf *to, const char *name, const char *type, const char *help)
{
	buf_addf(to, "# HELP pourfs_%s %s\n# TYPE pourfs_%s %s\n", name, help, name, type);
}

static void single(struct buf *to, const char *name, const char *type, const char *help, uint64_t n)
{
	head(to, name, type, help);
	buf_addf(to, "pourfs_%s %llu\n", name, (unsigned long long)n);
}

static void add_results(struct buf *to, const struct s3_meter *m)
{
	for (size_t i = 0; i < S3_RESULTS; i++)
		buf_addf(to, "pourfs_requests_total{operation=\"%s\",result=\"%s\"} %llu\n", m->op,
		         results[i], (unsigned long long)m->results[i]);
}

static void add_retries(struct buf *to, const struct s3_meter *m)
{
	buf_addf(to, "pourfs_retries_total{operation=\"%s\"} %llu\n", m->op,
	         (unsigned long long)m->retries);
}

static void add_times(struct buf *to, const struct s3_meter *m)
{
	unsigned long long all = 0;

	for (size_t i = 0; i <= S3_METER_BUCKETS; i++) {
		all += m->buckets[i];
		buf_addf(to, "pourfs_request_seconds_bucket{operation=\"%s\",le=\"", m->op);
		if (i < S3_METER_BUCKETS)
			buf_addf(to, "%u.%03u", s3_meter_ms[i] / 1000, s3_meter_ms[i] % 1000);
		else
			buf_adds(to, "+Inf");
		buf_addf(to, "\"} %llu\n", all);
	}
	buf_addf(to, "pourfs_request_seconds_sum{operation=\"%s\"} %llu.%06llu\n", m->op,
	         (unsigned long long)(m->took_us / 1000000),
	         (unsigned long long)(m->took_us % 1000000));
	buf_addf(to, "pourfs_request_seconds_count{operation=\"%s\"} %llu\n", m->op, all);
}

static void each_operation(struct buf *to, const struct s3 *s3,
                           void (*add)(struct buf *, const struct s3_meter *))
{
	struct s3_meter m;

	for (size_t i = 0; s3_meter(s3, i, &m); i++)
		add(to, &m);
}

static bool count_draft(struct draft *d, void *arg)
{
	unsigned *n = arg;

	(void)d;
	++*n;
	return false;
}

char *metrics_text(struct mount *m)
{
	struct buf text = BUF_INIT;
	struct s3_stats stats;
	size_t remembered, listed;
	unsigned drafts = 0;
	char *done;

	s3_stats(m->s3, &stats);
	draft_any(m, count_draft, &drafts);
	tree_lock(m->tree);
	remembered = m->tree->nnodes;
	listed = m->tree->listed;
	tree_unlock(m->tree);

	head(&text, "build_info", "gauge", "The version.");
	buf_addf(&text, "pourfs_build_info{version=\"%s\"} 1\n", POURFS_VERSION);
	single(&text, "start_time_seconds", "gauge", "When the mount began.", (uint64_t)m->started);
	head(&text, "requests_total", "counter",
	     "Requests sent, each try for itself; to say that a name is not there is to refuse.");
	each_operation(&text, m->s3, add_results);
	head(&text, "retries_total", "counter", "Tries beyond the first of their call.");
	each_operation(&text, m->s3, add_retries);
	head(&text, "request_seconds", "histogram", "How long a try took, with its body.");
	each_operation(&text, m->s3, add_times);
	single(&text, "failures_total", "counter", "Calls that failed in the end.", stats.errors);
	single(&text, "sent_bytes_total", "counter", "Bytes of bodies sent.", stats.bytes_sent);
	single(&text, "received_bytes_total", "counter", "Bytes of bodies received.",
	       stats.bytes_received);
	single(&text, "memory_limit_bytes", "gauge", "What memory= allows.",
	       budget_size(m->budget));
	single(&text, "memory_used_bytes", "gauge", "What of it is in use.",
	       budget_used(m->budget));
	single(&text, "parts_in_flight", "gauge", "Transfers under way that will free memory.",
	       m->flying);
	single(&text, "files_being_written", "gauge", "Files with contents that are not published.",
	       drafts);
	head(&text, "lookups_total", "counter", "Names looked up, by who knew them.");
	buf_addf(&text, "pourfs_lookups_total{from=\"memory\"} %llu\n",
	         (unsigned long long)m->looked_up);
	buf_addf(&text, "pourfs_lookups_total{from=\"service\"} %llu\n",
	         (unsigned long long)m->asked);
	single(&text, "names_remembered", "gauge", "Names with their attributes.", remembered);
	single(&text, "names_listed", "gauge", "Names in listings.", listed);
	single(&text, "unnameable_keys_total", "counter",
	       "How often a key was listed that no path can name.", m->bad_keys);
	done = buf_error(&text) ? NULL : buf_detach(&text);
	buf_fini(&text);
	return done;
}
