/* SPDX-License-Identifier: MIT */
/*
 * Death of threads and processes, and the part of exec that is like it. A
 * thread always ends by itself, on its way to user mode: others only ask.
 */
#include <gen/syscalls.h>
#include "arch/arch_cpu.h"
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/msg.h"
#include "core/panic.h"
#include "drv/tty.h"
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/exit_hooks.h"
#include "linux/ipc.h"
#include "linux/mm.h"
#include "linux/ns.h"
#include "linux/oom.h"
#include "linux/pid_ns.h"
#include "linux/process_priv.h"
#include "linux/ptrace.h"
#include "linux/remote.h"
#include "linux/seccomp.h"
#include "linux/signal_priv.h"
#include "linux/strace.h"
#include "platform/platform.h"
#include <asm/siginfo.h>
#include <linux/ptrace.h>

/* Reap what nobody waits for. Caller holds process_lock. */
static void reap_locked(struct process *p)
{
	if (p->leader_trace)
		ptrace_detach_locked(p->leader_trace);
	process_unlink_locked(p);
}

static bool parent_ignores_children(struct process *parent)
{
	const struct ksigaction *a = &parent->signals.action[SIGCHLD - 1];

	return a->handler == SIGNAL_IGNORE || a->flags & SA_NOCLDWAIT;
}

void process_notify_parent_locked(struct process *p, int code, int status)
{
	struct process *parent = p->parent;
	bool death = code == CLD_EXITED || code == CLD_KILLED ||
		     code == CLD_DUMPED;
	int signo = death ? (int)p->exit_signal : SIGCHLD;
	struct ksiginfo i = { .signo = signo, .code = code };

	if (!parent)
		return;
	i.child.pid = (int32_t)pid_seen_locked(parent->pid_ns, p->pid);
	i.child.uid = p->exit_uid;
	i.child.status = status;
	i.child.utime = (int64_t)(p->cpu_user_ns / 10000000);
	i.child.stime = (int64_t)(p->cpu_sys_ns / 10000000);
	if (!death && parent->signals.action[SIGCHLD - 1].flags &
	    SA_NOCLDSTOP)
		signo = 0;
	if (signo)
		signal_send_process(parent, signo, &i);
	wait_wake_all(&parent->child_wait, 0);
}

static void reparent_children_locked(struct process *p)
{
	struct process *heir = process_find_reaper_locked(p);

	list_for_each_safe(l, &p->children) {
		struct process *c = list_entry(l, struct process, sibling);

		list_remove(&c->sibling);
		c->parent = heir;
		c->exit_signal = SIGCHLD;
		list_append(&heir->children, &c->sibling);
		if (c->parent_death_signal && c->nr_threads)
			signal_send_process(c, (int)c->parent_death_signal,
					    NULL);
		if (c->state == PROC_ZOMBIE && !c->leader_trace) {
			if (parent_ignores_children(heir))
				reap_locked(c);
			else
				process_notify_parent_locked(c, CLD_EXITED, 0);
		}
	}
}

/* Its parent is told. */
static void show_zombie_locked(struct process *p)
{
	uint32_t status = p->wait_status;
	int sig = status & 0x7f;

	process_notify_parent_locked(p, wait_code(status),
				     sig ? sig : (int)(status >> 8 & 0xff));
}

void process_zombie_to_parent_locked(struct process *p)
{
	show_zombie_locked(p);
	if (p->parent && parent_ignores_children(p->parent)) {
		wait_wake_all(&p->parent->child_wait, 0);
		reap_locked(p);
	}
}

static void become_zombie(struct process *p, uint32_t status)
{
	bool is_hidden;

	mutex_lock(&process_lock);
	p->exiting = true;
	p->wait_status = status;
	p->state = PROC_ZOMBIE;
	pid_ns_count_locked(p->pid_ns, -1);
	reparent_children_locked(p);
	exit_hook_process_locked(p);
	is_hidden = ptrace_process_gone_locked(p, status);
	if (p->pid == program_pid) {
		show_zombie_locked(p);
		boot->exit_status = status;
		__atomic_store_n(&boot->exit_valid, 1, __ATOMIC_RELEASE);
	} else if (!is_hidden) {
		process_zombie_to_parent_locked(p);
	}
	mutex_unlock(&process_lock);
}

static void charge_time(struct thread *t)
{
	struct process *p = t->process;
	uint64_t ns = plat_clock_task_cpu_ns();

	mutex_lock(&process_lock);
	p->cpu_user_ns += ns;
	t->charged = true;
	p->exit_uid = t->cred->uid;
	mutex_unlock(&process_lock);
	stats_add_task(t->task->arch.patched_calls,
		       t->task->arch.trapped_calls);
}

/* In the dying thread's address space: tell whoever waits for it. */
static void release_user_words(struct thread *t)
{
	futex_exit_robust(t);
	if (!t->clear_child_tid)
		return;
	if (!user_store32(t->clear_child_tid, 0))
		futex_wake_user(t->clear_child_tid, 1);
	t->clear_child_tid = NULL;
}

void thread_exit(uint32_t status)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct task *task = t->task;
	/* referenced: the last thread may be quicker than this one */
	struct mm *mm = mm_get(p->mm);
	bool last, last_in_space, is_program = p->pid == program_pid;

	if (p->group_exit)
		status = p->group_status;
	if (unlikely(t->trace != NULL))
		ptrace_event(t, PTRACE_EVENT_EXIT, status);
	release_user_words(t);
	charge_time(t);
	mutex_lock(&process_lock);
	t->exiting = true;
	if (p->nr_threads == 1)
		oom_account_exit(p);
	thread_unlink_locked(t);
	last = p->nr_threads == 0;
	if (last)
		remote_end_locked(p);
	ptrace_thread_gone_locked(t, status);
	if (p->group_exit)
		status = p->group_status;
	if (p->exec_thread)
		task_unpark(p->exec_thread->task);
	mutex_unlock(&process_lock);
	msg_task_gone(task);
	files_put(t->files);
	if (last) {
		exit_hook_process(p, t);
		process_release_vfork(p);
		if (unlikely(p->pid_ns->init == p))
			pid_ns_end(p);
	}
	fs_state_put(t->fs);
	ns_set_put(t->ns);
	last_in_space = __atomic_sub_fetch(&mm->nr_tasks, 1,
					   __ATOMIC_ACQ_REL) == 0;
	if (last_in_space)
		shm_exit(mm);
	if (last) {
		if (syscall_watch & WATCH_STRACE)
			strace_process_exit(t, status);
		process_get(p);
		become_zombie(p, status);
		mm_put(mm);
		process_put(p);
	}
	mm_put(mm);
	cred_put(t->cred);
	seccomp_drop(t);
	task->personality = NULL;
	kfree(t);
	if (last && is_program) {
		if (syscall_watch & WATCH_STATS)
			stats_print();
		tty_pump_drain();
		plat_stop(0);
	}
	plat_task_exit(last_in_space);
}

void process_exit_group(uint32_t status)
{
	struct process *p = current_process();

	mutex_lock(&p->signals.lock);
	signal_group_exit_locked(p, status);
	mutex_unlock(&p->signals.lock);
	task_post_work(current_task(), TASK_WORK_EXIT);
}

long sys_exit_group(uint64_t code)
{
	process_exit_group((uint32_t)(code & 0xff) << 8);
	return 0;
}

long sys_exit(uint64_t code)
{
	struct thread *t = current_thread();

	t->exit_status = (uint32_t)(code & 0xff) << 8;
	task_post_work(t->task, TASK_WORK_EXIT);
	return 0;
}

/* --- exec ------------------------------------------------------------------*/

static int end_siblings(struct thread *self)
{
	struct process *p = self->process;
	int err = 0;

	mutex_lock(&process_lock);
	mutex_lock(&p->signals.lock);
	if (p->group_exit || p->exec_thread)
		err = -EINTR;
	else
		p->exec_thread = self;
	list_for_each(l, &p->threads) {
		struct thread *t = list_entry(l, struct thread, link);

		if (!err && t != self)
			task_post_work(t->task, TASK_WORK_EXIT);
	}
	mutex_unlock(&p->signals.lock);
	mutex_unlock(&process_lock);
	while (!err && __atomic_load_n(&p->nr_threads, __ATOMIC_ACQUIRE) > 1)
		task_park(DEADLINE_NEVER, false);
	mutex_lock(&process_lock);
	if (p->exec_thread == self)
		p->exec_thread = NULL;
	if (!err && self->tid != p->pid) {
		thread_lead_locked(self);
		ptrace_set_tid_locked(self);
	}
	mutex_unlock(&process_lock);
	return p->group_exit ? -EINTR : err;
}

/* Memory of its own: a new record, and for a vfork child a new space. */
static int renew_space(struct process *p)
{
	struct mm *mm = mm_create(), *old = p->mm;
	int err = 0;

	if (!mm)
		return -ENOMEM;
	mm->nr_tasks = 1;
	if (__atomic_load_n(&old->nr_tasks, __ATOMIC_ACQUIRE) > 1)
		err = plat_space_leave();
	else
		plat_space_reset();
	if (err) {
		mm_put(mm);
		return err;
	}
	__atomic_fetch_sub(&old->nr_tasks, 1, __ATOMIC_ACQ_REL);
	mutex_lock(&process_lock);
	p->mm = mm;
	p->dumpable = 0;	/* until it is known whose program it is */
	remote_end_locked(p);
	mutex_unlock(&process_lock);
	mm_put(old);
	process_release_vfork(p);
	return 0;
}

int process_begin_exec(void)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct files *own = files_copy_if_shared(t->files);
	int err;

	if (!own)
		return -ENOMEM;
	err = end_siblings(t);
	if (err) {
		if (own != t->files)
			files_put(own);
		return err;
	}
	if (own != t->files) {
		files_put(t->files);
		t->files = own;
	}
	futex_exit_robust(t);
	t->futex_gone = 0;
	if (t->clear_child_tid && p->mm->nr_tasks > 1 &&
	    !user_store32(t->clear_child_tid, 0))
		futex_wake_user(t->clear_child_tid, 1);
	t->clear_child_tid = NULL;
	err = renew_space(p);
	if (err)
		return err;
	arch_set_fs(0);
	exit_hook_exec(p);
	p->did_exec = true;
	return 0;
}
