/* SPDX-License-Identifier: MIT */
/*
 * recover.h - brings back what a crash has interrupted, as the journal tells it.
 *
 * A draft becomes the file that is left of it (rebuild.h). What nobody needs any
 * more, uploads and hidden objects, is removed with it.
 */
#ifndef POURFS_RECOVER_H
#define POURFS_RECOVER_H

#include <stdarg.h>
#include <stdbool.h>

#include "journal.h"
#include "s3.h"

struct recover {
	struct s3 *s3;
	const char *folder; /* of the journal */
	const char *bucket, *endpoint;
	const char *prefix; /* "" or "some/folder/": nothing outside is touched */
	void (*say)(const char *text);

	unsigned failed; /* out: what could not be brought back, and stays as it is */
};

/* Completes the interrupted uploads of those keys, or if n is 0 of all that the
 * journal knows. An object that has the name by now is replaced only if its key
 * was named, or if it is just what the upload goes on from. Says what became of
 * each. -errno: the journal or the bucket cannot be read. */
int recover_all(struct recover *r, const char *const *keys, size_t n) s3_must_check;

/* Ends those uploads instead, with what belongs to them; and those of unknown
 * origin that began before older_than (0: none). */
int recover_abort(struct recover *r, int64_t older_than) s3_must_check;

/* An upload that has not ended. */
struct recover_upload {
	const char *key, *id;
	uint64_t size; /* bytes of it that the service has */
	int64_t began; /* s */
	const char *state;
};

#define RECOVER_WRITING     "writing"     /* a process on this computer is at it */
#define RECOVER_INTERRUPTED "interrupted" /* can be recovered */
#define RECOVER_REMOVED     "removed"     /* nobody wants it: it is being ended */
#define RECOVER_UNKNOWN     "unknown"     /* of somebody else, or another computer */

/* Calls what for each. */
int recover_list(struct recover *r, void (*what)(const struct recover_upload *u, void *arg),
                 void *arg) s3_must_check;

/* How many wait in the journal to be recovered. */
unsigned recover_waiting(struct recover *r);

/* The entry of a mount, which makes its hidden objects garbage when it is dead. */
int recover_enter_mount(struct journal_entry **e, const struct recover *r,
                        const char *run) s3_must_check;

#endif
