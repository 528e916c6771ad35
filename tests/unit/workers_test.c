/* SPDX-License-Identifier: MIT */
#include "test.h"
#include "workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Jobs write down their letters, and when. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char order[4096];
static long long ran_at_ms[128];
static atomic_int inside, most_inside, jobs_done;

static void note(void *arg)
{
	const char *letter = arg;
	size_t n;

	pthread_mutex_lock(&lock);
	n = strlen(order);
	order[n] = *letter;
	order[n + 1] = 0;
	ran_at_ms[(int)*letter] = now_ms();
	pthread_mutex_unlock(&lock);
}

static void begin(void)
{
	order[0] = 0;
	inside = most_inside = jobs_done = 0;
}

static void give(struct workers *w, unsigned delay_ms, void (*run)(void *), const char *arg)
{
	check_int(workers_give(w, delay_ms, run, (void *)arg), 0);
}

static void wait_for(atomic_int *what, int value)
{
	long long until = now_ms() + 10000;

	while (*what < value && now_ms() < until)
		usleep(1000);
}

/* Stays inside until `expected` are. */
static int expected;
static void meet(void *arg)
{
	int n = ++inside;

	(void)arg;
	if (n > most_inside)
		most_inside = n;
	for (long long until = now_ms() + 2000; most_inside < expected && now_ms() < until;)
		usleep(1000);
	inside--;
	jobs_done++;
}

TEST(one_thread_takes_jobs_in_their_order)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	struct workers *w = workers_new(1);

	begin();
	for (const char *c = letters; *c; c++)
		give(w, 0, note, c);
	workers_free(w);
	check_str(order, letters);
}

TEST(as_many_run_at_once_as_the_limit_says_and_no_more)
{
	struct workers *w = workers_new(4);

	begin();
	expected = 4;
	for (int i = 0; i < 12; i++)
		give(w, 0, meet, NULL);
	workers_free(w);
	check_int(most_inside, 4);
	check_int(jobs_done, 12);
}

TEST(jobs_given_at_once_do_not_queue_for_one_idle_thread)
{
	struct workers *w = workers_new(8);

	begin();
	expected = 1;
	give(w, 0, meet, NULL);
	wait_for(&jobs_done, 1);
	usleep(20000); /* it is idle now */
	expected = 8;
	most_inside = 0;
	for (int i = 0; i < 8; i++)
		give(w, 0, meet, NULL);
	workers_free(w);
	check_int(most_inside, 8);
}

TEST(a_delayed_job_waits_and_lets_others_pass)
{
	struct workers *w = workers_new(2);
	long long start = now_ms();

	begin();
	give(w, 120, note, "c");
	give(w, 60, note, "b");
	give(w, 0, note, "a");
	usleep(300000);
	pthread_mutex_lock(&lock);
	check_str(order, "abc");
	check(ran_at_ms['b'] - start >= 60 && ran_at_ms['c'] - start >= 120);
	pthread_mutex_unlock(&lock);
	workers_free(w);
}

static void hold_up(void *arg)
{
	note(arg);
	usleep(600000);
	jobs_done++;
}

TEST(a_delayed_job_is_not_held_up_by_one_that_takes_long)
{
	struct workers *w = workers_new(4);

	begin();
	expected = 1;
	give(w, 0, meet, NULL);
	wait_for(&jobs_done, 1);
	give(w, 40, hold_up, "a");
	give(w, 80, note, "b");
	usleep(400000);
	pthread_mutex_lock(&lock);
	check_str(order, "ab");
	pthread_mutex_unlock(&lock);
	workers_free(w);
}

TEST(jobs_that_come_due_together_run_together)
{
	struct workers *w = workers_new(4);

	begin();
	expected = 4;
	for (int i = 0; i < 4; i++)
		give(w, 30, meet, NULL);
	wait_for(&jobs_done, 4);
	check_int(most_inside, 4);
	workers_free(w);
}

TEST(freeing_runs_what_was_given_the_delayed_at_once)
{
	struct workers *w = workers_new(2);
	long long start = now_ms();

	begin();
	give(w, 60000, note, "b");
	give(w, 0, note, "a");
	workers_free(w);
	check_int(strlen(order), 2);
	check(now_ms() - start < 10000);
}

static struct workers *pool;
static void give_more(void *arg)
{
	const char *letter = arg;

	note(arg);
	if (*letter < 'e')
		give(pool, *letter == 'c' ? 60000 : 0, give_more, letter + 1);
}

TEST(a_job_may_give_further_jobs_even_while_the_pool_is_freed)
{
	pool = workers_new(3);
	begin();
	give(pool, 0, give_more, &"abcde"[0]);
	workers_free(pool);
	check_str(order, "abcde");
}

static void count(void *arg)
{
	(void)arg;
	jobs_done++;
}

static void *give_many(void *arg)
{
	for (int i = 0; i < 2000; i++)
		if (workers_give(arg, i % 16 ? 0 : 1, count, NULL))
			abort();
	return NULL;
}

TEST(every_job_of_many_givers_runs_once)
{
	struct workers *w = workers_new(4);
	pthread_t givers[4];

	begin();
	for (int i = 0; i < 4; i++)
		pthread_create(&givers[i], NULL, give_many, w);
	for (int i = 0; i < 4; i++)
		pthread_join(givers[i], NULL);
	workers_free(w);
	check_int(jobs_done, 8000);
}

TEST(an_unused_pool_is_freed)
{
	workers_free(workers_new(8));
	workers_free(NULL);
}

TEST_MAIN
