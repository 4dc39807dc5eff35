/* SPDX-License-Identifier: MIT */
/* File leases (F_SETLEASE): an open file is told before others open it. */
#pragma once
#include "fs/vfs.h"

/*
 * type: F_RDLCK, F_WRLCK or F_UNLCK. Returns 0, -EINVAL, -EACCES, or -EAGAIN: the
 * file is open otherwise, there is no lease, or its file system has none.
 */
long lease_set(struct file *f, int fd, uint32_t type);
/* What f has, or is asked to come down to. */
uint32_t lease_get(struct file *f);
/* fs_hooks.lease_break. */
int lease_break(struct inode *i, uint32_t flags);
/* The last reference to f goes. */
void lease_file_closed(struct file *f);
