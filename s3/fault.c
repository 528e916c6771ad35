/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <errno.h>
#include <string.h>

static int errno_of_code(const char *code)
{
	static const struct {
		const char *code;
		int err;
	} codes[] = {
		{"NoSuchKey", ENOENT},
		{"NoSuchUpload", ENOENT},
		{"NoSuchBucket", ENOENT},
		{"NoSuchVersion", ENOENT},
		{"AccessDenied", EACCES},
		{"InvalidAccessKeyId", EACCES},
		{"SignatureDoesNotMatch", EACCES},
		{"ExpiredToken", EACCES},
		{"InvalidToken", EACCES},
		{"PreconditionFailed", ESTALE},
		{"QuotaExceeded", EDQUOT},
		{"StorageQuotaExceeded", EDQUOT},
		{"TotalStorageExceeded", EDQUOT},
		{"XMinioAdminBucketQuotaExceeded", EDQUOT},
		{"storage_cap_exceeded", EDQUOT},
		{"InsufficientStorage", ENOSPC},
		{"XMinioStorageFull", ENOSPC},
		{"EntityTooLarge", EFBIG},
		{"NotImplemented", EOPNOTSUPP},
		{"MethodNotAllowed", EOPNOTSUPP},
		/* Should the retries of these end, it's no fault of the request. */
		{"RequestTimeout", EIO},
		{"BadDigest", EIO},
		{"XAmzContentSHA256Mismatch", EIO},
		{"IncompleteBody", EIO},
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (strcmp(code, codes[i].code) == 0)
			return codes[i].err;
	return 0;
}

static int errno_of_status(int status)
{
	switch (status) {
	case 400:
		return EINVAL;
	case 401:
	case 403:
		return EACCES;
	case 404:
		return ENOENT;
	case 405:
	case 501:
		return EOPNOTSUPP;
	case 412:
		return ESTALE;
	case 413:
		return EFBIG;
	case 507:
		return ENOSPC;
	default:
		return EIO;
	}
}

int fault_errno(int status, const char *code, unsigned flags)
{
	int err = errno_of_code(code);

	if (!err)
		err = errno_of_status(status);
	if (err == ESTALE && (flags & S3_IF_ABSENT))
		err = EEXIST;
	return -err;
}
