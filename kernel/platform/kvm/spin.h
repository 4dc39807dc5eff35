/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks of the kvm platform: moments only, with interrupts off, so that a
 * holder is never preempted by its own CPU. Test-and-set rather than tickets:
 * the host may preempt the virtual CPU whose turn it would be.
 */
#pragma once
#include "arch/irqflags.h"
#include "lib/types.h"

struct spinlock {
	uint32_t held;
};

/* Interrupts are off already. */
static inline void spin_lock(struct spinlock *l)
{
	while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&l->held, __ATOMIC_RELAXED))
			__builtin_ia32_pause();
}

static inline void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}

/* Returns the flags for spin_unlock_irq. */
static inline uint64_t spin_lock_irq(struct spinlock *l)
{
	uint64_t flags = irq_save();

	spin_lock(l);
	return flags;
}

static inline void spin_unlock_irq(struct spinlock *l, uint64_t flags)
{
	spin_unlock(l);
	irq_restore(flags);
}
