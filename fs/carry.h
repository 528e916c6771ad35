/* SPDX-License-Identifier: MIT */
/* carry.h - copies that the service refuses to make (Ceph, of encrypted objects):
 * their bytes go down and up again, through memory beside the budget: a part at a time,
 * of few copies at once.
 *
 * Threads: any, with no lock held; they wait for each other. Errors as s3_copy(). */
#ifndef POURFS_CARRY_H
#define POURFS_CARRY_H

#include "mount.h"

struct carry {
	pthread_mutex_t lock; /* a leaf */
	pthread_cond_t ended;
	unsigned under_way;
	bool large; /* the last of them took more than usual */
};

struct carry *carry_new(void); /* NULL: no memory */
void carry_free(struct carry *c);

/* As copy_whole() is to make it. -ESTALE: from was changed meanwhile. What is larger than
 * max_parts parts of 8 MiB is -EOPNOTSUPP. */
int carry_object(struct mount *m, const char *from, const struct s3_etag *etag, const char *to,
                 const struct s3_headers *headers, unsigned flags, struct s3_etag *made,
                 struct s3_call *call) s3_must_check;

/* As s3_upload_part_copy(); a part that is larger than those of the mount is -EOPNOTSUPP. */
int carry_part(struct mount *m, const char *key, const char *id, unsigned number, const char *from,
               uint64_t offset, uint64_t size, const struct s3_etag *etag, struct s3_etag *made,
               struct s3_call *call) s3_must_check;

#endif
