/* SPDX-License-Identifier: MIT */
/* The file server (dev/files/fsrv.h) behind the sandbox's socket. */
#pragma once
#include "dev/files/fsrv.h"

/*
 * Answer requests from sock until its other end is closed; see
 * fsrv_enter_thread for stdio and what becomes of the calling thread.
 * Returns 0 at the end of file, or -errno.
 */
int fsrv_serve(struct fsrv *s, int sock, const int stdio[3]);
