/* SPDX-License-Identifier: MIT */
/*
 * The standard streams over the file system device. The device never waits: it
 * says -EAGAIN, or is asked by POLL to tell once something is ready. That
 * comes as an event of the control node (control.c), which wakes everybody who
 * waits for any stream; each then asks again.
 *
 * No readiness is lost: a waiter reads `events` before it asks, and sleeps only
 * while that has not changed; the device tells after it was asked.
 */
#include "platform/kvm/stream.h"
#include <linux/fcntl.h>
#include <linux/poll.h>
#include "abi/fs_device.h"
#include "arch/uaccess.h"
#include "core/page.h"
#include "core/wait.h"
#include "drv/virtio/fs.h"
#include "lib/string.h"
#include "platform/kvm/hostfd.h"
#include "platform/kvm/hostio.h"
#include "platform/platform.h"

#define NR_STREAMS	3u
#define BOUNCE_ORDER	4u	/* 64 KiB */

static struct {
	bool nonblock[NR_STREAMS];	/* set once */
	struct waitq wait;
	uint32_t events;	/* atomic: how many have come */
} streams;

/* --- start -------------------------------------------------------------------*/

int stream_open_node(enum fs_special which, bool readable, bool writable,
		     struct hostopen **out)
{
	struct hostfile *f = hostfile_of_node(FS_NODEID_SPECIAL + which,
					      false);

	*out = f ? hostopen_create(f, FS_HANDLE_SPECIAL + which, readable,
				   writable) : NULL;
	if (!*out)
		return -ENOMEM;
	(*out)->is_stream = true;
	return 0;
}

int stream_start(const struct abi_boot *boot)
{
	int err = 0;

	waitq_init(&streams.wait);
	for (uint32_t i = 0; i < NR_STREAMS && !err; i++) {
		const struct abi_stdio *s = &boot->stdio[i];
		uint32_t acc = s->open_flags & O_ACCMODE;
		struct hostopen *o;

		if (s->kind == ABI_STDIO_CLOSED)
			continue;
		streams.nonblock[i] = s->open_flags & O_NONBLOCK;
		err = stream_open_node(FS_STDIN + i, acc != O_WRONLY,
				       acc != O_RDONLY, &o);
		if (!err)
			err = hostfd_set((int)i, o);
	}
	return err;
}

/* --- transfers ---------------------------------------------------------------*/

static char *bounce_get(size_t n, uint32_t *order)
{
	char *p;

	*order = 0;
	while (*order < BOUNCE_ORDER && PAGE_SIZE << *order < n)
		++*order;
	p = page_alloc(*order, false);
	if (p || !*order)
		return p;
	*order = 0;
	return page_alloc(0, false);
}

/* After -EAGAIN. Returns 0 (try again), -EAGAIN or -EINTR. */
static int wait_ready(uint32_t fd, short events)
{
	struct plat_pollfd p = { (int)fd, events, 0 };
	int r;

	if (fd >= NR_STREAMS || streams.nonblock[fd])
		return -EAGAIN;
	r = plat_fd_poll(&p, 1, DEADLINE_NEVER);
	return MIN(r, 0);
}

ssize_t stream_read(struct hostopen *o, uint32_t fd, void *buf, size_t n)
{
	uint32_t order;
	char *b = bounce_get(n, &order);
	ssize_t r;

	if (!b)
		return -ENOMEM;
	n = MIN(n, PAGE_SIZE << order);
	do {
		r = host_fetch(o, b, n, FS_STREAM_POSITION);
		if (r != -EAGAIN)
			break;
		r = wait_ready(fd, POLLIN);
	} while (!r);
	if (r > 0 && host_buffer_is_user(buf)) {
		size_t got = copy_to_user_partial(buf, b, (size_t)r);

		r = got ? (ssize_t)got : -EFAULT;
	} else if (r > 0) {
		memcpy(buf, b, (size_t)r);
	}
	page_free(b, order);
	return r;
}

/* All of it, as a write that may wait does. Returns bytes, or -errno. */
static ssize_t write_all(struct hostopen *o, uint32_t fd, const char *p,
			 size_t n)
{
	size_t done = 0;
	ssize_t r = 0;

	while (!r && done < n) {
		r = host_store(o, p + done, n - done, FS_STREAM_POSITION);
		if (r > 0)
			done += (size_t)r;
		if (r == -EAGAIN)
			r = wait_ready(fd, POLLOUT);
		else if (r > 0)
			r = 0;
		else if (!r)
			break;
	}
	return done ? (ssize_t)done : r;
}

ssize_t stream_write(struct hostopen *o, uint32_t fd, const void *buf,
		     size_t n)
{
	const char *from = buf;
	uint32_t order;
	char *b = bounce_get(n, &order);
	size_t done = 0;
	ssize_t r = b ? 0 : -ENOMEM;

	while (!r && done < n) {
		size_t len = MIN(n - done, PAGE_SIZE << order);

		if (host_buffer_is_user(buf))
			len = copy_from_user_partial(b, from + done, len);
		else
			memcpy(b, from + done, len);
		r = len ? write_all(o, fd, b, len) : -EFAULT;
		if (r <= 0)
			break;
		done += (size_t)r;
		r = (size_t)r < len ? -EINTR : 0;
	}
	page_free(b, order);
	return done ? (ssize_t)done : r;
}

/* --- readiness ---------------------------------------------------------------*/

void stream_ready(void)
{
	/* Partner: the load before asking, in plat_fd_poll. */
	__atomic_fetch_add(&streams.events, 1, __ATOMIC_SEQ_CST);
	wait_wake_all(&streams.wait, 0);
}

/* Ask the device; arm: it tells when something is ready that is not now. */
static int ask(struct plat_pollfd *p, bool arm)
{
	struct hostopen *o = hostfd_get(p->fd);
	struct fuse_msg m = { .opcode = FUSE_POLL };
	struct fuse_poll_in in = {
		.flags = arm ? FUSE_POLL_SCHEDULE_NOTIFY : 0,
		.events = (uint16_t)p->events,
	};
	struct fuse_poll_out out = { 0 };
	int err;

	if (!o) {
		p->revents = POLLNVAL;
		return 0;
	}
	in.fh = o->fh;
	m.nodeid = hostopen_nodeid(o);
	fuse_send(&m, &in, sizeof(in));
	fuse_receive(&m, &out, sizeof(out));
	err = fuse_call_exact(&m);
	hostopen_put(o);
	p->revents = err ? POLLERR : (short)out.revents;
	return err;
}

static int ask_all(struct plat_pollfd *p, uint32_t n, bool arm)
{
	int ready = 0;

	for (uint32_t i = 0; i < n; i++) {
		p[i].revents = 0;
		if (p[i].fd < 0)
			continue;
		(void)!ask(&p[i], arm);
		ready += p[i].revents != 0;
	}
	return ready;
}

int plat_fd_poll(struct plat_pollfd *p, uint32_t n, uint64_t deadline_ns)
{
	struct waiter w;
	int r, err = 0;

	if (!deadline_ns)
		return ask_all(p, n, false);
	wait_begin(&w, &streams.wait);
	for (;;) {
		uint32_t seen = __atomic_load_n(&streams.events,
						__ATOMIC_SEQ_CST);

		r = ask_all(p, n, true);
		while (!r && !err && seen == __atomic_load_n(&streams.events,
							     __ATOMIC_SEQ_CST))
			err = wait_sleep(&w, deadline_ns, true);
		if (r || err)
			break;
	}
	wait_end(&w);
	if (r)
		return r;
	return err == -ETIMEDOUT ? 0 : err;
}
