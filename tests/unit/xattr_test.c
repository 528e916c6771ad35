/* SPDX-License-Identifier: MIT */
#include "xattr.h"

#include "meta.h"
#include "test.h"

#include <errno.h>
#include <limits.h>
#include <sys/xattr.h>

static struct s3_headers with(const char *value)
{
	struct s3_headers h = {0};

	check_int(s3_headers_set(&h, XATTR_HEADER, value), 0);
	return h;
}

static void set(struct s3_headers *h, const char *name, const char *value)
{
	check_int(xattr_set(h, name, value, strlen(value), 0), 0);
}

static void check_value(const struct s3_headers *h, const char *name, const char *want)
{
	struct buf b = BUF_INIT;

	check_int(xattr_get(h, name, &b), 0);
	check_str(b.s, want);
	buf_fini(&b);
}

static void check_none(const struct s3_headers *h, const char *name)
{
	struct buf b = BUF_INIT;

	if (xattr_get(h, name, &b) != -ENODATA)
		check_fail("there is a %s", name);
	check_int(b.len, 0);
	buf_fini(&b);
}

/* want: with a blank behind each. */
static void check_names(const struct s3_headers *h, const char *want)
{
	struct buf b = BUF_INIT;

	check_int(xattr_list(h, &b), 0);
	for (size_t i = 0; i < b.len; i++)
		if (!b.s[i])
			b.s[i] = ' ';
	check_str(b.s, want);
	buf_fini(&b);
}

TEST(the_namespace_user_alone_is_kept)
{
	char longest[257] = "user.", longer[258] = "user.";

	memset(longest + 5, 'x', 250);
	memset(longer + 5, 'x', 251);
	check_int(xattr_check_name("user.a"), 0);
	check_int(xattr_check_name(longest), 0);
	check_int(xattr_check_name(longer), -EINVAL);
	check_int(xattr_check_name("user."), -EINVAL);
	check_int(xattr_check_name("user"), -EOPNOTSUPP);
	check_int(xattr_check_name("security.capability"), -EOPNOTSUPP);
	check_int(xattr_check_name("system.posix_acl_access"), -EOPNOTSUPP);
}

/* As s3fs 1.90 wrote it. */
TEST(what_s3fs_wrote_is_read)
{
	struct s3_headers h = with("%7B%22user.a%22%3A%22dmFsdWUgMS8r%22%2C%22user.bin%22%3A%22"
	                           "AP8Q%22%7D");
	struct buf b = BUF_INIT;

	check_names(&h, "user.a user.bin ");
	check_value(&h, "user.a", "value 1/+");
	check_int(xattr_get(&h, "user.bin", &b), 0);
	check_int(b.len, 3);
	check(!memcmp(b.s, "\0\377\020", 3));
	buf_fini(&b);
	s3_headers_fini(&h);
}

TEST(what_is_written_is_what_s3fs_writes)
{
	struct s3_headers h = {0};

	set(&h, "user.a", "value 1/+");
	check_int(xattr_set(&h, "user.bin", "\0\377\020", 3, 0), 0);
	check_str(s3_headers_get(&h, XATTR_HEADER),
	          "%7B%22user.a%22%3A%22dmFsdWUgMS8r%22%2C%22user.bin%22%3A%22AP8Q%22%7D");
	s3_headers_fini(&h);
}

TEST(odd_names_and_values_come_back)
{
	struct s3_headers h = {0};

	set(&h, "user.empty", "");
	set(&h, "user.we\"ird,:\xc3\xa9{}%", "q");
	check_value(&h, "user.empty", "");
	check_value(&h, "user.we\"ird,:\xc3\xa9{}%", "q");
	check_names(&h, "user.empty user.we\"ird,:\xc3\xa9{}% ");
	check_int(xattr_set(&h, "user.\xff", "x", 1, 0), -EINVAL);
	s3_headers_fini(&h);
}

TEST(create_and_replace_are_honoured)
{
	struct s3_headers h = {0};

	check_int(xattr_set(&h, "user.a", "1", 1, XATTR_REPLACE), -ENODATA);
	check_names(&h, "");
	check_int(xattr_set(&h, "user.a", "1", 1, XATTR_CREATE), 0);
	check_int(xattr_set(&h, "user.a", "2", 1, XATTR_CREATE), -EEXIST);
	check_value(&h, "user.a", "1");
	check_int(xattr_set(&h, "user.a", "3", 1, XATTR_REPLACE), 0);
	check_value(&h, "user.a", "3");
	s3_headers_fini(&h);
}

TEST(the_header_goes_with_the_last_one)
{
	struct s3_headers h = {0};

	set(&h, "user.a", "1");
	set(&h, "user.b", "2");
	check_int(xattr_remove(&h, "user.a"), 0);
	check_int(xattr_remove(&h, "user.a"), -ENODATA);
	check_names(&h, "user.b ");
	check_int(xattr_remove(&h, "user.b"), 0);
	check_int(h.n, 0);
	s3_headers_fini(&h);
}

TEST(no_more_than_the_service_keeps)
{
	char big[1400] = {0};
	struct s3_headers h = {0};
	size_t n = 0;

	set(&h, "user.a", "1");
	check_int(s3_headers_set(&h, "content-type", "no/metadata"), 0);
	while (!xattr_set(&h, "user.big", big, n, 0))
		n++;
	check(n > 1200);
	check_int(xattr_set(&h, "user.big", big, n, 0), -ENOSPC);
	check_value(&h, "user.a", "1");
	check_int(strlen(XATTR_HEADER) + strlen(s3_headers_get(&h, XATTR_HEADER)) <=
	                  S3_META_MAX - META_ROOM,
	          1);
	/* Other people's metadata count as well. */
	check_int(s3_headers_set(&h, "x-amz-meta-colour", "blue"), 0);
	check_int(xattr_set(&h, "user.big", big, n - 1, 0), -ENOSPC);
	check_int(xattr_set(&h, "user.big", big, n - 50, 0), 0);
	s3_headers_fini(&h);
}

TEST(there_is_room_for_the_attributes)
{
	struct attr a = {.mode = 0177777,
	                 .uid = UINT_MAX,
	                 .gid = UINT_MAX,
	                 .mtime = {-1099511627776, 1},
	                 .ctime = {-1099511627776, 2},
	                 .atime = {-1099511627776, 3}};
	struct s3_headers h = {0};
	size_t n = 0;

	check_int(meta_to_headers(&a, META_ALL, &h), 0);
	check_int(h.n, 6);
	for (size_t i = 0; i < h.n; i++)
		n += strlen(h.v[i].name) + strlen(h.v[i].value);
	check(n <= META_ROOM);
	s3_headers_fini(&h);
}

TEST(other_namespaces_are_not_shown_and_not_lost)
{
	struct s3_headers h =
		with("{\"security.x\":\"AA==\",\"user.a\":\"MQ==\",\"user.s3.etag\":"
	             "\"MQ==\",\"user.number\":5,\"user.bad\":\"?\",\"user.\":\"MQ==\"}");

	check_names(&h, "user.a ");
	check_none(&h, "security.x");
	check_none(&h, "user.s3.etag");
	check_none(&h, "user.number");
	check_none(&h, "user.bad");
	check_int(xattr_remove(&h, "user.bad"), -ENODATA);
	check_int(xattr_remove(&h, "user.a"), 0);
	check(strstr(s3_headers_get(&h, XATTR_HEADER), "security.x") != NULL);
	s3_headers_fini(&h);
}

TEST(a_header_that_is_none_counts_as_absent)
{
	const char *const bad[] = {"",
	                           "%",
	                           "[]",
	                           "5",
	                           "{",
	                           "%7B",
	                           "{\"a\"",
	                           "%00{}",
	                           "{\"user.a\":\"MQ==\"}x",
	                           "{\"\\u0000\":\"\"}"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct s3_headers h = with(bad[i]);

		check_names(&h, "");
		check_none(&h, "user.a");
		set(&h, "user.a", "1");
		check_value(&h, "user.a", "1");
		s3_headers_fini(&h);
	}
}

TEST(virtual_ones_are_what_the_service_said)
{
	struct s3_headers h = {0};

	check_int(s3_headers_set(&h, "content-type", "video/mp4"), 0);
	check_int(s3_headers_set(&h, "x-amz-version-id", "v1"), 0);
	check_int(s3_headers_set(&h, "x-amz-meta-colour", "blue"), 0);
	check(xattr_is_virtual("user.s3.etag"));
	check(!xattr_is_virtual("user.s3"));
	check_str(xattr_from_header(&h, "user.s3.content-type"), "video/mp4");
	check_str(xattr_from_header(&h, "user.s3.version-id"), "v1");
	check(!xattr_from_header(&h, "user.s3.storage-class"));
	check(!xattr_from_header(&h, "user.s3.meta-colour"));
	check(!xattr_from_header(&h, "user.s3."));
	check(!xattr_from_header(&h, "content-type"));
	s3_headers_fini(&h);
}

TEST_MAIN
