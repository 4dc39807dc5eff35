/* SPDX-License-Identifier: MIT */
/* The kernel's own page tables. */
#pragma once
#include "lib/types.h"

/* Unmap one page of the direct map for good; again is harmless. Returns 0 or
 * -ENOMEM. Context: task. */
int page_guard(void *page);
