/* SPDX-License-Identifier: MIT */
#include "channel.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ops.h"

#define TELLS_BY_ITSELF 317 /* libfuse 3.17 */

static atomic_bool wanted; /* until FUSE_INIT was answered */

void channel_want_parallel_dirops(void)
{
	wanted = true;
}

/* The first answer to come after it was wanted is that to FUSE_INIT. */
static void amend(struct iovec *iov, int count)
{
	const struct fuse_out_header *head = iov[0].iov_base;
	struct fuse_init_out *init = count == 2 ? iov[1].iov_base : NULL;

	wanted = false;
	if (init && iov[0].iov_len == sizeof *head && !head->error &&
	    init->major == FUSE_KERNEL_VERSION &&
	    iov[1].iov_len >= offsetof(struct fuse_init_out, flags) + sizeof init->flags)
		init->flags |= FUSE_PARALLEL_DIROPS;
}

static ssize_t channel_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	(void)userdata;
	if (wanted)
		amend(iov, count);
	return writev(fd, iov, count);
}

static ssize_t channel_read(int fd, void *data, size_t len, void *userdata)
{
	(void)userdata;
	return read(fd, data, len);
}

static ssize_t channel_splice(int in, off_t *in_offset, int out, off_t *out_offset, size_t len,
                              unsigned flags, void *userdata)
{
	(void)userdata;
	return splice(in, in_offset, out, out_offset, len, flags);
}

void channel_open(struct fuse_session *session)
{
	static const struct fuse_custom_io io = {
		.writev = channel_writev,
		.read = channel_read,
		.splice_receive = channel_splice,
		.splice_send = channel_splice,
	};

	if (fuse_version() < TELLS_BY_ITSELF)
		(void)!fuse_session_custom_io(session, &io, fuse_session_fd(session));
}
