/* SPDX-License-Identifier: MIT */
/*
 * splice(2) and tee(2): bytes between a pipe and a file, or two pipes. The
 * other file reads into, or writes from, the ring itself, with the pipe's
 * lock held (as Linux does); of two pipes, the locks are taken by address.
 */
#include "fs/pipe_priv.h"

#include <linux/fcntl.h>
#include <linux/stat.h>

#include "core/panic.h"
#include "lib/string.h"

static bool must_not_block(const struct file *pipe, bool nonblock)
{
	return nonblock || (pipe->flags & O_NONBLOCK);
}

/* Room or -errno. */
static int wait_for_room(struct pipe *p, bool nonblock)
{
	while (p->readers && !pipe_room(p)) {
		int err = nonblock ? -EAGAIN : pipe_sleep(p, &p->write_wait);

		if (err)
			return err;
	}
	return p->readers ? 0 : -EPIPE;
}

/* 1 data, 0 end, -errno. */
static int wait_for_data(struct pipe *p, bool nonblock)
{
	while (!pipe_used(p)) {
		int err;

		if (!p->writers)
			return 0;
		err = nonblock ? -EAGAIN : pipe_sleep(p, &p->read_wait);
		if (err)
			return err;
	}
	return 1;
}

ssize_t pipe_splice_from_file(struct file *pipe, struct file *in,
			      uint64_t *off, size_t len, bool nonblock)
{
	struct pipe *p = pipe->private;
	bool once = in->mode & FMODE_STREAM;
	ssize_t done = 0, ret = 0;

	if (p->packets)
		return -EINVAL;
	mutex_lock(&p->lock);
	ret = wait_for_room(p, must_not_block(pipe, nonblock));
	while (!ret && len && pipe_room(p)) {
		struct kiovec iov;
		struct uio u;
		char *mem;
		size_t n = MIN(len, pipe_room(p));

		if (!pipe_reserve(p, n)) {
			ret = -ENOMEM;
			break;
		}
		n = MIN(n, pipe_free_piece(p, &mem));
		if (!n) {
			ret = -ENOMEM;
			break;
		}
		uio_init(&u, &iov, mem, n, false);
		ret = file_read(in, &u, off);
		if (ret <= 0)
			break;
		p->head += (uint32_t)ret;
		done += ret;
		len -= (size_t)ret;
		ret = 0;
		if (once)
			break;
	}
	pipe_unlock_and_wake(p, done, UINT32_MAX);
	return done ? done : ret;
}

ssize_t pipe_splice_to_file(struct file *pipe, struct file *out,
			    uint64_t *off, size_t len, bool nonblock)
{
	struct pipe *p = pipe->private;
	ssize_t done = 0, ret = 0;
	uint32_t room;

	if (p->packets)
		return -EINVAL;
	if (!len)
		return 0;
	mutex_lock(&p->lock);
	ret = wait_for_data(p, must_not_block(pipe, nonblock));
	room = pipe_room(p);
	while (ret > 0 && len && pipe_used(p)) {
		struct kiovec iov;
		struct uio u;
		char *mem;
		size_t n = pipe_data_piece(p, &mem);

		n = MIN(n, len);
		uio_init(&u, &iov, mem, n, false);
		ret = file_write(out, &u, off);
		if (ret <= 0)
			break;
		p->tail += (uint32_t)ret;
		done += ret;
		len -= (size_t)ret;
		if ((size_t)ret < n)
			break;
	}
	pipe_unlock_and_wake(p, false, room);
	return done ? done : ret;
}

/* Copy up to len bytes from a to b; both locked. */
static size_t copy_between(struct pipe *a, struct pipe *b, size_t len,
			   bool consume)
{
	uint32_t tail = a->tail;
	size_t n = MIN(len, pipe_used(a)), done = 0;

	n = MIN(n, pipe_room(b));
	if (!pipe_reserve(b, n))
		return 0;
	while (done < n) {
		char *from, *to;
		size_t piece = pipe_data_piece(a, &from);
		size_t room = pipe_free_piece(b, &to);

		piece = MIN(MIN(piece, room), n - done);
		if (!piece)
			break;
		memcpy(to, from, piece);
		a->tail += (uint32_t)piece;
		b->head += (uint32_t)piece;
		done += piece;
	}
	if (!consume)
		a->tail = tail;
	return done;
}

static ssize_t move_between(struct file *in, struct file *out, size_t len,
			    bool nonblock, bool consume)
{
	struct pipe *a = in->private, *b = out->private;
	uint32_t room;
	size_t n = 0;
	int ret = 0;

	if (a == b || a->packets || b->packets)
		return -EINVAL;
	if (!len)
		return 0;
	for (;;) {
		mutex_lock(&a->lock);
		ret = wait_for_data(a, must_not_block(in, nonblock));
		mutex_unlock(&a->lock);
		if (ret <= 0)
			return ret;
		mutex_lock(&b->lock);
		ret = wait_for_room(b, must_not_block(out, nonblock));
		mutex_unlock(&b->lock);
		if (ret)
			return ret;
		mutex_lock_two(&a->lock, &b->lock);
		if (pipe_used(a) && pipe_room(b) && b->readers)
			break;
		mutex_unlock_two(&a->lock, &b->lock);
	}
	room = pipe_room(a);
	n = copy_between(a, b, len, consume);
	pipe_unlock_and_wake(b, n, UINT32_MAX);
	pipe_unlock_and_wake(a, false, room);
	return n ? (ssize_t)n : -ENOMEM;
}

ssize_t pipe_splice_pipe(struct file *in, struct file *out, size_t len,
			 bool nonblock)
{
	return move_between(in, out, len, nonblock, true);
}

ssize_t pipe_tee(struct file *in, struct file *out, size_t len, bool nonblock)
{
	return move_between(in, out, len, nonblock, false);
}

size_t pipe_room_bytes(const struct file *f)
{
	struct pipe *p = pipe_of_file(f);
	uint32_t room;

	mutex_lock(&p->lock);
	room = pipe_room(p);
	mutex_unlock(&p->lock);
	return MAX(room, 1u);
}
