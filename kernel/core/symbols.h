/* SPDX-License-Identifier: MIT */
/* Names of kernel functions by address, for panic reports. */
#pragma once
#include "lib/types.h"

/* The function that holds pc and the offset in it; NULL if none. */
const char *symbol_find(uint64_t pc, uint64_t *offset);
