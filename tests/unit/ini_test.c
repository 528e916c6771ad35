/* SPDX-License-Identifier: MIT */
#include "ini.h"

#include "test.h"

#include <errno.h>

static int parse(struct ini *ini, const char *text, unsigned *line)
{
	return ini_parse(ini, text, strlen(text), line);
}

TEST(sections_keys_and_comments_are_those_of_the_aws_tools)
{
	struct ini ini;
	unsigned line;

	check_int(parse(&ini,
	                "# comment\n"
	                "[default]\r\n"
	                "aws_access_key_id=AK\r\n"
	                "  \n"
	                "aws_secret_access_key = a/b+c=d#e ; why\n"
	                "; more\n"
	                "[profile two] # words\n"
	                "region\t=\teu-west-1\n"
	                "[empty]",
	                &line),
	          0);
	check_str(ini_get(&ini, "default", "aws_access_key_id"), "AK");
	check_str(ini_get(&ini, "default", "aws_secret_access_key"), "a/b+c=d#e");
	check_str(ini_get(&ini, "profile two", "region"), "eu-west-1");
	check(ini_get(&ini, "default", "region") == NULL);
	check(ini_get(&ini, "two", "region") == NULL);
	check(ini_has(&ini, "empty"));
	check(!ini_has(&ini, "full"));
	ini_fini(&ini);
}

TEST(indented_lines_belong_to_the_key_above)
{
	struct ini ini;
	unsigned line;

	check_int(parse(&ini,
	                "[default]\n"
	                "s3 =\n"
	                "  addressing_style = path\n"
	                "\tmax_concurrent_requests = 20\n"
	                "region = r\n",
	                &line),
	          0);
	check_str(ini_get(&ini, "default", "s3.addressing_style"), "path");
	check_str(ini_get(&ini, "default", "s3.max_concurrent_requests"), "20");
	check_str(ini_get(&ini, "default", "region"), "r");
	check(ini_get(&ini, "default", "addressing_style") == NULL);
	ini_fini(&ini);
}

TEST(the_last_value_wins)
{
	struct ini ini;
	unsigned line;

	check_int(parse(&ini, "[a]\nk=1\n[b]\nk=2\n[a]\nk=3\n", &line), 0);
	check_str(ini_get(&ini, "a", "k"), "3");
	check_str(ini_get(&ini, "b", "k"), "2");
	ini_fini(&ini);
}

TEST(what_is_no_such_file_is_refused_with_its_line)
{
	struct ini ini;
	unsigned line;

	check_int(parse(&ini, "[a]\nk=1\nnonsense\n", &line), -EINVAL);
	check_int(line, 3);
	check_int(parse(&ini, "[a\n", &line), -EINVAL);
	check_int(line, 1);
	check_int(parse(&ini, "[a]\n  k = 1\n", &line), -EINVAL);
	check_int(line, 2);
	check_int(parse(&ini, "[a]\n= 1\n", &line), -EINVAL);
	check_int(parse(&ini, "[a] b\n", &line), -EINVAL);
	check_int(ini_parse(&ini, "[a]\nk=\0v\n", 9, &line), -EINVAL);
	check_int(ini.n, 0);
}

TEST_MAIN
