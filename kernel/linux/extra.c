/* SPDX-License-Identifier: MIT */
/*
 * Fields of processes that belong to other files of the personality: made,
 * copied and freed here, so that process.c, fork.c and exit.c need not know.
 */
#include "core/heap.h"
#include "linux/clocks.h"
#include "linux/exit_hooks.h"
#include "linux/process_priv.h"

void process_init_extra(struct process *p)
{
	itimers_init(p);
	list_init(&p->posix_timers);
}

void process_free_proc_data(struct process *p)
{
}

int process_copy_extra(struct process *child, struct process *parent)
{
	return 0;
}

void exit_hook_process(struct process *p, struct thread *last)
{
	itimers_exit(p);
	posix_timers_exit(p);
}

void exit_hook_process_locked(struct process *p)
{
}

void exit_hook_exec(struct process *p)
{
	posix_timers_exit(p);
}
