/* SPDX-License-Identifier: MIT */
#include "log.h"
#include "test.h"

#include <unistd.h>

static const char *quote(const char *s)
{
	static char to[256];

	return log_quote(to, sizeof(to), s);
}

TEST(plain_text_is_only_quoted)
{
	check_str(quote("a key/with words"), "\"a key/with words\"");
	check_str(quote(""), "\"\"");
	check_str(quote("Zürich 東京 🎬"), "\"Zürich 東京 🎬\"");
}

TEST(nothing_in_a_key_can_forge_a_line_or_steer_a_terminal)
{
	check_str(quote("a\nb\tc"), "\"a\\x0ab\\x09c\"");
	check_str(quote("\x1b[2J"), "\"\\x1b[2J\"");
	check_str(quote("say \"hi\" \\"), "\"say \\x22hi\\x22 \\x5c\"");
	check_str(quote("\x7f"), "\"\\x7f\"");
	check_str(quote("\xc2\x9b"), "\"\\xc2\\x9b\"");
	check_str(quote("\x9b"), "\"\\x9b\"");
	check_str(quote("\xe2\x80\xae"), "\"\\xe2\\x80\\xae\"");
	check_str(quote("\xc0\xaf"), "\"\\xc0\\xaf\"");
	check_str(quote("\xe6\x9d"), "\"\\xe6\\x9d\"");
}

TEST(what_does_not_fit_is_cut_with_dots_and_never_overruns)
{
	char to[16];

	check_str(log_quote(to, 9, "abcdef"), "\"abcdef\"");
	check_str(log_quote(to, 9, "abcdefg"), "\"abc...\"");
	check_str(log_quote(to, 8, "abcdef"), "\"ab...\"");
	check_str(log_quote(to, 10, "ab\n\n\n"), "\"ab...\"");
	check_str(log_quote(to, 3, "abc"), "");
	for (size_t size = 1; size <= sizeof(to); size++) {
		memset(to, '#', sizeof(to));
		log_quote(to, size, "\xf0\x9f\x8e\xac\n\n\nxyzxyzxyz");
		check(memchr(to, '\0', size) != NULL);
		for (size_t i = size; i < sizeof(to); i++)
			check_int(to[i], '#');
	}
}

TEST(levels_have_names)
{
	check_int(log_level_parse("error"), LOG_LEVEL_ERROR);
	check_int(log_level_parse("debug"), LOG_LEVEL_DEBUG);
	check_int(log_level_parse("loud"), -1);
}

/* What was written to stderr meanwhile. */
static const char *said(unsigned flags, void (*say)(void))
{
	static char got[4096];
	int ends[2], old = dup(STDERR_FILENO);
	ssize_t n;

	check(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
	log_setup(LOG_LEVEL_WARN, flags);
	say();
	log_setup(LOG_LEVEL_WARN, 0);
	dup2(old, STDERR_FILENO);
	close(old);
	close(ends[1]);
	n = read(ends[0], got, sizeof(got) - 1);
	close(ends[0]);
	check(n > 0);
	got[n > 0 ? n : 0] = '\0';
	return got;
}

static void say_text(void)
{
	log_info("hidden");
	log_warn("%s is not \\ there", "\"a b\"");
}

TEST(a_line_goes_to_stderr_at_its_level_only)
{
	check_str(said(0, say_text), "pourfs: warn: \"a b\" is not \\ there\n");
	check(!log_enabled(LOG_LEVEL_INFO));
}

static void say_pairs(void)
{
	log_pairs(LOG_LEVEL_INFO, "hidden", "a=%d", 1);
	log_pairs(LOG_LEVEL_ERROR, "it failed", "op=%s key=%s", "Put", "\"a\\x0ab\"");
}

TEST(pairs_follow_what_happened)
{
	check_str(said(0, say_pairs), "pourfs: error: it failed: op=Put key=\"a\\x0ab\"\n");
}

/* The beginning is "time=2026-01-31T12:00:00.123Z ". */
static const char *behind_time(const char *line)
{
	int end = 0;

	sscanf(line, "time=%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ %n", &end);
	check_int(end, 30);
	return line + end;
}

TEST(logfmt_is_pairs_throughout)
{
	check_str(behind_time(said(LOG_PAIRS, say_pairs)),
	          "level=error msg=\"it failed\" op=Put key=\"a\\\\x0ab\"\n");
	check_str(behind_time(said(LOG_PAIRS, say_text)),
	          "level=warn msg=\"\\\"a b\\\" is not \\\\ there\"\n");
}

static void say_much(void)
{
	char much[5000];

	memset(much, '"', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	log_warn("%s", much);
}

TEST(a_line_that_is_too_long_is_cut_and_ends_all_the_same)
{
	const char *text = said(LOG_PAIRS, say_much);

	check(strlen(text) > 2000);
	check_str(text + strlen(text) - 2, "\"\n");
	text = said(0, say_much);
	check_int(text[strlen(text) - 1], '\n');
}

TEST_MAIN
