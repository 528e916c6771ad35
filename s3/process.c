/* SPDX-License-Identifier: MIT */
#include "process.h"

#include "buf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS   100 /* whether it was cancelled */
#define ENDING_MS 10  /* whether it has ended, when it has said all */

extern char **environ;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* In a process group of its own, with the signals as a program expects them. */
static int start(const char *command, int to, pid_t *pid)
{
	char *const argv[] = {"sh", "-c", (char *)command, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
	                                        POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&files);
	err = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&files, to, 1);
	if (!err)
		err = posix_spawn(pid, "/bin/sh", &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -err;
}

/* All that is there to read. *open: there may be more. */
static int drain(int from, size_t max, struct buf *out, bool *open)
{
	char chunk[4096];
	ssize_t n;
	int err = 0;

	while (!err && (n = read(from, chunk, sizeof(chunk))) > 0) {
		if (out->len + (size_t)n > max)
			err = -EFBIG;
		else
			buf_add(out, chunk, (size_t)n);
	}
	if (!err && n < 0 && errno != EAGAIN && errno != EINTR)
		err = -errno;
	*open = *open && !err && n != 0;
	explicit_bzero(chunk, sizeof(chunk));
	return err ? err : buf_error(out);
}

/* Until it ends; what it leaves behind may hold its output open. */
static int attend(pid_t pid, int from, int64_t until, size_t max, const atomic_bool *cancel,
                  struct buf *out, int *raw)
{
	bool open = true;

	for (;;) {
		struct pollfd pfd = {.fd = open ? from : -1, .events = POLLIN};
		int err;
		pid_t ended;

		poll(&pfd, 1, open ? LOOK_MS : ENDING_MS);
		ended = waitpid(pid, raw, WNOHANG);
		err = open ? drain(from, max, out, &open) : 0;
		if (ended == pid || (ended < 0 && errno == ECHILD))
			return err;
		if (!err && cancel && *cancel)
			err = -EINTR;
		if (!err && now_ms() >= until)
			err = -ETIMEDOUT;
		if (err) {
			kill(-pid, SIGKILL);
			while (waitpid(pid, raw, 0) < 0 && errno == EINTR)
				;
			return err;
		}
	}
}

int process_read(const char *command, unsigned ms, size_t max, const atomic_bool *cancel,
                 struct buf *out, int *status)
{
	int ends[2], raw = 0, err;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	err = fcntl(ends[0], F_SETFL, O_NONBLOCK) ? -errno : start(command, ends[1], &pid);
	close(ends[1]);
	if (!err)
		err = attend(pid, ends[0], now_ms() + ms, max, cancel, out, &raw);
	*status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
	close(ends[0]);
	return err;
}
