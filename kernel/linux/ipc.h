/* SPDX-License-Identifier: MIT */
/*
 * System V objects: what semaphores (sem.c), message queues (msg.c) and shared
 * memory (shm.c) have in common, by kind: a table of identifiers and keys,
 * owners and permissions, the commands of *ctl that mean the same for all, the
 * files of /proc/sysvipc. And the sleep that a waker ends with an outcome,
 * which POSIX message queues (mqueue.c) use too.
 *
 * One lock, ipc_lock, guards all of System V's: what is done under it is short,
 * and program memory is never touched.
 */
#pragma once
#include <linux/ipc.h>
#include <asm/msgbuf.h>
#include <asm/sembuf.h>
#include <asm/shmbuf.h>
#include "core/lock.h"
#include "core/task.h"
#include "lib/list.h"

struct file;
struct mm;
struct mount;
struct process;
struct pseudo_node;
struct textbuf;

enum ipc_kind { IPC_SEM, IPC_MSG, IPC_SHM, IPC_KINDS };

/* First member of every object; under ipc_lock. */
struct ipc_obj {
	struct ipc_table *table;	/* that has it; NULL: none any more */
	int32_t id;
	uint64_t size;		/* bytes, semaphores; 0: a queue */
	struct file *file;	/* of shared memory */
	union {			/* as *ctl(IPC_STAT) shows it */
		struct ipc64_perm perm;
		struct semid64_ds sem;
		struct msqid64_ds msg;
		struct shmid64_ds shm;
	};
};

/* What can be read and set in /proc/sys; atomic. */
enum ipc_limit {
	LIMIT_SEMMSL, LIMIT_SEMMNS, LIMIT_SEMOPM, LIMIT_SEMMNI,
	LIMIT_MSGMAX, LIMIT_MSGMNB, LIMIT_MSGMNI,
	LIMIT_SHMMAX, LIMIT_SHMALL, LIMIT_SHMMNI,
	LIMIT_MQ_DEFAULT, LIMIT_MQ_MAX,
	LIMIT_MQ_SIZE_DEFAULT, LIMIT_MQ_SIZE_MAX, LIMIT_MQ_QUEUES,
	NR_IPC_LIMITS,
};
extern uint64_t ipc_limits[NR_IPC_LIMITS];

extern struct mutex ipc_lock;

/* What a kind does by itself; under ipc_lock. */
struct ipc_ops {
	/* A new object of this size (checked against nothing yet), from
	 * kzalloc, without id and owner. Returns 0 or -errno. */
	int (*create)(uint64_t size, int32_t key, uint32_t flags,
		      struct ipc_obj **out);
	/* IPC_RMID: let go of it. True: it goes, and is freed by the caller;
	 * false: it stays until ipc_forget(). */
	bool (*remove)(struct ipc_obj *o);
	/* IPC_SET: what goes beyond the owner; may be NULL. 0 or -errno */
	int (*set)(struct ipc_obj *o, const struct ipc_obj *want);
	/* IPC_INFO, or (used) *_INFO, into buf. Returns bytes. */
	size_t (*info)(bool used, void *buf);
	void (*show)(struct textbuf *t, const struct ipc_obj *o);
};
extern const struct ipc_ops sem_ops, msg_ops, shm_ops;

/* The call *get. Returns an id or -errno. Takes ipc_lock. */
long ipc_get(enum ipc_kind kind, uint64_t key, uint64_t flags, uint64_t size);
/* The commands that all kinds have; the others: -EINVAL. Takes ipc_lock. */
long ipc_ctl(enum ipc_kind kind, uint64_t id, uint64_t cmd, uint64_t user);
/* Calls fn for each object of a kind. Caller holds ipc_lock. */
void ipc_for_each(enum ipc_kind kind,
		  void (*fn)(struct ipc_obj *o, void *arg), void *arg);

/*
 * The object, which may be used as the bits of `may` say (as in a mode: 0444
 * to read, 0222 to change). Returns 0, -EINVAL (no such id), -EACCES.
 * Caller holds ipc_lock.
 */
int ipc_find(enum ipc_kind kind, int32_t id, uint32_t may,
	     struct ipc_obj **out);
/* Is the caller its owner, or may he do what its owner may? */
bool ipc_is_owner(const struct ipc_obj *o, int cap);
/* Take its id away; it is the caller's to free then. Under ipc_lock. */
void ipc_forget(struct ipc_obj *o);
void ipc_free(struct ipc_obj *o);	/* without the lock; NULL is allowed */
long ipc_now(void);			/* seconds of the real clock */

/* Where the POSIX queues of the caller's namespace (or the first one) have
 * their names; under ipc_lock. */
struct mount **ipc_ns_mqueues(bool is_first);
struct super *mqueue_create_own(void);	/* a reference; NULL: no memory */
/* The same, made if need be, for a walk from its root; NULL: no memory. */
struct mount *mqueue_names(bool of_first);
void mqueue_names_put(struct mount *names);
/* sb, fresh, is to have queues. Under ipc_lock. */
void mqueue_init_super(struct super *sb);

/* --- sleeping until somebody says how it ended -----------------------------*/
#define IPC_WAITING	1	/* ipc_wait.status: nobody has yet */
struct ipc_wait {
	struct list link;	/* in a list of the sleeper's choice */
	struct task *task;
	int status;
};
/*
 * Sleep until ipc_wake. w is in its list, and in none afterwards.
 * Returns what the waker said, -EINTR or -ETIMEDOUT.
 * Locks: the caller holds lock, which is let go meanwhile; the waker has it.
 */
int ipc_sleep(struct ipc_wait *w, struct mutex *lock, uint64_t deadline_ns);
void ipc_wake(struct ipc_wait *w, int status);

/* --- ends of programs --------------------------------------------------------*/
/* Nobody runs in mm any more: its attachments go. Takes mm->lock. */
void shm_exit(struct mm *mm);
/* p ends: what it did with SEM_UNDO is taken back. Takes ipc_lock. */
void sem_exit(struct process *p);

/* --- /proc: entry->arg is the kind, or the limit ------------------------------*/
int ipc_show(struct textbuf *t, struct pseudo_node *n);
int ipc_show_limit(struct textbuf *t, struct pseudo_node *n);
ssize_t ipc_store_limit(struct pseudo_node *n, struct file *f, const char *buf,
			size_t len, uint64_t pos);
