/* SPDX-License-Identifier: MIT */
/*
 * Clocks and sleeping. Time comes from the platform; nobody inside can set
 * it. Most programs read clocks without entering the kernel at all.
 */
#include <linux/time.h>
#include <linux/timex.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/timer.h"
#include "lib/string.h"
#include "linux/clocks.h"
#include "linux/pid_ns.h"

#define COARSE_RES_NS 4000000
#define CPUCLOCK_PERTHREAD 4
#define CPUCLOCK_KIND 3
#define CPUCLOCK_SCHED 2

/* --- reading --------------------------------------------------------------*/
/* Of another thread of the process. */
static int read_thread_clock(uint32_t tid, uint64_t *ns)
{
	struct thread *t;
	int err = -EINVAL;

	mutex_lock(&process_lock);
	t = thread_find_user(tid);
	if (t && t->process == current_process() &&
	    !plat_clock_other_cpu_ns(t->task, ns))
		err = 0;
	mutex_unlock(&process_lock);
	return err;
}

/* Clock numbers below zero name a process or thread: ~id << 3 | kind. */
static int read_cpu_clock(int32_t clock, uint64_t *ns)
{
	uint32_t id = (uint32_t)~(clock >> 3);
	struct process *p;
	int err = 0;

	if ((clock & CPUCLOCK_KIND) == CPUCLOCK_KIND)
		return -EINVAL;
	if (clock & CPUCLOCK_PERTHREAD) {
		if (id && id != current_thread()->nr)
			return read_thread_clock(id, ns);
		*ns = plat_clock_task_cpu_ns();
		return 0;
	}
	if (!id || id == current_process()->nr) {
		*ns = plat_clock_process_cpu_ns();
		return 0;
	}
	mutex_lock(&process_lock);
	p = process_find_user(id);
	if (p)
		*ns = process_cpu_ns(p, true) + process_cpu_ns(p, false);
	else
		err = -EINVAL;
	mutex_unlock(&process_lock);
	return err;
}

int clock_cpu_owner(int32_t clock, uint32_t *tid)
{
	uint32_t id = (uint32_t)~(clock >> 3);
	struct thread *me = current_thread();

	if (clock >= 0) {
		*tid = clock == CLOCK_THREAD_CPUTIME_ID ? me->tid : 0;
		return clock == CLOCK_PROCESS_CPUTIME_ID || *tid ? 0 : -EINVAL;
	}
	if (clock & CPUCLOCK_PERTHREAD) {
		*tid = id ? pid_from_user(id) : me->tid;
		return *tid ? 0 : -EINVAL;
	}
	*tid = 0;
	return !id || id == me->process->nr ? 0 : -EINVAL;
}

int clock_read(int32_t clock, uint64_t *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*ns = clock_real_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		*ns = clock_mono_ns();
		return 0;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = plat_clock_boot_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = plat_clock_process_cpu_ns();
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = plat_clock_task_cpu_ns();
		return 0;
	default:
		return clock < 0 ? read_cpu_clock(clock, ns) : -EINVAL;
	}
}

long sys_clock_gettime(uint64_t clock, uint64_t user)
{
	struct kts ts;
	uint64_t ns;
	int err = clock_read((int32_t)clock, &ns);

	if (err)
		return err;
	ts = kts_from_ns(ns);
	return copy_to_user((void *)user, &ts, sizeof(ts));
}

long sys_clock_getres(uint64_t clock, uint64_t user)
{
	struct kts ts = { 0, 1 };
	uint64_t ns;
	int err = clock_read((int32_t)clock, &ns);

	if (err || !user)
		return err;
	if ((int32_t)clock == CLOCK_REALTIME_COARSE ||
	    (int32_t)clock == CLOCK_MONOTONIC_COARSE)
		ts.nsec = COARSE_RES_NS;
	return copy_to_user((void *)user, &ts, sizeof(ts));
}

long sys_time(uint64_t user)
{
	int64_t sec = (int64_t)(clock_real_ns() / NSEC_PER_SEC);

	if (user && copy_to_user((void *)user, &sec, sizeof(sec)))
		return -EFAULT;
	return sec;
}

long sys_gettimeofday(uint64_t tv, uint64_t tz)
{
	struct kts t = kts_from_ns(clock_real_ns());
	int32_t zone[2] = { 0, 0 };

	t.nsec /= 1000;
	if (tv && copy_to_user((void *)tv, &t, sizeof(t)))
		return -EFAULT;
	if (tz && copy_to_user((void *)tz, zone, sizeof(zone)))
		return -EFAULT;
	return 0;
}

/* --- setting: not from inside ---------------------------------------------*/
long sys_settimeofday(uint64_t tv, uint64_t tz)
{
	struct kts t;

	if (tv) {
		if (copy_from_user(&t, (void *)tv, sizeof(t)))
			return -EFAULT;
		if (t.nsec < 0 || t.nsec >= 1000000)
			return -EINVAL;
	}
	return -EPERM;
}

long sys_clock_settime(uint64_t clock, uint64_t user)
{
	struct kts t;

	if ((int32_t)clock != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&t, (void *)user, sizeof(t)))
		return -EFAULT;
	return kts_is_valid(&t) ? -EPERM : -EINVAL;
}

long sys_adjtimex(uint64_t user)
{
	struct __kernel_timex t;
	struct kts now = kts_from_ns(clock_real_ns());

	if (copy_from_user(&t, (void *)user, sizeof(t)))
		return -EFAULT;
	if (t.modes)
		return -EPERM;
	memset(&t, 0, sizeof(t));
	t.maxerror = 16000000;
	t.esterror = 16000000;
	t.status = STA_UNSYNC;
	t.constant = 2;
	t.precision = 1;
	t.tolerance = 32768000;
	t.tick = 10000;
	t.time.tv_sec = now.sec;
	t.time.tv_usec = now.nsec / 1000;
	if (copy_to_user((void *)user, &t, sizeof(t)))
		return -EFAULT;
	return TIME_ERROR;
}

long sys_clock_adjtime(uint64_t clock, uint64_t user)
{
	return (int32_t)clock == CLOCK_REALTIME ? sys_adjtimex(user) :
	       (int32_t)clock < 0 || (int32_t)clock > CLOCK_TAI ? -EINVAL :
	       -EOPNOTSUPP;
}

/* --- sleeping -------------------------------------------------------------*/
int clock_deadline(int32_t clock, uint64_t ns, bool absolute,
		   uint64_t *deadline_ns)
{
	uint64_t now;
	int err;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		break;
	default:
		err = clock_read(clock, &now);
		return err ? err : -EOPNOTSUPP;
	}
	clock_read(clock, &now);
	if (absolute && clock == CLOCK_MONOTONIC && ns > now) {
		*deadline_ns = MIN(ns, (uint64_t)INT64_MAX);
		return 0;
	}
	if (absolute)
		ns = ns > now ? ns - now : 0;
	/* Read after the other clock: whatever passes in between makes the
	 * deadline late, which may be; it must not make it early. */
	*deadline_ns = clock_mono_ns() + MIN(ns, (uint64_t)INT64_MAX);
	return 0;
}

/* Returns 0 or -EINTR. */
static int sleep_until(uint64_t deadline_ns)
{
	int err = 0;

	while (!err && clock_mono_ns() < deadline_ns)
		err = task_park(deadline_ns, true);
	return err == -EINTR && clock_mono_ns() < deadline_ns ? -EINTR : 0;
}

/* restart_arg: deadline, user pointer for the rest or 0. */
static long sleep_restartable(struct thread *t)
{
	uint64_t deadline = t->restart_arg[0], now;
	struct kts rest;

	if (!sleep_until(deadline))
		return 0;
	now = clock_mono_ns();
	rest = kts_from_ns(deadline > now ? deadline - now : 0);
	if (t->restart_arg[1] &&
	    copy_to_user((void *)t->restart_arg[1], &rest, sizeof(rest)))
		return -EFAULT;
	t->restart_fn = sleep_restartable;
	return -ERESTART_RESTARTBLOCK;
}

long sys_clock_nanosleep(uint64_t clock, uint64_t flags, uint64_t req,
			 uint64_t rem)
{
	struct thread *t = current_thread();
	bool absolute = flags & TIMER_ABSTIME;
	uint64_t deadline;
	struct kts ts;
	int err;

	if (copy_from_user(&ts, (void *)req, sizeof(ts)))
		return -EFAULT;
	if (!kts_is_valid(&ts))
		return -EINVAL;
	err = clock_deadline((int32_t)clock, kts_to_ns(&ts), absolute,
			     &deadline);
	if (err)
		return err;
	if (absolute)
		return sleep_until(deadline) ? -ERESTARTNOHAND : 0;
	t->restart_arg[0] = deadline;
	t->restart_arg[1] = rem;
	return sleep_restartable(t);
}

long sys_nanosleep(uint64_t req, uint64_t rem)
{
	return sys_clock_nanosleep(CLOCK_MONOTONIC, 0, req, rem);
}
