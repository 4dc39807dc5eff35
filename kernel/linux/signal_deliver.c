/* SPDX-License-Identifier: MIT */
/*
 * The way back to user mode: pending work of a thread, restart of interrupted
 * calls, default actions, signal frames. Layout of the frame: struct
 * rt_sigframe of arch/x86/include/asm/sigframe.h and the x86-64 psABI.
 */
#include <gen/syscalls.h>
#include "arch/arch_cpu.h"
#include "arch/restart.h"
#include "arch/uaccess.h"
#include "core/panic.h"
#include "lib/string.h"
#include "linux/async.h"
#include "linux/boot.h"
#include "linux/clocks.h"
#include "linux/process.h"
#include "linux/ptrace.h"
#include "linux/remote.h"
#include "linux/signal_priv.h"
#include "linux/syscall.h"
#include <asm/siginfo.h>
#include <linux/resource.h>

#define RED_ZONE	128
#define NR_RESTART_SYSCALL 219u
#define UC_FP_XSTATE	1
#define UC_SIGCONTEXT_SS 2
#define UC_STRICT_SS	4
#define SS_ONSTACK	1
#define SS_DISABLE	2
#define SS_AUTODISARM	(1u << 31)
#define USER_CS		0x33
#define USER_SS		0x2b
/* flags a program may have back from a frame: CF PF AF ZF SF DF OF AC ID RF */
#define FLAGS_RESTORED	0x250cd5ull

struct user_context {
	uint64_t flags, link;
	uint64_t ss_sp;
	uint32_t ss_flags, ss_pad;
	uint64_t ss_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
	uint64_t mask;
};

struct signal_frame {
	uint64_t restorer;
	struct user_context uc;
	struct ksiginfo info;
};

void user_exit_work(struct regs *regs);
void user_fault(struct regs *regs);

static bool is_on_alt_stack(struct thread *t, uint64_t sp)
{
	return !(t->sig.alt_flags & SS_AUTODISARM) &&
	       sp > t->sig.alt_sp && sp - t->sig.alt_sp <= t->sig.alt_size;
}

static uint64_t choose_stack(struct thread *t, const struct ksigaction *a,
			     uint64_t sp)
{
	if (a->flags & SA_ONSTACK && t->sig.alt_size &&
	    !is_on_alt_stack(t, sp))
		return t->sig.alt_sp + t->sig.alt_size;
	return sp - RED_ZONE;
}

static void fill_context(struct user_context *uc, const struct regs *r,
			 struct thread *t, uint64_t fp)
{
	const struct arch_fault *f = &t->task->arch.fault;

	memset(uc, 0, sizeof(*uc));
	uc->flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_SS;
	uc->ss_sp = t->sig.alt_sp;
	uc->ss_size = t->sig.alt_size;
	uc->ss_flags = !t->sig.alt_size ? SS_DISABLE :
		       t->sig.alt_flags |
		       (is_on_alt_stack(t, r->rsp) ? SS_ONSTACK : 0);
	uc->r8 = r->r8;
	uc->r9 = r->r9;
	uc->r10 = r->r10;
	uc->r11 = r->r11;
	uc->r12 = r->r12;
	uc->r13 = r->r13;
	uc->r14 = r->r14;
	uc->r15 = r->r15;
	uc->rdi = r->rdi;
	uc->rsi = r->rsi;
	uc->rbp = r->rbp;
	uc->rbx = r->rbx;
	uc->rdx = r->rdx;
	uc->rax = r->rax;
	uc->rcx = r->rcx;
	uc->rsp = r->rsp;
	uc->rip = r->rip;
	uc->rflags = r->rflags;
	uc->cs = USER_CS;
	uc->ss = USER_SS;
	uc->err = f->error;
	uc->trapno = f->trapno;
	uc->cr2 = f->addr;
	uc->fpstate = fp;
	uc->mask = t->sig.restore_saved ? t->sig.saved_mask : t->sig.blocked;
	uc->oldmask = uc->mask;
}

static int push_frame(struct regs *r, struct thread *t,
		      const struct ksigaction *a, const struct ksiginfo *info)
{
	uint64_t sp = choose_stack(t, a, r->rsp), fp, at;
	struct signal_frame f;

	fp = (sp - arch_fpu_frame_size()) & ~63ull;
	at = ((fp - sizeof(f)) & ~15ull) - 8;
	if (a->flags & SA_ONSTACK && t->sig.alt_size &&
	    at - t->sig.alt_sp > t->sig.alt_size && sp != r->rsp - RED_ZONE)
		return -EFAULT;
	if (!(a->flags & SA_RESTORER) || arch_fpu_save((void *)fp))
		return -EFAULT;
	f.restorer = a->restorer;
	fill_context(&f.uc, r, t, fp);
	f.info = *info;
	if (copy_to_user((void *)at, &f, sizeof(f)))
		return -EFAULT;
	if (t->sig.alt_flags & SS_AUTODISARM) {
		t->sig.alt_sp = t->sig.alt_size = 0;
		t->sig.alt_flags = SS_DISABLE;
	}
	r->rdi = (uint64_t)info->signo;
	r->rsi = at + offsetof(struct signal_frame, info);
	r->rdx = at + offsetof(struct signal_frame, uc);
	r->rax = 0;
	r->rsp = at;
	r->rip = a->handler;
	r->rflags &= ~0x10500ull;	/* RF, DF, TF */
	arch_fpu_reset();
	return 0;
}

/* Decide what an interrupted system call does; h NULL = no handler runs. */
static void fix_restart(struct regs *r, const struct ksigaction *h)
{
	struct thread *t = current_thread();
	long ret = (long)r->rax;

	if (r->orig_rax == (uint64_t)-1)
		return;
	if (ret != -ERESTARTSYS && ret != -ERESTARTNOINTR &&
	    ret != -ERESTARTNOHAND && ret != -ERESTART_RESTARTBLOCK)
		return;
	if (h && (ret == -ERESTARTNOHAND || ret == -ERESTART_RESTARTBLOCK ||
		  (ret == -ERESTARTSYS && !(h->flags & SA_RESTART)))) {
		r->rax = (uint64_t)-EINTR;
	} else {
		bool same = ret != -ERESTART_RESTARTBLOCK;

		r->rax = same ? r->orig_rax : NR_RESTART_SYSCALL;
		r->rip = arch_restart_address(r->rip, (uint32_t)r->rax, same);
	}
	if (h)
		t->restart_fn = NULL;
	r->orig_rax = (uint64_t)-1;
}

static void run_handler(struct regs *r, struct thread *t,
			const struct ksigaction *a,
			const struct ksiginfo *info)
{
	struct ksiginfo segv = { .signo = SIGSEGV, .code = SI_KERNEL };
	uint64_t mask;

	fix_restart(r, a);
	if (push_frame(r, t, a, info)) {
		if (info->signo == SIGSEGV) {
			signal_die(SIGSEGV);
			return;
		}
		signal_force(SIGSEGV, &segv);
		return;
	}
	t->sig.restore_saved = false;
	mask = t->sig.blocked | a->mask;
	if (!(a->flags & SA_NODEFER))
		mask |= sig_bit(info->signo);
	signal_set_blocked(t, mask);
	if (unlikely(t->watch & THREAD_WATCH_TRACE))
		ptrace_handler_ready(t);
}

/* The whole process stops until SIGCONT or SIGKILL. */
static void stop_process(struct process *p, int signo)
{
	mutex_lock(&process_lock);
	mutex_lock(&p->signals.lock);
	if (p->group_exit) {
		mutex_unlock(&p->signals.lock);
		mutex_unlock(&process_lock);
		return;
	}
	p->signals.group_stop = true;
	p->signals.group_stop_sig = (uint32_t)signo;
	list_for_each(l, &p->threads)
		task_post_work(list_entry(l, struct thread, link)->task,
			       TASK_WORK_STOP);
	mutex_unlock(&p->signals.lock);
	p->state = PROC_STOPPED;
	p->stop_status = (uint32_t)signo << 8 | 0x7f;
	if (!ptrace_is_by_parent_locked(p))
		process_notify_parent_locked(p, CLD_STOPPED, signo);
	/* the tender stops with its program, so that the caller's shell sees */
	if (p->pid == program_pid)
		__atomic_store_n(&boot->stopped, (uint32_t)signo,
				 __ATOMIC_RELEASE);
	mutex_unlock(&process_lock);
	if (p->pid == program_pid)
		plat_report();
}

void signal_end_stop(struct process *p)
{
	bool continued;

	mutex_lock(&process_lock);
	mutex_lock(&p->signals.lock);
	continued = p->signals.continued;
	p->signals.continued = false;
	mutex_unlock(&p->signals.lock);
	if (p->state == PROC_STOPPED && !p->signals.group_stop)
		p->state = PROC_RUNNING;
	if (continued) {
		p->stop_status = 0xffff;
		process_notify_parent_locked(p, CLD_CONTINUED, SIGCONT);
	}
	mutex_unlock(&process_lock);
}

/* told: this thread has not stopped yet for the stop there is. */
static void wait_while_stopped(struct thread *t, bool told)
{
	struct process *p = t->process;

	task_clear_work(TASK_WORK_STOP);
	while (__atomic_load_n(&p->signals.group_stop, __ATOMIC_ACQUIRE) &&
	       !p->group_exit && !t->trace) {
		told = true;
		task_park(DEADLINE_NEVER, false);
		remote_serve_if_asked();
	}
	if (unlikely(t->trace != NULL))
		ptrace_trap(t, told);
	else
		signal_end_stop(p);
}

static bool is_orphaned_pgrp_stop(struct process *p, int signo)
{
	/* tty stops do nothing in a group whose leader has no living shell
	 * (POSIX 11.1.4): approximated by a parent that is the reaper */
	return signo != SIGSTOP && process_ppid(p) == 1 &&
	       p->pid != program_pid;
}

void signal_die(int signo)
{
	struct process *p = current_process();
	uint32_t status = (uint32_t)signo;

	if (sig_bit(signo) & SIGNALS_CORE && p->dumpable == 1 &&
	    p->limits[RLIMIT_CORE].cur >= PAGE_SIZE)
		status |= WAIT_DUMPED;
	process_exit_group(status);
}

static void default_action(struct process *p, int signo)
{
	uint64_t bit = sig_bit(signo);

	if (bit & SIGNALS_IGNORED_BY_DEFAULT ||
	    (p->is_init && !(bit & SIGNALS_FORCED)))
		return;
	if (bit & SIGNALS_STOP) {
		if (!is_orphaned_pgrp_stop(p, signo))
			stop_process(p, signo);
		return;
	}
	signal_die(signo);
}

void signal_deliver(struct regs *r)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct ksiginfo info;
	struct ksigaction a;
	int signo;

	itimers_check_cpu();
	async_send_due();
	for (;;) {
		mutex_lock(&p->signals.lock);
		signo = p->group_exit ? 0 :
			signal_dequeue_locked(t, ~t->sig.blocked, &info);
		if (!signo) {
			mutex_unlock(&p->signals.lock);
			break;
		}
		if (unlikely(t->trace != NULL)) {
			mutex_unlock(&p->signals.lock);
			signo = ptrace_signal(t, signo, &info);
			if (!signo)
				continue;
			mutex_lock(&p->signals.lock);
		}
		a = p->signals.action[signo - 1];
		if (a.handler > SIGNAL_IGNORE && a.flags & SA_RESETHAND)
			p->signals.action[signo - 1].handler = SIGNAL_DEFAULT;
		mutex_unlock(&p->signals.lock);
		if (a.handler == SIGNAL_IGNORE)
			continue;
		if (a.handler == SIGNAL_DEFAULT) {
			default_action(p, signo);
			if (p->signals.group_stop &&
			    sig_bit(signo) & SIGNALS_STOP)
				wait_while_stopped(t, true);
			continue;
		}
		run_handler(r, t, &a, &info);
	}
	fix_restart(r, NULL);
	if (t->sig.restore_saved) {
		t->sig.restore_saved = false;
		signal_set_blocked(t, t->sig.saved_mask);
	}
}

/* From the exit path, when the task's work word is not zero. */
void user_exit_work(struct regs *regs)
{
	struct thread *t = current_thread();
	uint32_t work = __atomic_load_n(&t->task->arch.work, __ATOMIC_ACQUIRE);

	if (t->start) {
		void (*start)(struct thread *) = t->start;

		t->start = NULL;
		start(t);
	}
	task_clear_work(TASK_WORK_SLOW | TASK_WORK_SIGNAL);
	if (work & TASK_WORK_EXIT || t->process->group_exit)
		thread_exit(t->exit_status);
	if (work & TASK_WORK_ERRAND)
		remote_serve();
	if (work & TASK_WORK_STOP ||
	    (t->process->signals.group_stop && !t->trace))
		wait_while_stopped(t, work & TASK_WORK_STOP);
	signal_deliver(regs);
	if (t->process->group_exit)
		thread_exit(0);
}

/* From the entry code: the program faulted; task->arch.fault says how. */
void user_fault(struct regs *regs)
{
	const struct arch_fault *f = &current_task()->arch.fault;
	struct ksiginfo info = { .signo = (int)f->signo,
				 .code = (int)f->code };

	if (signal_fault_is_handled(f, &info))
		return;
	if (info.signo == SIGTRAP && info.code == TRAP_TRACE &&
	    ptrace_hides_step(current_thread(), regs))
		return;
	info.fault.addr = f->addr;
	signal_force(info.signo, &info);
}

/* Load what a frame holds. Returns the program's rax. */
long sys_rt_sigreturn(void)
{
	struct thread *t = current_thread();
	struct regs *r = t->regs;
	uint64_t at = r->rsp - 8;
	struct user_context uc;

	if (copy_from_user(&uc, (void *)(at + 8), sizeof(uc)) ||
	    arch_fpu_restore((void *)uc.fpstate)) {
		struct ksiginfo segv = { .signo = SIGSEGV,
					 .code = SI_KERNEL };

		signal_force(SIGSEGV, &segv);
		return 0;
	}
	r->r8 = uc.r8;
	r->r9 = uc.r9;
	r->r10 = uc.r10;
	r->r11 = uc.r11;
	r->r12 = uc.r12;
	r->r13 = uc.r13;
	r->r14 = uc.r14;
	r->r15 = uc.r15;
	r->rdi = uc.rdi;
	r->rsi = uc.rsi;
	r->rbp = uc.rbp;
	r->rbx = uc.rbx;
	r->rdx = uc.rdx;
	r->rcx = uc.rcx;
	r->rsp = uc.rsp;
	r->rip = uc.rip;
	r->rflags = (r->rflags & ~FLAGS_RESTORED) |
		    (uc.rflags & FLAGS_RESTORED) | 0x202;
	r->orig_rax = (uint64_t)-1;
	t->sig.alt_sp = uc.ss_sp;
	t->sig.alt_size = uc.ss_flags & SS_DISABLE ? 0 : uc.ss_size;
	t->sig.alt_flags = uc.ss_flags & SS_AUTODISARM;
	task_post_work(t->task, TASK_WORK_SLOW);
	signal_set_blocked(t, uc.mask);
	return (long)uc.rax;
}
