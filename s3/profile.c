/* SPDX-License-Identifier: MIT */
#include "profile.h"

#include "buf.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1U << 20)

int profile_complain(struct s3_fault *fault, int err, const char *code, const char *format, ...)
{
	va_list ap;

	*fault = (struct s3_fault){0};
	snprintf(fault->code, sizeof(fault->code), "%s", code);
	va_start(ap, format);
	vsnprintf(fault->message, sizeof(fault->message), format, ap);
	va_end(ap);
	return err;
}

const char *profile_env(const char *name)
{
	const char *s = getenv(name);

	return s && *s ? s : NULL;
}

void profile_home(char path[512], const char *name)
{
	const char *home = profile_env("HOME");
	struct passwd *me = home ? NULL : getpwuid(getuid());

	if (!home)
		home = me ? me->pw_dir : "";
	if (strncmp(name, "~/", 2) == 0)
		snprintf(path, 512, "%s/%s", home, name + 2);
	else
		snprintf(path, 512, "%s", name);
}

static void find_file(char path[512], const char *variable, const char *usual)
{
	const char *set = profile_env(variable);

	profile_home(path, set ? set : usual);
}

static int read_all(int fd, struct buf *to)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0 && to->len <= FILE_BYTES_MAX)
		buf_add(to, chunk, (size_t)n);
	explicit_bzero(chunk, sizeof(chunk));
	if (n < 0)
		return -errno;
	return to->len > FILE_BYTES_MAX ? -EFBIG : buf_error(to);
}

int profile_read(const char *path, struct buf *text, bool *open_to_others)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int err = fd < 0 || fstat(fd, &st) != 0 ? -errno : 0;

	*open_to_others = false;
	/* /dev/null is how people say that they want no file. */
	if (!err && !S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		err = -EINVAL;
	if (!err && S_ISREG(st.st_mode)) {
		*open_to_others = st.st_mode & (S_IRWXG | S_IRWXO);
		err = read_all(fd, text);
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int write_all(int fd, const struct buf *text)
{
	for (size_t done = 0; done < text->len;) {
		ssize_t n = write(fd, text->s + done, text->len - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) ? -errno : 0;
}

int profile_write(const char *path, const struct buf *text)
{
	char *there = realpath(path, NULL); /* where links lead to */
	struct buf fresh = BUF_INIT;
	struct stat st;
	int fd = -1, err = !there || stat(there, &st) ? -errno : 0;

	buf_addf(&fresh, "%s.XXXXXX", there ? there : "");
	if (!err)
		err = buf_error(&fresh);
	if (!err) {
		fd = mkostemp(fresh.s, O_CLOEXEC);
		err = fd < 0 ? -errno : 0;
	}
	if (!err && (st.st_uid != geteuid() || st.st_gid != getegid()) &&
	    fchown(fd, st.st_uid, st.st_gid))
		err = -errno; /* its owner could not read it any more */
	if (!err)
		err = write_all(fd, text);
	if (fd >= 0 && close(fd) != 0 && !err)
		err = -errno;
	if (!err && rename(fresh.s, there) != 0)
		err = -errno;
	if (err && fd >= 0)
		unlink(fresh.s);
	buf_fini(&fresh);
	free(there);
	return err;
}

/* A file that is not there is an empty one. */
static int load_file(struct profile_file *f, struct s3_fault *fault)
{
	struct buf text = BUF_INIT;
	unsigned line = 0;
	int err = profile_read(f->path, &text, &f->open_to_others);

	if (err == -ENOENT || err == -ENOTDIR)
		err = 0;
	else if (err)
		profile_complain(fault, 0, "Credentials", "cannot read %s: %s", f->path,
		                 strerror(-err));
	else if ((err = ini_parse(&f->ini, text.s, text.len, &line)) == -EINVAL)
		profile_complain(fault, 0, "Credentials",
		                 "%s, line %u: neither [profile] nor key = value", f->path, line);
	profile_wipe(&text);
	return err == 0 || err == -ENOMEM ? err : err == -EINVAL ? err : -EACCES;
}

void profile_wipe(struct buf *text)
{
	explicit_bzero(text->s, text->len);
	buf_fini(text);
}

int profiles_load(struct profiles *files, struct s3_fault *fault)
{
	int err;

	*files = (struct profiles){0};
	find_file(files->credentials.path, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
	find_file(files->config.path, "AWS_CONFIG_FILE", "~/.aws/config");
	err = load_file(&files->credentials, fault);
	if (!err)
		err = load_file(&files->config, fault);
	if (err)
		profiles_fini(files);
	return err;
}

void profiles_fini(struct profiles *files)
{
	ini_fini(&files->credentials.ini);
	ini_fini(&files->config.ini);
}

bool profile_find(const struct profiles *files, const char *name, struct profile *p)
{
	p->name = name;
	snprintf(p->section, sizeof(p->section), "profile %s", name);
	/* [default] needs no "profile" before it, but may have one. */
	if (strcmp(name, "default") == 0 && !ini_has(&files->config.ini, p->section))
		snprintf(p->section, sizeof(p->section), "default");
	return ini_has(&files->credentials.ini, name) || ini_has(&files->config.ini, p->section);
}

const char *profile_get(const struct profiles *files, const struct profile *p, const char *key)
{
	const char *s = ini_get(&files->credentials.ini, p->name, key);

	if (!s || !*s)
		s = ini_get(&files->config.ini, p->section, key);
	return s && *s ? s : NULL;
}

const char *profile_section_get(const struct profiles *files, const char *kind, const char *name,
                                const char *key)
{
	char section[256];
	const char *s;

	snprintf(section, sizeof(section), "%s %s", kind, name);
	s = ini_get(&files->config.ini, section, key);
	return s && *s ? s : NULL;
}
