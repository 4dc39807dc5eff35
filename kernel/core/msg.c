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
 * A server runs by the best claim to a processor of those who wait for it, in
 * its queue or for its reply (core/pi.h), and takes senders by their claims.
 *
 * Buffers are copied without the lock, since program memory may fault. The
 * sleeper is `claimed` meanwhile: others pass it by, and if its time is over
 * it waits for the end of the copy.
 *
 * Who is woken is noted (`woken`) and woken after the unlock, so that it does
 * not run into the lock. A caller, and a server that replies and receives, do so
 * while they go to sleep, and hand it the processor. Where the platform
 * schedules, most calls go past this file: platform/kvm/message.c. Models:
 * test/models/msg.pml, direct.pml.
 */
#include "core/msg.h"
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/msg_priv.h"
#include "core/panic.h"
#include "core/task.h"
#include "platform/platform.h"

#define AGAIN	1	/* look again: the lock was released */

/* --- the end of a wait --------------------------------------------------------*/
/* p's wait is over. me, the calling task's, wakes it after the unlock; p itself
 * may be gone by then, its task's block is not. */
static void end_locked(struct port *p, int result, struct port *me)
{
	struct task *t = p->task;

	end_loan_locked(p);
	list_remove(&p->link);
	p->state = PORT_IDLE;
	p->partner = NULL;
	p->result = result;
	/* Partner: the load in port_wait. */
	__atomic_store_n(&p->done, 1, __ATOMIC_RELEASE);
	if (unlikely(me->woken != NULL))
		task_unpark(me->woken);
	me->woken = t;
}

static void unlock_and_wake(struct port *me)
{
	struct task *t = me->woken;

	me->woken = NULL;
	mutex_unlock(&msg_lock);
	if (t)
		task_unpark(t);
	/* whoever lent it to me is awake */
	if (unlikely(me->task->pi.lent))
		pi_settle();
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
	uint32_t *bits = &me->task->notified;

	return likely(!__atomic_load_n(bits, __ATOMIC_RELAXED)) ? 0 :
	       __atomic_exchange_n(bits, 0, __ATOMIC_ACQUIRE);
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
	me->all = state;
	me->partner = partner;
	me->claim = 0;
	me->done = 0;
}

static void end_wait_locked(struct port *me)
{
	end_loan_locked(me);
	list_remove(&me->link);
	me->state = PORT_IDLE;
	me->partner = NULL;
}

/* Not done when port_wait woke up; err: why. */
static __attribute__((noinline)) int port_wait_on(struct port *me,
						  uint64_t deadline_ns, int err)
{
	for (;;) {
		bool stay;
		int e;

		mutex_lock(&msg_lock);
		me->is_direct = false;
		if (!me->done && !me->claimed &&
		    (err || has_missed_locked(me))) {
			end_wait_locked(me);
			mutex_unlock(&msg_lock);
			return err ? err : AGAIN;
		}
		stay = err && me->claimed;
		mutex_unlock(&msg_lock);
		/* even if we are done: one that ended our wait meanwhile has
		 * unparked us, or is about to */
		e = task_park(stay ? DEADLINE_NEVER : deadline_ns, !stay);
		err = err ? err : e;
		/* Partner: the store in end_locked. */
		if (__atomic_load_n(&me->done, __ATOMIC_ACQUIRE))
			return me->result;
	}
}

/*
 * Sleep until done. Takes over msg_lock and releases it. Returns the result,
 * -ETIMEDOUT, -EINTR, or AGAIN: there is something to receive.
 */
static inline int port_wait(struct port *me, uint64_t deadline_ns)
{
	struct task *to = me->woken;
	int err;

	if (unlikely(me->task->pi.lent)) {
		unlock_and_wake(me);
		to = NULL;
	} else {
		me->woken = NULL;
		mutex_unlock(&msg_lock);
	}
	err = task_hand_over(to, deadline_ns, true);
	/* Partner: the store in end_locked. */
	if (likely(__atomic_load_n(&me->done, __ATOMIC_ACQUIRE)))
		return me->result;
	return port_wait_on(me, deadline_ns, err);
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
		unlock_and_wake(other == to ? from : to);
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
	return !PLAT_REACHES_SPACES && buf_out_len(b) && b->user &&
	       !me->bounce && !plat_space_is_shared(to->task);
}

/* To `to`, which waits for it. Returns AGAIN, or a result for the sender. */
static int send_now_locked(struct port *me, const struct msg *m,
			   struct msg_buf *b, struct port *to)
{
	struct port *culprit;
	int err = transfer_locked(me, m, b, to, to, &culprit);

	if (!err || culprit == to) {
		end_locked(to, err, me);
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
		unlock_and_wake(me);
		err = msg_copy_prepare(me, b);
		mutex_lock(&msg_lock);
		return err ? err : AGAIN;
	}
	return -EINPROGRESS;
}

/* m: the message, and the room for the reply if one is wanted. */
static int send_message(struct port *me, uint32_t id, struct msg *m,
			struct msg_buf *b, uint64_t deadline_ns, bool is_call)
{
	struct port *to;
	int err;

	mutex_lock(&msg_lock);
	me->msg = m;
	me->buf = b;
	me->is_call = is_call;
	do {
		err = try_send_locked(me, id, m, b, &to);
	} while (err == AGAIN);
	if (!err && is_call) {
		begin_wait_locked(me, PORT_CALLING, to);
		lend_if_urgent_locked(me);
		return port_wait(me, deadline_ns);
	}
	if (err == -EINPROGRESS && deadline_ns) {
		begin_wait_locked(me, PORT_SENDING, to);
		msg_queue_sender_locked(me);
		lend_if_urgent_locked(me);
		return port_wait(me, deadline_ns);
	}
	unlock_and_wake(me);
	return err == -EINPROGRESS ? -EAGAIN : err;
}

/* The end of an operation. */
static inline int rest(struct port *me, int err)
{
	me->from = NULL;
	me->msg = &me->inbox;
	me->buf = NULL;
	me->done = 0;
	return err;
}

static int finish(struct port *me, struct msg_buf *b, int err)
{
	int e;

	rest(me, err);
	if (likely(!me->bounce))
		return err;
	if (err && b)
		b->got = 0;
	e = msg_copy_finish(me, b);
	return err ? err : e;
}

static int send_and_finish(uint32_t to, struct msg *m, struct msg_buf *b,
			   uint64_t deadline_ns, bool is_call)
{
	struct port *me = port_self();

	if (unlikely(!me))
		return -ENOMEM;
	if (b) {
		b->got = 0;
		if (b->out_len > MSG_BUF_MAX)
			return -EMSGSIZE;
	}
	return finish(me, b, send_message(me, to, m, b, deadline_ns, is_call));
}

int msg_send(uint32_t to, const struct msg *m, struct msg_buf *b,
	     uint64_t deadline_ns)
{
	/* only a call's is written to */
	return send_and_finish(to, (struct msg *)m, b, deadline_ns, false);
}

/*
 * The short path: nothing but a message, to p, which waits for it. What
 * transfer_locked and end_locked do, with all that can not be left out.
 */
static inline void hand_message_locked(struct port *me, const struct msg *m,
				       struct port *p)
{
	if (p->buf)
		p->buf->got = 0;
	*p->msg = *m;
	p->msg->from = me->id;
	p->state = PORT_IDLE;
	p->partner = NULL;
	p->result = 0;
	/* Partner: the load in port_wait. */
	__atomic_store_n(&p->done, 1, __ATOMIC_RELEASE);
	me->woken = p->task;
}

int msg_call(uint32_t to, struct msg *m, struct msg_buf *b,
	     uint64_t deadline_ns)
{
	struct port *me = current_task()->port, *p;

	if (unlikely(!me || b))
		return send_and_finish(to, m, b, deadline_ns, true);
	mutex_lock(&msg_lock);
	p = port_find_locked(to);
	if (unlikely(!p || !receives_from_locked(p, me->id) ||
		     port_may_send_locked(me, p))) {
		mutex_unlock(&msg_lock);
		return send_and_finish(to, m, b, deadline_ns, true);
	}
	if (ask_locked(p, m)) {
		mutex_unlock(&msg_lock);
		return 0;
	}
	hand_message_locked(me, m, p);
	me->msg = m;
	me->buf = NULL;
	me->is_call = true;
	begin_wait_locked(me, PORT_CALLING, p);
	lend_if_urgent_locked(me);
	return rest(me, port_wait(me, deadline_ns));
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
		return 0;
	}
	end_locked(s, err, me);
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

/* Takes over msg_lock and releases it. */
static int receive_once_locked(struct port *me, const struct msg_from *from,
			       struct msg *m, struct msg_buf *b,
			       uint64_t deadline_ns)
{
	struct port *only = NULL;
	int err;

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
	unlock_and_wake(me);
	return err == -EINPROGRESS ? -EAGAIN : err;
}

/* Likewise, to the end. */
static int receive_locked(struct port *me, const struct msg_from *from,
			  struct msg *m, struct msg_buf *b,
			  uint64_t deadline_ns)
{
	int err;

	if (b)
		b->got = 0;
	while ((err = receive_once_locked(me, from, m, b, deadline_ns)) ==
	       AGAIN)
		mutex_lock(&msg_lock);
	return finish(me, b, err);
}

int msg_receive(const struct msg_from *from, struct msg *m, struct msg_buf *b,
		uint64_t deadline_ns)
{
	struct port *me = port_self();

	if (unlikely(!me))
		return -ENOMEM;
	mutex_lock(&msg_lock);
	return receive_locked(me, from, m, b, deadline_ns);
}

int msg_end_direct(struct port *me)
{
	int err = me->result;
	uint64_t at;

	if (!__atomic_load_n(&me->done, __ATOMIC_ACQUIRE))
		err = port_wait_on(me, DEADLINE_NEVER,
				   task_has_work() ? -EINTR : 0);
	if (err == AGAIN) {
		mutex_lock(&msg_lock);
		err = receive_locked(me, NULL, &me->inbox, NULL,
				     DEADLINE_NEVER);
	}
	at = me->direct;
	me->direct = 0;
	rest(me, err);
	return err || !at ? err : copy_64_to_user((void *)at, &me->inbox);
}

/* --- replies, death --------------------------------------------*/
static int reply_locked(struct port *me, uint32_t to, const struct msg *m,
			struct msg_buf *b)
{
	struct port *p = port_find_locked(to), *culprit;
	int err;

	if (buf_out_len(b) > MSG_BUF_MAX)
		return -EMSGSIZE;
	if (!p || p->state != PORT_CALLING || p->partner != me || p->claimed)
		return p ? -EINVAL : -ESRCH;
	err = transfer_locked(me, m, b, p, p, &culprit);
	if (err && culprit == me)
		return err;
	end_locked(p, err, me);
	return 0;
}

static inline int reply_message_locked(struct port *me, uint32_t to,
				       const struct msg *m)
{
	struct port *p = port_find_locked(to);

	if (unlikely(!p || p->state != PORT_CALLING || p->partner != me ||
		     p->claimed))
		return p ? -EINVAL : -ESRCH;
	end_loan_locked(p);
	hand_message_locked(me, m, p);
	return 0;
}

int msg_reply(uint32_t to, const struct msg *m, struct msg_buf *b)
{
	struct port *me = port_self();
	int err;

	if (unlikely(!me))
		return -ENOMEM;
	mutex_lock(&msg_lock);
	err = reply_locked(me, to, m, b);
	unlock_and_wake(me);
	return err;
}

int msg_reply_receive(uint32_t to, struct msg *m, struct msg_buf *b,
		      uint64_t deadline_ns)
{
	struct port *me = port_self();
	int err;

	if (unlikely(!me))
		return -ENOMEM;
	mutex_lock(&msg_lock);
	err = b ? reply_locked(me, to, m, b) : reply_message_locked(me, to, m);
	/* whoever has given up is no reason not to serve the others */
	if (likely(!err) || err == -ESRCH || err == -EINVAL) {
		if (b)
			b->out_len = 0;
		return receive_locked(me, NULL, m, b, deadline_ns);
	}
	unlock_and_wake(me);
	return err;
}

static void forget_locked(struct port *p, void *arg)
{
	if (p->partner == arg && !p->done)
		end_locked(p, -ESRCH, arg);
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
	unlock_and_wake(me);
	kfree(me->bounce);
	kfree(me);
}
