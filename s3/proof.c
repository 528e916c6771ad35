/* SPDX-License-Identifier: MIT */
#include "proof.h"

#include "buf.h"
#include "encode.h"
#include "xml.h"

#include <string.h>

/* As the headers have it: base64 of the number, its highest byte first. */
static bool is_crc(const char *value, enum checksum_crc kind, const struct iovec *iov, int iovcnt)
{
	size_t n = kind == CHECKSUM_CRC64NVME ? 8 : 4;
	uint64_t crc = checksum_crc(kind, iov, iovcnt);
	unsigned char bytes[8];
	struct buf text = BUF_INIT;
	bool same;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (unsigned char)(crc >> 8 * (n - 1 - i));
	base64_encode(&text, bytes, n);
	same = buf_error(&text) || strcmp(text.s, value) == 0;
	buf_fini(&text);
	return same;
}

static bool is_sha256(const char *value, const struct iovec *iov, int iovcnt)
{
	unsigned char digest[CHECKSUM_SHA256];
	struct buf text = BUF_INIT;
	bool same = true;

	if (checksum_sha256(iov, iovcnt, digest) == 0) {
		base64_encode(&text, digest, sizeof(digest));
		same = buf_error(&text) || strcmp(text.s, value) == 0;
	}
	buf_fini(&text);
	return same;
}

static enum proof by_checksum(const struct s3_headers *h, const struct iovec *iov, int iovcnt,
                              const char **by)
{
	static const char *const crcs[] = {
		[CHECKSUM_CRC32] = "x-amz-checksum-crc32",
		[CHECKSUM_CRC32C] = "x-amz-checksum-crc32c",
		[CHECKSUM_CRC64NVME] = "x-amz-checksum-crc64nvme",
	};
	const char *value = s3_headers_get(h, *by = "x-amz-checksum-sha256");

	if (value && !strchr(value, '-'))
		return is_sha256(value, iov, iovcnt) ? PROOF_GOOD : PROOF_BAD;
	for (unsigned i = 0; i < sizeof(crcs) / sizeof(*crcs); i++) {
		value = s3_headers_get(h, *by = crcs[i]);
		if (value && !strchr(value, '-'))
			return is_crc(value, (enum checksum_crc)i, iov, iovcnt) ? PROOF_GOOD
			                                                        : PROOF_BAD;
	}
	return PROOF_NONE;
}

static bool may_be_md5(const struct s3_headers *h, const struct s3_etag *etag)
{
	const char *encryption = s3_headers_get(h, "x-amz-server-side-encryption");
	unsigned char digest[CHECKSUM_MD5];

	return checksum_unhex(digest, sizeof(digest), etag->s) == 0 &&
	       (!encryption || strcmp(encryption, "AES256") == 0) &&
	       !s3_headers_get(h, "x-amz-server-side-encryption-customer-algorithm");
}

enum proof proof_of(const struct s3_headers *headers, const struct iovec *iov, int iovcnt,
                    const char **by, char md5[CHECKSUM_HEX])
{
	enum proof proof = by_checksum(headers, iov, iovcnt, by);
	const char *value = s3_headers_get(headers, "etag");
	unsigned char digest[CHECKSUM_MD5];
	struct s3_etag etag;

	md5[0] = '\0';
	xml_set_etag(&etag, value ? value : "");
	if (proof != PROOF_NONE || !may_be_md5(headers, &etag) ||
	    checksum_md5(iov, iovcnt, digest) != 0)
		return proof;
	*by = "etag";
	checksum_hex(md5, digest, sizeof(digest));
	return strcasecmp(md5, etag.s) == 0 ? PROOF_GOOD : PROOF_NOT_MD5;
}
