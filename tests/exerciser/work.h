/* SPDX-License-Identifier: MIT */
/* work.h - what the parts of the exerciser share: the two sides, the file being
 * worked on, the dice and the verdicts. One thread. */
#ifndef EXERCISER_WORK_H
#define EXERCISER_WORK_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MIB         (1L << 20)
#define CHUNK       MIB /* of what is compared at once */
#define MARGIN      64  /* compared around what was touched */
#define TOUCHED_MAX 256
#define LOG_MAX     40
#define LEFT_MAX    6

enum { TEST, LOCAL };
enum { FIRST, SECOND, READER, DESCRIPTORS };

struct side {
	const char *path;
	int dir;
	int fd[DESCRIPTORS]; /* -1: closed; of both sides the same ones are open */
	char *bytes;         /* CHUNK, read */
};

struct range {
	long offset, length;
};

extern struct side sides[2];
extern char *payload; /* as long as the longest single write */
extern long max_size, part_size, spoil_at, operation;
extern uint64_t seed, dice;
extern bool verbose;

/* The file being worked on. */
extern char name[32], other[32]; /* other: closed, to be copied from; may be "" */
extern long size, last_offset;
extern bool linked, readable; /* it has a name; the first descriptor may read */
extern bool watchful;         /* what is touched is read back */
extern bool timed;            /* nothing changed it since the program set its time */
extern struct range touched[TOUCHED_MAX];
extern int touches;
extern char left[LEFT_MAX][32]; /* files that were finished */
extern int names, lefts;
extern char story[LOG_MAX][160];

/* ------------------------------------------------------------------ verdicts */

/* What the operation now does, for the log. */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
void failed(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void agree(const char *call, const long said[2], const int why[2]);

/* Makes the call on each side s. It has to succeed and say the same on both. */
#define BOTH(call)                                                                                 \
	({                                                                                         \
		long said_[2];                                                                     \
		int why_[2];                                                                       \
		for (int i_ = 0; i_ < 2; i_++) {                                                   \
			struct side *s = &sides[i_];                                               \
			said_[i_] = (call);                                                        \
			why_[i_] = errno;                                                          \
		}                                                                                  \
		agree(#call, said_, why_);                                                         \
		said_[LOCAL];                                                                      \
	})

/* ---------------------------------------------------------------------- dice */

uint64_t next(void); /* splitmix64 */
long below(long n);
bool one_in(long n);
long some_length(long most); /* 1 to most, each order of magnitude as often */
long some_offset(void);
struct range some_range(long longest); /* to be changed: within max_size */

/* ------------------------------------------------------------- what is checked */

void touch(long offset, long length);
void differ(const struct side *test, const struct side *local, long offset, long n);
void compare_by(int which, long offset, long end);
/* Opens; a name that is there, but for O_CREAT. */
void open_as(int which, const char *file, int flags);
void close_as(int which);
bool is_open(int which);
int some_reader(void); /* a descriptor that can read: an open one, or the reader anew */
int some_writer(void);
void compare_whole(const char *file);
void compare_now(void);
void check(void);

/* ------------------------------------------------- operations on bytes: bytes.c */

void fill(long n);
void write_by(int which, struct range r);
void do_write(void);
void do_run(void);
void do_scatter(void);
void do_read(void);
void do_scan(void);
void do_append(void);
void cut(long to);
void do_truncate(void);
void do_truncate_path(void);
void do_allocate(void);
void do_keep_size(void);
void do_punch(void);
void do_zero(void);
long copy(int in, loff_t from, int out, loff_t to, long length);
void do_copy(void);
void do_fsync(void);
void do_fdatasync(void);
void do_mmap(void);
void do_seek(void);

/* ------------------------------------- on descriptors and names: names.c */

void do_copy_from(void);
void close_all(void);
void open_first(int flags);
void do_copy_whole(void);
void do_second(void);
void do_reader(void);
void do_dup(void);
void create_file(void);
void do_reopen(void);
void do_rename(void);
void do_rename_open(void);
void do_unlink(void);
void do_leave(void);
void do_mode(void);
void do_times(void);

#endif
