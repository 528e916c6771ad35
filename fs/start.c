/* SPDX-License-Identifier: MIT */
#include "start.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "journal.h"
#include "types.h"

#define TYPES_MAX (4U << 20) /* bytes of a mime.types */

int start_raise_files(unsigned long *files)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return -errno;
	limit.rlim_cur = limit.rlim_max;
	(void)!setrlimit(RLIMIT_NOFILE, &limit);
	*files = limit.rlim_cur;
	if (*files >= START_FILES_LEAST)
		return 0;
	fprintf(stderr,
	        "pourfs: only %lu files may be open, which is too few for connections and "
	        "programs: raise the limit to %d or more (ulimit -n)\n",
	        *files, START_FILES_LEAST);
	return -EMFILE;
}

static int read_types(const char *path, bool first, unsigned *line)
{
	struct buf text = BUF_INIT;
	int err = buf_add_file(&text, path, TYPES_MAX);

	*line = 0;
	if (!err)
		err = types_add(text.s, text.len, first, line);
	buf_fini(&text);
	return err;
}

int start_read_types(const char *path)
{
	unsigned line;
	int err = path ? read_types(path, true, &line) : 0;

	if (err == -EINVAL && line)
		fprintf(stderr, "pourfs: mime_types=%s, line %u: it takes TYPE EXTENSION...\n",
		        path, line);
	else if (err)
		fprintf(stderr, "pourfs: mime_types=%s: %s\n", path, strerror(-err));
	if (!err)
		(void)read_types("/etc/mime.types", false, &line); /* if there is one */
	return err;
}

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	bool empty = true;

	while (dir && empty && (d = readdir(dir)))
		empty = !strcmp(d->d_name, ".") || !strcmp(d->d_name, "..");
	if (dir)
		closedir(dir);
	return empty;
}

enum mounted { NOTHING, TRIGGER, SOMETHING };

/* What is mounted right there: an automount's trigger waits for just us. */
static enum mounted what_is_mounted(const char *path)
{
	char real[4096], line[8192], at[4096];
	FILE *in = fopen("/proc/self/mountinfo", "re");
	enum mounted found = NOTHING;

	if (!in)
		return NOTHING;
	if (realpath(path, real))
		while (found != SOMETHING && fgets(line, sizeof line, in))
			if (sscanf(line, "%*d %*d %*s %*s %4095s", at) == 1 && !strcmp(at, real))
				found = strstr(line, " - autofs ") ? TRIGGER : SOMETHING;
	fclose(in);
	return found;
}

int start_check_mountpoint(const char *path, bool nonempty)
{
	enum mounted mounted;
	struct stat st;
	int fd;

	if (stat(path, &st)) {
		int err = errno;

		if (err == ENOENT)
			fprintf(stderr, "pourfs: there is no directory %s: mkdir -p %s\n", path,
			        path);
		else if (err == ENOTCONN)
			fprintf(stderr,
			        "pourfs: a mount that died is still at %s: fusermount3 -u %s\n",
			        path, path);
		else
			fprintf(stderr, "pourfs: %s: %s\n", path, strerror(err));
		return -err;
	}
	if (!S_ISDIR(st.st_mode)) {
		fprintf(stderr, "pourfs: %s is not a directory\n", path);
		return -ENOTDIR;
	}
	mounted = what_is_mounted(path);
	if (mounted == SOMETHING) {
		fprintf(stderr,
		        "pourfs: something is mounted at %s already: fusermount3 -u %s first, "
		        "or choose another directory\n",
		        path, path);
		return -EBUSY;
	}
	/* A look behind a trigger would wait for us. */
	if (!nonempty && mounted != TRIGGER && !is_empty(path)) {
		fprintf(stderr,
		        "pourfs: %s is not empty: choose another directory, "
		        "or hide what is in it with -o nonempty\n",
		        path);
		return -ENOTEMPTY;
	}
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		int err = errno;

		fprintf(stderr, "pourfs: /dev/fuse cannot be opened: %s. %s\n", strerror(err),
		        err == EACCES || err == EPERM
		                ? "Who may use it? In a container: --device /dev/fuse --cap-add "
		                  "SYS_ADMIN"
		                : "Load the module with modprobe fuse; in a container: --device "
		                  "/dev/fuse");
		return -err;
	}
	close(fd);
	return 0;
}

/* The real path of what of it there is. NULL: no memory. */
static char *real_path(const char *path)
{
	char *left = strdup(path), *real = NULL, *slash;

	while (left && !(real = realpath(left, NULL)) && (slash = strrchr(left, '/')))
		slash[slash == left] = '\0';
	free(left);
	return real;
}

int start_check_journal(const char *folder, const char *mountpoint)
{
	char *path = NULL, *real = NULL, *point = NULL;
	size_t n;
	int err = 0;

	if (!journal_folder(folder, false, &path)) { /* else it is said when it is wanted */
		real = real_path(path);
		point = realpath(mountpoint, NULL);
	}
	n = point ? strlen(point) : 0;
	if (real && n && !strncmp(real, point, n) && (!real[n] || real[n] == '/')) {
		fprintf(stderr,
		        "pourfs: the journal in %s would be below the mountpoint: choose another "
		        "folder for it with -o journal=FOLDER\n",
		        path);
		err = -EINVAL;
	}
	free(path);
	free(real);
	free(point);
	return err;
}

/* What a service's code means to who mounts. */
static const char *advice(const struct s3_fault *fault)
{
	static const struct {
		const char *code, *advice;
	} known[] = {
		{"NoSuchBucket",
	         "There is no such bucket: check its name and the endpoint, or create it first."},
		{"InvalidAccessKeyId", "The service does not know this access key: check "
	                               "AWS_ACCESS_KEY_ID or the profile."},
		{"SignatureDoesNotMatch",
	         "The secret key is wrong: check AWS_SECRET_ACCESS_KEY or the profile."},
		{"AccessDenied", "The key may not list this bucket: check its policy and the keys, "
	                         "or mount with -o no_list."},
		{"RequestTimeTooSkewed",
	         "The clock is off: set it, for example with timedatectl set-ntp true."},
		{"InvalidToken", "The session token is wrong or has expired: get a new one."},
		{"ExpiredToken", "The session token has expired: get a new one."},
		{"InvalidBucketName", "That cannot be the name of a bucket."},
		{"Connect",
	         "Nothing answers there: check the endpoint (-o endpoint=URL) and the network."},
		{"Resolve",
	         "That host is not known: check the endpoint (-o endpoint=URL) and the network."},
		{"Timeout",
	         "No answer came in time: check the endpoint (-o endpoint=URL) and the network."},
		{"Certificate",
	         "The certificate is not trusted: check the endpoint, or name its CA with "
	         "-o ca_file=FILE."},
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (!strcmp(fault->code, known[i].code))
			return known[i].advice;
	if (fault->status == 403)
		return "The service refuses: check the keys and the policy of the bucket.";
	if (fault->status == 404)
		return "There is no such bucket: check its name and the endpoint.";
	return "";
}

void start_explain(const struct s3_fault *fault, const char *bucket, const char *endpoint)
{
	fprintf(stderr, "pourfs: the bucket '%s' at %s cannot be used: %s%s%s", bucket, endpoint,
	        fault->code, *fault->message ? ": " : "", fault->message);
	if (*fault->request_id)
		fprintf(stderr, " (request %s)", fault->request_id);
	fprintf(stderr, "\n%s%s", advice(fault), *advice(fault) ? "\n" : "");
}

/* What may not be listed can at least be asked for a key. */
static int ask_for_a_key(struct s3 *s3, struct s3_call *call)
{
	char byte;
	struct iovec iov = {&byte, 1};
	ssize_t n = s3_get(s3, MOUNT_HIDDEN, 0, &iov, 1, NULL, NULL, call);

	if (n == -ENOENT)
		return strcmp(call->fault.code, "NoSuchBucket") ? 0 : -ENOENT;
	if (n == -EACCES && !strcmp(call->fault.code, "AccessDenied"))
		return 0; /* so it is called, if it is not there */
	return n < 0 ? (int)n : 0;
}

/* The answer will be the same as long as the question is. */
static bool is_final(const struct s3_fault *fault)
{
	static const char *const codes[] = {"NoSuchBucket", "InvalidBucketName",
	                                    "InvalidAccessKeyId", "SignatureDoesNotMatch"};

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (!strcmp(fault->code, codes[i]))
			return true;
	return false;
}

int start_check_bucket(struct s3 *s3, const struct mount_conf *conf)
{
	struct s3_page page = {0};
	struct s3_call call = {.retry_time_s = 10};
	int err = conf->no_list ? ask_for_a_key(s3, &call)
	                        : s3_list(s3, conf->prefix, 0, NULL, NULL, 1, &page, &call);

	if (err)
		start_explain(&call.fault, s3_bucket(s3), s3_endpoint(s3));
	s3_page_fini(&page);
	return err && !is_final(&call.fault) ? -EAGAIN : err;
}

int start_background(int *to_parent)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return -errno;
	}
	if (pid) {
		char status = 1;
		int wait_status;

		close(ends[1]);
		if (read(ends[0], &status, 1) == 1)
			_exit(status);
		if (waitpid(pid, &wait_status, 0) == pid && WIFEXITED(wait_status))
			_exit(WEXITSTATUS(wait_status));
		_exit(1);
	}
	close(ends[0]);
	*to_parent = ends[1];
	return 0;
}

void start_detached(int to_parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (chdir("/"))
		perror("pourfs: chdir /");
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	if (write(to_parent, "", 1) != 1)
		_exit(1); /* nobody waits any more */
	close(to_parent);
}
