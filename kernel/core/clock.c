/* SPDX-License-Identifier: MIT */
/*
 * The clock: a system task that sleeps until the earliest timer, or until a
 * message. All it knows is its own: nobody else touches the alarms.
 */
#include "core/clock.h"
#include "abi/native.h"
#include "core/heap.h"
#include "core/lock.h"
#include "core/msg.h"
#include "core/task.h"
#include "core/timer.h"
#include "platform/platform.h"

#define NR_ALARMS_MAX	1024u

/* Of one task that asked for it. */
struct alarm {
	struct timer timer;
	struct list link;
	uint32_t id, bits;
};

/* only the clock itself */
static struct list alarms = LIST_INIT(alarms);
static uint32_t nr_alarms;

static struct mutex start_lock = MUTEX_INIT;
static struct task *clock;	/* set once, under start_lock; atomic */
static uint32_t has_name;	/* set once; word */

static void drop_alarm(struct alarm *a)
{
	list_remove(&a->link);
	nr_alarms--;
	kfree(a);
}

static void ring(struct timer *t)
{
	struct alarm *a = container_of(t, struct alarm, timer);

	/* whoever has ended meanwhile is not found: no harm */
	if (msg_notify_id(a->id, a->bits))
		a->bits = 0;
	drop_alarm(a);
}

static struct alarm *find_alarm(uint32_t id)
{
	list_for_each(p, &alarms) {
		struct alarm *a = list_entry(p, struct alarm, link);

		if (a->id == id)
			return a;
	}
	return NULL;
}

/* Those of tasks that have ended. */
static void sweep_alarms(void)
{
	list_for_each_safe(p, &alarms) {
		struct alarm *a = list_entry(p, struct alarm, link);

		if (msg_notify_id(a->id, 0) == -ESRCH) {
			timer_cancel(&a->timer);
			drop_alarm(a);
		}
	}
}

static int set_alarm(uint32_t id, uint64_t deadline_ns, uint32_t bits)
{
	struct alarm *a = find_alarm(id);

	if (a)
		timer_cancel(&a->timer);
	if (!bits) {
		if (a)
			drop_alarm(a);
		return 0;
	}
	if (!a) {
		if (nr_alarms >= NR_ALARMS_MAX)
			sweep_alarms();
		a = nr_alarms < NR_ALARMS_MAX ? kzalloc(sizeof(*a)) : NULL;
		if (!a)
			return -ENOMEM;
		a->id = id;
		timer_init(&a->timer, ring);
		list_append(&alarms, &a->link);
		nr_alarms++;
	}
	a->bits = bits;
	return timer_set(&a->timer, deadline_ns);
}

static void answer(struct msg *m)
{
	struct msg r = { .type = 0 };
	int err = 0;

	switch (m->type) {
	case MICA_CLOCK_TICKS:
		r.word[0] = clock_mono_ns();
		r.word[1] = clock_real_ns();
		r.word[2] = r.word[0] / (NSEC_PER_SEC / MICA_CLOCK_HZ);
		r.word[3] = MICA_CLOCK_HZ;
		break;
	case MICA_CLOCK_ALARM:
		err = set_alarm(m->from, m->word[0], (uint32_t)m->word[1]);
		break;
	default:
		err = -EINVAL;
	}
	if (err) {
		r.type = MICA_ERROR;
		r.word[0] = (uint64_t)-err;
	}
	/* a mere sender, or one that is gone: nobody waits for the answer */
	err = msg_reply(m->from, &r, NULL);
}

static void clock_main(void *arg)
{
	struct msg m;
	int err = msg_set_name("clock", MSG_PUBLIC);

	__atomic_store_n(&has_name, 1, __ATOMIC_RELEASE);
	plat_word_wake(&has_name, UINT32_MAX);
	for (;;) {
		uint64_t next = timer_run_expired();

		if (!next)
			continue;
		err = msg_receive(NULL, &m, NULL, next);
		if (!err && m.from)
			answer(&m);
		else if (err == -ENOMEM)	/* no port: only timers */
			task_park(next, false);
	}
}

int clock_start(void)
{
	struct task *t = NULL;
	int err = 0;

	if (__atomic_load_n(&clock, __ATOMIC_ACQUIRE))
		return 0;
	mutex_lock(&start_lock);
	if (!clock) {
		err = task_start_system("clock", clock_main, NULL, &t);
		if (!err)
			__atomic_store_n(&clock, t, __ATOMIC_RELEASE);
	}
	mutex_unlock(&start_lock);
	return err;
}

int clock_start_service(void)
{
	int err = clock_start();

	while (!err && !__atomic_load_n(&has_name, __ATOMIC_ACQUIRE))
		plat_word_wait(&has_name, 0, DEADLINE_NEVER);
	return err;
}

void clock_poke(void)
{
	struct task *t = __atomic_load_n(&clock, __ATOMIC_ACQUIRE);

	if (t)
		msg_notify(t, 1);
}
