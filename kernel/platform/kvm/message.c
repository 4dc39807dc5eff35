/* SPDX-License-Identifier: MIT */
/*
 * The direct way of messages: a program's call, or reply and receive, without a
 * buffer, to a program that waits for it and can have this processor at once.
 * It does what core/msg.c, task_hand_over and the scheduler would do, in one
 * piece and with interrupts off; in every other case it does nothing, and they
 * do it.
 *
 * The message is copied once, from program to program, through the vector
 * registers: the sender's own are saved by then and the receiver's not loaded
 * yet. Where the receiver's page is not there it goes to the receiver's inbox.
 *
 * All that may fail comes before the first visible change:
 *
 *	1  under msg_lock: may this be sent to p, and does p wait for it?
 *	2  fetch the message
 *	3  catch p's task: it stays asleep until we switch to it
 *	4  SLEEPING, and the park word says so (see park.c)
 *	5  p is done, we wait; unlock
 *	6  switch
 *
 * After 4 others may wake us; they wait until we have left the processor. Those
 * who end our wait without this file write into the inbox (port.msg).
 */
#include "platform/platform.h"
#include "abi/native.h"
#include "arch/irqflags.h"
#include "core/msg_priv.h"
#include "platform/kvm/hand_over.h"
#include "platform/kvm/park.h"
#include "platform/kvm/sched_priv.h"
#include "platform/kvm/switch.h"
#include "platform/kvm/user_message.h"

/* The states of the two, from the operation. */
_Static_assert(MICA_OP_CALL >> 1 == PORT_CALLING &&
	       MICA_OP_REPLY_RECEIVE >> 1 == PORT_RECEIVING &&
	       (MICA_OP_CALL ^ MICA_OP_REPLY_RECEIVE) == 2 &&
	       (PORT_CALLING ^ PORT_RECEIVING) == 1, "message_direct");

long message_direct(uint64_t op, uint64_t to, uint64_t m, uint64_t buf,
		    uint64_t timeout_ns);	/* entry.S */

void plat_watch_calls(void)
{
	user_message_closed = 1;
}

static inline bool is_ready(const struct cpu *c, const struct task *t,
			    uint64_t m, uint64_t other)
{
	_Static_assert(offsetof(struct cpu, need_resched) ==
		       offsetof(struct cpu, preempt_off) + 4, "both at once");

	other |= user_message_closed | t->pi.lent | *(const uint64_t *)&c->preempt_off |
		 t->arch.work;
	return likely(!other) && likely(t->port != NULL) &&
	       likely((int64_t)m > 0);
}

/* p sleeps elsewhere, in a receive or call of its own, but without a buffer. */
static __attribute__((noinline)) bool can_take(const struct port *p,
					       uint32_t all)
{
	return p->all == (all & ~PORT_DIRECT) && !p->buf &&
	       !(p->from && p->from->nr) && p->task->kind == TASK_USER;
}

/* Step 1. all: what p's has to be. */
static inline bool is_allowed(const struct task *t, const struct port *me,
			      const struct port *p, uint32_t all, bool is_call)
{
	if (unlikely(p->all != all) && !can_take(p, all))
		return false;
	if (is_call)
		return likely(port_was_granted(me, p));
	return likely(p->partner == me) &&
	       likely(list_is_empty(&me->senders)) &&
	       likely(!t->notified);
}

/* Steps 2 to 4. False: nothing has happened. */
static inline bool prepare(struct cpu *c, struct task *t, struct task *to,
			   uint64_t m)
{
	if (unlikely(!runq_can_give_place(&c->runq, t, to, &c->id)) ||
	    unlikely(!user_message_take(t, m)))
		return false;
	if (likely(sched_catch(to))) {
		if (likely(park_begin(t)))
			return true;
		sched_put_caught(to);
	}
	user_message_drop(t);
	return false;
}

/* Step 5, of both sides. */
static inline void commit(struct port *me, struct port *p, uint64_t m,
			  uint32_t all, bool is_call)
{
	p->all = PORT_IDLE;
	if (is_call)
		me->partner = p;
	else
		p->partner = NULL;
	me->all = all;
	me->direct = m;
}

/* Not here but in core/msg.c: who sleeps there looks at this. */
static inline void commit_elsewhere(struct port *p)
{
	p->result = 0;
	/* Partner: the load in port_wait. */
	__atomic_store_n(&p->done, 1, __ATOMIC_RELEASE);
}

/* To p, whose address space it is by now. Who sleeps here sees by `direct` that
 * it is delivered. at: there, or room in the kernel of one who sleeps elsewhere. */
static inline void deliver(struct port *p, uint64_t at)
{
	if (likely(user_message_give(at))) {
		p->direct = 0;
		return;
	}
	user_message_keep(&p->inbox);
	commit_elsewhere(p);
}

/*
 * As switch_stacks, which may be how we come back, to `resumed`. Whoever sleeps
 * here as well (is_here) needs nothing of what that takes from its stack: nothing
 * is live but the frame, found by rbp.
 */
#define SWITCH(from, to, is_here)					\
	__asm__ volatile goto("lea %l[resumed](%%rip), %%rax\n\t"	\
		"push %%rax\n\tpush %%rbp\n\tsub $40, %%rsp\n\t"	\
		"mov %%rsp, %c3(%%rdi)\n\tmov %c3(%%rsi), %%rsp\n\t"	\
		"test %%edx, %%edx\n\tjz 1f\n\t"			\
		"mov 40(%%rsp), %%rbp\n\tadd $56, %%rsp\n\t"		\
		".pushsection .text.unlikely, \"ax\"\n"			\
		"1:\tpop %%r15\n\tpop %%r14\n\tpop %%r13\n\t"		\
		"pop %%r12\n\tpop %%rbx\n\tpop %%rbp\n\tret\n\t"	\
		".popsection"						\
		: "+D"(from), "+S"(to), "+d"(is_here)			\
		: "i"(offsetof(struct task, arch.plat.sp))		\
		: "rax", "rcx", "rbx", "r8", "r9", "r10",		\
		  "r11", "r12", "r13", "r14", "r15",			\
		  "cc", "memory" : resumed)

static inline __attribute__((always_inline)) void
change(struct cpu *c, struct task *t, struct task *to)
{
	struct space *from_space = t->arch.plat.space;
	struct space *space = to->arch.plat.space;

	if (!from_space || !space)
		__builtin_unreachable();	/* both are programs */
	runq_give_place(t, to);
	sched_count_time_in(c, t, from_space);
	c->is_handed = true;
	switch_begin(c, t, to);
	if (space == from_space)
		return;
	group_change(t, to);
	space_change(c, space, from_space);
}

static __attribute__((noinline)) long end_elsewhere(struct port *me)
{
	long err;

	irq_enable();
	err = msg_end_direct(me);
	irq_disable();
	return err;
}

/* From entry.S. Returns 1: nothing has happened; else the result. Keeps no
 * register (mk/kernel.mk). */
__attribute__((noinline, noclone)) long
message_direct(uint64_t op, uint64_t id, uint64_t m, uint64_t buf,
	       uint64_t timeout_ns)
{
	struct cpu *c = this_cpu();
	struct task *t = c->current, *to;
	struct port *me = t->port, *p;
	uint32_t all = (uint32_t)op >> 1 | PORT_DIRECT, is_here;
	uint64_t at;
	bool is_call = op == MICA_OP_CALL;

	if (!is_ready(c, t, m, buf | ~timeout_ns) ||
	    unlikely((op & ~2ull) != MICA_OP_CALL) ||
	    unlikely(!mutex_try_lock_by(&msg_lock, t)))
		return 1;
	p = port_find_locked((uint32_t)id);
	if (unlikely(!p))
		goto out;
	to = p->task;
	if (unlikely(!is_allowed(t, me, p, all ^ 1, is_call)) ||
	    unlikely(!prepare(c, t, to, m)))
		goto out;
	is_here = p->is_direct;
	at = p->direct;
	commit(me, p, m, all, is_call);
	if (unlikely(!is_here)) {
		commit_elsewhere(p);
		at = at ? at : (uint64_t)p->msg;
	}
	mutex_unlock_by(&msg_lock, t);
	change(c, t, to);
	deliver(p, at);
	user_message_end(c, to);
	SWITCH(t, to, is_here);
resumed:
	/* perhaps on another CPU */
	c = this_cpu();
	t = c->current;
	if (unlikely(!sched_finish_handed(c)))
		sched_finish_switch();
	__atomic_exchange_n(&t->wake, WAKE_NONE, __ATOMIC_SEQ_CST);
	me = t->port;
	return likely(!me->direct) ? 0 : end_elsewhere(me);
out:
	mutex_unlock_by(&msg_lock, t);
	return 1;
}
