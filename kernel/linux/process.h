/* SPDX-License-Identifier: MIT */
/*
 * Linux processes and threads. A thread hangs off a core task
 * (task->personality); threads of a process share struct process.
 *
 * Locks: `process_lock` (one mutex) guards the tree: parent, children, pgrp,
 * session, thread lists, states, pid table. process->signals.lock guards
 * signal state. Order: process_lock, then signals.lock.
 */
#pragma once
#include "arch/regs.h"
#include "core/lock.h"
#include "core/task.h"
#include "core/timer.h"
#include "core/wait.h"
#include "fs/vfs.h"
#include "lib/list.h"
#include "linux/signal.h"

struct mm;
struct pid_ns;
struct tty;

/* Descriptor table; may be shared (CLONE_FILES). */
struct files;
/* cwd, root, umask; may be shared (CLONE_FS). */
struct fs_state {
	struct refcount refs;
	struct mutex lock;
	struct path root, cwd;
	/* The first program's, until it uses names: where cwd is to be, but is
	 * not walked to yet (fs_settle); else NULL. Set to NULL under lock. */
	const char *cwd_later;
	uint32_t umask;
};

#define NR_RLIMITS 16
struct klimit {
	uint64_t cur, max;	/* ~0 = infinity */
};

struct session {
	uint32_t sid;
	struct refcount refs;
	struct tty *ctty;	/* controlling terminal; tty layer's lock */
};

enum process_state { PROC_RUNNING, PROC_STOPPED, PROC_ZOMBIE, PROC_DEAD };

struct process {
	struct refcount refs;
	uint32_t pid;		/* set once */
	uint32_t nr;		/* its pid_ns's number for it; likewise */
	struct pid_ns *pid_ns;	/* a reference; likewise (linux/pid_ns.h) */
	/* under process_lock */
	struct process *parent;
	struct list children, sibling;
	struct list threads;	/* struct thread.link */
	uint32_t nr_threads;
	struct list errands;	/* struct ptrace_request.link (linux/remote.h) */
	uint32_t pgid;
	struct session *session;
	enum process_state state;
	uint32_t wait_status;	/* when zombie */
	uint32_t stop_status;	/* pending report: 0, or stop/continue */
	bool did_exec, is_subreaper, exiting;
	uint32_t exit_signal;	/* to the parent, normally SIGCHLD */
	struct waitq child_wait; /* parent's wait4 sleeps here */
	struct list all_link;
	/* shared objects; replaced under process_lock */
	struct mm *mm;
	struct signal_state signals;
	/* accounting */
	uint64_t cpu_user_ns, cpu_sys_ns;	/* of ended threads */
	uint64_t children_user_ns, children_sys_ns;
	uint64_t start_ns;
	struct klimit limits[NR_RLIMITS];
	/* under process_lock or only its own threads */
	char *exe_name;		/* resolved path, for /proc */
	struct path exe;
	/* copies of what exec put on the stack, for /proc; may be NULL */
	char *cmdline, *environ;
	size_t cmdline_len, environ_len;
	struct waitq exit_wait;	/* pidfds poll here */
	char comm[16];
	uint32_t dumpable;
	int32_t oom_score_adj;
	bool oom_killed;	/* ends to give its memory back */
	int32_t nice;
	uint64_t personality_flags;
	struct timer real_timer;	/* ITIMER_REAL */
	uint64_t real_timer_ns, real_timer_interval_ns;
	struct cpu_timers *cpu_timers;	/* linux/itimer.c; NULL: none */
	struct list posix_timers;	/* linux/posix_timer.c */
	bool posix_timers_due;		/* a thread should look */
	struct list sem_undos;	/* linux/sem.c; under ipc_lock */
	struct thread *vfork_waiter;	/* parent asleep until exec/exit */
	uint32_t parent_death_signal;
	/* under signals.lock */
	bool group_exit;	/* every thread leaves with group_status */
	uint32_t group_status;
	struct thread *exec_thread;	/* waits for its siblings to end */
	uint32_t kills;			/* SIGKILLs so far, for linux/ptrace.c */
	/* The init of its pid_ns: what it does not handle does not come to it.
	 * Its own fault ends that. */
	bool is_init;
	/* under process_lock */
	uint32_t forked_by;		/* thread of the parent */
	struct tracee *leader_trace;	/* of the first thread, or what it left */
	struct list pid_link;	/* pid table */
	uint32_t exit_uid;	/* for SIGCHLD's si_uid */
};

/* Why linux/dispatch.c looks at every call of a thread. */
enum { THREAD_WATCH_SECCOMP = 1, THREAD_WATCH_TRACE = 2 };

struct thread {
	struct task *task;
	struct process *process;
	uint32_t tid;
	uint32_t nr;		/* its process's namespace's number for it */
	struct list link;	/* process->threads */
	struct files *files;
	struct fs_state *fs;
	struct cred *cred;	/* replaced only by the thread itself */
	struct ns_set *ns;	/* likewise; NULL: the first ones (linux/ns.h) */
	struct thread_signals sig;
	uint32_t *clear_child_tid;	/* user address */
	void *robust_list;		/* user address */
	size_t robust_list_len;
	struct regs *regs;	/* the task's register record */
	/* restart_syscall state */
	long (*restart_fn)(struct thread *t);
	uint64_t restart_arg[4];
	uint32_t syscall_nr;	/* being executed, for /proc and strace */
	uint32_t futex_gone;	/* gives up its words; linux/futex_pi.c; atomic */
	bool exiting;
	bool charged;		/* its time counts in the process; process_lock */
	uint32_t exit_status;	/* for wait, if it is the last */
	uint32_t vfork_pending;	/* our vfork child still uses our memory; atomic */
	/* First act in user context of a new thread: exec of the first
	 * program, CLONE_CHILD_SETTID. NULL afterwards. */
	void (*start)(struct thread *t);
	uint32_t *set_child_tid;	/* user address, for start */
	struct list tid_link;	/* tid table */
	uint64_t timer_slack, default_slack;	/* 0: 50000 */
	uint64_t trapped_seen;	/* linux/dispatch.c, --stats */
	/* linux/sched.c: what the program asked for; atomic */
	uint64_t cpu_mask;		/* 0 = every CPU */
	uint32_t sched_policy, sched_priority;
	uint64_t sched_runtime_ns, sched_deadline_ns, sched_period_ns;
	int32_t ioprio;
	uint16_t mem_policy;	/* linux/mm_policy.c */
	/* inherited; changed by other threads too (linux/seccomp.c) */
	bool no_new_privs;
	uint8_t seccomp_mode;		/* SECCOMP_MODE_* */
	struct seccomp_filter *seccomp;	/* the newest, or NULL; atomic */
	uint32_t watch;			/* THREAD_WATCH_*; atomic */
	/* linux/ptrace.h */
	struct tracee *trace;		/* who traces it; NULL: nobody */
	struct list tracees;		/* whom it traces; process_lock */
};

extern struct mutex process_lock;

/* The calling thread; NULL in a system task. */
static inline struct thread *current_thread(void)
{
	return current_task()->personality;
}
static inline struct process *current_process(void)
{
	return current_thread()->process;
}

/* --- looking up (caller holds process_lock; results borrowed) -------------*/
struct process *process_find(uint32_t pid);
struct thread *thread_find(uint32_t tid);
/* Calls fn for each live (or zombie) process; fn returns false to stop. */
void process_for_each(bool (*fn)(struct process *p, void *arg), void *arg);
struct process *process_get(struct process *p);
void process_put(struct process *p);
uint32_t process_ppid(struct process *p);
uint32_t process_total_threads(void);

/* --- life ------------------------------------------------------------------*/
#define WAIT_DUMPED	0x80u	/* in a wait status: core would be dumped */
/* End the calling process with this wait status. Does not return to user. */
void process_exit_group(uint32_t wait_status);
/* Called on the way to user mode. status: for wait, if t is the last thread. */
void thread_exit(uint32_t status) __noreturn;
/* Of another process: the caller holds process_lock. */
uint64_t process_cpu_ns(struct process *p, bool user);
/* Stop or continue notice, or death, to the parent. Caller holds process_lock. */
void process_notify_parent_locked(struct process *p, int code, int status);
/*
 * Point of no return of execve: the other threads are gone, descriptors are
 * the caller's own, the address space is empty and has a fresh record, a
 * vfork parent runs again. Returns 0; -EINTR (killed meanwhile), -ENOMEM,
 * -EAGAIN with nothing changed but the siblings gone.
 */
int process_begin_exec(void);
/* Init at boot: pid 1 (the reaper, no threads) and the program's process.
 * *first is its thread, not started. */
int process_init(struct thread **first);
extern uint32_t program_pid;

/* --- walking: contexts from the calling thread ------------------------------*/
/* dirfd AT_FDCWD or a descriptor. Fills w (takes refs) - walk_ctx_put after. */
int walk_ctx_get(struct walk_ctx *w, int dirfd, const char *name);
void walk_ctx_put(struct walk_ctx *w);
/* Copy a path from the program into a fresh heap buffer (kfree it). */
int user_path_get(const char *user_name, char **out);

/* --- descriptors (linux/fdtable.c) -------------------------------------------*/
struct files *files_create(void);
struct files *files_copy(struct files *f);	/* for fork */
struct files *files_get(struct files *f);
void files_put(struct files *f);
void files_close_on_exec(struct files *f);
/* Borrow-with-reference. Returns file with a reference, or NULL (EBADF). */
struct file *fd_get(int fd);		/* refuses O_PATH descriptors */
struct file *fd_get_any(int fd);	/* O_PATH too */
/* Like fd_get, without counting when the table is the caller's alone: give
 * back by fd_return(f, *counted). Only for the length of one call. */
struct file *fd_borrow(int fd, bool *counted);
static inline void fd_return(struct file *f, bool counted)
{
	if (counted)
		file_put(f);
}
/* A free descriptor first, the file later: fd_reserve, then fd_fill (takes
 * over the reference) or fd_unreserve. */
int fd_reserve(int min_fd, bool cloexec);
void fd_fill(int fd, struct file *f);
void fd_unreserve(int fd);
bool files_is_shared(struct files *fs);
struct file *files_lookup(struct files *fs, int fd);	/* any table */
/* Install (takes over the reference on success). Returns fd or -EMFILE. */
int fd_install(struct file *f, bool cloexec);
int fd_install_from(struct file *f, int min_fd, bool cloexec);
int fd_close(int fd);
int files_max_fd(struct files *fs);	/* highest used + 1 */
bool files_is_cloexec(struct files *fs, int fd);
