/* SPDX-License-Identifier: MIT */
/*
 * POSIX timers (timer_create and relatives). A timer is in its process's list
 * and has a core timer that fires it. Expirations while the previous signal
 * is still pending only raise that signal's overrun count, in the queue.
 *
 * A timer on processor time fires when the time could be up. Only the process
 * can read its clock (on platform process a thread's only that thread): it
 * asks a thread that is running to look, which is done on the way to user mode.
 *
 * posix_timer_lock guards lists and states. A reference is held by the list
 * and by each call at work; the last one waits for the callback and frees.
 */
#include <linux/time.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/timer.h"
#include "linux/clocks.h"
#include "linux/pid_ns.h"

#define TIMERS_PER_PROCESS 4096u
#define CPU_CHECK_MIN_NS 1000000ull
#define CPU_ASLEEP_NS	10000000ull
#define INTERVAL_MIN_NS 50000ull	/* finer ones only count overruns */
#define OVERRUN_MAX INT32_MAX

struct posix_timer {
	/* set once */
	struct process *process;	/* outlives its timers */
	int32_t id, clock, signo;
	bool silent;			/* SIGEV_NONE */
	uint32_t tid;			/* SIGEV_THREAD_ID; 0: the process */
	bool cpu;			/* on processor time, that of */
	uint32_t cpu_tid;		/* a thread; 0: the process */
	uint64_t value;			/* for si_value */
	struct timer timer;
	struct refcount refs;
	/* under posix_timer_lock */
	struct list link;
	bool deleted;
	uint64_t deadline_ns;		/* monotonic or processor time; 0 = not set */
	uint64_t late_ns;		/* already when it was set */
	uint64_t interval_ns;
	bool look;			/* a thread should see if it is due */
	int32_t overrun;		/* of the signal sent last */
	int32_t overrun_before;		/* of the one before it */
};

struct ksigevent {
	uint64_t value;
	int32_t signo, notify;
	int32_t tid;
	int32_t pad[11];
};
_Static_assert(sizeof(struct ksigevent) == 64, "struct sigevent layout");

struct kitimerspec {
	struct kts interval, value;
};

static struct mutex posix_timer_lock = MUTEX_INIT;

static void timer_ref_put(struct posix_timer *t)
{
	if (!ref_put(&t->refs))
		return;
	timer_cancel(&t->timer);
	kfree(t);
}

/* --- firing ---------------------------------------------------------------*/
/* Add n to the overrun count of t's pending signal. False: none is pending. */
static bool add_overrun(struct posix_timer *t, struct sigpending *q,
			int64_t n)
{
	list_for_each(l, &q->queue) {
		struct ksiginfo *i = &list_entry(l, struct sigqueue, link)->info;
		int64_t sum;

		if (i->code != SI_TIMER || i->timer.tid != t->id ||
		    i->signo != t->signo)
			continue;
		sum = (int64_t)i->timer.overrun + n;
		i->timer.overrun = (int32_t)MIN(sum, (int64_t)OVERRUN_MAX);
		t->overrun = i->timer.overrun;
		return true;
	}
	return false;
}

static void send_signal(struct posix_timer *t, uint64_t expirations)
{
	struct process *p = t->process;
	struct thread *target = NULL;
	struct ksiginfo info = { .signo = t->signo, .code = SI_TIMER };
	bool merged;

	mutex_lock(&process_lock);
	if (t->tid) {
		target = thread_find(t->tid);
		if (!target || target->process != p) {
			mutex_unlock(&process_lock);
			return;
		}
	}
	mutex_lock(&p->signals.lock);
	merged = add_overrun(t, target ? &target->sig.pending :
			     &p->signals.shared, (int64_t)expirations);
	mutex_unlock(&p->signals.lock);
	if (!merged) {
		t->overrun_before = t->overrun;
		t->overrun = (int32_t)MIN(expirations - 1,
					  (uint64_t)OVERRUN_MAX);
		info.timer.tid = t->id;
		info.timer.overrun = t->overrun;
		info.timer.value = t->value;
		if (target)
			signal_send_thread(target, t->signo, &info);
		else
			signal_send_process(p, t->signo, &info);
	}
	mutex_unlock(&process_lock);
}

/* Fire when the deadline can be reached. Returns 0 or -ENOMEM. */
static int arm_locked(struct posix_timer *t, uint64_t now)
{
	uint64_t left = t->deadline_ns - now;

	if (!t->cpu)
		return timer_set(&t->timer, MAX(t->deadline_ns,
						now + INTERVAL_MIN_NS));
	left = t->deadline_ns > now ? left / t->process->nr_threads : 0;
	return timer_set(&t->timer, clock_mono_ns() +
			 MAX(left, CPU_CHECK_MIN_NS));
}

/* Set the next deadline. Returns how often the timer expired, 0 = not yet. */
static uint64_t advance_locked(struct posix_timer *t, uint64_t now)
{
	uint64_t n = 1, past;

	if (!t->deadline_ns)
		return 0;
	if (t->deadline_ns > now) {
		if (t->cpu)
			arm_locked(t, now);
		return 0;
	}
	past = now - t->deadline_ns + t->late_ns;
	t->late_ns = t->deadline_ns = 0;
	if (!t->interval_ns)
		return 1;
	n += past / t->interval_ns;
	t->deadline_ns = now + t->interval_ns - past % t->interval_ns;
	if (arm_locked(t, now))
		t->deadline_ns = 0;
	return n;
}

/* Ask a running thread to look, again later if none is running. */
static void cpu_fired(struct posix_timer *t)
{
	bool live;

	mutex_lock(&posix_timer_lock);
	live = !t->deleted && t->deadline_ns;
	t->look = live;
	if (live)
		t->process->posix_timers_due = true;
	mutex_unlock(&posix_timer_lock);
	if (!live || cpu_time_ask(t->process, t->cpu_tid))
		return;
	mutex_lock(&posix_timer_lock);
	if (!t->deleted && t->deadline_ns)
		timer_set(&t->timer, clock_mono_ns() + CPU_ASLEEP_NS);
	mutex_unlock(&posix_timer_lock);
}

static void posix_timer_fired(struct timer *core)
{
	struct posix_timer *t = container_of(core, struct posix_timer, timer);
	uint64_t n = 0;

	if (t->cpu) {
		cpu_fired(t);
		return;
	}
	mutex_lock(&posix_timer_lock);
	if (!t->deleted)
		n = advance_locked(t, clock_mono_ns());
	mutex_unlock(&posix_timer_lock);
	if (n && !t->silent)
		send_signal(t, n);
}

/* A timer that the calling thread is asked about, with a reference; NULL: no
 * more. *n: how often it expired. */
static struct posix_timer *next_due(struct process *p, uint64_t *n)
{
	uint32_t me = current_thread()->tid;
	struct posix_timer *found = NULL;
	bool rest = false;

	mutex_lock(&posix_timer_lock);
	list_for_each(l, &p->posix_timers) {
		struct posix_timer *t = list_entry(l, struct posix_timer, link);

		if (!t->look)
			continue;
		if (found || (t->cpu_tid && t->cpu_tid != me)) {
			rest = true;
			continue;
		}
		found = t;
		t->look = false;
		ref_get(&t->refs);
		*n = advance_locked(t, t->cpu_tid ? plat_clock_task_cpu_ns() :
				    plat_clock_process_cpu_ns());
	}
	p->posix_timers_due = rest;
	mutex_unlock(&posix_timer_lock);
	return found;
}

void posix_timers_check_cpu(void)
{
	struct process *p = current_process();
	struct posix_timer *t;
	uint64_t n;

	while (unlikely(p->posix_timers_due) && (t = next_due(p, &n))) {
		if (n && !t->silent)
			send_signal(t, n);
		timer_ref_put(t);
	}
}

/* --- making and finding ---------------------------------------------------*/
static struct posix_timer *find_locked(struct process *p, int32_t id)
{
	list_for_each(l, &p->posix_timers) {
		struct posix_timer *t = list_entry(l, struct posix_timer, link);

		if (t->id == id)
			return t;
	}
	return NULL;
}

/* With a reference, or NULL. */
static struct posix_timer *timer_by_id(uint64_t id)
{
	struct posix_timer *t;

	mutex_lock(&posix_timer_lock);
	t = find_locked(current_process(), (int32_t)id);
	if (t)
		ref_get(&t->refs);
	mutex_unlock(&posix_timer_lock);
	return t;
}

/* The number of its thread becomes the kernel's. */
static int event_check(struct ksigevent *e)
{
	struct thread *t;
	bool ours;

	if (e->notify == SIGEV_NONE)
		return 0;
	if (e->signo < 1 || e->signo > 64)
		return -EINVAL;
	if (e->notify == SIGEV_SIGNAL || e->notify == SIGEV_THREAD)
		return 0;
	if (e->notify != (SIGEV_SIGNAL | SIGEV_THREAD_ID))
		return -EINVAL;
	mutex_lock(&process_lock);
	t = thread_find_user((uint32_t)e->tid);
	ours = t && t->process == current_process();
	if (ours)
		e->tid = (int32_t)t->tid;
	mutex_unlock(&process_lock);
	return ours ? 0 : -EINVAL;
}

/* Link t under the lowest free id. */
static int add_to_process(struct posix_timer *t)
{
	struct process *p = current_process();
	int err = -EAGAIN;

	mutex_lock(&posix_timer_lock);
	for (int32_t id = 0; id < (int32_t)TIMERS_PER_PROCESS; id++) {
		if (find_locked(p, id))
			continue;
		t->id = id;
		list_append(&p->posix_timers, &t->link);
		err = 0;
		break;
	}
	mutex_unlock(&posix_timer_lock);
	return err;
}

long sys_timer_create(uint64_t clock, uint64_t event, uint64_t id_user)
{
	struct ksigevent e = { .signo = SIGALRM, .notify = SIGEV_SIGNAL };
	struct posix_timer *t;
	uint64_t unused;
	uint32_t tid = 0;
	int err = clock_deadline((int32_t)clock, 0, false, &unused);
	bool cpu = err == -EOPNOTSUPP &&
		   !clock_cpu_owner((int32_t)clock, &tid);

	if (cpu)
		err = 0;
	if (!err && event && copy_from_user(&e, (void *)event, sizeof(e)))
		err = -EFAULT;
	if (!err)
		err = event_check(&e);
	if (err)
		return err;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -EAGAIN;
	ref_init(&t->refs, 1);
	list_init(&t->link);
	timer_init(&t->timer, posix_timer_fired);
	t->process = current_process();
	t->clock = (int32_t)clock;
	t->cpu = cpu;
	t->cpu_tid = tid;
	t->signo = e.signo;
	t->silent = e.notify == SIGEV_NONE;
	t->tid = e.notify & SIGEV_THREAD_ID ? (uint32_t)e.tid : 0;
	err = add_to_process(t);
	if (err) {
		timer_ref_put(t);
		return err;
	}
	t->value = event ? e.value : (uint64_t)t->id;
	if (copy_to_user((void *)id_user, &t->id, sizeof(t->id))) {
		sys_timer_delete((uint64_t)t->id);
		return -EFAULT;
	}
	return 0;
}

static void unlink_timer(struct posix_timer *t)
{
	bool mine;

	mutex_lock(&posix_timer_lock);
	mine = !t->deleted;
	t->deleted = true;
	t->deadline_ns = 0;
	list_remove(&t->link);
	mutex_unlock(&posix_timer_lock);
	if (mine)
		timer_ref_put(t);
}

long sys_timer_delete(uint64_t id)
{
	struct posix_timer *t = timer_by_id(id);

	if (!t)
		return -EINVAL;
	unlink_timer(t);
	timer_ref_put(t);
	return 0;
}

void posix_timers_exit(struct process *p)
{
	for (;;) {
		struct posix_timer *t = NULL;

		mutex_lock(&posix_timer_lock);
		if (!list_is_empty(&p->posix_timers)) {
			t = list_first(&p->posix_timers, struct posix_timer,
				       link);
			ref_get(&t->refs);
		}
		mutex_unlock(&posix_timer_lock);
		if (!t)
			return;
		unlink_timer(t);
		timer_ref_put(t);
	}
}

/* --- setting and reading --------------------------------------------------*/
/* The time that deadline_ns is of. 0, -EOPNOTSUPP (a thread's, not known). */
static int timer_now(const struct posix_timer *t, uint64_t *now)
{
	if (!t->cpu)
		*now = clock_mono_ns();
	else if (!t->cpu_tid)
		*now = plat_clock_process_cpu_ns();
	else if (clock_read(CLOCK_OF_THREAD(t->cpu_tid), now))
		return -EOPNOTSUPP;
	return 0;
}

static void read_locked(const struct posix_timer *t, uint64_t now,
			struct kitimerspec *it)
{
	it->interval = kts_from_ns(t->interval_ns);
	it->value = kts_from_ns(0);
	if (t->deadline_ns)
		it->value = kts_from_ns(t->deadline_ns > now ?
					t->deadline_ns - now : 1);
}

static int set_timer(struct posix_timer *t, bool absolute,
		     const struct kitimerspec *new, struct kitimerspec *old)
{
	uint64_t ns = kts_to_ns(&new->value), deadline = 0, late = 0, now;
	int err = timer_now(t, &now);

	if (!err && ns && t->cpu)
		deadline = absolute ? ns : now + ns;
	else if (!err && ns)
		err = clock_deadline(t->clock, ns, absolute, &deadline);
	if (err)
		return err;
	if (absolute && ns && !t->cpu && !clock_read(t->clock, &late))
		late = late > ns ? late - ns : 0;
	timer_cancel(&t->timer);
	mutex_lock(&posix_timer_lock);
	read_locked(t, now, old);
	t->deadline_ns = deadline;
	t->late_ns = late;
	t->look = false;
	t->interval_ns = kts_to_ns(&new->interval);
	t->overrun = t->overrun_before = 0;
	if (t->deleted)
		err = -EINVAL;
	else if (deadline)
		err = t->cpu ? arm_locked(t, now) :
			       timer_set(&t->timer, deadline);
	mutex_unlock(&posix_timer_lock);
	return err;
}

long sys_timer_settime(uint64_t id, uint64_t flags, uint64_t new_user,
		       uint64_t old_user)
{
	struct kitimerspec new, old;
	struct posix_timer *t;
	int err;

	if (!new_user)
		return -EINVAL;
	if (copy_from_user(&new, (void *)new_user, sizeof(new)))
		return -EFAULT;
	if (!kts_is_valid(&new.value) || !kts_is_valid(&new.interval))
		return -EINVAL;
	t = timer_by_id(id);
	if (!t)
		return -EINVAL;
	err = set_timer(t, flags & TIMER_ABSTIME, &new, &old);
	timer_ref_put(t);
	if (!err && old_user)
		err = copy_to_user((void *)old_user, &old, sizeof(old));
	return err;
}

long sys_timer_gettime(uint64_t id, uint64_t user)
{
	struct posix_timer *t = timer_by_id(id);
	struct kitimerspec it;
	uint64_t now;
	int err;

	if (!t)
		return -EINVAL;
	err = timer_now(t, &now);
	if (!err) {
		mutex_lock(&posix_timer_lock);
		read_locked(t, now, &it);
		mutex_unlock(&posix_timer_lock);
	}
	timer_ref_put(t);
	return err ? err : copy_to_user((void *)user, &it, sizeof(it));
}

long sys_timer_getoverrun(uint64_t id)
{
	struct process *p = current_process();
	struct posix_timer *t = timer_by_id(id);
	struct thread *target = NULL;
	int32_t n;

	if (!t)
		return -EINVAL;
	/* of the signal taken last: the one sent last may still be pending */
	mutex_lock(&process_lock);
	if (t->tid)
		target = thread_find(t->tid);
	mutex_lock(&p->signals.lock);
	n = add_overrun(t, target ? &target->sig.pending : &p->signals.shared,
			0) ? t->overrun_before : t->overrun;
	mutex_unlock(&p->signals.lock);
	mutex_unlock(&process_lock);
	timer_ref_put(t);
	return n;
}
