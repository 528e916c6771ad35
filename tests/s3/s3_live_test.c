/* SPDX-License-Identifier: MIT */
/* The contract of s3.h, kept against a real service. Where it is and who we
 * are comes from AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY;
 * POURFS_TEST_BUCKET is a bucket that may be written below live/. */
#include "s3.h"

#include "../unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB (1U << 20)

static struct s3 *open_s3(const struct s3_conf *wanted)
{
	struct s3_conf conf = wanted ? *wanted : (struct s3_conf){0};
	struct s3_fault fault;
	struct s3 *s3 = NULL;

	if (!conf.bucket)
		conf.bucket = getenv("POURFS_TEST_BUCKET");
	check_int(s3_new(&s3, &conf, &fault), 0);
	if (!s3) {
		printf("%s\n", fault.message);
		exit(1);
	}
	return s3;
}

static int put(struct s3 *s3, const char *key, const void *bytes, size_t n, struct s3_etag *etag)
{
	struct iovec iov = {(void *)bytes, n};
	struct s3_body body = {&iov, 1, n};

	return s3_put(s3, key, NULL, &body, 0, etag, NULL);
}

static void check_content(struct s3 *s3, const char *key, const char *want)
{
	char got[256] = "";
	struct iovec iov = {got, sizeof(got) - 1};

	check_int(s3_get(s3, key, 0, &iov, 1, NULL, NULL, NULL), strlen(want));
	check_str(got, want);
}

/* What an earlier run left behind when it was killed. */
static void abort_uploads(struct s3 *s3)
{
	struct s3_uploads u;

	check_int(s3_uploads(s3, "live/", &u, NULL), 0);
	for (size_t i = 0; i < u.n; i++)
		check_int(s3_upload_abort(s3, u.v[i].key, u.v[i].id, NULL), 0);
	s3_uploads_fini(&u);
}

/* Whether the service is one that has not this feature (tests/lib.sh). */
static bool without(const char *feature)
{
	const char *all = getenv("POURFS_TEST_WITHOUT");

	return all && strstr(all, feature);
}

TEST(odd_keys_are_kept_to_the_byte)
{
	static const char *const keys[] = {
		"live/odd/plain",
		"live/odd/sp ace",
		"live/odd/pl+us",
		"live/odd/per%20cent%",
		"live/odd/a~=&?#;:@!$'()*,[]",
		"live/odd/Z\xc3\xbcrich/\xe6\x9d\xb1\xe4\xba\xac \xf0\x9f\x8e\xac.mp4",
		"live/odd/<xml>&\"quote\"",
		"live/odd/back\\slash",
		"live/odd/dir/",
		"live/odd/tab\tnew\nline\x01",
	};
	const size_t n = sizeof(keys) / sizeof(*keys);
	struct s3 *s3 = open_s3(NULL);
	struct s3_page page;
	struct s3_object o;
	size_t found = 0;
	int results[16];

	for (size_t i = 0; i < n; i++) {
		check_int(put(s3, keys[i], keys[i], strlen(keys[i]), NULL), 0);
		check_content(s3, keys[i], keys[i]);
		check_int(s3_head(s3, keys[i], &o, NULL), 0);
		check_int(o.size, strlen(keys[i]));
		s3_object_fini(&o);
	}
	check_int(s3_list(s3, "live/odd/", 0, NULL, NULL, 1000, &page, NULL), 0);
	check_int(page.n, n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < page.n; k++)
			found += strcmp(keys[i], page.v[k].key) == 0;
	check_int(found, n);
	s3_page_fini(&page);
	check_int(s3_copy(s3, keys[5], NULL, keys[4], NULL, 0, NULL, NULL), 0);
	check_content(s3, keys[4], keys[5]);
	check_int(s3_delete_many(s3, keys, n, results, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		check_int(results[i], 0);
		check_int(s3_head(s3, keys[i], &o, NULL), -ENOENT);
	}
	s3_free(s3);
}

TEST(a_put_is_seen_with_its_headers_times_and_etag)
{
	struct s3 *s3 = open_s3(NULL);
	struct s3_headers h = {0};
	struct iovec iov[] = {{(char *)"hel", 3}, {(char *)"", 0}, {(char *)"lo", 2}};
	struct s3_body body = {iov, 3, 5};
	struct s3_etag etag;
	struct s3_object o;

	check_int(s3_headers_set(&h, "Content-Type", "video/mp4"), 0);
	check_int(s3_headers_set(&h, "x-amz-meta-mtime", "12.000000001"), 0);
	check_int(s3_headers_set(&h, "x-amz-meta-mode", "33188"), 0);
	check_int(s3_put(s3, "live/put", &h, &body, 0, &etag, NULL), 0);
	check_str(etag.s, "5d41402abc4b2a76b9719d911017c592");
	check_int(s3_head(s3, "live/put", &o, NULL), 0);
	check_int(o.size, 5);
	check_str(o.etag.s, etag.s);
	check(labs(time(NULL) - o.modified) < 60);
	check_str(s3_headers_get(&o.headers, "content-type"), "video/mp4");
	check_str(s3_headers_get(&o.headers, "x-amz-meta-mtime"), "12.000000001");
	check_str(s3_headers_get(&o.headers, "x-amz-meta-mode"), "33188");
	check(s3_headers_get(&o.headers, "date") == NULL);
	s3_object_fini(&o);
	s3_headers_fini(&h);
	s3_free(s3);
}

TEST(ranges_end_where_the_object_ends)
{
	struct s3 *s3 = open_s3(NULL);
	char a[4] = "", b[8] = "";
	struct iovec iov[] = {{a, 3}, {b, 7}}, one = {b, 1};
	struct s3_etag etag, other = {"00000000000000000000000000000000"};
	struct s3_object o;

	check_int(put(s3, "live/range", "0123456789", 10, &etag), 0);
	check_int(s3_get(s3, "live/range", 2, iov, 2, &etag, &o, NULL), 8);
	check_str(a, "234");
	check_str(b, "56789");
	check_int(o.size, 10);
	check_str(o.etag.s, etag.s);
	s3_object_fini(&o);
	check_int(s3_get(s3, "live/range", 9, &one, 1, NULL, NULL, NULL), 1);
	check_int(b[0], '9');
	check_int(s3_get(s3, "live/range", 10, iov, 2, NULL, NULL, NULL), 0);
	check_int(s3_get(s3, "live/range", 1000, iov, 2, NULL, &o, NULL), 0);
	check_int(o.size, 10);
	s3_object_fini(&o);
	check_int(s3_get(s3, "live/range", 0, iov, 2, &other, NULL, NULL), -ESTALE);
	check_int(s3_get(s3, "live/none", 0, iov, 2, NULL, NULL, NULL), -ENOENT);
	check_int(put(s3, "live/empty", "", 0, NULL), 0);
	check_int(s3_get(s3, "live/empty", 0, iov, 2, NULL, &o, NULL), 0);
	check_int(o.size, 0);
	s3_object_fini(&o);
	s3_free(s3);
}

TEST(a_copy_takes_all_metadata_or_the_new)
{
	struct s3 *s3 = open_s3(NULL);
	struct s3_headers h = {0};
	struct iovec iov = {(char *)"data", 4};
	struct s3_body body = {&iov, 1, 4};
	struct s3_etag etag, copied;
	struct s3_object o;

	check_int(s3_headers_set(&h, "content-type", "audio/ogg"), 0);
	check_int(s3_headers_set(&h, "x-amz-meta-uid", "1000"), 0);
	check_int(s3_put(s3, "live/copy/a b+c", &h, &body, 0, &etag, NULL), 0);
	check_int(s3_copy(s3, "live/copy/a b+c", &etag, "live/copy/d", NULL, 0, &copied, NULL), 0);
	check_str(copied.s, etag.s);
	check_int(s3_head(s3, "live/copy/d", &o, NULL), 0);
	check_str(s3_headers_get(&o.headers, "content-type"), "audio/ogg");
	check_str(s3_headers_get(&o.headers, "x-amz-meta-uid"), "1000");
	check_int(s3_headers_set(&o.headers, "x-amz-meta-uid", "7"), 0);
	check_int(s3_copy(s3, "live/copy/d", NULL, "live/copy/d", &o.headers, 0, NULL, NULL), 0);
	s3_object_fini(&o);
	check_int(s3_head(s3, "live/copy/d", &o, NULL), 0);
	check_str(s3_headers_get(&o.headers, "x-amz-meta-uid"), "7");
	check_str(s3_headers_get(&o.headers, "content-type"), "audio/ogg");
	s3_object_fini(&o);
	check_int(s3_copy(s3, "live/none", NULL, "live/copy/e", NULL, 0, NULL, NULL), -ENOENT);
	s3_headers_fini(&h);
	s3_free(s3);
}

TEST(lists_have_pages_and_prefixes)
{
	struct s3 *s3 = open_s3(NULL);
	const char *want[] = {"live/list/0", "live/list/1", "live/list/2", "live/list/d/",
	                      "live/list/e/"};
	struct s3_page page;
	char key[64], *token = NULL;
	size_t n = 0, pages = 0;

	for (int i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "live/list/%d", i);
		check_int(put(s3, key, "xx", 2, NULL), 0);
		snprintf(key, sizeof(key), "live/list/d/%d", i);
		check_int(put(s3, key, "x", 1, NULL), 0);
	}
	check_int(put(s3, "live/list/e/f", "x", 1, NULL), 0);
	do {
		check_int(s3_list(s3, "live/list/", '/', NULL, token, 2, &page, NULL), 0);
		check(page.n <= 2);
		for (size_t i = 0; i < page.n && n < 5; i++, n++) {
			check_str(page.v[i].key, want[n]);
			check_int(page.v[i].prefix, n >= 3);
			check_int(page.v[i].size, n < 3 ? 2 : 0);
		}
		free(token);
		token = page.next ? strdup(page.next) : NULL;
		s3_page_fini(&page);
	} while (token && ++pages < 10);
	free(token);
	check_int(n, 5);
	check_int(s3_list(s3, "live/list/", 0, "live/list/d/1", NULL, 1000, &page, NULL), 0);
	check_int(page.n, 2);
	if (page.n == 2)
		check_str(page.v[0].key, "live/list/d/2");
	s3_page_fini(&page);
	check_int(s3_list(s3, "live/nowhere/", '/', NULL, NULL, 1000, &page, NULL), 0);
	check_int(page.n, 0);
	s3_page_fini(&page);
	s3_free(s3);
}

static char *pattern(size_t n, unsigned seed)
{
	char *bytes = malloc(n);

	for (size_t i = 0; bytes && i < n; i++)
		bytes[i] = (char)((i * 2654435761U + seed) >> 11);
	return bytes;
}

static int part(struct s3 *s3, const char *key, const char *id, struct s3_part *p,
                const char *bytes, size_t n)
{
	struct iovec iov[] = {{(void *)bytes, n / 3}, {(void *)(bytes + n / 3), n - n / 3}};
	struct s3_body body = {iov, 2, n};

	p->size = n;
	return s3_upload_part(s3, key, id, p->number, &body, &p->etag, NULL);
}

TEST(an_upload_in_parts_becomes_one_object)
{
	const char *key = "live/multi part+";
	struct s3 *s3 = open_s3(NULL);
	char *a = pattern(5 * MIB, 1), *b = pattern(5 * MIB, 2), *got = malloc(11 * MIB);
	struct s3_part p[3] = {{.number = 1}, {.number = 2}, {.number = 4}}, wrong[3];
	struct s3_parts listed;
	struct s3_uploads uploads;
	struct iovec iov = {got, 11 * MIB};
	struct s3_headers h = {0};
	struct s3_object o;
	struct s3_etag etag, source;
	char *id = NULL;

	check_int(s3_headers_set(&h, "content-type", "video/webm"), 0);
	abort_uploads(s3);
	check_int(s3_upload_create(s3, key, &h, &id, NULL), 0);
	check_int(part(s3, key, id, &p[0], b, 5 * MIB), 0);
	check_int(part(s3, key, id, &p[0], a, 5 * MIB), 0); /* overwritten */
	check_int(put(s3, "live/source", b, 5 * MIB, &source), 0);
	check_int(s3_upload_part_copy(s3, key, id, 2, "live/source", 0, 5 * MIB, &source,
	                              &p[1].etag, NULL),
	          0);
	p[1].size = 5 * MIB;
	check_int(part(s3, key, id, &p[2], "the end", 7), 0);
	check_int(s3_upload_parts(s3, key, id, &listed, NULL), 0);
	check_int(listed.n, 3);
	for (size_t i = 0; i < listed.n && i < 3; i++) {
		check_int(listed.v[i].number, p[i].number);
		check_int(listed.v[i].size, p[i].size);
		check_str(listed.v[i].etag.s, p[i].etag.s);
	}
	s3_parts_fini(&listed);
	check_int(s3_uploads(s3, "live/multi", &uploads, NULL), 0);
	check_int(uploads.n, 1);
	if (uploads.n == 1) {
		check_str(uploads.v[0].key, key);
		check_str(uploads.v[0].id, id);
		check(labs(time(NULL) - uploads.v[0].initiated) < 60);
	}
	s3_uploads_fini(&uploads);
	check_int(s3_head(s3, key, &o, NULL), -ENOENT);

	memcpy(wrong, p, sizeof(p));
	strcpy(wrong[0].etag.s, "00000000000000000000000000000000");
	check_int(s3_upload_complete(s3, key, id, wrong, 3, 10 * MIB + 7, 0, NULL, NULL), -EINVAL);
	check_int(s3_upload_complete(s3, key, id, p, 3, 10 * MIB, 0, NULL, NULL), -EINVAL);
	check_int(s3_upload_complete(s3, key, id, p, 3, 10 * MIB + 7, 0, &etag, NULL), 0);
	check(strlen(etag.s) == 34 && strcmp(etag.s + 32, "-3") == 0);
	check_int(s3_get(s3, key, 0, &iov, 1, &etag, &o, NULL), 10 * MIB + 7);
	check(memcmp(got, a, 5 * MIB) == 0 && memcmp(got + 5 * MIB, b, 5 * MIB) == 0);
	check(memcmp(got + 10 * MIB, "the end", 7) == 0);
	check_str(s3_headers_get(&o.headers, "content-type"), "video/webm");
	s3_object_fini(&o);
	/* Its ETag has a dash: the condition must hold all the same. */
	check_int(s3_copy(s3, key, &etag, "live/multi copy", NULL, 0, NULL, NULL), 0);
	check_int(s3_delete(s3, key, NULL), 0);
	free(id);
	free(a);
	free(b);
	free(got);
	s3_headers_fini(&h);
	s3_free(s3);
}

TEST(an_aborted_upload_leaves_nothing)
{
	struct s3 *s3 = open_s3(NULL);
	struct s3_part p = {.number = 1};
	struct s3_uploads uploads;
	struct s3_object o;
	struct s3_parts parts;
	struct s3_call call = {.retry_time_s = 1};
	char *id = NULL;
	int err;

	check_int(s3_upload_create(s3, "live/abort", NULL, &id, NULL), 0);
	check_int(part(s3, "live/abort", id, &p, "abc", 3), 0);
	check_int(s3_upload_abort(s3, "live/abort", id, NULL), 0);
	check_int(s3_upload_abort(s3, "live/abort", id, NULL), 0);
	check_int(s3_uploads(s3, "live/abort", &uploads, NULL), 0);
	check_int(uploads.n, 0);
	s3_uploads_fini(&uploads);
	free(id);
	id = NULL;
	check_int(s3_upload_create(s3, "live/abort", NULL, &id, NULL), 0);
	check_int(s3_upload_abort(s3, "live/abort", id, NULL), 0);
	check_int(s3_upload_parts(s3, "live/abort", id, &parts, NULL), -ENOENT);
	/* Ceph answers 500 where it should say NoSuchUpload. */
	err = s3_upload_complete(s3, "live/abort", id, &p, 1, 3, 0, NULL, &call);
	check(err == -ENOENT || (err == -EIO && call.fault.status == 500));
	check_int(s3_head(s3, "live/abort", &o, NULL), -ENOENT);
	free(id);
	s3_free(s3);
}

TEST(uploads_of_keys_that_xml_cannot_carry_are_listed_too)
{
	const char *key = "live/ctrl/\x01+ %41";
	struct s3 *s3;
	struct s3_uploads uploads;
	char *id = NULL;

	if (without("control"))
		return;
	s3 = open_s3(NULL);
	check_int(s3_upload_create(s3, key, NULL, &id, NULL), 0);
	check_int(s3_uploads(s3, "live/ctrl/", &uploads, NULL), 0);
	check_int(uploads.n, 1);
	if (uploads.n == 1)
		check_str(uploads.v[0].key, key);
	s3_uploads_fini(&uploads);
	check_int(s3_upload_abort(s3, key, id, NULL), 0);
	free(id);
	s3_free(s3);
}

TEST(deleting_what_is_not_there_is_no_error)
{
	const char *keys[] = {"live/never", "live/never\x01"};
	struct s3 *s3 = open_s3(NULL);

	check_int(s3_delete(s3, "live/never", NULL), 0);
	check_int(s3_delete_many(s3, keys, 2, NULL, NULL), 0);
	check_int(s3_delete_many(s3, keys, 0, NULL, NULL), 0);
	s3_free(s3);
}

TEST(if_absent_never_overwrites)
{
	struct s3 *s3;
	struct iovec iov = {(char *)"second", 6};
	struct s3_body body = {&iov, 1, 6};

	if (without("exclusive"))
		return;
	s3 = open_s3(NULL);
	check_int(s3_delete(s3, "live/absent", NULL), 0);
	check_int(s3_put(s3, "live/absent", NULL, &body, S3_IF_ABSENT, NULL, NULL), 0);
	iov = (struct iovec){(char *)"third", 5};
	body.size = 5;
	check_int(s3_put(s3, "live/absent", NULL, &body, S3_IF_ABSENT, NULL, NULL), -EEXIST);
	check_content(s3, "live/absent", "second");
	s3_free(s3);
}

TEST(faults_say_what_the_service_said)
{
	struct s3 *s3 = open_s3(&(struct s3_conf){.bucket = "no-such-bucket-here"});
	struct s3_call call = {0};
	struct s3_page page;
	char *secret = strdup(getenv("AWS_SECRET_ACCESS_KEY"));
	struct iovec iov = {(char *)"x", 1};
	struct s3_body body = {&iov, 1, 1};

	check_int(s3_list(s3, "", '/', NULL, NULL, 10, &page, &call), -ENOENT);
	check_str(call.fault.code, "NoSuchBucket");
	check_int(call.fault.status, 404);
	check(call.fault.request_id[0] != '\0');
	check_int(s3_delete(s3, "a", &call), -ENOENT);
	s3_free(s3);
	setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
	s3 = open_s3(NULL);
	check_int(s3_put(s3, "live/refused", NULL, &body, 0, NULL, &call), -EACCES);
	check_str(call.fault.code, "SignatureDoesNotMatch");
	check_int(s3_list(s3, "", '/', NULL, NULL, 10, &page, &call), -EACCES);
	s3_free(s3);
	setenv("AWS_SECRET_ACCESS_KEY", secret, 1);
	free(secret);
	s3 = open_s3(&(struct s3_conf){.anonymous = true});
	check(s3_list(s3, "", '/', NULL, NULL, 10, &page, &call) < 0);
	check_int(call.fault.status, without("unsigned") ? 412 : 403); /* to Swift it is no S3 */
	s3_free(s3);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A listening socket that nobody serves, or a free port if listening is false. */
static int loopback(char url[64], bool listening)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	check(bind(fd, (struct sockaddr *)&at, n) == 0);
	check(getsockname(fd, (struct sockaddr *)&at, &n) == 0);
	if (listening)
		check(listen(fd, 16) == 0);
	snprintf(url, 64, "http://127.0.0.1:%u", ntohs(at.sin_port));
	return fd;
}

TEST(a_dead_service_fails_in_the_time_that_was_given)
{
	char url[64];
	int fd = loopback(url, false);
	struct s3 *s3 = open_s3(&(struct s3_conf){.endpoint = url, .retry_time_s = 1});
	_Atomic uint64_t sent = 0, retries = 0;
	struct s3_call call = {.sent = &sent, .retries = &retries};
	struct iovec iov = {(char *)"x", 1};
	struct s3_body body = {&iov, 1, 1};
	double start = seconds();

	check_int(s3_put(s3, "k", NULL, &body, 0, NULL, &call), -ETIMEDOUT);
	check(seconds() - start < 2.5);
	check(atomic_load(&retries) >= 1);
	check_int(atomic_load(&sent), 0);
	check_str(call.fault.code, "Connect");
	check_int(call.fault.status, 0);
	s3_free(s3);
	close(fd);
}

TEST(a_stalled_transfer_ends_and_takes_its_progress_back)
{
	char url[64], *bytes = pattern(MIB, 3);
	int fd = loopback(url, true);
	struct s3 *s3 = open_s3(
		&(struct s3_conf){.endpoint = url, .retry_time_s = 1, .stall_timeout_s = 2});
	_Atomic uint64_t sent = 0;
	struct s3_call call = {.sent = &sent};
	struct iovec iov = {bytes, MIB};
	struct s3_body body = {&iov, 1, MIB};
	double start = seconds();

	check_int(s3_put(s3, "k", NULL, &body, 0, NULL, &call), -ETIMEDOUT);
	check(seconds() - start < 10);
	check_int(atomic_load(&sent), 0);
	check_str(call.fault.code, "Timeout");
	s3_free(s3);
	close(fd);
	free(bytes);
}

static void *cancel_later(void *flag)
{
	usleep(300000);
	atomic_store((atomic_bool *)flag, true);
	return NULL;
}

static void check_cancelled(const char *url)
{
	struct s3 *s3 = open_s3(&(struct s3_conf){.endpoint = url});
	atomic_bool cancel = false;
	struct s3_call call = {.cancel = &cancel};
	struct s3_object o;
	pthread_t thread;
	double start = seconds();

	pthread_create(&thread, NULL, cancel_later, &cancel);
	check_int(s3_head(s3, "k", &o, &call), -EINTR);
	check(seconds() - start < 2);
	pthread_join(thread, NULL);
	s3_free(s3);
}

TEST(cancel_ends_a_call_under_way_and_one_that_waits)
{
	char url[64];
	int fd = loopback(url, true);

	check_cancelled(url);
	close(fd);
	fd = loopback(url, false);
	check_cancelled(url);
	close(fd);
}

static void *many_calls(void *ctx)
{
	struct s3 *s3 = ctx;
	char key[64], got[32] = "";
	struct iovec iov = {got, sizeof(got)};
	struct s3_object o;

	for (int i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "live/threads/%p-%d", (void *)&key, i);
		if (put(s3, key, key, 20, NULL) != 0 ||
		    s3_get(s3, key, 0, &iov, 1, NULL, &o, NULL) != 20 || memcmp(got, key, 20) != 0)
			return (void *)1;
		s3_object_fini(&o);
		if (s3_delete(s3, key, NULL) != 0)
			return (void *)1;
	}
	return NULL;
}

TEST(threads_share_one_client)
{
	struct s3 *s3 = open_s3(NULL);
	struct s3_stats stats;
	pthread_t threads[8];
	void *failed;

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, many_calls, s3);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], &failed);
		check(failed == NULL);
	}
	s3_stats(s3, &stats);
	check_int(stats.requests, 240 + stats.retries);
	check_int(stats.errors, 0);
	s3_free(s3);
}

static int sockets(void)
{
	struct sockaddr_storage at;
	int n = 0;

	for (int fd = 3; fd < 256; fd++) {
		socklen_t size = sizeof(at);

		n += getpeername(fd, (struct sockaddr *)&at, &size) == 0 && at.ss_family == AF_INET;
	}
	return n;
}

static unsigned local_port(void)
{
	struct sockaddr_in at = {0};

	for (int fd = 3; fd < 256; fd++) {
		socklen_t size = sizeof(at);

		if (getpeername(fd, (struct sockaddr *)&at, &size) == 0 &&
		    at.sin_family == AF_INET) {
			size = sizeof(at);
			getsockname(fd, (struct sockaddr *)&at, &size);
			return ntohs(at.sin_port);
		}
	}
	return 0;
}

TEST(calls_one_after_another_use_one_connection)
{
	struct s3 *s3 = open_s3(NULL);
	int before = sockets();
	unsigned port;

	check_int(put(s3, "live/kept", "x", 1, NULL), 0);
	port = local_port();
	check(port != 0);
	for (int i = 0; i < 20; i++)
		check_int(put(s3, "live/kept", "x", 1, NULL), 0);
	check_int(sockets() - before, 1);
	check_int(local_port(), port);
	s3_free(s3);
	check_int(sockets(), before);
}

TEST(progress_counts_each_byte_once)
{
	struct s3 *s3 = open_s3(NULL);
	char *bytes = pattern(3 * MIB, 9);
	_Atomic uint64_t sent = 0;
	struct s3_call call = {.sent = &sent};
	struct iovec iov[] = {{bytes, MIB}, {bytes + MIB, 2 * MIB}};
	struct s3_body body = {iov, 2, 3 * MIB};
	struct s3_stats stats;

	check_int(s3_put(s3, "live/progress", NULL, &body, 0, NULL, &call), 0);
	check_int(atomic_load(&sent), 3 * MIB);
	s3_stats(s3, &stats);
	check_int(stats.requests, 1);
	check_int(stats.bytes_sent, 3 * MIB);
	free(bytes);
	s3_free(s3);
}

TEST_MAIN
