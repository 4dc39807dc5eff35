/* SPDX-License-Identifier: MIT */
/*
 * The files of the host that a sandbox may see: directory trees ("exports")
 * and the rules of abi/fileserver.h. Requests come in over a socket
 * (process/fileserver.h) or a device (dev/fs.h); whoever sends them is
 * hostile. Used by the tender that starts the sandbox.
 */
#pragma once
#include "util/err.h"
#include <stdint.h>

struct fsrv;

enum fsrv_export_flags {
	FSRV_EXPORT_READ_ONLY	= 1u << 0,
	/* Serve only what user nobody may read; implies READ_ONLY. */
	FSRV_EXPORT_AS_NOBODY	= 1u << 1,
	FSRV_EXPORT_IS_FILE	= 1u << 2,	/* one file, no directory */
	/* The sandbox wants to see changes: open files get handles. */
	FSRV_EXPORT_LIVE	= 1u << 3,
};

/* Make a server without exports. Returns 0 or -errno. */
int fsrv_create(struct fsrv **out, struct err *e);
/*
 * Add the tree (or file) at host_path, which is trusted and may contain
 * symbolic links; *id is its handle. Only before the first request.
 * Returns 0 or -errno.
 */
int fsrv_add_export(struct fsrv *s, const char *host_path, unsigned int flags,
		    uint32_t *id, struct err *e);
struct fsrv_usage;
/* Who answers FSRV_USAGE: fn(arg, process, result) gives 0 or -errno, on the
 * serving thread. Nobody else does. */
void fsrv_set_usage(struct fsrv *s, int (*fn)(void *arg, uint32_t process,
					      struct fsrv_usage *u),
		    void *arg);
/* How many directory and file handles the server keeps for the sandbox. */
uint32_t fsrv_handles_max(const struct fsrv *s);
/*
 * Make the calling thread the one that answers requests. stdio are the
 * sandbox's standard streams on the host, or -1. Changes the thread's umask
 * and, request by request, its credentials: the process's other threads keep
 * theirs. The process's limit of open descriptors is raised as far as it may
 * be.
 */
void fsrv_enter_thread(struct fsrv *s, const int stdio[3]);
/* Close everything. Not while requests are answered. NULL is allowed. */
void fsrv_destroy(struct fsrv *s);
