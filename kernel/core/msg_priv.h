/* SPDX-License-Identifier: MIT */
/* Between msg.c (rendezvous), msg_port.c (who is there), msg_lend.c (priorities)
 * and msg_copy.c. */
#pragma once
#include "core/lock.h"
#include "core/msg.h"
#include "core/sched.h"
#include "core/task.h"
#include "platform/platform.h"

#define PORT_DIRECT	(1u << 24)	/* is_direct, in `all` */

enum port_state {
	PORT_IDLE,		/* waits for nobody */
	PORT_SENDING,		/* in partner->senders */
	PORT_CALLING,		/* partner has taken it: for the reply */
	PORT_RECEIVING,
};

/* One per task that uses messages. Everything under msg_lock, but: */
struct port {
	/* set once */
	struct task *task;
	uint32_t id;
	/* atomic, set under the lock: what the task waited for has come */
	uint32_t done;

	struct port *next_in_hash;
	union {
		struct {
			uint8_t state;	/* enum port_state */
			bool claimed;	/* somebody copies: it may not leave */
			bool lends;	/* pi.h knows that it waits */
			bool is_direct;	/* asleep in platform/kvm/message.c */
		};
		uint32_t all;	/* to look at, and to set, at once */
	};
	bool is_call;		/* SENDING: wants a reply */
	uint64_t claim;		/* SENDING: its place among the senders */
	int result;		/* with done */
	/* SENDING, CALLING: whom it waits for. RECEIVING: whom alone it
	 * receives from, or NULL. The edge of the waits-for graph. */
	struct port *partner;
	struct list link;	/* SENDING: in partner->senders */
	struct list senders;	/* to me, by claim, equals by arrival */
	/* Of the waiting operation. IDLE: NULL, inbox, NULL; done is 0 and
	 * partner NULL then. */
	const struct msg_from *from;	/* RECEIVING */
	struct msg *msg;
	struct msg_buf *buf;	/* may be NULL */
	/* The direct way: where the program wants the message, and room for it
	 * if that is not there. 0: not this way, or delivered. */
	uint64_t direct;
	struct msg inbox;
	void *bounce;		/* its out bytes, or those that came */
	struct task *woken;	/* only itself: to unpark after the unlock */
	/* whom it may send to, as of that msg_rights_changed; only itself */
	uint32_t granted_to, granted_at;
	uint32_t rights;	/* enum msg_rights */
	bool for_kernel;	/* only itself: the kernel sends, no program */
	bool (*question)(struct msg *m);	/* core/service.h; set once */
	char name[MSG_NAME_MAX];
};

extern struct mutex msg_lock;

struct port *port_create(void);
/* The calling task's. NULL: no memory. */
static inline struct port *port_self(void)
{
	struct port *p = current_task()->port;

	return likely(p != NULL) ? p : port_create();
}
#define PORT_HASH	64u
extern struct port *port_hash[PORT_HASH];	/* under msg_lock */
static inline struct port *port_find_locked(uint32_t id)
{
	struct port *p = port_hash[id % PORT_HASH];

	while (p && p->id != id)
		p = p->next_in_hash;
	return p;
}
extern uint32_t msg_rights_age;	/* atomic */
/* Is it known that `from`, the calling task's, may send to `to`? */
static inline bool port_was_granted(const struct port *from,
				    const struct port *to)
{
	/* Partner: msg_rights_changed. */
	return from->granted_to == to->id && from->granted_at ==
	       __atomic_load_n(&msg_rights_age, __ATOMIC_ACQUIRE);
}
/* Returns 0 or -EPERM. from: the calling task's. */
int port_ask_locked(struct port *from, const struct port *to);
static inline int port_may_send_locked(struct port *from, const struct port *to)
{
	return likely(port_was_granted(from, to)) ? 0 :
	       port_ask_locked(from, to);
}
/*
 * m to p, a service that waits for messages: if it asks what can be said on the
 * spot, m is the answer, and p goes on waiting: its task may wake up meanwhile,
 * but not leave its wait without msg_lock.
 */
static inline bool ask_locked(const struct port *p, struct msg *m)
{
	if (likely(!p->question) || !p->question(m))
		return false;
	m->from = p->id;
	return true;
}

void port_remove_locked(struct port *p);
void port_for_each_locked(void (*fn)(struct port *q, void *arg), void *arg);

/* --- the direct way ----------------------------------------------------------*/
/* me began to wait with `direct` set and was woken, but no message was
 * delivered: wait on, and put what came where the program wants it. Returns 0 or
 * an error. Context: task. */
int msg_end_direct(struct port *me);

/* --- priorities ------------------------------------------------------------*/
/* Into its partner's queue, before those that are worth less. */
void msg_queue_sender_locked(struct port *p);
/*
 * me, which has just begun to wait, is worth more than the others: those that
 * it waits for, perhaps through others, inherit that. Only then does the graph
 * (pi.h) hear of waits for messages, so that most cost nothing.
 */
void msg_lend_locked(struct port *me);
static inline void lend_if_urgent_locked(struct port *me)
{
	const struct task *t = me->task;

	if (unlikely(plat_task_is_urgent(t) || claim_is_urgent(t->pi.lent)))
		msg_lend_locked(me);
}
void msg_end_loan_locked(struct port *p);
static inline void end_loan_locked(struct port *p)
{
	if (unlikely(p->lends))
		msg_end_loan_locked(p);
}

/* --- buffers ---------------------------------------------------------------*/
static inline uint32_t buf_out_len(const struct msg_buf *b)
{
	return b ? b->out_len : 0;
}
static inline uint32_t buf_room(const struct msg_buf *b)
{
	return b ? b->in_len : 0;
}
enum copy_fault { COPY_OK, COPY_FAULT_FROM, COPY_FAULT_TO, COPY_NO_MEMORY };

/*
 * The out bytes of `from` into the room of `to`; the calling task is one of
 * the two, the other sleeps and is claimed. Where the other's memory can not
 * be reached from here the bytes go through its `bounce`.
 * Context: task; without msg_lock.
 */
enum copy_fault msg_copy(struct port *from, struct msg_buf *from_buf,
			 struct port *to, struct msg_buf *to_buf);
/*
 * The calling task is about to wait as a sender to one that can not reach its
 * memory: fetch the out bytes. Returns 0, -EFAULT, -ENOMEM. Context: as above.
 */
int msg_copy_prepare(struct port *me, const struct msg_buf *b);
/* After a wait: put what came into the room. Returns 0 or -EFAULT. */
int msg_copy_finish(struct port *me, struct msg_buf *b);
