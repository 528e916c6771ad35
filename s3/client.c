/* SPDX-License-Identifier: MIT */
#include "client.h"

#include "buf.h"
#include "creds.h"
#include "host.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool good_bucket(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n >= 1 && n <= 255 && s[n] == '\0' && s[0] != '.';
}

/* It becomes part of a host name at AWS, and of what is signed. */
static bool good_region(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n >= 1 && n <= 63 && s[n] == '\0';
}

/* A certificate for *.s3.amazonaws.com covers one label. */
static bool fits_host(const char *bucket)
{
	return bucket[strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0' &&
	       strlen(bucket) <= 63;
}

static void place_fini(struct client_place *p)
{
	free(p->region);
	uri_fini(&p->uri);
	free(p->url);
	*p = (struct client_place){0};
}

/* endpoint NULL: AWS's for the region. */
static int place_init(struct client_place *p, const struct s3 *s3, const char *endpoint,
                      const char *region)
{
	struct buf url = BUF_INIT;
	int err;

	if (endpoint)
		buf_adds(&url, endpoint);
	else
		host_add_aws(&url, region, s3->variants, s3->access_point);
	err = buf_error(&url);
	if (!err)
		err = uri_parse(&p->uri, url.s);
	if (!err) {
		buf_clear(&url);
		buf_adds(&url, p->uri.tls ? "https://" : "http://");
		uri_add_authority(&url, &p->uri, NULL);
		buf_adds(&url, p->uri.base);
		p->url = buf_detach(&url);
		p->region = strdup(region);
		err = p->url && p->region ? 0 : -ENOMEM;
	}
	buf_fini(&url);
	if (err)
		place_fini(p);
	return err;
}

static int refuse(struct s3_fault *fault, const char *code, const char *what, const char *value)
{
	char quoted[128];

	*fault = (struct s3_fault){0};
	snprintf(fault->code, sizeof(fault->code), "%s", code);
	snprintf(fault->message, sizeof(fault->message), "%s: %s", what,
	         log_quote(quoted, sizeof(quoted), value));
	return -EINVAL;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), nend = strlen(end);

	return n >= nend && strcmp(s + n - nend, end) == 0;
}

static int set_bucket(struct s3 *s3, const char *bucket, struct host_arn *arn,
                      struct s3_fault *fault)
{
	int kind = bucket ? host_read_arn(bucket, arn) : -EINVAL;

	if (kind < 0 && bucket)
		return refuse(fault, "Bucket", "not the ARN of an access point of one region",
		              bucket);
	if (!bucket || (kind && !good_bucket(bucket)))
		return refuse(fault, "Bucket", "not the name of a bucket", bucket ? bucket : "");
	if (ends_with(bucket, "--x-s3"))
		return refuse(fault, "Bucket",
		              "directory buckets (S3 Express One Zone) list their keys in no "
		              "order, which pourfs cannot work with",
		              bucket);
	s3->bucket = strdup(kind ? bucket : arn->bucket);
	s3->access_point = kind ? NULL : strdup(bucket);
	return s3->bucket && (kind || s3->access_point) ? 0 : -ENOMEM;
}

static bool is_this_host(const char *host)
{
	return !strcmp(host, "localhost") || !strncmp(host, "127.", 4) || !strcmp(host, "[::1]");
}

static int set_up_place(struct s3 *s3, const struct s3_conf *conf, const struct creds *creds,
                        struct s3_fault *fault)
{
	const char *endpoint = conf->endpoint ? conf->endpoint : creds->endpoint;
	const char *region = conf->region ? conf->region : creds->region;
	enum s3_addressing style = conf->addressing ? conf->addressing : creds->addressing;
	struct host_arn arn = {"", ""};
	int err = set_bucket(s3, conf->bucket, &arn, fault);

	if (err)
		return err;
	if (*arn.region && !conf->region)
		region = arn.region;
	if (!region)
		region = "us-east-1";
	if (!good_region(region))
		return refuse(fault, "Region", "not the name of a region", region);
	s3->aws = !endpoint;
	s3->variants = endpoint ? 0 : conf->variants | creds->variants;
	if (conf->variants && endpoint)
		return refuse(fault, "Endpoint",
		              "dual_stack, fips and accelerate choose among AWS's endpoints, but "
		              "there is another",
		              endpoint);
	s3->path_style = style == S3_ADDRESS_PATH ||
	                 (style == S3_ADDRESS_AUTO && (!s3->aws || !fits_host(s3->bucket)));
	if (s3->access_point)
		s3->path_style = false;
	if (s3->variants & S3_ACCELERATE &&
	    (s3->path_style || s3->access_point || s3->variants & S3_FIPS))
		return refuse(fault, "Endpoint",
		              "accelerate goes with names of buckets that fit a host, and not "
		              "with path_style or fips",
		              conf->bucket);
	err = place_init(&s3->places[0], s3, endpoint, region);
	if (err == -EINVAL)
		return refuse(fault, "Endpoint", "not the URL of a service", endpoint);
	if (!err && s3->terms.customer_key && !s3->places[0].uri.tls &&
	    !is_this_host(s3->places[0].uri.host))
		return refuse(fault, "Endpoint",
		              "sse_c_key_file sends the key with each request, so it takes https",
		              endpoint);
	return err;
}

/* Whom to trust, if not the system's authorities. */
static const char *ca_file_of(const struct s3_conf *conf)
{
	const char *bundle = getenv("AWS_CA_BUNDLE");

	if (conf->ca_file)
		return conf->ca_file;
	return bundle && *bundle ? bundle : NULL;
}

static int check_files(const struct http_conf *http, struct s3_fault *fault)
{
	const char *files[] = {http->ca_file, http->client_cert, http->client_key};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (files[i] && access(files[i], R_OK) != 0)
			return refuse(fault, "Certificate",
			              i < 2 ? "no file of certificates that can be read"
			                    : "no file with a key that can be read",
			              files[i]);
	return 0;
}

static void take_over(struct s3 *s3, struct creds *creds)
{
	s3->keyring.keys = creds->keys;
	s3->keyring.provider = creds->provider;
	s3->source = creds->source;
	creds->keys = NULL;
	creds->provider = NULL;
	creds->source = NULL;
}

int s3_new(struct s3 **out, const struct s3_conf *conf, struct s3_fault *fault)
{
	const struct http_conf http = {
		.user_agent = conf->user_agent ? conf->user_agent : "pourfs",
		.ca_file = ca_file_of(conf),
		.client_cert = conf->client_cert,
		.client_key = conf->client_key,
		.proxy = conf->proxy,
		.send_rate = conf->send_rate,
		.receive_rate = conf->receive_rate,
		.idle_max = conf->connections ? conf->connections : 16,
	};
	struct s3_fault unwanted;
	struct creds creds = {0};
	struct s3 *s3 = calloc(1, sizeof(*s3));
	int err;

	if (!fault)
		fault = &unwanted;
	*fault = (struct s3_fault){0};
	if (!s3)
		return -ENOMEM;
	pthread_mutex_init(&s3->lock, NULL);
	keyring_init(&s3->keyring);
	s3->connect_timeout_s = conf->connect_timeout_s ? conf->connect_timeout_s : 10;
	s3->stall_timeout_s = conf->stall_timeout_s ? conf->stall_timeout_s : 30;
	s3->retry_time_s = conf->retry_time_s ? conf->retry_time_s : 300;
	err = check_files(&http, fault);
	if (!err)
		err = terms_init(&s3->terms, conf, fault);
	if (!err)
		err = creds_load(&creds, conf, fault);
	if (!err)
		err = set_up_place(s3, conf, &creds, fault);
	if (!err)
		take_over(s3, &creds);
	creds_fini(&creds);
	if (!err)
		err = http_new(&s3->http, &http);
	if (err)
		s3_free(s3);
	else
		*out = s3;
	return err;
}

void s3_free(struct s3 *s3)
{
	if (!s3)
		return;
	keyring_fini(&s3->keyring); /* what it asks goes by http */
	http_free(s3->http);
	free(s3->source);
	place_fini(&s3->places[0]);
	place_fini(&s3->places[1]);
	pthread_mutex_destroy(&s3->lock);
	free(s3->bucket);
	free(s3->access_point);
	terms_fini(&s3->terms);
	free(s3);
}

const struct client_place *client_place(const struct s3 *s3)
{
	return &s3->places[atomic_load(&s3->place)];
}

bool client_follow(struct s3 *s3, const struct client_place *from, const char *region)
{
	const struct client_place *first = &s3->places[0];
	bool moved;

	if (!good_region(region) || strcmp(region, from->region) == 0)
		return false;
	pthread_mutex_lock(&s3->lock);
	if (atomic_load(&s3->place) == 0 &&
	    place_init(&s3->places[1], s3, s3->aws ? NULL : first->url, region) == 0) {
		atomic_store(&s3->place, 1);
		log_info("the bucket is in region %s, not in %s", region, first->region);
	}
	moved = client_place(s3) != from;
	pthread_mutex_unlock(&s3->lock);
	return moved;
}

const char *s3_bucket(const struct s3 *s3)
{
	return s3->access_point ? s3->access_point : s3->bucket;
}

const char *s3_endpoint(const struct s3 *s3)
{
	return client_place(s3)->url;
}

const char *s3_region(const struct s3 *s3)
{
	return client_place(s3)->region;
}

const char *s3_source(const struct s3 *s3)
{
	return s3->source;
}

const char *s3_lacks(const struct s3 *s3, size_t i)
{
	const struct {
		bool lacking;
		const char *name;
	} abilities[] = {
		{atomic_load(&s3->no_put_if_absent), "If-None-Match of PutObject and CopyObject"},
		{atomic_load(&s3->no_complete_if_absent),
	         "If-None-Match of CompleteMultipartUpload"},
		{atomic_load(&s3->no_object_size), "x-amz-mp-object-size"},
		{atomic_load(&s3->no_delete_many), "DeleteObjects"},
		{atomic_load(&s3->no_copy), "CopyObject and UploadPartCopy of every object"},
		{atomic_load(&s3->no_md5_etags), "ETags that are MD5s"},
	};

	for (size_t n = 0; n < sizeof(abilities) / sizeof(*abilities); n++)
		if (abilities[n].lacking && !i--)
			return abilities[n].name;
	return NULL;
}

bool s3_copies(const struct s3 *s3)
{
	return !atomic_load(&s3->no_copy) &&
	       (s3->aws || atomic_load(&s3->copied_encrypted) || !atomic_load(&s3->has_encrypted));
}

void s3_stats(const struct s3 *s3, struct s3_stats *out)
{
	*out = (struct s3_stats){
		.requests = atomic_load(&s3->requests),
		.retries = atomic_load(&s3->retries),
		.errors = atomic_load(&s3->errors),
		.bytes_sent = atomic_load(&s3->bytes_sent),
		.bytes_received = atomic_load(&s3->bytes_received),
	};
}
