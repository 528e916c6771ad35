/* SPDX-License-Identifier: MIT */
#include "process.h"

#include "buf.h"
#include "test.h"

#include <errno.h>
#include <time.h>

static int run(const char *command, unsigned ms, const atomic_bool *cancel, const char *says,
               int ends)
{
	struct buf out = BUF_INIT;
	int status = -1, err = process_read(command, ms, 1000, cancel, &out, &status);

	if (!err) {
		check_str(out.s, says);
		check_int(status, ends);
	}
	buf_fini(&out);
	return err;
}

TEST(what_it_prints_and_how_it_ends_is_told)
{
	check_int(run("echo a; echo b", 5000, NULL, "a\nb\n", 0), 0);
	check_int(run("printf x; exit 3", 5000, NULL, "x", 3), 0);
	check_int(run("kill -9 $$", 5000, NULL, "", 137), 0);
	check_int(run("cat", 5000, NULL, "", 0), 0); /* it has no input */
	check_int(run("/no/such/program 2>/dev/null", 5000, NULL, "", 127), 0);
}

TEST(it_has_its_time_whatever_it_closes)
{
	time_t began = time(NULL);

	check_int(run("sleep 60", 200, NULL, "", 0), -ETIMEDOUT);
	check_int(run("echo a; exec >&-; sleep 60", 200, NULL, "", 0), -ETIMEDOUT);
	check(time(NULL) - began < 20);
}

TEST(what_it_leaves_behind_is_not_waited_for)
{
	time_t began = time(NULL);

	check_int(run("sleep 15 & echo keys", 30000, NULL, "keys\n", 0), 0);
	check(time(NULL) - began < 12);
}

TEST(it_can_be_called_off)
{
	const atomic_bool cancel = true;
	time_t began = time(NULL);

	check_int(run("sleep 60", 50000, &cancel, "", 0), -EINTR);
	check(time(NULL) - began < 20);
}

TEST(it_says_only_so_much)
{
	check_int(run("head -c 100000 /dev/zero", 5000, NULL, "", 0), -EFBIG);
}

TEST_MAIN
