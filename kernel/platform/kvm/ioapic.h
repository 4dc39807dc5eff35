/* SPDX-License-Identifier: MIT */
/* The IOAPIC of machines that are not our tender's (QEMU). */
#pragma once
#include "lib/types.h"

/* Mask everything. Context: init. */
void ioapic_init(void);
/* Let interrupts of pin come as `vector` to the first CPU.
 * Returns 0 or -EINVAL. */
int ioapic_route(uint32_t pin, uint32_t vector);
