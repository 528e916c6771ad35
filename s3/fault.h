/* SPDX-License-Identifier: MIT */
/*
 * fault.h - the one place where S3's answers become errno. Pure.
 */
#ifndef POURFS_FAULT_H
#define POURFS_FAULT_H

#include "s3.h"

/* What an answer of this status and <Code> ("" if none was read) means, as
 * -errno; see the table in s3.h. status may be 200: some errors come that way. */
int fault_errno(int status, const char *code, unsigned flags) s3_must_check;

#endif
