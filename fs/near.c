/* SPDX-License-Identifier: MIT */
#include "near.h"

#include <string.h>

/* By what they are about. */
static const struct {
	const char *theirs, *advice;
} elsewhere[] = {
	{"url", "here it is endpoint=URL"},
	{"endpoint_url", "here it is endpoint=URL"},
	{"host", "here it is endpoint=URL"},
	{"s3_endpoint", "here it is endpoint=URL"},
	{"s3_region", "here it is region=NAME"},
	{"force_path_style", "here it is path_style"},
	{"use_path_request_style", "here it is path_style"},
	{"subdomain", "here it is virtual_host"},
	{"public_bucket", "here it is anonymous"},
	{"no_sign_request", "here it is anonymous"},
	{"passwd_file_path", "here it is passwd_file=FILE"},
	{"ssl_ca_file", "here it is ca_file=FILE"},
	{"ca_cert", "here it is ca_file=FILE"},
	{"cert", "here it is client_cert=FILE"},
	{"ssl_client_cert", "here it is client_cert=FILE"},
	{"default_acl", "here it is acl=NAME"},
	{"s3_acl", "here it is acl=NAME"},
	{"s3_storage_class", "here it is storage_class=NAME"},
	{"use_sse", "here it is sse=AES256, sse=aws:kms or sse_c_key_file=FILE"},
	{"server_side_encryption", "here it is sse=NAME"},
	{"s3_server_side_encryption", "here it is sse=NAME"},
	{"sse_kms_key", "here it is sse_kms_key_id=ID"},
	{"s3_sse_kms_key_id", "here it is sse_kms_key_id=ID"},
	{"s3_sse_customer_key", "here it is sse_c_key_file=FILE"},
	{"requester_pay", "here it is requester_pays"},
	{"expected_bucket_owner", "here it is bucket_owner=ACCOUNT"},
	{"mime", "here it is mime_types=FILE"},
	{"ahbe_conf", "here it is cache_control=TEXT and tags=NAME=VALUE"},
	{"multipart_size", "here it is part_size=SIZE"},
	{"s3_chunk_size", "here it is part_size=SIZE"},
	{"write_part_size", "here it is part_size=SIZE"},
	{"parallel_count", "here it is parallel=N"},
	{"multireq_max", "here it is parallel=N"},
	{"transfers", "here it is parallel=N"},
	{"s3_upload_concurrency", "here it is parallel=N"},
	{"max_threads", "here it is parallel=N"},
	{"buffer_size", "here it is memory=SIZE"},
	{"memory_limit", "here it is memory=SIZE"},
	{"retries", "here it is retry_time=SECONDS"},
	{"readwrite_timeout", "here it is stall_timeout=SECONDS"},
	{"timeout", "here it is stall_timeout=SECONDS"},
	{"contimeout", "here it is connect_timeout=SECONDS"},
	{"stat_cache_expire", "here it is ttl=SECONDS"},
	{"stat_cache_ttl", "here it is ttl=SECONDS"},
	{"type_cache_ttl", "here it is ttl=SECONDS"},
	{"dir_cache_time", "here it is ttl=SECONDS"},
	{"attr_timeout", "here it is ttl=SECONDS"},
	{"entry_timeout", "here it is ttl=SECONDS"},
	{"metadata_ttl", "here it is ttl=SECONDS"},
	{"max_stat_cache_size", "here it is max_entries=N"},
	{"mp_umask", "here it is umask=OCTAL"},
	{"read_only", "here it is ro"},
	{"dbglevel", "here it is log_level=LEVEL"},
	{"curldbg", "here it is log_level=debug"},
	{"debug", "here it is log_level=debug"},
	{"use_cache", "pourfs needs no copy on disk"},
	{"ensure_diskfree", "pourfs needs no copy on disk"},
	{"tmpdir", "pourfs needs no copy on disk"},
	{"cache", "pourfs needs no copy on disk"},
	{"vfs_cache_mode", "pourfs needs no copy on disk"},
	{"allow_delete", "files can be deleted"},
	{"allow_overwrite", "files can be overwritten"},
	{"nomultipart", "only what is larger than part_size goes in parts"},
	{"http_proxy", "here it is proxy=URL"},
};

static char plain(char c)
{
	return c == '-' ? '_' : c;
}

static int same(const char *a, const char *b)
{
	while (*a && plain(*a) == plain(*b)) {
		a++;
		b++;
	}
	return !*a && !*b;
}

const char *near_advice(const char *name)
{
	name += strspn(name, "-");
	for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
		if (same(name, elsewhere[i].theirs))
			return elsewhere[i].advice;
	return NULL;
}

unsigned near_distance(const char *a, const char *b)
{
	unsigned row[64];
	size_t n = strlen(b);

	if (n >= 63 || strlen(a) >= 63)
		return 3;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; a[i]; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < n; j++) {
			unsigned best = diagonal + (plain(a[i]) != plain(b[j]));

			diagonal = row[j + 1];
			best = best < diagonal + 1 ? best : diagonal + 1;
			row[j + 1] = best < row[j] + 1 ? best : row[j] + 1;
		}
	}
	return row[n] < 3 ? row[n] : 3;
}
