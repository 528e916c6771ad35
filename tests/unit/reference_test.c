/* SPDX-License-Identifier: MIT */
#include "reference.h"
#include "test.h"

#include <string.h>

static const char *hidden(const char *s, size_t *n)
{
	static struct buf b = BUF_INIT;

	buf_clear(&b);
	*n = reference_hide(&b, s, strlen(s));
	return b.s;
}

TEST(what_xml_forbids_is_hidden_and_shown_again)
{
	size_t n;
	char text[] = "a\xee\x80\x81z\xee\x80\x9b";

	check_str(hidden("<T>a&#x01;z&#x1b;&#x1B;&#27;</T>", &n),
	          "<T>a&#xe001;z&#xe01b;&#xe01b;&#xe01b;</T>");
	check_int(n, 4);
	reference_show(text);
	check_str(text, "a\x01z\x1b");
}

TEST(all_else_stays)
{
	static const char *const same[] = {
		"",
		"&",
		"&#",
		"&#;",
		"&#x;",
		"&amp;&lt;",
		"&#x09;&#10;",
		"&#xe9;",
		"&#x1F600;",
		"&#0;",
		"&#x0;",
		"&#-1;",
		"&#+1;",
		"&# 1;",
		"&#x+1;",
		"&#x1",
		"&#00000000001;",
		"a;b",
	};
	char text[] = "\xee\x80 \xee\x80\xa0 \xee\x80\x80 \xee";
	size_t n;

	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		const char *got = hidden(same[i], &n);

		check_str(got ? got : "", same[i]);
		check_int(n, 0);
	}
	reference_show(text);
	check_str(text, "\xee\x80 \xee\x80\xa0 \xee\x80\x80 \xee");
}

TEST_MAIN
