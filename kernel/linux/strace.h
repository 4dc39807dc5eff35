/* SPDX-License-Identifier: MIT */
/* --strace: one line per system call on the log; --stats: counters at exit. */
#pragma once
#include "arch/regs.h"
#include "lib/types.h"

struct thread;
enum syscall_watch { WATCH_STRACE = 1, WATCH_STATS = 2 };
extern uint32_t syscall_watch;

void strace_enter(struct thread *t, const struct regs *r);
void strace_exit(struct thread *t, const struct regs *r, uint64_t nr, long ret);
void strace_process_exit(struct thread *t, uint32_t wait_status);
/* Print the counters of --stats. */
void stats_init(void);	/* start of the clock */
void stats_print(void);
/* An ended task's patched and trapped calls join the totals. */
void stats_add_task(uint64_t patched, uint64_t trapped);
