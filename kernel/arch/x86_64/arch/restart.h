/* SPDX-License-Identifier: MIT */
/* Going back to the start of a system call that is to be made again. */
#pragma once
#include "lib/types.h"

/*
 * Where to continue so that the call which would resume at `resume` is made
 * again with number nr in rax. `same`: nr is the number it was made with.
 * Context: task (reads program memory).
 */
uaddr_t arch_restart_address(uaddr_t resume, uint32_t nr, bool same);
