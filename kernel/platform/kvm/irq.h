/* SPDX-License-Identifier: MIT */
/* Interrupt vectors to their handlers; called by the entry code (trap.c). */
#pragma once
#include "lib/types.h"

/* One interrupt (vector 32 to 255): acknowledge it and run its handler.
 * Interrupts off. */
void irq_dispatch(uint32_t vector);
