/* SPDX-License-Identifier: MIT */
/* uploads.h - the commands on uploads that were interrupted: their exit status. */
#ifndef POURFS_UPLOADS_H
#define POURFS_UPLOADS_H

int uploads_main(int argc, char **argv); /* pourfs uploads ... */
int recover_main(int argc, char **argv); /* pourfs recover ... */

#endif
