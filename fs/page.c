/* SPDX-License-Identifier: MIT */
#include "page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wait.h"

struct page_ahead {
	struct mount *m;
	char *prefix, *token;
	struct s3_page page;
	int err;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool begun, done;
	bool left; /* whoever wanted it has gone: the job ends it */
};

static void end(struct page_ahead *p)
{
	if (p->done && !p->err)
		s3_page_fini(&p->page);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p->prefix);
	free(p->token);
	free(p);
}

static bool begin(struct page_ahead *p)
{
	bool wanted;

	pthread_mutex_lock(&p->lock);
	wanted = !p->left;
	p->begun = wanted;
	pthread_mutex_unlock(&p->lock);
	return wanted;
}

static void job(void *arg)
{
	struct page_ahead *p = arg;
	struct s3_call call = mount_call_ahead(p->m);
	bool left = true;

	if (begin(p)) {
		p->err = s3_list(p->m->s3, p->prefix, '/', NULL, p->token, PAGE_NAMES, &p->page,
		                 &call);
		pthread_mutex_lock(&p->lock);
		p->done = true;
		left = p->left;
		pthread_cond_signal(&p->changed);
		pthread_mutex_unlock(&p->lock);
	}
	if (left)
		end(p);
}

struct page_ahead *page_ask(struct mount *m, const char *prefix, const char *token)
{
	struct page_ahead *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->m = m;
	p->prefix = strdup(prefix);
	p->token = strdup(token);
	pthread_mutex_init(&p->lock, NULL);
	wait_init(&p->changed);
	if (p->prefix && p->token && !workers_give(m->looks, 0, job, p))
		return p;
	end(p);
	return NULL;
}

int page_take(struct page_ahead *p, struct s3_page *page, const atomic_bool *cancel)
{
	int err = 0;

	pthread_mutex_lock(&p->lock);
	while (p->begun && !p->done && !err)
		err = wait_moment(&p->changed, &p->lock, cancel);
	if (!err)
		err = p->done && !p->err ? 0 : -EAGAIN;
	if (!err) {
		*page = p->page;
		p->page = (struct s3_page){0};
	}
	pthread_mutex_unlock(&p->lock);
	page_drop(p);
	return err;
}

void page_drop(struct page_ahead *p)
{
	bool done;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	done = p->done;
	p->left = true;
	pthread_mutex_unlock(&p->lock);
	if (done)
		end(p);
}
