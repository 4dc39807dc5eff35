/* SPDX-License-Identifier: MIT */
/*
 * What all terminals share: references, open files, controlling terminals and
 * the rules of job control. Called by the file layer (file operations), by
 * the personality (sessions that end) and by the kinds of terminals.
 *
 * Invariant: t->session == s exactly when *session_tty(s) == t; the session's
 * side holds a reference to t.
 */
#include "drv/tty.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <asm/signal.h>
#include "core/heap.h"
#include "drv/pty.h"
#include "lib/string.h"

struct mutex tty_lock = MUTEX_INIT;

/* --- before the personality registers: nobody has a terminal ---------------*/

static struct session *no_session(void)
{
	return NULL;
}

static uint32_t no_id(void)
{
	return 0;
}

static bool no(void)
{
	return false;
}

static bool not_ignored(int signo)
{
	return false;
}

static void no_signal(uint32_t id, int signo)
{
}

static const struct tty_job_ops no_job_control = {
	.session = no_session,
	.pgid = no_id,
	.is_session_leader = no,
	.is_admin = no,
	.is_ignored_or_blocked = not_ignored,
	.is_orphaned_pgrp = no,
	.signal_pgrp = no_signal,
	.signal_leader = no_signal,
};
const struct tty_job_ops *tty_job = &no_job_control;

void tty_set_job_ops(const struct tty_job_ops *ops)
{
	tty_job = ops;
}

/* --- references -------------------------------------------------------------*/

void tty_setup(struct tty *t, const struct tty_ops *ops, uint64_t rdev)
{
	memset(t, 0, sizeof(*t));
	t->ops = ops;
	t->rdev = rdev;
	ref_init(&t->refs, 1);
}

struct tty *tty_get(struct tty *t)
{
	ref_get(&t->refs);
	return t;
}

void tty_put(struct tty *t)
{
	if (t && ref_put(&t->refs) && t->ops->destroy)
		t->ops->destroy(t);
}

/* --- controlling terminals --------------------------------------------------*/

uint32_t tty_foreground(struct tty *t)
{
	return __atomic_load_n(&t->pgrp, __ATOMIC_RELAXED);
}

uint32_t tty_session_id(struct tty *t)
{
	uint32_t id;

	mutex_lock(&tty_lock);
	id = t->session ? tty_job->session_id(t->session) : 0;
	mutex_unlock(&tty_lock);
	return id;
}

void tty_signal_foreground(struct tty *t, int signo)
{
	uint32_t pgrp = tty_foreground(t);

	if (pgrp)
		tty_job->signal_pgrp(pgrp, signo);
}

void tty_attach(struct tty *t, struct session *s, uint32_t pgid)
{
	mutex_lock(&tty_lock);
	if (!*tty_job->session_tty(s) && !t->session) {
		*tty_job->session_tty(s) = tty_get(t);
		t->session = s;
		t->pgrp = pgid;
	}
	mutex_unlock(&tty_lock);
}

/* Returns true if the caller now has to put a reference to t. */
static bool detach_locked(struct tty *t)
{
	if (!t->session)
		return false;
	*tty_job->session_tty(t->session) = NULL;
	t->session = NULL;
	t->pgrp = 0;
	return true;
}

/* s gives up its terminal; its foreground group gets SIGHUP. */
static void session_detach(struct session *s, bool with_cont)
{
	struct tty *t;
	uint32_t pgrp = 0;

	mutex_lock(&tty_lock);
	t = *tty_job->session_tty(s);
	if (t) {
		pgrp = t->pgrp;
		detach_locked(t);
	}
	mutex_unlock(&tty_lock);
	if (pgrp) {
		tty_job->signal_pgrp(pgrp, SIGHUP);
		if (with_cont)
			tty_job->signal_pgrp(pgrp, SIGCONT);
	}
	tty_put(t);
}

void tty_session_exit(struct session *s)
{
	session_detach(s, false);
}

void tty_hangup(struct tty *t)
{
	uint32_t sid;
	bool put;

	mutex_lock(&tty_lock);
	sid = t->session ? tty_job->session_id(t->session) : 0;
	put = detach_locked(t);
	mutex_unlock(&tty_lock);
	if (sid) {
		tty_job->signal_leader(sid, SIGHUP);
		tty_job->signal_leader(sid, SIGCONT);
	}
	if (put)
		tty_put(t);
}

void tty_session_info(struct session *s, uint64_t *rdev, uint32_t *pgrp)
{
	struct tty *t;

	mutex_lock(&tty_lock);
	t = s ? *tty_job->session_tty(s) : NULL;
	*rdev = t ? t->rdev : 0;
	*pgrp = t ? t->pgrp : 0;
	mutex_unlock(&tty_lock);
}

/* The caller's controlling terminal with a reference, or NULL. */
static struct tty *current_tty(void)
{
	struct session *s = tty_job->session();
	struct tty *t;

	if (!s)
		return NULL;
	mutex_lock(&tty_lock);
	t = *tty_job->session_tty(s);
	if (t)
		tty_get(t);
	mutex_unlock(&tty_lock);
	return t;
}

/* Is t the caller's controlling terminal? */
static bool is_current(struct tty *t)
{
	struct session *s = tty_job->session();

	return s && __atomic_load_n(&t->session, __ATOMIC_RELAXED) == s;
}

int tty_check_background(struct tty *t, int signo)
{
	uint32_t pgid, front = tty_foreground(t);

	if (!is_current(t))
		return 0;
	pgid = tty_job->pgid();
	if (!front || pgid == front)
		return 0;
	if (tty_job->is_ignored_or_blocked(signo))
		return signo == SIGTTIN ? -EIO : 0;
	if (tty_job->is_orphaned_pgrp())
		return -EIO;
	tty_job->signal_pgrp(pgid, signo);
	return -ERESTARTSYS;
}

/* --- ioctls of job control --------------------------------------------------*/

static long set_controlling(struct tty *t, struct file *f, bool steal)
{
	struct session *s = tty_job->session(), *loser = NULL;
	struct tty *old = NULL;
	long err = 0;

	if (!s || !tty_job->is_session_leader())
		return is_current(t) ? 0 : -EPERM;
	if (!(f->mode & FMODE_READ) && !tty_job->is_admin())
		return -EPERM;
	steal = steal && tty_job->is_admin();
	mutex_lock(&tty_lock);
	if (t->session == s)
		goto out;
	err = -EPERM;
	if (*tty_job->session_tty(s) || (t->session && !steal))
		goto out;
	loser = t->session;
	if (loser && detach_locked(t))
		old = t;
	*tty_job->session_tty(s) = tty_get(t);
	t->session = s;
	t->pgrp = tty_job->pgid();
	err = 0;
out:
	mutex_unlock(&tty_lock);
	tty_put(old);
	return err;
}

static long drop_controlling(struct tty *t)
{
	struct session *s = tty_job->session();

	if (!is_current(t))
		return -ENOTTY;
	/* the terminal is the whole session's: only its leader gives it up */
	if (tty_job->is_session_leader())
		session_detach(s, true);
	return 0;
}

static long set_foreground(struct tty *t, int32_t pgid)
{
	struct session *s = tty_job->session();
	int id, err = tty_check_background(t, SIGTTOU);

	if (err)
		return err;
	if (!is_current(t))
		return -ENOTTY;
	if (pgid < 0)
		return -EINVAL;
	id = tty_job->check_pgrp((uint32_t)pgid, s);
	if (id < 0)
		return id;
	mutex_lock(&tty_lock);
	if (t->session == s)
		t->pgrp = (uint32_t)id;
	mutex_unlock(&tty_lock);
	return 0;
}

long tty_ioctl_job(struct tty *t, struct file *f, uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case TIOCSCTTY:
		return set_controlling(t, f, arg == 1);
	case TIOCNOTTY:
		return drop_controlling(t);
	case TIOCSPGRP:
		return set_foreground(t, (int32_t)arg);
	case TIOCGPGRP:
		return is_current(t) ? tty_job->seen(tty_foreground(t)) :
				       -ENOTTY;
	case TIOCGSID:
		return is_current(t) ? tty_job->seen(tty_session_id(t)) :
				       -ENOTTY;
	default:
		return -ENOTTY;
	}
}

/* --- open files -------------------------------------------------------------*/

static ssize_t tty_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct tty *t = f->private;
	int err = tty_check_background(t, SIGTTIN);

	if (err)
		return err;
	return t->ops->read(t, f, u);
}

static ssize_t tty_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct tty *t = f->private;
	struct termios2 tio;
	int err;

	/* only the background needs to know of TOSTOP */
	if (is_current(t) && tty_foreground(t) != tty_job->pgid() &&
	    !t->ops->get_termios(t, &tio) && (tio.c_lflag & TOSTOP)) {
		err = tty_check_background(t, SIGTTOU);
		if (err)
			return err;
	}
	return t->ops->write(t, f, u);
}

static uint32_t tty_poll(struct file *f, struct poll_table *pt)
{
	struct tty *t = f->private;

	return t->ops->poll(t, f, pt);
}

static long tty_file_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	return tty_ioctl(f->private, f, cmd, arg);
}

static void tty_release(struct file *f)
{
	struct tty *t = f->private;

	if (t->ops->close)
		t->ops->close(t, f);
	tty_put(t);
}

static const struct file_ops tty_file_ops = {
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_file_ioctl,
	.release = tty_release,
};

struct tty *tty_of_file(const struct file *f)
{
	return f->ops == &tty_file_ops ? f->private : NULL;
}

int tty_open(struct tty *t, struct file *f)
{
	int err;

	if (t->exclusive && !tty_job->is_admin())
		return -EBUSY;
	err = t->ops->open ? t->ops->open(t, f) : 0;
	if (err)
		return err;
	f->ops = &tty_file_ops;
	f->private = tty_get(t);
	f->mode |= FMODE_STREAM;
	if (!(f->flags & O_NOCTTY) && (f->mode & FMODE_READ) &&
	    tty_job->is_session_leader())
		set_controlling(t, f, false);	/* refusal is no error */
	return 0;
}

/* --- /dev/tty, /dev/console ---------------------------------------------------*/

static int open_current(struct inode *i, struct file *f)
{
	struct tty *t = current_tty();
	int err;

	if (!t)
		return -ENXIO;
	err = tty_open(t, f);
	tty_put(t);
	return err;
}

static int open_console(struct inode *i, struct file *f)
{
	struct tty *t = host_tty_first();

	return t ? tty_open(t, f) : -ENODEV;
}

int tty_init(const struct abi_boot *boot)
{
	int err = chrdev_register(5, 0, 1, open_current);

	if (!err)
		err = chrdev_register(5, 1, 1, open_console);
	if (!err)
		err = pty_init();
	host_tty_init(boot);
	return err;
}
