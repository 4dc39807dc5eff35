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

/*
 * Is the program's working directory (boot->cwd) sure to be there, for whoever
 * walks to it? It is where it is the host's own, which the tender has opened, in
 * the root that is put together, with nothing mounted on the way to it.
 * Context: task, after rootfs_build, before the first program.
 */
bool rootfs_leads_to_cwd(const struct abi_boot *boot);

/* How many directory handles the file server keeps; set before the first. */
extern uint32_t hostfs_handles_max;

/*
 * A read-only tree in memory whose leaves are symbolic links and the roots of
 * host trees: the lower layer of the root (fs/graft.c). What is in it is
 * listed by entries; directories that lead to them are there too, mode 0755.
 */
enum graft_kind {
	GRAFT_DIRECTORY,
	GRAFT_LINK,
	GRAFT_EXPORT,		/* of the file server, read-only */
	GRAFT_PATH,		/* a directory if nothing else is said of it */
};

struct graft_entry {
	/* absolute, without double slashes or one at its end; never "/" */
	const char *path;
	const char *text;	/* of a link */
	uint32_t kind;		/* enum graft_kind */
	uint32_t mode, uid, gid;	/* of a directory; permissions only */
	uint32_t export_id;
};

/* Of entries for one path the first counts; nothing is below those that are
 * no directories. */
#define GRAFT_LISTS	2
struct graft_list {
	const struct graft_entry *entry;	/* stays as it is */
	uint32_t nr;
};

/* Returns a reference, or NULL: no memory. */
struct super *graft_create(const struct graft_list list[GRAFT_LISTS]);
