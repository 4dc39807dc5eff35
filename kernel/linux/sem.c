/* SPDX-License-Identifier: MIT */
/*
 * System V semaphores. Whoever changes a set tries the operations that wait for
 * it, in their order, does those that are possible now, and wakes their callers
 * with the result: the woken have nothing left to do. What SEM_UNDO takes back
 * is kept for each process and set (struct undo), in a list of either.
 * Everything under ipc_lock.
 */
#include <linux/capability.h>
#include <linux/sem.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/timer.h"
#include "fs/textfile.h"
#include "linux/ipc.h"
#include "linux/pid_ns.h"
#include "linux/process.h"
#include "linux/timeout.h"

#define OPS_ON_STACK	4u

struct sem {
	int32_t value, pid;
};

struct set {
	struct ipc_obj o;
	struct list waiting;	/* struct waiting.w.link */
	struct list undos;	/* struct undo.of_set */
	struct sem sems[];
};

struct undo {
	struct list of_set, of_process;
	struct set *set;
	int16_t adjust[];
};

struct waiting {
	struct ipc_wait w;
	struct set *set;
	const struct sembuf *ops;
	uint32_t nr;
	int32_t pid;
	struct undo *undo;	/* NULL: no operation wants it */
	const struct sembuf *blocker;	/* the operation it waits with */
};

static uint64_t total_sems;

static struct set *set_of(struct ipc_obj *o)
{
	return (struct set *)o;
}

/* --- operations --------------------------------------------------------------*/
/* Take back the first n operations of q. */
static void roll_back(struct waiting *q, uint32_t n)
{
	while (n--) {
		const struct sembuf *op = &q->ops[n];

		q->set->sems[op->sem_num].value -= op->sem_op;
		if (op->sem_flg & SEM_UNDO)
			q->undo->adjust[op->sem_num] =
				(int16_t)(q->undo->adjust[op->sem_num] +
					  op->sem_op);
	}
}

/* One operation. Returns 0, -ERANGE, or IPC_WAITING: not now. */
static int try_one(struct waiting *q, const struct sembuf *op)
{
	struct sem *s = &q->set->sems[op->sem_num];
	int32_t value = s->value + op->sem_op, adjust;

	if (value < 0 || (!op->sem_op && s->value))
		return IPC_WAITING;
	if (value > SEMVMX)
		return -ERANGE;
	if (op->sem_flg & SEM_UNDO) {
		adjust = q->undo->adjust[op->sem_num] - op->sem_op;
		if (adjust < -SEMAEM - 1 || adjust > SEMAEM)
			return -ERANGE;
		q->undo->adjust[op->sem_num] = (int16_t)adjust;
	}
	s->value = value;
	return 0;
}

/* All or nothing. Returns 0, -ERANGE, -EAGAIN, or IPC_WAITING. */
static int try_all(struct waiting *q)
{
	int ret = 0;

	for (uint32_t i = 0; i < q->nr; i++) {
		q->blocker = &q->ops[i];
		ret = try_one(q, q->blocker);
		if (!ret)
			continue;
		roll_back(q, i);
		return ret == IPC_WAITING && q->blocker->sem_flg & IPC_NOWAIT ?
		       -EAGAIN : ret;
	}
	for (uint32_t i = 0; i < q->nr; i++)
		q->set->sems[q->ops[i].sem_num].pid = q->pid;
	q->set->o.sem.sem_otime = ipc_now();
	return 0;
}

static bool alters(const struct waiting *q)
{
	for (uint32_t i = 0; i < q->nr; i++)
		if (q->ops[i].sem_op)
			return true;
	return false;
}

/* After a change: whose turn is it? Each success may make others possible. */
static void serve(struct set *s)
{
	bool again;

	do {
		again = false;
		list_for_each_safe(l, &s->waiting) {
			struct waiting *q = list_entry(l, struct waiting,
						       w.link);
			int ret = try_all(q);

			if (ret == IPC_WAITING)
				continue;
			ipc_wake(&q->w, ret);
			again |= !ret && alters(q);
		}
	} while (again);
}

/* --- undoing -------------------------------------------------------------------*/
/* The caller's record for s. NULL: no memory. */
static struct undo *undo_of(struct set *s)
{
	struct process *p = current_process();
	struct undo *u;

	list_for_each(l, &p->sem_undos) {
		u = list_entry(l, struct undo, of_process);
		if (u->set == s)
			return u;
	}
	u = kzalloc(sizeof(*u) + s->o.size * sizeof(*u->adjust));
	if (!u)
		return NULL;
	u->set = s;
	list_append(&s->undos, &u->of_set);
	list_append(&p->sem_undos, &u->of_process);
	return u;
}

static void drop_undo(struct undo *u)
{
	list_remove(&u->of_set);
	list_remove(&u->of_process);
	kfree(u);
}

void sem_exit(struct process *p)
{
	if (list_is_empty(&p->sem_undos))
		return;
	task_wakes_begin();
	mutex_lock(&ipc_lock);
	while (!list_is_empty(&p->sem_undos)) {
		struct undo *u = list_first(&p->sem_undos, struct undo,
					    of_process);
		struct set *s = u->set;

		for (uint64_t i = 0; i < s->o.size; i++) {
			int32_t v = s->sems[i].value + u->adjust[i];

			if (!u->adjust[i])
				continue;
			s->sems[i].value = v < 0 ? 0 : MIN(v, SEMVMX);
			s->sems[i].pid = (int32_t)p->pid;
		}
		s->o.sem.sem_otime = ipc_now();
		drop_undo(u);
		serve(s);
	}
	mutex_unlock(&ipc_lock);
	task_wakes_end();
}

/* --- sets ------------------------------------------------------------------------*/
static int sem_create(uint64_t size, int32_t key, uint32_t flags,
		      struct ipc_obj **out)
{
	struct set *s;

	if (!size)
		return -EINVAL;
	if (total_sems + size > ipc_limits[LIMIT_SEMMNS])
		return -ENOSPC;
	s = kzalloc(sizeof(*s) + size * sizeof(*s->sems));
	if (!s)
		return -ENOMEM;
	s->o.size = s->o.sem.sem_nsems = size;
	list_init(&s->waiting);
	list_init(&s->undos);
	total_sems += size;
	*out = &s->o;
	return 0;
}

static bool sem_remove(struct ipc_obj *o)
{
	struct set *s = set_of(o);

	while (!list_is_empty(&s->undos))
		drop_undo(list_first(&s->undos, struct undo, of_set));
	while (!list_is_empty(&s->waiting))
		ipc_wake(list_first(&s->waiting, struct ipc_wait, link),
			 -EIDRM);
	total_sems -= o->size;
	return true;
}

static void count_set(struct ipc_obj *o, void *arg)
{
	struct seminfo *i = arg;

	i->semusz++;
	i->semaem += (int)o->size;
}

static size_t sem_info(bool used, void *buf)
{
	struct seminfo *i = buf;

	if (used) {
		ipc_for_each(IPC_SEM, count_set, i);
	} else {
		i->semusz = SEMUSZ;
		i->semaem = SEMAEM;
	}
	i->semmni = (int)ipc_limits[LIMIT_SEMMNI];
	i->semmns = i->semmnu = i->semmap = (int)ipc_limits[LIMIT_SEMMNS];
	i->semmsl = (int)ipc_limits[LIMIT_SEMMSL];
	i->semopm = i->semume = (int)ipc_limits[LIMIT_SEMOPM];
	i->semvmx = SEMVMX;
	return sizeof(*i);
}

static void sem_show(struct textbuf *t, const struct ipc_obj *o)
{
	textbuf_printf(t, " %10lu %5u %5u %5u %5u %10ld %10ld\n", o->size,
		       o->perm.uid, o->perm.gid, o->perm.cuid, o->perm.cgid,
		       o->sem.sem_otime, o->sem.sem_ctime);
}

const struct ipc_ops sem_ops = {
	.create = sem_create,
	.remove = sem_remove,
	.info = sem_info,
	.show = sem_show,
};

long sys_semget(uint64_t key, uint64_t nr, uint64_t flags)
{
	if ((int32_t)nr < 0 || (uint32_t)nr > ipc_limits[LIMIT_SEMMSL])
		return -EINVAL;
	return ipc_get(IPC_SEM, key, flags, (uint32_t)nr);
}

/* --- semop ---------------------------------------------------------------------*/
static int start(struct waiting *q, int32_t id)
{
	uint32_t may = alters(q) ? 0222 : 0444;
	bool undo = false;
	struct ipc_obj *o;
	int err = ipc_find(IPC_SEM, id, 0, &o);

	if (err)
		return err;
	for (uint32_t i = 0; i < q->nr; i++) {
		if (q->ops[i].sem_num >= o->size)
			return -EFBIG;
		undo |= q->ops[i].sem_flg & SEM_UNDO;
	}
	err = ipc_find(IPC_SEM, id, may, &o);
	if (err)
		return err;
	q->set = set_of(o);
	q->undo = undo ? undo_of(q->set) : NULL;
	if (undo && !q->undo)
		return -ENOMEM;
	err = try_all(q);
	if (!err && may == 0222)
		serve(q->set);
	return err;
}

static long operate(int32_t id, const struct sembuf *ops, uint32_t nr,
		    uint64_t deadline)
{
	struct waiting q = {
		.ops = ops, .nr = nr, .pid = (int32_t)current_process()->pid,
	};
	int err;

	task_wakes_begin();
	mutex_lock(&ipc_lock);
	err = start(&q, id);
	if (err == IPC_WAITING) {
		list_append(&q.set->waiting, &q.w.link);
		err = ipc_sleep(&q.w, &ipc_lock, deadline);
	}
	mutex_unlock(&ipc_lock);
	task_wakes_end();
	return err == -ETIMEDOUT ? -EAGAIN : err;
}

long sys_semtimedop(uint64_t id, uint64_t user, uint64_t nr, uint64_t timeout)
{
	struct sembuf few[OPS_ON_STACK], *ops = few;
	struct user_timespec t = { 0, 0 };
	uint64_t deadline = DEADLINE_NEVER;
	uint32_t n = (uint32_t)nr;
	long ret = -EFAULT;

	if (timeout && copy_from_user(&t, (void *)timeout, sizeof(t)))
		return -EFAULT;
	if (n > ipc_limits[LIMIT_SEMOPM])
		return -E2BIG;
	if (!n || (int32_t)id < 0)
		return -EINVAL;
	if (n > OPS_ON_STACK)
		ops = kmalloc(n * sizeof(*ops));
	if (!ops)
		return -ENOMEM;
	if (copy_from_user(ops, (void *)user, n * sizeof(*ops)))
		goto out;
	ret = -EINVAL;
	if (!timespec_is_valid(&t))
		goto out;
	if (timeout)
		deadline = deadline_in(timespec_ns(&t));
	ret = operate((int32_t)id, ops, n, deadline);
out:
	if (ops != few)
		kfree(ops);
	return ret;
}

long sys_semop(uint64_t id, uint64_t user, uint64_t nr)
{
	return sys_semtimedop(id, user, nr, 0);
}

/* --- semctl --------------------------------------------------------------------*/
/* Who waits with an operation on semaphore i: for zero, or for more? */
static long count_waiting(const struct set *s, uint32_t i, bool zero)
{
	long n = 0;

	list_for_each(l, &s->waiting) {
		const struct sembuf *op =
			list_entry(l, struct waiting, w.link)->blocker;

		n += op->sem_num == i && !op->sem_op == zero;
	}
	return n;
}

/* Values that are set are not taken back. */
static void set_value(struct set *s, uint64_t i, int32_t value)
{
	s->sems[i].value = value;
	s->sems[i].pid = (int32_t)current_process()->pid;
	list_for_each(l, &s->undos)
		list_entry(l, struct undo, of_set)->adjust[i] = 0;
}

static long one(struct set *s, uint32_t i, uint64_t cmd, int32_t value)
{
	if (i >= s->o.size)
		return -EINVAL;
	switch (cmd) {
	case GETVAL:
		return s->sems[i].value;
	case GETPID:
		return (long)pid_to_user((uint32_t)s->sems[i].pid);
	case GETNCNT:
	case GETZCNT:
		return count_waiting(s, i, cmd == GETZCNT);
	default:
		set_value(s, i, value);
		s->o.sem.sem_ctime = ipc_now();
		serve(s);
		return 0;
	}
}

static long ctl_one(int32_t id, uint32_t i, uint64_t cmd, int32_t value)
{
	struct ipc_obj *o;
	long ret;

	if (cmd == SETVAL && (value < 0 || value > SEMVMX))
		return -ERANGE;
	task_wakes_begin();
	mutex_lock(&ipc_lock);
	ret = ipc_find(IPC_SEM, id, cmd == SETVAL ? 0222 : 0444, &o);
	if (!ret)
		ret = one(set_of(o), i, cmd, value);
	mutex_unlock(&ipc_lock);
	task_wakes_end();
	return ret;
}

/* Between v and the set, which still has n semaphores. */
static long copy_all(int32_t id, bool to_set, uint16_t *v, uint64_t n)
{
	struct ipc_obj *o;
	struct set *s;
	long err = ipc_find(IPC_SEM, id, to_set ? 0222 : 0444, &o);

	if (err)
		return err;
	if (o->size != n)
		return -EIDRM;
	s = set_of(o);
	for (uint64_t i = 0; i < n; i++)
		if (to_set)
			set_value(s, i, v[i]);
		else
			v[i] = (uint16_t)s->sems[i].value;
	if (to_set) {
		o->sem.sem_ctime = ipc_now();
		serve(s);
	}
	return 0;
}

static long ctl_all(int32_t id, bool to_set, uint64_t user)
{
	struct ipc_obj *o;
	uint16_t *v;
	uint64_t n = 0;
	long ret;

	mutex_lock(&ipc_lock);
	ret = ipc_find(IPC_SEM, id, to_set ? 0222 : 0444, &o);
	if (!ret)
		n = o->size;
	mutex_unlock(&ipc_lock);
	if (ret)
		return ret;
	v = kmalloc(n * sizeof(*v));
	if (!v)
		return -ENOMEM;
	if (to_set && copy_from_user(v, (void *)user, n * sizeof(*v)))
		ret = -EFAULT;
	for (uint64_t i = 0; to_set && !ret && i < n; i++)
		if (v[i] > SEMVMX)
			ret = -ERANGE;
	task_wakes_begin();
	mutex_lock(&ipc_lock);
	if (!ret)
		ret = copy_all(id, to_set, v, n);
	mutex_unlock(&ipc_lock);
	task_wakes_end();
	if (!to_set && !ret && copy_to_user((void *)user, v, n * sizeof(*v)))
		ret = -EFAULT;
	kfree(v);
	return ret;
}

long sys_semctl(uint64_t id, uint64_t i, uint64_t cmd, uint64_t arg)
{
	cmd = (uint32_t)cmd;
	if ((int32_t)id < 0)
		return -EINVAL;
	if (cmd == GETALL || cmd == SETALL)
		return ctl_all((int32_t)id, cmd == SETALL, arg);
	if (cmd >= GETPID && cmd <= SETVAL)
		return ctl_one((int32_t)id, (uint32_t)i, cmd, (int32_t)arg);
	return ipc_ctl(IPC_SEM, id, cmd, arg);
}
