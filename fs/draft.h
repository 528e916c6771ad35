/* SPDX-License-Identifier: MIT */
/*
 * draft.h - the unpublished content of a file, and how it gets into the bucket.
 *
 * A draft is a part table (parts.h) and the upload that carries it. Programs
 * edit it (edit.c); transfers are jobs of the worker pools (flight.h). After
 * each edit and each landing draft_pump() decides what flies next: nothing
 * else starts a transfer.
 *
 *	step        a job is about to                     then
 *	READY       (transfers of parts may fly)
 *	CREATING    create an upload, send a part         READY
 *	STAGING     complete the staged upload            READY
 *	PUTTING     put or copy the file as one object    the draft is gone
 *	COMPLETING  complete the upload                   the draft is gone
 *	ABORTING    abort an upload                       READY, without it
 *
 * An error latches: write, fsync and close report it until the last writer has
 * closed; then the draft goes, and the object is what it was.
 *
 * Locks: file->lock, but where a function says otherwise.
 */
#ifndef POURFS_DRAFT_H
#define POURFS_DRAFT_H

#include "answer.h"
#include "file.h"
#include "parts.h"

enum draft_step {
	DRAFT_READY,
	DRAFT_CREATING,
	DRAFT_STAGING,
	DRAFT_PUTTING,
	DRAFT_COMPLETING,
	DRAFT_ABORTING
};

struct draft_upload {
	char *key, *id; /* NULL: none */
};

struct note;
struct reader;

/* An object whose ranges are in the draft. */
struct draft_source {
	char *key; /* NULL: not needed any more */
	struct s3_etag etag;
	uint64_t size;
	bool ours;             /* hidden; deleted with the draft */
	bool moving;           /* about to get another key or ETag */
	struct reader *reader; /* NULL: nobody has read from it */
};

struct draft {
	struct file *file;             /* counted */
	struct draft *next, *previous; /* of the mount; drafts_lock */
	struct parts *parts;
	enum draft_step step;
	struct draft_upload own, staged; /* as in parts.h */
	unsigned flights;                /* jobs that have to come back */
	unsigned reading;                /* reads from sources under way */
	bool dirty;                      /* differs from the object */
	bool publish;                    /* wanted */
	bool sync;                       /* wanted: no byte is in memory alone */
	bool stage;                      /* wanted: the staged upload completed */
	bool judged;                     /* which way its slots go was thought about */
	unsigned composing;              /* slots */
	bool exclusive;     /* there is no object of this name, and may not be (O_EXCL) */
	bool discarded;     /* unlinked: never to be published */
	bool reserve;       /* the budget's reserve may be taken from, just now */
	bool told;          /* that a range is sealed */
	bool left;          /* failed, and its uploads wait to be recovered */
	int error;          /* 0 or -errno, latched */
	atomic_bool cancel; /* ends its transfers */
	struct draft_source *sources;
	int nsources;
	uint64_t write_end;         /* of the last write */
	struct timespec written_at; /* of the last write; 0: none since mtime was set */
	uint64_t synced_ms;         /* sync_interval */
	int sync_error;             /* of the last sync that came to its end */

	/* for the journal: see record.h */
	struct note *note; /* NULL: it was told nothing */
	struct s3_etag base;
	uint64_t base_size, kept;

	/* for the new object, from attr_take() */
	struct attr attr;
	struct s3_headers headers;
	unsigned taken;

	/* for status */
	uint64_t started_ms;
	uint64_t written;      /* bytes, by programs */
	_Atomic uint64_t sent; /* bytes, to the network */
	_Atomic uint64_t retries;
	uint64_t sample_ms, sample_bytes;
	double rate; /* bytes a second, smoothed */
};

/* ---------------------------------------------- for file handles: no lock */

/* Begins a draft with nothing in it, for a new or truncated file; what was
 * unpublished is dropped. exclusive: if somebody else has made the object when
 * it is published, that fails with -EEXIST. */
int draft_begin(struct file *f, bool exclusive, const atomic_bool *cancel) s3_must_check;

/* append: at the end, wherever that is by now. Returns len or -errno; -EIO, which
 * latches: in could not be read. */
ssize_t draft_write(struct file *f, const struct parts_input *in, size_t len, uint64_t offset,
                    bool append, const atomic_bool *cancel) s3_must_check;
/* Adds to the answer. Returns len, or less at the end. -ENODATA: there is no
 * draft; read the object. */
ssize_t draft_read(struct file *f, struct answer *to, size_t len, uint64_t offset,
                   const atomic_bool *cancel) s3_must_check;
int draft_truncate(struct file *f, uint64_t size, const atomic_bool *cancel) s3_must_check;
/* [offset, offset + len) becomes zeros; grow: the file may become longer. */
int draft_zero(struct file *f, uint64_t offset, uint64_t len, bool grow,
               const atomic_bool *cancel) s3_must_check;
/* [offset, offset + len) becomes that range of from, which is not being
 * written. The service will copy it. Returns len or less, 0 at its end;
 * -EOPNOTSUPP: it must be read and written. */
ssize_t draft_copy(struct file *f, uint64_t offset, struct file *from, uint64_t from_offset,
                   uint64_t len, const atomic_bool *cancel) s3_must_check;
/* The next byte of the file from offset on that is data, or is none: lseek(2)
 * with SEEK_DATA or SEEK_HOLE. -ENXIO, -ENODATA: there is no draft. */
int64_t draft_seek(struct file *f, uint64_t offset, bool data);
/* A write up to there will decide which way the slots go, by who writes. */
bool draft_will_judge(struct file *f, uint64_t end);
/* More than one pass over the file is to be expected; not any more, as what comes now is
 * another file, if nobody else writes it. */
void draft_expect_passes(struct file *f);
void draft_forget_passes(struct file *f);

/* Publishes and waits for the outcome; interrupted, it goes on by itself. */
int draft_publish(struct file *f, const atomic_bool *cancel) s3_must_check;
/* Publishes and does not wait. */
void draft_publish_later(struct file *f);
/* Makes the bytes durable: see pourfs(7), fsync. */
int draft_sync(struct file *f, const atomic_bool *cancel) s3_must_check;
/* The latched error. */
int draft_error(struct file *f);
/* Somebody has the file open from now on. While it may be written the draft
 * stays until its outcome is told; while it has no name, for its readers. */
void draft_user_came(struct file *f, bool writes);
/* And no more. After the last writer: publishes what is dirty, forgets what failed. */
void draft_user_gone(struct file *f, bool writes);
/* The file was unlinked. */
void draft_discard(struct file *f);

/* Size and time of the last write, if there is a draft. */
bool draft_stat(struct file *f, uint64_t *size, struct timespec *mtime);
/* A program has set the mtime: what was written before does not count. */
void draft_mtime_set(struct file *f);

/* Calls what for each draft, with its file's lock held, until one says true. */
bool draft_any(struct mount *m, bool (*what)(struct draft *d, void *arg), void *arg);

/* ------------------------------------------- objects that drafts refer to */

/* The object of that key is about to get another key or another ETag: what
 * drafts have of it stays valid. draft_moved() must follow; to NULL: it has
 * not been changed. No lock. */
void draft_moving(struct mount *m, const char *key);
void draft_moved(struct mount *m, const char *key, const char *to, const struct s3_etag *made);
/* The object of that key is about to be replaced or removed: drafts that have
 * ranges of it get a hidden copy each. No lock. */
int draft_rescue(struct mount *m, const char *key, const struct draft *but,
                 struct s3_call *call) s3_must_check;

/* ----------------- between draft.c, edit.c, transfer.c, aside.c and publish.c */

/* A draft with nothing in it. */
int draft_new(struct file *f) s3_must_check;
/* One whose content is the object's, to be edited. -EAGAIN: that is just being
 * changed. */
int draft_from_object(struct file *f) s3_must_check;
void draft_pump(struct draft *d);
/* A directory above is being renamed: no object may be made before it has been.
 * Who renames it waits for what had begun, and pumps. */
bool draft_name_moves(const struct draft *d);
void draft_fail(struct draft *d, int error); /* latches; error < 0 */
/* The file has no name any more: its bytes go nowhere. */
void draft_set_discarded(struct draft *d);
/* Frees a draft that is published, failed or unwanted, once all its jobs are
 * back. true: it is gone, and the caller owes a file_put(). */
bool draft_free_if_done(struct draft *d) s3_must_check;

/* With no lock held: makes memory free up, or waits until it may have. must: others
 * wait until the caller has it. */
void draft_relieve(struct mount *m, bool must);
/* Waits for room for so many bytes (see room.h), without file->lock meanwhile. 0: look
 * again, there is room or the draft is another; -EINTR. */
int draft_wait_for_room(struct file *f, uint64_t bytes, const atomic_bool *cancel) s3_must_check;

/* Each starts one job. An action is taken over, also on error. */
int transfer_start(struct draft *d, struct parts_action *a) s3_must_check; /* SEND or COPY */
int transfer_start_abort(struct draft *d, struct draft_upload *u) s3_must_check;
int aside_start_compose(struct draft *d, uint64_t slot) s3_must_check;
int aside_start_spill(struct draft *d, struct parts_action *a) s3_must_check;
int aside_start_stage(struct draft *d) s3_must_check;
int publish_start_put(struct draft *d, struct parts_action *a) s3_must_check; /* NULL: no bytes */
int publish_start_copy(struct draft *d, int source) s3_must_check;
int publish_start_complete(struct draft *d) s3_must_check;

#endif
