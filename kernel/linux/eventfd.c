/* SPDX-License-Identifier: MIT */
/*
 * eventfd: a 64-bit counter with a wait queue. Writing adds, reading takes
 * all of it, or one with EFD_SEMAPHORE.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <gen/syscalls.h>
#include "core/heap.h"
#include "linux/aio.h"
#include "linux/process.h"

/* Not in the UAPI headers of older systems. */
#define EFD_SEMAPHORE 1u

struct eventfd {
	struct mutex lock;
	struct waitq wait;
	bool semaphore;		/* set once */
	uint64_t count;		/* under lock */
};

/* One try. Returns true and the value taken. */
static bool try_take(struct eventfd *e, uint64_t *v)
{
	bool ok;

	mutex_lock(&e->lock);
	ok = e->count > 0;
	if (ok) {
		*v = e->semaphore ? 1 : e->count;
		e->count -= *v;
	}
	mutex_unlock(&e->lock);
	return ok;
}

static bool try_add(struct eventfd *e, uint64_t v)
{
	bool ok;

	mutex_lock(&e->lock);
	ok = UINT64_MAX - e->count > v;
	if (ok)
		e->count += v;
	mutex_unlock(&e->lock);
	return ok;
}

static ssize_t eventfd_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct eventfd *e = f->private;
	struct waiter w;
	uint64_t v;
	bool got;
	int err = 0;

	if (u->left < sizeof(v))
		return -EINVAL;
	got = try_take(e, &v);
	if (!got) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		wait_begin(&w, &e->wait);
		while (!(got = try_take(e, &v)) && !err)
			err = wait_sleep(&w, DEADLINE_NEVER, true);
		wait_end(&w);
		if (!got)
			return -ERESTARTSYS;
	}
	wait_wake_all(&e->wait, EPOLLOUT);
	return uio_fill(u, &v, sizeof(v)) == sizeof(v) ? (ssize_t)sizeof(v) :
	       -EFAULT;
}

static ssize_t eventfd_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct eventfd *e = f->private;
	struct waiter w;
	uint64_t v;
	bool done;
	int err = 0;

	if (u->left < sizeof(v))
		return -EINVAL;
	if (uio_drain(u, &v, sizeof(v)) != sizeof(v))
		return -EFAULT;
	if (v == UINT64_MAX)
		return -EINVAL;
	done = try_add(e, v);
	if (!done) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		wait_begin(&w, &e->wait);
		while (!(done = try_add(e, v)) && !err)
			err = wait_sleep(&w, DEADLINE_NEVER, true);
		wait_end(&w);
		if (!done)
			return -ERESTARTSYS;
	}
	wait_wake_all(&e->wait, EPOLLIN);
	return sizeof(v);
}

static uint32_t eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->private;
	uint64_t n;

	poll_add(pt, &e->wait);
	n = __atomic_load_n(&e->count, __ATOMIC_ACQUIRE);
	return (n > 0 ? EPOLLIN : 0) | (n == UINT64_MAX ? EPOLLERR : 0) |
	       (n < UINT64_MAX - 1 ? EPOLLOUT : 0);
}

static void eventfd_release(struct file *f)
{
	kfree(f->private);
}

static const struct file_ops eventfd_ops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
};

bool eventfd_is(const struct file *f)
{
	return f->ops == &eventfd_ops;
}

void eventfd_signal(struct file *f)
{
	struct eventfd *e = f->private;

	/* one further than writers get: poll tells that as EPOLLERR */
	mutex_lock(&e->lock);
	e->count += e->count != UINT64_MAX;
	mutex_unlock(&e->lock);
	wait_wake_all(&e->wait, EPOLLIN);
}

long sys_eventfd2(uint64_t count, uint64_t flags)
{
	struct eventfd *e;
	struct file *f;
	int fd;

	if (flags & ~(uint64_t)(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	e = kzalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	mutex_init(&e->lock);
	waitq_init(&e->wait);
	e->count = (uint32_t)count;
	e->semaphore = flags & EFD_SEMAPHORE;
	f = file_create_anon(&eventfd_ops, e, O_RDWR | (flags & O_NONBLOCK),
			     0600, "[eventfd]");
	if (!f) {
		kfree(e);
		return -ENOMEM;
	}
	fd = fd_install(f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_eventfd(uint64_t count)
{
	return sys_eventfd2(count, 0);
}
