/* SPDX-License-Identifier: MIT */
#include "tls.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LOOK_S 60 /* whether the file is another by now */

struct tls {
	char *file, *folder;
	pthread_mutex_t lock; /* a leaf: guards what follows */
	X509_STORE *store;
	time_t looked_s;      /* when, CLOCK_MONOTONIC */
	struct timespec made; /* the file that was read */
};

static bool copy(char **to, const char *s)
{
	*to = s ? strdup(s) : NULL;
	return !s || *to;
}

struct tls *tls_new(const char *file, const char *folder)
{
	struct tls *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	if (copy(&t->file, file) && copy(&t->folder, folder))
		return t;
	tls_free(t);
	return NULL;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	X509_STORE_free(t->store);
	pthread_mutex_destroy(&t->lock);
	free(t->file);
	free(t->folder);
	free(t);
}

/* With the flags that curl sets: an authority that is trusted need not be a root. */
static X509_STORE *read_store(const struct tls *t)
{
	X509_STORE *store = t->file || t->folder ? X509_STORE_new() : NULL;

	if (store && (!t->file || X509_STORE_load_file(store, t->file)) &&
	    (!t->folder || X509_STORE_load_path(store, t->folder)) &&
	    X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN))
		return store;
	ERR_clear_error();
	X509_STORE_free(store);
	return NULL;
}

static time_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Whether it was replaced since it was last looked at. */
static bool is_another(struct tls *t)
{
	struct stat st;
	bool another;

	if (!t->file || stat(t->file, &st))
		return false;
	another = st.st_mtim.tv_sec != t->made.tv_sec || st.st_mtim.tv_nsec != t->made.tv_nsec;
	t->made = st.st_mtim;
	return another;
}

static void look(struct tls *t)
{
	X509_STORE *store = is_another(t) || !t->store ? read_store(t) : NULL;

	if (store) {
		X509_STORE_free(t->store); /* connections that have it keep it */
		t->store = store;
	}
	t->looked_s = now_s();
}

X509_STORE *tls_authorities(struct tls *t)
{
	X509_STORE *store;

	pthread_mutex_lock(&t->lock);
	if (!t->store || now_s() - t->looked_s >= LOOK_S)
		look(t);
	store = t->store;
	if (store)
		X509_STORE_up_ref(store);
	pthread_mutex_unlock(&t->lock);
	return store;
}
