/* SPDX-License-Identifier: MIT */
/* The loop of all services, see service.h. */
#include "core/service.h"
#include "core/lock.h"
#include "core/msg_priv.h"
#include "platform/platform.h"

static struct mutex start_lock = MUTEX_INIT;

static void open(struct service *s)
{
	if (s->is_public)
		/* the name of a service is its own; without memory for a port
		 * nobody can call it, but turns go on */
		(void)!msg_set_name(s->name, MSG_PUBLIC);
	else
		msg_self();
	if (current_task()->port)
		current_task()->port->question = s->question;
	__atomic_store_n(&s->is_open, 1, __ATOMIC_RELEASE);
	plat_word_wake(&s->is_open, UINT32_MAX);
}

static void service_main(void *arg)
{
	struct service *s = arg;
	uint32_t bits = UINT32_MAX, caller = 0;
	struct msg m;

	/* Partner: service_notify. From here on nothing is lost; what was
	 * before is there to be seen by the first turn. */
	__atomic_store_n(&s->task, current_task(), __ATOMIC_SEQ_CST);
	open(s);
	for (;;) {
		uint64_t next = s->turn(s, bits);
		int err = caller ? msg_reply_receive(caller, &m, NULL, next) :
				   msg_receive(NULL, &m, NULL, next);

		bits = caller = 0;
		if (!err && !m.from) {
			bits = m.type;
		} else if (!err && s->answer && s->answer(s, &m)) {
			caller = m.from;
		} else if (err == -ENOMEM) {	/* no port */
			task_park(next, true);
			bits = UINT32_MAX;
		}
	}
}

int service_start(struct service *s)
{
	int err = 0;

	/* Partner: the store below. */
	if (__atomic_load_n(&s->is_started, __ATOMIC_ACQUIRE))
		return 0;
	mutex_lock(&start_lock);
	if (!s->is_started)
		err = task_start_system(s->name, service_main, s, NULL);
	if (!err)
		__atomic_store_n(&s->is_started, true, __ATOMIC_RELEASE);
	mutex_unlock(&start_lock);
	return err;
}

int service_open(struct service *s)
{
	int err = service_start(s);

	/* Partner: the store in open. */
	while (!err && !__atomic_load_n(&s->is_open, __ATOMIC_ACQUIRE))
		plat_word_wait(&s->is_open, 0, DEADLINE_NEVER);
	return err;
}

int service_call(struct service *s, struct msg *m, uint64_t deadline_ns)
{
	struct port *me = port_self();
	int err;

	if (!me)
		return -ENOMEM;
	me->for_kernel = true;
	err = msg_call(s->task->id, m, NULL, deadline_ns);
	me->for_kernel = false;
	return err;
}

void service_notify(struct service *s, uint32_t bits)
{
	/* Partner: the store in service_main. */
	struct task *t = __atomic_load_n(&s->task, __ATOMIC_SEQ_CST);

	if (t)
		msg_notify(t, bits);
}
