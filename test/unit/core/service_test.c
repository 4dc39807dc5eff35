/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of services: first turns, notifications joined, turns that are due,
 * answers at once and later, questions, names, starts that fail, no memory for a port; and
 * a stress run in which no notification may be lost. Services are host threads
 * (test/unit/fs/fake.c), which end with the program. Prints TAP.
 */
#include "core/service.h"
#include "arch/uaccess.h"
#include "core/msg_priv.h"
#include "core/heap.h"
#include "fs/fake.h"
#include "platform/platform.h"

int clock_gettime(int clock, int64_t *ts);

#define MS		1000000ull
#define PAST		1ull	/* a deadline that is over */
#define NR_NOTIFIERS	3u
#define NR_ROUNDS	20000u

static uint64_t now_ns(void)
{
	int64_t ts[2];

	clock_gettime(1, ts);
	return (uint64_t)ts[0] * NSEC_PER_SEC + (uint64_t)ts[1];
}

/* --- what services stand on -----------------------------------------------------*/
static int start_fails;
static uint32_t nr_started;
static void (*entry_of_new)(void *);

static void *run(void *arg)
{
	entry_of_new(arg);
	return NULL;
}

int task_start_system(const char *name, void (*entry)(void *), void *arg,
		      struct task **out)
{
	unsigned long t;

	if (start_fails)
		return start_fails;
	nr_started++;
	entry_of_new = entry;
	return pthread_create(&t, NULL, run, arg) ? -ENOMEM : 0;
}

bool plat_space_is_shared(const struct task *t)
{
	return true;
}

bool plat_task_is_urgent(const struct task *t)
{
	return false;
}

int pi_wait(struct task *t, struct task *to)
{
	return 0;
}

void pi_settle(void)
{
}

int copy_from_user(void *dst, const void *src, size_t n)
{
	return -EFAULT;
}

int copy_64_to_user(void *dst, const void *src)
{
	return -EFAULT;
}

bool task_has_work(void)
{
	return false;
}

int copy_to_user(void *dst, const void *src, size_t n)
{
	return -EFAULT;
}

/* --- one that says what it sees ---------------------------------------------------*/
struct probe {
	struct service service;
	uint32_t seen, nr_turns;	/* atomic */
	uint64_t due_ns;		/* atomic; what a turn returns, once */
	uint32_t later;			/* who waits for an answer, or 0 */
	bool poor;			/* its first receive finds no memory */
	uint32_t busy, nr_questions;	/* atomic */
	uint32_t state[NR_NOTIFIERS], read[NR_NOTIFIERS];	/* atomic */
};

static uint64_t probe_turn(struct service *s, uint32_t bits)
{
	struct probe *p = container_of(s, struct probe, service);
	struct msg m = { .type = 77 };

	if (p->later && bits & 8) {
		CHECK_EQ(msg_reply(p->later, &m, NULL), 0);
		p->later = 0;
	}
	if (p->poor && p->nr_turns == 0)
		heap_fail_after(1);
	for (uint32_t i = 0; i < NR_NOTIFIERS; i++)
		p->read[i] = __atomic_load_n(&p->state[i], __ATOMIC_ACQUIRE);
	__atomic_fetch_or(&p->seen, bits, __ATOMIC_RELAXED);
	__atomic_fetch_add(&p->nr_turns, 1, __ATOMIC_RELEASE);
	return __atomic_exchange_n(&p->due_ns, DEADLINE_NEVER,
				   __ATOMIC_ACQ_REL);
}

/* Types that the task answers as well, in a way that tells. */
#define QUESTION	5u
#define BY_CALLER	6u
#define BY_TASK		7u
#define STAY_BUSY	8u

static struct probe asked;

static bool probe_question(struct msg *m)
{
	if (m->type != QUESTION)
		return false;
	CHECK(!__atomic_load_n(&asked.busy, __ATOMIC_SEQ_CST));
	__atomic_fetch_add(&asked.nr_questions, 1, __ATOMIC_RELAXED);
	m->type = BY_CALLER;
	return true;
}

/* Until somebody else calls. */
static void stay_busy(struct probe *p)
{
	uint64_t end = now_ns() + 5000 * MS;
	bool alone = true;

	__atomic_store_n(&p->busy, 1, __ATOMIC_SEQ_CST);
	while (alone && now_ns() < end) {
		mutex_lock(&msg_lock);
		alone = list_is_empty(&current_task()->port->senders);
		mutex_unlock(&msg_lock);
		sched_yield();
	}
	CHECK(!alone);
	__atomic_store_n(&p->busy, 0, __ATOMIC_SEQ_CST);
}

static bool probe_answer(struct service *s, struct msg *m)
{
	struct probe *p = container_of(s, struct probe, service);

	if (m->type == QUESTION || m->type == STAY_BUSY) {
		if (m->type == STAY_BUSY)
			stay_busy(p);
		m->type = BY_TASK;
		return true;
	}
	if (m->type == 1) {
		m->type = 2;
		m->word[0]++;
		return true;
	}
	p->later = m->from;
	return false;
}

static void wait_turns(struct probe *p, uint32_t nr)
{
	uint64_t end = now_ns() + 5000 * MS;

	while (__atomic_load_n(&p->nr_turns, __ATOMIC_ACQUIRE) < nr &&
	       now_ns() < end)
		sched_yield();
	CHECK(__atomic_load_n(&p->nr_turns, __ATOMIC_ACQUIRE) >= nr);
}

#define PROBE(n) { .service = { .name = (n), .turn = probe_turn,	\
	.answer = probe_answer }, .due_ns = DEADLINE_NEVER }

/* --- tests -------------------------------------------------------------------------*/
static void turns(void)
{
	static struct probe p = PROBE("turns");

	service_notify(&p.service, 1);	/* not started: nothing */
	CHECK_EQ(service_open(&p.service), 0);
	wait_turns(&p, 1);
	CHECK_EQ(p.seen, UINT32_MAX);
	p.seen = 0;
	service_notify(&p.service, 1);
	wait_turns(&p, 2);
	CHECK_EQ(p.seen, 1);
	/* one turn that was due at once, then one that was due later */
	__atomic_store_n(&p.due_ns, 0, __ATOMIC_RELEASE);
	service_notify(&p.service, 2);
	wait_turns(&p, 4);
	CHECK_EQ(p.seen, 3);
	__atomic_store_n(&p.due_ns, PAST, __ATOMIC_RELEASE);
	service_notify(&p.service, 4);
	wait_turns(&p, 6);
	CHECK_EQ(p.seen, 7);
	CHECK_EQ(p.nr_turns, 6);	/* and it rests */
}

static void started_once(void)
{
	static struct probe p = PROBE("once");

	nr_started = 0;
	start_fails = -ENOMEM;
	CHECK_EQ(service_open(&p.service), -ENOMEM);
	start_fails = 0;
	CHECK_EQ(service_start(&p.service), 0);
	CHECK_EQ(service_open(&p.service), 0);
	CHECK_EQ(service_start(&p.service), 0);
	CHECK_EQ(nr_started, 1);
}

static void answers(void)
{
	static struct probe p = PROBE("answers");
	struct msg m = { .type = 1, .word = { 41 } };

	CHECK_EQ(service_open(&p.service), 0);
	CHECK_EQ(service_call(&p.service, &m, DEADLINE_NEVER), 0);
	CHECK(m.type == 2 && m.word[0] == 42);
}

static void *call_busy(void *arg)
{
	struct msg m = { .type = STAY_BUSY };

	CHECK_EQ(service_call(&asked.service, &m, DEADLINE_NEVER), 0);
	CHECK_EQ(m.type, BY_TASK);
	msg_task_gone(current_task());
	return NULL;
}

/* On the spot where the task waits, else by the task in its turn. */
static void questions(void)
{
	uint64_t end = now_ns() + 5000 * MS;
	uint32_t turns_before;
	unsigned long t;
	struct msg m;

	asked = (struct probe)PROBE("asked");
	asked.service.question = probe_question;
	CHECK_EQ(service_open(&asked.service), 0);
	do {
		turns_before = __atomic_load_n(&asked.nr_turns,
					       __ATOMIC_ACQUIRE);
		m = (struct msg){ .type = QUESTION };
		CHECK_EQ(service_call(&asked.service, &m, DEADLINE_NEVER), 0);
	} while (m.type != BY_CALLER && now_ns() < end);
	CHECK_EQ(m.type, BY_CALLER);
	CHECK_EQ(m.from, asked.service.task->id);
	CHECK_EQ(asked.nr_questions, 1);
	CHECK_EQ(asked.nr_turns, turns_before);
	pthread_create(&t, NULL, call_busy, NULL);
	while (!__atomic_load_n(&asked.busy, __ATOMIC_SEQ_CST) &&
	       now_ns() < end)
		sched_yield();
	m = (struct msg){ .type = QUESTION };
	CHECK_EQ(service_call(&asked.service, &m, DEADLINE_NEVER), 0);
	CHECK_EQ(m.type, BY_TASK);
	CHECK_EQ(asked.nr_questions, 1);
	pthread_join(t, NULL);
}

static void *call_later(void *arg)
{
	struct probe *p = arg;
	struct msg m = { .type = 3 };

	CHECK_EQ(service_call(&p->service, &m, DEADLINE_NEVER), 0);
	CHECK_EQ(m.type, 77);
	msg_task_gone(current_task());
	return NULL;
}

static void answers_later(void)
{
	static struct probe p = PROBE("later");
	unsigned long t;

	CHECK_EQ(service_open(&p.service), 0);
	wait_turns(&p, 1);
	pthread_create(&t, NULL, call_later, &p);
	wait_turns(&p, 2);	/* the one after the message */
	service_notify(&p.service, 8);
	pthread_join(t, NULL);
}

static void names(void)
{
	static struct probe mine = PROBE("mine"), all = PROBE("all");

	all.service.is_public = true;
	CHECK_EQ(service_open(&mine.service), 0);
	CHECK_EQ(service_open(&all.service), 0);
	CHECK_EQ(msg_find("mine"), 0);
	CHECK_EQ(msg_find("all"), all.service.task->id);
}

/* Without memory for its port it can not be called, but takes its turns. */
static void no_port(void)
{
	static struct probe p = PROBE("poor");

	p.poor = true;
	heap_fail_after(1);
	CHECK_EQ(service_open(&p.service), 0);
	wait_turns(&p, 1);
	p.seen = 0;
	service_notify(&p.service, 1);
	wait_turns(&p, 2);
	CHECK_EQ(p.seen, UINT32_MAX);	/* it can not tell which: all */
	heap_fail_after(0);
}

struct notifier {
	struct probe *p;
	uint32_t i;
};

static void *notify_often(void *arg)
{
	struct notifier *n = arg;

	for (uint32_t i = 1; i <= NR_ROUNDS; i++) {
		__atomic_store_n(&n->p->state[n->i], i, __ATOMIC_RELEASE);
		service_notify(&n->p->service, 1u << n->i);
		if (i % 64 == 0)
			sched_yield();
	}
	return NULL;
}

static void nothing_lost(void)
{
	static struct probe p = PROBE("busy");
	struct notifier n[NR_NOTIFIERS];
	unsigned long t[NR_NOTIFIERS];
	uint64_t end;

	CHECK_EQ(service_start(&p.service), 0);	/* it may not run yet */
	for (uint32_t i = 0; i < NR_NOTIFIERS; i++) {
		n[i] = (struct notifier){ &p, i };
		pthread_create(&t[i], NULL, notify_often, &n[i]);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		struct msg m = { .type = 1, .word = { i } };

		if (i == 0)
			CHECK_EQ(service_open(&p.service), 0);
		CHECK_EQ(service_call(&p.service, &m, DEADLINE_NEVER), 0);
		CHECK_EQ(m.word[0], i + 1);
	}
	for (uint32_t i = 0; i < NR_NOTIFIERS; i++)
		pthread_join(t[i], NULL);
	/* the last states are seen, without another notification */
	end = now_ns() + 5000 * MS;
	for (uint32_t i = 0; i < NR_NOTIFIERS; i++) {
		while (__atomic_load_n(&p.read[i], __ATOMIC_ACQUIRE) !=
		       NR_ROUNDS && now_ns() < end)
			sched_yield();
		CHECK_EQ(p.read[i], NR_ROUNDS);
	}
}

static const struct unit_test tests[] = {
	{ "turns", turns }, { "started once", started_once },
	{ "answers", answers }, { "answers later", answers_later },
	{ "questions", questions }, { "names", names }, { "no port", no_port },
	{ "nothing is lost", nothing_lost },
};

static void forget_me(void)
{
	msg_task_gone(current_task());
}

int main(void)
{
	return unit_run("service", tests, ARRAY_LEN(tests), NULL, forget_me);
}
