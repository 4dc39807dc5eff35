/* SPDX-License-Identifier: MIT */
/* The timer of this CPU; the clocks themselves are in platform.h. */
#pragma once
#include "lib/types.h"
#include "platform/kvm/handover.h"

/* Find the frequency of the time-stamp counter; clocks work afterwards.
 * Context: init, after apic_init_cpu. */
void clock_init(const struct handover *h);
/* Raise the timer interrupt (sched_timer_irq) of this CPU at this time, at once
 * if it has passed; DEADLINE_NEVER: not at all. Interrupts off. */
void timer_program(uint64_t deadline_mono_ns);
