/* SPDX-License-Identifier: MIT */
/* Reading and writing open files with the rules of the system calls. */
#pragma once
#include "fs/vfs.h"

#define MAX_RW_BYTES 0x7ffff000ul	/* most that one call moves */
#define IOV_MAX_COUNT 1024u
#define IOV_FAST 8u

/* A program's iovec, copied in and checked. */
struct user_iov {
	struct uio uio;
	struct kiovec fast[IOV_FAST];
	struct kiovec *heap;	/* NULL: fast[] is used */
};

/* Returns 0, -EINVAL, -EFAULT, -ENOMEM. Undo by user_iov_fini. */
int user_iov_init(struct user_iov *v, uint64_t iov, uint64_t nr);
/* Of one buffer. Returns 0 or -EFAULT. */
int user_iov_one(struct user_iov *v, uint64_t buf, uint64_t n);
void user_iov_fini(struct user_iov *v);
/* With RWF_* flags; -EOPNOTSUPP: not these. */
ssize_t rw_vector(struct file *f, struct uio *u, uint64_t *pos, uint64_t rwf,
		  bool write);
/*
 * file_read/file_write with what belongs to the calls: limits and seals,
 * SIGPIPE, SIGXFSZ, notification. pos NULL = the file's own position.
 */
ssize_t rw_read(struct file *f, struct uio *u, uint64_t *pos);
ssize_t rw_write(struct file *f, struct uio *u, uint64_t *pos);
/* Shortens *len to what RLIMIT_FSIZE allows from pos on. 0 or -EFBIG. */
int rw_check_limit(uint64_t pos, uint64_t *len);
/*
 * May [pos, pos + *len) of a regular file be written? Shortens *len to what
 * RLIMIT_FSIZE allows. Returns 0, -EFBIG (after SIGXFSZ), -EPERM (sealed).
 */
int rw_check_growth(struct file *f, uint64_t pos, uint64_t *len);
/* SIGPIPE to the calling thread. */
void rw_broken_pipe(void);
