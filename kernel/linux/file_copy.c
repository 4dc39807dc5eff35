/* SPDX-License-Identifier: MIT */
/*
 * sendfile, copy_file_range, splice, vmsplice, tee: moving bytes between two
 * descriptors. All of them copy through a kernel buffer. A source with a
 * position is advanced only by what arrived at the destination; from a stream
 * nothing is taken before the destination is ready, and what was taken is
 * delivered whole, so nothing is lost.
 */
#include <linux/fcntl.h>
#include <linux/eventpoll.h>
#include <linux/stat.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "fs/pipe.h"
#include "linux/file_rw.h"
#include "linux/process.h"

#define COPY_CHUNK 32768u
#define EV_READ (EPOLLIN | EPOLLHUP | EPOLLERR)
#define EV_WRITE (EPOLLOUT | EPOLLHUP | EPOLLERR)
#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_ALL 0xfu

struct copy {
	struct file *in, *out;
	uint64_t *in_pos, *out_pos;	/* NULL: a stream */
	bool nonblock;
};

/* One-task wait on a file's queues. */
struct event_wait {
	struct poll_table pt;
	struct waiter w[4];
	uint32_t nr;
};

static void event_add(struct poll_table *pt, struct waitq *q)
{
	struct event_wait *e = container_of(pt, struct event_wait, pt);

	if (e->nr < ARRAY_LEN(e->w))
		wait_begin(&e->w[e->nr++], q);
}

/* Wait until f reports one of the events. Returns 0 or -ERESTARTSYS. */
static int wait_events(struct file *f, uint32_t events)
{
	struct event_wait e = { .pt.add = event_add };
	int err = 0;

	if (file_poll(f, &e.pt) & events || !e.nr)
		goto out;
	do {
		err = task_park(DEADLINE_NEVER, true);
	} while (!err && !(file_poll(f, NULL) & events));
out:
	for (uint32_t i = 0; i < e.nr; i++)
		wait_end(&e.w[i]);
	return err ? -ERESTARTSYS : 0;
}

static int ready(struct copy *c, struct file *f, uint32_t events)
{
	if (!(f->mode & FMODE_STREAM) || file_poll(f, NULL) & events)
		return 0;
	if (c->nonblock || f->flags & O_NONBLOCK)
		return -EAGAIN;
	return wait_events(f, events);
}

static ssize_t move_kernel(struct file *f, void *buf, size_t n, uint64_t *pos,
			   bool write)
{
	struct kiovec v;
	struct uio u;

	uio_init(&u, &v, buf, n, false);
	return write ? rw_write(f, &u, pos) : rw_read(f, &u, pos);
}

/* Write all of buf; from a stream the rest must not get lost. */
static ssize_t deliver(struct copy *c, char *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = move_kernel(c->out, buf + done, n - done,
					c->out_pos, true);

		if (r > 0) {
			done += (size_t)r;
			continue;
		}
		if (r == -EAGAIN && (!c->in_pos || done))
			r = c->in_pos ? r : wait_events(c->out, EV_WRITE);
		if (r)
			return done ? (ssize_t)done : r;
	}
	return (ssize_t)done;
}

/* Move one buffer's worth. Returns bytes, 0 at the end, -errno. */
static ssize_t copy_step(struct copy *c, char *buf, size_t n)
{
	uint64_t pos = c->in_pos ? *c->in_pos : 0;
	ssize_t got, put;

	put = ready(c, c->out, EV_WRITE);
	if (put)
		return put;
	got = ready(c, c->in, EV_READ);
	if (got)
		return got;
	got = move_kernel(c->in, buf, n, c->in_pos ? &pos : NULL, false);
	if (got <= 0)
		return got;
	put = deliver(c, buf, (size_t)got);
	if (put > 0 && c->in_pos)
		*c->in_pos += (uint64_t)put;
	return put;
}

/* `once`: a stream's first piece is enough, as read(2). */
static ssize_t copy_run(struct copy *c, size_t len, bool once)
{
	char *buf = kmalloc(COPY_CHUNK);
	size_t done = 0;
	ssize_t n = 0;

	if (!buf)
		return -ENOMEM;
	len = MIN(len, MAX_RW_BYTES);
	while (done < len) {
		size_t want = MIN(len - done, COPY_CHUNK);

		n = copy_step(c, buf, want);
		if (n <= 0)
			break;
		done += (size_t)n;
		if (once && (size_t)n < want)
			break;
		if (task_has_work())
			break;
	}
	kfree(buf);
	return done ? (ssize_t)done : n;
}

/* A file's position for the length of one call: the program's or its own. */
struct call_pos {
	uint64_t pos;
	uaddr_t user;
	struct file *f;		/* NULL: a stream */
};

static int call_pos_init(struct call_pos *p, struct file *f, uaddr_t user)
{
	p->user = user;
	p->f = f->mode & FMODE_STREAM ? NULL : f;
	p->pos = f->pos;
	if (!user)
		return 0;
	if (!p->f)
		return -ESPIPE;
	if (copy_from_user(&p->pos, (void *)user, sizeof(p->pos)))
		return -EFAULT;
	return (int64_t)p->pos < 0 ? -EINVAL : 0;
}

static int call_pos_store(struct call_pos *p)
{
	if (!p->f)
		return 0;
	if (p->user)
		return copy_to_user((void *)p->user, &p->pos, sizeof(p->pos));
	mutex_lock(&p->f->pos_lock);
	p->f->pos = p->pos;
	mutex_unlock(&p->f->pos_lock);
	return 0;
}

static uint64_t *call_pos_ptr(struct call_pos *p)
{
	return p->f ? &p->pos : NULL;
}

static bool is_type(const struct file *f, uint32_t type)
{
	return (f->inode->mode & S_IFMT) == type;
}

static bool has_modes(const struct copy *c)
{
	return c->in->mode & FMODE_READ && c->out->mode & FMODE_WRITE;
}

static void pair_put(struct copy *c)
{
	if (c->in)
		file_put(c->in);
	if (c->out)
		file_put(c->out);
}

/* Both files. Nothing is held after -EBADF. */
static int pair_get(struct copy *c, uint64_t in, uint64_t out)
{
	c->in = fd_get((int)in);
	c->out = fd_get((int)out);
	if (c->in && c->out)
		return 0;
	pair_put(c);
	return -EBADF;
}

static long positions_run(struct copy *c, struct call_pos *in,
			  struct call_pos *out, size_t len, bool once)
{
	ssize_t n;

	c->in_pos = call_pos_ptr(in);
	c->out_pos = call_pos_ptr(out);
	n = len ? copy_run(c, len, once) : 0;
	if (n >= 0 && (call_pos_store(in) || call_pos_store(out)))
		return -EFAULT;
	return n;
}

/* In Linux's order: all of the source, then the destination. */
static long sendfile_run(struct copy *c, uint64_t off, uint64_t count)
{
	struct call_pos in, out;
	int err;

	if (!c->in || !(c->in->mode & FMODE_READ))
		return -EBADF;
	err = call_pos_init(&in, c->in, off);
	if (err)
		return err;
	if ((ssize_t)count < 0)
		return -EINVAL;
	if (!c->out || !(c->out->mode & FMODE_WRITE))
		return -EBADF;
	if ((c->out->flags & O_APPEND && !pipe_of_file(c->out)) ||
	    is_type(c->in, S_IFSOCK) || pipe_of_file(c->in) ||
	    (is_type(c->in, S_IFDIR) && count))
		return -EINVAL;
	call_pos_init(&out, c->out, 0);
	return positions_run(c, &in, &out, count, c->in->mode & FMODE_STREAM);
}

long sys_sendfile(uint64_t out, uint64_t in, uint64_t off, uint64_t count)
{
	struct copy c = { .in = fd_get((int)in), .out = fd_get((int)out) };
	long ret = sendfile_run(&c, off, count);

	pair_put(&c);
	return ret;
}

/* In Linux's order (generic_copy_file_checks). */
static int copy_range_check(struct copy *c, uint64_t in_off, uint64_t out_off,
			    uint64_t len, uint64_t flags)
{
	uint64_t a = c->in->pos, b = c->out->pos;

	if ((in_off && copy_from_user(&a, (void *)in_off, 8)) ||
	    (out_off && copy_from_user(&b, (void *)out_off, 8)))
		return -EFAULT;
	if (flags)
		return -EINVAL;
	if (is_type(c->in, S_IFDIR) || is_type(c->out, S_IFDIR))
		return -EISDIR;
	if (!is_type(c->in, S_IFREG) || !is_type(c->out, S_IFREG))
		return -EINVAL;
	if (!has_modes(c) || c->out->flags & O_APPEND)
		return -EBADF;
	if (a + len < a || b + len < b)
		return -EOVERFLOW;
	len = MIN(len, c->in->inode->size > a ? c->in->inode->size - a : 0);
	if (c->in->inode == c->out->inode && a < b + len && b < a + len)
		return -EINVAL;
	return 0;
}

static long copy_range_run(struct copy *c, uint64_t in_off, uint64_t out_off,
			   uint64_t len, uint64_t flags)
{
	struct call_pos in, out;
	int err = copy_range_check(c, in_off, out_off, len, flags);
	uint64_t size;

	if (!err)
		err = call_pos_init(&in, c->in, in_off);
	if (!err)
		err = call_pos_init(&out, c->out, out_off);
	if (err)
		return err;
	/* not what it appends to itself */
	size = c->in->inode->size;
	len = MIN(len, size > in.pos ? size - in.pos : 0);
	return positions_run(c, &in, &out, len, false);
}

long sys_copy_file_range(uint64_t in, uint64_t in_off, uint64_t out,
			 uint64_t out_off, uint64_t len, uint64_t flags)
{
	struct copy c = { 0 };
	long ret = pair_get(&c, in, out);

	if (ret)
		return ret;
	ret = copy_range_run(&c, in_off, out_off, len, flags);
	pair_put(&c);
	return ret;
}

/* One end is a pipe; which form it is. */
static long splice_run(struct copy *c, uint64_t in_off, uint64_t out_off,
		       size_t len)
{
	bool from_pipe = pipe_of_file(c->in), to_pipe = pipe_of_file(c->out);
	struct call_pos pos;
	long ret;

	if ((from_pipe && in_off) || (to_pipe && out_off))
		return -ESPIPE;
	if (!has_modes(c))
		return -EBADF;
	if (!from_pipe && !to_pipe)
		return -EINVAL;
	if (from_pipe && to_pipe)
		return pipe_of_file(c->in) == pipe_of_file(c->out) ? -EINVAL :
		       pipe_splice_pipe(c->in, c->out, len, c->nonblock);
	if (from_pipe && c->out->flags & O_APPEND)
		return -EINVAL;
	ret = call_pos_init(&pos, from_pipe ? c->out : c->in,
			    from_pipe ? out_off : in_off);
	if (ret)
		return ret;
	ret = from_pipe ?
	      pipe_splice_to_file(c->in, c->out, call_pos_ptr(&pos), len,
				  c->nonblock) :
	      pipe_splice_from_file(c->out, c->in, call_pos_ptr(&pos), len,
				    c->nonblock);
	return ret > 0 && call_pos_store(&pos) ? -EFAULT : ret;
}

long sys_splice(uint64_t in, uint64_t in_off, uint64_t out, uint64_t out_off,
		uint64_t len, uint64_t flags)
{
	struct copy c = { .nonblock = flags & SPLICE_F_NONBLOCK };
	long ret;

	if (flags & ~(uint64_t)SPLICE_F_ALL)
		return -EINVAL;
	if (!len)
		return 0;
	ret = pair_get(&c, in, out);
	if (ret)
		return ret;
	ret = splice_run(&c, in_off, out_off, MIN(len, MAX_RW_BYTES));
	if (ret == -EPIPE)
		rw_broken_pipe();
	pair_put(&c);
	return ret;
}

long sys_tee(uint64_t in, uint64_t out, uint64_t len, uint64_t flags)
{
	struct copy c = { 0 };
	long ret;

	if (flags & ~(uint64_t)SPLICE_F_ALL)
		return -EINVAL;
	if (!len)
		return 0;
	ret = pair_get(&c, in, out);
	if (ret)
		return ret;
	if (!has_modes(&c))
		ret = -EBADF;
	else if (!pipe_of_file(c.in) || !pipe_of_file(c.out) ||
		 pipe_of_file(c.in) == pipe_of_file(c.out))
		ret = -EINVAL;
	else
		ret = pipe_tee(c.in, c.out, MIN(len, MAX_RW_BYTES),
			       flags & SPLICE_F_NONBLOCK);
	if (ret == -EPIPE)
		rw_broken_pipe();
	pair_put(&c);
	return ret;
}

long sys_vmsplice(uint64_t fd, uint64_t iov, uint64_t nr, uint64_t flags)
{
	struct copy c = { .nonblock = flags & SPLICE_F_NONBLOCK };
	struct file *f = fd_get((int)fd);
	struct user_iov v;
	bool write;
	long ret;

	if (!f)
		return -EBADF;
	write = f->mode & FMODE_WRITE;
	if (flags & ~(uint64_t)SPLICE_F_ALL)
		ret = -EINVAL;
	else
		ret = user_iov_init(&v, iov, nr);
	if (!ret) {
		if (v.uio.left && !pipe_of_file(f))
			ret = -EBADF;
		else if (v.uio.left)
			ret = ready(&c, f, write ? EV_WRITE : EV_READ);
		if (!ret && write && v.uio.left)	/* what has room, at once */
			v.uio.left = MIN(v.uio.left, pipe_room_bytes(f));
		if (!ret && v.uio.left)
			ret = write ? rw_write(f, &v.uio, NULL) :
				      rw_read(f, &v.uio, NULL);
		user_iov_fini(&v);
	}
	file_put(f);
	return ret;
}
