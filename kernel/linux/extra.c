/* SPDX-License-Identifier: MIT */
/*
 * Fields of processes that belong to other files of the personality: made,
 * copied and freed here, so that process.c, fork.c and exit.c need not know.
 */
#include "core/heap.h"
#include "drv/tty.h"
#include "lib/string.h"
#include "linux/clocks.h"
#include "linux/exit_hooks.h"
#include "linux/ipc.h"
#include "linux/process_priv.h"

void process_init_extra(struct process *p)
{
	itimers_init(p);
	waitq_init(&p->exit_wait);
	list_init(&p->sem_undos);
}

void process_free_proc_data(struct process *p)
{
	if (p->cpu_timers)	/* a fork that failed */
		itimers_exit(p);
	kfree(p->cmdline);
	kfree(p->environ);
}

static char *copy_block(const char *block, size_t len)
{
	char *copy = block ? kmalloc(len ? len : 1) : NULL;

	if (copy)
		memcpy(copy, block, len);
	return copy;
}

/* What /proc shows of a process is its parent's until it execs. */
int process_copy_extra(struct process *child, struct process *parent)
{
	child->cmdline = copy_block(parent->cmdline, parent->cmdline_len);
	child->environ = copy_block(parent->environ, parent->environ_len);
	if ((parent->cmdline && !child->cmdline) ||
	    (parent->environ && !child->environ))
		return -ENOMEM;
	child->cmdline_len = parent->cmdline_len;
	child->environ_len = parent->environ_len;
	itimers_limit_inherit(child);
	return 0;
}

void exit_hook_process(struct process *p, struct thread *last)
{
	itimers_exit(p);
	posix_timers_exit(p);
	sem_exit(p);
	if (p->session && p->session->sid == p->pid)
		tty_session_exit(p->session);
}

void exit_hook_process_locked(struct process *p)
{
	wait_wake_all(&p->exit_wait, 1);
}

void exit_hook_exec(struct process *p)
{
	posix_timers_exit(p);
}
