/* SPDX-License-Identifier: MIT */
/* The timer of this CPU; the clocks themselves are in platform.h. */
#pragma once
#include "lib/types.h"

/* Raise the timer interrupt (sched_timer_irq) of this CPU at this time, at once
 * if it has passed; DEADLINE_NEVER: not at all. Interrupts off. */
void timer_program(uint64_t deadline_mono_ns);
