/* SPDX-License-Identifier: MIT */
/*
 * One request to the file server: the interface between the engine and the
 * ways requests come in. Only the serving thread calls these.
 */
#pragma once
#include "abi/fileserver.h"
#include "dev/files/fsrv.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct fsrv_handle;
struct fsrv_export;

struct fsrv_call {
	struct fsrv *server;
	/* the request */
	struct fsrv_request q;
	char name[FSRV_NAME_MAX + 1], name2[FSRV_NAME_MAX + 1];
	const char *data;	/* q.data_len bytes */
	/* LOOKUP and what makes an object: give a handle whatever it is */
	bool want_node;
	/* the reply */
	struct fsrv_reply *r;	/* zeroed by the caller */
	char *out;		/* FSRV_DATA_MAX bytes for its data */
	int fd;			/* to be passed, closed after; or -1 */
	int more_fds[FSRV_FDS_MAX];	/* the same, of OPEN_MANY */
	uint32_t nr_more;
	int keep_fd;		/* to be passed, belongs to a handle; or -1 */
	/* the engine's own */
	struct fsrv_handle *dir, *dir2;	/* NULL where the request has none */
	const struct fsrv_export *export;
};

uint32_t fsrv_nr_exports(const struct fsrv *s);
/* enum fsrv_export_flags of an export that is there. */
unsigned int fsrv_export_flags(const struct fsrv *s, uint32_t id);
/*
 * Take over a name: a single component or "". Returns 0, -ENAMETOOLONG, or
 * -EINVAL (holds a NUL or "/", or is "." or "..").
 */
int fsrv_name_take(char dst[FSRV_NAME_MAX + 1], const char *src, size_t len);
/* Fill q, the names and data from a message. Returns 0 or -errno. */
int fsrv_call_parse(struct fsrv_call *c, const char *bytes, size_t len);
/*
 * Check the request against the handles and their exports, take the right
 * identity, do it. c has server, request, r, out, and fd = keep_fd = -1.
 * Returns 0 or -errno: then the reply holds nothing. *fatal: the thread's
 * identity is not known any more, so nothing may be served.
 */
int fsrv_call_run(struct fsrv_call *c, bool *fatal);
/*
 * The text of the symbolic link that a handle from want_node names. Returns
 * its length or -errno; -EINVAL if it is none.
 */
ssize_t fsrv_node_readlink(struct fsrv *s, uint32_t handle, char *out,
			   size_t size);
