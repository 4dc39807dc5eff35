/* SPDX-License-Identifier: MIT */
/* Files of namespaces: /proc/PID/ns and what it leads to. */
#pragma once

struct file;
struct ns;

/* The namespace that f stands for, borrowed; NULL: none. */
struct ns *nsfs_file_ns(const struct file *f);
