/* SPDX-License-Identifier: MIT */
#include "copy.h"
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define GIB (UINT64_C(1) << 30)

/* A service that keeps what it was told. */
static struct {
	pthread_mutex_t lock;
	struct s3_headers created; /* with the upload */
	unsigned copies, parts, completed, aborted, asked, put, flags;
	uint64_t end[16], size;
	int part_err, copy_err;
	unsigned carried;
	const char *count; /* of tags that the copy has */
} service;

int s3_copy(struct s3 *s3, const char *from, const struct s3_etag *if_match, const char *to,
            const struct s3_headers *headers, unsigned flags, struct s3_etag *etag,
            struct s3_call *call)
{
	(void)s3, (void)from, (void)if_match, (void)to, (void)headers, (void)call;
	service.copies++;
	service.flags = flags;
	*etag = (struct s3_etag){"copy"};
	return service.copy_err;
}

int carry_object(struct mount *m, const char *from, const struct s3_etag *etag, const char *to,
                 const struct s3_headers *headers, unsigned flags, struct s3_etag *made,
                 struct s3_call *call)
{
	(void)m, (void)headers, (void)call;
	check_str(from, "from");
	check_str(to, "to");
	check_str(etag->s, "old");
	service.carried++;
	service.flags = flags;
	*made = (struct s3_etag){"carried"};
	return 0;
}

int s3_head(struct s3 *s3, const char *key, struct s3_object *object, struct s3_call *call)
{
	(void)s3, (void)key, (void)call;
	*object = (struct s3_object){0};
	return service.count
	               ? s3_headers_set(&object->headers, "x-amz-tagging-count", service.count)
	               : 0;
}

int s3_get_tags(struct s3 *s3, const char *key, char **tags, struct s3_call *call)
{
	(void)s3, (void)key, (void)call;
	service.asked++;
	*tags = strdup("a=1&b=2");
	return 0;
}

int s3_put_tags(struct s3 *s3, const char *key, const char *tags, struct s3_call *call)
{
	(void)s3, (void)call;
	check_str(key, "to");
	check_str(tags, "a=1&b=2");
	service.put++;
	return 0;
}

int s3_upload_create(struct s3 *s3, const char *key, const struct s3_headers *headers, char **id,
                     struct s3_call *call)
{
	(void)s3, (void)key, (void)call;
	*id = strdup("id");
	return s3_headers_copy(&service.created, headers);
}

int s3_upload_part_copy(struct s3 *s3, const char *key, const char *id, unsigned number,
                        const char *from, uint64_t offset, uint64_t size,
                        const struct s3_etag *if_match, struct s3_etag *etag, struct s3_call *call)
{
	(void)s3, (void)key, (void)id, (void)from, (void)call;
	pthread_mutex_lock(&service.lock);
	check_str(if_match->s, "old");
	check_int(offset, (number - 1) * GIB);
	service.parts++;
	service.end[number] = offset + size;
	pthread_mutex_unlock(&service.lock);
	*etag = (struct s3_etag){"part"};
	return service.part_err;
}

void s3_keep_acl(struct s3 *s3, const char *from, const char *to, struct s3_call *call)
{
	(void)s3, (void)from, (void)to, (void)call;
}

int s3_upload_complete(struct s3 *s3, const char *key, const char *id, const struct s3_part *parts,
                       size_t n, uint64_t size, unsigned flags, struct s3_etag *etag,
                       struct s3_call *call)
{
	(void)s3, (void)key, (void)id, (void)flags, (void)call;
	for (size_t i = 0; i < n; i++) {
		check_int(parts[i].number, i + 1);
		service.size += parts[i].size;
	}
	check_int(service.size, size);
	service.completed++;
	*etag = (struct s3_etag){"made"};
	return 0;
}

int s3_upload_abort(struct s3 *s3, const char *key, const char *id, struct s3_call *call)
{
	(void)s3, (void)key, (void)id, (void)call;
	service.aborted++;
	return 0;
}

static struct mount m;
static struct s3_headers headers;
static struct s3_etag made;

static void begin(const char *count)
{
	static const char *const all[][2] = {
		{"content-type", "video/mp4"}, {"cache-control", "no-cache"},
		{"x-amz-meta-colour", "blue"}, {"x-amz-storage-class", "COLD"},
		{"x-amz-tagging-count", "2"},
	};

	m = (struct mount){.conf.parallel = 3, .copies = workers_new(3)};
	service.count = count;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		check_int(s3_headers_set(&headers, all[i][0], all[i][1]), 0);
}

static int copy(uint64_t size, unsigned flags)
{
	struct s3_etag old = {"old"};

	return copy_object(&m, "from", &old, size, "to", &headers, flags, &made, NULL);
}

static void end(void)
{
	workers_free(m.copies);
	s3_headers_fini(&headers);
	s3_headers_fini(&service.created);
	memset(&service, 0, sizeof service);
	pthread_mutex_init(&service.lock, NULL);
}

TEST(a_copy_above_5_GiB_by_parts_loses_no_header_and_no_tag)
{
	begin("2");
	check_int(copy(6 * GIB + 7, S3_KEEP_METADATA), 0);
	check_int(service.parts, 7);
	check_int(service.end[7], 6 * GIB + 7);
	check_int(service.completed, 1);
	check_int(service.aborted, 0);
	check_str(made.s, "made");
	check_str(s3_headers_get(&service.created, "content-type"), "video/mp4");
	check_str(s3_headers_get(&service.created, "cache-control"), "no-cache");
	check_str(s3_headers_get(&service.created, "x-amz-meta-colour"), "blue");
	check_str(s3_headers_get(&service.created, "x-amz-storage-class"), "COLD");
	check_str(s3_headers_get(&service.created, "x-amz-tagging"), "a=1&b=2");
	check(!s3_headers_get(&headers, "x-amz-tagging")); /* they may change */
	check_int(service.put, 0);
	end();
}

TEST(tags_that_the_service_dropped_are_put_again)
{
	begin(NULL);
	check_int(copy(6 * GIB, S3_KEEP_METADATA), 0);
	check_int(service.put, 1);
	check_int(copy(GIB, 0), 0); /* which replaces the metadata */
	check_int(service.put, 2);
	end();
}

TEST(a_copy_that_keeps_all_costs_one_request)
{
	begin("2");
	check_int(copy(5 * GIB, S3_KEEP_METADATA), 0);
	check_int(service.copies, 1);
	check_int(service.flags, S3_KEEP_METADATA);
	check_int(service.asked + service.put + service.parts, 0);
	end();
}

TEST(a_range_that_fails_ends_the_upload)
{
	begin("2");
	service.part_err = -EACCES;
	check_int(copy(9 * GIB, S3_KEEP_METADATA), -EACCES);
	check_int(service.completed, 0);
	check_int(service.aborted, 1);
	check(service.parts <= 4); /* those that were flying, and no more */
	end();
}

TEST(what_the_service_will_not_copy_is_carried)
{
	begin("2");
	service.copy_err = -EOPNOTSUPP;
	check_int(copy(GIB, S3_KEEP_METADATA), 0);
	check_int(service.carried, 1);
	check_int(service.flags, S3_KEEP_METADATA);
	check_str(made.s, "carried");
	service.part_err = -EOPNOTSUPP;
	check_int(copy(6 * GIB, S3_KEEP_METADATA), 0);
	check_int(service.carried, 2);
	check_int(service.aborted, 1);
	service.copy_err = service.part_err = -EACCES;
	check_int(copy(GIB, S3_KEEP_METADATA), -EACCES);
	check_int(copy(6 * GIB, S3_KEEP_METADATA), -EACCES);
	check_int(service.carried, 2);
	end();
}

TEST_MAIN
