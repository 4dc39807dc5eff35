/* SPDX-License-Identifier: MIT */
/* Files that stand for namespaces. What can be done with them: linux/nsfs.c */
#pragma once
#include "fs/ns.h"
#include "fs/vfs.h"

/*
 * A path to a file for n, whose reference is taken over. name is what a link
 * to it shows. Returns 0 or -ENOMEM.
 */
int nsfs_path(struct ns *n, const char *name, const struct file_ops *ops,
	      struct path *out);
