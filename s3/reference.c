/* SPDX-License-Identifier: MIT */
#include "reference.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 8 /* "&#x0001f" */

/* The number of a reference that begins at s, and its length; 0 is none. */
static size_t number_at(const char *s, size_t n, unsigned long *c)
{
	char text[LONGEST + 1] = "";
	const char *semicolon = memchr(s, ';', n < LONGEST ? n : LONGEST), *digits = text + 2;
	size_t len = semicolon ? (size_t)(semicolon - s) : 0;
	bool hex;

	if (len < 3 || s[1] != '#')
		return 0;
	memcpy(text, s, len);
	hex = *digits == 'x';
	digits += hex;
	if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
		return 0;
	*c = strtoul(digits, NULL, hex ? 16 : 10);
	return len + 1;
}

static bool is_forbidden(unsigned long c)
{
	return c && c < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

size_t reference_hide(struct buf *to, const char *s, size_t n)
{
	size_t hidden = 0, from = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned long c;
		size_t len = s[i] == '&' ? number_at(s + i, n - i, &c) : 0;

		if (!len || !is_forbidden(c))
			continue;
		buf_add(to, s + from, i - from);
		buf_addf(to, "&#x%lx;", 0xe000 + c);
		from = i + len;
		i = from - 1;
		hidden++;
	}
	buf_add(to, s + from, n - from);
	return hidden;
}

void reference_show(char *s)
{
	char *to = s;

	for (; *s; s++) {
		unsigned char a = (unsigned char)s[0], b = a ? (unsigned char)s[1] : 0,
			      c = b ? (unsigned char)s[2] : 0;

		if (a == 0xee && b == 0x80 && (c & 0xe0) == 0x80 && is_forbidden(c & 0x1fu)) {
			*to++ = (char)(c & 0x1f);
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}
