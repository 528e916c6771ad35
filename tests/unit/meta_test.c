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
	struct attr a = {.mode = S_IFREG | 0644,
	                 .uid = 11,
	                 .gid = 12,
	                 .mtime = {77, 88},
	                 .ctime = {77, 88},
	                 .atime.tv_nsec = UTIME_OMIT};
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
	struct attr a = {.mode = S_IFREG | 0640,
	                 .uid = 1000,
	                 .gid = 100,
	                 .mtime = {1700000000, 5},
	                 .ctime = {1700000000, 5},
	                 .atime.tv_nsec = UTIME_OMIT};
	struct s3_headers h = {0};

	check_int(meta_to_headers(&a, META_ALL, &h), 0);
	check_str(s3_headers_get(&h, "x-amz-meta-mode"), "33184");
	check_str(s3_headers_get(&h, "x-amz-meta-uid"), "1000");
	check_str(s3_headers_get(&h, "x-amz-meta-gid"), "100");
	check_str(s3_headers_get(&h, "x-amz-meta-mtime"), "1700000000.000000005");
	check_int(h.n, 4);
	s3_headers_fini(&h);
}

TEST(other_times_are_written_only_where_they_differ)
{
	struct attr a = {.mtime = {100, 5}, .ctime = {100, 6}, .atime = {100, 5}};
	struct s3_headers h = {0};

	check_int(meta_to_headers(&a, META_CTIME | META_ATIME, &h), 0);
	check_int(h.n, 1);
	check_str(s3_headers_get(&h, "x-amz-meta-ctime"), "100.000000006");
	a.ctime = a.mtime;
	a.atime.tv_sec = 99;
	s3_headers_fini(&h);
	check_int(meta_to_headers(&a, META_CTIME | META_ATIME, &h), 0);
	check_int(h.n, 1);
	check_str(s3_headers_get(&h, "x-amz-meta-atime"), "99.000000005");
	s3_headers_fini(&h);
}

TEST(what_the_attributes_say_is_stripped)
{
	struct s3_headers h = {0};

	set(&h, "x-amz-meta-mode", "33188");
	set(&h, "x-amz-meta-colour", "blue");
	set(&h, "x-amz-meta-uid", "1");
	set(&h, "x-amz-meta-gid", "1");
	set(&h, "x-amz-meta-xattr", "%7B%7D");
	set(&h, "x-amz-meta-mtime", "1");
	set(&h, "x-amz-meta-ctime", "1");
	set(&h, "x-amz-meta-atime", "1");
	meta_strip(&h);
	check_int(h.n, 2);
	check_str(s3_headers_get(&h, "x-amz-meta-colour"), "blue");
	check_str(s3_headers_get(&h, "x-amz-meta-xattr"), "%7B%7D");
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

TEST(rclone_also_writes_times_as_a_calendar_does)
{
	check_mtime("1970-01-01T00:00:00Z", 0, 0);
	check_mtime("2001-02-03T04:05:06.123Z", 981173106, 123000000);
	check_mtime("2001-02-03T04:05:06.123456789+02:30", 981164106, 123456789);
	check_mtime("2001-02-03T04:05:06-01:00", 981176706, 0);
	check_mtime("1969-12-31T23:59:59.5Z", -1, 500000000);
}

TEST(dates_that_are_none_are_absent)
{
	const char *const bad[] = {"2001-02-03",
	                           "2001-02-03T04:05:06",
	                           "2001-02-03 04:05:06Z",
	                           "2001-13-03T04:05:06Z",
	                           "2001-00-03T04:05:06Z",
	                           "2001-02-32T04:05:06Z",
	                           "2001-02-03T24:05:06Z",
	                           "2001-02-03T04:60:06Z",
	                           "2001-02-03T04:05:61Z",
	                           "2001-02-03T04:05:06.Z",
	                           "2001-02-03T04:05:06ZZ",
	                           "2001-02-03T04:05:06+24:00",
	                           "2001-02-03T04:05:06+0100",
	                           "2001-02-03T04:05:06+01:000",
	                           "-001-02-03T04:05:06Z",
	                           "2001-02-03T04:05: 6Z"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct attr a = with("x-amz-meta-mtime", bad[i]);

		if (a.mtime.tv_sec != 77 || a.mtime.tv_nsec != 88)
			check_fail("\"%s\" was taken", bad[i]);
	}
}

TEST(the_other_times_are_that_of_the_content_unless_they_are_given)
{
	struct attr a = with("x-amz-meta-mtime", "123.25");

	check_int(a.ctime.tv_sec, 123);
	check_int(a.ctime.tv_nsec, 250000000);
	check_int(meta_atime(&a).tv_sec, 123);
	check_int(meta_atime(&a).tv_nsec, 250000000);
	a = with("x-amz-meta-ctime", "124.5");
	check_int(a.mtime.tv_sec, 77);
	check_int(a.ctime.tv_sec, 124);
	check_int(a.ctime.tv_nsec, 500000000);
	a = with("x-amz-meta-atime", "2001-02-03T04:05:06.123Z");
	check_int(a.mtime.tv_sec, 77);
	check_int(a.ctime.tv_sec, 77);
	check_int(meta_atime(&a).tv_sec, 981173106);
	check_int(meta_atime(&a).tv_nsec, 123000000);
}

TEST(the_later_of_two_times)
{
	struct timespec a = {5, 1}, b = {5, 2}, c = {4, 3};

	check_int(meta_later(a, b).tv_nsec, 2);
	check_int(meta_later(b, a).tv_nsec, 2);
	check_int(meta_later(c, b).tv_sec, 5);
}

TEST(times_beyond_all_headers_become_the_nearest_that_comes_back)
{
	const time_t far[] = {INT64_MAX, META_SECONDS_MAX, -META_SECONDS_MAX - 1, INT64_MIN};

	for (size_t i = 0; i < 4; i++) {
		struct timespec t = meta_time((struct timespec){far[i], 999999999});
		struct attr a = {.mtime = t};
		struct s3_headers h = {0};

		check_int(t.tv_sec, far[i] > 0 ? META_SECONDS_MAX : -META_SECONDS_MAX);
		check_int(meta_to_headers(&a, META_MTIME, &h), 0);
		check_mtime(s3_headers_get(&h, "x-amz-meta-mtime"), t.tv_sec, t.tv_nsec);
		s3_headers_fini(&h);
	}
	check_int(meta_time((struct timespec){-META_SECONDS_MAX, 5}).tv_nsec, 5);
	check_int(meta_time((struct timespec){12, 5}).tv_sec, 12);
}

TEST(permissions_come_from_the_mode)
{
	check_int(with("x-amz-meta-mode", "33188").mode, S_IFREG | 0644);
	check_int(with("x-amz-meta-mode", "33261").mode, S_IFREG | 0755);
	check_int(with("x-amz-meta-mode", "493").mode, S_IFREG | 0755); /* no type bits */
	check_int(with("x-amz-meta-mode", "35309").mode, S_IFREG | 04755);
}

TEST(a_mode_in_octal_is_known_by_its_type)
{
	check_int(with("x-amz-meta-mode", "100644").mode, S_IFREG | 0644);
	check_int(with("x-amz-meta-mode", "0100664").mode, S_IFREG | 0664);
	check_int(with("x-amz-meta-mode", "104755").mode, S_IFREG | 04755);
	check_int(with("x-amz-meta-mode", "120777").mode, S_IFLNK | 0777);
	check_int(with("x-amz-meta-mode", "4516").mode, S_IFIFO | 0644);  /* s3fs's */
	check_int(with("x-amz-meta-mode", "16744").mode, S_IFREG | 0550); /* s3fs's, a directory */
	check_int(with("x-amz-meta-mode", "0").mode, S_IFREG);
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

static mode_t directory_with(const char *mode)
{
	struct attr a = {.mode = S_IFDIR | 0755};
	struct s3_headers h = {0};

	set(&h, "x-amz-meta-mode", mode);
	meta_from_headers(&h, &a);
	s3_headers_fini(&h);
	return a.mode;
}

TEST(a_directory_stays_one)
{
	check_int(directory_with("33261"), S_IFDIR | 0755);  /* a file */
	check_int(directory_with("41471"), S_IFDIR | 01471); /* a link in decimal */
	check_int(directory_with("16877"), S_IFDIR | 0755);
	check_int(directory_with("493"), S_IFDIR | 0755);
	check_int(directory_with("40750"), S_IFDIR | 0750);
	check_int(directory_with("42755"), S_IFDIR | 02755);
	check_int(directory_with("41777"), S_IFDIR | 01777);
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
	check_int(with("x-amz-meta-mode", "200600").mode, S_IFREG | 0644); /* octal: too large */
	check_int(with("x-amz-meta-mode", "08").mode, S_IFREG | 0644);
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
	from.atime.tv_sec = 9;
	from.ctime.tv_sec = 10;
	meta_merge(&to, &from, META_ALL & ~(META_ATIME | META_CTIME));
	check_int(to.atime.tv_sec, 0);
	check_int(to.ctime.tv_sec, 0);
	meta_merge(&to, &from, META_ALL);
	check_int(to.atime.tv_sec, 9);
	check_int(to.ctime.tv_sec, 10);
	check_int(to.uid, 5);
	check_int(to.mtime.tv_nsec, 8);
}

static void check_followed(const char *type, const char *from, const char *to, int changed,
                           const char *want)
{
	struct s3_headers h = {0};

	set(&h, "content-type", type);
	check_int(meta_follow_name(&h, from, to), changed);
	check_str(s3_headers_get(&h, "content-type"), want);
	s3_headers_fini(&h);
}

TEST(a_content_type_follows_the_name_that_it_came_from)
{
	check_followed("video/mp4", "a.mp4", "a.mkv", 1, "video/x-matroska");
	check_followed("application/octet-stream", "dir.d/a", "dir.d/a.mkv", 1, "video/x-matroska");
	check_followed("text/x-theirs", "a.mp4", "a.mkv", 0, "text/x-theirs");
	check_followed("video/mp4", "a.mp4", "b.mp4", 0, "video/mp4");
}

TEST_MAIN
