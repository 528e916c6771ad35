/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include "test.h"

TEST(an_object_is_known_to_be_made_of_its_parts_by_its_etag)
{
	struct s3_part v[] = {
		{1, 6, {"b1946ac92492d2347c6235b4d2611184"}},
		{3, 6, {"591785b794601e212b260e25925636fd"}},
	};
	struct s3_parts one = {v, 1}, two = {v, 2}, none = {v, 0};

	check(s3_parts_make(&one, &(struct s3_etag){"6a6d8d4533507d490ab007dfe8314ab7-1"}));
	check(!s3_parts_make(&two, &(struct s3_etag){"6a6d8d4533507d490ab007dfe8314ab7-1"}));
	check(!s3_parts_make(&none, &(struct s3_etag){""}));
	v[0].etag = (struct s3_etag){"no MD5"};
	check(!s3_parts_make(&one, &(struct s3_etag){"6a6d8d4533507d490ab007dfe8314ab7-1"}));
}

TEST_MAIN
