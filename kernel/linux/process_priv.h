/* SPDX-License-Identifier: MIT */
/* What process.c, fork.c, exit.c and wait.c share. */
#pragma once
#include "linux/process.h"

/* *_locked: the caller holds process_lock. */
#define PID_MAX	32768u
bool process_id_in_use_locked(uint32_t id);	/* by anything */
struct process *process_alloc(void);
struct thread *thread_alloc(struct process *p);
void thread_free(struct thread *t);
void thread_link_locked(struct thread *t);
void thread_unlink_locked(struct thread *t);
/* The last thread of its process has the process's number from now on. */
void thread_lead_locked(struct thread *t);
void process_link_locked(struct process *p, struct process *parent);
void process_unlink_locked(struct process *p);
struct process *process_find_reaper_locked(struct process *p);
struct session *session_create(uint32_t sid);
struct session *session_get(struct session *s);
void session_put(struct session *s);
struct fs_state *fs_state_copy(struct fs_state *fs);
void fs_state_put(struct fs_state *fs);
/* The vfork parent of p, if any, may run again. */
void process_release_vfork(struct process *p);
/* t has left its process; signals.lock held */
void signal_thread_gone_locked(struct thread *t);
/* Fields that other files of linux/ own (extra.c). */
void process_init_extra(struct process *p);
void process_free_proc_data(struct process *p);
int process_copy_extra(struct process *child, struct process *parent);

/* Let t be scheduled as its fields say. Returns 0 or what the platform says.
 * Caller holds process_lock. */
int sched_apply(struct thread *t);
/* What a new thread has of its parent's scheduling; before it starts. Returns
 * 0, -EAGAIN (the parent has a deadline). (sched.c) */
int sched_inherit(struct thread *child, const struct thread *parent);
