/* SPDX-License-Identifier: MIT */
/* What the three signal files share. */
#pragma once
#include "linux/process.h"
#include <asm/siginfo.h>
#include <asm/signal.h>

#define SIGNAL_DEFAULT	0ull
#define SIGNAL_IGNORE	1ull

#define BIT(s)	(1ull << ((s) - 1))
/* no action of the program's own */
#define SIGNALS_FORCED	(BIT(SIGKILL) | BIT(SIGSTOP))
#define SIGNALS_STOP \
	(BIT(SIGSTOP) | BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU))
#define SIGNALS_IGNORED_BY_DEFAULT \
	(BIT(SIGCONT) | BIT(SIGCHLD) | BIT(SIGWINCH) | BIT(SIGURG))
#define SIGNALS_SYNCHRONOUS \
	(BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGILL) | BIT(SIGTRAP) | \
	 BIT(SIGFPE) | BIT(SIGSYS))
#define SIGNALS_CORE \
	(BIT(SIGQUIT) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGABRT) | \
	 BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGSEGV) | BIT(SIGXCPU) | \
	 BIT(SIGXFSZ) | BIT(SIGSYS))

bool signal_default_is_ignore(int signo);
/* CLD_* of the wait status of a dead process. */
static inline int wait_code(uint32_t status)
{
	return !(status & 0x7f) ? CLD_EXITED :
	       status & WAIT_DUMPED ? CLD_DUMPED : CLD_KILLED;
}
/* Callers hold signals.lock. */
int signal_send_locked(struct process *p, struct thread *t, int signo,
		       const struct ksiginfo *i);
int signal_dequeue_locked(struct thread *t, uint64_t mask,
			  struct ksiginfo *out);
void signal_group_exit_locked(struct process *p, uint32_t status);
void signal_discard_locked(struct process *p, int signo);
/* If a stop of p has ended: record it, tell the parent. Takes process_lock. */
void signal_end_stop(struct process *p);
/* Take the lock. */
void signal_set_blocked(struct thread *t, uint64_t mask);
void signal_flush_all(struct process *p, struct sigpending *q);

/* --- for the calls that send (signal_calls.c) --------------------------------*/
struct ksiginfo signal_info_from_self(int signo, int code);
/* siginfo_t of the program: -EFAULT; -EPERM if it pretends to be the kernel
 * towards others. */
int signal_info_load(struct ksiginfo *i, uint64_t user, bool to_self);
/* With the permissions of kill(2); signo 0 only checks. Caller holds
 * process_lock. Returns 0, -EPERM, -EAGAIN. */
int signal_send_checked_locked(struct process *p, int signo,
			       const struct ksiginfo *i);

struct arch_fault;
/*
 * A program's fault: true if the memory manager could satisfy it (retry the
 * instruction). Otherwise *info has the signal and code to deliver.
 */
bool signal_fault_is_handled(const struct arch_fault *f,
			     struct ksiginfo *info);
