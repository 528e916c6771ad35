/* SPDX-License-Identifier: MIT */
/* check.h - pourfs check: what the service lets us do. */
#ifndef POURFS_CHECK_H
#define POURFS_CHECK_H

int check_main(int argc, char **argv); /* the exit status */

#endif
