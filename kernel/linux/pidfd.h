/* SPDX-License-Identifier: MIT */
/* Descriptors that refer to processes. */
#pragma once
#include "linux/process.h"

/* A file for p (takes a reference of its own). NULL: no memory. */
struct file *pidfd_file_create(struct process *p, uint32_t flags);
