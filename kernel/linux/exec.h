/* SPDX-License-Identifier: MIT */
/* Loading programs. */
#pragma once
#include "abi/boot.h"

/*
 * Load the first program into the calling process. Returns 0, or -errno with
 * boot->start_error (127 not found, 126 not runnable) and start_message set.
 */
int exec_initial(const struct abi_boot *b);
