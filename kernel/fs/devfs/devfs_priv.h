/* SPDX-License-Identifier: MIT */
/* Numbers of the memory devices, and what devfs.c starts. */
#pragma once
#include "fs/vfs.h"

#define MEM_MAJOR	1u
enum mem_minor {
	MEM_NULL = 3, MEM_ZERO = 5, MEM_FULL = 7, MEM_RANDOM = 8,
	MEM_URANDOM = 9,
};

int mem_devices_register(void);
