/* SPDX-License-Identifier: MIT */
#include "date.h"

#include <stdio.h>
#include <string.h>

static time_t from_fields(int year, int month, int day, int hour, int minute, int second)
{
	struct tm tm = {
		.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
		.tm_sec = second,
	};

	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 ||
	    hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return -1;
	return timegm(&tm);
}

time_t date_parse_http(const char *s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char month[4];
	const char *at;
	int day, year, hour, minute, second;

	if (sscanf(s, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &day, month, &year, &hour,
	           &minute, &second) != 6)
		return -1;
	at = strstr(months, month);
	if (!at || strlen(month) != 3 || (at - months) % 3 != 0)
		return -1;
	return from_fields(year, (int)(at - months) / 3 + 1, day, hour, minute, second);
}

/* Seconds east of UTC, of what follows the seconds: "[.123]Z", "[.123]+02:00". */
static time_t offset_of(const char *s)
{
	int hours, minutes = 0;
	char sign[2];

	if (*s == '.')
		s += 1 + strspn(s + 1, "0123456789");
	if (strspn(s, "+-") != 1 || strspn(s + 1, "0123456789") < 2 ||
	    sscanf(s, "%1[+-]%2d", sign, &hours) < 2)
		return 0;
	if (sscanf(s[3] == ':' ? s + 4 : s + 3, "%2d", &minutes) < 1)
		minutes = 0;
	return (*sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

time_t date_parse_iso(const char *s)
{
	int year, month, day, hour, minute, second, end = 0;
	time_t t;

	if (sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second,
	           &end) != 6)
		return -1;
	t = from_fields(year, month, day, hour, minute, second);
	return t < 0 ? -1 : t - offset_of(s + end);
}

static void format(char *to, size_t size, time_t t, const char *how)
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(to, size, how, &tm) == 0)
		format(to, size, 0, how); /* of no year that has four digits */
}

void date_format_amz(char to[DATE_AMZ_SIZE], time_t t)
{
	format(to, DATE_AMZ_SIZE, t, "%Y%m%dT%H%M%SZ");
}

void date_format_iso(char to[DATE_ISO_SIZE], time_t t)
{
	format(to, DATE_ISO_SIZE, t, "%Y-%m-%dT%H:%M:%SZ");
}
