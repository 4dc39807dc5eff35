/* SPDX-License-Identifier: MIT */
/*
 * Namespaces of processes: the numbers that ids have in them, and their end.
 *
 * A number is kept as long as anything has the id: a thread, a process that was
 * not waited for, a group, a session. It refers to its namespace.
 */
#include "linux/pid_ns.h"
#include <asm/signal.h>
#include "core/heap.h"
#include "fs/textfile.h"
#include "linux/ns.h"
#include "linux/process_priv.h"
#include "linux/ptrace.h"
#include "linux/signal_priv.h"

#define LEVEL_MAX	32u
#define NR_RESERVED	300u	/* not given again, as on Linux */
#define HASH_SIZE	64u

struct pid_nr {
	struct list by_nr, by_id;
	struct pid_ns *ns;	/* a reference */
	uint32_t nr, id;
};

struct pid_ns pid_ns_first = {
	.ns = { .refs = { 1 }, .kind = NS_PID, .inum = 4026531836u,
		.owner = &user_ns_first },
	.empty = WAITQ_INIT(pid_ns_first.empty),
};

/* under process_lock */
static struct list all_by_nr[HASH_SIZE], all_by_id[HASH_SIZE];

static struct list *bucket(struct list *table, uint32_t n)
{
	struct list *b = &table[n % HASH_SIZE];

	if (!b->next)
		list_init(b);
	return b;
}

bool pid_ns_is_below(const struct pid_ns *n, const struct pid_ns *top)
{
	while (n && n != top)
		n = n->parent;
	return n != NULL;
}

/* --- numbers --------------------------------------------------------------*/
static struct pid_nr *find_id(const struct pid_ns *n, uint32_t id)
{
	list_for_each(l, bucket(all_by_id, id)) {
		struct pid_nr *e = list_entry(l, struct pid_nr, by_id);

		if (e->id == id && (!n || e->ns == n))
			return e;
	}
	return NULL;
}

uint32_t pid_seen_locked(const struct pid_ns *n, uint32_t id)
{
	const struct pid_nr *e;

	if (likely(n == &pid_ns_first))
		return id;
	e = find_id(n, id);
	return e ? e->nr : 0;
}

uint32_t pid_seen_below(const struct pid_ns *n, uint32_t id)
{
	mutex_lock(&process_lock);
	id = pid_seen_locked(n, id);
	mutex_unlock(&process_lock);
	return id;
}

uint32_t pid_of_nr_locked(const struct pid_ns *n, uint32_t nr)
{
	if (likely(n == &pid_ns_first))
		return nr;
	list_for_each(l, bucket(all_by_nr, nr)) {
		struct pid_nr *e = list_entry(l, struct pid_nr, by_nr);

		if (e->nr == nr && e->ns == n)
			return e->id;
	}
	return 0;
}

uint32_t pid_from_user(uint32_t nr)
{
	if (likely(own_pid_ns() == &pid_ns_first))
		return nr;
	mutex_lock(&process_lock);
	nr = pid_from_user_locked(nr);
	mutex_unlock(&process_lock);
	return nr;
}

/* The next free number of n. 0: there is none. */
static uint32_t next_nr(struct pid_ns *n)
{
	for (uint32_t i = 0; i < PID_MAX; i++) {
		n->last = n->last + 1 < PID_MAX ? n->last + 1 : NR_RESERVED;
		if (n == &pid_ns_first ?
		    !process_id_in_use_locked(n->last) &&
		    !find_id(NULL, n->last) : !pid_of_nr_locked(n, n->last))
			return n->last;
	}
	return 0;
}

static int add_nr(struct pid_ns *n, uint32_t id, uint32_t *nr)
{
	struct pid_nr *e;

	if (n->ended)
		return -ENOMEM;
	if (!n->init)	/* whoever had number 1 was not started */
		n->last = 0;
	*nr = next_nr(n);
	if (!*nr)
		return -EAGAIN;
	e = kmalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->ns = pid_ns_get(n);
	e->nr = *nr;
	e->id = id;
	list_append(bucket(all_by_nr, e->nr), &e->by_nr);
	list_append(bucket(all_by_id, id), &e->by_id);
	return 0;
}

int pid_alloc_locked(struct pid_ns *n, uint32_t *id, uint32_t *nr)
{
	uint32_t own = next_nr(&pid_ns_first), above;
	int err = own ? 0 : -EAGAIN;

	*id = *nr = own;
	for (struct pid_ns *a = n; a->parent && !err; a = a->parent)
		err = add_nr(a, own, a == n ? nr : &above);
	if (err)
		pid_release_locked(own);
	return err;
}

void pid_release_locked(uint32_t id)
{
	struct pid_nr *e;

	if (likely(!find_id(NULL, id)) || process_id_in_use_locked(id))
		return;
	while ((e = find_id(NULL, id))) {
		list_remove(&e->by_nr);
		list_remove(&e->by_id);
		pid_ns_put(e->ns);
		kfree(e);
	}
}

void pid_show_levels(struct textbuf *t, const struct pid_ns *from,
		     const struct pid_ns *n, uint32_t nr)
{
	uint32_t id;

	mutex_lock(&process_lock);
	id = pid_of_nr_locked(from, nr);
	for (uint32_t level = from->level; level <= n->level; level++) {
		const struct pid_ns *a = n;

		while (a->level > level)
			a = a->parent;
		textbuf_printf(t, "\t%u", pid_seen_locked(a, id));
	}
	mutex_unlock(&process_lock);
}

/* --- birth and end --------------------------------------------------------*/
static void pid_ns_free(struct ns *n)
{
	struct pid_ns *p = container_of(n, struct pid_ns, ns);

	pid_ns_put(p->parent);
	ns_free(n);
}

int pid_ns_make(struct ns *old, struct user_ns *owner, struct fs_state *fs,
		struct ns **out)
{
	struct pid_ns *parent = (struct pid_ns *)old, *n;

	/* one level at a time */
	if (parent != own_pid_ns() ||
	    !user_ns_is_below(owner, parent->ns.owner))
		return -EINVAL;
	if (parent->level >= LEVEL_MAX)
		return -ENOSPC;
	n = (struct pid_ns *)ns_create(NS_PID, sizeof(*n), owner, pid_ns_free);
	if (!n)
		return -ENOMEM;
	n->parent = pid_ns_get(parent);
	n->level = parent->level + 1;
	waitq_init(&n->empty);
	*out = &n->ns;
	return 0;
}

void pid_ns_count_locked(struct pid_ns *n, int by)
{
	for (; n; n = n->parent) {
		n->nr_alive += (uint32_t)by;
		if (unlikely(n->ended) && n->nr_alive == 1)
			wait_wake_all(&n->empty, 0);
	}
}

static bool end_member(struct process *p, void *arg)
{
	if (p->nr_threads && pid_ns_is_below(p->pid_ns, arg))
		signal_send_process(p, SIGKILL, NULL);
	return true;
}

void pid_ns_end(struct process *p)
{
	struct pid_ns *n = p->pid_ns;
	struct waiter w;

	mutex_lock(&process_lock);
	n->ended = true;
	/* nobody waits for them */
	p->signals.action[SIGCHLD - 1].handler = SIGNAL_IGNORE;
	list_for_each_safe(l, &p->children) {
		struct process *c = list_entry(l, struct process, sibling);

		if (c->state == PROC_ZOMBIE && !c->leader_trace)
			process_unlink_locked(c);
	}
	process_for_each(end_member, n);
	mutex_unlock(&process_lock);
	wait_begin(&w, &n->empty);
	while (__atomic_load_n(&n->nr_alive, __ATOMIC_ACQUIRE) > 1)
		(void)wait_sleep(&w, DEADLINE_NEVER, false);
	wait_end(&w);
}

struct process *pid_ns_reaper_locked(const struct process *p)
{
	const struct pid_ns *n = p->pid_ns;

	while (n->init == p || !n->init)
		n = n->parent;
	return n->init;
}
