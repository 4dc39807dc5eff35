/* SPDX-License-Identifier: MIT */
/* Interrupts from one CPU to another. */
#pragma once
#include "lib/types.h"

#define IPI_RESCHED	0x61u	/* sched_resched_irq */
#define IPI_TLB		0x62u	/* tlb_irq */
#define IPI_BARRIER	0x64u	/* ipi_barrier_irq */
#define IPI_STOP	0x63u	/* irq_halt_cpu */

/* Context: nosleep, without preemption. */
void ipi_send(uint32_t cpu, uint32_t vector);
/* To every CPU but this one. Same context. */
void ipi_send_others(uint32_t vector);
/* Handler of IPI_BARRIER. Interrupts off. */
void ipi_barrier_irq(void);
