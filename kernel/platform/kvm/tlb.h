/* SPDX-License-Identifier: MIT */
/*
 * Which CPUs translate by which tables, and how they are made to forget. See
 * tlb.c for the protocol.
 */
#pragma once
#include "lib/types.h"

struct space;

/* Part of struct space. */
struct tlb_state {
	/* atomic, one bit a CPU */
	uint64_t cpus;		/* may have translations of the space */
	uint64_t pending;	/* have not forgotten yet */
	/* by the holder of the space's lock, before pending */
	uaddr_t start, end;
};

/*
 * No processor uses what its tables said of [start, end) before the call. The
 * caller holds the lock of s, or s has no user any more. Context: task.
 */
void tlb_flush(struct space *s, uaddr_t start, uaddr_t end);
/* Nobody runs in s: make idle CPUs and system tasks let go of its tables.
 * Context: task. */
void tlb_drop(struct space *s);
/* Handler of IPI_TLB. Interrupts off. */
void tlb_irq(void);
/* This CPU is about to halt: no flush should have to wake it. Interrupts off. */
void tlb_idle(void);
