/* SPDX-License-Identifier: MIT */
/*
 * Interrupt vectors to their handlers. Device interrupts only wake a task:
 * the work is done there (threaded interrupts).
 */
#pragma once
#include "lib/types.h"

/* ports and the IOAPIC, where there is one. direct: our tender's machine. */
void irq_init(bool direct);
/* One interrupt (vector 32 to 255): acknowledge it and run its handler;
 * called by the entry code (trap.c). Interrupts off. */
void irq_dispatch(uint32_t vector);
/*
 * Call fn(arg) on every interrupt of source: under our tender a vector, else a
 * pin of the IOAPIC. fn must quiet the device, and may wake tasks; it runs
 * with interrupts off on the first CPU. Several may share a source.
 * Returns 0, -EINVAL (no such source), -ENOSPC.
 */
int irq_attach(uint32_t source, void (*fn)(void *arg), void *arg);
/* From now on this CPU only halts. Handler of IPI_STOP. */
void irq_halt_cpu(void) __noreturn;
