/* SPDX-License-Identifier: MIT */
/*
 * From the entry code to the handler of a system call, through the one table;
 * counters and --strace hang here.
 */
#include "abi/native.h"
#include "arch/regs.h"
#include "arch/uaccess.h"
#include "linux/boot.h"
#include "linux/mm.h"
#include "linux/native.h"
#include "linux/process.h"
#include "linux/ptrace.h"
#include "linux/seccomp.h"
#include "linux/signal_priv.h"
#include "linux/strace.h"
#include "linux/syscall.h"
#include "platform/platform.h"
#include <asm/siginfo.h>

uint64_t syscall_count[NR_SYSCALLS];
uint64_t syscall_trapped[NR_SYSCALLS];
uint32_t syscall_watch;	/* enum syscall_watch; set once at boot */

static bool wants_restart(long ret)
{
	return ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK;
}

/* How a call came in shows in the entry code's counters. */
static void count_call(struct thread *t, uint64_t nr)
{
	uint64_t trapped = t->task->arch.trapped_calls;

	__atomic_fetch_add(&syscall_count[nr], 1, __ATOMIC_RELAXED);
	if (trapped != t->trapped_seen)
		__atomic_fetch_add(&syscall_trapped[nr], 1, __ATOMIC_RELAXED);
	t->trapped_seen = trapped;
}

/* Far outside Linux's range; answers only when the tender allowed it. */
#define TEST_HOOK_NR	0x6d696361u

static long test_hook(const struct regs *r)
{
	uint64_t args[7];

	if (!(boot->flags & ABI_BOOT_TEST_HOOK))
		return -ENOSYS;
	if (copy_from_user(args, (void *)r->rdi, sizeof(args)))
		return -EFAULT;
	return plat_test_call(args);
}

/* The call itself. Linux takes 32 bits of the number. */
static inline long call(struct thread *t, struct regs *r)
{
	uint32_t nr = (uint32_t)r->orig_rax;
	syscall_fn fn = NULL;
	long ret = -ENOSYS;

	t->syscall_nr = nr;
	if (likely(nr < NR_SYSCALLS))
		fn = syscall_handler(nr);
	if (likely(fn != NULL))
		ret = fn(r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9);
	else if (nr == MICA_SYSCALL)
		ret = native_call(r);
	else if (nr == TEST_HOOK_NR)
		ret = test_hook(r);
	if (unlikely(wants_restart(ret)))
		task_post_work(t->task, TASK_WORK_SIGNAL);
	return ret;
}

/* With everybody who wants to see it. */
static __attribute__((noinline)) long watched_call(struct thread *t,
						   struct regs *r)
{
	uint32_t nr = (uint32_t)r->orig_rax;
	long ret;

	if (syscall_watch && nr < NR_SYSCALLS)
		count_call(t, nr);
	if (syscall_watch & WATCH_STRACE)
		strace_enter(t, r);
	if (t->watch & THREAD_WATCH_TRACE && !ptrace_call_enter(t, r))
		ret = (long)r->rax;
	else if (!(t->watch & THREAD_WATCH_SECCOMP) || seccomp_allows(r, &ret))
		ret = call(t, r);
	if (syscall_watch & WATCH_STRACE)
		strace_exit(t, r, nr, ret);
	r->rax = (uint64_t)ret;
	if (t->watch & THREAD_WATCH_TRACE)
		ptrace_call_exit(t, r);
	return (long)r->rax;
}

static void dispatch(struct regs *r)
{
	struct thread *t = current_thread();
	long ret;

	if (unlikely(syscall_watch | t->watch))
		ret = watched_call(t, r);
	else
		ret = call(t, r);
	r->rax = (uint64_t)ret;
}

void syscall_dispatch(struct regs *r)
{
	/* messages are so short that the table counts */
	if ((uint32_t)r->orig_rax == MICA_SYSCALL &&
	    !(syscall_watch | current_thread()->watch))
		native_dispatch(r);
	else
		dispatch(r);
}

bool signal_fault_is_handled(const struct arch_fault *f,
			     struct ksiginfo *info)
{
	struct process *p = current_process();
	int code = info->code, signo;

	/* trap 14 is a page fault; error bits: 1 write, 4 fetch */
	if (f->trapno != 14 || (f->signo != SIGSEGV && f->signo != SIGBUS))
		return false;
	signo = mm_fault(p->mm, f->addr, f->error & 2, f->error & 16,
			 (int)f->signo, &code);
	if (!signo)
		return true;
	info->signo = signo;
	info->code = code;
	return false;
}
