/* SPDX-License-Identifier: MIT */
#include "journal.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static void begin(void)
{
	strcpy(folder, "/tmp/pourfs-journal.XXXXXX");
	check(mkdtemp(folder) != NULL);
}

struct seen {
	int n, live;
	char text[1000];
	bool remove;
};

static int note(struct journal_entry *e, const char *text, void *arg)
{
	struct seen *seen = arg;

	seen->n++;
	seen->live += !e;
	strcat(seen->text, text);
	if (seen->remove)
		journal_remove(e);
	else
		journal_leave(e);
	return 0;
}

static struct seen look(bool remove)
{
	struct seen seen = {.remove = remove};

	check_int(journal_each(folder, JOURNAL_DRAFT, note, &seen), 0);
	return seen;
}

TEST(an_entry_is_its_writers_until_that_lets_go)
{
	struct journal_entry *e = NULL;

	begin();
	check_int(journal_write(&e, folder, JOURNAL_DRAFT, "one", false), 0);
	check_int(journal_write(&e, folder, JOURNAL_DRAFT, "two", true), 0);
	check_int(look(false).live, 1);
	check_str(look(true).text, "two"); /* and is not removed */
	journal_leave(e);
	check_int(look(false).live, 0);
	check_int(look(true).n, 1);
	check_int(look(true).n, 0);
	check_int(rmdir(folder), 0); /* nothing else was left in it */
}

TEST(the_end_of_a_process_frees_what_it_had)
{
	struct seen seen;
	int status;
	pid_t child;

	begin();
	child = fork();
	if (!child) {
		struct journal_entry *e = NULL;

		_exit(journal_write(&e, folder, JOURNAL_DRAFT, "orphan", false) != 0);
	}
	check_int(waitpid(child, &status, 0), child);
	check_int(status, 0);
	seen = look(true);
	check_int(seen.live, 0);
	check_str(seen.text, "orphan");
	check_int(rmdir(folder), 0);
}

TEST(kinds_are_told_apart)
{
	struct journal_entry *draft = NULL, *mount = NULL;

	begin();
	check_int(journal_write(&draft, folder, JOURNAL_DRAFT, "draft", false), 0);
	check_int(journal_write(&mount, folder, JOURNAL_MOUNT, "mount", false), 0);
	check_str(look(false).text, "draft");
	journal_remove(draft);
	journal_remove(mount);
	check_int(rmdir(folder), 0);
}

TEST(where_nothing_can_be_written_that_is_said)
{
	struct journal_entry *e = NULL;
	struct seen seen = {0};
	char *path;

	check_int(journal_write(&e, "/nowhere/at/all", JOURNAL_DRAFT, "x", false), -ENOENT);
	check(e == NULL);
	check_int(journal_each("/nowhere/at/all", JOURNAL_DRAFT, note, &seen), 0);
	check_int(journal_folder("/proc/no/such", true, &path), -ENOENT);
	check(path == NULL);
}

TEST(the_folder_is_made_for_its_owner_alone)
{
	struct stat st;
	char *path = NULL, state[100];

	begin();
	snprintf(state, sizeof state, "%s/a/b", folder);
	check_int(setenv("XDG_STATE_HOME", state, 1), 0);
	check_int(journal_folder(NULL, true, &path), 0);
	check(path && !stat(path, &st));
	check_int(st.st_mode & 0777, 0700);
	check_str(path ? path + strlen(state) : "", "/pourfs");
	free(path);
}

TEST_MAIN
