/* SPDX-License-Identifier: MIT */
/*
 * Pipes and FIFOs: creation, opening, reading, writing, polling.
 *
 * A small write and read cost one lock each and no allocation. Wakers look at
 * the wait queues while they hold the pipe's lock; sleepers enqueue under the
 * same lock after they found nothing to do, and pollers look at the state
 * under it after they enqueued. So a waker that sees an empty queue came
 * before the sleeper's look, and nobody sleeps over an event.
 *
 * Sleepers are exclusive: one is woken, and whoever leaves data (or room)
 * behind wakes the next, also when he gives up because of a signal.
 */
#include "fs/pipe_priv.h"

#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <asm/ioctls.h>

#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/page.h"
#include "core/panic.h"
#include "lib/string.h"

#define RING_FIRST	PAGE_SIZE	/* what a pipe starts with */
#define HEADER		4u		/* length in front of a packet */
#define CACHE_MAX	8u

static const struct file_ops pipe_fops;

/* Rings of the default capacity, kept for the next pipe that needs one. */
static struct {
	struct mutex lock;
	char *ring[CACHE_MAX];
	uint32_t nr;
} ring_cache = { .lock = MUTEX_INIT };

static uint32_t order_of(uint32_t size)
{
	return (uint32_t)__builtin_ctz(size) - PAGE_SHIFT;
}

static char *ring_alloc(uint32_t size)
{
	char *r = NULL;

	if (size == PIPE_CAPACITY) {
		mutex_lock(&ring_cache.lock);
		if (ring_cache.nr)
			r = ring_cache.ring[--ring_cache.nr];
		mutex_unlock(&ring_cache.lock);
	}
	return r ? r : page_alloc_program(order_of(size), false);
}

static void ring_free(char *ring, uint32_t size)
{
	bool kept = false;

	if (!ring)
		return;
	if (size == PIPE_CAPACITY) {
		mutex_lock(&ring_cache.lock);
		if (ring_cache.nr < CACHE_MAX) {
			ring_cache.ring[ring_cache.nr++] = ring;
			kept = true;
		}
		mutex_unlock(&ring_cache.lock);
	}
	if (!kept)
		page_free(ring, order_of(size));
}

uint32_t pipe_free_piece(struct pipe *p, char **mem)
{
	uint32_t at = p->head & (p->size - 1);
	uint32_t room = p->size - pipe_used(p);

	*mem = p->ring + at;
	return MIN(room, p->size - at);
}

uint32_t pipe_data_piece(struct pipe *p, char **mem)
{
	uint32_t at = p->tail & (p->size - 1);

	*mem = p->ring + at;
	return MIN(pipe_used(p), p->size - at);
}

/* Move the contents to a ring of another size. */
static bool resize_ring(struct pipe *p, uint32_t size)
{
	char *ring = ring_alloc(size), *mem;
	uint32_t used = pipe_used(p), done = 0;

	assert(used <= size);
	if (!ring)
		return false;
	while (done < used) {
		uint32_t n = pipe_data_piece(p, &mem);

		memcpy(ring + done, mem, n);
		p->tail += n;
		done += n;
	}
	ring_free(p->ring, p->size);
	p->ring = ring;
	p->size = size;
	p->tail = 0;
	p->head = used;
	return true;
}

bool pipe_reserve(struct pipe *p, size_t n)
{
	uint32_t used = pipe_used(p), want;

	if (!used)
		p->head = p->tail = 0;	/* stay in the first page */
	if (likely(used + n <= p->size) || p->size == p->capacity)
		return true;
	/* the ring of one that was made larger need not be the first */
	want = used + n <= RING_FIRST ? RING_FIRST : p->capacity;
	return resize_ring(p, want) || p->size;
}

int pipe_sleep(struct pipe *p, struct waitq *q)
{
	struct waiter w = { .task = current_task(), .exclusive = true };
	int err;

	wait_add(&w, q, NULL);
	mutex_unlock(&p->lock);
	err = wait_sleep(&w, DEADLINE_NEVER, true);
	wait_remove(&w);
	mutex_lock(&p->lock);
	return err == -EINTR ? -ERESTARTSYS : 0;
}

void pipe_wake_readers(struct pipe *p)
{
	if (!waitq_is_empty(&p->read_wait))
		wait_wake(&p->read_wait, 1, EPOLLIN);
	if (!waitq_is_empty(&p->read_poll))
		wait_wake_all(&p->read_poll, EPOLLIN | EPOLLRDNORM);
}

void pipe_unlock_and_wake(struct pipe *p, bool came, uint32_t room_before)
{
	uint32_t used = pipe_used(p), room = pipe_room(p);
	/* As poll: a writer can go on when an atomic write fits. */
	bool has_room = room >= PIPE_BUF_BYTES;

	/*
	 * The woken need the lock: give it up first. Whoever sleeps or polls
	 * now enqueued before he last looked, that is before our change.
	 */
	mutex_unlock(&p->lock);
	if (used && !waitq_is_empty(&p->read_wait))
		wait_wake(&p->read_wait, 1, EPOLLIN);
	if (came && !waitq_is_empty(&p->read_poll))
		wait_wake_all(&p->read_poll, EPOLLIN | EPOLLRDNORM);
	if (has_room && !waitq_is_empty(&p->write_wait))
		wait_wake(&p->write_wait, 1, EPOLLOUT);
	if (has_room && room_before < PIPE_BUF_BYTES &&
	    !waitq_is_empty(&p->write_poll))
		wait_wake_all(&p->write_poll, EPOLLOUT | EPOLLWRNORM);
}

/* --- read --------------------------------------------------------------------*/

/* Move up to n bytes out. Returns bytes moved, less at a bad address. */
static size_t take_bytes(struct pipe *p, struct uio *u, size_t n)
{
	size_t done = 0;

	while (done < n) {
		char *mem;
		size_t len = pipe_data_piece(p, &mem), got;

		len = MIN(len, n - done);
		got = uio_fill(u, mem, len);
		p->tail += (uint32_t)got;
		done += got;
		if (got < len)
			break;
	}
	return done;
}

static void peek_header(struct pipe *p, uint32_t *len)
{
	for (uint32_t i = 0; i < HEADER; i++)
		((char *)len)[i] = p->ring[(p->tail + i) & (p->size - 1)];
}

/* One packet; what does not fit is lost. */
static ssize_t take_packet(struct pipe *p, struct uio *u)
{
	uint32_t len, end;
	size_t n, got;

	peek_header(p, &len);
	p->tail += HEADER;
	end = p->tail + len;
	n = MIN(len, u->left);
	got = take_bytes(p, u, n);
	p->tail = end;
	return got < n ? -EFAULT : (ssize_t)got;
}

static ssize_t pipe_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct pipe *p = f->private;
	ssize_t ret = 0;
	uint32_t room;

	if (!u->left)
		return 0;
	mutex_lock(&p->lock);
	room = pipe_room(p);
	while (!pipe_used(p)) {
		if (!p->writers)
			goto out;
		ret = f->flags & O_NONBLOCK ? -EAGAIN :
		      pipe_sleep(p, &p->read_wait);
		if (ret)
			goto out;
	}
	room = pipe_room(p);
	if (p->packets) {
		ret = take_packet(p, u);
	} else {
		ret = (ssize_t)take_bytes(p, u, MIN(u->left, pipe_used(p)));
		if (!ret)
			ret = -EFAULT;
	}
out:
	pipe_unlock_and_wake(p, false, room);
	return ret;
}

/* --- write -------------------------------------------------------------------*/

static size_t put_bytes(struct pipe *p, struct uio *u, size_t n)
{
	size_t done = 0;

	while (done < n) {
		char *mem;
		size_t len = pipe_free_piece(p, &mem), got;

		len = MIN(len, n - done);
		if (!len)
			break;
		got = uio_drain(u, mem, len);
		p->head += (uint32_t)got;
		done += got;
		if (got < len)
			break;
	}
	return done;
}

/* One packet of at most PIPE_BUF_BYTES; the room was checked. */
static size_t put_packet(struct pipe *p, struct uio *u, size_t n)
{
	uint32_t start = p->head, len;
	size_t got;

	p->head += HEADER;
	got = put_bytes(p, u, n);
	if (!got) {
		p->head = start;
		return 0;
	}
	len = (uint32_t)got;
	for (uint32_t i = 0; i < HEADER; i++)
		p->ring[(start + i) & (p->size - 1)] = ((char *)&len)[i];
	return got;
}

/*
 * Put what fits of the rest of a write; atomic: all or nothing. Returns bytes,
 * 0 = no room, or -errno.
 */
static ssize_t write_some(struct pipe *p, struct uio *u, bool atomic)
{
	size_t n = u->left, room = pipe_room(p), got;
	size_t header = p->packets ? HEADER : 0;

	if (p->packets) {
		n = MIN(n, PIPE_BUF_BYTES);
		/* a packet with its header may just not fit a tiny pipe */
		if (n + HEADER > p->capacity)
			n = p->capacity - HEADER;
		if (room < n + HEADER)
			return 0;
	} else if (n > room) {
		if (atomic || !room)
			return 0;
		n = room;
	}
	if (!pipe_reserve(p, n + header))
		return -ENOMEM;
	/* less than that where memory is short */
	room = p->size - pipe_used(p);
	if (room < (atomic || p->packets ? n + header : 1))
		return -ENOMEM;
	n = MIN(n, room - header);
	got = p->packets ? put_packet(p, u, n) : put_bytes(p, u, n);
	return got ? (ssize_t)got : -EFAULT;
}

static ssize_t pipe_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct pipe *p = f->private;
	bool atomic = u->left <= PIPE_BUF_BYTES;
	ssize_t done = 0, ret = 0;
	bool told = true;

	if (!u->left)
		return 0;
	mutex_lock(&p->lock);
	for (;;) {
		if (!p->readers) {
			ret = -EPIPE;
			break;
		}
		ret = write_some(p, u, atomic);
		if (ret < 0)
			break;
		if (ret) {
			done += ret;
			ret = 0;
			told = false;
			if (!u->left)
				break;
			continue;
		}
		if (!told)
			pipe_wake_readers(p);
		told = true;
		ret = f->flags & O_NONBLOCK ? -EAGAIN :
		      pipe_sleep(p, &p->write_wait);
		if (ret)
			break;
	}
	pipe_unlock_and_wake(p, !told, UINT32_MAX);
	return done ? done : ret;
}

/* --- the rest ------------------------------------------------------------------*/

static uint32_t pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->private;
	uint32_t ev = 0;

	if (f->mode & FMODE_READ)
		poll_add(pt, &p->read_poll);
	if (f->mode & FMODE_WRITE)
		poll_add(pt, &p->write_poll);
	mutex_lock(&p->lock);
	if (f->mode & FMODE_READ) {
		if (pipe_used(p))
			ev |= EPOLLIN | EPOLLRDNORM;
		/* f->pos: writers there had been when it was opened */
		if (!p->writers && f->pos != p->w_opens)
			ev |= EPOLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		if (pipe_room(p) >= PIPE_BUF_BYTES)
			ev |= EPOLLOUT | EPOLLWRNORM;
		if (!p->readers)
			ev |= EPOLLERR;
	}
	mutex_unlock(&p->lock);
	return ev;
}

static long pipe_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct pipe *p = f->private;
	uint32_t used;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->lock);
	used = pipe_used(p);
	mutex_unlock(&p->lock);
	return user_store32((uint32_t *)arg, used);
}

static struct pipe *pipe_alloc(bool is_fifo)
{
	struct pipe *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	mutex_init(&p->lock);
	waitq_init(&p->read_wait);
	waitq_init(&p->write_wait);
	waitq_init(&p->read_poll);
	waitq_init(&p->write_poll);
	p->capacity = PIPE_CAPACITY;
	p->is_fifo = is_fifo;
	return p;
}

/* One file less; the last one frees the pipe. */
static void pipe_put_file(struct inode *i, struct pipe *p)
{
	mutex_lock(&i->lock);
	if (--p->nr_files) {
		mutex_unlock(&i->lock);
		return;
	}
	i->attached = NULL;
	mutex_unlock(&i->lock);
	ring_free(p->ring, p->size);
	kfree(p);
}

static void pipe_leave(struct file *f)
{
	struct pipe *p = f->private;

	mutex_lock(&p->lock);
	if (f->mode & FMODE_READ)
		p->readers--;
	if (f->mode & FMODE_WRITE)
		p->writers--;
	if (!p->writers) {
		wait_wake_all(&p->read_wait, EPOLLHUP);
		wait_wake_all(&p->read_poll, EPOLLIN | EPOLLHUP);
	}
	if (!p->readers) {
		wait_wake_all(&p->write_wait, EPOLLERR);
		wait_wake_all(&p->write_poll, EPOLLOUT | EPOLLERR);
	}
	mutex_unlock(&p->lock);
}

static void pipe_release(struct file *f)
{
	pipe_leave(f);
	pipe_put_file(f->inode, f->private);
}

static const struct file_ops pipe_fops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
};

int pipe_create(struct file *out[2], uint32_t flags)
{
	struct pipe *p = pipe_alloc(false);
	struct inode *i;

	if (!p)
		return -ENOMEM;
	flags &= O_NONBLOCK | O_DIRECT;
	out[0] = file_create_anon(&pipe_fops, p, O_RDONLY | flags,
				  S_IFIFO | 0600, NULL);
	if (!out[0])
		goto no_read_end;
	i = out[0]->inode;
	out[1] = file_alloc(i, O_WRONLY | flags, FMODE_WRITE | FMODE_STREAM);
	if (!out[1])
		goto no_write_end;
	inode_get(i);
	out[1]->private = p;
	i->attached = p;
	p->packets = flags & O_DIRECT;
	p->nr_files = 2;
	p->readers = p->writers = p->r_opens = p->w_opens = 1;
	return 0;
no_write_end:
	out[0]->ops = NULL;	/* nothing to release */
	file_put(out[0]);
no_read_end:
	kfree(p);
	return -ENOMEM;
}

/* Wait until the other side has been opened once more. */
static int wait_for_partner(struct pipe *p, const uint32_t *opens)
{
	uint32_t before = *opens;
	int err = 0;

	while (*opens == before && !err) {
		struct waiter w;

		wait_begin(&w, &p->read_wait);
		mutex_unlock(&p->lock);
		err = wait_sleep(&w, DEADLINE_NEVER, true);
		wait_end(&w);
		mutex_lock(&p->lock);
	}
	/* opened in the same moment as the signal came: it counts */
	return *opens != before ? 0 : -ERESTARTSYS;
}

static int fifo_wait(struct pipe *p, struct file *f)
{
	bool nonblock = f->flags & O_NONBLOCK;

	if (!p->is_fifo || (f->mode & FMODE_READ && f->mode & FMODE_WRITE))
		return 0;
	if (f->mode & FMODE_READ) {
		if (p->writers)
			return 0;
		if (nonblock) {
			f->pos = p->w_opens;	/* no HUP until one came */
			return 0;
		}
		return wait_for_partner(p, &p->w_opens);
	}
	if (p->readers)
		return 0;
	return nonblock ? -ENXIO : wait_for_partner(p, &p->r_opens);
}

int fifo_open(struct inode *i, struct file *f)
{
	struct pipe *p;
	int err;

	mutex_lock(&i->lock);
	p = i->attached;
	if (!p)
		p = i->attached = pipe_alloc(true);
	if (!p) {
		mutex_unlock(&i->lock);
		return -ENOMEM;
	}
	p->nr_files++;
	mutex_unlock(&i->lock);

	f->ops = &pipe_fops;
	f->private = p;
	mutex_lock(&p->lock);
	if (f->mode & FMODE_READ) {
		p->readers++;
		p->r_opens++;
	}
	if (f->mode & FMODE_WRITE) {
		p->writers++;
		p->w_opens++;
	}
	wait_wake_all(&p->read_wait, 0);
	err = fifo_wait(p, f);
	mutex_unlock(&p->lock);
	if (err) {
		pipe_leave(f);
		pipe_put_file(i, p);
	}
	return err;
}

struct pipe *pipe_of_file(const struct file *f)
{
	return f->ops != &pipe_fops || f->mode & FMODE_PATH ? NULL : f->private;
}

long pipe_get_size(struct pipe *p)
{
	return p->capacity;
}

long pipe_set_size(struct pipe *p, size_t size, bool privileged)
{
	uint32_t capacity, room;
	int ret = 0;

	if (size > 1u << 31)
		return -EINVAL;
	size = MAX(size, (size_t)PIPE_BUF_BYTES);
	capacity = 1u << (32 - __builtin_clz((uint32_t)size - 1));
	if (capacity > PIPE_CAPACITY_MAX && !privileged)
		return -EPERM;
	mutex_lock(&p->lock);
	room = pipe_room(p);
	if (capacity < pipe_used(p))
		ret = -EBUSY;
	else if (p->size > capacity && !resize_ring(p, capacity))
		ret = -ENOMEM;
	else
		p->capacity = capacity;
	pipe_unlock_and_wake(p, false, room);
	return ret ? ret : (long)capacity;
}
