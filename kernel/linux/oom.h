/* SPDX-License-Identifier: MIT */
/* Memory of processes: who has how much, and who ends when there is no more. */
#pragma once
#include "lib/types.h"

struct process;
struct plat_usage;

/*
 * End the process with the most private memory, weighed by oom_score_adj
 * (proc(5)), unless one is ending for that already. For struct plat_ops.
 */
void oom_kill(void);
/* End p, say so on the log; private: its private memory in bytes, 0: unknown.
 * process_lock held. */
void oom_kill_process(struct process *p, uint64_t private);
/* What proc(5) calls oom_score: 0..2000. process_lock held. */
int oom_score(struct process *p);
/* Returns 0 or -errno: then nobody knows. process_lock held. On platform process
 * the tender is asked, which takes the time of a call to a file server. */
int process_usage(struct process *p, struct plat_usage *u);
/* The last thread of p is ending. process_lock held. */
void oom_account_exit(struct process *p);
void oom_stats_print(void);	/* --stats */
