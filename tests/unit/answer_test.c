/* SPDX-License-Identifier: MIT */
#include "answer.h"
#include "test.h"

#include <string.h>

/* All that the answer has. */
static const char *bytes_of(const struct answer *a)
{
	static char s[256];
	size_t n = 0;

	for (int i = 0; i < a->n; i++) {
		memcpy(s + n, a->iov[i].iov_base, a->iov[i].iov_len);
		n += a->iov[i].iov_len;
	}
	check_int(n, a->len);
	s[n] = '\0';
	return s;
}

static char *digits(struct budget *b)
{
	char *block = budget_take(b, false);

	memcpy(block, "0123456789", 10);
	return block;
}

TEST(an_answer_is_what_was_added_in_that_order)
{
	struct budget *b = budget_new(2 * BUDGET_BLOCK, 0);
	char *block = digits(b);
	struct answer a;

	answer_begin(&a, b, 100);
	check_int(answer_add(&a, "ab", 2), 0);
	check_int(answer_add(&a, "cd", 2), 0);
	check_int(a.n, 1);
	check_int(answer_add_block(&a, block + 3, 4), 0);
	memcpy(answer_room(&a), "ef", 2);
	answer_add_room(&a, 2);
	check_int(answer_add(&a, "g", 1), 0);
	check_str(bytes_of(&a), "abcd3456efg");
	check_int(a.n, 3);
	check_int(answer_add(&a, NULL, 3), 0);
	check(!memcmp(bytes_of(&a), "abcd3456efg\0\0\0", 14));
	answer_end(&a);
	budget_put(b, block);
	budget_free(b);
}

TEST(a_block_in_an_answer_is_held_until_its_end)
{
	struct budget *b = budget_new(BUDGET_BLOCK, 0);
	char *block = budget_take(b, false);
	struct answer a;

	answer_begin(&a, b, 100);
	check_int(answer_add_block(&a, block, 5), 0);
	budget_put(b, block);
	check(!budget_take(b, false));
	check_int(answer_add_block(&a, block + 7, 5), 0);
	answer_cut(&a, 5);
	check(!budget_take(b, false));
	answer_end(&a);
	block = budget_take(b, false);
	check(block);
	budget_put(b, block);
	budget_free(b);
}

TEST(an_answer_is_cut_anywhere)
{
	struct budget *b = budget_new(BUDGET_BLOCK, 0);
	char *block = digits(b);

	for (size_t len = 0; len <= 9; len++) {
		struct answer a;
		char want[16];

		answer_begin(&a, b, 100);
		check_int(answer_add(&a, "abc", 3), 0);
		check_int(answer_add_block(&a, block, 3), 0);
		check_int(answer_add(&a, "def", 3), 0);
		answer_cut(&a, len);
		snprintf(want, sizeof(want), "%.*s", (int)len, "abc012def");
		check_str(bytes_of(&a), want);
		check_int(answer_add(&a, "xy", 2), 0);
		check_int(answer_add_block(&a, block + 8, 2), 0);
		strcat(want, "xy89");
		check_str(bytes_of(&a), want);
		answer_end(&a);
	}
	budget_put(b, block);
	budget_free(b);
}

TEST(more_pieces_than_an_answer_holds_are_copied)
{
	struct budget *b = budget_new(BUDGET_BLOCK, 0);
	char *block = budget_take(b, false), want[64];
	struct answer a;

	for (int first = 0; first < 2; first++) {
		answer_begin(&a, b, 40);
		if (first)
			check_int(answer_add(&a, "-", 1), 0);
		for (int i = first; i < 40; i++) {
			block[i] = want[i] = (char)('a' + i % 26);
			check_int(answer_add_block(&a, block + i, 1), 0);
		}
		want[0] = first ? '-' : want[0];
		want[40] = '\0';
		check_str(bytes_of(&a), want);
		check_int(a.n, ANSWER_PIECES);
		answer_end(&a);
	}
	budget_put(b, block);
	budget_free(b);
}

TEST(an_answer_of_its_own_holds_no_block)
{
	struct budget *b = budget_new(2 * BUDGET_BLOCK, 0);
	char *block = digits(b);
	struct answer a;

	answer_begin(&a, b, 100);
	check_int(answer_own(&a), 0);
	check_int(a.n, 0);
	check_int(answer_add_block(&a, block, 3), 0);
	check_int(answer_add(&a, "abc", 3), 0);
	check_int(answer_add_block(&a, block + 5, 4), 0);
	check_int(answer_own(&a), 0);
	memcpy(block, "##########", 10);
	check_str(bytes_of(&a), "012abc5678");
	check_int(a.n, 1);
	check_int(answer_own(&a), 0);
	check_int(answer_add(&a, "!", 1), 0);
	check_int(a.n, 1);
	budget_put(b, block);
	check_int(budget_used(b), 0);
	check_str(bytes_of(&a), "012abc5678!");
	answer_end(&a);
	budget_free(b);
}

TEST(an_answer_of_nothing_is_none)
{
	struct budget *b = budget_new(BUDGET_BLOCK, 0);
	struct answer a;

	answer_begin(&a, b, 0);
	check(answer_room(&a));
	answer_add_room(&a, 0);
	check_int(answer_add(&a, "", 0), 0);
	check_int(a.n, 0);
	answer_end(&a);
	budget_free(b);
}

TEST_MAIN
