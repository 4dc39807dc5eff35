/* SPDX-License-Identifier: MIT */
/*
 * Messages: the rendezvous. One lock, msg_lock, guards all ports, so that the
 * waits-for graph is seen whole: `partner` is its only edge, every task has at
 * most one, and one that would close a cycle is refused. So following partners
 * always ends.
 *
 * A task that waits sleeps on its own `done`, which its partner sets last:
 *
 *	waiter				partner
 *	under msg_lock: state, msg
 *	unlock				under msg_lock: finds it, writes into
 *	park until done			msg and buf, done = 1
 *	                                unlock, unpark
 *
 * Unparking is remembered (core/task.h), so it is not lost if it comes before
 * the park. A waiter that gives up does so under msg_lock: either it is done
 * then, or nobody will touch it any more.
 *
 * Buffers are copied without the lock, since program memory may fault. The
 * sleeper is `claimed` meanwhile: others pass it by, and if its time is over
 * it waits for the end of the copy.
 *
 * Wake-ups are held back until the waker itself sleeps or returns, so that the
 * woken does not run into the lock. Model: test/models/msg.pml.
 */
#include "core/msg.h"
#include "core/heap.h"
#include "core/msg_priv.h"
#include "core/panic.h"
#include "core/task.h"
#include "platform/platform.h"

#define AGAIN	1	/* look again: the lock was released */

/* --- the end of a wait --------------------------------------------------------*/
/* p's wait is over. The caller unparks the task that is returned, after the
 * unlock; p itself may be gone by then, its task's block is not. */
static struct task *end_locked(struct port *p, int result)
{
	struct task *t = p->task;

	list_remove(&p->link);
	p->state = PORT_IDLE;
	p->partner = NULL;
	p->result = result;
	/* Partner: the load in port_wait. */
	__atomic_store_n(&p->done, 1, __ATOMIC_RELEASE);
	return t;
}

static void end_and_unlock(struct port *p, int result)
{
	struct task *t = end_locked(p, result);

	mutex_unlock(&msg_lock);
	task_unpark(t);
}

/* --- who waits for whom -------------------------------------------------------*/
/* Does p wait for me, perhaps through others? */
static bool waits_for_locked(const struct port *p, const struct port *me)
{
	while (p && p != me && !p->done)
		p = p->partner;
	return p == me;
}

static bool names(const struct msg_from *from, uint32_t id)
{
	for (uint32_t i = 0; from && i < from->nr; i++)
		if (from->id[i] == id)
			return true;
	return !from || !from->nr;
}

static bool receives_from_locked(const struct port *p, uint32_t id)
{
	return p->state == PORT_RECEIVING && !p->claimed &&
	       names(p->from, id);
}

/* --- waiting ------------------------------------------------------------------*/
static uint32_t take_notified(struct port *me)
{
	return __atomic_exchange_n(&me->task->notified, 0, __ATOMIC_ACQUIRE);
}

static struct port *first_sender_locked(struct port *me,
					const struct msg_from *from)
{
	list_for_each(l, &me->senders) {
		struct port *p = list_entry(l, struct port, link);

		if (!p->claimed && names(from, p->id))
			return p;
	}
	return NULL;
}

/* Is there something to receive, though me waits? A notification, or a sender
 * that came while me was claimed by another, whose copy then failed. */
static bool has_missed_locked(struct port *me)
{
	if (me->state != PORT_RECEIVING)
		return false;
	return (__atomic_load_n(&me->task->notified, __ATOMIC_ACQUIRE) &&
		names(me->from, 0)) || first_sender_locked(me, me->from);
}

static void begin_wait_locked(struct port *me, enum port_state state,
			      struct port *partner)
{
	me->state = state;
	me->partner = partner;
	me->claimed = false;
	me->done = 0;
	if (state == PORT_SENDING)
		list_append(&partner->senders, &me->link);
}

static void end_wait_locked(struct port *me)
{
	list_remove(&me->link);
	me->state = PORT_IDLE;
	me->partner = NULL;
}

/*
 * Sleep until done. Takes over msg_lock and releases it. Returns the result,
 * -ETIMEDOUT, -EINTR, or AGAIN: there is something to receive.
 */
static int port_wait(struct port *me, uint64_t deadline_ns)
{
	int err = 0;

	for (;;) {
		bool stay = err && me->claimed;

		mutex_unlock(&msg_lock);
		/* Partner: the store in end_locked. */
		if (!__atomic_load_n(&me->done, __ATOMIC_ACQUIRE)) {
			int e = task_park(stay ? DEADLINE_NEVER : deadline_ns,
					  !stay);

			err = err ? err : e;
		}
		if (__atomic_load_n(&me->done, __ATOMIC_ACQUIRE))
			return me->result;
		mutex_lock(&msg_lock);
		if (me->done || me->claimed)
			continue;
		if (err || has_missed_locked(me)) {
			end_wait_locked(me);
			mutex_unlock(&msg_lock);
			return err ? err : AGAIN;
		}
	}
}

/* --- copying ------------------------------------------------------------------*/
/*
 * The message and buffer of `from` to `to`; the caller is one of them, `other`
 * the other one. May release the lock for a while, then `other` is claimed.
 * Returns 0; or the error of the side at fault, in *culprit.
 */
static int transfer_locked(struct port *from, const struct msg *m,
			   struct msg_buf *from_buf, struct port *to,
			   struct port *other, struct port **culprit)
{
	enum copy_fault fault;

	*culprit = from;
	if (to->buf)
		to->buf->got = 0;
	if (buf_out_len(from_buf) > buf_room(to->buf))
		return -EMSGSIZE;
	if (buf_out_len(from_buf)) {
		other->claimed = true;
		mutex_unlock(&msg_lock);
		fault = msg_copy(from, from_buf, to, to->buf);
		mutex_lock(&msg_lock);
		other->claimed = false;
		if (fault) {
			/* it may want to leave, or has missed somebody */
			task_unpark(other->task);
			*culprit = fault == COPY_FAULT_TO ? to : from;
			return fault == COPY_NO_MEMORY ? -ENOMEM : -EFAULT;
		}
	}
	*to->msg = *m;
	to->msg->from = from->id;
	return 0;
}

/* --- sending ------------------------------------------------------------------*/
/* Has `to` to be fetched for by the sender itself? */
static bool needs_bounce(const struct port *me, const struct msg_buf *b,
			 const struct port *to)
{
	return buf_out_len(b) && b->user && !me->bounce &&
	       !plat_space_is_shared(to->task);
}

/* To `to`, which waits for it. Returns AGAIN, or a result for the sender. */
static int send_now_locked(struct port *me, const struct msg *m,
			   struct msg_buf *b, struct port *to)
{
	struct port *culprit;
	int err = transfer_locked(me, m, b, to, to, &culprit);

	if (!err || culprit == to) {
		task_unpark(end_locked(to, err));
		return err ? AGAIN : 0;
	}
	return err;
}

/* The sender's part until it has to wait. Returns AGAIN (unlocked in between),
 * -EINPROGRESS (wait as SENDING), or the result. */
static int try_send_locked(struct port *me, uint32_t id, const struct msg *m,
			   struct msg_buf *b, struct port **to)
{
	int err;

	*to = port_find_locked(id);
	if (!*to)
		return -ESRCH;
	err = port_may_send_locked(me, *to);
	if (err)
		return err;
	if (receives_from_locked(*to, me->id))
		return send_now_locked(me, m, b, *to);
	if (waits_for_locked(*to, me))
		return -EDEADLK;
	if (needs_bounce(me, b, *to)) {
		mutex_unlock(&msg_lock);
		err = msg_copy_prepare(me, b);
		mutex_lock(&msg_lock);
		return err ? err : AGAIN;
	}
	return -EINPROGRESS;
}

/* reply: NULL if none is wanted. */
static int send_message(uint32_t id, const struct msg *m, struct msg *reply,
			struct msg_buf *b, uint64_t deadline_ns)
{
	struct port *me = port_self(), *to;
	struct msg copy = *m;
	int err;

	if (!me)
		return -ENOMEM;
	if (buf_out_len(b) > MSG_BUF_MAX)
		return -EMSGSIZE;
	copy.from = me->id;
	mutex_lock(&msg_lock);
	me->buf = b;
	do {
		err = try_send_locked(me, id, &copy, b, &to);
	} while (err == AGAIN);
	me->is_call = reply != NULL;
	if (!err && reply) {
		me->msg = reply;
		begin_wait_locked(me, PORT_CALLING, to);
		list_append(&to->callers, &me->link);
		err = port_wait(me, deadline_ns);
	} else if (err == -EINPROGRESS && deadline_ns) {
		me->msg = reply ? reply : &copy;
		if (reply)
			*reply = copy;
		begin_wait_locked(me, PORT_SENDING, to);
		err = port_wait(me, deadline_ns);
	} else {
		mutex_unlock(&msg_lock);
		err = err == -EINPROGRESS ? -EAGAIN : err;
	}
	return err;
}

static int finish(struct msg_buf *b, int err)
{
	struct port *me = port_self();
	int e;

	if (!me || !me->bounce)
		return err;
	if (err && b)
		b->got = 0;
	e = msg_copy_finish(me, b);
	return err ? err : e;
}

int msg_send(uint32_t to, const struct msg *m, struct msg_buf *b,
	     uint64_t deadline_ns)
{
	int err;

	if (b)
		b->got = 0;
	task_wakes_begin();
	err = finish(b, send_message(to, m, NULL, b, deadline_ns));
	task_wakes_end();
	return err;
}

int msg_call(uint32_t to, struct msg *m, struct msg_buf *b,
	     uint64_t deadline_ns)
{
	int err;

	if (b)
		b->got = 0;
	task_wakes_begin();
	err = finish(b, send_message(to, m, m, b, deadline_ns));
	task_wakes_end();
	return err;
}

/* --- receiving ----------------------------------------------------------------*/
/* From s, which waits. Returns 0, AGAIN, or an error of the receiver. */
static int take_locked(struct port *me, struct port *s)
{
	struct port *culprit;
	int err = transfer_locked(s, s->msg, s->buf, me, s, &culprit);

	if (err && culprit == me)
		return err;
	if (!err && s->is_call) {
		list_remove(&s->link);
		s->state = PORT_CALLING;
		list_append(&me->callers, &s->link);
		return 0;
	}
	task_unpark(end_locked(s, err));
	return err ? AGAIN : 0;
}

/* What is there already. Returns 0, AGAIN, -EINPROGRESS (wait), or an error. */
static int try_receive_locked(struct port *me, const struct msg_from *from,
			      struct port **only)
{
	struct port *s;
	uint32_t bits = names(from, 0) ? take_notified(me) : 0;

	if (bits) {
		*me->msg = (struct msg){ .type = bits };
		return 0;
	}
	s = first_sender_locked(me, from);
	if (s)
		return take_locked(me, s);
	*only = NULL;
	if (from && from->nr == 1 && from->id[0]) {
		*only = port_find_locked(from->id[0]);
		if (!*only)
			return -ESRCH;
		if (waits_for_locked(*only, me))
			return -EDEADLK;
	}
	return -EINPROGRESS;
}

static int receive_once(struct port *me, const struct msg_from *from,
			struct msg *m, struct msg_buf *b, uint64_t deadline_ns)
{
	struct port *only = NULL;
	int err;

	mutex_lock(&msg_lock);
	me->msg = m;
	me->buf = b;
	me->from = from;
	do {
		err = try_receive_locked(me, from, &only);
	} while (err == AGAIN);
	if (err == -EINPROGRESS && deadline_ns) {
		begin_wait_locked(me, PORT_RECEIVING, only);
		return port_wait(me, deadline_ns);
	}
	mutex_unlock(&msg_lock);
	return err == -EINPROGRESS ? -EAGAIN : err;
}

int msg_receive(const struct msg_from *from, struct msg *m, struct msg_buf *b,
		uint64_t deadline_ns)
{
	struct port *me = port_self();
	int err;

	if (!me)
		return -ENOMEM;
	if (b)
		b->got = 0;
	task_wakes_begin();
	do {
		err = receive_once(me, from, m, b, deadline_ns);
	} while (err == AGAIN);
	err = finish(b, err);
	task_wakes_end();
	return err;
}

int msg_reply_receive(uint32_t to, struct msg *m, struct msg_buf *b,
		      uint64_t deadline_ns)
{
	int err;

	task_wakes_begin();
	err = msg_reply(to, m, b);
	/* whoever has given up is no reason not to serve the others */
	if (!err || err == -ESRCH || err == -EINVAL) {
		if (b)
			b->out_len = 0;
		err = msg_receive(NULL, m, b, deadline_ns);
	}
	task_wakes_end();
	return err;
}

/* --- replies, notifications, death --------------------------------------------*/
int msg_reply(uint32_t to, const struct msg *m, struct msg_buf *b)
{
	struct port *me = port_self(), *p, *culprit;
	int err;

	if (!me)
		return -ENOMEM;
	if (buf_out_len(b) > MSG_BUF_MAX)
		return -EMSGSIZE;
	mutex_lock(&msg_lock);
	p = port_find_locked(to);
	if (!p || p->state != PORT_CALLING || p->partner != me || p->claimed) {
		mutex_unlock(&msg_lock);
		return p ? -EINVAL : -ESRCH;
	}
	err = transfer_locked(me, m, b, p, p, &culprit);
	if (err && culprit == me) {
		mutex_unlock(&msg_lock);
		return err;
	}
	end_and_unlock(p, err);
	return 0;
}

void msg_notify(struct task *t, uint32_t bits)
{
	/* Partner: the exchange in take_notified; the receiver looks at the
	 * bits after it has become RECEIVING, and again after each park. */
	__atomic_fetch_or(&t->notified, bits, __ATOMIC_RELEASE);
	task_unpark(t);
}

int msg_notify_id(uint32_t to, uint32_t bits)
{
	struct port *me = port_self(), *p;
	int err;

	if (!me)
		return -ENOMEM;
	mutex_lock(&msg_lock);
	p = port_find_locked(to);
	err = p ? port_may_send_locked(me, p) : -ESRCH;
	if (!err)
		msg_notify(p->task, bits);
	mutex_unlock(&msg_lock);
	return err;
}

static void forget_locked(struct port *p, void *arg)
{
	if (p->partner == arg && !p->done)
		task_unpark(end_locked(p, -ESRCH));
}

void msg_task_gone(struct task *t)
{
	struct port *me = t->port;

	if (!me)
		return;
	mutex_lock(&msg_lock);
	assert(me->state == PORT_IDLE && !me->claimed);
	port_for_each_locked(forget_locked, me);
	port_remove_locked(me);
	mutex_unlock(&msg_lock);
	kfree(me->bounce);
	kfree(me);
}
