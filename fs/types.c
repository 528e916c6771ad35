/* SPDX-License-Identifier: MIT */
#include "types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct type {
	const char *extension, *type;
};

/* Sorted by extension. */
static const struct type ours[] = {
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

/* What mime.types files say: sorted, and pointing into texts. */
static struct added {
	struct type *v;
	size_t n;
	char *text;
} before, behind;

static int compare(const void *a, const void *b)
{
	return strcasecmp(((const struct type *)a)->extension, ((const struct type *)b)->extension);
}

static const char *find(const struct type *v, size_t n, const char *extension)
{
	const struct type key = {extension, NULL};
	const struct type *found = n ? bsearch(&key, v, n, sizeof *v, compare) : NULL;

	return found ? found->type : NULL;
}

const char *types_of(const char *name)
{
	const char *dot = strrchr(name, '.'), *type = NULL;

	if (dot)
		type = find(before.v, before.n, dot + 1);
	if (dot && !type)
		type = find(ours, sizeof ours / sizeof ours[0], dot + 1);
	if (dot && !type)
		type = find(behind.v, behind.n, dot + 1);
	return type ? type : "application/octet-stream";
}

/* One line, which is taken apart. */
static int add_line(struct added *to, char *line)
{
	static const char blank[] = " \t\r";
	char *rest, *type, *extension;

	line[strcspn(line, "#")] = '\0';
	type = strtok_r(line, blank, &rest);
	if (type && !strchr(type, '/'))
		return -EINVAL;
	while (type && (extension = strtok_r(NULL, blank, &rest))) {
		struct type *v = reallocarray(to->v, to->n + 1, sizeof *v);

		if (!v)
			return -ENOMEM;
		to->v = v;
		to->v[to->n++] = (struct type){extension, type};
	}
	return 0;
}

static void drop(struct added *a)
{
	free(a->v);
	free(a->text);
	*a = (struct added){0};
}

int types_add(const char *text, size_t n, bool first, unsigned *line)
{
	struct added *to = first ? &before : &behind;
	char *next;
	int err;

	drop(to);
	*line = 0;
	to->text = strndup(text, n);
	err = to->text ? 0 : -ENOMEM;
	for (next = to->text; !err && next; ++*line)
		err = add_line(to, strsep(&next, "\n"));
	if (err)
		drop(to);
	else if (to->n)
		qsort(to->v, to->n, sizeof *to->v, compare);
	return err;
}

void types_fini(void)
{
	drop(&before);
	drop(&behind);
}
