/* SPDX-License-Identifier: MIT */
/*
 * hints.h - will a program come back to what it has written?
 *
 * A part that has left can be read and patched only if its upload was created
 * under a hidden key, which costs a copy by the service when the file is
 * closed. So that is to be guessed before the first part leaves. Pure: a guess
 * that is wrong costs a copy, or an error that says which option decides.
 */
#ifndef POURFS_HINTS_H
#define POURFS_HINTS_H

#include <stdbool.h>
#include <stddef.h>

#define HINTS_HEAD 64 /* bytes of a file that tell what it is */

enum hints_program {
	HINTS_UNKNOWN,
	HINTS_STREAMS,  /* writes from the beginning to the end, whatever it is */
	HINTS_MUXES,    /* patches the beginning at most, of most formats */
	HINTS_REWRITES, /* was asked for a second pass */
};

/* The program of that command line: arguments, each ended by a NUL. */
enum hints_program hints_program(const char *arguments, size_t len);

/* Of a file that begins with these bytes. */
bool hints_many_passes(enum hints_program program, const void *head, size_t len);

/* ".name.XXXXXX": one of rsync's, written once and then renamed. */
bool hints_temporary(const char *name);

#endif
