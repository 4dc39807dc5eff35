/* SPDX-License-Identifier: MIT */
/* The machine as it is, but its memory lies in the test program. */
#pragma once
#include_next "abi/machine.h"

extern char *fake_ram;
#undef ABI_DIRECT_MAP
#define ABI_DIRECT_MAP	((uint64_t)fake_ram)
