/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static const char *const names[] = {"error", "warn", "info", "debug"};
static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

static atomic_int current_level = LOG_LEVEL_WARN;
static atomic_bool use_syslog;

void log_setup(enum log_level level, bool to_syslog)
{
	if (to_syslog && !atomic_load(&use_syslog))
		openlog("pourfs", LOG_PID, LOG_DAEMON);
	atomic_store(&use_syslog, to_syslog);
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

void log_write(enum log_level level, const char *format, ...)
{
	char line[2048];
	size_t n;
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, format);
	if (atomic_load(&use_syslog)) {
		vsyslog(priorities[level], format, ap);
		va_end(ap);
		return;
	}
	/* One write a line, so that the lines of two threads do not mix. */
	n = (size_t)snprintf(line, sizeof(line), "pourfs: %s: ", names[level]);
	vsnprintf(line + n, sizeof(line) - n - 1, format, ap);
	va_end(ap);
	n = strlen(line);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* there is no one left to tell */
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
