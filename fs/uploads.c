/* SPDX-License-Identifier: MIT */
#include "uploads.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "encode.h"
#include "log.h"
#include "opts.h"
#include "recover.h"
#include "start.h"

#define KEYS_MAX 1000

static const char uploads_usage[] =
	"pourfs uploads [--json] [--abort [--older-than AGE]] [-o OPTION,...] BUCKET[:/FOLDER]";
static const char recover_usage[] = "pourfs recover [-o OPTION,...] BUCKET[:/FOLDER] [KEY...]";

static void say(const char *text)
{
	puts(text);
}

/* What every command needs. 0, or -errno after a message. */
static int begin(struct recover *r, const struct opts *o, char **folder)
{
	struct s3_fault fault = {0};
	int err = s3_new(&r->s3, &o->s3, &fault);

	if (err) {
		fprintf(stderr, "pourfs: %s\n", *fault.message ? fault.message : strerror(-err));
		return err;
	}
	err = start_check_bucket(r->s3, &o->mount);
	if (err)
		return err;
	err = journal_folder(o->mount.journal_dir, false, folder);
	if (err)
		fprintf(stderr, "pourfs: %s\n", strerror(-err));
	r->folder = *folder;
	r->bucket = o->mount.bucket;
	r->endpoint = s3_endpoint(r->s3);
	r->prefix = o->mount.prefix;
	r->say = say;
	return err;
}

/* What a command does with the bucket; n operands follow its name. */
typedef int work(struct recover *r, const char *const *operands, size_t n, const void *arg);

/* Parses, connects, works, and says why that failed. The exit status. */
static int command(int argc, char **argv, int max, const char *usage, work *what, const void *arg)
{
	struct recover r = {0};
	struct opts o;
	const char *operands[KEYS_MAX + 1];
	char *folder = NULL;
	int n, err = opts_parse_command(&o, argc, argv, operands, max, &n, usage);
	bool other = !err && (o.help || o.version);

	log_setup((enum log_level)(err ? LOG_LEVEL_WARN : o.log_level), opts_log_flags(&o));
	if (other && o.help)
		opts_help();
	else if (other)
		puts("pourfs " POURFS_VERSION);
	else if (!err)
		err = begin(&r, &o, &folder);
	if (!err && !other) {
		err = what(&r, operands + 1, (size_t)n - 1, arg);
		if (err)
			fprintf(stderr, "pourfs: %s\n", strerror(-err));
	}
	free(folder);
	s3_free(r.s3);
	opts_fini(&o);
	return err || r.failed ? 1 : 0;
}

/* ----------------------------------------------------------------- uploads */

static void print_upload(const struct recover_upload *u, void *arg)
{
	char key[S3_KEY_MAX + 200], began[32];
	time_t t = (time_t)u->began;
	struct tm tm;

	(void)arg;
	strftime(began, sizeof began, "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
	printf("%s  %-11s  %12llu  %s\n", began, u->state, (unsigned long long)u->size,
	       log_quote(key, sizeof key, u->key));
}

static void add_upload(const struct recover_upload *u, void *arg)
{
	/* A key may be any bytes, JSON may not. */
	const char *name = utf8_is_valid(u->key) ? "key" : "key_encoded";
	struct buf key = BUF_INIT;

	if (utf8_is_valid(u->key))
		buf_adds(&key, u->key);
	else
		percent_encode(&key, u->key, false);
	json_array_append_new(arg, json_pack("{ss, ss*, sI, sI, ss}", name, key.s, "id", u->id,
	                                     "began", (json_int_t)u->began, "size",
	                                     (json_int_t)u->size, "state", u->state));
	buf_fini(&key);
}

static int list(struct recover *r, bool as_json)
{
	json_t *all = json_array();
	int err = recover_list(r, as_json ? add_upload : print_upload, all);
	char *text = !err && as_json ? json_dumps(all, JSON_INDENT(2)) : NULL;

	if (text)
		puts(text);
	free(text);
	json_decref(all);
	return err;
}

struct uploads_flags {
	bool json, abort;
	int64_t age; /* s; -1: none */
};

/* Takes its own flags out of argv. */
static int take_flags(struct uploads_flags *f, int *argc, char **argv)
{
	int n = 0;

	*f = (struct uploads_flags){.age = -1};
	for (int i = 0; i < *argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			f->json = true;
		} else if (!strcmp(argv[i], "--abort")) {
			f->abort = true;
		} else if (!strcmp(argv[i], "--older-than")) {
			f->age = ++i < *argc ? opts_age(argv[i]) : -1;
			if (f->age < 0) {
				fputs("pourfs: --older-than takes an age, such as 90m, 12h or 3d\n",
				      stderr);
				return -EINVAL;
			}
		} else {
			argv[n++] = argv[i];
		}
	}
	*argc = n;
	if ((f->age >= 0 && !f->abort) || (f->json && f->abort)) {
		fprintf(stderr, "pourfs: usage: %s\n", uploads_usage);
		return -EINVAL;
	}
	return 0;
}

static int work_on_uploads(struct recover *r, const char *const *operands, size_t n,
                           const void *arg)
{
	const struct uploads_flags *f = arg;
	/* Age 0 is what there is: the service's clock may be ahead, or rounded up. */
	int64_t before = f->age ? (int64_t)time(NULL) - f->age : INT64_MAX;

	(void)operands, (void)n;
	if (f->abort)
		return recover_abort(r, f->age < 0 ? 0 : before);
	return list(r, f->json);
}

int uploads_main(int argc, char **argv)
{
	struct uploads_flags f;

	if (take_flags(&f, &argc, argv))
		return 1;
	return command(argc, argv, 1, uploads_usage, work_on_uploads, &f);
}

/* ----------------------------------------------------------------- recover */

static int recover_keys(struct recover *r, const char *const *operands, size_t n, const void *arg)
{
	(void)arg;
	return recover_all(r, operands, n);
}

int recover_main(int argc, char **argv)
{
	return command(argc, argv, KEYS_MAX + 1, recover_usage, recover_keys, NULL);
}
