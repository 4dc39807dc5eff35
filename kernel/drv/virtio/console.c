/* SPDX-License-Identifier: MIT */
/*
 * virtio-console as /dev/hvc0: bytes in and out, without a line discipline.
 * One page for each direction; a reader or writer waits for the device by
 * itself. The interrupt notifies a service, which wakes them.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include "core/page.h"
#include "core/service.h"
#include "core/wait.h"
#include "drv/virtio/virtio.h"
#include "fs/uio.h"
#include "fs/vfs.h"
#include "platform/kvm/spin.h"

#define MAJOR_HVC	229u
#define QUEUE_SIZE	8u

enum { QUEUE_IN, QUEUE_OUT, NR_QUEUES };

/* One direction; its page belongs to the device or to us. */
struct direction {
	struct mutex lock;	/* one transfer at a time */
	char *page;
	size_t at, len;		/* input not taken yet; under lock */
	bool with_device;	/* under ring_lock */
	uint32_t written;	/* likewise */
};

static struct {
	/* set once */
	struct virtio *v;
	struct waitq wait;
	struct direction dir[NR_QUEUES];
	/* under ring_lock */
	struct spinlock ring_lock;
	struct virtq queue[NR_QUEUES];
} console;

/* --- the rings ---------------------------------------------------------------*/

static bool give_page(uint32_t which, size_t len)
{
	struct direction *d = &console.dir[which];
	struct virtq *q = &console.queue[which];
	struct virtq_seg seg = { d->page, (uint32_t)len };
	uint64_t flags = spin_lock_irq(&console.ring_lock);
	bool notify = false;
	int err;

	err = virtq_add(q, &seg, which == QUEUE_OUT, which == QUEUE_IN, NULL,
			d);
	if (!err) {
		d->with_device = true;
		notify = virtq_publish(q);
	}
	spin_unlock_irq(&console.ring_lock, flags);
	if (notify)
		virtio_notify(console.v, which);
	return !err;
}

/* Take the page back if the device is done. Returns true if it is ours. */
static bool have_page(uint32_t which)
{
	struct direction *d = &console.dir[which];
	struct virtq *q = &console.queue[which];
	uint64_t flags = spin_lock_irq(&console.ring_lock);
	const char *broken;
	uint32_t written;
	bool ours;

	do {
		if (d->with_device && virtq_take(q, &written)) {
			d->with_device = false;
			d->written = written;
		}
	} while (d->with_device && virtq_irq_on(q));
	ours = !d->with_device;
	broken = q->broken;
	spin_unlock_irq(&console.ring_lock, flags);
	if (broken)
		virtio_fail(console.v, broken);
	return ours;
}

/* Wait queues take a sleeping lock, so a task wakes those who wait. */
static uint64_t wake_all(struct service *s, uint32_t bits)
{
	wait_wake_all(&console.wait, EPOLLIN | EPOLLOUT);
	return DEADLINE_NEVER;
}

static struct service console_service = { .name = "hvc", .turn = wake_all };

static void console_irq(struct virtio *v)
{
	service_notify(&console_service, 1);
}

/* --- the file ----------------------------------------------------------------*/

/* Returns 0 when the page is ours, -EIO, -EAGAIN or -ERESTARTSYS. */
static int await_page(uint32_t which, bool nonblock)
{
	struct waiter w;
	int err = 0;

	wait_begin(&w, &console.wait);
	while (!err && !have_page(which)) {
		if (virtio_is_failed(console.v))
			err = -EIO;
		else if (nonblock)
			err = -EAGAIN;
		else if (wait_sleep(&w, DEADLINE_NEVER, true))
			err = -ERESTARTSYS;
	}
	wait_end(&w);
	return err;
}

static ssize_t console_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct direction *d = &console.dir[QUEUE_IN];
	ssize_t n;

	if (!u->left)
		return 0;
	mutex_lock(&d->lock);
	n = d->at < d->len ? 0 :
	    await_page(QUEUE_IN, f->flags & O_NONBLOCK);
	if (!n && d->at == d->len) {
		d->at = 0;
		d->len = d->written;
	}
	if (!n)
		n = (ssize_t)uio_fill(u, d->page + d->at, d->len - d->at);
	if (n > 0)
		d->at += (size_t)n;
	else if (!n)
		n = -EFAULT;
	if (d->at == d->len && n > 0)
		give_page(QUEUE_IN, PAGE_SIZE);
	mutex_unlock(&d->lock);
	return n;
}

static ssize_t console_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct direction *d = &console.dir[QUEUE_OUT];
	ssize_t done = 0;
	int err = 0;

	mutex_lock(&d->lock);
	while (!err && u->left) {
		size_t n;

		err = await_page(QUEUE_OUT, f->flags & O_NONBLOCK);
		if (err)
			break;
		n = uio_drain(u, d->page, MIN(u->left, PAGE_SIZE));
		if (!n)
			err = -EFAULT;
		else if (!give_page(QUEUE_OUT, n))
			err = -EIO;
		else
			done += (ssize_t)n;
	}
	mutex_unlock(&d->lock);
	return done ? done : err;
}

static uint32_t console_poll(struct file *f, struct poll_table *pt)
{
	struct direction *in = &console.dir[QUEUE_IN];
	uint32_t ready = 0;

	poll_add(pt, &console.wait);
	if (have_page(QUEUE_OUT))
		ready |= EPOLLOUT | EPOLLWRNORM;
	if (in->at < in->len || have_page(QUEUE_IN))
		ready |= EPOLLIN | EPOLLRDNORM;
	if (virtio_is_failed(console.v))
		ready |= EPOLLHUP | EPOLLERR;
	return ready;
}

static const struct file_ops console_fops = {
	.read = console_read,
	.write = console_write,
	.poll = console_poll,
};

static int console_open(struct inode *i, struct file *f)
{
	f->ops = &console_fops;
	return 0;
}

static int console_probe(struct virtio *v)
{
	int err = 0;

	if (console.v)
		return -EBUSY;	/* /dev/hvc0 only */
	waitq_init(&console.wait);
	for (uint32_t i = 0; i < NR_QUEUES && !err; i++) {
		mutex_init(&console.dir[i].lock);
		console.dir[i].page = page_alloc(0, false);
		err = console.dir[i].page ?
		      virtio_queue_init(v, i, &console.queue[i], QUEUE_SIZE) :
		      -ENOMEM;
	}
	if (!err)
		err = service_start(&console_service);
	if (!err)
		err = chrdev_register(MAJOR_HVC, 0, 1, console_open);
	if (!err)
		err = devfs_add("hvc0", S_IFCHR | 0600,
				dev_make(MAJOR_HVC, 0));
	if (err)
		return err;
	console.v = v;
	virtio_ready(v);
	give_page(QUEUE_IN, PAGE_SIZE);
	return 0;
}

const struct virtio_driver virtio_console_driver = {
	.name = "console",
	.type = VIRTIO_ID_CONSOLE,
	.probe = console_probe,
	.irq = console_irq,
	.failed = console_irq,
};
