/* SPDX-License-Identifier: MIT */
/* Files of namespaces: /proc/PID/ns and what it leads to. */
#pragma once

struct file;
struct inode;
struct ns;

/* The namespace that it stands for, borrowed; NULL: none. */
struct ns *nsfs_inode_ns(const struct inode *i);
struct ns *nsfs_file_ns(const struct file *f);
