/* SPDX-License-Identifier: MIT */
/* The timer of this CPU; the clocks themselves are in platform.h. */
#pragma once
#include "lib/types.h"
#include "platform/kvm/handover.h"

/* Set once, by clock_init. */
extern struct kvm_clock {
	uint64_t tsc_start;
	uint64_t mul;		/* ns = ticks * mul >> 32 */
	uint64_t tick_mul;	/* ticks = ns * tick_mul >> 32 */
	uint64_t real_start;
} kvm_clock;
#define TSC_SHIFT	32u

static inline uint64_t tsc_read(void)
{
	uint64_t lo, hi;	/* the upper halves are 0 */

	__asm__ volatile("lfence\n\trdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return hi << 32 | lo;
}

static inline uint64_t clock_ticks_to_ns(uint64_t ticks)
{
	return (uint64_t)((unsigned __int128)ticks * kvm_clock.mul >> TSC_SHIFT);
}

/* plat_clock_mono_ns, in line. A CPU whose counter is a little behind at the very
 * start begins at 0. */
static inline uint64_t clock_now_ns(void)
{
	uint64_t ticks = tsc_read() - kvm_clock.tsc_start;

	return likely((int64_t)ticks >= 0) ? clock_ticks_to_ns(ticks) : 0;
}

/* Find the frequency of the time-stamp counter; clocks work afterwards.
 * Context: init, after apic_init_cpu. */
void clock_init(const struct handover *h);
/* Raise the timer interrupt (sched_timer_irq) of this CPU at this time, at once
 * if it has passed; DEADLINE_NEVER: not at all. Interrupts off. */
void timer_program(uint64_t deadline_mono_ns);
