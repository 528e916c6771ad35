/* SPDX-License-Identifier: MIT */
/*
 * test.h - the smallest test frame that says what broke.
 *
 *	TEST(a_promise_in_words) { check(1 + 1 == 2); check_str(got, "wanted"); }
 *	TEST_MAIN
 *
 * Prints "ok NAME" or "not ok NAME" a test, with the place of each failed
 * check before it; the process fails if one did. An argument runs only the
 * tests whose name contains it.
 */
#ifndef POURFS_TEST_H
#define POURFS_TEST_H

#include <stdio.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};
static struct test *tests_first, **tests_end = &tests_first;
static int checks_failed;

#define TEST(id)                                                                                   \
	static void id(void);                                                                      \
	static struct test id##_entry = {#id, id, NULL};                                           \
	__attribute__((constructor)) static void id##_add(void)                                    \
	{                                                                                          \
		*tests_end = &id##_entry;                                                          \
		tests_end = &id##_entry.next;                                                      \
	}                                                                                          \
	static void id(void)

#define check_fail(...)                                                                            \
	(checks_failed++, printf("  %s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""))
#define check(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			check_fail("%s", #cond);                                                   \
	} while (0)
#define check_int(got, want)                                                                       \
	do {                                                                                       \
		long long g_ = (long long)(got), w_ = (long long)(want);                           \
		if (g_ != w_)                                                                      \
			check_fail("%s is %lld, not %lld", #got, g_, w_);                          \
	} while (0)
#define check_str(got, want)                                                                       \
	do {                                                                                       \
		const char *g_ = (got), *w_ = (want);                                              \
		if (!g_ || strcmp(g_, w_) != 0)                                                    \
			check_fail("%s is \"%s\", not \"%s\"", #got, g_ ? g_ : "(null)", w_);      \
	} while (0)

#define TEST_MAIN                                                                                  \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		int failed = 0;                                                                    \
                                                                                                   \
		for (struct test *t = tests_first; t; t = t->next) {                               \
			if (argc > 1 && !strstr(t->name, argv[1]))                                 \
				continue;                                                          \
			checks_failed = 0;                                                         \
			t->run();                                                                  \
			printf("%s %s\n", checks_failed ? "not ok" : "ok", t->name);               \
			failed |= checks_failed;                                                   \
		}                                                                                  \
		return failed != 0;                                                                \
	}

#endif
