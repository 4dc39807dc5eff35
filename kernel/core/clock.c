/* SPDX-License-Identifier: MIT */
/*
 * The clock: a service (core/service.h) whose turns are due at the earliest
 * timer. All it knows is its own: nobody else touches the alarms.
 */
#include "core/clock.h"
#include "abi/native.h"
#include "core/heap.h"
#include "core/msg.h"
#include "core/service.h"
#include "core/timer.h"

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

/* What time it is. */
static bool question(struct msg *m)
{
	if (m->type != MICA_CLOCK_TICKS)
		return false;
	m->type = 0;
	m->word[0] = clock_mono_ns();
	m->word[1] = clock_real_ns();
	m->word[2] = m->word[0] / (NSEC_PER_SEC / MICA_CLOCK_HZ);
	m->word[3] = MICA_CLOCK_HZ;
	for (uint32_t i = 4; i < MSG_WORDS; i++)
		m->word[i] = 0;
	return true;
}

static bool answer(struct service *s, struct msg *m)
{
	struct msg r = { .type = 0 };
	int err = -EINVAL;

	if (question(m))
		return true;
	if (m->type == MICA_CLOCK_ALARM)
		err = set_alarm(m->from, m->word[0], (uint32_t)m->word[1]);
	if (err) {
		r.type = MICA_ERROR;
		r.word[0] = (uint64_t)-err;
	}
	r.from = m->from;
	*m = r;
	return true;
}

static uint64_t run_timers(struct service *s, uint32_t bits)
{
	return timer_run_expired();
}

static struct service clock = {
	.name = "clock", .is_public = true, .turn = run_timers,
	.answer = answer, .question = question,
};

int clock_start(void)
{
	return service_start(&clock);
}

int clock_start_service(void)
{
	return service_open(&clock);
}

void clock_poke(void)
{
	service_notify(&clock, 1);
}
