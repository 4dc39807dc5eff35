/* SPDX-License-Identifier: MIT */
/* Names of kernel functions by address, for panic reports. */
#pragma once
#include "lib/types.h"

#define SYMBOL_NAME_MAX	64u

/* The function that holds pc, cut off if longer, and the offset in it. Returns
 * false if there is none. Context: any. */
bool symbol_find(uint64_t pc, char name[SYMBOL_NAME_MAX], uint64_t *offset);
