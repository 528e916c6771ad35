/* SPDX-License-Identifier: MIT */
#include "log.h"
#include "opts.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static struct opts o;
static char said[2000]; /* on stderr */

/* Parses up to 6 words. */
static int parse(const char *a, const char *b, const char *c, const char *d, const char *e)
{
	const char *argv[] = {a, b, c, d, e, NULL};
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO), argc = 0, err;
	size_t n;

	while (argv[argc])
		argc++;
	opts_fini(&o);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	err = opts_parse(&o, argc, (char **)argv);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	n = fread(said, 1, sizeof said - 1, file);
	said[n] = 0;
	fclose(file);
	check((err != 0) == (n != 0)); /* an error is told, and nothing else */
	return err;
}

static int parse_options(const char *options)
{
	return parse("-o", options, "bucket", "/mnt", NULL);
}

static void check_refused(const char *options, const char *says)
{
	check_int(parse_options(options), -EINVAL);
	if (!strstr(said, says))
		check_fail("\"%s\" says: %s", options, said);
}

TEST(without_options_the_defaults_hold)
{
	check_int(parse("bucket", "/mnt", NULL, NULL, NULL), 0);
	check_str(o.mount.bucket, "bucket");
	check_str(o.s3.bucket, "bucket");
	check_str(o.mount.prefix, "");
	check_str(o.mount.mountpoint, "/mnt");
	check_int(o.mount.part_size, 8 * MIB);
	check_int(o.mount.memory, 64 * MIB);
	check_int(o.mount.parallel, 8);
	check_int(o.mount.small, 128);
	check_int(o.s3.connections, 144);
	check_int(o.s3.retry_time_s, 300);
	check_int(o.mount.ttl_ms, 60000);
	check_int(o.mount.umask, 022);
	check_int(o.mount.file_mode, 0644);
	check_int(o.mount.dir_mode, 0755);
	check_int(o.mount.uid, getuid());
	check_int(o.mount.gid, getgid());
	check_int(o.log_level, LOG_LEVEL_WARN);
	check(!o.mount.read_only && !o.foreground && !o.allow_other && !o.s3.anonymous);
	check(!o.s3.endpoint && !o.s3.region && !o.s3.profile);
}

TEST(options_come_in_lists_and_anywhere)
{
	check_int(parse("bucket", "-o", "ro,uid=5,region=eu-north-1", "/mnt", "-oparallel=3"), 0);
	check(o.mount.read_only);
	check_int(o.mount.uid, 5);
	check_str(o.s3.region, "eu-north-1");
	check_int(o.mount.parallel, 3);
	check_int(o.mount.small, 48);
	check_int(o.s3.connections, 54);
	check_int(parse_options("parallel=64"), 0);
	check_int(o.mount.small, 128);
	check_int(parse_options("cache_control=public\\,max-age=6,user_agent=a\\\\b,uid=4"), 0);
	check_str(o.mount.cache_control, "public,max-age=6");
	check_str(o.s3.user_agent, "a\\b");
	check_int(o.mount.uid, 4);
	check_int(parse_options(",,ttl=0,,"), 0);
	check_int(o.mount.ttl_ms, 0);
}

TEST(values_reach_their_places)
{
	check_int(parse_options("endpoint=http://127.0.0.1:9000,profile=p,path_style,anonymous,"
	                        "ca_file=/c,storage_class=GLACIER_IR,retry_time=7,ttl=2,gid=6,"
	                        "umask=077,allow_other,default_permissions,nonempty,noexec,"
	                        "noatime,log_level=debug,log_format=logfmt"),
	          0);
	check_str(o.s3.endpoint, "http://127.0.0.1:9000");
	check_str(o.s3.profile, "p");
	check_int(o.s3.addressing, S3_ADDRESS_PATH);
	check(o.s3.anonymous && o.allow_other && o.default_permissions && o.nonempty && o.noexec &&
	      o.noatime);
	check_str(o.s3.ca_file, "/c");
	check_str(o.mount.storage_class, "GLACIER_IR");
	check_int(o.s3.retry_time_s, 7);
	check_int(o.mount.ttl_ms, 2000);
	check_int(o.mount.gid, 6);
	check_int(o.mount.umask, 077);
	check_int(o.log_level, LOG_LEVEL_DEBUG);
	check_int(opts_log_flags(&o), LOG_PAIRS);
}

TEST(bytes_a_second_are_limited_both_ways_or_each)
{
	check_int(parse_options("bwlimit=2M"), 0);
	check_int(o.s3.send_rate, 2 * MIB);
	check_int(o.s3.receive_rate, 2 * MIB);
	check_int(parse_options("bwlimit=off:64K"), 0);
	check_int(o.s3.send_rate, 0);
	check_int(o.s3.receive_rate, MIB / 16);
	check_int(parse_options("bwlimit=off"), 0);
	check_int(o.s3.receive_rate, 0);
}

TEST(what_requests_say_and_how_they_travel)
{
	check_int(
		parse_options("sse=aws:kms,sse_kms_key_id=k,requester_pays,bucket_owner=12,"
	                      "client_cert=/a,client_key=/b,proxy=none,user_agent=me,tags=a=b&c=d,"
	                      "cache_control=no-cache,dual_stack,fips,mime_types=/m"),
		0);
	check_str(o.s3.sse, "aws:kms");
	check_str(o.s3.sse_kms_key_id, "k");
	check(o.s3.requester_pays);
	check_str(o.s3.bucket_owner, "12");
	check_str(o.s3.client_cert, "/a");
	check_str(o.s3.client_key, "/b");
	check_str(o.s3.proxy, "");
	check_str(o.s3.user_agent, "me");
	check_str(o.mount.tags, "a=b&c=d");
	check_str(o.mount.cache_control, "no-cache");
	check_str(o.mime_types, "/m");
	check_int(o.s3.variants, S3_DUALSTACK | S3_FIPS);
	check_int(parse_options("sse_c_key_file=/k,passwd_file=/p"), 0);
	check_str(o.s3.sse_c_key_file, "/k");
	check_str(o.s3.passwd_file, "/p");
}

static char folder[] = "/tmp/opts_test.XXXXXX";

static void leave_folder(void)
{
	unlink("opts_test.conf");
	rmdir(folder);
}

static void write_config(const char *text)
{
	static bool made;
	FILE *out;

	if (!made) {
		check(mkdtemp(folder) && !chdir(folder));
		atexit(leave_folder);
		made = true;
	}
	out = fopen("opts_test.conf", "w");
	fputs(text, out);
	fclose(out);
}

TEST(the_command_line_wins_over_the_environment_and_that_over_the_file)
{
	write_config("# for all\nparallel = 3\nttl = 5\nro = yes\nregion = file\nnoexec = no\n"
	             "[bucket]\nuid = 7\n[other]\nuid = 8\nregion = other\n");
	setenv("POURFS_PARALLEL", "4", 1);
	setenv("POURFS_ALLOW_OTHER", "true", 1);
	setenv("POURFS_TTL", "6", 1);
	check_int(parse_options("config=opts_test.conf,ttl=7"), 0);
	check_int(o.mount.ttl_ms, 7000);
	check_int(o.mount.parallel, 4);
	check_int(o.mount.uid, 7);
	check_str(o.s3.region, "file");
	check(o.mount.read_only && o.allow_other && !o.noexec);
	check_int(parse_options("rw,config=opts_test.conf"), 0);
	check(!o.mount.read_only);
	setenv("POURFS_CONFIG", "opts_test.conf", 1);
	check_int(parse_options("gid=1"), 0);
	check_int(o.mount.uid, 7);
	setenv("POURFS_RO", "no", 1);
	check_int(parse_options("gid=1"), 0);
	check(!o.mount.read_only);
	unsetenv("POURFS_RO");
	write_config("fips = yes\npath_style = yes\n  uid = 3\n[bucket]\n  fips = no\n\tpath_style "
	             "= off\n");
	check_int(parse_options("gid=1"), 0);
	check(!o.s3.variants && !o.s3.addressing);
	check_int(o.mount.uid, 3);
	unsetenv("POURFS_CONFIG");
	unsetenv("POURFS_PARALLEL");
	unsetenv("POURFS_ALLOW_OTHER");
	unsetenv("POURFS_TTL");
}

TEST(what_is_wrong_in_the_file_or_the_environment_is_told_with_its_place)
{
	setenv("POURFS_PARALEL", "4", 1);
	check_refused("ro", "did you mean 'parallel'");
	check(strstr(said, "POURFS_PARALEL of the environment") != NULL);
	unsetenv("POURFS_PARALEL");
	setenv("POURFS_RO", "maybe", 1);
	check_refused("ro", "yes or no");
	unsetenv("POURFS_RO");
	setenv("POURFS_SERVICE_HOST", "10.0.0.1", 1); /* Kubernetes speaks of a service of ours */
	setenv("POURFS_REGION", "", 1);
	check_int(parse_options("ro"), 0);
	unsetenv("POURFS_SERVICE_HOST");
	unsetenv("POURFS_REGION");
	check_refused("config=/nowhere/at/all", "No such file");
	write_config("parallel\n");
	check_refused("config=opts_test.conf", "line 1");
	write_config("parallel = 0\n");
	check_refused("config=opts_test.conf", "from 1 to 64");
	check(strstr(said, "so says opts_test.conf") != NULL);
	write_config("[bucket]\nregoin = x\n");
	check_refused("config=opts_test.conf", "did you mean 'region'");
	write_config("config = /x\n");
	check_refused("config=opts_test.conf", "does not stand in one");
	unlink("opts_test.conf");
}

TEST(modes_are_given_or_follow_from_umask)
{
	check_int(parse_options("umask=027"), 0);
	check_int(o.mount.file_mode, 0640);
	check_int(o.mount.dir_mode, 0750);
	check_int(parse_options("dir_mode=1777,umask=077,file_mode=0"), 0);
	check_int(o.mount.file_mode, 0);
	check_int(o.mount.dir_mode, 01777);
}

TEST(flags_before_the_operands)
{
	check_int(parse("-f", "-r", "bucket", "/mnt", NULL), 0);
	check(o.foreground && o.mount.read_only);
	check_int(parse("-V", NULL, NULL, NULL, NULL), 0);
	check(o.version);
	check_int(parse("--help", NULL, NULL, NULL, NULL), 0);
	check(o.help);
}

TEST(sizes_have_units)
{
	const char *const same[] = {"part_size=16M",  "part_size=16m",    "part_size=16MiB",
	                            "part_size=16MB", "part_size=16384K", "part_size=16777216",
	                            "part_size=0016M"};

	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		check_int(parse_options(same[i]), 0);
		check_int(o.mount.part_size, 16 * MIB);
	}
	check_int(parse_options("memory=1G,part_size=512M"), 0);
	check_int(o.mount.memory, 1024 * MIB);
	check_int(parse_options("memory=1T"), 0);
	check_int(o.mount.memory, 1024 * 1024 * MIB);
}

TEST(bad_values_are_refused_with_what_would_be_right)
{
	check_refused("part_size=4M", "from 5M to 5G");
	check_refused("part_size=6G", "from 5M to 5G");
	check_refused("part_size=x", "takes a size");
	check_refused("part_size=-8M", "takes a size");
	check_refused("part_size=8Mx", "takes a size");
	check_refused("part_size=8 M", "takes a size");
	check_refused("part_size=0x800000", "takes a size");
	check_refused("part_size=99999999999999999999", "takes a size");
	check_refused("part_size=99999999999T", "takes a size");
	check_refused("part_size=5242881", "multiple of 64K");
	check_refused("part_size=", "part_size=SIZE");
	check_refused("part_size", "part_size=SIZE");
	check_refused("memory=1M", "from 16M");
	check_refused("acl=public", "public-read");
	check_refused("part_size=64M", "needs memory=128M");
	check_refused("parallel=0", "from 1 to 64");
	check_refused("parallel=65", "from 1 to 64");
	check_refused("parallel=4x", "takes a number");
	check_refused("parallel=+4", "takes a number");
	check_refused("uid=-1", "takes a number");
	check_refused("uid=4294967295", "takes a number");
	check_refused("umask=8", "takes an octal number");
	check_refused("umask=1000", "from 000 to 777");
	check_refused("file_mode=10000", "from 000 to 7777");
	check_refused("dir_mode=rwx", "takes an octal number");
	check_refused("log_level=loud", "error, warn, info or debug");
	check_refused("log_format=xml", "one of text, logfmt");
	check_refused("endpoint=localhost:9000", "https://localhost:9000");
	check_refused("endpoint=", "endpoint=URL");
	check_refused("ro=1", "takes no value");
	check_refused("sse=aes", "AES256, aws:kms, aws:kms:dsse");
	check_refused("sse=aws:km", "AES256, aws:kms, aws:kms:dsse");
	check_refused("sse_kms_key_id=k", "goes with sse=aws:kms");
	check_refused("sse=AES256,sse_kms_key_id=k", "goes with sse=aws:kms");
	check_refused("sse=AES256,sse_c_key_file=/k", "choose one");
	check_refused("client_key=/k", "client_cert=FILE");
	check_refused("passwd_file=/p,anonymous", "choose one");
	check_refused("bwlimit=1K", "64K");
	check_refused("bwlimit=1M:fast", "64K");
	check_refused("bwlimit=:", "64K");
}

TEST(a_misspelt_option_gets_a_hint)
{
	check_refused("regoin=x", "did you mean 'region'");
	check_refused("partsize=8M", "did you mean 'part_size'");
	check_refused("allow-other", "did you mean 'allow_other'");
	check_refused("endpiont=x", "did you mean 'endpoint'");
	check_refused("frobnicate", "pourfs --help lists them");
	check_refused("PART_SIZE=8M", "pourfs --help lists them");
	check_refused("url=https://minio", "here it is endpoint=URL");
	check_refused("use_cache=/tmp", "no copy on disk");
	check_refused("s3-storage-class=GLACIER", "here it is storage_class=NAME");
	check_int(parse("--allow-other", "bucket", "/mnt", NULL, NULL), -EINVAL);
	check(strstr(said, "did you mean '-o allow_other'") != NULL);
	check_int(parse("--vfs-cache-mode", "full", "bucket", "/mnt", NULL), -EINVAL);
	check(strstr(said, "no copy on disk") != NULL);
	check_int(parse("--frob", "bucket", "/mnt", NULL, NULL), -EINVAL);
	check(strstr(said, "'--frob'") != NULL);
	check_int(parse("bucket", "/mnt", "-o", NULL, NULL), -EINVAL);
}

TEST(what_mount_8_adds_is_borne)
{
	check_int(parse_options("rw,nosuid,nodev,exec,async,atime,relatime,auto,noauto,user,users,"
	                        "nouser,nofail,_netdev,defaults,x-systemd.automount,"
	                        "x-gvfs-hide,comment=a disk"),
	          0);
	check(!o.mount.read_only);
	check_int(parse_options("ro,rw"), 0);
	check(!o.mount.read_only);
	check_int(parse_options("rw,ro"), 0);
	check(o.mount.read_only);
}

static void check_source(const char *source, const char *bucket, const char *prefix)
{
	check_int(parse(source, "/mnt", NULL, NULL, NULL), 0);
	check_str(o.mount.bucket, bucket);
	check_str(o.mount.prefix, prefix);
}

TEST(sources_are_buckets_with_or_without_a_folder)
{
	check_source("bucket", "bucket", "");
	check_source("bucket:", "bucket", "");
	check_source("bucket:/", "bucket", "");
	check_source("bucket:/a", "bucket", "a/");
	check_source("bucket:a/b/", "bucket", "a/b/");
	check_source("bucket:/a/b//", "bucket", "a/b/");
	check_source("bucket:/a:b", "bucket", "a:b/");
	check_source("s3://bucket", "bucket", "");
	check_source("s3://bucket/", "bucket", "");
	check_source("s3://bucket/a/b", "bucket", "a/b/");
	check_source("s3://bucket/a:b", "bucket", "a:b/");
	check_source("arn:aws:s3:eu-west-1:1:accesspoint/p", "arn:aws:s3:eu-west-1:1:accesspoint/p",
	             "");
	check_source("arn:aws:s3:eu-west-1:1:accesspoint/p:/a/b",
	             "arn:aws:s3:eu-west-1:1:accesspoint/p", "a/b/");
}

TEST(what_is_no_source_is_refused)
{
	char long_one[1200] = "bucket:/";
	const char *const bad[] = {"", "/", "/mnt", "a/b", ":/a", "s3://", "s3:///a"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		check_int(parse(bad[i], "/mnt", NULL, NULL, NULL), -EINVAL);
		if (!strstr(said, "is no bucket"))
			check_fail("\"%s\" says: %s", bad[i], said);
	}
	memset(long_one + 8, 'x', 1100);
	check_int(parse(long_one, "/mnt", NULL, NULL, NULL), -EINVAL);
	check(strstr(said, "too long") != NULL);
}

TEST(too_few_or_too_many_operands_show_the_usage)
{
	check_int(parse(NULL, NULL, NULL, NULL, NULL), -EINVAL);
	check(strstr(said, "usage:") != NULL);
	check_int(parse("bucket", NULL, NULL, NULL, NULL), -EINVAL);
	check(strstr(said, "usage:") != NULL);
	check_int(parse("bucket", "/mnt", "more", NULL, NULL), -EINVAL);
	check(strstr(said, "'more'") != NULL);
}

TEST(a_value_said_too_often_is_refused_not_lost)
{
	char list[70 * 10 + 1] = "";

	for (int i = 0; i < 70; i++)
		strcat(list, "region=a,");
	check_refused(list, "too many options");
	opts_fini(&o);
}

TEST_MAIN
