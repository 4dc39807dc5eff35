/* SPDX-License-Identifier: MIT */
/*
 * Namespaces of processes (pid_namespaces(7)). The kernel knows threads,
 * processes, groups and sessions by their numbers in the first namespace only:
 * "id" below. Who was born in another one has a number there too, and in each
 * between: "nr". They are translated where a program gives or gets one.
 *
 * A process is in one namespace for life, process->pid_ns. That of its thread's
 * set (linux/ns.h) is where the thread's children will be.
 *
 * *_locked: the caller holds process_lock.
 */
#pragma once
#include "core/wait.h"
#include "fs/ns.h"
#include "linux/process.h"

struct pid_ns {
	struct ns ns;
	struct pid_ns *parent;	/* a reference; of the first: NULL. Set once */
	uint32_t level;		/* of the first: 0 */
	/* under process_lock */
	uint32_t last;		/* the number given last */
	uint32_t nr_alive;	/* processes that have not ended, here and below */
	struct process *init;	/* the first process, until it is reaped; or NULL */
	bool ended;		/* init ends: there are no new processes */
	struct waitq empty;	/* init waits to be the only one */
};

extern struct pid_ns pid_ns_first;

/* The caller's. */
static inline const struct pid_ns *own_pid_ns(void)
{
	return current_process()->pid_ns;
}

/* The first one is not counted: most are in it. */
static inline struct pid_ns *pid_ns_get(struct pid_ns *n)
{
	if (n != &pid_ns_first)
		ns_get(&n->ns);
	return n;
}
static inline void pid_ns_put(struct pid_ns *n)
{
	if (n != &pid_ns_first)
		ns_put(&n->ns);
}

/* Is n the same as `top` or below it? No lock. */
bool pid_ns_is_below(const struct pid_ns *n, const struct pid_ns *top);

/* What n calls id; 0: it is not there. */
uint32_t pid_seen_locked(const struct pid_ns *n, uint32_t id);
/* The same with the lock taken. */
uint32_t pid_seen_below(const struct pid_ns *n, uint32_t id);
static inline uint32_t pid_seen(const struct pid_ns *n, uint32_t id)
{
	return likely(n == &pid_ns_first) ? id : pid_seen_below(n, id);
}
/* What the caller's namespace calls id. */
static inline uint32_t pid_to_user(uint32_t id)
{
	return pid_seen(own_pid_ns(), id);
}
/* Whom n calls nr; 0: nobody. */
uint32_t pid_of_nr_locked(const struct pid_ns *n, uint32_t nr);
/* Whom the caller's namespace calls nr. */
uint32_t pid_from_user(uint32_t nr);
static inline uint32_t pid_from_user_locked(uint32_t nr)
{
	return pid_of_nr_locked(own_pid_ns(), nr);
}
/* By a number that the program gave. */
static inline struct process *process_find_user(uint32_t nr)
{
	return process_find(pid_from_user_locked(nr));
}
static inline struct thread *thread_find_user(uint32_t nr)
{
	return thread_find(pid_from_user_locked(nr));
}

/*
 * A new id, with numbers in n and above it; *nr is that in n. Both are the
 * caller's until they are linked; pid_release_locked() gives them back.
 * Returns 0, -EAGAIN (none is left), -ENOMEM (also: n has ended).
 */
int pid_alloc_locked(struct pid_ns *n, uint32_t *id, uint32_t *nr);
/* Something called id has ended: unless there is more, its numbers are free. */
void pid_release_locked(uint32_t id);
/* A process of n began (by 1) or ended (-1). */
void pid_ns_count_locked(struct pid_ns *n, int by);

/* p, an init without threads, ends: so does everybody in its namespace. Returns
 * when they have. Context: p's last thread. */
void pid_ns_end(struct process *p);
/* Who inherits the children of a process of n that has no subreaper. */
struct process *pid_ns_reaper_locked(const struct process *p);

struct textbuf;
/* "\tNR" for what `from` calls nr, there and in each below it down to n. */
void pid_show_levels(struct textbuf *t, const struct pid_ns *from,
		     const struct pid_ns *n, uint32_t nr);
