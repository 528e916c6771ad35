/* SPDX-License-Identifier: MIT */
/*
 * log.h - one line an event, to stderr or syslog: as text for people, or as pairs in
 * the manner of logfmt.
 *
 *	pourfs: warn: WHAT: op=PutObject tries=3
 *	time=2026-01-31T12:00:00.123Z level=warn msg="WHAT" op=PutObject tries=3
 *
 * Arguments that come from a bucket or a server are printed through
 * log_quote(), so that no line can be forged and no terminal steered.
 * Threads: any. The level may change at any time.
 */
#ifndef POURFS_LOG_H
#define POURFS_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_flags { LOG_SYSLOG = 1, LOG_PAIRS = 2 };

void log_setup(enum log_level level, unsigned flags);
bool log_enabled(enum log_level level);
/* From a signal handler, too: so many levels more (or, negative, fewer). */
void log_shift(int levels);
/* "error", "warn", "info", "debug"; -1: none of them. */
int log_level_parse(const char *name);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_enabled(LOG_LEVEL_DEBUG))                                                  \
			log_write(LOG_LEVEL_DEBUG, __VA_ARGS__);                                   \
	} while (0)
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What happened, and NAME=VALUE pairs on it, one space between them; values that
 * are not of one plain word are quoted (log_quote()). */
void log_pairs(enum log_level level, const char *what, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* s in double quotes, with control characters, quotes and backslashes escaped
 * as \xNN; cut with "..." where it does not fit. Returns to. */
const char *log_quote(char *to, size_t size, const char *s);

#endif
