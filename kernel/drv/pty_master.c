/* SPDX-License-Identifier: MIT */
/*
 * The master's side of a pseudo terminal: what it writes is typed, what it
 * reads was printed or echoed. It is an open file (of /dev/ptmx) or the
 * kernel's own pump (pump.c).
 */
#include "drv/pty_priv.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <asm/signal.h>
#include "arch/uaccess.h"
#include "lib/string.h"

static bool master_has_status(const struct pty *p)
{
	return p->packet && p->ld.packet_status;
}

/* What a master read gives now; p locked. -EAGAIN: nothing. */
static ssize_t take_for_master(struct pty *p, struct uio *u)
{
	uint8_t head = TIOCPKT_DATA;

	if (master_has_status(p)) {
		head = p->ld.packet_status;
		p->ld.packet_status = 0;
		return uio_fill(u, &head, 1) ? 1 : -EFAULT;
	}
	if (!ring_used(&p->ld.out))
		return p->other_closed ? -EIO : -EAGAIN;
	if (p->packet && !uio_fill(u, &head, 1))
		return -EFAULT;
	if (p->packet)
		return (ssize_t)ldisc_take_output(&p->ld, u) + 1;
	return (ssize_t)ldisc_take_output(&p->ld, u);
}

ssize_t pty_master_read(struct pty *p, struct uio *u, bool nonblock)
{
	struct waiter w;
	ssize_t n = -EAGAIN;
	int err = 0;

	if (!u->left)
		return 0;
	mutex_lock(&p->lock);
	wait_begin(&w, &p->wait);
	while (!err) {
		n = take_for_master(p, u);
		if (n != -EAGAIN || nonblock)
			break;
		mutex_unlock(&p->lock);
		err = pty_sleep(&w, DEADLINE_NEVER);
		mutex_lock(&p->lock);
	}
	wait_end(&w);
	pty_unlock_and_tell(p);
	if (err)
		return err;
	return n ? n : -EFAULT;
}

ssize_t pty_master_write(struct pty *p, struct uio *u, bool nonblock)
{
	struct waiter w;
	uint8_t buf[PTY_CHUNK];
	size_t done = 0;
	int err = 0;

	wait_begin(&w, &p->wait);
	while (u->left && !err) {
		size_t n = 0;
		uint32_t room;

		mutex_lock(&p->lock);
		room = ring_room(&p->ld.in);
		if (p->other_closed) {
			err = -EIO;
		} else if (room > 2 * PTY_CHUNK) {
			n = uio_drain(u, buf, sizeof(buf));
			ldisc_receive(&p->ld, buf, n);
			err = n ? 0 : -EFAULT;
		} else {
			err = nonblock ? -EAGAIN : 1;
		}
		pty_unlock_and_tell(p);
		done += n;
		if (err == 1)
			err = pty_sleep(&w, DEADLINE_NEVER);
	}
	wait_end(&w);
	return done ? (ssize_t)done : err;
}

static ssize_t master_read(struct file *f, struct uio *u, uint64_t *pos)
{
	return pty_master_read(f->private, u, f->flags & O_NONBLOCK);
}

static ssize_t master_write(struct file *f, struct uio *u, uint64_t *pos)
{
	return pty_master_write(f->private, u, f->flags & O_NONBLOCK);
}

static uint32_t master_poll(struct file *f, struct poll_table *pt)
{
	struct pty *p = f->private;
	uint32_t ev = 0;

	poll_add(pt, &p->wait);
	mutex_lock(&p->lock);
	if (ring_used(&p->ld.out))
		ev |= EPOLLIN | EPOLLRDNORM;
	if (master_has_status(p))
		ev |= EPOLLPRI | EPOLLIN | EPOLLRDNORM;
	if (p->other_closed)
		ev |= EPOLLHUP;
	else if (ring_room(&p->ld.in) > 2 * PTY_CHUNK)
		ev |= EPOLLOUT | EPOLLWRNORM;
	mutex_unlock(&p->lock);
	return ev;
}

static int get_int(uint64_t user, int *v)
{
	return copy_from_user(v, (void *)user, sizeof(*v));
}

static int put_int(uint64_t user, int v)
{
	return copy_to_user((void *)user, &v, sizeof(v));
}

static long set_packet(struct pty *p, uint64_t user)
{
	int on;

	if (get_int(user, &on))
		return -EFAULT;
	mutex_lock(&p->lock);
	if (on && !p->packet)
		p->ld.packet_status = 0;
	p->packet = on;
	mutex_unlock(&p->lock);
	return 0;
}

static long set_lock(struct pty *p, uint64_t user)
{
	int on;

	if (get_int(user, &on))
		return -EFAULT;
	p->slave_locked = on;
	return 0;
}

static long send_signal(struct pty *p, int signo)
{
	if (signo != SIGINT && signo != SIGQUIT && signo != SIGTSTP)
		return -EINVAL;
	tty_signal_foreground(&p->slave, signo);
	return 0;
}

static long master_pending(struct pty *p, uint64_t user)
{
	uint32_t n;

	mutex_lock(&p->lock);
	n = ring_used(&p->ld.out);
	mutex_unlock(&p->lock);
	return put_int(user, (int)n);
}

static long master_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct pty *p = f->private;

	switch (cmd) {
	case TIOCGPTN:
		return put_int(arg, (int)p->index);
	case TIOCSPTLCK:
		return set_lock(p, arg);
	case TIOCGPTLCK:
		return put_int(arg, p->slave_locked);
	case TIOCPKT:
		return set_packet(p, arg);
	case TIOCGPKT:
		return put_int(arg, p->packet);
	case TIOCSIG:
		return send_signal(p, (int)arg);
	case TIOCGPGRP:
		return put_int(arg, (int)tty_foreground(&p->slave));
	case TIOCGSID:
		if (!tty_session_id(&p->slave))
			return -ENOTTY;
		return put_int(arg, (int)tty_session_id(&p->slave));
	case TIOCINQ:
		return master_pending(p, arg);
	case TIOCSCTTY:
	case TIOCNOTTY:
	case TIOCSPGRP:
		return -ENOTTY;
	case TIOCGDEV:
		return put_int(arg, 5 << 8 | 2);
	default:
		return tty_ioctl_common(&p->slave, cmd, arg);
	}
}

static void master_release(struct file *f)
{
	pty_close_master(f->private);
}

static const struct file_ops master_ops = {
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.release = master_release,
};

struct pty *pty_of_master(const struct file *f)
{
	return f->ops == &master_ops ? f->private : NULL;
}

int pty_open_ptmx(struct inode *i, struct file *f)
{
	struct pty *p;

	if (!devpts_start())
		return -ENODEV;
	p = pty_create();
	if (!p)
		return -ENOMEM;
	if (f->cred) {
		p->inode->uid = f->cred->fsuid;
		p->inode->gid = f->cred->fsgid;
	}
	f->ops = &master_ops;
	f->private = p;
	return 0;
}
