/* SPDX-License-Identifier: MIT */
/* memfd_create's files and their seals (inode->seals). */
#pragma once
#include "fs/vfs.h"

/* In inode->seals beside F_SEAL_*: this inode can have seals at all. */
#define SEALS_SUPPORTED 0x80000000u

long memfd_add_seals(struct file *f, uint32_t seals);
long memfd_get_seals(struct file *f);	/* -EINVAL: not a memfd */
