/* SPDX-License-Identifier: MIT */
/*
 * Memory of other processes, for process_vm_readv and /proc/PID/mem. Only a task
 * of the process is in its address space on every platform: so the caller leaves
 * a request, and the first of the target's tasks that comes to it serves it: on
 * its way to user mode, asleep where a signal would wake it, or stopped. What it
 * was doing goes on as if nothing had been.
 */
#pragma once
#include "linux/process.h"

/* One address space; an exec of its process ends it. */
struct remote {
	struct process *process;	/* these with references */
	struct mm *mm;
};

/*
 * The memory of p, or if that is NULL of the thread tid, that the caller may look
 * into (fs: by the IDs for files). Returns 0, -ESRCH, -EPERM.
 */
int remote_get(struct process *p, uint32_t tid, bool fs, struct remote *out);
void remote_put(struct remote *m);

/*
 * Copy from or to buf, which is the kernel's. force: also where the protection
 * forbids it, as a debugger may.
 *
 * Returns: bytes moved, which are fewer where memory is missing; -ESRCH (it has
 * ended), -ERESTARTNOINTR (a signal came first; nothing was moved).
 * Context: task (sleeps). Locks: none that the target could want in a sleep that
 * signals do not end.
 */
ssize_t remote_access(const struct remote *m, uaddr_t addr, void *buf,
		      size_t len, bool write, bool force);

/* Serve what was left for the caller's process. Context: task, no lock held. */
void remote_serve(void);
/* The same for one who sleeps where signals do not wake, if there is anything. */
static inline void remote_serve_if_asked(void)
{
	if (__atomic_load_n(&current_task()->arch.work, __ATOMIC_ACQUIRE) &
	    TASK_WORK_ERRAND)
		remote_serve();
}
/* Nobody of p will serve what is left. Caller holds process_lock. */
void remote_end_locked(struct process *p);
