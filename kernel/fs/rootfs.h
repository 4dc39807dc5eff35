/* SPDX-License-Identifier: MIT */
/* The first mounts of a sandbox, made from the boot block. */
#pragma once
#include "abi/boot.h"
#include "fs/vfs.h"

/*
 * Build the file tree. Context: task, once, before the first program.
 * Returns 0 or -errno.
 */
int rootfs_build(const struct abi_boot *boot);

/* How many directory handles the file server keeps; set before the first. */
extern uint32_t hostfs_handles_max;

/*
 * A read-only tree in memory whose leaves are symbolic links and the roots of
 * other file systems: the lower layer of the root (fs/graft.c).
 */
struct graft;

struct graft *graft_create(void);	/* NULL: no memory */
/*
 * Put target (its root; a reference of ours) at path, or with target NULL an
 * empty directory of that mode, or with text a symbolic link. Missing parents
 * are made. Returns 0, -EEXIST (path leads into another file system),
 * -ENOMEM.
 */
int graft_add(struct graft *g, const char *path, struct super *target,
	      const char *text, uint32_t mode, uint32_t uid, uint32_t gid);
struct super *graft_super(struct graft *g);
