/* SPDX-License-Identifier: MIT */
/*
 * System V message queues: the calls, above msgq.c. Everything under ipc_lock
 * but the copies of messages from and to the program.
 */
#include <linux/capability.h>
#include <linux/msg.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/timer.h"
#include "fs/textfile.h"
#include "lib/string.h"
#include "linux/ipc.h"
#include "linux/msgq.h"
#include "linux/pid_ns.h"
#include "linux/process.h"

struct queue {
	struct ipc_obj o;
	struct msgq q;
};

static struct queue *queue_of(struct ipc_obj *o)
{
	return (struct queue *)o;
}

/* What IPC_STAT shows follows the queue. pid 0: the other side did nothing. */
static void update(struct queue *q, int32_t sender, int32_t receiver)
{
	struct msqid64_ds *ds = &q->o.msg;

	ds->msg_cbytes = q->q.bytes;
	ds->msg_qnum = q->q.nr;
	if (sender) {
		ds->msg_lspid = sender;
		ds->msg_stime = ipc_now();
	}
	if (receiver) {
		ds->msg_lrpid = receiver;
		ds->msg_rtime = ipc_now();
	}
}

/* --- queues --------------------------------------------------------------------*/
static int msg_create(uint64_t size, int32_t key, uint32_t flags,
		      struct ipc_obj **out)
{
	struct queue *q = kzalloc(sizeof(*q));

	if (!q)
		return -ENOMEM;
	msgq_init(&q->q);
	q->o.msg.msg_qbytes = ipc_limits[LIMIT_MSGMNB];
	q->q.max_nr = q->q.max_bytes = q->o.msg.msg_qbytes;
	*out = &q->o;
	return 0;
}

static bool msg_remove(struct ipc_obj *o)
{
	msgq_fini(&queue_of(o)->q, -EIDRM);
	return true;
}

static int msg_set(struct ipc_obj *o, const struct ipc_obj *want)
{
	struct queue *q = queue_of(o);

	if (want->msg.msg_qbytes > ipc_limits[LIMIT_MSGMNB] &&
	    !cred_has_cap(current_thread()->cred, CAP_SYS_RESOURCE))
		return -EPERM;
	o->msg.msg_qbytes = want->msg.msg_qbytes;
	q->q.max_nr = q->q.max_bytes = o->msg.msg_qbytes;
	update(q, msgq_admit(&q->q), 0);
	return 0;
}

static void count_queue(struct ipc_obj *o, void *arg)
{
	struct msginfo *i = arg;

	i->msgpool++;
	i->msgmap += (int)o->msg.msg_qnum;
	i->msgtql += (int)o->msg.msg_cbytes;
}

static size_t msg_info(bool used, void *buf)
{
	struct msginfo *i = buf;

	if (used) {
		ipc_for_each(IPC_MSG, count_queue, i);
	} else {
		i->msgpool = MSGPOOL;
		i->msgmap = MSGMAP;
		i->msgtql = MSGTQL;
	}
	i->msgmax = (int)ipc_limits[LIMIT_MSGMAX];
	i->msgmnb = (int)ipc_limits[LIMIT_MSGMNB];
	i->msgmni = (int)ipc_limits[LIMIT_MSGMNI];
	i->msgssz = MSGSSZ;
	i->msgseg = (unsigned short)MSGSEG;
	return sizeof(*i);
}

static void msg_show(struct textbuf *t, const struct ipc_obj *o)
{
	textbuf_printf(t, "  %10lu %10lu %5u %5u %5u %5u %5u %5u %10ld %10ld "
		       "%10ld\n", o->msg.msg_cbytes, o->msg.msg_qnum,
		       pid_to_user((uint32_t)o->msg.msg_lspid),
		       pid_to_user((uint32_t)o->msg.msg_lrpid), o->perm.uid,
		       o->perm.gid, o->perm.cuid, o->perm.cgid,
		       o->msg.msg_stime, o->msg.msg_rtime, o->msg.msg_ctime);
}

const struct ipc_ops msg_ops = {
	.create = msg_create,
	.remove = msg_remove,
	.set = msg_set,
	.info = msg_info,
	.show = msg_show,
};

long sys_msgget(uint64_t key, uint64_t flags)
{
	return ipc_get(IPC_MSG, key, flags, 0);
}

long sys_msgctl(uint64_t id, uint64_t cmd, uint64_t user)
{
	return ipc_ctl(IPC_MSG, id, cmd, user);
}

/* --- sending -------------------------------------------------------------------*/
static int send(int32_t id, struct msg_wait *w, bool nowait)
{
	struct ipc_obj *o;
	struct queue *q;
	int err = ipc_find(IPC_MSG, id, 0222, &o);

	if (err)
		return err;
	q = queue_of(o);
	if (msgq_has_room(&q->q, w->msg->len)) {
		update(q, w->pid, msgq_put(&q->q, w->msg));
		return 0;
	}
	if (nowait)
		return -EAGAIN;
	list_append(&q->q.senders, &w->w.link);
	return ipc_sleep(&w->w, &ipc_lock, DEADLINE_NEVER);
}

long sys_msgsnd(uint64_t id, uint64_t user, uint64_t len, uint64_t flags)
{
	struct msg_wait w = { .pid = (int32_t)current_process()->pid };
	uint64_t type;
	long ret;

	if (copy_from_user(&type, (void *)user, sizeof(type)))
		return -EFAULT;
	if (len > ipc_limits[LIMIT_MSGMAX] || (int32_t)id < 0 ||
	    (int64_t)type < 1)
		return -EINVAL;
	ret = msg_load(user + sizeof(type), len, &w.msg);
	if (ret)
		return ret;
	w.msg->type = (int64_t)type;
	task_wakes_begin();
	mutex_lock(&ipc_lock);
	ret = send((int32_t)id, &w, flags & IPC_NOWAIT);
	mutex_unlock(&ipc_lock);
	task_wakes_end();
	if (ret)
		kfree(w.msg);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

/* --- receiving -----------------------------------------------------------------*/
static int check_receive(struct msg_wait *w, int64_t type, uint64_t flags)
{
	w->type = type;
	w->match = MATCH_EQUAL;
	if (flags & MSG_COPY) {
		w->match = MATCH_NUMBER;
		return flags & MSG_EXCEPT || !(flags & IPC_NOWAIT) ? -EINVAL :
								     0;
	}
	if (!type) {
		w->match = MATCH_ANY;
	} else if (type < 0) {
		w->match = MATCH_LOWEST;
		w->type = type == INT64_MIN ? INT64_MAX : -type;
	} else if (flags & MSG_EXCEPT) {
		w->match = MATCH_OTHER;
	}
	return 0;
}

/* Without taking it out. */
static int copy_message(struct msg_wait *w, const struct msg *m)
{
	size_t n = sizeof(*m) + m->len;

	w->msg = kmalloc(n);
	if (!w->msg)
		return -ENOMEM;
	memcpy(w->msg, m, n);
	return 0;
}

static int receive(int32_t id, struct msg_wait *w, bool nowait)
{
	struct ipc_obj *o;
	struct queue *q;
	struct msg *m;
	int err = ipc_find(IPC_MSG, id, 0444, &o);

	if (err)
		return err;
	q = queue_of(o);
	m = msgq_find(&q->q, w);
	if (m && m->len > w->max && !w->cut)
		return -E2BIG;
	if (m && w->match == MATCH_NUMBER)
		return copy_message(w, m);
	if (m) {
		w->msg = m;
		update(q, msgq_take(&q->q, m), w->pid);
		return 0;
	}
	if (nowait)
		return -ENOMSG;
	list_append(&q->q.receivers, &w->w.link);
	return ipc_sleep(&w->w, &ipc_lock, DEADLINE_NEVER);
}

long sys_msgrcv(uint64_t id, uint64_t user, uint64_t max, uint64_t type,
		uint64_t flags)
{
	struct msg_wait w = {
		.pid = (int32_t)current_process()->pid, .max = max,
		.cut = flags & MSG_NOERROR,
	};
	size_t n;
	long ret;

	if ((int32_t)id < 0 || (int64_t)max < 0)
		return -EINVAL;
	ret = check_receive(&w, (int64_t)type, flags);
	if (ret)
		return ret;
	task_wakes_begin();
	mutex_lock(&ipc_lock);
	ret = receive((int32_t)id, &w, flags & IPC_NOWAIT);
	mutex_unlock(&ipc_lock);
	task_wakes_end();
	if (ret)
		return ret == -EINTR ? -ERESTARTNOHAND : ret;
	n = MIN(w.msg->len, max);
	if (user_store64((uint64_t *)user, (uint64_t)w.msg->type) ||
	    copy_to_user((char *)user + sizeof(int64_t), w.msg->data, n))
		ret = -EFAULT;
	kfree(w.msg);
	return ret ? ret : (long)n;
}
