/* SPDX-License-Identifier: MIT */
/*
 * Where things lie in the virtual address space: programs have the lower
 * half, the kernel the upper one.
 */
#pragma once
#include "lib/types.h"

#define PLAT_USER_MIN	0x10000ull
#define PLAT_USER_MAX	0x7fffffff0000ull

/* Part of the user half that is the kernel's: none (empty, at its end). */
#define PLAT_WINDOW_START	0x7ffffffff000ull
#define PLAT_WINDOW_END		PLAT_WINDOW_START

/* The kernel schedules, not the host. */
#define PLAT_SCHEDULES	1
/* A task can get at the memory of any program. */
#define PLAT_REACHES_SPACES	1
/* The file server lists many directories at a time (FSRV_READTREE). */
#define PLAT_SERVES_TREES	0
