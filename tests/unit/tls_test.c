/* SPDX-License-Identifier: MIT */
#include "tls.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

/* Of an authority that nobody has the key of. */
static const char authority[] = "-----BEGIN CERTIFICATE-----\n"
				"MIIBeTCCAR+gAwIBAgIUNEe2+8Vdqj8ytHTdl5RgtFVlyaYwCgYIKoZIzj0EAwIw\n"
				"ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEzMDA0MTkzOFoYDzIxMjYxMTA2MDQx\n"
				"OTM4WjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
				"AATtFEZoKydSkzzSen5rYDvbvRSXs7ZGzpS5YCrvURnA/qcaC4RfkYFGenUqlmHX\n"
				"9g8KXEtURIW33M6h0vSHtHwxo1MwUTAdBgNVHQ4EFgQUX0VdtjBcYVH8YOdSt2Fx\n"
				"O+POvhowHwYDVR0jBBgwFoAUX0VdtjBcYVH8YOdSt2FxO+POvhowDwYDVR0TAQH/\n"
				"BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAmX9Mj3sHTWqSXPf3rWzCBIkPW0TU\n"
				"PUgYT6vcb9Q4oMYCIAqhSgKYiijk6v+8RIrDpWDna6Tf6rInLOAhSvesrTz2\n"
				"-----END CERTIFICATE-----\n";

static void with_file(const char *text, char name[32])
{
	int fd;

	strcpy(name, "/tmp/tls_test.XXXXXX");
	fd = mkstemp(name);
	check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

TEST(all_get_the_same_and_keep_it)
{
	char name[32];
	struct tls *t;
	X509_STORE *a, *b;

	with_file(authority, name);
	t = tls_new(name, NULL);
	a = tls_authorities(t);
	unlink(name); /* it is not read again */
	b = tls_authorities(t);
	check(a && a == b);
	check_int(sk_X509_OBJECT_num(X509_STORE_get0_objects(a)), 1);
	tls_free(t);
	X509_STORE_free(b);
	check_int(sk_X509_OBJECT_num(X509_STORE_get0_objects(a)), 1); /* as a connection does */
	X509_STORE_free(a);
}

TEST(what_cannot_be_read_is_none_until_it_can)
{
	struct tls *missing = tls_new("/no/such/file", NULL), *t;
	X509_STORE *store;
	char name[32];
	FILE *f;

	check(!tls_authorities(missing));
	tls_free(missing);
	with_file("no certificate\n", name);
	t = tls_new(name, NULL);
	check(!tls_authorities(t) && !tls_authorities(t));
	f = fopen(name, "w");
	fputs(authority, f);
	fclose(f);
	store = tls_authorities(t);
	check(store != NULL);
	X509_STORE_free(store);
	unlink(name);
	tls_free(t);
}

TEST_MAIN
