/* SPDX-License-Identifier: MIT */
/*
 * Traps of a kernel that owns its processor (platform kvm): the interrupt
 * descriptor table, the system call registers, the vector unit.
 */
#pragma once
#include "lib/types.h"

/* Stacks of their own in the TSS; see entry_paranoid for what lies on top. */
enum trap_ist { TRAP_IST_DF = 1, TRAP_IST_NMI = 2, TRAP_IST_MC = 3 };

/*
 * This CPU's exceptions, interrupts and SYSCALL lead to entry.S. After its
 * segments, TSS and GS base are set. Context: init, interrupts off.
 */
void trap_init_cpu(void);
/*
 * Turn on x87, SSE and, where there is XSAVE, AVX and AVX-512 of this CPU.
 * After cpu_features. Context: init.
 */
void fpu_init_cpu(void);
