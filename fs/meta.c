/* SPDX-License-Identifier: MIT */
#include "meta.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "types.h"

#define MODE  "x-amz-meta-mode"
#define UID   "x-amz-meta-uid"
#define GID   "x-amz-meta-gid"
#define MTIME "x-amz-meta-mtime"
#define CTIME "x-amz-meta-ctime"
#define ATIME "x-amz-meta-atime"

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

static int set_number(struct s3_headers *h, const char *name, unsigned n)
{
	char text[16];

	snprintf(text, sizeof text, "%u", n);
	return s3_headers_set(h, name, text);
}

static int set_moment(struct s3_headers *h, const char *name, struct timespec t)
{
	char text[48];

	moment_text(t, text, sizeof text);
	return s3_headers_set(h, name, text);
}

bool meta_same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

int meta_to_headers(const struct attr *a, unsigned fields, struct s3_headers *h)
{
	int err = 0;

	if (fields & META_MODE)
		err = set_number(h, MODE, a->mode);
	if (!err && fields & META_UID)
		err = set_number(h, UID, a->uid);
	if (!err && fields & META_GID)
		err = set_number(h, GID, a->gid);
	if (!err && fields & META_MTIME)
		err = set_moment(h, MTIME, a->mtime);
	if (!err && fields & META_CTIME && !meta_same(a->ctime, a->mtime))
		err = set_moment(h, CTIME, a->ctime);
	if (!err && fields & META_ATIME && !meta_same(meta_atime(a), a->mtime))
		err = set_moment(h, ATIME, a->atime);
	return err;
}

bool meta_says_mtime(const struct s3_headers *h)
{
	return s3_headers_get(h, MTIME);
}

void meta_strip(struct s3_headers *h)
{
	static const char *const names[] = {MODE, UID, GID, MTIME, CTIME, ATIME};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		s3_headers_remove(h, names[i]);
}

/* Digits and nothing else, up to max. */
static bool number(const char *s, int base, unsigned long long max, unsigned long long *n)
{
	char *end;

	if (!s || *s < '0' || *s > '9' || strlen(s) > 19)
		return false;
	*n = strtoull(s, &end, base);
	return !*end && *n <= max;
}

/* The digits after a dot, if there is one. */
static bool fraction(const char **s, long *ns)
{
	const char *d = *s;
	long unit = 100000000;

	*ns = 0;
	if (*d != '.')
		return true;
	for (d++; *d >= '0' && *d <= '9'; d++, unit /= 10)
		*ns += (*d - '0') * unit;
	if (d - *s < 2 || d - *s > 20)
		return false;
	*s = d;
	return true;
}

/* Seconds with an optional fraction, as s3fs (nine digits) and rclone (zeros
 * trimmed) write them. */
static bool seconds(const char *s, struct timespec *t)
{
	bool negative = *s == '-';
	char whole[24];
	unsigned long long n;
	size_t len;
	long ns;

	s += negative;
	len = strcspn(s, ".");
	if (len >= sizeof whole)
		return false;
	memcpy(whole, s, len);
	whole[len] = 0;
	s += len;
	if (!number(whole, 10, META_SECONDS_MAX, &n) || !fraction(&s, &ns) || *s)
		return false;
	t->tv_sec = negative ? -(time_t)n : (time_t)n;
	if (negative && ns) {
		t->tv_sec--;
		ns = 1000000000 - ns;
	}
	t->tv_nsec = ns;
	return true;
}

/* Where form has a 0 there is a digit in s; the rest is the same. */
static bool has_form(const char *s, const char *form)
{
	for (; *form; s++, form++)
		if (*form == '0' ? *s < '0' || *s > '9' : *s != *form)
			return false;
	return true;
}

/* The zone of RFC 3339, in seconds east, and nothing behind it. */
static bool zone(const char *s, time_t *east)
{
	int hours, minutes;

	*east = 0;
	if (!strcmp(s, "Z"))
		return true;
	if ((*s != '+' && *s != '-') || !has_form(s + 1, "00:00") || s[6])
		return false;
	sscanf(s + 1, "%2d:%2d", &hours, &minutes);
	*east = (*s == '-' ? -60 : 60) * (60 * hours + minutes);
	return hours < 24 && minutes < 60;
}

/* "2006-01-02T15:04:05.999999999+07:00" (RFC 3339), which rclone writes for
 * times that its backends have no form of their own for. */
static bool calendar(const char *s, struct timespec *t)
{
	struct tm tm = {0};
	time_t east;
	long ns;

	if (!has_form(s, "0000-00-00T00:00:00"))
		return false;
	sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
	       &tm.tm_min, &tm.tm_sec);
	s += strlen("0000-00-00T00:00:00");
	if (!fraction(&s, &ns) || !zone(s, &east))
		return false;
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	t->tv_sec = timegm(&tm) - east;
	t->tv_nsec = ns;
	return true;
}

static bool moment(const char *s, struct timespec *t)
{
	return s && (seconds(s, t) || calendar(s, t));
}

/* A directory's marker says that it is one, or nothing; else it is not s3fs's. */
static bool decimal_fits(mode_t mode, bool directory)
{
	switch (mode & S_IFMT) {
	case 0:
	case S_IFDIR:
		return true;
	case S_IFREG:
	case S_IFLNK:
	case S_IFIFO:
	case S_IFSOCK:
	case S_IFCHR:
	case S_IFBLK:
		return !directory;
	default:
		return false;
	}
}

/* rclone keeps the modes of these only. */
static bool octal_fits(mode_t mode, bool directory)
{
	return directory ? S_ISDIR(mode) : S_ISREG(mode) || S_ISLNK(mode);
}

/* s3fs writes modes in decimal, rclone in octal, and both with the type: the
 * reading whose type makes sense is meant. */
static bool read_mode(const char *s, bool directory, mode_t *mode)
{
	unsigned long long decimal, octal;
	bool is_decimal = number(s, 10, 0177777, &decimal) && (*s != '0' || !s[1]);
	bool is_octal = number(s, 8, 0177777, &octal) && octal_fits((mode_t)octal, directory);

	if (is_octal && !(is_decimal && decimal_fits((mode_t)decimal, directory)))
		*mode = (mode_t)octal;
	else if (is_decimal)
		*mode = (mode_t)decimal;
	return is_decimal || is_octal;
}

void meta_from_headers(const struct s3_headers *h, struct attr *a)
{
	unsigned long long n;
	mode_t mode;

	if (read_mode(s3_headers_get(h, MODE), S_ISDIR(a->mode), &mode)) {
		mode_t type = mode & S_IFMT;

		if (!S_ISDIR(a->mode) && (type == S_IFLNK || type == S_IFIFO || type == S_IFSOCK))
			a->mode = type;
		a->mode = (a->mode & S_IFMT) | (mode & 07777);
	}
	if (number(s3_headers_get(h, UID), 10, UINT32_MAX - 1, &n))
		a->uid = (uid_t)n;
	if (number(s3_headers_get(h, GID), 10, UINT32_MAX - 1, &n))
		a->gid = (gid_t)n;
	if (moment(s3_headers_get(h, MTIME), &a->mtime))
		a->ctime = a->mtime;
	(void)moment(s3_headers_get(h, CTIME), &a->ctime);
	(void)moment(s3_headers_get(h, ATIME), &a->atime);
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
	if (fields & META_ATIME)
		to->atime = from->atime;
	if (fields & META_CTIME)
		to->ctime = from->ctime;
}

struct timespec meta_time(struct timespec t)
{
	if (t.tv_sec >= META_SECONDS_MAX)
		return (struct timespec){.tv_sec = META_SECONDS_MAX};
	if (t.tv_sec < -META_SECONDS_MAX)
		return (struct timespec){.tv_sec = -META_SECONDS_MAX};
	return t;
}

void meta_written(struct attr *a, struct timespec when)
{
	a->mtime = when;
	a->ctime = meta_later(a->ctime, when);
}

struct timespec meta_atime(const struct attr *a)
{
	return a->atime.tv_nsec == UTIME_OMIT ? a->mtime : a->atime;
}

struct timespec meta_later(struct timespec a, struct timespec b)
{
	bool b_is_later = a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;

	return b_is_later ? b : a;
}

int meta_follow_name(struct s3_headers *h, const char *old_name, const char *new_name)
{
	const char *was = types_of(old_name), *will = types_of(new_name);
	const char *type = s3_headers_get(h, "content-type");
	int err;

	if (!strcmp(was, will) || !type || strcmp(type, was) != 0)
		return 0;
	err = s3_headers_set(h, "content-type", will);
	return err ? err : 1;
}
