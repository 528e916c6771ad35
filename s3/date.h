/* SPDX-License-Identifier: MIT */
/*
 * date.h - the three spellings of time that S3 uses; all UTC. Pure; no locale.
 */
#ifndef POURFS_DATE_H
#define POURFS_DATE_H

#include <time.h>

#define DATE_AMZ_SIZE 17 /* "20130524T000000Z" and its NUL */
#define DATE_ISO_SIZE 21 /* "2013-05-24T00:00:00Z" likewise */

/* "Fri, 24 May 2013 00:00:00 GMT", the one form HTTP still allows to be sent;
 * -1 if s is not it. */
time_t date_parse_http(const char *s);
/* "2013-05-24T00:00:00[.000]Z"; -1 if s is not it. */
time_t date_parse_iso(const char *s);
/* "20130524T000000Z"; its first eight characters are the date. */
void date_format_amz(char to[DATE_AMZ_SIZE], time_t t);
/* "2013-05-24T00:00:00Z" */
void date_format_iso(char to[DATE_ISO_SIZE], time_t t);

#endif
