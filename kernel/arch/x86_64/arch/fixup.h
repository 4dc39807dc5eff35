/* SPDX-License-Identifier: MIT */
/* Instructions that may fault on program memory, and where to go then. */
#pragma once
#include "lib/types.h"

struct fixup {
	uint64_t at, to;
};

/* Where to continue when the instruction at pc faulted; 0 = a kernel bug. */
uint64_t fixup_find(uint64_t pc);
