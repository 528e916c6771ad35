/* SPDX-License-Identifier: MIT */
#include "uri.h"

#include "buf.h"
#include "test.h"

#include <errno.h>

static void check_url(const char *url, const char *bucket_in_host, const char *authority,
                      const char *bucket_in_path, const char *path)
{
	struct buf a = BUF_INIT, p = BUF_INIT;
	struct uri u;

	check_int(uri_parse(&u, url), 0);
	if (!u.host)
		return;
	uri_add_authority(&a, &u, bucket_in_host);
	uri_add_path(&p, &u, bucket_in_path, "k y");
	check_str(a.s, authority);
	check_str(p.s, path);
	buf_fini(&a);
	buf_fini(&p);
	uri_fini(&u);
}

TEST(endpoints_become_hosts_and_paths_in_both_styles)
{
	check_url("https://S3.Example.com", "bkt", "bkt.s3.example.com", NULL, "/k%20y");
	check_url("http://localhost:8080/", NULL, "localhost:8080", "bkt", "/bkt/k%20y");
	check_url("http://[::1]:9000", NULL, "[::1]:9000", "bkt", "/bkt/k%20y");
	check_url("https://host/base/path//", NULL, "host", "bkt", "/base/path/bkt/k%20y");
	check_url("host.example", NULL, "host.example", "b", "/b/k%20y");
}

TEST(the_port_of_the_scheme_is_left_out)
{
	check_url("https://h:443", NULL, "h", "b", "/b/k%20y");
	check_url("http://h:80", NULL, "h", "b", "/b/k%20y");
	check_url("http://h:443", NULL, "h:443", "b", "/b/k%20y");
}

TEST(a_missing_scheme_is_https)
{
	struct uri u;

	check_int(uri_parse(&u, "h:9000"), 0);
	check(u.tls);
	check_int(u.port, 9000);
	uri_fini(&u);
	check_int(uri_parse(&u, "HTTP://h"), 0);
	check(!u.tls);
	uri_fini(&u);
}

TEST(what_is_no_endpoint_is_refused)
{
	const char *bad[] = {"",
	                     "https://",
	                     "ftp://h",
	                     "http://u:p@h",
	                     "http://h?x",
	                     "http://h/a#b",
	                     "http://h:",
	                     "http://h:0",
	                     "http://h:x",
	                     "http://h:99999",
	                     "http://[::1",
	                     "http://h\r\nX: y",
	                     "http://h/a b"};
	struct uri u;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (uri_parse(&u, bad[i]) != -EINVAL)
			check_fail("accepted: %s", bad[i]);
}

TEST(a_query_is_sorted_and_encoded)
{
	struct uri_param v[] = {
		{"prefix", "a/b c"}, {"list-type", "2"}, {"delete", ""}, {"X", "+"}};
	struct buf b = BUF_INIT;

	uri_add_query(&b, v, 4);
	check_str(b.s, "X=%2B&delete=&list-type=2&prefix=a%2Fb%20c");
	buf_fini(&b);
}

TEST(the_bucket_itself_has_a_path_in_both_styles)
{
	struct buf b = BUF_INIT;
	struct uri u;

	check_int(uri_parse(&u, "http://h"), 0);
	uri_add_path(&b, &u, "bkt", NULL);
	check_str(b.s, "/bkt");
	buf_clear(&b);
	uri_add_path(&b, &u, NULL, NULL);
	check_str(b.s, "/");
	buf_fini(&b);
	uri_fini(&u);
}

TEST_MAIN
