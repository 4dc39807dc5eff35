/* SPDX-License-Identifier: MIT */
/*
 * ptrace(2): one thread, the tracer, watches and changes another. ptrace.c is
 * the tracer's side, ptrace_stop.c the tracee's, ptrace_data.c registers and
 * memory.
 *
 * Registers and memory belong to the tracee alone: a stopped tracee waits
 * inside the kernel and does itself what its tracer asks for (ptrace_request),
 * the same on every platform. A record of who traces whom lives from the
 * attachment to the end of it, beyond the thread's own end, until the tracer
 * has waited for that.
 *
 * All fields are under process_lock; thread->trace changes under the
 * signals.lock of its process too, so that who sends signals may look at it.
 */
#pragma once
#include "linux/process.h"

struct ptrace_request {
	struct list link;
	struct task *from;
	/* Run by the tracee, in its address space, with no lock held. */
	long (*fn)(struct thread *t, struct ptrace_request *r);
	uint64_t addr;
	void *buf;		/* the kernel's */
	size_t len;
	bool write;
	long ret;
	uint32_t done;		/* atomic */
};

/* One stop; on the tracee's stack. */
struct ptrace_stop {
	struct list requests;
	struct ksiginfo *info;	/* NULL: a group stop has none */
	uint32_t kills;		/* process->kills when it began */
	uint32_t signo;		/* how to go on */
	uint8_t mode;		/* enum ptrace_mode */
	bool step, resumed;
};

enum ptrace_mode { TRACE_CONT, TRACE_SYSCALL, TRACE_EMULATE };
/* Stops that are to come, for EVENT_STOP. */
enum ptrace_trap { TRAP_STOP = 1, TRAP_NOTIFY = 2 };

struct tracee {
	struct list link;	/* tracer->tracees */
	struct thread *tracer;
	struct thread *thread;	/* NULL: it has ended */
	struct process *process; /* its; with a reference */
	uint32_t tid;
	uint32_t options;	/* PTRACE_O_* */
	bool seized, listening, zombie;
	bool step;		/* TF is the tracer's */
	uint8_t mode;		/* enum ptrace_mode */
	uint8_t traps;		/* TRAP_*; atomic */
	struct ptrace_stop *stop;	/* NULL: it runs */
	uint32_t code;		/* of this stop: signal, event << 8 */
	uint32_t report;	/* the same until waited for; 0: nothing new */
	uint32_t status;	/* zombie: for wait */
	uint64_t message;
};

/* --- the tracee's side (ptrace_stop.c): by the thread itself -------------------*/
/* Stop with this code until the tracer lets the caller go on. dying: a pending
 * end does not matter. Returns the signal to go on with, or -1: nobody said so
 * (not traced, killed). Context: task. Locks: process_lock. */
int ptrace_stop(uint32_t code, uint64_t message, struct ksiginfo *info,
		bool dying);
/* Around a system call, if thread->watch says so. False: it is not made. */
bool ptrace_call_enter(struct thread *t, struct regs *r);
void ptrace_call_exit(struct thread *t, struct regs *r);
/* A filter wants the tracer to decide, and gives it `data`. False: the call is
 * not made, its result is in r->rax; else the filters may look at it again. */
bool ptrace_seccomp(struct thread *t, struct regs *r, uint32_t data);
/* A step of the tracer's that the program knows nothing of. */
bool ptrace_hides_step(struct thread *t, const struct regs *r);
/* A signal was taken. Returns which one to act on (*info with it), or 0. */
int ptrace_signal(struct thread *t, int signo, struct ksiginfo *info);
/* On the way to user mode; stopping: the thread was told to stop. */
void ptrace_trap(struct thread *t, bool stopping);
/* A handler's frame was made; its first instruction is next. */
void ptrace_handler_ready(struct thread *t);
/* event is a PTRACE_EVENT_*; stops if it is wanted. */
void ptrace_event(struct thread *t, uint32_t event, uint64_t message);
/* What t's tracer calls id, for such a message; 0: there is none. */
uint32_t ptrace_seen(struct thread *t, uint32_t id);
void ptrace_exec(struct thread *t, uint32_t old_tid);
/* PTRACE_EVENT_* that a clone with these flags is, 0: none is wanted. */
uint32_t ptrace_clone_event(struct thread *self, uint64_t flags,
			    uint32_t exit_signal);

/* --- bookkeeping (ptrace.c); process_lock held -----------------------------------*/
/* The child of self, not started, is traced too if self's tracer wants it. */
int ptrace_child_locked(struct thread *t, struct thread *self, uint64_t flags,
			uint32_t event);
/* End the tracing of tr's thread; tr is freed. */
void ptrace_detach_locked(struct tracee *tr);
/* The same when it has ended: its parent may know now. */
void ptrace_reap_locked(struct tracee *tr);
/* t ends: its tracees are free, its tracer is told. */
void ptrace_thread_gone_locked(struct thread *t, uint32_t status);
/* p ended with status. True: its parent is not to know yet. */
bool ptrace_process_gone_locked(struct process *p, uint32_t status);
/* After an exec by a thread that was not the first. */
void ptrace_set_tid_locked(struct thread *t);
/* Is c traced by a thread of its own parent? */
bool ptrace_is_by_parent_locked(const struct process *c);
void ptrace_notify_locked(struct tracee *tr, int code, int status);
/* May the caller look into t? fs: by the IDs for files. */
bool ptrace_may_access_locked(const struct thread *t, bool fs);
/* Tell the parent of the zombie p; p goes if it does not care. (exit.c) */
void process_zombie_to_parent_locked(struct process *p);

/* --- from senders of signals (ptrace_stop.c); signals.lock held ----------------------*/
/* A stop of the process ended by signo: t, if seized, says so. */
void ptrace_continued_locked(struct thread *t, int signo);
/* SIGKILL, even to a process that ends. */
void ptrace_kill_locked(struct process *p);

/* --- registers and memory (ptrace_data.c) -----------------------------------------*/
/* Whoever asked for r goes on with ret. */
void ptrace_finish(struct ptrace_request *r, long ret);
/* Let tr's own task do r; it is stopped. process_lock is held and given back. */
long ptrace_ask_unlock(struct tracee *tr, struct ptrace_request *r);
/*
 * Requests: memory at addr (bytes moved); words of struct user_regs_struct from
 * number addr on (0, -EIO); vector state, of which addr bytes are new (0,
 * -EINVAL).
 */
long ptrace_do_memory(struct thread *t, struct ptrace_request *r);
long ptrace_do_regs(struct thread *t, struct ptrace_request *r);
long ptrace_do_vector(struct thread *t, struct ptrace_request *r);
