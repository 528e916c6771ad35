/* SPDX-License-Identifier: MIT */
/*
 * checksum.h - digests of byte ranges.
 *
 * Pure. 0, or -ENOMEM when OpenSSL gives no context (-EIO when it refuses the
 * digest, as MD5 in a FIPS build).
 */
#ifndef POURFS_CHECKSUM_H
#define POURFS_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define CHECKSUM_SHA256 32
#define CHECKSUM_SHA1   20
#define CHECKSUM_MD5    16
#define CHECKSUM_HEX    (2 * CHECKSUM_SHA256 + 1) /* room for any of them in hex */

#define checksum_must_check __attribute__((warn_unused_result))

int checksum_sha256(const struct iovec *iov, int iovcnt,
                    unsigned char out[CHECKSUM_SHA256]) checksum_must_check;
int checksum_sha1(const struct iovec *iov, int iovcnt,
                  unsigned char out[CHECKSUM_SHA1]) checksum_must_check;
int checksum_md5(const struct iovec *iov, int iovcnt,
                 unsigned char out[CHECKSUM_MD5]) checksum_must_check;
int checksum_hmac_sha256(const void *key, size_t key_size, const void *bytes, size_t n,
                         unsigned char out[CHECKSUM_SHA256]) checksum_must_check;

/* The CRCs that S3 knows. */
enum checksum_crc { CHECKSUM_CRC32, CHECKSUM_CRC32C, CHECKSUM_CRC64NVME };
uint64_t checksum_crc(enum checksum_crc kind, const struct iovec *iov, int iovcnt);

/* Lower case, NUL-terminated: to has room for 2 n + 1 bytes. Returns to. */
char *checksum_hex(char *to, const unsigned char *bytes, size_t n);
/* The reverse of exactly n bytes; -EINVAL if hex is anything else. */
int checksum_unhex(unsigned char *to, size_t n, const char *hex) checksum_must_check;

#endif
