/* SPDX-License-Identifier: MIT */
#include "hints.h"

#include <ctype.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Programs that copy or download: what they write is as it is. */
static const char *const streams[] = {
	"cp",     "mv",         "rsync",      "install", "dd",     "cat",         "tee",
	"head",   "tail",       "pv",         "tar",     "bsdtar", "unzip",       "curl",
	"wget",   "wget2",      "aria2c",     "lftp",    "axel",   "yt-dlp",      "youtube-dl",
	"yt_dlp", "gallery-dl", "streamlink", "rclone",  "scp",    "sftp-server", "smbd",
	"nfsd",   "sh",         "bash",       "dash",    "zsh",    "gzip",        "xz",
	"zstd",   "busybox",    "mbuffer",    "nc",      "socat",  "N_m3u8DL-RE"};

static const char *const muxes[] = {"ffmpeg"};

/* Words of ffmpeg's options that make it read back or rewrite its output. */
static const char *const second_pass[] = {"faststart", "global_sidx", "cues_to_front",
                                          "add_keyframe_index", "single_file"};

static bool is_one_of(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(s, list[i]))
			return true;
	return false;
}

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_interpreter(const char *name)
{
	return !strncmp(name, "python", 6) || !strncmp(name, "perl", 4) || !strcmp(name, "env");
}

static bool has_word(const char *arguments, size_t len, const char *word)
{
	return memmem(arguments, len, word, strlen(word)) != NULL;
}

enum hints_program hints_program(const char *arguments, size_t len)
{
	const char *name, *end = len ? memchr(arguments, 0, len) : NULL;

	if (!end)
		return HINTS_UNKNOWN;
	name = base(arguments);
	name += *name == '-'; /* a login shell */
	/* A script has its name behind that of its interpreter. */
	if (is_interpreter(name) && end + 1 < arguments + len &&
	    memchr(end + 1, 0, len - (size_t)(end + 1 - arguments)))
		name = base(end + 1);
	if (is_one_of(name, streams, COUNT(streams)))
		return HINTS_STREAMS;
	if (!is_one_of(name, muxes, COUNT(muxes)))
		return HINTS_UNKNOWN;
	for (size_t i = 0; i < COUNT(second_pass); i++)
		if (has_word(arguments, len, second_pass[i]))
			return HINTS_REWRITES;
	return HINTS_MUXES;
}

static bool is_at(const void *head, size_t len, size_t at, const char *magic, size_t n)
{
	return len >= at + n && !memcmp((const char *)head + at, magic, n);
}

bool hints_many_passes(enum hints_program program, const void *head, size_t len)
{
	if (program == HINTS_STREAMS || program == HINTS_REWRITES)
		return program == HINTS_REWRITES;
	/* Indices in the middle of the file, filled in at its end. */
	if (is_at(head, len, 0, "RIFF", 4) && is_at(head, len, 8, "AVI ", 4))
		return true;
	if (is_at(head, len, 0, "\x06\x0e\x2b\x34", 4)) /* MXF */
		return true;
	/* MP4 and its kin, FLV: the index is often moved to the front. ZIP: the
	 * head of each file in it is filled in behind it. */
	return program == HINTS_UNKNOWN &&
	       (is_at(head, len, 4, "ftyp", 4) || is_at(head, len, 0, "FLV", 3) ||
	        is_at(head, len, 0, "PK\3\4", 4));
}

bool hints_temporary(const char *name)
{
	const char *dot = strrchr(name, '.');

	if (name[0] != '.' || !dot || dot == name || strlen(dot + 1) != 6)
		return false;
	for (const char *c = dot + 1; *c; c++)
		if (!isalnum((unsigned char)*c))
			return false;
	return true;
}
