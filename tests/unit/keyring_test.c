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

/* A command that counts its calls in a file, then runs the rest. */
static void start(struct keyring *ring, const char *rest)
{
	static bool made;
	char command[1024];

	if (!made) {
		check(mkdtemp(folder));
		made = true;
	}
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
	rmdir(folder);
	mkdir(folder, 0700);
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
	check(!keyring_refused(&ring, k)); /* nobody has others */
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

TEST(keys_that_expire_or_are_refused_are_renewed)
{
	struct keyring ring;
	struct s3_fault fault;
	struct keys *k, *second;

	start(&ring, KEYS("4 seconds"));
	check_int(take(&ring, &k, &fault), 0);
	sleep(4);
	check_int(take(&ring, &second, &fault), 0);
	check(k != second);
	check_int(calls(), 2);
	check(keyring_refused(&ring, k)); /* which are not in use any more */
	keys_put(k);
	check_int(take(&ring, &k, &fault), 0);
	check(k == second);
	check(keyring_refused(&ring, k));
	keys_put(k);
	keys_put(second);
	check_int(take(&ring, &k, &fault), 0);
	check_int(calls(), 3);
	keys_put(k);
	end(&ring);
}

TEST(a_failure_is_said_only_when_there_are_no_keys_left)
{
	char rest[512];
	struct keyring ring;
	struct s3_fault fault;
	struct keys *k;

	/* The first call grants, those after it fail. */
	snprintf(rest, sizeof(rest), "[ $(wc -l <%s/calls) = 1 ] || exit 3; %s", folder,
	         KEYS("9 seconds"));
	start(&ring, rest);
	check_int(take(&ring, &k, &fault), 0);
	keys_put(k);
	sleep(7); /* it is time to renew them, and they are good for 2 s more */
	check_int(take(&ring, &k, &fault), 0);
	check_int(calls(), 2);
	keys_put(k);
	check_int(take(&ring, &k, &fault), 0); /* not tried again at once */
	check_int(calls(), 2);
	keys_put(k);
	sleep(3);
	check_int(take(&ring, &k, &fault), -EACCES);
	check_str(fault.message, "the process: its exit status is 3");
	end(&ring);
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

TEST(a_process_is_given_its_time_and_no_more)
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
