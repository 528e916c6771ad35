/* SPDX-License-Identifier: MIT */
/*
 * notify.h - what systemd is told of the mount, if it started us: sd_notify(3)'s
 * protocol, a datagram to $NOTIFY_SOCKET. Without one nothing happens.
 */
#ifndef POURFS_NOTIFY_H
#define POURFS_NOTIFY_H

/* It is mounted; status: for "systemctl status". */
void notify_ready(const char *status);
/* It was unmounted or told to end, and what was not closed is being stored. */
void notify_stopping(const char *status);

#endif
