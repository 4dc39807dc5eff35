/* SPDX-License-Identifier: MIT */
/*
 * Advisory file locks: POSIX record locks (owned by a descriptor table), open
 * file description locks and flock(2) (owned by an open file). All of them
 * are guarded by one lock; inode->locks is NULL while a file has none.
 */
#pragma once
#include "fs/vfs.h"

struct files;

/* fcntl F_GETLK, F_SETLK, F_SETLKW, F_OFD_*. lk is the user's struct flock. */
long flock_fcntl(struct file *f, uint32_t cmd, uaddr_t lk);
/* A descriptor of f was closed in table fs: its record locks go. */
void flock_descriptor_closed(struct files *fs, struct file *f);
/* The last reference to f goes: its flock and OFD locks go. */
void flock_file_closed(struct file *f);
