/* SPDX-License-Identifier: MIT */
/* Interrupts from one CPU to another. */
#pragma once
#include "lib/types.h"

#define IPI_RESCHED	0xf1u	/* sched_resched_irq */

/* Context: nosleep, without preemption. */
void ipi_send(uint32_t cpu, uint32_t vector);
