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

/* Until it closes its output. */
static int read_output(int from, int64_t until, size_t max, struct buf *out)
{
	char chunk[4096];
	int err = 0;

	while (!err) {
		struct pollfd pfd = {.fd = from, .events = POLLIN};
		int64_t left = until - now_ms();
		ssize_t n;

		if (left <= 0 || !poll(&pfd, 1, (int)left)) {
			err = -ETIMEDOUT;
			break;
		}
		n = read(from, chunk, sizeof(chunk));
		if (!n)
			break;
		if (n < 0)
			err = errno == EINTR ? 0 : -errno;
		else if (out->len + (size_t)n > max)
			err = -EFBIG;
		else
			buf_add(out, chunk, (size_t)n);
	}
	explicit_bzero(chunk, sizeof(chunk));
	return err ? err : buf_error(out);
}

int process_read(const char *command, unsigned ms, size_t max, struct buf *out, int *status)
{
	int ends[2], raw = 0, err;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	err = start(command, ends[1], &pid);
	close(ends[1]);
	if (!err) {
		err = read_output(ends[0], now_ms() + ms, max, out);
		if (err)
			kill(-pid, SIGKILL);
		while (waitpid(pid, &raw, 0) < 0 && errno == EINTR)
			;
		*status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
	}
	close(ends[0]);
	return err;
}
