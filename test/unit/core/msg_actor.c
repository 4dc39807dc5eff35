/* SPDX-License-Identifier: MIT */
#include "test/unit/core/msg_actor.h"
#include "core/task.h"
#include "test/unit/tap.h"

/* Receive as the direct way does, whose end nobody of it brings. */
static int receive_direct(struct msg *m)
{
	struct port *me = port_self();

	mutex_lock(&msg_lock);
	me->all = PORT_RECEIVING;
	me->direct = (uint64_t)m;
	me->msg = &me->inbox;
	me->buf = NULL;
	me->from = NULL;
	me->partner = NULL;
	me->done = 0;
	mutex_unlock(&msg_lock);
	return msg_end_direct(me);
}

static void *act(void *arg)
{
	struct actor *a = arg;
	struct msg_from from = { &a->to, a->to ? 1 : 0 };

	__atomic_store_n(&a->id, msg_self(), __ATOMIC_RELEASE);
	if (a->op == SEND)
		a->result = msg_send(a->to, &a->m, a->b, a->deadline_ns);
	else if (a->op == CALL)
		a->result = msg_call(a->to, &a->m, a->b, a->deadline_ns);
	else if (a->op == RECEIVE)
		a->result = msg_receive(&from, &a->m, a->b, a->deadline_ns);
	else
		a->result = receive_direct(&a->m);
	while (a->stays && !__atomic_load_n(&a->may_go, __ATOMIC_ACQUIRE))
		sched_yield();
	msg_task_gone(current_task());
	return NULL;
}

void start(struct actor *a)
{
	a->id = 0;
	a->result = 12345;
	pthread_create(&a->thread, NULL, act, a);
	while (!__atomic_load_n(&a->id, __ATOMIC_ACQUIRE))
		sched_yield();
}

int end(struct actor *a)
{
	__atomic_store_n(&a->may_go, true, __ATOMIC_RELEASE);
	pthread_join(a->thread, NULL);
	return a->result;
}

void until(uint32_t id, enum port_state state)
{
	for (bool is = false; !is; sched_yield()) {
		struct port *p;

		mutex_lock(&msg_lock);
		p = port_find_locked(id);
		is = p && p->state == state && !p->done;
		mutex_unlock(&msg_lock);
	}
}

void start_until(struct actor *a, enum port_state state)
{
	start(a);
	until(a->id, state);
}
