/* SPDX-License-Identifier: MIT */
/* The provider is a process: it needs no network. */
#include "keyring.h"

#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/keyring_test.XXXXXX";

static void remove_folder(void)
{
	rmdir(folder);
}

static void make_folder(void)
{
	static bool made;

	if (made)
		return;
	check(mkdtemp(folder));
	atexit(remove_folder);
	made = true;
}

/* A command that counts its calls in a file, then runs the rest. */
static void start(struct keyring *ring, const char *rest)
{
	char command[1024];

	make_folder();
	snprintf(command, sizeof(command), "echo >>%s/calls; %s", folder, rest);
	keyring_init(ring);
	ring->provider = calloc(1, sizeof(*ring->provider));
	ring->provider->kind = PROVIDER_PROCESS;
	ring->provider->name = strdup("the process");
	ring->provider->command = strdup(command);
}

static void end(struct keyring *ring)
{
	char path[64];

	keyring_fini(ring);
	snprintf(path, sizeof(path), "%s/calls", folder);
	unlink(path);
}

static int calls(void)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/calls", folder);
	return stat(path, &st) ? 0 : (int)st.st_size;
}

#define KEYS(until)                                                                                \
	"printf "                                                                                  \
	"'{\"Version\":1,\"AccessKeyId\":\"A%d\",\"SecretAccessKey\":\"S\",\"SessionToken\":"      \
	"\"T\",\"Expiration\":\"%s\"}' $$ $(date -u -d '" until "' +%Y-%m-%dT%H:%M:%SZ)"

static int take(struct keyring *ring, struct keys **k, struct s3_fault *fault)
{
	*k = NULL;
	*fault = (struct s3_fault){0};
	return keyring_take(ring, NULL, 0, NULL, k, fault);
}

TEST(lasting_keys_and_none_are_just_there)
{
	struct keyring ring;
	struct s3_fault fault;
	struct keys *k;

	keyring_init(&ring);
	check_int(take(&ring, &k, &fault), 0);
	check(!k);
	ring.keys = keys_new("A", "S", NULL, 0);
	check_int(take(&ring, &k, &fault), 0);
	check(k == ring.keys);
	check(!keyring_refused(&ring, k, true)); /* nobody has others */
	keys_put(k);
	keyring_fini(&ring);
}

TEST(keys_are_asked_for_once_as_long_as_they_are_good)
{
	struct keyring ring;
	struct s3_fault fault;
	struct keys *k;

	start(&ring, KEYS("1 hour"));
	for (int i = 0; i < 5; i++) {
		check_int(take(&ring, &k, &fault), 0);
		keys_put(k);
	}
	check_int(calls(), 1);
	end(&ring);
}

/* They expire so many seconds from now on; nobody uses them meanwhile. */
static void let_expire(struct keyring *ring, int seconds)
{
	pthread_mutex_lock(&ring->lock);
	ring->keys->expires = time(NULL) + seconds;
	pthread_mutex_unlock(&ring->lock);
}

static void wait_for_renewal(struct keyring *ring)
{
	bool renewing = true;

	while (renewing) {
		usleep(10000);
		pthread_mutex_lock(&ring->lock);
		renewing = ring->renewing;
		pthread_mutex_unlock(&ring->lock);
	}
}

TEST(keys_that_have_expired_or_are_refused_are_renewed)
{
	struct keyring ring;
	struct s3_fault fault;
	struct keys *k, *second;

	start(&ring, KEYS("1 hour"));
	check_int(take(&ring, &k, &fault), 0);
	let_expire(&ring, 0);
	check_int(take(&ring, &second, &fault), 0);
	check(k != second);
	check_int(calls(), 2);
	check(!keyring_refused(&ring, second, false)); /* that is hard to believe */
	check(keyring_refused(&ring, k, true));        /* which are not in use any more */
	keys_put(k);
	check_int(take(&ring, &k, &fault), 0);
	check(k == second);
	check(keyring_refused(&ring, k, true));
	keys_put(k);
	keys_put(second);
	check_int(take(&ring, &k, &fault), 0);
	check_int(calls(), 3);
	keys_put(k);
	end(&ring);
}

TEST(keys_that_will_expire_are_renewed_while_nobody_waits)
{
	struct keyring ring;
	struct s3_fault fault;
	struct keys *k, *second;

	start(&ring, "sleep 0.3; " KEYS("1 hour"));
	check_int(take(&ring, &k, &fault), 0);
	let_expire(&ring, 100);
	check_int(take(&ring, &second, &fault), 0);
	check(k == second);
	keys_put(second);
	check_int(take(&ring, &second, &fault), 0); /* who comes meanwhile gets the old ones, too */
	keys_put(second);
	wait_for_renewal(&ring);
	check_int(take(&ring, &second, &fault), 0);
	check(k != second);
	check_int(calls(), 2);
	keys_put(k);
	keys_put(second);
	end(&ring);
}

TEST(a_failure_is_said_only_when_there_are_no_keys_left)
{
	char rest[512];
	struct keyring ring;
	struct s3_fault fault;
	struct keys *k;

	/* The first call grants, those after it fail. */
	make_folder();
	snprintf(rest, sizeof(rest), "[ $(wc -l <%s/calls) = 1 ] || exit 3; %s", folder,
	         KEYS("1 hour"));
	start(&ring, rest);
	check_int(take(&ring, &k, &fault), 0);
	keys_put(k);
	let_expire(&ring, 100);
	for (int i = 0; i < 3; i++) { /* not tried again at once */
		check_int(take(&ring, &k, &fault), 0);
		keys_put(k);
		wait_for_renewal(&ring);
		check_int(calls(), 2);
	}
	/* What granted keys once may do so again. */
	let_expire(&ring, 0);
	usleep(1100000);
	check_int(take(&ring, &k, &fault), -ETIMEDOUT);
	check_str(fault.message, "the process: its exit status is 3");
	check_int(calls(), 3);
	end(&ring);
}

TEST(keys_that_came_too_late_are_used_and_not_asked_for_each_time)
{
	struct keyring ring;
	struct s3_fault fault;
	struct keys *k;

	start(&ring, KEYS("1 hour ago"));
	for (int i = 0; i < 3; i++) {
		check_int(take(&ring, &k, &fault), 0);
		check(k != NULL);
		keys_put(k);
	}
	check_int(calls(), 1);
	end(&ring);
}

TEST(an_early_renewal_that_hangs_holds_up_no_end)
{
	char rest[512];
	struct keyring ring;
	struct s3_fault fault;
	struct keys *k;
	time_t began;

	make_folder();
	snprintf(rest, sizeof(rest), "[ $(wc -l <%s/calls) = 1 ] || sleep 50; %s", folder,
	         KEYS("1 hour"));
	start(&ring, rest);
	check_int(take(&ring, &k, &fault), 0);
	keys_put(k);
	let_expire(&ring, 100);
	check_int(take(&ring, &k, &fault), 0);
	keys_put(k);
	began = time(NULL);
	end(&ring);
	check(time(NULL) - began < 20);
}

struct taker {
	pthread_t thread;
	struct keyring *ring;
	int err;
};

static void *take_one(void *arg)
{
	struct taker *t = arg;
	struct s3_fault fault;
	struct keys *k;

	t->err = take(t->ring, &k, &fault);
	keys_put(k);
	return NULL;
}

TEST(many_who_need_them_ask_once)
{
	struct taker takers[8];
	struct keyring ring;

	start(&ring, "sleep 0.3; " KEYS("1 hour"));
	for (size_t i = 0; i < 8; i++) {
		takers[i] = (struct taker){.ring = &ring};
		check_int(pthread_create(&takers[i].thread, NULL, take_one, &takers[i]), 0);
	}
	for (size_t i = 0; i < 8; i++) {
		pthread_join(takers[i].thread, NULL);
		check_int(takers[i].err, 0);
	}
	check_int(calls(), 1);
	end(&ring);
}

TEST(many_who_need_them_fail_together)
{
	struct taker takers[8];
	struct keyring ring;

	start(&ring, "sleep 0.3; exit 4");
	for (size_t i = 0; i < 8; i++) {
		takers[i] = (struct taker){.ring = &ring};
		check_int(pthread_create(&takers[i].thread, NULL, take_one, &takers[i]), 0);
	}
	for (size_t i = 0; i < 8; i++) {
		pthread_join(takers[i].thread, NULL);
		check_int(takers[i].err, -EACCES);
	}
	check_int(calls(), 1);
	end(&ring);
}

TEST(what_a_process_says_must_be_keys)
{
	struct s3_fault fault;
	struct keyring ring;
	struct keys *k;

	start(&ring, "echo nothing");
	check_int(take(&ring, &k, &fault), -EACCES);
	check_str(fault.message, "the process: what it answers are no keys");
	end(&ring);
	start(&ring, "head -c 100000 /dev/zero");
	check_int(take(&ring, &k, &fault), -EACCES);
	check_str(fault.message, "the process: File too large");
	end(&ring);
}

TEST_MAIN
