/* SPDX-License-Identifier: MIT */
/* What other files of linux/ do when a thread or process ends. */
#pragma once
#include "linux/process.h"

/* linux/futex.c */
void futex_exit_robust(struct thread *t);
int futex_wake_user(uint32_t *uaddr, int n);
/* linux/fdtable.c: f itself if nobody else uses it, else a copy. NULL: no memory. */
struct files *files_copy_if_shared(struct files *f);
/* extra.c: timers, terminals, pidfds */
void exit_hook_process(struct process *p, struct thread *last);
void exit_hook_process_locked(struct process *p);	/* process_lock held */
void exit_hook_exec(struct process *p);
/* linux/pidfd.c: the process of a pidfd, with a reference; NULL: not one.
 * *nonblock, if wanted: does the file have O_NONBLOCK? */
struct process *pidfd_process_get(int fd, bool *nonblock);
