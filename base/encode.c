/* SPDX-License-Identifier: MIT */
#include "encode.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "buf.h"

bool percent_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void percent_encode(struct buf *to, const char *s, bool slash)
{
	static const char hex[] = "0123456789ABCDEF";

	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		if (percent_unreserved((char)*p) || (slash && *p == '/')) {
			buf_addc(to, (char)*p);
		} else {
			char escape[3] = {'%', hex[*p >> 4], hex[*p & 15]};

			buf_add(to, escape, 3);
		}
	}
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at;

	at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
	return at ? (int)(at - digits) : -1;
}

int percent_decode(char *s)
{
	char *to = s;

	for (const char *p = s; *p; p++) {
		if (*p == '%') {
			int high = hex_digit(p[1]);
			int low = high < 0 ? -1 : hex_digit(p[2]);

			if (low < 0 || high + low == 0)
				return -EINVAL;
			*to++ = (char)(high << 4 | low);
			p += 2;
		} else {
			*to++ = *p == '+' ? ' ' : *p;
		}
	}
	*to = '\0';
	return to - s > INT_MAX ? -EINVAL : (int)(to - s);
}

/* What the first byte says: how many follow, and between which bounds the next is. */
static size_t utf8_following(unsigned char first, unsigned char *low, unsigned char *high)
{
	*low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
}

bool utf8_is_valid(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p) {
		unsigned char low, high, first = *p++;
		size_t n;

		if (first < 0x80)
			continue;
		if (first < 0xc2 || first > 0xf4)
			return false;
		for (n = utf8_following(first, &low, &high); n; n--, p++) {
			if (*p < low || *p > high)
				return false;
			low = 0x80;
			high = 0xbf;
		}
	}
	return true;
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *to, const void *bytes, size_t n)
{
	const unsigned char *b = bytes;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		unsigned three = (unsigned)b[i] << 16 | (left > 1 ? (unsigned)b[i + 1] << 8 : 0) |
		                 (left > 2 ? b[i + 2] : 0);

		buf_addc(to, base64_digits[three >> 18]);
		buf_addc(to, base64_digits[three >> 12 & 63]);
		buf_addc(to, left > 1 ? base64_digits[three >> 6 & 63] : '=');
		buf_addc(to, left > 2 ? base64_digits[three & 63] : '=');
	}
}

int base64_decode(struct buf *to, const char *s)
{
	size_t n = strcspn(s, "=");
	unsigned bits = 0;

	if (s[n] && ((n + strlen(s + n)) % 4 || s[n + strspn(s + n, "=")]))
		return -EINVAL;
	if (n % 4 == 1 || strlen(s + n) > 2)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		const char *at = strchr(base64_digits, s[i]);

		if (!at)
			return -EINVAL;
		bits = bits << 6 | (unsigned)(at - base64_digits);
		if (i % 4)
			buf_addc(to, (char)(bits >> (6 - i % 4 * 2)));
	}
	return buf_error(to);
}
