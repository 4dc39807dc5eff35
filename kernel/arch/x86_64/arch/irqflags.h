/* SPDX-License-Identifier: MIT */
/* The processor's interrupt flag; only a kernel that owns its processor. */
#pragma once
#include "lib/types.h"

#define RFLAGS_IF	(1ull << 9)

static inline uint64_t irq_flags(void)
{
	uint64_t f;

	__asm__ volatile("pushfq\n\tpopq %0" : "=r"(f) : : "memory");
	return f;
}

static inline bool irq_are_enabled(void)
{
	return irq_flags() & RFLAGS_IF;
}

static inline void irq_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline void irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

/* Disable; the result is for irq_restore. */
static inline uint64_t irq_save(void)
{
	uint64_t f = irq_flags();

	irq_disable();
	return f;
}

static inline void irq_restore(uint64_t flags)
{
	if (flags & RFLAGS_IF)
		irq_enable();
}
