/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {"error", "warn", "info", "debug"};
static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

static atomic_int current_level = LOG_LEVEL_WARN;
static atomic_uint current_flags;

void log_setup(enum log_level level, unsigned flags)
{
	if ((flags & LOG_SYSLOG) && !(atomic_load(&current_flags) & LOG_SYSLOG))
		openlog("pourfs", LOG_PID, LOG_DAEMON);
	atomic_store(&current_flags, flags);
	atomic_store(&current_level, (int)level);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load(&current_level);
}

void log_shift(int levels)
{
	int level = atomic_load(&current_level) + levels;

	if (level >= LOG_LEVEL_ERROR && level <= LOG_LEVEL_DEBUG)
		atomic_store(&current_level, level);
}

int log_level_parse(const char *name)
{
	for (int i = 0; i <= LOG_LEVEL_DEBUG; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

/* The text as a quoted value: what is quoted in it is escaped once more. */
static size_t put_quoted(char *to, size_t size, const char *text)
{
	size_t n = 0;

	to[n++] = '"';
	for (; *text && n + 3 < size; text++) {
		if (*text == '"' || *text == '\\')
			to[n++] = '\\';
		to[n++] = *text;
	}
	to[n++] = '"';
	to[n] = '\0';
	return n;
}

static size_t put_time(char *to, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(to, size, "time=%Y-%m-%dT%H:%M:%S", &tm);
	return n + (size_t)snprintf(to + n, size - n, ".%03ldZ ", now.tv_nsec / 1000000);
}

/* In these a backslash of log_quote() is one, and no escape. */
static void put_pairs(char *to, size_t size, const char *pairs)
{
	size_t n = 0;

	for (; *pairs && n + 2 < size; pairs++) {
		if (*pairs == '\\')
			to[n++] = '\\';
		to[n++] = *pairs;
	}
	to[n] = '\0';
}

/* pairs: NULL, or of what happened. */
static void put(enum log_level level, const char *what, const char *pairs)
{
	unsigned flags = atomic_load(&current_flags);
	char line[4096];
	size_t n = 0;

	if (!(flags & LOG_PAIRS)) {
		if (!(flags & LOG_SYSLOG)) /* it knows these two by itself */
			n = (size_t)snprintf(line, sizeof(line), "pourfs: %s: ", names[level]);
		snprintf(line + n, sizeof(line) - n - 1, "%s%s%s", what, pairs ? ": " : "",
		         pairs ? pairs : "");
	} else {
		if (!(flags & LOG_SYSLOG))
			n = put_time(line, sizeof(line));
		n += (size_t)snprintf(line + n, sizeof(line) - n, "level=%s msg=", names[level]);
		n += put_quoted(line + n, sizeof(line) - n - 1, what);
		if (pairs)
			line[n++] = ' ';
		put_pairs(line + n, sizeof(line) - n - 1, pairs ? pairs : "");
	}
	if (flags & LOG_SYSLOG) {
		syslog(priorities[level], "%s", line);
		return;
	}
	/* One write a line, so that the lines of two threads do not mix. */
	n = strlen(line);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* there is no one left to tell */
}

/* what NULL: it is the text. */
static void put_text(enum log_level level, const char *what, const char *format, va_list ap)
{
	char text[2048];

	if (!log_enabled(level))
		return;
	vsnprintf(text, sizeof(text), format, ap);
	put(level, what ? what : text, what ? text : NULL);
}

void log_write(enum log_level level, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put_text(level, NULL, format, ap);
	va_end(ap);
}

void log_pairs(enum log_level level, const char *what, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put_text(level, what, format, ap);
	va_end(ap);
}

/* Length of the UTF-8 sequence at s; 0 if it is not one, or is a C1 control. */
static size_t utf8_length(const unsigned char *s)
{
	size_t n = s[0] < 0x80                    ? 1
	           : s[0] >= 0xc2 && s[0] <= 0xdf ? 2
	           : s[0] >= 0xe0 && s[0] <= 0xef ? 3
	           : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
	                                          : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
	    (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	/* Line separators and the marks that turn the direction of text. */
	if (s[0] == 0xe2 && ((s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) ||
	                     (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)))
		return 0;
	return n;
}

const char *log_quote(char *to, size_t size, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t used = 0, cut = 1; /* cut: where the dots go, if they must */

	if (size < sizeof("\"...\"")) {
		if (size > 0)
			to[0] = '\0';
		return to;
	}
	to[used++] = '"';
	while (*p) {
		char one[8];
		size_t n = utf8_length(p), width;

		if (n == 0 || *p < 0x20 || *p == 0x7f || *p == '"' || *p == '\\') {
			n = 1;
			width = (size_t)snprintf(one, sizeof(one), "\\x%02x", *p);
		} else {
			memcpy(one, p, n);
			width = n;
		}
		if (used + sizeof("...\"") <= size)
			cut = used;
		if (used + width + sizeof("\"") > size) {
			memcpy(to + cut, "...", 3);
			used = cut + 3;
			break;
		}
		memcpy(to + used, one, width);
		used += width;
		p += n;
	}
	to[used++] = '"';
	to[used] = '\0';
	return to;
}
