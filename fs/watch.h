/* SPDX-License-Identifier: MIT */
/* watch.h - the command pourfs status: shows what a running mount is doing. */
#ifndef POURFS_WATCH_H
#define POURFS_WATCH_H

/* The command line behind "status". Returns the exit status. */
int watch_main(int argc, char **argv);

#endif
