/* SPDX-License-Identifier: MIT */
#include "checksum.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

static int digest(const EVP_MD *kind, const struct iovec *iov, int iovcnt, unsigned char *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	if (!ctx)
		return -ENOMEM;
	ok = EVP_DigestInit_ex(ctx, kind, NULL);
	for (int i = 0; ok && i < iovcnt; i++)
		ok = EVP_DigestUpdate(ctx, iov[i].iov_base, iov[i].iov_len);
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

int checksum_sha256(const struct iovec *iov, int iovcnt, unsigned char out[CHECKSUM_SHA256])
{
	return digest(EVP_sha256(), iov, iovcnt, out);
}

int checksum_sha1(const struct iovec *iov, int iovcnt, unsigned char out[CHECKSUM_SHA1])
{
	return digest(EVP_sha1(), iov, iovcnt, out);
}

int checksum_md5(const struct iovec *iov, int iovcnt, unsigned char out[CHECKSUM_MD5])
{
	return digest(EVP_md5(), iov, iovcnt, out);
}

int checksum_hmac_sha256(const void *key, size_t key_size, const void *bytes, size_t n,
                         unsigned char out[CHECKSUM_SHA256])
{
	return HMAC(EVP_sha256(), key, (int)key_size, bytes, n, out, NULL) ? 0 : -ENOMEM;
}

/* What each byte does to the rest: of the polynomial with its bits reversed. */
static void make_crc_table(enum checksum_crc kind, uint64_t table[256])
{
	static const uint64_t polynomials[] = {[CHECKSUM_CRC32] = 0xedb88320,
	                                       [CHECKSUM_CRC32C] = 0x82f63b78,
	                                       [CHECKSUM_CRC64NVME] = 0x9a6c9329ac4bc9b5};

	for (unsigned byte = 0; byte < 256; byte++) {
		uint64_t rest = byte;

		for (int bit = 0; bit < 8; bit++)
			rest = rest >> 1 ^ (rest & 1 ? polynomials[kind] : 0);
		table[byte] = rest;
	}
}

uint64_t checksum_crc(enum checksum_crc kind, const struct iovec *iov, int iovcnt)
{
	uint64_t ones = kind == CHECKSUM_CRC64NVME ? UINT64_MAX : UINT32_MAX, rest = ones;
	uint64_t table[256]; /* made in less time than 4 KiB take */

	make_crc_table(kind, table);
	for (int i = 0; i < iovcnt; i++) {
		const unsigned char *b = iov[i].iov_base;

		for (size_t k = 0; k < iov[i].iov_len; k++)
			rest = rest >> 8 ^ table[(rest ^ b[k]) & 0xff];
	}
	return rest ^ ones;
}

char *checksum_hex(char *to, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		to[2 * i] = digits[bytes[i] >> 4];
		to[2 * i + 1] = digits[bytes[i] & 15];
	}
	to[2 * n] = '\0';
	return to;
}

int checksum_unhex(unsigned char *to, size_t n, const char *hex)
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(hex) != 2 * n)
		return -EINVAL;
	for (size_t i = 0; i < 2 * n; i++) {
		char c = hex[i] >= 'A' && hex[i] <= 'F' ? (char)(hex[i] - 'A' + 'a') : hex[i];
		const char *at = strchr(digits, c);

		if (!at)
			return -EINVAL;
		to[i / 2] = (unsigned char)(to[i / 2] << 4 | (at - digits));
	}
	return 0;
}
