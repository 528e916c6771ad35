/* SPDX-License-Identifier: MIT */
/*
 * tls.h - the authorities that vouch for services, read once for all connections.
 *
 * curl reads them for each connection and keeps them with it: the system's take
 * 0.7 MB each time.
 */
#ifndef POURFS_TLS_H
#define POURFS_TLS_H

#include <openssl/x509.h>

#include "s3.h"

struct tls;

/* file, folder: of authorities (PEM; a folder as openssl-rehash(1) makes it), or NULL.
 * NULL: no memory. */
struct tls *tls_new(const char *file, const char *folder);
void tls_free(struct tls *t); /* accepts NULL */

/* They are read at first, and again when the file is another a minute later. The caller's,
 * for X509_STORE_free(). NULL: there are none, or they never could be read. Any thread. */
X509_STORE *tls_authorities(struct tls *t);

#endif
