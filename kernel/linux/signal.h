/* SPDX-License-Identifier: MIT */
/*
 * Signals of the personality: state, sending, taking, frames.
 * Numbers are 1..64; sets are bit n-1.
 */
#pragma once
#include "core/lock.h"
#include "core/wait.h"
#include "lib/list.h"
#include "lib/types.h"

struct process;
struct thread;
struct regs;

/* Same layout as the kernel's struct sigaction for rt_sigaction(2). */
struct ksigaction {
	uint64_t handler;	/* 0 default, 1 ignore */
	uint64_t flags;		/* SA_* */
	uint64_t restorer;
	uint64_t mask;
};

/* siginfo_t, 128 bytes, as the program sees it. */
struct ksiginfo {
	int32_t signo, err, code, pad0;
	union {
		struct { int32_t pid; uint32_t uid; uint64_t value; } kill;
		struct { int32_t tid; int32_t overrun; uint64_t value; } timer;
		struct { int32_t pid; uint32_t uid; int32_t status; int32_t pad;
			 int64_t utime, stime; } child;
		struct { uint64_t addr; uint64_t lsb; } fault;
		struct { int64_t band; int32_t fd; } poll;
		struct { uint64_t call_addr; int32_t syscall; uint32_t arch; } sys;
		uint8_t bytes[112];
	};
};
_Static_assert(sizeof(struct ksiginfo) == 128, "siginfo_t layout");

struct sigqueue {
	struct list link;
	struct ksiginfo info;
	void *owner;		/* posix timer, or NULL */
};

struct sigpending {
	uint64_t set;
	struct list queue;	/* struct sigqueue */
};

/* Per process; lock guards it and the sig part of all its threads. */
struct signal_state {
	struct mutex lock;
	struct ksigaction action[64];
	struct sigpending shared;
	struct waitq signalfd_wait;
	uint32_t nr_queued;
	bool group_stop;	/* job-control stop in progress */
	bool continued;		/* SIGCONT ended a stop: tell the parent */
	uint32_t group_stop_sig;
};

/* Per thread. */
struct thread_signals {
	uint64_t blocked;
	uint64_t saved_mask;	/* restored after sigsuspend, ppoll... */
	bool restore_saved;
	uint64_t waiting;	/* set of sigtimedwait */
	struct sigpending pending;
	uint64_t alt_sp, alt_size;
	uint32_t alt_flags;
};

static inline uint64_t sig_bit(int signo)
{
	return 1ull << (signo - 1);
}

void signal_state_init(struct signal_state *s);
/* Send. info NULL = from the kernel (SI_KERNEL). Returns 0 or -EAGAIN.
 * Takes signals.lock; context task. */
int signal_send_process(struct process *p, int signo, const struct ksiginfo *i);
int signal_send_thread(struct thread *t, int signo, const struct ksiginfo *i);
/* To every member. Returns 0, -ESRCH. Takes process_lock. */
int signal_send_pgrp(uint32_t pgid, int signo, const struct ksiginfo *i);
int signal_send_pgrp_locked(uint32_t pgid, int signo, const struct ksiginfo *i);
/* Synchronous fault: cannot be blocked or ignored. To the calling thread. */
void signal_force(int signo, const struct ksiginfo *i);
/* The calling process ends by signo. The wait status says that core was dumped
 * where Linux dumps (RLIMIT_CORE, dumpable); no file is written. */
void signal_die(int signo);
/* True if an unblocked signal that is not ignored is pending for t. */
bool signal_is_pending(struct thread *t);
/* Pending and unblocked-by-mask; takes one out. Returns signo or 0. */
int signal_dequeue(struct thread *t, uint64_t mask, struct ksiginfo *out);
/* Would signo be ignored or blocked by the caller (tty background rules)? */
bool signal_is_ignored_or_blocked(int signo);
/* Install a temporary mask until return to user mode (ppoll, sigsuspend). */
void signal_set_temp_mask(uint64_t mask);
/* On the way to user mode: deliver, stop, or exit. */
void signal_deliver(struct regs *regs);
void signal_reset_on_exec(struct process *p);
/* All but what is ignored: by default from now on. Takes signals.lock. */
void signal_reset_handlers(struct process *p);
