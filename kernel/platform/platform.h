/* SPDX-License-Identifier: MIT */
/*
 * The whole interface downwards: what a platform (process, kvm, the unit
 * tests' fake) gives the kernel. Mechanism only. Nothing above this line may
 * assume that the host keeps page tables or schedules.
 *
 * Errors are negative errnos. Context is `task` unless said otherwise.
 */
#pragma once
#include "lib/types.h"
#include "plat/layout.h"

struct abi_boot;
struct abi_doorbell;
struct task;
struct regs;

/* --- start --------------------------------------------------------------- */
/*
 * First of all, on the boot task: make processors, memory and clocks work,
 * hand the page pool to core/page.h. handover: what the tender or monitor
 * passed to the entry. Returns the sandbox's description, checked for magic,
 * version and size only. Context: init.
 */
struct abi_boot *plat_start(void *handover);
/* What the rest of the kernel does when the tender rings. */
struct plat_ops {
	/* Look at the doorbell's fields and take what is set. */
	void (*doorbell)(struct abi_doorbell *d);
	/* No memory is left for a program's page: see to it that some comes
	 * back. Called again while there is none. Context: task, which holds
	 * what its system call holds; may not sleep for a lock. */
	void (*out_of_memory)(void);
};
/* The boot task's life after start-up: serve the tender. */
void plat_run(const struct plat_ops *ops) __noreturn;

/* --- parking ------------------------------------------------------------ */
/* Sleep while *word == val, until woken or deadline_ns (monotonic). Returns
 * 0 (woken, or the value differs), -ETIMEDOUT, -EINTR (kicked). */
int plat_word_wait(uint32_t *word, uint32_t val, uint64_t deadline_ns);
void plat_word_wake(uint32_t *word, uint32_t max);
/*
 * The same for the calling task's own park word, where nobody else waits: sleep
 * while it is val. `to` (NULL: nobody) is woken first; where the platform
 * schedules, it gets the processor and the rest of its time at once, unless
 * somebody better waits. Either may return early, for no reason.
 */
int plat_park(uint32_t val, uint64_t deadline_ns, struct task *to);
/*
 * Only where the host schedules (!PLAT_SCHEDULES): look for a while that is worth a
 * sleep whether *word differs from val. Returns true if so. Context: any.
 */
bool plat_spin_while(const uint32_t *word, uint32_t val);
/*
 * The same for the park word of t, the calling task, that it leaves WAKE_NONE, as
 * long as looking pays off: who unparks t meanwhile needs no plat_unpark.
 */
void plat_park_spin(struct task *t);
/* Wake t, which waits there, after a change of its park word. Context: any. */
void plat_unpark(struct task *t);
/* Make t leave user mode, or a host wait, soon. Context: any. */
void plat_kick(struct task *t);
void plat_yield(void);			/* let others of equal right run (sched_yield) */
void plat_relax(void);			/* give the processor away briefly */

/* --- system calls ---------------------------------------------------------- */
/*
 * A platform that schedules may do calls of the native interface (abi/native.h)
 * in its entry code, if nothing stands in the way; from now on all are to pass
 * the personality (--strace, seccomp filters, ptrace). Context: any.
 */
void plat_watch_calls(void);

/* --- clocks ------------------------------------------------------------- */
uint64_t plat_clock_mono_ns(void);	/* CLOCK_MONOTONIC; no host call */
uint64_t plat_clock_real_ns(void);	/* CLOCK_REALTIME; no host call */
uint64_t plat_clock_boot_ns(void);
uint64_t plat_clock_task_cpu_ns(void);	/* of the calling task */
uint64_t plat_clock_process_cpu_ns(void); /* of the calling address space's tasks */
/* Of any live task. Returns 0, or -EOPNOTSUPP: only itself can ask here. */
int plat_clock_other_cpu_ns(const struct task *t, uint64_t *ns);
uint32_t plat_cpu_current(void);

/* --- tasks and address spaces ------------------------------------------- */
enum plat_space {
	PLAT_SPACE_SHARE,	/* thread or vfork child: the caller's */
	PLAT_SPACE_COPY,	/* fork: a copy-on-write copy of the caller's */
	PLAT_SPACE_NEW,		/* empty */
	PLAT_SPACE_KERNEL,	/* system task: no program memory */
};

/*
 * Start t (from task_create). A user task begins by entering user mode with
 * its register frame (task_regs(t)) through the slow exit path; a system task
 * calls t->entry(t->arg) and must not return. Copying takes place before
 * this returns.
 * Returns 0, -EAGAIN, -ENOMEM.
 */
int plat_task_start(struct task *t, enum plat_space space);
/*
 * End the calling task and release its block; if `last_in_space`, its
 * address space is destroyed too. The task must hold nothing.
 */
void plat_task_exit(bool last_in_space) __noreturn;
/*
 * Schedule t as r says (core/sched.h), whose numbers are in range. t lives; only
 * one request for it at a time. Returns 0, -EPERM (what carries the kernel
 * grants no such class), -EBUSY (deadline: not enough processor time left).
 */
struct sched_request;
int plat_task_schedule(struct task *t, const struct sched_request *r);
/* t's own claim to a processor (core/sched.h), as it was asked for last. */
uint64_t plat_task_claim(const struct task *t);
/* Is that, or what it was lent, a real-time one? A hint. Context: any. */
bool plat_task_is_urgent(const struct task *t);
/*
 * t runs by the better of its own claim and this one from now on; 0: by its
 * own. At once, wherever t is. Where the host schedules (PLAT_SCHEDULES is 0)
 * only its real-time classes are lent, and only if it lets us have them.
 * Context: task, in a brief lock.
 */
void plat_task_lend(struct task *t, uint64_t claim);
/* Does a task that waits for a mutex lend its claim to the holder? Never changes. */
bool plat_mutexes_lend(void);
/*
 * A lock for moments, 0 when free, whose holder is not kept from its processor
 * by those who want it: either it is not preempted, or it has their priority.
 * Does not nest; the holder does not sleep, but may wake. Context: task.
 */
void plat_brief_lock(uint32_t *word);
void plat_brief_unlock(uint32_t *word);
/* Empty the calling task's address space (exec). Only this task uses it. */
void plat_space_reset(void);
/* Move the calling task into a new, empty address space of its own (exec of a vfork child). Returns 0 or -errno. */
int plat_space_leave(void);

/* --- mappings in the calling task's address space ------------------------ */
enum plat_prot { PLAT_READ = 1, PLAT_WRITE = 2, PLAT_EXEC = 4 };

enum plat_backing_kind {
	PLAT_BACK_ZERO,		/* private anonymous memory */
	PLAT_BACK_POOL,		/* pages of the pool, from pool offset */
	PLAT_BACK_HOST,		/* host file descriptor, from file offset */
	PLAT_BACK_NONE,		/* reserve: every access faults */
};

struct plat_backing {
	enum plat_backing_kind kind;
	bool shared;		/* writes go to the backing; else private copy */
	bool noreserve;
	bool populate;
	int host_fd;
	uint64_t offset;	/* pool or file offset */
};

/* Memory of an address space, in bytes; private: of it alone or shared only
 * by a copy that nobody wrote to yet. */
struct plat_usage {
	uint64_t private, private_peak;
	uint64_t mapped;	/* of files and shared memory */
	uint64_t tables;
};
/* Of t's address space, now. t lives. Returns 0, -EOPNOTSUPP (the host knows:
 * FSRV_USAGE of plat_task_carrier) or -ESRCH (t is a system task, or ending).
 * Context: any. */
int plat_space_usage(const struct task *t, struct plat_usage *u);
/* The host process that t is in, as the sandbox numbers it; 0: none of its
 * own. t lives. Context: any. */
uint32_t plat_task_carrier(const struct task *t);

/* Does t have the calling task's address space? A system task has none.
 * t lives. Context: any. */
bool plat_space_is_shared(const struct task *t);

/*
 * Copy between memory of t's program and `mine`: the calling task's program's
 * (user), or the kernel's. t has another address space and sleeps all the time.
 * Only where PLAT_REACHES_SPACES.
 */
enum plat_copied { PLAT_COPIED, PLAT_FAULT_MINE, PLAT_FAULT_THEIRS };
enum plat_copied plat_space_copy(const struct task *t, uaddr_t theirs,
				 void *mine, bool user, size_t n, bool to_them);

/* Replaces whatever is mapped there. addr, len page-aligned, inside
 * [PLAT_USER_MIN, PLAT_USER_MAX) and outside the kernel window. */
int plat_map(uaddr_t addr, size_t len, uint32_t prot,
	     const struct plat_backing *b);
int plat_unmap(uaddr_t addr, size_t len);
int plat_protect(uaddr_t addr, size_t len, uint32_t prot);
/* Move pages; the destination range is replaced. */
int plat_move(uaddr_t from, size_t from_len, uaddr_t to, size_t to_len);
enum plat_advice { PLAT_ADV_DISCARD, PLAT_ADV_HUGE, PLAT_ADV_NOHUGE,
		   PLAT_ADV_WILLNEED, PLAT_ADV_FREE, PLAT_ADV_DONTFORK,
		   PLAT_ADV_DOFORK };
int plat_advise(uaddr_t addr, size_t len, enum plat_advice a);

/*
 * Threads that run in user mode have passed a full memory barrier between the
 * call and its return: all, or those in the caller's address space; CODE: and
 * execute what was written as code before. The caller too.
 * Returns 0; -errno of one that is not in plat_barriers().
 */
enum plat_barrier { PLAT_BARRIER_ALL, PLAT_BARRIER_SPACE,
		    PLAT_BARRIER_SPACE_CODE, PLAT_BARRIERS };
int plat_barrier(enum plat_barrier b);
/* Which of them there are: bits 1 << barrier. */
uint32_t plat_barriers(void);

/* Ranges inside [MIN, MAX) that the program can not have. Returns how many, at most max. */
struct plat_range { uaddr_t start, end; };
uint32_t plat_reserved_ranges(struct plat_range *r, uint32_t max);

/* --- pages back to the host ---------------------------------------------- */
void plat_pool_release(uint64_t offset, size_t len);	/* reads as zero after */

/* --- host descriptors (files granted by the tender) ---------------------- */
ssize_t plat_fd_pread(int fd, void *buf, size_t n, int64_t off); /* off -1: stream */
ssize_t plat_fd_pwrite(int fd, const void *buf, size_t n, int64_t off);
int64_t plat_fd_seek(int fd, int64_t off, int whence);
void plat_fd_close(int fd);
/* What programs wrote to mappings of host files is with the host. */
void plat_sync(void);
/* ppoll on n descriptors: events/revents as poll(2). Returns count, 0, -EINTR. */
struct plat_pollfd { int fd; short events, revents; };
int plat_fd_poll(struct plat_pollfd *p, uint32_t n, uint64_t deadline_ns);
/* One request and its reply on the file server channel (abi/fileserver.h).
 * fds[FSRV_FDS_MAX]: received descriptors, else -1. Returns 0 or -errno of the channel. The caller holds the channel's lock. */
int plat_server_call(const void *req, size_t req_len, void *reply,
		     size_t reply_max, size_t *reply_len, int *fds);

/* Isolation tests only (ABI_BOOT_TEST_HOOK): what code that owns the kernel
 * could do. args: call number and six arguments, unchecked. */
long plat_test_call(const uint64_t args[7]);

/* --- the rest -------------------------------------------------------------*/
void plat_entropy(void *buf, size_t n);
void plat_log(const char *s, size_t n);	/* Context: any */
/* What the boot block says to the tender (`stopped`) has changed.
 * Context: task. */
void plat_report(void);
void plat_stats_print(void);	/* --stats: counters of its own, by klog */
void plat_stop(int status) __noreturn;	/* end the whole sandbox */
