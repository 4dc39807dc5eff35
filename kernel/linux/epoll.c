/* SPDX-License-Identifier: MIT */
/*
 * The system calls of epoll; how items and the ready list work stands in
 * epoll_item.c.
 */
#include <linux/eventpoll.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "linux/epoll_priv.h"
#include "linux/poll_items.h"
#include "linux/timeout.h"

#define EXCLUSIVE_OK	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | \
			 EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)
#define NSEC_PER_MSEC	1000000ull

/* --- epoll_ctl ---------------------------------------------------------------------------*/
static int ctl(struct epoll *ep, int op, int fd, struct file *f,
	       const struct epoll_event *e)
{
	struct epitem *it;
	int err = -EINVAL;

	mutex_lock(&ep->lock);
	it = epoll_item_find(ep, f, fd);
	switch (op) {
	case EPOLL_CTL_ADD:
		err = it ? -EEXIST : epoll_item_add(ep, f, fd, e);
		break;
	case EPOLL_CTL_MOD:
		err = it ? epoll_item_modify(it, e) : -ENOENT;
		break;
	case EPOLL_CTL_DEL:
		if (it)
			epoll_item_remove(it);
		err = it ? 0 : -ENOENT;
		break;
	}
	mutex_unlock(&ep->lock);
	return err;
}

static int ctl_check(struct file *epf, struct file *f, int op,
		     const struct epoll_event *e)
{
	if (!f->ops || !f->ops->poll)
		return -EPERM;
	if (epf == f || !epoll_of_file(epf))
		return -EINVAL;
	if (op == EPOLL_CTL_DEL || !(e->events & EPOLLEXCLUSIVE))
		return 0;
	if (op == EPOLL_CTL_MOD || epoll_of_file(f) || e->events & ~EXCLUSIVE_OK)
		return -EINVAL;
	return 0;
}

long sys_epoll_ctl(uint64_t epfd, uint64_t op, uint64_t fd, uint64_t event)
{
	struct epoll_event e = { 0 };
	struct file *epf, *f;
	bool counted;
	int err;

	if ((int)op != EPOLL_CTL_DEL &&
	    copy_from_user(&e, (const void *)event, sizeof(e)))
		return -EFAULT;
	epf = fd_borrow((int)epfd, &counted);
	if (!epf)
		return -EBADF;
	f = fd_get((int)fd);
	err = f ? ctl_check(epf, f, (int)op, &e) : -EBADF;
	if (!err)
		err = ctl(epoll_of_file(epf), (int)op, (int)fd, f, &e);
	file_put(f);
	fd_return(epf, counted);
	return err;
}

/* --- epoll_wait ----------------------------------------------------------------------*/
/* Take up to max events. Returns how many, or -EFAULT. */
static int take_events(struct epoll *ep, struct epoll_event *out, int max)
{
	uint32_t budget;
	int n = 0;

	mutex_lock(&ep->lock);
	budget = __atomic_load_n(&ep->nr_ready, __ATOMIC_RELAXED);
	while (n < max && budget--) {
		struct epitem *it = epoll_ready_pop(ep);
		struct epoll_event e;

		if (!it)
			break;
		e.events = epoll_item_poll(it, NULL);
		e.data = it->data;
		if (!e.events)
			continue;
		if (copy_to_user(&out[n], &e, sizeof(e))) {
			epoll_ready_add(it, true);
			n = n ? n : -EFAULT;
			break;
		}
		n++;
		if (it->events & EPOLLONESHOT)
			__atomic_store_n(&it->events,
					 it->events & EPOLL_PRIVATE_BITS,
					 __ATOMIC_RELAXED);
		else if (!(it->events & EPOLLET))
			epoll_ready_add(it, false);
	}
	mutex_unlock(&ep->lock);
	if (epoll_has_ready(ep))
		wait_wake(&ep->wait, 1, EPOLLIN);
	return n;
}

static int sleep_until_ready(struct epoll *ep, uint64_t deadline)
{
	struct waiter w = { .task = current_task(), .exclusive = true };
	int err = 0;

	wait_add(&w, &ep->wait, NULL);
	while (!epoll_has_ready(ep) && !err)
		err = wait_sleep(&w, deadline, true);
	wait_end(&w);
	return err;
}

static int wait_events(struct epoll *ep, struct epoll_event *out, int max,
		       uint64_t deadline)
{
	int err = 0;

	for (;;) {
		int n = epoll_has_ready(ep) ? take_events(ep, out, max) : 0;

		if (n)
			return n;
		if (err || !deadline)
			return err == -ETIMEDOUT ? 0 : err;
		err = sleep_until_ready(ep, deadline);
	}
}

static long epoll_wait_until(uint64_t epfd, uint64_t events, uint64_t max,
			     uint64_t deadline)
{
	int nr = (int)max;
	struct file *f;
	bool counted;
	long ret;

	if (nr <= 0 || nr > (int)(INT32_MAX / sizeof(struct epoll_event)))
		return -EINVAL;
	if (!user_range_ok((void *)events, max * sizeof(struct epoll_event)))
		return -EFAULT;
	f = fd_borrow((int)epfd, &counted);
	if (!f)
		return -EBADF;
	ret = epoll_of_file(f) ? wait_events(epoll_of_file(f), (void *)events, nr,
					deadline) : -EINVAL;
	fd_return(f, counted);
	return ret;
}

static uint64_t deadline_ms(uint64_t timeout)
{
	int32_t ms = (int32_t)timeout;

	return ms < 0 ? DEADLINE_NEVER :
	       deadline_in((uint64_t)ms * NSEC_PER_MSEC);
}

long sys_epoll_wait(uint64_t epfd, uint64_t events, uint64_t max,
		    uint64_t timeout)
{
	return epoll_wait_until(epfd, events, max, deadline_ms(timeout));
}

static long pwait(uint64_t epfd, uint64_t events, uint64_t max,
		  uint64_t deadline, uint64_t mask, uint64_t mask_size)
{
	long ret = temp_mask_begin(mask, mask_size);

	if (ret)
		return ret;
	ret = epoll_wait_until(epfd, events, max, deadline);
	temp_mask_end(ret == -EINTR);
	return ret;
}

long sys_epoll_pwait(uint64_t epfd, uint64_t events, uint64_t max,
		     uint64_t timeout, uint64_t mask, uint64_t mask_size)
{
	return pwait(epfd, events, max, deadline_ms(timeout), mask, mask_size);
}

long sys_epoll_pwait2(uint64_t epfd, uint64_t events, uint64_t max,
		      uint64_t timeout, uint64_t mask, uint64_t mask_size)
{
	uint64_t deadline;
	int err = user_deadline_get(timeout, &deadline);

	return err ? err :
	       pwait(epfd, events, max, deadline, mask, mask_size);
}

/* --- creation -------------------------------------------------------------------------*/
long sys_epoll_create1(uint64_t flags)
{
	struct file *f;
	int fd;

	if (flags & ~(uint64_t)EPOLL_CLOEXEC)
		return -EINVAL;
	f = epoll_file_create();
	if (!f)
		return -ENOMEM;
	fd = fd_install(f, flags & EPOLL_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_epoll_create(uint64_t size)
{
	return (int)size <= 0 ? -EINVAL : sys_epoll_create1(0);
}
