/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attr.h"
#include "carry.h"
#include "channel.h"
#include "check.h"
#include "draft.h"
#include "handle.h"
#include "kernel.h"
#include "log.h"
#include "mount.h"
#include "note.h"
#include "notify.h"
#include "ops.h"
#include "opts.h"
#include "start.h"
#include "types.h"
#include "uploads.h"
#include "url.h"
#include "watch.h"

#define FUSE_THREADS 64 /* writers that wait for memory need one each */
#define FILES_EACH   3  /* of a FUSE thread, and of a connection */
#define END_POLL_US  20000
#define IN_VAIN      2 /* exit status: nobody need try again before something is changed */
#define ARENAS       2 /* of malloc(): with one a thread, what they keep free adds up */

/* ------------------------------------------------------------- the mount */

static struct node *add_control(struct mount *m, struct node *parent, const char *name, mode_t mode,
                                enum node_special special)
{
	struct node *n;

	tree_lock(m->tree);
	n = tree_add_locked(m->tree, parent, name, mode & S_IFMT);
	if (n) {
		n->attr = mount_default_attr(m, mode & S_IFMT, m->started);
		n->attr.mode = mode;
		n->attr.uid = getuid(); /* whoever owns the files */
		n->attr.gid = getgid();
		n->special = special;
	}
	tree_unlock(m->tree);
	return n;
}

/* MOUNTPOINT/.pourfs/status, for the owner of the mount. */
static int add_controls(struct mount *m)
{
	struct node *dir =
		add_control(m, m->tree->root, MOUNT_HIDDEN, S_IFDIR | 0500, NODE_CONTROL_DIR);

	if (!dir || !add_control(m, dir, "status", S_IFREG | 0400, NODE_STATUS))
		return -ENOMEM;
	return add_control(m, dir, "metrics", S_IFREG | 0400, NODE_METRICS) ? 0 : -ENOMEM;
}

static void make_run_id(struct mount *m)
{
	uint64_t n = 0;

	if (getrandom(&n, sizeof n, 0) != sizeof n)
		n = mount_now_ms();
	snprintf(m->run_id, sizeof m->run_id, "%016llx", (unsigned long long)n);
}

static int mount_init(struct mount *m, const struct opts *o)
{
	struct attr root;

	*m = (struct mount){.conf = o->mount, .started = time(NULL)};
	pthread_mutex_init(&m->drafts_lock, NULL);
	pthread_mutex_init(&m->handles_lock, NULL);
	pthread_mutex_init(&m->readers_lock, NULL);
	room_init(&m->room);
	make_run_id(m);
	root = mount_default_attr(m, S_IFDIR, m->started);
	m->tree = tree_new(&root);
	m->budget = budget_new(m->conf.memory, m->conf.part_size);
	m->uploads = workers_new(m->conf.parallel);
	m->fetches = workers_new(m->conf.parallel);
	m->flushes = workers_new(m->conf.parallel);
	m->looks = workers_new(m->conf.small);
	m->copies = workers_new(m->conf.parallel);
	m->carry = carry_new();
	m->movers = workers_new(m->conf.small);
	m->words = workers_new(1);
	if (!m->tree || !m->budget || !m->uploads || !m->fetches || !m->flushes || !m->looks ||
	    !m->copies || !m->carry || !m->movers || !m->words)
		return -ENOMEM;
	m->tree->limit = m->conf.max_entries;
	m->tree->forget_locked = kernel_forget_locked;
	m->tree->weigh_locked = mount_weigh;
	mount_weigh_first(m);
	m->tree->arg = m;
	return add_controls(m);
}

static void mount_fini(struct mount *m)
{
	workers_free(m->looks);
	workers_free(m->flushes);
	workers_free(m->fetches); /* its last jobs may still copy by the other */
	workers_free(m->uploads);
	workers_free(m->movers);
	workers_free(m->copies);
	carry_free(m->carry);
	workers_free(m->words);
	note_unmount(m);
	s3_free(m->s3);
	tree_free(m->tree);
	budget_free(m->budget);
	pthread_mutex_destroy(&m->drafts_lock);
	pthread_mutex_destroy(&m->handles_lock);
	pthread_mutex_destroy(&m->readers_lock);
	room_fini(&m->room);
}

/* ------------------------------------------------------------- the end */

struct unfinished {
	struct file *file;
	int failed;
};

static bool find_dirty(struct draft *d, void *arg)
{
	struct unfinished *u = arg;

	if (!d->dirty || d->discarded || d->error)
		return false;
	file_hold(d->file);
	d->file->handles++;
	d->file->writers++; /* so that the draft stays until its outcome is known */
	u->file = d->file;
	return true;
}

/* 1: it did not get there. */
static int finish_file(struct file *f)
{
	int err = draft_publish(f, NULL);
	struct buf path = BUF_INIT;
	char text[1200];

	if (err) {
		tree_lock(f->m->tree);
		tree_path_locked(f->node, &path);
		tree_unlock(f->m->tree);
		log_error("not in the bucket: %s: %s", log_quote(text, sizeof text, path.s),
		          strerror(-err));
		buf_fini(&path);
	}
	draft_user_gone(f, true);
	file_put(f);
	return err != 0;
}

static bool is_draft(struct draft *d, void *arg)
{
	(void)d;
	(void)arg;
	return true;
}

/* Publishes what programs had not closed, and attributes held back. Returns
 * how many files and attributes did not get there. */
static int finish(struct mount *m)
{
	struct unfinished u = {0};

	m->ending = true;
	while (draft_any(m, find_dirty, &u))
		u.failed += finish_file(u.file);
	handle_release_all(m);
	while (draft_any(m, is_draft, NULL)) /* what failed is being aborted */
		usleep(END_POLL_US);
	return u.failed + (int)attr_flush_all(m);
}

/* ------------------------------------------------------------- FUSE */

static int fuse_arguments(struct fuse_args *args, const struct opts *o)
{
	struct buf list = BUF_INIT;
	int err;

	buf_addf(&list, "-ofsname=%s,subtype=pourfs,nosuid,nodev", o->mount.bucket);
	if (o->allow_other)
		buf_adds(&list, ",allow_other");
	if (o->allow_other || o->default_permissions)
		buf_adds(&list, ",default_permissions");
	if (o->mount.read_only)
		buf_adds(&list, ",ro");
	if (o->noexec)
		buf_adds(&list, ",noexec");
	if (o->noatime)
		buf_adds(&list, ",noatime");
	err = buf_error(&list);
	if (!err && (fuse_opt_add_arg(args, "pourfs") || fuse_opt_add_arg(args, list.s)))
		err = -ENOMEM;
	buf_fini(&list);
	return err;
}

static int serve(const struct mount *m, struct fuse_session *session)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int err;

	fuse_loop_cfg_set_max_threads(config, FUSE_THREADS);
	fuse_loop_cfg_set_idle_threads(config, FUSE_THREADS);
	fuse_loop_cfg_set_clone_fd(config, m->roomy);
	err = fuse_session_loop_mt(session, config);
	fuse_loop_cfg_destroy(config);
	return err < 0 ? err : 0; /* a signal is an end like any other */
}

struct last_words {
	struct mount *m;
	pthread_t server;
	atomic_bool said, over;
};

static void *say_last_words(void *arg)
{
	struct last_words *l = arg;

	workers_free(l->m->words);
	l->m->words = NULL;
	l->said = true;
	while (!l->over) { /* the server may just not be waiting yet */
		pthread_kill(l->server, SIGTERM);
		usleep(END_POLL_US);
	}
	return NULL;
}

/* A signal ends the serving, but what the kernel is just being told (kernel.h) may
 * wait for a program that waits for an answer: so these are given until it is said. */
static void serve_last_words(struct mount *m, struct fuse_session *session)
{
	struct last_words l = {.m = m, .server = pthread_self()};
	struct pollfd device = {.fd = fuse_session_fd(session)};
	pthread_t thread;

	tree_lock(m->tree);
	m->ending = true; /* there will be no more */
	tree_unlock(m->tree);
	if (poll(&device, 1, 0) == 1 && device.revents & POLLERR)
		return; /* unmounted: nobody waits */
	if (pthread_create(&thread, NULL, say_last_words, &l))
		return;
	while (!l.said) {
		fuse_session_reset(session);
		(void)serve(m, session);
	}
	l.over = true;
	pthread_join(thread, NULL);
}

/* So that the kernel knows the name before it is needed: see op_fill_entry(). By a process
 * of its own that has nothing of ours open: a thread of ours that waits for the kernel,
 * which waits behind a rename for us, could not be killed, and we not without it. */
static void look_at_status(const char *mountpoint)
{
	int root = open(mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid_t pid = root < 0 ? -1 : fork();
	struct stat st;

	if (!pid) {
		/* Its child is nobody's to wait for. */
		if (!_Fork() && !dup2(root, 0) && !close_range(1, ~0U, 0))
			(void)!fstatat(0, MOUNT_HIDDEN "/status", &st, 0);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (root >= 0)
		close(root);
}

static void on_signal(int signal)
{
	log_shift(signal == SIGUSR1 ? 1 : -1);
}

/* SIGUSR1: the log tells more; SIGUSR2: less. */
static void heed_log_signals(void)
{
	const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
}

/* Mounts, serves until unmounted, finishes. The exit status. */
static int run_session(struct mount *m, const struct opts *o, int to_parent)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *session = NULL;
	int err = fuse_arguments(&args, o), unfinished;
	char status[400];

	if (!err)
		session = fuse_session_new(&args, &ops_table, sizeof ops_table, m);
	fuse_opt_free_args(&args);
	if (!session)
		return 1;
	if (fuse_set_signal_handlers(session) || fuse_session_mount(session, m->conf.mountpoint)) {
		fuse_session_destroy(session);
		return 1; /* libfuse has said why */
	}
	channel_open(session);
	look_at_status(m->conf.mountpoint);
	if (to_parent >= 0) {
		log_setup((enum log_level)o->log_level, LOG_SYSLOG | opts_log_flags(o));
		start_detached(to_parent);
	}
	heed_log_signals();
	snprintf(status, sizeof status, "%s at %s", m->conf.bucket, m->conf.mountpoint);
	notify_ready(status);
	m->session = session;
	err = serve(m, session);
	if (err)
		log_error("the connection to the kernel broke: %s", strerror(-err));
	notify_stopping("storing what was not closed");
	serve_last_words(m, session);
	unfinished = finish(m);
	fuse_session_unmount(session);
	fuse_remove_signal_handlers(session);
	fuse_session_destroy(session);
	return err || unfinished ? 1 : 0;
}

/* What is open when all FUSE threads have a device and a pipe, and they and all
 * transfers a connection, so many of them small; and some more. */
static unsigned long files_wanted(const struct mount_conf *conf, unsigned small)
{
	return FILES_EACH * (2 * FUSE_THREADS + 3 * conf->parallel + 2 * small) + FUSE_THREADS;
}

/* Makes do with what may be open. Whether FUSE threads may have files of their own. */
static bool fit(struct opts *o, unsigned long files)
{
	struct mount_conf *conf = &o->mount;
	bool roomy = files >= files_wanted(conf, conf->parallel);
	unsigned long most =
		roomy ? (files - files_wanted(conf, 0)) / (2 * FILES_EACH) : conf->parallel;

	if (conf->small > most) {
		o->s3.connections -= conf->small - (unsigned)most;
		conf->small = (unsigned)most;
	}
	return roomy;
}

static int mount_main(int argc, char **argv)
{
	struct opts o;
	struct mount m = {0};
	struct s3_fault fault = {0};
	unsigned long files;
	int err = opts_parse(&o, argc, argv), to_parent = -1;
	int status = err == -EINVAL ? IN_VAIN : 1;

	if (!err && (o.help || o.version)) {
		if (o.help)
			opts_help();
		else
			puts("pourfs " POURFS_VERSION);
		opts_fini(&o);
		return 0;
	}
	log_setup((enum log_level)(err ? LOG_LEVEL_WARN : o.log_level), opts_log_flags(&o));
	if (!err)
		err = start_raise_files(&files);
	if (!err) {
		err = start_read_types(o.mime_types);
		status = err ? IN_VAIN : 1;
	}
	if (!err)
		err = start_check_mountpoint(o.mount.mountpoint, o.nonempty);
	if (!err && !o.mount.read_only) {
		err = start_check_journal(o.mount.journal_dir, o.mount.mountpoint);
		status = err ? IN_VAIN : status;
	}
	if (!err && !o.foreground)
		err = start_background(&to_parent);
	if (!err) {
		bool roomy = fit(&o, files);

		err = mount_init(&m, &o);
		m.roomy = roomy;
		if (!err)
			err = s3_new(&m.s3, &o.s3, &fault);
		if (err)
			fprintf(stderr, "pourfs: %s\n",
			        *fault.message ? fault.message : strerror(-err));
		status = err == -EINVAL || err == -EACCES || err == -ENOENT ? IN_VAIN : 1;
		if (!err) {
			err = start_check_bucket(m.s3, &m.conf);
			status = err && err != -EAGAIN ? IN_VAIN : 1;
		}
		if (!err)
			note_mount(&m);
		if (!err)
			status = run_session(&m, &o, to_parent);
		mount_fini(&m);
	}
	types_fini();
	opts_fini(&o);
	return status;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	mallopt(M_ARENA_MAX, ARENAS);
	if (argc > 1 && !strcmp(argv[1], "status"))
		return watch_main(argc - 2, argv + 2);
	if (argc > 1 && !strcmp(argv[1], "uploads"))
		return uploads_main(argc - 2, argv + 2);
	if (argc > 1 && !strcmp(argv[1], "check"))
		return check_main(argc - 2, argv + 2);
	if (argc > 1 && !strcmp(argv[1], "url"))
		return url_main(argc - 2, argv + 2);
	if (argc > 1 && !strcmp(argv[1], "recover"))
		return recover_main(argc - 2, argv + 2);
	return mount_main(argc - 1, argv + 1);
}
