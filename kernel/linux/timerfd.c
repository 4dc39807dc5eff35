/* SPDX-License-Identifier: MIT */
/*
 * timerfd: a timer that counts its expirations for a reader. A timer with an
 * interval is not set again while nobody reads: the reader works out how many
 * periods have passed. Whether it has expired is decided by the clock, also
 * before the clock task came round.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/time.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/timer.h"
#include "linux/clocks.h"

#define TFD_TIMER_ABSTIME	1u
#define TFD_TIMER_CANCEL_ON_SET	2u

struct timerfd {
	struct mutex lock;
	struct waitq wait;
	struct timer timer;
	int32_t clock;		/* set once */
	/* under lock */
	uint64_t deadline_ns;	/* monotonic; 0 = not set */
	uint64_t interval_ns;
	uint64_t ticks;		/* not yet read */
	bool expired;		/* counted, not yet moved on */
};

struct user_itimerspec {
	struct kts interval, value;
};

/* Count the expiration at deadline_ns if it has come. */
static void expire_locked(struct timerfd *t)
{
	if (!t->deadline_ns || t->expired || t->deadline_ns > clock_mono_ns())
		return;
	t->ticks++;
	if (t->interval_ns)
		t->expired = true;
	else
		t->deadline_ns = 0;
}

/* Count the periods since, and set the timer for the next. */
static void move_on_locked(struct timerfd *t)
{
	uint64_t n;

	expire_locked(t);
	if (!t->expired)
		return;
	n = (clock_mono_ns() - t->deadline_ns) / t->interval_ns;
	t->ticks += n;
	t->deadline_ns += (n + 1) * t->interval_ns;
	t->expired = false;
	if (timer_set(&t->timer, t->deadline_ns))
		t->deadline_ns = 0;
}

static void on_timer(struct timer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);

	mutex_lock(&t->lock);
	expire_locked(t);
	mutex_unlock(&t->lock);
	wait_wake_all(&t->wait, EPOLLIN);
}

static uint64_t take_ticks(struct timerfd *t)
{
	uint64_t n;

	mutex_lock(&t->lock);
	move_on_locked(t);
	n = t->ticks;
	t->ticks = 0;
	mutex_unlock(&t->lock);
	return n;
}

static ssize_t timerfd_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct timerfd *t = f->private;
	struct waiter w;
	uint64_t n;
	int err = 0;

	if (u->left < sizeof(n))
		return -EINVAL;
	n = take_ticks(t);
	if (!n) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		wait_begin(&w, &t->wait);
		while (!(n = take_ticks(t)) && !err)
			err = wait_sleep(&w, DEADLINE_NEVER, true);
		wait_end(&w);
		if (!n)
			return -ERESTARTSYS;
	}
	return uio_fill(u, &n, sizeof(n)) == sizeof(n) ? (ssize_t)sizeof(n) :
	       -EFAULT;
}

static uint32_t timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *t = f->private;
	uint32_t revents;

	poll_add(pt, &t->wait);
	mutex_lock(&t->lock);
	expire_locked(t);
	revents = t->ticks ? EPOLLIN : 0;
	mutex_unlock(&t->lock);
	return revents;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->private;

	timer_cancel(&t->timer);
	kfree(t);
}

static const struct file_ops timerfd_ops = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.release = timerfd_release,
};

/* --- calls ---------------------------------------------------------------------*/
static bool clock_is_known(int32_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return true;
	default:
		return false;
	}
}

long sys_timerfd_create(uint64_t clock, uint64_t flags)
{
	struct timerfd *t;
	struct file *f;
	int fd;

	if (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK) ||
	    !clock_is_known((int32_t)clock))
		return -EINVAL;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	mutex_init(&t->lock);
	waitq_init(&t->wait);
	timer_init(&t->timer, on_timer);
	t->clock = (int32_t)clock;
	f = file_create_anon(&timerfd_ops, t, O_RDWR | (flags & O_NONBLOCK),
			     0600, "[timerfd]");
	if (!f) {
		kfree(t);
		return -ENOMEM;
	}
	fd = fd_install(f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static int timerfd_get(uint64_t fd, struct file **f, struct timerfd **t)
{
	*f = fd_get((int)fd);
	if (!*f)
		return -EBADF;
	if ((*f)->ops != &timerfd_ops) {
		file_put(*f);
		return -EINVAL;
	}
	*t = (*f)->private;
	return 0;
}

/* What timerfd_gettime reports. */
static void read_locked(struct timerfd *t, struct user_itimerspec *out)
{
	uint64_t now, left = 0;

	move_on_locked(t);
	now = clock_mono_ns();
	if (t->deadline_ns)
		left = t->deadline_ns > now ? t->deadline_ns - now : 1;
	out->value = kts_from_ns(left);
	out->interval = kts_from_ns(t->interval_ns);
}

static int set_locked(struct timerfd *t, const struct user_itimerspec *s,
		      bool absolute)
{
	uint64_t value = kts_to_ns(&s->value), deadline;
	int err;

	t->ticks = 0;
	t->expired = false;
	t->deadline_ns = 0;
	t->interval_ns = kts_to_ns(&s->interval);
	if (!value)
		return 0;
	err = clock_deadline(t->clock, value, absolute, &deadline);
	if (err)
		return err;
	t->deadline_ns = deadline ? deadline : 1;
	expire_locked(t);
	/* also if it has expired: waiters are to be woken */
	return timer_set(&t->timer, deadline);
}

long sys_timerfd_settime(uint64_t fd, uint64_t flags, uint64_t new_p,
			 uint64_t old_p)
{
	struct user_itimerspec s, old;
	struct timerfd *t;
	struct file *f;
	int err;

	if (copy_from_user(&s, (void *)new_p, sizeof(s)))
		return -EFAULT;
	if (flags & ~(uint64_t)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) ||
	    !kts_is_valid(&s.value) || !kts_is_valid(&s.interval))
		return -EINVAL;
	err = timerfd_get(fd, &f, &t);
	if (err)
		return err;
	timer_cancel(&t->timer);
	mutex_lock(&t->lock);
	read_locked(t, &old);
	err = set_locked(t, &s, flags & TFD_TIMER_ABSTIME);
	mutex_unlock(&t->lock);
	if (!err && old_p && copy_to_user((void *)old_p, &old, sizeof(old)))
		err = -EFAULT;
	file_put(f);
	return err;
}

long sys_timerfd_gettime(uint64_t fd, uint64_t cur_p)
{
	struct user_itimerspec cur;
	struct timerfd *t;
	struct file *f;
	int err = timerfd_get(fd, &f, &t);

	if (err)
		return err;
	mutex_lock(&t->lock);
	read_locked(t, &cur);
	mutex_unlock(&t->lock);
	file_put(f);
	return copy_to_user((void *)cur_p, &cur, sizeof(cur));
}
