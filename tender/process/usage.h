/* SPDX-License-Identifier: MIT */
/*
 * Memory of a sandbox's processes, as the host accounts it. All of them are
 * children of its first process.
 */
#pragma once
#include "abi/fileserver.h"
#include <sys/types.h>

/* Private bytes of all processes below the sandbox's first one. */
uint64_t usage_total(pid_t first);
/*
 * Of the process with this number inside the sandbox. Returns 0 or -ESRCH.
 * Only one thread calls it.
 */
int usage_of(pid_t first, uint32_t inner, struct fsrv_usage *u);
