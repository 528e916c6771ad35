/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

static void tell(const char *state, const char *status)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = path ? strlen(path) : 0;
	char text[512];
	int fd;

	if (!n || n >= sizeof to.sun_path || !strchr("/@", *path))
		return;
	memcpy(to.sun_path, path, n);
	if (*path == '@')
		to.sun_path[0] = '\0'; /* it has no place in the file system */
	snprintf(text, sizeof text, "%s\nSTATUS=%s\nMAINPID=%d\n", state, status, (int)getpid());
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
	                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		log_warn("systemd cannot be told %s: %s", state, strerror(errno));
	if (fd >= 0)
		close(fd);
}

void notify_ready(const char *status)
{
	tell("READY=1", status);
}

void notify_stopping(const char *status)
{
	tell("STOPPING=1", status);
}
