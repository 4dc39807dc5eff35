/* SPDX-License-Identifier: MIT */
/* The loop of a device thread, see loop.h. */
#include "dev/loop.h"
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 16

int dev_loop_init(struct dev_loop *l, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };

	l->stop = false;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epoll >= 0 && l->wake >= 0 &&
	    !epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &ev))
		return 0;
	err_set(e, errno, "making a device thread's event loop: %s",
		strerror(errno));
	dev_loop_fini(l);
	return -e->code;
}

void dev_loop_fini(struct dev_loop *l)
{
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->wake >= 0)
		close(l->wake);
	l->epoll = l->wake = -1;
}

int dev_loop_watch(struct dev_loop *l, struct dev_source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	/* Removed, not masked: a hang-up would be told for ever. */
	if (!events) {
		if (!epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->fd, NULL) ||
		    errno == ENOENT)
			return 0;
		return -errno;
	}
	if (!epoll_ctl(l->epoll, EPOLL_CTL_MOD, s->fd, &ev))
		return 0;
	if (errno == ENOENT &&
	    !epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &ev))
		return 0;
	return -errno;
}

int dev_loop_add(struct dev_loop *l, struct dev_source *s, uint32_t events,
		 struct err *e)
{
	int err = dev_loop_watch(l, s, events ? events : EPOLLIN);

	if (!err && !events)
		err = dev_loop_watch(l, s, 0);
	if (err)
		err_set(e, -err, "watching descriptor %d of a device: %s",
			s->fd, strerror(-err));
	return err;
}

static void doorbell_rang(void *arg, uint32_t events)
{
	static const uint64_t one = 1;
	struct dev_doorbell *b = arg;
	uint64_t count;

	if (read(b->source.fd, &count, sizeof(count)) < 0)
		return;
	/* an eventfd of ours takes a 1 always: its count was just cleared */
	if (virtio_dev_kick(b->dev, b->queue) &&
	    write(b->source.fd, &one, sizeof(one)) < 0)
		return;
}

int dev_loop_add_doorbell(struct dev_loop *l, struct dev_doorbell *b, int fd,
			  struct virtio_dev *dev, uint32_t queue,
			  struct err *e)
{
	b->source = (struct dev_source){ fd, doorbell_rang, b };
	b->dev = dev;
	b->queue = queue;
	return dev_loop_add(l, &b->source, EPOLLIN, e);
}

bool dev_loop_step(struct dev_loop *l, int timeout_ms)
{
	struct epoll_event ev[EVENTS_AT_ONCE];
	int n = epoll_wait(l->epoll, ev, EVENTS_AT_ONCE, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct dev_source *s = ev[i].data.ptr;

		if (s)
			s->fn(s->arg, ev[i].events);
	}
	return !__atomic_load_n(&l->stop, __ATOMIC_ACQUIRE);
}

void dev_loop_run(struct dev_loop *l)
{
	while (dev_loop_step(l, -1))
		;
}

void dev_loop_stop(struct dev_loop *l)
{
	static const uint64_t one = 1;

	__atomic_store_n(&l->stop, true, __ATOMIC_RELEASE);
	/* full counter: it is readable already, so the loop wakes */
	if (write(l->wake, &one, sizeof(one)) < 0)
		return;
}
