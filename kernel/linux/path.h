/* SPDX-License-Identifier: MIT */
/* Path names of programs, for the system calls that take them. */
#pragma once
#include "linux/process.h"

#define USER_WALK_INLINE 168

/* A name copied in, and the context it is walked in. Does not move. */
struct user_walk {
	struct walk_ctx ctx;
	char *name;		/* buf, or heap if longer */
	bool root_counted, start_counted;	/* ctx holds references */
	char buf[USER_WALK_INLINE];
};

/*
 * Walk to fs->cwd_later if that was put off. Called before a program's names are
 * used or changed, and before fs is copied, so that nobody sees the difference.
 * fs: the calling thread's. cred: who walks; later it is the kernel, since the
 * program was there from the beginning, whoever it is by now. Returns 0 or what
 * a walk returns. Context: task.
 */
int fs_settle_now(struct fs_state *fs, const struct cred *cred);
static inline int fs_settle(struct fs_state *fs)
{
	const char *later = __atomic_load_n(&fs->cwd_later, __ATOMIC_RELAXED);

	return likely(!later) ? 0 : fs_settle_now(fs, &cred_kernel);
}

/* in_root: an absolute name begins at dirfd, too (RESOLVE_IN_ROOT).
 * Returns 0, -EFAULT, -ENAMETOOLONG, -EBADF, -ENOTDIR, -ENOMEM. */
int user_walk_init(struct user_walk *u, uint64_t dirfd, uint64_t user_name,
		   bool in_root);
void user_walk_fini(struct user_walk *u);
/* Walk a program's name in one step; *out gets references. */
int user_path_walk(uint64_t dirfd, uint64_t user_name, uint32_t walk_flags,
		   struct path *out);
/* The same for attributes alone: path_getattr. */
int user_path_getattr(uint64_t dirfd, uint64_t user_name, uint32_t walk_flags,
		      struct kstat *st, bool *is_root);
/* True if the name is readable and "". */
bool user_name_is_empty(uint64_t user_name);
uint32_t current_umask(void);
