/* SPDX-License-Identifier: MIT */
/* The memory devices, which are registered from the start (chrdev.c). */
#pragma once
#include "fs/vfs.h"

#define MEM_MAJOR	1u
enum mem_minor {
	MEM_NULL = 3, MEM_ZERO = 5, MEM_FULL = 7, MEM_RANDOM = 8,
	MEM_URANDOM = 9, MEM_NR_MINORS,
};

int mem_open(struct inode *i, struct file *f);
