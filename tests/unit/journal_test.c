/* SPDX-License-Identifier: MIT */
#include "journal.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[64];

static void begin(void)
{
	strcpy(folder, "/tmp/pourfs-journal.XXXXXX");
	check(mkdtemp(folder) != NULL);
}

static int is_entry(const struct dirent *d)
{
	return *d->d_name != '.';
}

struct seen {
	int n, live;
	char text[1000];
	bool remove;
};

static int note(const struct journal_item *item, void *arg)
{
	struct seen *seen = arg;
	struct journal_entry *e = NULL;
	struct buf text = BUF_INIT;

	seen->n++;
	seen->live += !item->is_free;
	strcat(seen->text, item->text);
	if (seen->remove) {
		check_int(journal_take(folder, item->name, &e, &text), item->is_free ? 0 : -EBUSY);
		check_str(e ? text.s : "", e ? item->text : "");
		journal_remove(e);
	}
	buf_fini(&text);
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

/* The owner of an entry is not to be told that it is in use, because another one
 * just looks. */
TEST(who_only_looks_is_in_nobodys_way)
{
	struct journal_entry *e = NULL;
	struct seen seen = {0};
	int status;
	pid_t child;

	begin();
	check_int(journal_write(&e, folder, JOURNAL_DRAFT, "free", false), 0);
	journal_leave(e);
	child = fork();
	while (!child) {
		if (journal_each(folder, JOURNAL_DRAFT, note, &seen))
			_exit(1);
		*seen.text = 0;
	}
	for (int i = 0; i < 2000; i++) {
		struct buf text = BUF_INIT;
		struct dirent **names;
		int n = scandir(folder, &names, is_entry, NULL);

		check_int(n, 1);
		e = NULL;
		check_int(journal_take(folder, names[0]->d_name, &e, &text), 0);
		journal_leave(e);
		free(names[0]);
		free(names);
		buf_fini(&text);
	}
	check_int(kill(child, SIGKILL), 0);
	check_int(waitpid(child, &status, 0), child);
	check(WIFSIGNALED(status));
	check_int(look(true).n, 1);
	check_int(rmdir(folder), 0);
}

TEST(a_text_that_was_half_written_goes_after_a_while)
{
	struct timespec old[2] = {{.tv_sec = time(NULL) - 100}, {.tv_sec = time(NULL) - 100}};
	char path[100];
	int fd;

	begin();
	snprintf(path, sizeof path, "%s/0123456789abcdef.upload~", folder);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	check(fd >= 0);
	check_int(look(false).n, 0);
	check_int(access(path, F_OK), 0); /* it may just be being written */
	check_int(futimens(fd, old), 0);
	close(fd);
	check_int(look(false).n, 0);
	check_int(rmdir(folder), 0);
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
	check_int(rmdir(path), 0);
	check_int(rmdir(state), 0);
	*strrchr(state, '/') = 0;
	check_int(rmdir(state), 0);
	check_int(rmdir(folder), 0);
	free(path);
}

TEST_MAIN
