/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"

#define INTERVAL_US 500000
#define BAR         24
#define SHOWN_MAX   4400 /* bytes of a path, all of them escaped */

static int usage(void)
{
	fputs("usage: pourfs status [--json | --watch] MOUNTPOINT\n", stderr);
	return 2;
}

/* The whole status file; 0 or -errno. */
static int fetch(const char *mountpoint, struct buf *text)
{
	struct buf path = BUF_INIT;
	char piece[8192];
	ssize_t n = 0;
	int fd;

	buf_clear(text);
	buf_addf(&path, "%s/.pourfs/status", mountpoint);
	fd = open(path.s, O_RDONLY | O_CLOEXEC);
	buf_fini(&path);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, piece, sizeof piece)) > 0)
		buf_add(text, piece, (size_t)n);
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? (int)n : buf_error(text);
}

static void amount(json_int_t bytes, char *to, size_t room)
{
	static const char units[] = "BKMGTP";
	double n = (double)bytes;
	int unit = 0;

	while (n >= 1000 && unit < 5) {
		n /= 1024;
		unit++;
	}
	if (unit)
		snprintf(to, room, "%.1f%ciB", n, units[unit]);
	else
		snprintf(to, room, "%.0fB", n);
}

static json_int_t number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

/* Terminal width, or 0: not a terminal. */
static int width(void)
{
	struct winsize w;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || !w.ws_col ? 80 : w.ws_col;
}

static void eta_text(const json_t *t, char *to, size_t room)
{
	const json_t *eta = json_object_get(t, "eta");
	json_int_t s = json_integer_value(eta);

	if (!json_is_integer(eta))
		snprintf(to, room, "--:--");
	else if (s < 3600)
		snprintf(to, room, "%02d:%02d", (int)(s / 60), (int)(s % 60));
	else
		snprintf(to, room, "%d:%02dh", (int)(s / 3600), (int)(s / 60 % 60));
}

/* A path as it is, or quoted if it could steer a terminal. */
static const char *shown(const json_t *t, const char *name, char to[SHOWN_MAX])
{
	const char *path = json_string_value(json_object_get(t, name));
	size_t n = path ? strlen(path) : 0;

	log_quote(to, SHOWN_MAX, path ? path : "");
	return strlen(to) == n + 2 && !memcmp(to + 1, path, n) ? path : to;
}

/* One file: how much of what was written is stored. */
static void print_transfer(const json_t *t, int columns)
{
	json_int_t size = number(t, "size"), stored = number(t, "bytes_stored");
	char size_text[32], stored_text[32], rate[32], eta[32], bar[BAR + 1];
	char text[SHOWN_MAX];
	const char *path = shown(t, "path", text);
	int full = size ? (int)((double)stored * BAR / (double)size) : 0;
	int room = columns ? columns - BAR - 54 : 60;
	int len = (int)strlen(path);

	memset(bar, '.', BAR);
	memset(bar, '#', (size_t)(full < BAR ? full : BAR));
	bar[BAR] = 0;
	amount(size, size_text, sizeof size_text);
	amount(stored, stored_text, sizeof stored_text);
	amount(number(t, "rate"), rate, sizeof rate);
	eta_text(t, eta, sizeof eta);
	if (room < 10)
		room = 10;
	path += len > room ? len - room : 0;
	while ((*path & 0xc0) == 0x80)
		path++;
	printf("%-*s [%s] %8s of %8s %8s/s %s %s", room, path, bar, stored_text, size_text, rate,
	       eta, json_string_value(json_object_get(t, "state")));
	if (number(t, "retries"))
		printf(" (%d retries)", (int)number(t, "retries"));
	putchar('\n');
}

/* A directory: what has its new name. How much there will be is not known. */
static void print_move(const json_t *t)
{
	char bytes[32], from[SHOWN_MAX], to[SHOWN_MAX];

	amount(number(t, "bytes_copied"), bytes, sizeof bytes);
	printf("%s -> %s: %d objects copied, %s, in %d s\n", shown(t, "path", from),
	       shown(t, "to", to), (int)number(t, "objects_copied"), bytes,
	       (int)number(t, "seconds"));
}

static void print_status(const json_t *root, int columns)
{
	const json_t *memory = json_object_get(root, "memory");
	const json_t *requests = json_object_get(root, "requests");
	const json_t *bytes = json_object_get(root, "bytes");
	const json_t *transfers = json_object_get(root, "transfers"), *t;
	char sent[32], received[32], used[32], limit[32];
	size_t i;

	amount(number(bytes, "sent"), sent, sizeof sent);
	amount(number(bytes, "received"), received, sizeof received);
	amount(number(memory, "used"), used, sizeof used);
	amount(number(memory, "limit"), limit, sizeof limit);
	printf("%s at %s: %s sent, %s received, %d requests, %d retries, %d failed, memory %s of "
	       "%s\n",
	       json_string_value(json_object_get(root, "bucket")),
	       json_string_value(json_object_get(root, "endpoint")), sent, received,
	       (int)number(requests, "sent"), (int)number(requests, "retries"),
	       (int)number(requests, "errors"), used, limit);
	json_array_foreach((json_t *)transfers, i, t)
	{
		if (json_object_get(t, "to"))
			print_move(t);
		else
			print_transfer(t, columns);
	}
	if (!json_array_size(transfers))
		puts("no file is being written");
}

static int show(const char *mountpoint, bool raw, bool again)
{
	struct buf text = BUF_INIT;
	json_t *root;
	int err = fetch(mountpoint, &text), columns = width();

	if (!err && raw) {
		puts(text.s);
	} else if (!err) {
		root = json_loads(text.s, 0, NULL);
		if (!root) {
			err = -EBADMSG;
		} else {
			if (again && columns)
				fputs("\033[H\033[J", stdout);
			print_status(root, columns);
			json_decref(root);
		}
	}
	fflush(stdout);
	buf_fini(&text);
	return err;
}

int watch_main(int argc, char **argv)
{
	const char *mountpoint = NULL;
	bool raw = false, watch = false;
	int err;

	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			raw = true;
		else if (!strcmp(argv[i], "--watch"))
			watch = true;
		else if (argv[i][0] == '-' || mountpoint)
			return usage();
		else
			mountpoint = argv[i];
	}
	if (!mountpoint || (raw && watch))
		return usage();
	for (err = show(mountpoint, raw, watch); !err && watch; err = show(mountpoint, raw, true))
		usleep(INTERVAL_US);
	if (!err)
		return 0;
	if (watch && err == -ENOTCONN)
		return 0; /* it was unmounted */
	if (err == -ENOENT || err == -ENOTDIR)
		fprintf(stderr, "pourfs: nothing is mounted by pourfs at %s\n", mountpoint);
	else
		fprintf(stderr, "pourfs: the status of %s cannot be read: %s\n", mountpoint,
		        strerror(-err));
	return 1;
}
