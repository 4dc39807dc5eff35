/* SPDX-License-Identifier: MIT */
/*
 * Interval timers and alarm. ITIMER_REAL is a core timer. ITIMER_VIRTUAL and
 * ITIMER_PROF measure processor time, which only the process itself can read:
 * a core timer fires when the time could be up, asks a thread that is running
 * to look, and the thread sends the signal or sets the timer again. While
 * all threads sleep no time is used and nobody is woken. RLIMIT_CPU is kept
 * in the same way.
 */
#include <linux/resource.h>
#include <linux/time.h>
#include <asm/signal.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/timer.h"
#include "lib/string.h"
#include "linux/clocks.h"

#define CPU_CHECK_MIN_NS 1000000ull
#define TASK_ASLEEP 2u

/* One of VIRTUAL, PROF; under itimer_lock. */
struct cpu_timer {
	uint64_t expiry_ns;	/* processor time; 0 = not set */
	uint64_t interval_ns;
};

enum { CPU_VIRTUAL, CPU_PROF, CPU_LIMIT, CPU_TIMERS };

struct cpu_timers {
	struct timer check;
	struct process *process;
	struct cpu_timer t[CPU_TIMERS];	/* CPU_LIMIT: RLIMIT_CPU */
	uint32_t due;		/* atomic: a thread should look */
};

static struct mutex itimer_lock = MUTEX_INIT;

struct kitimer {
	struct kts interval, value;	/* microseconds in nsec */
};

/* --- ITIMER_REAL ----------------------------------------------------------*/
static void real_fired(struct timer *t)
{
	struct process *p = container_of(t, struct process, real_timer);
	uint64_t now = clock_mono_ns(), step;
	bool send;

	mutex_lock(&itimer_lock);
	send = p->real_timer_ns && p->real_timer_ns <= now;
	step = p->real_timer_interval_ns;
	if (send && step) {
		p->real_timer_ns += step * ((now - p->real_timer_ns) / step + 1);
		if (timer_set(t, p->real_timer_ns))
			p->real_timer_ns = 0;
	} else if (send) {
		p->real_timer_ns = 0;
	}
	mutex_unlock(&itimer_lock);
	if (send)
		signal_send_process(p, SIGALRM, NULL);
}

/* Set; *left and *interval get the old values. Returns 0 or -ENOMEM. */
static int real_exchange(struct process *p, const uint64_t *value,
			 uint64_t new_interval, uint64_t *left,
			 uint64_t *interval)
{
	uint64_t now;
	int err = 0;

	if (value)
		timer_cancel(&p->real_timer);
	mutex_lock(&itimer_lock);
	now = clock_mono_ns();
	*left = p->real_timer_ns;
	if (*left)
		*left = *left > now ? *left - now : 1000;
	*interval = p->real_timer_interval_ns;
	if (value) {
		p->real_timer_ns = *value ? now + *value : 0;
		p->real_timer_interval_ns = new_interval;
		if (*value)
			err = timer_set(&p->real_timer, p->real_timer_ns);
		if (err)
			p->real_timer_ns = 0;
	}
	mutex_unlock(&itimer_lock);
	return err;
}

/* --- processor time -------------------------------------------------------*/
bool cpu_time_ask(struct process *p, uint32_t tid)
{
	bool asked = false;

	mutex_lock(&process_lock);
	list_for_each(l, &p->threads) {
		struct thread *t = list_entry(l, struct thread, link);

		if (!asked && (!tid || t->tid == tid) &&
		    __atomic_load_n(&t->task->wake, __ATOMIC_RELAXED) !=
		    TASK_ASLEEP) {
			task_post_work(t->task, TASK_WORK_SIGNAL);
			asked = true;
		}
	}
	mutex_unlock(&process_lock);
	return asked;
}

static void cpu_check_fired(struct timer *t)
{
	struct cpu_timers *c = container_of(t, struct cpu_timers, check);

	__atomic_store_n(&c->due, 1, __ATOMIC_RELEASE);
	if (!cpu_time_ask(c->process, 0))
		timer_set(t, clock_mono_ns() + 10 * CPU_CHECK_MIN_NS);
}

/* Look again when the nearest timer could be up. Lock held. */
static void cpu_arm_locked(struct cpu_timers *c, uint64_t cpu_now)
{
	uint64_t left = UINT64_MAX;

	for (int i = 0; i < CPU_TIMERS; i++)
		if (c->t[i].expiry_ns)
			left = MIN(left, c->t[i].expiry_ns > cpu_now ?
				   c->t[i].expiry_ns - cpu_now : 0);
	if (left == UINT64_MAX)
		return;
	left = MAX(left / MAX(c->process->nr_threads, 1u), CPU_CHECK_MIN_NS);
	timer_set(&c->check, clock_mono_ns() + left);
}

void itimers_check_cpu(void)
{
	static const int signals[CPU_TIMERS] = { SIGVTALRM, SIGPROF, SIGXCPU };
	struct process *p = current_process();
	struct cpu_timers *c = p->cpu_timers;
	bool send[CPU_TIMERS] = { false };
	uint64_t now, hard = p->limits[RLIMIT_CPU].max;

	posix_timers_check_cpu();
	/* Pairs with the release in cpu_check_fired. */
	if (likely(!c) || !__atomic_exchange_n(&c->due, 0, __ATOMIC_ACQUIRE))
		return;
	now = plat_clock_process_cpu_ns();
	mutex_lock(&itimer_lock);
	for (int i = 0; i < CPU_TIMERS; i++) {
		struct cpu_timer *t = &c->t[i];

		if (!t->expiry_ns || t->expiry_ns > now)
			continue;
		send[i] = true;
		t->expiry_ns = t->interval_ns ? now + t->interval_ns : 0;
	}
	cpu_arm_locked(c, now);
	mutex_unlock(&itimer_lock);
	if (send[CPU_LIMIT] && now / NSEC_PER_SEC >= hard)
		signal_send_process(p, SIGKILL, NULL);
	for (int i = 0; i < CPU_TIMERS; i++)
		if (send[i])
			signal_send_process(p, signals[i], NULL);
}

static struct cpu_timers *cpu_timers_make(struct process *p)
{
	struct cpu_timers *c;

	mutex_lock(&itimer_lock);
	c = p->cpu_timers;
	if (!c)
		c = kzalloc(sizeof(*c));
	if (c && !p->cpu_timers) {
		timer_init(&c->check, cpu_check_fired);
		c->process = p;
		p->cpu_timers = c;
	}
	mutex_unlock(&itimer_lock);
	return c;
}

/* Every second beyond the soft limit; used_ns = processor time of p now. */
static void limit_arm(struct process *p, uint64_t used_ns)
{
	uint64_t soft = p->limits[RLIMIT_CPU].cur;
	struct cpu_timers *c = p->cpu_timers;

	if (soft >= INT64_MAX / NSEC_PER_SEC && !c)
		return;
	if (!c)
		c = cpu_timers_make(p);
	if (!c)
		return;
	mutex_lock(&itimer_lock);
	c->t[CPU_LIMIT] = (struct cpu_timer){ 0 };
	if (soft < INT64_MAX / NSEC_PER_SEC) {
		c->t[CPU_LIMIT].expiry_ns = MAX(soft, 1ull) * NSEC_PER_SEC;
		c->t[CPU_LIMIT].interval_ns = NSEC_PER_SEC;
		cpu_arm_locked(c, used_ns);
	}
	mutex_unlock(&itimer_lock);
}

void itimers_limit_changed(void)
{
	limit_arm(current_process(), plat_clock_process_cpu_ns());
}

void itimers_limit_inherit(struct process *child)
{
	limit_arm(child, 0);
}

static int cpu_exchange(struct process *p, int which, const uint64_t *value,
			uint64_t new_interval, uint64_t *left,
			uint64_t *interval)
{
	uint64_t now = plat_clock_process_cpu_ns();
	struct cpu_timers *c = p->cpu_timers;
	struct cpu_timer *t;

	*left = *interval = 0;
	if (!c && !value)
		return 0;
	if (!c)
		c = cpu_timers_make(p);
	if (!c)
		return -ENOMEM;
	mutex_lock(&itimer_lock);
	t = &c->t[which - 1];
	if (t->expiry_ns)
		*left = t->expiry_ns > now ? t->expiry_ns - now : 1000;
	*interval = t->interval_ns;
	if (value) {
		t->expiry_ns = *value ? now + *value : 0;
		t->interval_ns = new_interval;
		cpu_arm_locked(c, now);
	}
	mutex_unlock(&itimer_lock);
	return 0;
}

/* --- the calls ------------------------------------------------------------*/
static int exchange(int which, const uint64_t *value, uint64_t new_interval,
		    uint64_t *left, uint64_t *interval)
{
	struct process *p = current_process();

	if (which == ITIMER_REAL)
		return real_exchange(p, value, new_interval, left, interval);
	if (which != ITIMER_VIRTUAL && which != ITIMER_PROF)
		return -EINVAL;
	return cpu_exchange(p, which, value, new_interval, left, interval);
}

static struct kts micros(uint64_t ns)
{
	struct kts t = kts_from_ns(ns);

	t.nsec /= 1000;
	return t;
}

static bool micros_valid(const struct kts *t)
{
	return t->sec >= 0 && t->nsec >= 0 && t->nsec < 1000000;
}

static uint64_t micros_ns(const struct kts *t)
{
	struct kts ns = { t->sec, t->nsec * 1000 };

	return kts_to_ns(&ns);
}

static long put_itimer(uint64_t user, uint64_t left, uint64_t interval)
{
	struct kitimer it = { micros(interval), micros(left) };

	return copy_to_user((void *)user, &it, sizeof(it));
}

long sys_getitimer(uint64_t which, uint64_t user)
{
	uint64_t left, interval;
	int err = exchange((int)which, NULL, 0, &left, &interval);

	return err ? err : put_itimer(user, left, interval);
}

long sys_setitimer(uint64_t which, uint64_t new_user, uint64_t old_user)
{
	struct kitimer it = { 0 };
	uint64_t left, interval, value;
	int err;

	if (new_user && copy_from_user(&it, (void *)new_user, sizeof(it)))
		return -EFAULT;
	if (!micros_valid(&it.value) || !micros_valid(&it.interval))
		return -EINVAL;
	value = micros_ns(&it.value);
	err = exchange((int)which, &value, micros_ns(&it.interval), &left,
		       &interval);
	if (err || !old_user)
		return err;
	return put_itimer(old_user, left, interval);
}

long sys_alarm(uint64_t seconds)
{
	uint64_t value = (uint32_t)seconds * NSEC_PER_SEC, left, interval;

	real_exchange(current_process(), &value, 0, &left, &interval);
	if (left && left < NSEC_PER_SEC)
		return 1;
	return (long)((left + NSEC_PER_SEC / 2) / NSEC_PER_SEC);
}

void itimers_init(struct process *p)
{
	timer_init(&p->real_timer, real_fired);
	p->real_timer_ns = 0;
	p->real_timer_interval_ns = 0;
	p->cpu_timers = NULL;
}

void itimers_exit(struct process *p)
{
	mutex_lock(&itimer_lock);
	p->real_timer_ns = 0;
	if (p->cpu_timers)
		memset(p->cpu_timers->t, 0, sizeof(p->cpu_timers->t));
	mutex_unlock(&itimer_lock);
	timer_cancel(&p->real_timer);
	if (p->cpu_timers) {
		timer_cancel(&p->cpu_timers->check);
		kfree(p->cpu_timers);
		p->cpu_timers = NULL;
	}
}
