/* SPDX-License-Identifier: MIT */
#include "meta.h"
#include "test.h"

#include <sys/stat.h>

static void set(struct s3_headers *h, const char *name, const char *value)
{
	check_int(s3_headers_set(h, name, value), 0);
}

/* The attributes of a file of ours, with one header of that value. */
static struct attr with(const char *name, const char *value)
{
	struct attr a = {.mode = S_IFREG | 0644, .uid = 11, .gid = 12, .mtime = {77, 88}};
	struct s3_headers h = {0};

	if (value)
		set(&h, name, value);
	meta_from_headers(&h, &a);
	s3_headers_fini(&h);
	return a;
}

static void check_mtime(const char *text, long long sec, long nsec)
{
	struct attr a = with("x-amz-meta-mtime", text);

	check_int(a.mtime.tv_sec, sec);
	check_int(a.mtime.tv_nsec, nsec);
}

static void check_written(long long sec, long nsec, const char *want)
{
	struct attr a = {.mtime = {sec, nsec}};
	struct s3_headers h = {0};

	check_int(meta_to_headers(&a, META_MTIME, &h), 0);
	check_str(s3_headers_get(&h, "x-amz-meta-mtime"), want);
	check_mtime(s3_headers_get(&h, "x-amz-meta-mtime"), sec, nsec);
	s3_headers_fini(&h);
}

TEST(attributes_are_written_as_s3fs_writes_them)
{
	struct attr a = {.mode = S_IFREG | 0640, .uid = 1000, .gid = 100, .mtime = {1700000000, 5}};
	struct s3_headers h = {0};

	check_int(meta_to_headers(&a, META_ALL, &h), 0);
	check_str(s3_headers_get(&h, "x-amz-meta-mode"), "33184");
	check_str(s3_headers_get(&h, "x-amz-meta-uid"), "1000");
	check_str(s3_headers_get(&h, "x-amz-meta-gid"), "100");
	check_str(s3_headers_get(&h, "x-amz-meta-mtime"), "1700000000.000000005");
	check_int(h.n, 4);
	s3_headers_fini(&h);
}

TEST(only_the_fields_asked_for_are_written)
{
	struct attr a = {.mode = S_IFREG | 0640, .uid = 1};
	struct s3_headers h = {0};

	check_int(meta_to_headers(&a, META_UID, &h), 0);
	check_int(h.n, 1);
	check_str(s3_headers_get(&h, "x-amz-meta-uid"), "1");
	check_int(meta_to_headers(&a, 0, &h), 0);
	check_int(h.n, 1);
	s3_headers_fini(&h);
}

TEST(times_come_back_as_they_were_written)
{
	check_written(1700000000, 0, "1700000000");
	check_written(1700000000, 123456789, "1700000000.123456789");
	check_written(0, 1, "0.000000001");
	check_written(-5, 0, "-5");
	check_written(-2, 500000000, "-1.500000000");
	check_written(-1, 999999999, "-0.000000001");
}

TEST(fractions_of_any_length_are_read)
{
	check_mtime("1700000000.5", 1700000000, 500000000); /* rclone trims zeros */
	check_mtime("1700000000.000000001", 1700000000, 1);
	check_mtime("1700000000.1234567899", 1700000000, 123456789);
	check_mtime("-1.5", -2, 500000000);
	check_mtime("-0.25", -1, 750000000);
}

TEST(a_time_that_is_none_is_absent)
{
	const char *const bad[] = {"",
	                           "x",
	                           "-",
	                           ".5",
	                           "1.",
	                           "1.x",
	                           "1 ",
	                           "+1",
	                           "1e9",
	                           "0x10",
	                           "--1",
	                           "1.-5",
	                           "1.5.5",
	                           "nan",
	                           "99999999999999999999",
	                           "9223372036854775807",
	                           "1.1111111111111111111111111111111"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct attr a = with("x-amz-meta-mtime", bad[i]);

		if (a.mtime.tv_sec != 77 || a.mtime.tv_nsec != 88)
			check_fail("\"%s\" was taken", bad[i]);
	}
}

TEST(the_time_of_change_is_that_of_the_content)
{
	struct attr a = with("x-amz-meta-mtime", "123.25");

	check_int(a.ctime.tv_sec, 123);
	check_int(a.ctime.tv_nsec, 250000000);
}

TEST(permissions_come_from_the_mode)
{
	check_int(with("x-amz-meta-mode", "33188").mode, S_IFREG | 0644);
	check_int(with("x-amz-meta-mode", "33261").mode, S_IFREG | 0755);
	check_int(with("x-amz-meta-mode", "493").mode, S_IFREG | 0755); /* no type bits */
	check_int(with("x-amz-meta-mode", "35309").mode, S_IFREG | 04755);
}

TEST(links_fifos_and_sockets_are_what_they_say)
{
	char text[16];
	const mode_t types[] = {S_IFLNK, S_IFIFO, S_IFSOCK};

	for (size_t i = 0; i < 3; i++) {
		snprintf(text, sizeof text, "%u", (unsigned)(types[i] | 0777));
		check_int(with("x-amz-meta-mode", text).mode, types[i] | 0777);
	}
}

TEST(devices_directories_and_unknown_types_are_files)
{
	char text[16];
	const mode_t types[] = {S_IFBLK, S_IFCHR, S_IFDIR, 0170000, 0030000};

	for (size_t i = 0; i < 5; i++) {
		snprintf(text, sizeof text, "%u", (unsigned)(types[i] | 0600));
		check_int(with("x-amz-meta-mode", text).mode, S_IFREG | 0600);
	}
}

TEST(a_directory_stays_one)
{
	struct attr a = {.mode = S_IFDIR | 0755};
	struct s3_headers h = {0};

	set(&h, "x-amz-meta-mode", "41471"); /* a link */
	meta_from_headers(&h, &a);
	check_int(a.mode, S_IFDIR | 0777);
	s3_headers_fini(&h);
}

TEST(numbers_that_are_none_are_absent)
{
	const char *const bad[] = {
		"",         "-1",  "+1",         " 1",         "1 ",
		"1x",       "0x1", "4294967295", "4294967296", "99999999999999999999999999",
		"1\xc2\xa0"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (with("x-amz-meta-uid", bad[i]).uid != 11)
			check_fail("uid \"%s\" was taken", bad[i]);
		if (with("x-amz-meta-gid", bad[i]).gid != 12)
			check_fail("gid \"%s\" was taken", bad[i]);
	}
	check_int(with("x-amz-meta-mode", "65536").mode, S_IFREG | 0644);
	check_int(with("x-amz-meta-mode", "0100644").mode, S_IFREG | 0644); /* octal: too large */
	check_int(with("x-amz-meta-uid", "4294967294").uid, 4294967294);
	check_int(with("x-amz-meta-uid", NULL).uid, 11);
}

TEST(merging_takes_the_named_fields_and_never_the_type)
{
	struct attr to = {.mode = S_IFREG | 0600, .uid = 1, .gid = 2, .mtime = {3, 4}};
	struct attr from = {.mode = S_IFLNK | 0777, .uid = 5, .gid = 6, .mtime = {7, 8}};

	meta_merge(&to, &from, META_MODE | META_GID);
	check_int(to.mode, S_IFREG | 0777);
	check_int(to.uid, 1);
	check_int(to.gid, 6);
	check_int(to.mtime.tv_sec, 3);
	meta_merge(&to, &from, META_ALL);
	check_int(to.uid, 5);
	check_int(to.mtime.tv_nsec, 8);
}

TEST(the_extension_tells_the_content_type)
{
	check_str(meta_content_type("film.mp4"), "video/mp4");
	check_str(meta_content_type("FILM.MKV"), "video/x-matroska");
	check_str(meta_content_type("a.tar.zst"), "application/zstd");
	check_str(meta_content_type("a.3gp"), "video/3gpp");
	check_str(meta_content_type("a.ts"), "video/mp2t");
	check_str(meta_content_type("mp4"), "application/octet-stream");
	check_str(meta_content_type(""), "application/octet-stream");
	check_str(meta_content_type("a."), "application/octet-stream");
	check_str(meta_content_type("a.unknown"), "application/octet-stream");
}

TEST_MAIN
