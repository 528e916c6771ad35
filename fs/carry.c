/* SPDX-License-Identifier: MIT */
#include "carry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "num.h"

#define AT_ONCE   2 /* each with a part in memory */
#define PART_SIZE (UINT64_C(8) << 20)
#define LOOK_MS   200

struct carry *carry_new(void)
{
	struct carry *c = calloc(1, sizeof *c);
	pthread_condattr_t attr;

	if (c) {
		pthread_condattr_init(&attr);
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		pthread_mutex_init(&c->lock, NULL);
		pthread_cond_init(&c->ended, &attr);
		pthread_condattr_destroy(&attr);
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

/* What is larger than most parts goes alone. */
static bool is_full(const struct carry *c, size_t size)
{
	return c->under_way >= (size > PART_SIZE ? 1 : AT_ONCE) || (c->large && c->under_way);
}

static void wait_a_moment(struct carry *c)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += LOOK_MS * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&c->ended, &c->lock, &t);
}

static void give_room(struct carry *c, struct iovec *room)
{
	if (!room->iov_len)
		return;
	free(room->iov_base);
	*room = (struct iovec){0};
	pthread_mutex_lock(&c->lock);
	c->under_way--;
	pthread_cond_broadcast(&c->ended);
	pthread_mutex_unlock(&c->lock);
}

/* Memory for a part, when it is our turn; for give_room(). -EINTR, -ENOMEM: there is
 * none. */
static int take_room(struct carry *c, size_t size, const struct s3_call *call, struct iovec *room)
{
	const atomic_bool *cancel = call ? call->cancel : NULL;
	bool cancelled = false;

	pthread_mutex_lock(&c->lock);
	while (is_full(c, size) && !(cancelled = cancel && *cancel))
		wait_a_moment(c);
	if (!cancelled) {
		c->under_way++;
		c->large = size > PART_SIZE;
	}
	pthread_mutex_unlock(&c->lock);
	*room = (struct iovec){0};
	if (cancelled)
		return -EINTR;
	*room = (struct iovec){malloc(size), size};
	if (room->iov_base)
		return 0;
	give_room(c, room);
	return -ENOMEM;
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

	if (size > m->conf.part_size)
		return -EOPNOTSUPP;
	err = take_room(m->carry, size, call, &room);
	if (!err)
		err = fetch(m, from, offset, &room, etag, NULL, call);
	if (!err) {
		struct s3_body body = {&room, 1, size};

		err = s3_upload_part(m->s3, key, id, number, &body, made, call);
	}
	give_room(m->carry, &room);
	return err;
}

/* Nobody else has put another object there meanwhile: as a copy onto itself is
 * conditional, too. */
static int is_still(struct mount *m, const char *key, const struct s3_etag *etag,
                    struct s3_call *call)
{
	struct s3_object now;
	int err = s3_head(m->s3, key, &now, call);

	if (err)
		return err;
	err = strcmp(now.etag.s, etag->s) ? -ESTALE : 0;
	s3_object_fini(&now);
	return err;
}

struct object_carry {
	struct mount *m;
	const char *from, *to;
	const struct s3_headers *headers; /* of what is made */
	struct s3_object o;               /* what it is made of */
	unsigned flags;
	struct s3_etag *made;
	struct s3_call *call;
};

/* The first part is in the room already, which is given back: others may want it
 * between two parts. */
static int upload(struct object_carry *c, struct iovec *room)
{
	struct mount *m = c->m;
	size_t n = (c->o.size + PART_SIZE - 1) / PART_SIZE;
	struct s3_part *parts = calloc(n, sizeof *parts);
	char *id = NULL;
	int err = parts ? s3_upload_create(m->s3, c->to, c->headers, &id, c->call) : -ENOMEM;

	for (size_t i = 0; !err && i < n; i++) {
		uint64_t offset = i * PART_SIZE, size = min64(PART_SIZE, c->o.size - offset);

		parts[i] = (struct s3_part){.number = (unsigned)i + 1, .size = size};
		if (i > 0)
			err = take_room(m->carry, size, c->call, room);
		if (!err && i > 0)
			err = fetch(m, c->from, offset, room, &c->o.etag, NULL, c->call);
		if (!err) {
			struct s3_body body = {room, 1, size};

			err = s3_upload_part(m->s3, c->to, id, parts[i].number, &body,
			                     &parts[i].etag, c->call);
		}
		give_room(m->carry, room);
	}
	if (!err)
		err = is_still(m, c->from, &c->o.etag, c->call);
	if (!err)
		err = s3_upload_complete(m->s3, c->to, id, parts, n, c->o.size, c->flags, c->made,
		                         c->call);
	if (err && id)
		(void)!s3_upload_abort(m->s3, c->to, id, NULL);
	free(parts);
	free(id);
	return err;
}

static int put(struct object_carry *c, const struct iovec *room)
{
	struct iovec iov = {room->iov_base, c->o.size};
	struct s3_body body = {&iov, 1, c->o.size};
	int err = is_still(c->m, c->from, &c->o.etag, c->call);

	return err ? err : s3_put(c->m->s3, c->to, c->headers, &body, c->flags, c->made, c->call);
}

/* What a new object with the metadata of this one has to say. */
static int keep_metadata(struct object_carry *c)
{
	char *tags = NULL;
	int err = copy_tags(c->m, c->from, &c->o.headers, &tags, c->call);

	if (!err && tags)
		err = s3_headers_set(&c->o.headers, "x-amz-tagging", tags);
	free(tags);
	c->headers = &c->o.headers;
	return err;
}

int carry_object(struct mount *m, const char *from, const struct s3_etag *etag, const char *to,
                 const struct s3_headers *headers, unsigned flags, struct s3_etag *made,
                 struct s3_call *call)
{
	struct object_carry c = {m, from, to, headers, {0}, flags & S3_IF_ABSENT, made, call};
	struct iovec room;
	int err = take_room(m->carry, PART_SIZE, call, &room);

	if (!err)
		err = fetch(m, from, 0, &room, etag, &c.o, call);
	if (!err && c.o.size > m->conf.max_parts * PART_SIZE)
		err = -EOPNOTSUPP;
	if (!err && (flags & S3_KEEP_METADATA))
		err = keep_metadata(&c);
	if (!err)
		err = c.o.size <= PART_SIZE ? put(&c, &room) : upload(&c, &room);
	give_room(m->carry, &room);
	s3_object_fini(&c.o);
	if (!err && strcmp(from, to) != 0)
		s3_keep_acl(m->s3, from, to, call);
	return err;
}
