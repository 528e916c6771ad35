/* SPDX-License-Identifier: MIT */
#include "host.h"

#include "buf.h"
#include "s3.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>

static void check_host(const char *region, unsigned variants, bool access_point, const char *url)
{
	struct buf b = BUF_INIT;

	host_add_aws(&b, region, variants, access_point);
	check_str(b.s, url);
	buf_fini(&b);
}

TEST(aws_names_its_hosts_by_region_and_variant)
{
	check_host("eu-west-1", 0, false, "https://s3.eu-west-1.amazonaws.com");
	check_host("cn-north-1", 0, false, "https://s3.cn-north-1.amazonaws.com.cn");
	check_host("us-east-2", S3_DUALSTACK, false,
	           "https://s3.dualstack.us-east-2.amazonaws.com");
	check_host("us-east-2", S3_FIPS, false, "https://s3-fips.us-east-2.amazonaws.com");
	check_host("us-gov-west-1", S3_FIPS | S3_DUALSTACK, false,
	           "https://s3-fips.dualstack.us-gov-west-1.amazonaws.com");
	check_host("us-east-2", S3_ACCELERATE, false, "https://s3-accelerate.amazonaws.com");
	check_host("us-east-2", S3_ACCELERATE | S3_DUALSTACK, false,
	           "https://s3-accelerate.dualstack.amazonaws.com");
	check_host("us-west-2", 0, true, "https://s3-accesspoint.us-west-2.amazonaws.com");
	check_host("us-west-2", S3_FIPS | S3_DUALSTACK, true,
	           "https://s3-accesspoint-fips.dualstack.us-west-2.amazonaws.com");
}

TEST(an_access_point_has_a_region_and_a_host_of_its_own)
{
	struct host_arn arn;

	check_int(host_read_arn("arn:aws:s3:us-west-2:123456789012:accesspoint/my-point", &arn), 0);
	check_str(arn.region, "us-west-2");
	check_str(arn.bucket, "my-point-123456789012");
	check_int(host_read_arn("arn:aws-cn:s3:cn-north-1:1:accesspoint:p", &arn), 0);
	check_str(arn.bucket, "p-1");
	check_int(host_read_arn("bucket", &arn), 1);
	check_int(host_read_arn("arn", &arn), 1);
}

TEST(other_arns_are_refused)
{
	static const char *const bad[] = {
		"arn:",
		"arn:aws:s3:::bucket",
		"arn:aws:s3::123456789012:accesspoint/many.mrap",
		"arn:aws:s3:us-west-2:123456789012:accesspoint/",
		"arn:aws:s3:us-west-2:123456789012:accesspoint",
		"arn:aws:s3:us-west-2:123456789012:accesspoint/a/object/b",
		"arn:aws:s3:us-west-2::accesspoint/p",
		"arn:aws:s3-object-lambda:us-west-2:1:accesspoint/p",
		"arn:aws:sqs:us-west-2:1:accesspoint/p",
		"arn:aws:s3:us-west-2",
	};
	struct host_arn arn;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (host_read_arn(bad[i], &arn) != -EINVAL)
			check_fail("%s was taken", bad[i]);
}

static void check_place(const struct s3_conf *conf, const char *endpoint, const char *url)
{
	struct s3_fault fault;
	struct s3 *s3;
	char *got;

	setenv("AWS_CONFIG_FILE", "/dev/null", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
	check_int(s3_new(&s3, conf, &fault), 0);
	check_str(s3_endpoint(s3), endpoint);
	check_int(s3_url(s3, "a b", 60, &got, NULL), 0);
	check_str(got, url);
	free(got);
	s3_free(s3);
}

TEST(a_client_asks_at_the_host_of_its_bucket)
{
	check_place(&(struct s3_conf){.bucket = "b", .anonymous = true, .region = "eu-west-1"},
	            "https://s3.eu-west-1.amazonaws.com",
	            "https://b.s3.eu-west-1.amazonaws.com/a%20b");
	check_place(&(struct s3_conf){.bucket = "b", .anonymous = true, .variants = S3_ACCELERATE},
	            "https://s3-accelerate.amazonaws.com",
	            "https://b.s3-accelerate.amazonaws.com/a%20b");
	check_place(&(struct s3_conf){.bucket = "arn:aws:s3:us-west-2:1:accesspoint/p",
	                              .anonymous = true},
	            "https://s3-accesspoint.us-west-2.amazonaws.com",
	            "https://p-1.s3-accesspoint.us-west-2.amazonaws.com/a%20b");
}

static void check_refused(const struct s3_conf *conf, const char *words)
{
	struct s3_fault fault;
	struct s3 *s3;

	check_int(s3_new(&s3, conf, &fault), -EINVAL);
	if (!strstr(fault.message, words))
		check_fail("\"%s\" lacks \"%s\"", fault.message, words);
}

TEST(what_does_not_go_together_is_refused)
{
	check_refused(&(struct s3_conf){.bucket = "b--use1-az4--x-s3", .anonymous = true},
	              "no order");
	check_refused(&(struct s3_conf){.bucket = "arn:aws:s3:::b", .anonymous = true},
	              "access point");
	check_refused(
		&(struct s3_conf){.bucket = "b.c", .anonymous = true, .variants = S3_ACCELERATE},
		"fit a host");
	check_refused(&(struct s3_conf){.bucket = "b",
	                                .anonymous = true,
	                                .variants = S3_FIPS,
	                                .endpoint = "http://127.0.0.1"},
	              "there is another");
	check_refused(
		&(struct s3_conf){.bucket = "b", .anonymous = true, .client_cert = "/nowhere"},
		"can be read");
}

TEST_MAIN
