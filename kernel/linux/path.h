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

/* Returns 0, -EFAULT, -ENAMETOOLONG, -EBADF, -ENOTDIR, -ENOMEM. */
int user_walk_init(struct user_walk *u, uint64_t dirfd, uint64_t user_name);
void user_walk_fini(struct user_walk *u);
/* Walk a program's name in one step; *out gets references. */
int user_path_walk(uint64_t dirfd, uint64_t user_name, uint32_t walk_flags,
		   struct path *out);
/* The same for the inode alone. */
int user_path_walk_inode(uint64_t dirfd, uint64_t user_name,
			 uint32_t walk_flags, struct inode **out);
/* True if the name is readable and "". */
bool user_name_is_empty(uint64_t user_name);
uint32_t current_umask(void);
