/* SPDX-License-Identifier: MIT */
/*
 * mount.h - one mounted bucket: what all of fs/ works on.
 *
 * Made by main.c, constant after start but for what says otherwise.
 */
#ifndef POURFS_MOUNT_H
#define POURFS_MOUNT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "budget.h"
#include "room.h"
#include "s3.h"
#include "tree.h"
#include "workers.h"

/* Hidden objects of ours, below the mounted prefix. */
#define MOUNT_HIDDEN ".pourfs"

enum mount_staging { MOUNT_STAGING_AUTO, MOUNT_STAGING_ALWAYS, MOUNT_STAGING_NEVER };

struct mount_conf {
	const char *bucket;
	const char *prefix; /* "" or "some/folder/" */
	const char *mountpoint;
	const char *storage_class; /* of new objects; NULL: the service's default */
	const char *tags;          /* of new objects, as x-amz-tagging has them; NULL: none */
	const char *cache_control; /* of new objects; NULL: none */
	uint64_t part_size;
	uint64_t memory;
	unsigned parallel;  /* transfers of each direction at once */
	unsigned small;     /* requests at once that carry no bytes */
	unsigned max_parts; /* of one upload */
	bool equal_parts;   /* all but the last must be of one size */
	enum mount_staging staging;
	unsigned sync_interval_ms; /* 0: only when asked */
	unsigned ttl_ms;
	unsigned max_entries; /* names that are remembered */
	bool no_list;         /* the bucket may not be listed */
	uid_t uid;
	gid_t gid;
	mode_t umask;               /* for names that carry no mode of their own */
	mode_t file_mode, dir_mode; /* what those have */
	bool read_only;
	bool recover;            /* interrupted uploads, before anything else */
	const char *journal_dir; /* NULL: the usual place */
};

struct mount {
	struct mount_conf conf;
	struct s3 *s3;
	struct tree *tree;
	struct budget *budget;
	struct workers *uploads; /* parts and publishing */
	struct workers *fetches; /* reading */
	struct workers *flushes; /* changes of attributes, which may take as long as a copy */
	struct workers *looks;   /* attributes and listings before they are wanted */
	struct workers *copies;  /* ranges of large copies */
	struct carry *carry;     /* of what the service does not copy */
	struct workers *movers;  /* objects of directories that are renamed */
	struct workers *words;   /* to the kernel: kernel.h */
	void *session;           /* FUSE's, once it is there */
	bool roomy;              /* each FUSE thread may have three descriptors of its own */
	atomic_bool ending;      /* unmounted: nothing is put off any more */

	struct move *moves;           /* under way, see move.h; the tree's lock */
	pthread_mutex_t drafts_lock;  /* a leaf */
	struct draft *drafts;         /* all of them, see draft.h */
	pthread_mutex_t handles_lock; /* a leaf */
	struct handle *handles;       /* all that are open, see handle.h */
	pthread_mutex_t readers_lock; /* a leaf, but for reader->lock */
	struct reader *readers;       /* all of them, see reader.h */
	uint64_t besides;             /* bytes for all but contents; 0: nobody looks */
	_Atomic uint64_t weighed_ms;
	atomic_uint flying;          /* transfers that will free memory */
	struct room room;            /* and who waits for them: see room.h */
	_Atomic uint64_t pressed_ms; /* when a writer last found no memory; 0: never */
	_Atomic uint64_t next_hidden;
	_Atomic uint64_t looked_up, asked; /* names: what we knew, and what the service did */
	_Atomic uint64_t bad_keys;         /* that no path can name */
	char run_id[17];                   /* makes hidden names of this mount its own */
	time_t started;
	char *journal;                       /* its folder; NULL: there is none */
	struct journal_entry *journal_entry; /* of the mount itself */
	atomic_bool journal_needed;          /* it tells of what outlives the mount */
};

/* CLOCK_MONOTONIC. */
uint64_t mount_now_ms(void);

/* The key of a name: prefix and path. -ENAMETOOLONG, -ENOENT (n was unlinked), -ENOMEM. Takes the
 * tree's lock. */
int mount_key(struct mount *m, const struct node *n, struct buf *key) s3_must_check;
/* With the tree's lock held; name: NULL, or of a child of n. */
int mount_key_locked(struct mount *m, const struct node *n, const char *name,
                     struct buf *key) s3_must_check;

/* The same name has another key by now: what was asked of key is to be asked
 * again. name: as above. */
bool mount_key_moved_locked(struct mount *m, const struct node *n, const char *name,
                            const struct buf *key);
bool mount_key_moved(struct mount *m, const struct node *n, const char *name,
                     const struct buf *key);

/* A fresh hidden key: "PREFIX.pourfs/stage/RUN-N". */
int mount_hidden_key(struct mount *m, struct buf *key) s3_must_check;

/* What names, connections and all else need beyond what there was at mount_weigh_first(),
 * and a little, contents give up. arg: the struct mount. With any lock but the budget's. */
void mount_weigh_first(struct mount *m);
void mount_weigh(void *arg);

/* For what nobody may want: nobody waits for it for long, nor hears of it. */
struct s3_call mount_call_ahead(const struct mount *m);

/* What a name without attributes of its own has. type: S_IFREG or S_IFDIR. */
struct attr mount_default_attr(const struct mount *m, mode_t type, time_t mtime);

#endif
