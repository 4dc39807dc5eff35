/* SPDX-License-Identifier: MIT */
/* Loading programs. */
#pragma once
#include "abi/boot.h"

/*
 * Load the first program into the calling process. Returns 0, or -errno with
 * boot->start_error and start_message set.
 */
int exec_initial(const struct abi_boot *b);
