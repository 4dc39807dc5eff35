/* SPDX-License-Identifier: MIT */
/*
 * Pseudo terminals: pairs of a master file and a slave terminal with the line
 * discipline in between.
 *
 * A pair lives until its master is closed and its slave files are gone. The
 * slave's struct tty carries the references: one of the master, one of each
 * open slave file, one of the session whose controlling terminal it is.
 * p->lock guards the line discipline and the fields below it; signals and
 * hang-ups are sent after it is released. Both sides sleep on p->wait.
 */
#include "drv/pty_priv.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <asm/signal.h>
#include "core/heap.h"
#include "core/timer.h"
#include "lib/string.h"

#define DECISECOND_NS	100000000ull
#define PTS_MAJOR	136u
#define PTS_PER_MAJOR	256u

/* Pairs whose master is open, by index; under table_lock. */
static struct pty *table[PTY_MAX];
static struct mutex table_lock = MUTEX_INIT;

static struct pty *of(struct tty *t)
{
	return container_of(t, struct pty, slave);
}

uint32_t pty_index(const struct pty *p)
{
	return p->index;
}

struct tty *pty_slave(struct pty *p)
{
	return &p->slave;
}

void pty_unlock_and_tell(struct pty *p)
{
	uint64_t signals = p->ld.signals;

	p->ld.signals = 0;
	mutex_unlock(&p->lock);
	wait_wake_all(&p->wait, UINT32_MAX);
	for (; signals; signals &= signals - 1)
		tty_signal_foreground(&p->slave,
				      __builtin_ctzll(signals) + 1);
}

int pty_sleep(struct waiter *w, uint64_t deadline_ns)
{
	int err = wait_sleep(w, deadline_ns, true);

	return err == -EINTR ? -ERESTARTSYS : err;
}

/* --- the slave's side -------------------------------------------------------*/

struct read_rule {
	uint32_t min;		/* bytes that end the read; 1 if canonical */
	uint64_t first_ns;	/* longest wait for the first byte */
	uint64_t next_ns;	/* longest wait between bytes */
	bool canonical;
};

static struct read_rule read_rule(const struct ldisc *l, size_t want)
{
	struct read_rule r = { 1, DEADLINE_NEVER, DEADLINE_NEVER, true };
	uint64_t time = l->tio.c_cc[VTIME] * DECISECOND_NS;

	if ((l->tio.c_lflag & ICANON) && !(l->tio.c_lflag & EXTPROC))
		return r;
	r.canonical = false;
	if (l->tio.c_cc[VMIN]) {
		r.min = (uint32_t)MIN((size_t)l->tio.c_cc[VMIN], want);
		if (time)
			r.next_ns = time;
	} else {
		r.first_ns = time;
	}
	return r;
}

static uint64_t deadline_of(uint64_t wait_ns)
{
	return wait_ns == DEADLINE_NEVER ? DEADLINE_NEVER :
	       clock_mono_ns() + wait_ns;
}

/*
 * Wait until the read can be satisfied; p is locked before and after.
 * Returns 0 (take what is there, perhaps nothing) or -errno.
 */
static int wait_input(struct pty *p, size_t want, bool nonblock)
{
	struct waiter w;
	uint32_t seen = 0;
	uint64_t deadline = 0;
	bool timing = false;
	int err = 0;

	wait_begin(&w, &p->wait);
	for (;;) {
		struct read_rule r = read_rule(&p->ld, want);
		uint32_t have = ring_used(&p->ld.in);

		if (ldisc_is_readable(&p->ld, r.min) || p->master_closed)
			break;
		if (!r.canonical && r.first_ns == 0)
			break;
		if (nonblock) {
			err = have && !r.canonical ? 0 : -EAGAIN;
			break;
		}
		if (!timing || have != seen)
			deadline = deadline_of(have ? r.next_ns : r.first_ns);
		timing = true;
		seen = have;
		mutex_unlock(&p->lock);
		err = tty_check_background(&p->slave, SIGTTIN);
		if (!err)
			err = pty_sleep(&w, deadline);
		mutex_lock(&p->lock);
		if (err == -ETIMEDOUT)
			err = 0;
		else if (!err)
			continue;
		if (!err || (!r.canonical && ring_used(&p->ld.in)))
			err = 0;
		break;
	}
	wait_end(&w);
	return err;
}

static ssize_t slave_read(struct tty *t, struct file *f, struct uio *u)
{
	struct pty *p = of(t);
	ssize_t n = 0;
	int err;

	if (!u->left)
		return 0;
	mutex_lock(&p->lock);
	err = wait_input(p, u->left, f->flags & O_NONBLOCK);
	if (!err && !p->master_closed) {
		bool some = ldisc_is_readable(&p->ld, 1);

		n = (ssize_t)ldisc_read(&p->ld, u);
		if (!n && some && ldisc_is_readable(&p->ld, 1) && u->left)
			err = 0;	/* an end-of-file mark, or a fault */
	}
	pty_unlock_and_tell(p);
	return err ? err : n;
}

/* Wait for room in the output; p locked. Returns bytes that fit or -errno. */
static ssize_t wait_output_room(struct pty *p, bool nonblock)
{
	struct waiter w;
	ssize_t room = 0;
	int err = 0;

	wait_begin(&w, &p->wait);
	while (!err) {
		if (p->master_closed) {
			err = -EIO;
			break;
		}
		room = (ssize_t)ldisc_output_room(&p->ld);
		if (room)
			break;
		if (nonblock) {
			err = -EAGAIN;
			break;
		}
		mutex_unlock(&p->lock);
		err = pty_sleep(&w, DEADLINE_NEVER);
		mutex_lock(&p->lock);
	}
	wait_end(&w);
	return err ? err : room;
}

static ssize_t slave_write(struct tty *t, struct file *f, struct uio *u)
{
	struct pty *p = of(t);
	uint8_t buf[PTY_CHUNK];
	size_t done = 0;
	ssize_t room = 0;

	while (u->left) {
		size_t n;

		mutex_lock(&p->lock);
		room = wait_output_room(p, f->flags & O_NONBLOCK);
		if (room < 0) {
			mutex_unlock(&p->lock);
			break;
		}
		n = uio_drain(u, buf, MIN((size_t)room, sizeof(buf)));
		ldisc_output(&p->ld, buf, n);
		pty_unlock_and_tell(p);
		done += n;
		if (!n) {
			room = -EFAULT;
			break;
		}
	}
	return done || room >= 0 ? (ssize_t)done : room;
}

static uint32_t slave_poll(struct tty *t, struct file *f, struct poll_table *pt)
{
	struct pty *p = of(t);
	uint32_t ev = 0, min;

	poll_add(pt, &p->wait);
	mutex_lock(&p->lock);
	if (p->master_closed) {
		ev = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDNORM |
		     EPOLLWRNORM;
	} else {
		min = p->ld.tio.c_cc[VTIME] ? 1 : p->ld.tio.c_cc[VMIN];
		if (ldisc_is_readable(&p->ld, min))
			ev |= EPOLLIN | EPOLLRDNORM;
		if (ldisc_output_room(&p->ld))
			ev |= EPOLLOUT | EPOLLWRNORM;
	}
	mutex_unlock(&p->lock);
	return ev;
}

static int slave_open(struct tty *t, struct file *f)
{
	struct pty *p = of(t);
	int err = 0;

	mutex_lock(&p->lock);
	if (p->master_closed || p->slave_locked) {
		err = -EIO;
	} else {
		p->nr_slaves++;
		p->other_closed = false;
	}
	mutex_unlock(&p->lock);
	return err;
}

static void slave_close(struct tty *t, struct file *f)
{
	struct pty *p = of(t);

	mutex_lock(&p->lock);
	if (!--p->nr_slaves)
		p->other_closed = true;
	pty_unlock_and_tell(p);
}

static void pty_destroy(struct tty *t)
{
	struct pty *p = of(t);

	ldisc_fini(&p->ld);
	inode_put(p->inode);
	kfree(p);
}

static int slave_get_termios(struct tty *t, struct termios2 *out)
{
	struct pty *p = of(t);

	mutex_lock(&p->lock);
	*out = p->ld.tio;
	mutex_unlock(&p->lock);
	return p->master_closed ? -EIO : 0;
}

/* Until the master has read everything. */
static int slave_drain(struct tty *t)
{
	struct pty *p = of(t);
	struct waiter w;
	int err = 0;

	mutex_lock(&p->lock);
	wait_begin(&w, &p->wait);
	while (!err && ring_used(&p->ld.out) && !p->master_closed) {
		mutex_unlock(&p->lock);
		err = pty_sleep(&w, DEADLINE_NEVER);
		mutex_lock(&p->lock);
	}
	wait_end(&w);
	mutex_unlock(&p->lock);
	return err;
}

static int slave_set_termios(struct tty *t, const struct termios2 *in, int when)
{
	struct pty *p = of(t);

	mutex_lock(&p->lock);
	if (when == 2)
		ldisc_flush(&p->ld, true, false);
	ldisc_set_termios(&p->ld, in);
	/* a pseudo terminal has eight bits and no parity */
	p->ld.tio.c_cflag &= ~(uint32_t)(CSIZE | PARENB);
	p->ld.tio.c_cflag |= CS8 | CREAD;
	pty_unlock_and_tell(p);
	return 0;
}

static int slave_get_winsize(struct tty *t, struct winsize *out)
{
	struct pty *p = of(t);

	mutex_lock(&p->lock);
	*out = p->winsize;
	mutex_unlock(&p->lock);
	return 0;
}

int pty_set_winsize(struct pty *p, const struct winsize *w)
{
	bool changed;

	mutex_lock(&p->lock);
	changed = memcmp(&p->winsize, w, sizeof(*w));
	p->winsize = *w;
	mutex_unlock(&p->lock);
	if (changed)
		tty_signal_foreground(&p->slave, SIGWINCH);
	return 0;
}

static int slave_set_winsize(struct tty *t, const struct winsize *in)
{
	return pty_set_winsize(of(t), in);
}

static long slave_input_bytes(struct tty *t)
{
	struct pty *p = of(t);
	long n;

	mutex_lock(&p->lock);
	n = ldisc_input_bytes(&p->ld);
	mutex_unlock(&p->lock);
	return n;
}

static long slave_output_bytes(struct tty *t)
{
	return 0;	/* what is written is the master's at once */
}

static int slave_flush(struct tty *t, bool in, bool out)
{
	struct pty *p = of(t);

	mutex_lock(&p->lock);
	ldisc_flush(&p->ld, in, out);
	pty_unlock_and_tell(p);
	return 0;
}

static int slave_flow(struct tty *t, uint32_t action)
{
	struct pty *p = of(t);
	uint8_t c;

	mutex_lock(&p->lock);
	switch (action) {
	case TCOOFF:
		ldisc_stop(&p->ld);
		break;
	case TCOON:
		ldisc_start(&p->ld);
		break;
	default:
		c = p->ld.tio.c_cc[action == TCIOFF ? VSTOP : VSTART];
		if (c)
			ldisc_put_raw(&p->ld, c);
	}
	pty_unlock_and_tell(p);
	return 0;
}

static int slave_fake_input(struct tty *t, uint8_t c)
{
	struct pty *p = of(t);

	mutex_lock(&p->lock);
	ldisc_receive(&p->ld, &c, 1);
	pty_unlock_and_tell(p);
	return 0;
}

static const struct tty_ops slave_ops = {
	.read = slave_read,
	.write = slave_write,
	.poll = slave_poll,
	.open = slave_open,
	.close = slave_close,
	.destroy = pty_destroy,
	.get_termios = slave_get_termios,
	.set_termios = slave_set_termios,
	.get_winsize = slave_get_winsize,
	.set_winsize = slave_set_winsize,
	.input_bytes = slave_input_bytes,
	.output_bytes = slave_output_bytes,
	.flush = slave_flush,
	.flow = slave_flow,
	.drain = slave_drain,
	.fake_input = slave_fake_input,
};

/* --- the pair ---------------------------------------------------------------*/

static int take_index(struct pty *p)
{
	int err = -ENOSPC;

	mutex_lock(&table_lock);
	for (uint32_t i = 0; i < PTY_MAX; i++) {
		if (table[i] || host_tty_find(dev_make(PTS_MAJOR +
						       i / PTS_PER_MAJOR,
						       i % PTS_PER_MAJOR)))
			continue;
		p->index = i;
		table[i] = p;
		err = 0;
		break;
	}
	mutex_unlock(&table_lock);
	return err;
}

static void give_index(struct pty *p)
{
	mutex_lock(&table_lock);
	table[p->index] = NULL;
	mutex_unlock(&table_lock);
}

struct pty *pty_create(void)
{
	struct pty *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	if (ldisc_init(&p->ld))
		goto out_free;
	mutex_init(&p->lock);
	waitq_init(&p->wait);
	if (take_index(p))
		goto out_ldisc;
	tty_setup(&p->slave, &slave_ops,
		  dev_make(PTS_MAJOR + p->index / PTS_PER_MAJOR,
			   p->index % PTS_PER_MAJOR));
	p->slave_locked = true;
	p->inode = devpts_create_inode(p->index);
	if (p->inode)
		return p;
	give_index(p);
out_ldisc:
	ldisc_fini(&p->ld);
out_free:
	kfree(p);
	return NULL;
}

void pty_close_master(struct pty *p)
{
	give_index(p);
	mutex_lock(&p->lock);
	p->master_closed = true;
	pty_unlock_and_tell(p);
	tty_hangup(&p->slave);
	tty_put(&p->slave);
}

void pty_unlock_slave(struct pty *p)
{
	p->slave_locked = false;
}

void pty_watch(struct pty *p, struct waiter *w,
	       bool (*fn)(struct waiter *w, uint32_t key))
{
	wait_add(w, &p->wait, fn);
}

/* --- devices ----------------------------------------------------------------*/

static int open_slave(struct inode *i, struct file *f)
{
	uint32_t index = (dev_major(i->rdev) - PTS_MAJOR) * PTS_PER_MAJOR +
			 dev_minor(i->rdev);
	struct tty *t = host_tty_find(i->rdev);
	int err;

	if (t)
		return tty_open(t, f);
	mutex_lock(&table_lock);
	if (index < PTY_MAX && table[index])
		t = tty_get(&table[index]->slave);
	mutex_unlock(&table_lock);
	if (!t)
		return -EIO;
	err = tty_open(t, f);
	tty_put(t);
	return err;
}

struct inode *pty_get_inode(uint32_t index)
{
	struct inode *i = NULL;

	mutex_lock(&table_lock);
	if (index < PTY_MAX && table[index] && table[index]->inode)
		i = inode_get(table[index]->inode);
	mutex_unlock(&table_lock);
	return i;
}

int pty_next_index(uint32_t from)
{
	int found = -1;

	mutex_lock(&table_lock);
	for (uint32_t i = from; i < PTY_MAX && found < 0; i++)
		if (table[i] && table[i]->inode)
			found = (int)i;
	mutex_unlock(&table_lock);
	return found;
}

int pty_init(void)
{
	int err = chrdev_register(5, 2, 1, pty_open_ptmx);

	return err ? err :
		     chrdev_register_majors(PTS_MAJOR, PTY_MAX / PTS_PER_MAJOR,
					    PTS_PER_MAJOR, open_slave);
}
