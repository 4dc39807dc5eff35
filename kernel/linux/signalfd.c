/* SPDX-License-Identifier: MIT */
/*
 * signalfd: takes pending signals of whoever reads, by reading. The wait
 * queue is that of the reading process (signals.signalfd_wait), woken by every
 * sender. An epoll may keep a waiter there after the process has ended, so
 * the file holds the processes that registered until it is released.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/signalfd.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/process.h"

struct holder {
	struct holder *next;
	struct process *process;	/* referenced */
};

struct signalfd {
	struct mutex lock;
	uint64_t mask;			/* atomic */
	struct holder *holders;		/* under lock */
};

static void convert(struct signalfd_siginfo *o, const struct ksiginfo *i)
{
	memset(o, 0, sizeof(*o));
	o->ssi_signo = (uint32_t)i->signo;
	o->ssi_errno = i->err;
	o->ssi_code = i->code;
	if (i->code == SI_TIMER) {
		o->ssi_tid = (uint32_t)i->timer.tid;
		o->ssi_overrun = (uint32_t)i->timer.overrun;
		o->ssi_ptr = i->timer.value;
		o->ssi_int = (int32_t)i->timer.value;
		return;
	}
	if (i->code <= 0 || i->code == SI_KERNEL) {
		o->ssi_pid = (uint32_t)i->kill.pid;
		o->ssi_uid = i->kill.uid;
		if (i->code < 0 && i->code != SI_TKILL) {
			o->ssi_ptr = i->kill.value;
			o->ssi_int = (int32_t)i->kill.value;
		}
		return;
	}
	switch (i->signo) {
	case SIGCHLD:
		o->ssi_pid = (uint32_t)i->child.pid;
		o->ssi_uid = i->child.uid;
		o->ssi_status = i->child.status;
		o->ssi_utime = (uint64_t)i->child.utime;
		o->ssi_stime = (uint64_t)i->child.stime;
		break;
	case SIGIO:
		o->ssi_band = (uint32_t)i->poll.band;
		o->ssi_fd = i->poll.fd;
		break;
	case SIGSYS:
		o->ssi_call_addr = i->sys.call_addr;
		o->ssi_syscall = i->sys.syscall;
		o->ssi_arch = i->sys.arch;
		break;
	default:
		o->ssi_addr = i->fault.addr;
		o->ssi_addr_lsb = (uint16_t)i->fault.lsb;
		break;
	}
}

/* Take one signal, sleeping if `wait`. Returns its number or -errno. */
static int take(struct signalfd *s, bool wait, struct ksiginfo *out)
{
	struct thread *t = current_thread();
	struct waiter w;
	int signo, err = 0;

	signo = signal_dequeue(t, s->mask, out);
	if (signo || !wait)
		return signo ? signo : -EAGAIN;
	wait_begin(&w, &t->process->signals.signalfd_wait);
	while (!(signo = signal_dequeue(t, s->mask, out)) && !err)
		err = wait_sleep(&w, DEADLINE_NEVER, true);
	wait_end(&w);
	return signo ? signo : -ERESTARTSYS;
}

static ssize_t signalfd_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct signalfd_siginfo out;
	struct ksiginfo info;
	ssize_t done = 0;

	if (u->left < sizeof(out))
		return -EINVAL;
	while (u->left >= sizeof(out)) {
		bool wait = !done && !(f->flags & O_NONBLOCK);
		int signo = take(f->private, wait, &info);

		if (signo < 0)
			return done ? done : signo;
		convert(&out, &info);
		if (uio_fill(u, &out, sizeof(out)) != sizeof(out))
			return done ? done : -EFAULT;
		done += (ssize_t)sizeof(out);
	}
	return done;
}

/* Keep p until the file goes. Returns false without memory. */
static bool hold_process(struct signalfd *s, struct process *p)
{
	struct holder *h;

	mutex_lock(&s->lock);
	for (h = s->holders; h && h->process != p;)
		h = h->next;
	if (!h) {
		h = kmalloc(sizeof(*h));
		if (h) {
			h->process = process_get(p);
			h->next = s->holders;
			s->holders = h;
		}
	}
	mutex_unlock(&s->lock);
	return h != NULL;
}

static uint32_t signalfd_poll(struct file *f, struct poll_table *pt)
{
	struct signalfd *s = f->private;
	struct thread *t = current_thread();
	struct process *p;
	uint64_t set;

	if (!t)
		return 0;
	p = t->process;
	if (pt && hold_process(s, p))
		poll_add(pt, &p->signals.signalfd_wait);
	mutex_lock(&p->signals.lock);
	set = t->sig.pending.set | p->signals.shared.set;
	mutex_unlock(&p->signals.lock);
	return set & s->mask ? EPOLLIN : 0;
}

static void signalfd_release(struct file *f)
{
	struct signalfd *s = f->private;

	while (s->holders) {
		struct holder *h = s->holders;

		s->holders = h->next;
		process_put(h->process);
		kfree(h);
	}
	kfree(s);
}

static const struct file_ops signalfd_ops = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
};

static int signalfd_create(uint64_t mask, uint64_t flags)
{
	struct signalfd *s = kzalloc(sizeof(*s));
	struct file *f;
	int fd;

	if (!s)
		return -ENOMEM;
	mutex_init(&s->lock);
	s->mask = mask;
	f = file_create_anon(&signalfd_ops, s, O_RDWR | (flags & O_NONBLOCK),
			     0600, "[signalfd]");
	if (!f) {
		kfree(s);
		return -ENOMEM;
	}
	fd = fd_install(f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_signalfd4(uint64_t fd, uint64_t user_mask, uint64_t size,
		   uint64_t flags)
{
	uint64_t mask;
	struct file *f;
	int err = 0;

	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, (void *)user_mask, sizeof(mask)))
		return -EFAULT;
	if (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	mask &= ~(sig_bit(SIGKILL) | sig_bit(SIGSTOP));
	if ((int)fd == -1)
		return signalfd_create(mask, flags);
	f = fd_get((int)fd);
	if (!f)
		return -EBADF;
	if (f->ops == &signalfd_ops) {
		struct signalfd *s = f->private;

		__atomic_store_n(&s->mask, mask, __ATOMIC_SEQ_CST);
		wait_wake_all(&current_process()->signals.signalfd_wait, 0);
	} else {
		err = -EINVAL;
	}
	file_put(f);
	return err ? err : (int)fd;
}

long sys_signalfd(uint64_t fd, uint64_t user_mask, uint64_t size)
{
	return sys_signalfd4(fd, user_mask, size, 0);
}
