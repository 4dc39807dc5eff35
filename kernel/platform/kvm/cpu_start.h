/* SPDX-License-Identifier: MIT */
/* Bringing processors up: cpu.c for one, smp.c for the others. */
#pragma once
#include "lib/types.h"
#include "platform/kvm/cpu.h"
#include "platform/kvm/handover.h"

void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4]);
/* Fill cpu_features. Context: init, first of all. */
void cpu_detect(void);
/* The struct cpu of a processor. NULL: no memory (never for 0). */
struct cpu *cpu_create(uint32_t id);
/* It counts from now on (cpu_count). In the order of ids. */
void cpu_online(struct cpu *c);
/* On that processor: segments, control registers, traps, vector unit. */
void cpu_load(struct cpu *c);
/* Start all further processors and wait for them; one that does not come is
 * reported, and those after it stay off. Context: init, interrupts off. */
void smp_start(const struct handover *h);
