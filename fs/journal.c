/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define NAME_SIZE 64
#define TEXT_MAX  (64U << 20)

#define HALF_WRITTEN_S 60

struct journal_entry {
	int dir, file;
	char name[NAME_SIZE]; /* "" : it has none yet */
};

static const char *const suffixes[JOURNAL_KINDS] = {
	[JOURNAL_DRAFT] = ".upload", [JOURNAL_RENAME] = ".rename", [JOURNAL_MOUNT] = ".mount"};

/* -------------------------------------------------------------- the folder */

/* Folders down to path, for nobody else. */
static int make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		int err;

		if (slash)
			*slash = 0;
		err = mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
		if (slash)
			*slash = '/';
		if (err || !slash)
			return err;
	}
}

int journal_folder(const char *dir, bool make, char **path)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	const struct passwd *user = dir || state || home ? NULL : getpwuid(geteuid());
	struct buf b = BUF_INIT;
	int err;

	if (dir)
		buf_adds(&b, dir);
	else if (state && *state == '/')
		buf_addf(&b, "%s/pourfs", state);
	else if (home && *home == '/' && home[1])
		buf_addf(&b, "%s/.local/state/pourfs", home);
	else if (user && *user->pw_dir == '/' && user->pw_dir[1]) /* a service has no HOME */
		buf_addf(&b, "%s/.local/state/pourfs", user->pw_dir);
	else
		buf_adds(&b, "/var/lib/pourfs");
	err = buf_error(&b);
	if (!err && make)
		err = make_folders(b.s);
	if (!err && make && access(b.s, W_OK | X_OK))
		err = -errno;
	*path = err ? NULL : buf_detach(&b);
	buf_fini(&b);
	return err;
}

static int open_folder(const char *folder)
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -errno : dir;
}

/* ----------------------------------------------------------------- writing */

static int write_all(int fd, const char *s, size_t n)
{
	while (n) {
		ssize_t done = write(fd, s, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			s += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

static struct journal_entry *new_entry(const char *folder, enum journal_kind kind, int *err)
{
	struct journal_entry *e = malloc(sizeof *e);
	uint64_t n;

	*err = e && getrandom(&n, sizeof n, 0) == sizeof n ? 0 : -ENOMEM;
	if (*err) {
		free(e);
		return NULL;
	}
	e->file = -1;
	e->dir = open_folder(folder);
	snprintf(e->name, sizeof e->name, "%016llx%s", (unsigned long long)n, suffixes[kind]);
	if (e->dir < 0) {
		*err = e->dir;
		free(e);
		return NULL;
	}
	return e;
}

static void free_entry(struct journal_entry *e)
{
	if (e->file >= 0)
		close(e->file);
	if (e->dir >= 0)
		close(e->dir);
	free(e);
}

/* The text in a file of its own, which is locked before it gets the name. */
static int replace(struct journal_entry *e, const char *text, bool durable)
{
	char fresh[NAME_SIZE + 4];
	int fd, err = 0;

	snprintf(fresh, sizeof fresh, "%s~", e->name);
	fd = openat(e->dir, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		err = -errno;
	if (!err)
		err = write_all(fd, text, strlen(text));
	if (!err && durable && fdatasync(fd))
		err = -errno;
	if (!err && renameat(e->dir, fresh, e->dir, e->name))
		err = -errno;
	if (err) {
		close(fd);
		unlinkat(e->dir, fresh, 0);
		return err;
	}
	if (e->file >= 0)
		close(e->file);
	e->file = fd; /* from here on it is the entry, whatever follows */
	return durable && fsync(e->dir) ? -errno : 0;
}

int journal_write(struct journal_entry **e, const char *folder, enum journal_kind kind,
                  const char *text, bool durable)
{
	struct journal_entry *new = NULL;
	int err = 0;

	if (!*e)
		new = new_entry(folder, kind, &err);
	if (!err)
		err = replace(*e ? *e : new, text, durable);
	if (new &&new->file >= 0)
		*e = new;
	else if (new)
		free_entry(new);
	return err;
}

void journal_remove(struct journal_entry *e)
{
	if (!e)
		return;
	if (unlinkat(e->dir, e->name, 0))
		log_warn("the journal entry %s stays: %s", e->name, strerror(errno));
	free_entry(e);
}

void journal_leave(struct journal_entry *e)
{
	if (e)
		free_entry(e);
}

/* ----------------------------------------------------------------- reading */

static bool read_all(int fd, struct buf *text)
{
	char piece[4096];
	ssize_t n;

	while ((n = read(fd, piece, sizeof piece)) > 0 && text->len < TEXT_MAX)
		buf_add(text, piece, (size_t)n);
	return n == 0 && !buf_error(text);
}

static int lock_folder(int dir)
{
	while (flock(dir, LOCK_EX))
		if (errno != EINTR)
			return -errno;
	return 0;
}

static bool is_there(int dir, const char *name, int file)
{
	struct stat there, here;

	return !fstat(file, &here) && !fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) &&
	       here.st_ino == there.st_ino;
}

/* Opens the entry, and locks it if it is free. The folder is locked. Returns the
 * file, or -errno. */
static int open_entry(int dir, const char *name, bool *is_free)
{
	for (;;) {
		int file = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		if (file < 0)
			return -errno;
		*is_free = !flock(file, LOCK_EX | LOCK_NB);
		if (is_there(dir, name, file)) /* not replaced or removed before the lock */
			return file;
		close(file);
	}
}

static int look_at(int dir, const char *name, struct buf *text, bool *is_free)
{
	int err = lock_folder(dir), file = err ? err : open_entry(dir, name, is_free);

	if (file >= 0) {
		err = read_all(file, text) ? 0 : -EIO;
		close(file);
	}
	flock(dir, LOCK_UN);
	if (err)
		log_warn("the journal entry %s cannot be read", name);
	return file < 0 ? file : err;
}

int journal_take(const char *folder, const char *name, struct journal_entry **e, struct buf *text)
{
	struct journal_entry *new = malloc(sizeof *new);
	bool is_free = false;
	int err;

	if (!new)
		return -ENOMEM;
	snprintf(new->name, sizeof new->name, "%s", name);
	new->file = -1;
	new->dir = open_folder(folder);
	err = new->dir < 0 ? new->dir : lock_folder(new->dir);
	if (!err)
		new->file = open_entry(new->dir, name, &is_free);
	if (!err && new->file < 0)
		err = new->file;
	if (!err && !is_free)
		err = -EBUSY;
	if (!err && !read_all(new->file, text))
		err = -EIO;
	if (new->dir >= 0)
		flock(new->dir, LOCK_UN);
	if (err)
		free_entry(new);
	else
		*e = new;
	return err;
}

static int found(int dir, const char *name, journal_found *what, void *arg)
{
	struct journal_item item = {.name = name};
	struct buf text = BUF_INIT;
	int err = look_at(dir, name, &text, &item.is_free);

	item.text = text.s;
	err = err ? err : what(&item, arg);
	buf_fini(&text);
	return err == -ENOENT ? 0 : err;
}

/* A text that a crash kept from becoming an entry. */
static void remove_half_written(int dir, const char *name)
{
	struct stat st;
	int file = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (file < 0)
		return;
	/* Who writes it has it locked, but for the moment after it was made. */
	if (!flock(file, LOCK_EX | LOCK_NB) && !fstat(file, &st) && S_ISREG(st.st_mode) &&
	    time(NULL) - st.st_mtime > HALF_WRITTEN_S && is_there(dir, name, file))
		unlinkat(dir, name, 0);
	close(file);
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && n < NAME_SIZE && !strcmp(s + n - m, end);
}

int journal_each(const char *folder, enum journal_kind kind, journal_found *what, void *arg)
{
	char half[32];
	struct dirent **names;
	int dir = open_folder(folder);
	int n = dir < 0 ? -1 : scandir(folder, &names, NULL, alphasort), err = n < 0 ? -errno : 0;

	snprintf(half, sizeof half, "%s~", suffixes[kind]);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (!err && ends_with(name, suffixes[kind]))
			err = found(dir, name, what, arg);
		else if (ends_with(name, half))
			remove_half_written(dir, name);
		free(names[i]);
	}
	if (n > 0)
		free(names);
	if (dir >= 0)
		close(dir);
	return err == -ENOENT ? 0 : err; /* there is no journal */
}
