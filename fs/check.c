/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "buf.h"
#include "log.h"
#include "opts.h"
#include "start.h"

#define TEXT "pourfs check\n"

static const char usage[] = "pourfs check [-o OPTION,...] BUCKET[:/FOLDER]";

struct check {
	struct s3 *s3;
	const char *prefix;
	char key[S3_KEY_MAX + 1]; /* of an object of ours, hidden in mounts */
	char copy[S3_KEY_MAX + 1];
	char *upload;
	bool put, copied; /* there is something to clean up */
};

/* ------------------------------------------------------------------- steps */

static struct iovec bytes = {TEXT, sizeof TEXT - 1};
static const struct s3_body body = {&bytes, 1, sizeof TEXT - 1};

static int try_list(struct check *c, struct s3_call *call)
{
	struct s3_page page = {0};
	int err = s3_list(c->s3, c->prefix, '/', NULL, NULL, 1, &page, call);

	s3_page_fini(&page);
	return err;
}

static int try_put(struct check *c, struct s3_call *call)
{
	int err = s3_put(c->s3, c->key, NULL, &body, 0, NULL, call);

	c->put = !err;
	return err;
}

static int try_head(struct check *c, struct s3_call *call)
{
	struct s3_object o = {0};
	int err = s3_head(c->s3, c->key, &o, call);

	s3_object_fini(&o);
	return err;
}

static int try_get(struct check *c, struct s3_call *call)
{
	char room[sizeof TEXT];
	struct iovec iov = {room, sizeof room};
	ssize_t n = s3_get(c->s3, c->key, 0, &iov, 1, NULL, NULL, call);

	if (n < 0)
		return (int)n;
	return (size_t)n == body.size && !memcmp(room, TEXT, body.size) ? 0 : -EIO;
}

static int try_copy(struct check *c, struct s3_call *call)
{
	int err = s3_copy(c->s3, c->key, NULL, c->copy, NULL, 0, NULL, call);

	c->copied = !err;
	return err;
}

static int try_tags(struct check *c, struct s3_call *call)
{
	char *tags = NULL;
	int err = s3_get_tags(c->s3, c->key, &tags, call);

	free(tags);
	return err;
}

static int try_create(struct check *c, struct s3_call *call)
{
	return s3_upload_create(c->s3, c->key, NULL, &c->upload, call);
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

static int try_uploads(struct check *c, struct s3_call *call)
{
	struct s3_uploads uploads = {0};
	int err = s3_uploads(c->s3, c->key, &uploads, call);

	s3_uploads_fini(&uploads);
	return err;
}

static int try_abort(struct check *c, struct s3_call *call)
{
	int err = c->upload ? s3_upload_abort(c->s3, c->key, c->upload, call) : -ECANCELED;

	if (!err) {
		free(c->upload);
		c->upload = NULL;
	}
	return err;
}

static int try_delete(struct check *c, struct s3_call *call)
{
	int err = c->put ? s3_delete(c->s3, c->key, call) : -ECANCELED;

	if (!err)
		c->put = false;
	if (c->copied && !s3_delete(c->s3, c->copy, NULL))
		c->copied = false;
	return err;
}

static const struct step {
	const char *what, *permission, *without;
	int (*try)(struct check *c, struct s3_call *call);
	bool writes, optional;
} steps[] = {
	{"list names", "s3:ListBucket", "mount with -o no_list: names are found, not listed",
         try_list, false, true},
	{"put an object", "s3:PutObject", "mount with -o ro", try_put, true, false},
	{"look at an object", "s3:GetObject", "nothing works", try_head, true, false},
	{"read an object", "s3:GetObject", "nothing can be read", try_get, true, false},
	{"copy an object", "s3:GetObject, s3:PutObject",
         "no renames, no changes of modes and times, no cp on the server", try_copy, true, false},
	{"read its tags", "s3:GetObjectTagging", "tags may be lost in renames of large files",
         try_tags, true, true},
	{"begin an upload of parts", "s3:PutObject", "no file larger than part_size", try_create,
         true, false},
	{"put a part", "s3:PutObject", "no file larger than part_size", try_part, true, false},
	{"copy a part", "s3:GetObject, s3:PutObject", "no changes of large files where they are",
         try_part_copy, true, false},
	{"list parts", "s3:ListMultipartUploadParts", "pourfs recover brings nothing back",
         try_parts, true, true},
	{"list uploads", "s3:ListBucketMultipartUploads", "pourfs uploads lists nothing",
         try_uploads, true, true},
	{"abort an upload", "s3:AbortMultipartUpload",
         "what fails stays in the bucket, and is paid for", try_abort, true, true},
	{"delete an object", "s3:DeleteObject", "no rm, no mv; what is staged stays", try_delete,
         true, false},
};

/* ------------------------------------------------------------------ command */

static int name_objects(struct check *c)
{
	uint64_t n;
	int length;

	if (getrandom(&n, sizeof n, 0) != sizeof n)
		return -errno;
	length = snprintf(c->key, sizeof c->key, "%s.pourfs/check/%016llx", c->prefix,
	                  (unsigned long long)n);
	if (length + 5 > S3_KEY_MAX)
		return -ENAMETOOLONG;
	snprintf(c->copy, sizeof c->copy, "%.*s.copy", S3_KEY_MAX - 5, c->key);
	return 0;
}

/* True: it can be done, or need not be. */
static bool take_step(struct check *c, const struct step *step)
{
	struct s3_call call = {.retry_time_s = 10};
	int err = step->try(c, &call);
	char said[300];

	if (err == -ECANCELED) {
		printf("  -   %-26s not tried\n", step->what);
		return true;
	}
	if (!err) {
		printf("  ok  %-26s %s\n", step->what, step->permission);
		return true;
	}
	printf("%s  %-26s %s\n", step->optional ? "  no" : "FAIL", step->what, step->permission);
	if (call.fault.code[0] || call.fault.message[0])
		printf("      the service says: %s\n",
		       log_quote(said, sizeof said,
		                 call.fault.message[0] ? call.fault.message : call.fault.code));
	else
		printf("      %s\n", strerror(-err));
	printf("      without it: %s\n", step->without);
	return step->optional;
}

/* The bucket is there, and the keys are good, whatever they allow. */
static bool is_there(struct check *c)
{
	struct s3_call call = {.retry_time_s = 10};

	if (!try_list(c, &call) || !strcmp(call.fault.code, "AccessDenied"))
		return true;
	start_explain(&call.fault, s3_bucket(c->s3), s3_endpoint(c->s3));
	return false;
}

/* Whether a mount with these options would work. */
static bool take_steps(struct check *c, const struct opts *o)
{
	bool there = is_there(c), good = there;

	printf("bucket %s at %s, region %s\n", s3_bucket(c->s3), s3_endpoint(c->s3),
	       s3_region(c->s3));
	printf("keys from %s\n",
	       s3_source(c->s3) ? s3_source(c->s3) : "nowhere: requests are not signed");
	for (size_t i = 0; there && i < sizeof steps / sizeof *steps; i++)
		if (!steps[i].writes || !o->mount.read_only)
			good = take_step(c, &steps[i]) && good;
	if (c->put)
		printf("left in the bucket: %s\n", c->key);
	if (c->copied)
		printf("left in the bucket: %s\n", c->copy);
	if (c->upload)
		printf("left in the bucket: the upload %s of %s\n", c->upload, c->key);
	return good;
}

int check_main(int argc, char **argv)
{
	struct check c = {0};
	struct s3_fault fault = {0};
	struct opts o;
	const char *operands[2];
	int n, err = opts_parse_command(&o, argc, argv, operands, 1, &n, usage);
	bool other = !err && (o.help || o.version), good = false;

	log_setup(LOG_LEVEL_ERROR, false); /* each failure is said below */
	if (other && o.help)
		opts_help();
	else if (other)
		puts("pourfs " POURFS_VERSION);
	if (!err && !other) {
		err = s3_new(&c.s3, &o.s3, &fault);
		c.prefix = o.mount.prefix;
		if (!err)
			err = name_objects(&c);
		if (err)
			fprintf(stderr, "pourfs: %s\n",
			        *fault.message ? fault.message : strerror(-err));
		else
			good = take_steps(&c, &o);
	}
	free(c.upload);
	s3_free(c.s3);
	opts_fini(&o);
	return err || (!other && !good) ? 1 : 0;
}
