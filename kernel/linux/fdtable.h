/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables, what process.h does not already declare: used by the
 * calls that make, copy and end tables.
 */
#pragma once
#include "linux/process.h"

/* Give the calling thread a table of its own. Returns 0 or -ENOMEM. */
int files_unshare(void);
void files_set_cloexec(struct files *fs, int fd, bool on);
/*
 * Make new_fd another name of f (dup2). Takes over the reference on success;
 * what new_fd was is closed. Returns new_fd, -EBADF (beyond the limit),
 * -EBUSY (being opened by another thread), -ENOMEM.
 */
int fd_replace(struct file *f, int new_fd, bool cloexec);
/* The first descriptor in use that is >= fd, or -1. */
int files_next_fd(struct files *fs, int fd);
/* Put f into the empty slot fd of a table nobody uses yet. Takes over the
 * reference on success. Returns 0 or -errno. */
int files_fill(struct files *fs, int fd, struct file *f);
