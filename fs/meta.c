/* SPDX-License-Identifier: MIT */
#include "meta.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MODE  "x-amz-meta-mode"
#define UID   "x-amz-meta-uid"
#define GID   "x-amz-meta-gid"
#define MTIME "x-amz-meta-mtime"

/* The sign stands before both, as rclone has it: half a second before 1970 is
 * -0.5, which timespec says as -1 s + 0.5 s. */
static void moment_text(struct timespec t, char *to, size_t room)
{
	bool negative = t.tv_sec < 0;
	long long sec = t.tv_sec;
	long ns = t.tv_nsec;

	if (negative && ns) {
		sec++;
		ns = 1000000000 - ns;
	}
	if (ns)
		snprintf(to, room, "%s%lld.%09ld", negative ? "-" : "", negative ? -sec : sec, ns);
	else
		snprintf(to, room, "%lld", sec);
}

int meta_to_headers(const struct attr *a, unsigned fields, struct s3_headers *h)
{
	char text[48];
	int err = 0;

	if (fields & META_MODE) {
		snprintf(text, sizeof text, "%u", (unsigned)a->mode);
		err = s3_headers_set(h, MODE, text);
	}
	if (!err && fields & META_UID) {
		snprintf(text, sizeof text, "%u", (unsigned)a->uid);
		err = s3_headers_set(h, UID, text);
	}
	if (!err && fields & META_GID) {
		snprintf(text, sizeof text, "%u", (unsigned)a->gid);
		err = s3_headers_set(h, GID, text);
	}
	if (!err && fields & META_MTIME) {
		moment_text(a->mtime, text, sizeof text);
		err = s3_headers_set(h, MTIME, text);
	}
	return err;
}

/* Digits and nothing else, up to max. */
static bool number(const char *s, unsigned long long max, unsigned long long *n)
{
	char *end;

	if (!s || *s < '0' || *s > '9' || strlen(s) > 19)
		return false;
	*n = strtoull(s, &end, 10);
	return !*end && *n <= max;
}

/* Seconds with an optional fraction, as s3fs (nine digits) and rclone (zeros
 * trimmed) write them. */
static bool moment(const char *s, struct timespec *t)
{
	bool negative = s && *s == '-';
	char seconds[24];
	const char *dot;
	unsigned long long n;
	long ns = 0, unit = 100000000;
	size_t len;

	if (!s)
		return false;
	s += negative;
	dot = strchr(s, '.');
	len = dot ? (size_t)(dot - s) : strlen(s);
	if (len >= sizeof seconds || (dot && !dot[1]))
		return false;
	memcpy(seconds, s, len);
	seconds[len] = 0;
	if (!number(seconds, UINT64_C(1) << 40, &n))
		return false;
	for (const char *d = dot ? dot + 1 : ""; *d; d++, unit /= 10) {
		if (*d < '0' || *d > '9' || d - dot > 20)
			return false;
		ns += (*d - '0') * unit;
	}
	t->tv_sec = negative ? -(time_t)n : (time_t)n;
	if (negative && ns) {
		t->tv_sec--;
		ns = 1000000000 - ns;
	}
	t->tv_nsec = ns;
	return true;
}

void meta_from_headers(const struct s3_headers *h, struct attr *a)
{
	unsigned long long n;

	if (number(s3_headers_get(h, MODE), 0177777, &n)) {
		mode_t type = (mode_t)n & S_IFMT;

		if (!S_ISDIR(a->mode) && (type == S_IFLNK || type == S_IFIFO || type == S_IFSOCK))
			a->mode = type;
		a->mode = (a->mode & S_IFMT) | ((mode_t)n & 07777);
	}
	if (number(s3_headers_get(h, UID), UINT32_MAX - 1, &n))
		a->uid = (uid_t)n;
	if (number(s3_headers_get(h, GID), UINT32_MAX - 1, &n))
		a->gid = (gid_t)n;
	if (moment(s3_headers_get(h, MTIME), &a->mtime))
		a->ctime = a->mtime;
}

void meta_merge(struct attr *to, const struct attr *from, unsigned fields)
{
	if (fields & META_MODE)
		to->mode = (to->mode & S_IFMT) | (from->mode & ~S_IFMT);
	if (fields & META_UID)
		to->uid = from->uid;
	if (fields & META_GID)
		to->gid = from->gid;
	if (fields & META_MTIME)
		to->mtime = from->mtime;
}

/* Sorted by extension. */
static const struct {
	const char *extension, *type;
} types[] = {
	{"3gp", "video/3gpp"},
	{"7z", "application/x-7z-compressed"},
	{"aac", "audio/aac"},
	{"aif", "audio/aiff"},
	{"aiff", "audio/aiff"},
	{"apk", "application/vnd.android.package-archive"},
	{"asf", "video/x-ms-asf"},
	{"avi", "video/x-msvideo"},
	{"avif", "image/avif"},
	{"bmp", "image/bmp"},
	{"bz2", "application/x-bzip2"},
	{"css", "text/css"},
	{"csv", "text/csv"},
	{"deb", "application/vnd.debian.binary-package"},
	{"doc", "application/msword"},
	{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	{"epub", "application/epub+zip"},
	{"flac", "audio/flac"},
	{"flv", "video/x-flv"},
	{"gif", "image/gif"},
	{"gz", "application/gzip"},
	{"heic", "image/heic"},
	{"htm", "text/html"},
	{"html", "text/html"},
	{"ico", "image/vnd.microsoft.icon"},
	{"iso", "application/x-iso9660-image"},
	{"jpeg", "image/jpeg"},
	{"jpg", "image/jpeg"},
	{"js", "text/javascript"},
	{"json", "application/json"},
	{"jxl", "image/jxl"},
	{"log", "text/plain"},
	{"m2ts", "video/mp2t"},
	{"m3u", "audio/x-mpegurl"},
	{"m3u8", "application/vnd.apple.mpegurl"},
	{"m4a", "audio/mp4"},
	{"m4s", "video/iso.segment"},
	{"m4v", "video/x-m4v"},
	{"md", "text/markdown"},
	{"mka", "audio/x-matroska"},
	{"mkv", "video/x-matroska"},
	{"mov", "video/quicktime"},
	{"mp3", "audio/mpeg"},
	{"mp4", "video/mp4"},
	{"mpd", "application/dash+xml"},
	{"mpeg", "video/mpeg"},
	{"mpg", "video/mpeg"},
	{"mts", "video/mp2t"},
	{"mxf", "application/mxf"},
	{"odt", "application/vnd.oasis.opendocument.text"},
	{"oga", "audio/ogg"},
	{"ogg", "audio/ogg"},
	{"ogv", "video/ogg"},
	{"opus", "audio/ogg"},
	{"pdf", "application/pdf"},
	{"png", "image/png"},
	{"rar", "application/vnd.rar"},
	{"srt", "application/x-subrip"},
	{"svg", "image/svg+xml"},
	{"tar", "application/x-tar"},
	{"tgz", "application/gzip"},
	{"tif", "image/tiff"},
	{"tiff", "image/tiff"},
	{"ts", "video/mp2t"},
	{"txt", "text/plain"},
	{"vtt", "text/vtt"},
	{"wasm", "application/wasm"},
	{"wav", "audio/x-wav"},
	{"webm", "video/webm"},
	{"webp", "image/webp"},
	{"wmv", "video/x-ms-wmv"},
	{"xml", "application/xml"},
	{"xz", "application/x-xz"},
	{"zip", "application/zip"},
	{"zst", "application/zstd"},
};

const char *meta_content_type(const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t lo = 0, hi = sizeof types / sizeof types[0];

	while (dot && lo < hi) {
		size_t mid = (lo + hi) / 2;
		int order = strcasecmp(dot + 1, types[mid].extension);

		if (!order)
			return types[mid].type;
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return "application/octet-stream";
}
