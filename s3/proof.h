/* SPDX-License-Identifier: MIT */
/*
 * proof.h - what an answer says of the bytes of a whole object, and whether it is so.
 *
 * A checksum of the whole object that the service names (x-amz-checksum-*; one
 * made of the checksums of parts, as its "-" tells, says nothing of the bytes),
 * or an ETag that has the form of an MD5. The MD5 it is only of what was put as
 * one, and is not encrypted with a key of the customer's or of KMS. Pure.
 */
#ifndef POURFS_PROOF_H
#define POURFS_PROOF_H

#include "checksum.h"
#include "s3.h"

enum proof {
	PROOF_NONE,    /* there is nothing to check against */
	PROOF_GOOD,    /* these are the bytes */
	PROOF_BAD,     /* these are others, says a checksum */
	PROOF_NOT_MD5, /* the MD5 is not the ETag; no checksum says anything */
};

/* headers: of the answer. iov: the whole object. *by: what it was
 * checked by. md5: their MD5 in hex, if PROOF_GOOD by it or PROOF_NOT_MD5. */
enum proof proof_of(const struct s3_headers *headers, const struct iovec *iov, int iovcnt,
                    const char **by, char md5[CHECKSUM_HEX]);

#endif
