/* SPDX-License-Identifier: MIT */
#include "carry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "num.h"

#define AT_ONCE   2 /* each with a part in memory */
#define PART_SIZE (UINT64_C(8) << 20)
#define MOST      (UINT64_C(64) << 20)

struct carry *carry_new(void)
{
	struct carry *c = calloc(1, sizeof *c);

	if (c) {
		pthread_mutex_init(&c->lock, NULL);
		pthread_cond_init(&c->ended, NULL);
	}
	return c;
}

void carry_free(struct carry *c)
{
	if (c) {
		pthread_cond_destroy(&c->ended);
		pthread_mutex_destroy(&c->lock);
	}
	free(c);
}

/* Memory for a part, when it is our turn. For give_room(). */
static int take_room(struct carry *c, size_t size, struct iovec *room)
{
	pthread_mutex_lock(&c->lock);
	while (c->under_way >= AT_ONCE)
		pthread_cond_wait(&c->ended, &c->lock);
	c->under_way++;
	pthread_mutex_unlock(&c->lock);
	*room = (struct iovec){malloc(size), size};
	return room->iov_base ? 0 : -ENOMEM;
}

static void give_room(struct carry *c, struct iovec *room)
{
	free(room->iov_base);
	pthread_mutex_lock(&c->lock);
	c->under_way--;
	pthread_cond_signal(&c->ended);
	pthread_mutex_unlock(&c->lock);
}

/* That range, all of it. object: NULL, or as s3_get() fills it in. */
static int fetch(struct mount *m, const char *from, uint64_t offset, const struct iovec *to,
                 const struct s3_etag *etag, struct s3_object *object, struct s3_call *call)
{
	ssize_t n = s3_get(m->s3, from, offset, to, 1, etag, object, call);

	if (n < 0)
		return (int)n;
	return object || (size_t)n == to->iov_len ? 0 : -EIO;
}

int carry_part(struct mount *m, const char *key, const char *id, unsigned number, const char *from,
               uint64_t offset, uint64_t size, const struct s3_etag *etag, struct s3_etag *made,
               struct s3_call *call)
{
	struct iovec room;
	int err;

	if (size > MOST && size > m->conf.part_size)
		return -EOPNOTSUPP;
	err = take_room(m->carry, size, &room);
	if (!err)
		err = fetch(m, from, offset, &room, etag, NULL, call);
	if (!err) {
		struct s3_body body = {&room, 1, size};

		err = s3_upload_part(m->s3, key, id, number, &body, made, call);
	}
	give_room(m->carry, &room);
	return err;
}

/* The first part is in the room already. */
static int upload(struct mount *m, const char *from, const struct s3_object *o, const char *to,
                  const struct s3_headers *headers, unsigned flags, const struct iovec *room,
                  struct s3_etag *made, struct s3_call *call)
{
	size_t n = (o->size + room->iov_len - 1) / room->iov_len;
	struct s3_part *parts = calloc(n, sizeof *parts);
	char *id = NULL;
	int err = parts ? s3_upload_create(m->s3, to, headers, &id, call) : -ENOMEM;

	for (size_t i = 0; !err && i < n; i++) {
		uint64_t offset = i * room->iov_len;
		struct iovec iov = {room->iov_base, min64(room->iov_len, o->size - offset)};
		struct s3_body body = {&iov, 1, iov.iov_len};

		parts[i] = (struct s3_part){.number = (unsigned)i + 1, .size = iov.iov_len};
		if (i > 0)
			err = fetch(m, from, offset, &iov, &o->etag, NULL, call);
		if (!err)
			err = s3_upload_part(m->s3, to, id, parts[i].number, &body, &parts[i].etag,
			                     call);
	}
	if (!err)
		err = s3_upload_complete(m->s3, to, id, parts, n, o->size, flags, made, call);
	if (err && id)
		(void)!s3_upload_abort(m->s3, to, id, NULL);
	free(parts);
	free(id);
	return err;
}

/* What a new object with the metadata of this one has to say. */
static int keep(struct mount *m, const char *from, struct s3_object *o, struct s3_call *call)
{
	char *tags = NULL;
	int err = copy_tags(m, from, &o->headers, &tags, call);

	if (!err && tags)
		err = s3_headers_set(&o->headers, "x-amz-tagging", tags);
	free(tags);
	return err;
}

static int through(struct mount *m, const char *from, const struct s3_etag *etag, const char *to,
                   const struct s3_headers *headers, unsigned flags, struct iovec *room,
                   struct s3_etag *made, struct s3_call *call)
{
	struct s3_object o = {0};
	int err = fetch(m, from, 0, room, etag, &o, call);

	if (!err && o.size > S3_PARTS_MAX * PART_SIZE)
		err = -EOPNOTSUPP;
	if (!err && (!headers || flags & S3_KEEP_METADATA)) {
		err = keep(m, from, &o, call);
		headers = &o.headers;
	}
	flags &= S3_IF_ABSENT;
	if (!err && o.size <= room->iov_len) {
		struct iovec iov = {room->iov_base, o.size};
		struct s3_body body = {&iov, 1, o.size};

		err = s3_put(m->s3, to, headers, &body, flags, made, call);
	} else if (!err) {
		err = upload(m, from, &o, to, headers, flags, room, made, call);
	}
	s3_object_fini(&o);
	return err;
}

int carry_object(struct mount *m, const char *from, const struct s3_etag *etag, const char *to,
                 const struct s3_headers *headers, unsigned flags, struct s3_etag *made,
                 struct s3_call *call)
{
	struct iovec room;
	int err = take_room(m->carry, PART_SIZE, &room);

	if (!err)
		err = through(m, from, etag, to, headers, flags, &room, made, call);
	give_room(m->carry, &room);
	if (!err && strcmp(from, to) != 0)
		s3_keep_acl(m->s3, from, to, call);
	return err;
}
