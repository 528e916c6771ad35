/* SPDX-License-Identifier: MIT */
#include "workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "log.h"
#include "wait.h"

#define STACK_SIZE ((size_t)512 << 10)

struct job {
	void (*run)(void *arg);
	void *arg;
	uint64_t due_ns; /* delayed jobs only */
	struct job *next;
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job *first, **end;
	unsigned queued;   /* jobs from first on */
	struct job *later; /* by due_ns */
	pthread_t *threads;
	unsigned limit, started;
	unsigned idle; /* threads that have no job, those just started among them */
	bool ending;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void append(struct workers *w, struct job *job)
{
	job->next = NULL;
	*w->end = job;
	w->end = &job->next;
	w->queued++;
}

/* Delayed jobs whose time has come join the others. */
static void move_due(struct workers *w)
{
	uint64_t now = now_ns();

	while (w->later && (w->ending || w->later->due_ns <= now)) {
		struct job *job = w->later;

		w->later = job->next;
		append(w, job);
	}
}

static void wait_for_work(struct workers *w)
{
	w->idle++;
	if (w->later) {
		struct timespec t = {.tv_sec = (time_t)(w->later->due_ns / 1000000000),
		                     .tv_nsec = (long)(w->later->due_ns % 1000000000)};

		pthread_cond_timedwait(&w->work, &w->lock, &t);
	} else {
		pthread_cond_wait(&w->work, &w->lock);
	}
	w->idle--;
}

static void *work(void *arg);

/* Signals are for the main thread. */
static void start_thread(struct workers *w)
{
	pthread_attr_t attr;
	sigset_t all, old;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (!pthread_create(&w->threads[w->started], &attr, work, w)) {
		w->started++;
		w->idle++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

/* As far as the limit goes, there is a thread for each job that waits, and one
 * that watches the clock for the delayed ones. A thread that was woken counts
 * as idle until it runs, and its job as waiting. */
static void call_thread(struct workers *w)
{
	unsigned wanted = w->queued + (w->later != NULL);

	if (wanted > w->idle && w->started < w->limit && !w->ending)
		start_thread(w);
	pthread_cond_signal(&w->work);
}

static void *work(void *arg)
{
	struct workers *w = arg;

	pthread_mutex_lock(&w->lock);
	w->idle--;
	for (;;) {
		struct job *job;

		move_due(w);
		job = w->first;
		if (!job && w->ending)
			break;
		if (!job) {
			wait_for_work(w);
			continue;
		}
		w->first = job->next;
		if (!w->first)
			w->end = &w->first;
		w->queued--;
		if (w->first || w->later)
			call_thread(w); /* this one is busy now */
		pthread_mutex_unlock(&w->lock);
		job->run(job->arg);
		free(job);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->started; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	free(w->threads);
	free(w);
}

struct workers *workers_new(unsigned limit)
{
	struct workers *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->threads = calloc(limit, sizeof *w->threads);
	if (!w->threads) {
		free(w);
		return NULL;
	}
	w->limit = limit;
	w->end = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	wait_init(&w->work);
	pthread_mutex_lock(&w->lock);
	start_thread(w);
	pthread_mutex_unlock(&w->lock);
	if (!w->started) {
		log_error("no thread can be started: raise the limit of processes (ulimit -u)");
		workers_free(w);
		return NULL;
	}
	return w;
}

int workers_give(struct workers *w, unsigned delay_ms, void (*run)(void *arg), void *arg)
{
	struct job *job = malloc(sizeof *job), **at;

	if (!job)
		return -ENOMEM;
	*job = (struct job){.run = run, .arg = arg};
	job->due_ns = now_ns() + (uint64_t)delay_ms * 1000000;
	pthread_mutex_lock(&w->lock);
	if (!delay_ms) {
		append(w, job);
	} else {
		for (at = &w->later; *at && (*at)->due_ns <= job->due_ns; at = &(*at)->next)
			;
		job->next = *at;
		*at = job;
	}
	call_thread(w);
	pthread_mutex_unlock(&w->lock);
	return 0;
}
