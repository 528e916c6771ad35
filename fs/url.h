/* SPDX-License-Identifier: MIT */
/* url.h - pourfs url: who has it may read one object, for a while. */
#ifndef POURFS_URL_H
#define POURFS_URL_H

int url_main(int argc, char **argv); /* the exit status */

#endif
