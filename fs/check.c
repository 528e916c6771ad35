/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "buf.h"
#include "log.h"
#include "opts.h"
#include "start.h"

#define TEXT    "pourfs check\n"
#define LOOK_AT 100 /* objects, for one that is not empty */

static const char usage[] = "pourfs check [-o OPTION,...] BUCKET[:/FOLDER]";

#define TRY_S 10 /* how long each step is tried, unless retry_time is shorter */

static atomic_bool stopped;

/* What may have been made, and whether it is gone again. */
enum leaving { NOTHING, MAYBE, LEFT };

struct check {
	struct s3 *s3;
	const struct opts *o;
	char key[S3_KEY_MAX + 1]; /* of an object of ours, hidden in mounts */
	char copy[S3_KEY_MAX + 1];
	char *upload;
	bool put;                    /* it is there to be read */
	enum leaving object, copied; /* after a lost answer it may be there */
	bool begun;                  /* an upload, likewise */
};

/* ------------------------------------------------------------------- steps */

static struct iovec bytes = {TEXT, sizeof TEXT - 1};
static const struct s3_body body = {&bytes, 1, sizeof TEXT - 1};

/* Of a request that makes something. A refusal made nothing. */
static enum leaving left_by(int err, const struct s3_call *call)
{
	if (!err)
		return LEFT;
	return call->fault.status >= 400 && call->fault.status < 500 ? NOTHING : MAYBE;
}

static int try_list(struct check *c, struct s3_call *call)
{
	struct s3_page page = {0};
	int err;

	if (c->o->mount.no_list)
		return -ECANCELED;
	err = s3_list(c->s3, c->o->mount.prefix, '/', NULL, NULL, 1, &page, call);
	s3_page_fini(&page);
	return err;
}

/* Of a mount that only reads: a byte of something that is there. */
static int try_read(struct check *c, struct s3_call *call)
{
	struct s3_page page = {0};
	char byte;
	struct iovec iov = {&byte, 1};
	ssize_t n = -ECANCELED;
	int err = -ECANCELED;

	if (!c->o->mount.no_list)
		err = s3_list(c->s3, c->o->mount.prefix, 0, NULL, NULL, LOOK_AT, &page, call);
	for (size_t i = 0; !err && n == -ECANCELED && i < page.n; i++)
		if (page.v[i].size)
			n = s3_get(c->s3, page.v[i].key, 0, &iov, 1, NULL, NULL, call);
	if (!err)
		s3_page_fini(&page);
	return n < 0 ? (int)n : 0;
}

static int try_put(struct check *c, struct s3_call *call)
{
	struct s3_headers headers = {0};
	int err = 0;

	if (c->o->mount.storage_class)
		err = s3_headers_set(&headers, "x-amz-storage-class", c->o->mount.storage_class);
	if (!err && c->o->mount.tags)
		err = s3_headers_set(&headers, "x-amz-tagging", c->o->mount.tags);
	if (!err) {
		err = s3_put(c->s3, c->key, &headers, &body, 0, NULL, call);
		c->object = left_by(err, call);
	}
	c->put = !err;
	s3_headers_fini(&headers);
	return err;
}

static int try_head(struct check *c, struct s3_call *call)
{
	struct s3_object o = {0};
	int err = c->put ? s3_head(c->s3, c->key, &o, call) : -ECANCELED;

	s3_object_fini(&o);
	return err;
}

static int try_get(struct check *c, struct s3_call *call)
{
	char room[sizeof TEXT];
	struct iovec iov = {room, sizeof room};
	ssize_t n = c->put ? s3_get(c->s3, c->key, 0, &iov, 1, NULL, NULL, call) : -ECANCELED;

	if (n < 0)
		return (int)n;
	return (size_t)n == body.size && !memcmp(room, TEXT, body.size) ? 0 : -EIO;
}

static int try_copy(struct check *c, struct s3_call *call)
{
	int err = c->put ? s3_copy(c->s3, c->key, NULL, c->copy, NULL, 0, NULL, call) : -ECANCELED;

	c->copied = err == -ECANCELED ? NOTHING : left_by(err, call);
	return err;
}

static int try_tags(struct check *c, struct s3_call *call)
{
	char *tags = NULL;
	int err = c->put ? s3_get_tags(c->s3, c->key, &tags, call) : -ECANCELED;

	free(tags);
	return err;
}

static int try_put_tags(struct check *c, struct s3_call *call)
{
	return c->put ? s3_put_tags(c->s3, c->key, "checked=yes", call) : -ECANCELED;
}

static int try_create(struct check *c, struct s3_call *call)
{
	int err = s3_upload_create(c->s3, c->key, NULL, &c->upload, call);

	c->begun = left_by(err, call) != NOTHING || *call->retries;
	return err;
}

static int try_part(struct check *c, struct s3_call *call)
{
	return c->upload ? s3_upload_part(c->s3, c->key, c->upload, 1, &body, NULL, call)
	                 : -ECANCELED;
}

static int try_part_copy(struct check *c, struct s3_call *call)
{
	return c->upload && c->put ? s3_upload_part_copy(c->s3, c->key, c->upload, 2, c->key, 0, 0,
	                                                 NULL, NULL, call)
	                           : -ECANCELED;
}

static int try_parts(struct check *c, struct s3_call *call)
{
	struct s3_parts parts = {0};
	int err = c->upload ? s3_upload_parts(c->s3, c->key, c->upload, &parts, call) : -ECANCELED;

	s3_parts_fini(&parts);
	return err;
}

/* The key is ours alone: what else was begun for it is of a try whose answer was lost. */
static int try_uploads(struct check *c, struct s3_call *call)
{
	struct s3_uploads uploads = {0};
	int err = s3_uploads(c->s3, c->key, &uploads, call);

	for (size_t i = 0; !err && i < uploads.n; i++)
		if (!c->upload || strcmp(uploads.v[i].id, c->upload) != 0)
			(void)!s3_upload_abort(c->s3, c->key, uploads.v[i].id, call);
	if (!err && !c->upload)
		c->begun = false;
	s3_uploads_fini(&uploads);
	return err;
}

static int try_abort(struct check *c, struct s3_call *call)
{
	int err = c->upload ? s3_upload_abort(c->s3, c->key, c->upload, call) : -ECANCELED;

	c->begun = c->begun && err;
	return err;
}

static int try_delete(struct check *c, struct s3_call *call)
{
	int err = -ECANCELED, other = 0;

	if (c->object)
		err = s3_delete(c->s3, c->key, call);
	if (c->copied)
		other = s3_delete(c->s3, c->copy, call);
	if (!err)
		c->object = NOTHING;
	if (!other)
		c->copied = NOTHING;
	return err ? err : other;
}

enum kind { ALWAYS, READS, WRITES };

static const struct step {
	const char *what, *permission, *without;
	int (*try)(struct check *c, struct s3_call *call);
	enum kind kind;
	bool optional, cleans;
} steps[] = {
	{"list names", "s3:ListBucket", "mount with -o no_list: names are found, not listed",
         try_list, ALWAYS, false, false},
	{"read an object", "s3:GetObject", "nothing can be read", try_read, READS, false, false},
	{"put an object", "s3:PutObject", "mount with -o ro", try_put, WRITES, false, false},
	{"look at an object", "s3:GetObject", "nothing works", try_head, WRITES, false, false},
	{"read an object", "s3:GetObject", "nothing can be read", try_get, WRITES, false, false},
	{"copy an object", "s3:GetObject, s3:PutObject",
         "no renames, no changes of modes and times, no cp on the server", try_copy, WRITES, false,
         false},
	{"read its tags", "s3:GetObjectTagging",
         "changes of modes of files with tags fail, and new versions of them lose their tags",
         try_tags, WRITES, true, false},
	{"change its tags", "s3:PutObjectTagging", "new versions of files may lose their tags",
         try_put_tags, WRITES, true, false},
	{"begin an upload of parts", "s3:PutObject", "no file larger than part_size", try_create,
         WRITES, false, false},
	{"put a part", "s3:PutObject", "no file larger than part_size", try_part, WRITES, false,
         false},
	{"copy a part", "s3:GetObject, s3:PutObject", "no changes of large files where they are",
         try_part_copy, WRITES, false, false},
	{"list parts", "s3:ListMultipartUploadParts", "pourfs recover brings nothing back",
         try_parts, WRITES, true, false},
	{"list uploads", "s3:ListBucketMultipartUploads", "pourfs uploads lists nothing",
         try_uploads, WRITES, true, true},
	{"abort an upload", "s3:AbortMultipartUpload",
         "what fails stays in the bucket, and is paid for", try_abort, WRITES, true, true},
	{"delete an object", "s3:DeleteObject", "no rm, no mv; what is staged stays", try_delete,
         WRITES, false, true},
};

/* ------------------------------------------------------------------ command */

static int name_objects(struct check *c)
{
	uint64_t n;
	int length;

	if (getrandom(&n, sizeof n, 0) != sizeof n)
		return -errno;
	length = snprintf(c->key, sizeof c->key, "%s" MOUNT_HIDDEN "/check/%016llx",
	                  c->o->mount.prefix, (unsigned long long)n);
	if (length + 5 > S3_KEY_MAX)
		return -ENAMETOOLONG;
	snprintf(c->copy, sizeof c->copy, "%.*s.copy", S3_KEY_MAX - 5, c->key);
	return 0;
}

static unsigned try_s(const struct check *c)
{
	return c->o->s3.retry_time_s < TRY_S ? c->o->s3.retry_time_s : TRY_S;
}

/* What becomes of it where the service does not do it (carry.h); NULL: nothing. */
static const char *instead(const struct step *step)
{
	if (step->try == try_copy)
		return "renames and changes of modes and times take a download and an upload";
	if (step->try == try_part_copy)
		return "changes of large files where they are take one of what stays of them";
	return NULL;
}

/* True: it can be done, or need not be. */
static bool take_step(struct check *c, const struct step *step)
{
	_Atomic uint64_t retries = 0;
	struct s3_call call = {.retry_time_s = try_s(c),
	                       .cancel = step->cleans ? NULL : &stopped,
	                       .retries = &retries};
	int err = step->try(c, &call);
	const char *other = err == -EOPNOTSUPP ? instead(step) : NULL;
	bool optional = step->optional || other;
	char said[300];

	if (err == -ECANCELED || err == -EINTR) {
		printf("  -   %-26s not tried\n", step->what);
		return err == -ECANCELED;
	}
	if (!err) {
		printf("  ok  %-26s %s\n", step->what, step->permission);
		return true;
	}
	printf("%s  %-26s %s\n", optional ? "  no" : "FAIL", step->what, step->permission);
	if (call.fault.code[0] || call.fault.message[0])
		printf("      %s%s\n", call.fault.status ? "the service says: " : "",
		       log_quote(said, sizeof said,
		                 call.fault.message[0] ? call.fault.message : call.fault.code));
	else
		printf("      %s\n", strerror(-err));
	printf("      without it: %s\n", other ? other : step->without);
	return optional;
}

/* The bucket is there, and the keys are good, whatever they allow. */
static bool is_there(struct check *c)
{
	struct s3_call call = {.retry_time_s = try_s(c), .cancel = &stopped};

	if (c->o->mount.no_list)
		return start_check_bucket(c->s3, &c->o->mount) == 0;
	if (!try_list(c, &call) || !strcmp(call.fault.code, "AccessDenied"))
		return true;
	start_explain(&call.fault, s3_bucket(c->s3), s3_endpoint(c->s3));
	return false;
}

/* False: there is nothing. */
static bool name_left(const struct check *c)
{
	const struct {
		enum leaving leaving;
		const char *key;
	} objects[] = {{c->object, c->key}, {c->copied, c->copy}};
	char id[300];

	for (size_t i = 0; i < 2; i++)
		if (objects[i].leaving)
			printf("%s in the bucket: %s\n",
			       objects[i].leaving == LEFT ? "left" : "perhaps left",
			       objects[i].key);
	if (c->begun && c->upload)
		printf("left in the bucket: the upload %s of %s\n",
		       log_quote(id, sizeof id, c->upload), c->key);
	else if (c->begun)
		printf("perhaps left in the bucket: an upload of %s\n", c->key);
	return c->object || c->copied || c->begun;
}

/* Whether a mount with these options would work. */
static bool take_steps(struct check *c)
{
	bool there = is_there(c), good = there;

	printf("bucket %s at %s, region %s\n", s3_bucket(c->s3), s3_endpoint(c->s3),
	       s3_region(c->s3));
	if (!s3_source(c->s3))
		puts("keys from nowhere: requests are not signed");
	else if (there)
		printf("keys from %s\n", s3_source(c->s3));
	for (size_t i = 0; there && i < sizeof steps / sizeof *steps; i++) {
		const struct step *step = &steps[i];

		if (step->kind == ALWAYS || (step->kind == READS) == c->o->mount.read_only)
			good = take_step(c, step) && good;
	}
	return !name_left(c) && good && !stopped;
}

static void stop(int signal)
{
	(void)signal;
	stopped = true;
}

static void await_signals(void)
{
	const struct sigaction action = {.sa_handler = stop};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

int check_main(int argc, char **argv)
{
	struct opts o;
	struct check c = {.o = &o};
	struct s3_fault fault = {0};
	const char *operands[2];
	int n, err = opts_parse_command(&o, argc, argv, operands, 1, &n, usage);
	bool other = !err && (o.help || o.version), good = false;

	log_setup(LOG_LEVEL_ERROR, 0); /* each failure is said below */
	if (other && o.help)
		opts_help();
	else if (other)
		puts("pourfs " POURFS_VERSION);
	if (!err && !other) {
		await_signals();
		err = s3_new(&c.s3, &o.s3, &fault);
		if (!err)
			err = name_objects(&c);
		if (err)
			fprintf(stderr, "pourfs: %s\n",
			        *fault.message ? fault.message : strerror(-err));
		else
			good = take_steps(&c);
	}
	free(c.upload);
	s3_free(c.s3);
	opts_fini(&o);
	return err || (!other && !good) || fflush(stdout) ? 1 : 0;
}
