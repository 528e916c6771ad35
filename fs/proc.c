/* SPDX-License-Identifier: MIT */
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is not there cannot be told from what cannot be opened for want of
 * descriptors: there will be one soon. */
static bool wait_for_files(unsigned *tries)
{
	if ((errno != EMFILE && errno != ENFILE) || ++*tries > 200)
		return false;
	usleep(10000);
	return true;
}

static FILE *open_file(const char *path)
{
	unsigned tries = 0;
	FILE *in;

	do
		in = fopen(path, "re");
	while (!in && wait_for_files(&tries));
	return in;
}

static DIR *open_dir(const char *path)
{
	unsigned tries = 0;
	DIR *dir;

	do
		dir = opendir(path);
	while (!dir && wait_for_files(&tries));
	return dir;
}

/* The number after name in a file of /proc; false: there is none. */
static bool number_in(const char *path, const char *name, int base, uint64_t *n)
{
	FILE *in = open_file(path);
	char line[256];
	bool found = false;

	if (!in)
		return false;
	while (!found && fgets(line, sizeof line, in)) {
		found = !strncmp(line, name, strlen(name));
		if (found)
			*n = strtoull(line + strlen(name), NULL, base);
	}
	fclose(in);
	return found;
}

static bool status_of(pid_t tid, const char *name, int base, uint64_t *n)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
	return number_in(path, name, base, n);
}

pid_t proc_process_of(pid_t tid)
{
	uint64_t n;

	return status_of(tid, "Tgid:", 10, &n) ? (pid_t)n : -1;
}

pid_t proc_parent_of(pid_t pid)
{
	uint64_t n;

	return status_of(pid, "PPid:", 10, &n) ? (pid_t)n : -1;
}

size_t proc_arguments(pid_t pid, char *to, size_t room)
{
	char path[64];
	FILE *in;
	size_t n;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	in = open_file(path);
	if (!in)
		return 0;
	n = fread(to, 1, room, in);
	fclose(in);
	return n;
}

bool proc_holds(pid_t pid, uint64_t ino)
{
	char path[400];
	DIR *dir;
	struct dirent *d;
	bool holds = false;

	snprintf(path, sizeof path, "/proc/%d/fdinfo", (int)pid);
	dir = open_dir(path);
	if (!dir)
		return false;
	while (!holds && (d = readdir(dir))) {
		uint64_t n;

		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/%d/fdinfo/%s", (int)pid, d->d_name);
		if (number_in(path, "ino:", 10, &n) && n == ino)
			holds = number_in(path, "flags:", 8, &n) && (n & O_ACCMODE) != O_RDONLY;
	}
	closedir(dir);
	return holds;
}

static uint64_t bit(int signal)
{
	return UINT64_C(1) << (signal - 1);
}

bool proc_wants_out(pid_t tid)
{
	const uint64_t stopping =
		bit(SIGKILL) | bit(SIGINT) | bit(SIGTERM) | bit(SIGQUIT) | bit(SIGHUP);
	const uint64_t harmless = bit(SIGCHLD) | bit(SIGURG) | bit(SIGWINCH) | bit(SIGCONT) |
	                          bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU) | bit(SIGSTOP);
	uint64_t own, shared, caught, pending;

	if (!status_of(tid, "SigPnd:", 16, &own) || !status_of(tid, "ShdPnd:", 16, &shared) ||
	    !status_of(tid, "SigCgt:", 16, &caught))
		return true; /* it is on its way out already */
	pending = own | shared;
	return pending & (stopping | ~(caught | harmless));
}
