/* SPDX-License-Identifier: MIT */
/* Where the kernel lies in a program's address space: in a window of it. */
#pragma once
#include "abi/boot.h"
#include "lib/types.h"

#define PLAT_USER_MIN	0x10000ull
#define PLAT_USER_MAX	0x7fffffff0000ull

/* Part of [0, end of the user half) that is the kernel's; empty if equal. */
#define PLAT_WINDOW_START	ABI_WINDOW_BASE
#define PLAT_WINDOW_END		ABI_WINDOW_END

/* The host schedules, not the kernel. */
#define PLAT_SCHEDULES	0
/* Each process gets at its own memory only: the host's calls for more than that
 * are refused to processes that are not dumpable, as these are (docs/security.md). */
#define PLAT_REACHES_SPACES	0
/* The file server lists many directories at a time (FSRV_READTREE). */
#define PLAT_SERVES_TREES	1
