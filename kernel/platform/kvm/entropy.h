/* SPDX-License-Identifier: MIT */
/* The random number generator behind plat_entropy. */
#pragma once
#include "lib/types.h"

/* Mix bytes into the state; what was known before does not get weaker.
 * Context: task. */
void entropy_add(const void *bytes, size_t n);
/* First seed, no more than 32 bytes, and what the processor has. Context: init. */
void entropy_init(const void *seed, size_t n);
