/* SPDX-License-Identifier: MIT */
#include "types.h"

#include <errno.h>

#include "test.h"

TEST(the_extension_tells_the_content_type)
{
	check_str(types_of("film.mp4"), "video/mp4");
	check_str(types_of("FILM.MKV"), "video/x-matroska");
	check_str(types_of("a.tar.zst"), "application/zstd");
	check_str(types_of("a.3gp"), "video/3gpp");
	check_str(types_of("a.ts"), "video/mp2t");
	check_str(types_of("mp4"), "application/octet-stream");
	check_str(types_of(""), "application/octet-stream");
	check_str(types_of("a."), "application/octet-stream");
	check_str(types_of("a.unknown"), "application/octet-stream");
}

TEST(a_file_of_types_comes_behind_ours_or_before_them)
{
	static const char text[] = "# comment\n"
				   "text/x-nfo\tnfo  NFO2 # more\r\n"
				   "video/none\n"
				   "application/x-mine mp4 zzz\n"
				   "\n"
				   "image/last last";
	unsigned line;

	check_int(types_add(text, sizeof text - 1, false, &line), 0);
	check_str(types_of("a.nfo"), "text/x-nfo");
	check_str(types_of("a.nfo2"), "text/x-nfo");
	check_str(types_of("a.LAST"), "image/last");
	check_str(types_of("a.zzz"), "application/x-mine");
	check_str(types_of("a.mp4"), "video/mp4");
	check_int(types_add(text, sizeof text - 1, true, &line), 0);
	check_str(types_of("a.mp4"), "application/x-mine");
	check_str(types_of("a.mkv"), "video/x-matroska");
	types_fini();
	check_str(types_of("a.mp4"), "video/mp4");
	check_str(types_of("a.nfo"), "application/octet-stream");
}

TEST(what_is_no_file_of_types_is_refused)
{
	unsigned line;

	check_int(types_add("text/plain txt\nmp4 = video/mp4\n", 32, true, &line), -EINVAL);
	check_int(line, 2);
	check_str(types_of("a.txt"), "text/plain");
	check_int(types_add("", 0, true, &line), 0);
	types_fini();
}

TEST_MAIN
