/* SPDX-License-Identifier: MIT */
/* The local APIC of this processor, in whichever mode it offers. */
#pragma once
#include "lib/types.h"

#define VECTOR_TIMER	0x60u
#define VECTOR_SPURIOUS	0x6fu

/* Turn it on. The first call maps the registers. Context: init. */
void apic_init_cpu(void);
void apic_eoi(void);
/* Send a vector to a processor. Context: nosleep. */
void apic_send(uint32_t apic_id, uint32_t vector);
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, uint32_t page);
/* One-shot timer: `count` ticks of 1 GHz from now, 0: off. */
void apic_timer_set(uint32_t count);
uint32_t apic_timer_left(void);
/* TSC-deadline timer; 0: off. */
void apic_timer_deadline(uint64_t tsc);
