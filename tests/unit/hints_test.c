/* SPDX-License-Identifier: MIT */
/* hints_test - the promises of hints.h. */
#include "hints.h"
#include "test.h"

#define PROGRAM(s) hints_program(s, sizeof(s))

TEST(a_program_is_known_by_its_name)
{
	check_int(PROGRAM("cp\0a\0b"), HINTS_STREAMS);
	check_int(PROGRAM("/usr/bin/wget\0-c"), HINTS_STREAMS);
	check_int(PROGRAM("-bash"), HINTS_STREAMS);
	check_int(PROGRAM("/opt/my-recorder\0out.mp4"), HINTS_UNKNOWN);
	check_int(PROGRAM("cpx"), HINTS_UNKNOWN);
	check_int(hints_program("", 0), HINTS_UNKNOWN);
	check_int(hints_program("cp", 2), HINTS_UNKNOWN); /* cut off */
}

TEST(a_script_is_known_by_its_own_name)
{
	check_int(PROGRAM("/usr/bin/python3\0/usr/bin/yt-dlp\0URL"), HINTS_STREAMS);
	check_int(PROGRAM("python3\0edit.py"), HINTS_UNKNOWN);
	check_int(PROGRAM("python3"), HINTS_UNKNOWN);
	check_int(hints_program("python3\0yt-dlp", 14), HINTS_UNKNOWN); /* cut off */
}

TEST(ffmpeg_comes_back_when_its_options_say_so)
{
	check_int(PROGRAM("ffmpeg\0-i\0a\0o.mp4"), HINTS_MUXES);
	check_int(PROGRAM("ffmpeg\0-movflags\0+faststart\0o.mp4"), HINTS_REWRITES);
	check_int(PROGRAM("/usr/bin/ffmpeg\0-movflags\0frag_keyframe+global_sidx"), HINTS_REWRITES);
	check_int(PROGRAM("ffmpeg\0-f\0dash\0-single_file\0001"), HINTS_REWRITES);
}

TEST(what_a_file_is_tells_the_rest)
{
	static const char mp4[] = "\0\0\0\x20"
				  "ftypisom",
			  flv[] = "FLV\1", zip[] = "PK\3\4";
	static const char avi[] = "RIFF\0\0\0\0AVI LIST", wav[] = "RIFF\0\0\0\0WAVE";
	static const char mxf[] = "\x06\x0e\x2b\x34";

	check(hints_many_passes(HINTS_UNKNOWN, mp4, sizeof mp4));
	check(!hints_many_passes(HINTS_MUXES, mp4, sizeof mp4));
	check(!hints_many_passes(HINTS_STREAMS, mp4, sizeof mp4));
	check(hints_many_passes(HINTS_REWRITES, wav, sizeof wav));
	check(hints_many_passes(HINTS_UNKNOWN, flv, sizeof flv));
	check(hints_many_passes(HINTS_UNKNOWN, zip, sizeof zip));
	check(hints_many_passes(HINTS_MUXES, avi, sizeof avi));
	check(hints_many_passes(HINTS_MUXES, mxf, sizeof mxf));
	check(!hints_many_passes(HINTS_STREAMS, avi, sizeof avi));
	check(!hints_many_passes(HINTS_UNKNOWN, wav, sizeof wav));
	check(!hints_many_passes(HINTS_UNKNOWN, avi, 6));
	check(!hints_many_passes(HINTS_UNKNOWN, "", 0));
}

TEST(rsyncs_names_are_known)
{
	check(hints_temporary(".file.mp4.a1B2c3"));
	check(!hints_temporary("file.mp4.a1B2c3"));
	check(!hints_temporary(".file.a1B2c"));
	check(!hints_temporary(".a1B2c3"));
	check(!hints_temporary(".file.a1-2c3"));
	check(!hints_temporary("."));
}

TEST_MAIN
