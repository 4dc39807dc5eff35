/* SPDX-License-Identifier: MIT */
/*
 * The file server channel: one request at a time, under the channel's lock.
 * Used by the host file system and by terminals that are the host's.
 */
#pragma once
#include "abi/fileserver.h"
#include "lib/types.h"

/*
 * Send rq with name (rq->name_len bytes), name2 and data (rq->data_len bytes)
 * behind it and wait for the reply. At most data_max bytes of the reply's
 * data go to data_out. *fd = the descriptor that came with it, or -1 (of
 * OPEN_MANY FSRV_FDS_MAX such); fd may be NULL if none is expected.
 *
 * Returns: rp->error (0 or negative errno), or -errno of the channel.
 * Context: task. Locks: takes the channel's lock.
 */
int server_call(const struct fsrv_request *rq, const void *name,
		const void *name2, const void *data, struct fsrv_reply *rp,
		void *data_out, size_t data_max, int *fd);

/* Give a handle of the server back, soon. */
void server_forget(uint32_t handle);
