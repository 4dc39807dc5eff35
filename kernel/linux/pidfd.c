/* SPDX-License-Identifier: MIT */
/*
 * pidfd: a file that holds a process record. It becomes readable when the
 * process is a zombie (process.exit_wait, woken by exit.c). The record outlives
 * the process; that it is gone shows in its state.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <asm/siginfo.h>
#include <gen/syscalls.h>
#include "lib/string.h"
#include "linux/exit_hooks.h"
#include "linux/pidfd.h"
#include "linux/pid_ns.h"
#include "linux/proc/proc.h"
#include "linux/ptrace.h"
#include "linux/signal_priv.h"

static uint32_t pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct process *p = f->private;
	enum process_state s;

	poll_add(pt, &p->exit_wait);
	mutex_lock(&process_lock);
	s = p->state;
	mutex_unlock(&process_lock);
	if (s == PROC_DEAD)
		return EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	return s == PROC_ZOMBIE ? EPOLLIN | EPOLLRDNORM : 0;
}

static void pidfd_release(struct file *f)
{
	process_put(f->private);
}

static const struct file_ops pidfd_ops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
};

struct file *pidfd_file_create(struct process *p, uint32_t flags)
{
	struct file *f = file_create_anon(&pidfd_ops, p,
					  O_RDWR | (flags & O_NONBLOCK), 0600,
					  "[pidfd]");

	if (f)
		process_get(p);
	return f;
}

struct process *pidfd_process_get(int fd, bool *nonblock)
{
	struct file *f = fd_get(fd);
	struct process *p = NULL;

	if (f && f->ops == &pidfd_ops)
		p = process_get(f->private);
	if (p && nonblock)
		*nonblock = f->flags & O_NONBLOCK;
	file_put(f);
	return p;
}

long sys_pidfd_open(uint64_t pid, uint64_t flags)
{
	struct process *p;
	struct file *f;
	int fd, err = 0;

	if (flags & ~(uint64_t)O_NONBLOCK || (int32_t)pid <= 0)
		return -EINVAL;
	mutex_lock(&process_lock);
	p = process_find_user((uint32_t)pid);
	if (p)
		process_get(p);
	else
		err = thread_find_user((uint32_t)pid) ? -EINVAL : -ESRCH;
	mutex_unlock(&process_lock);
	if (err)
		return err;
	f = pidfd_file_create(p, (uint32_t)flags);
	process_put(p);
	if (!f)
		return -ENOMEM;
	fd = fd_install(f, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

/* /proc/PID, opened as a directory, serves as a pidfd for sending too. */
static struct process *proc_dir_process_get(int fd)
{
	struct file *f = fd_get(fd);
	struct process *p = NULL;

	if (f) {
		mutex_lock(&process_lock);
		p = process_find(proc_dir_pid(f->inode));
		if (p)
			process_get(p);
		mutex_unlock(&process_lock);
	}
	file_put(f);
	return p;
}

long sys_pidfd_send_signal(uint64_t fd, uint64_t signo, uint64_t info,
			   uint64_t flags)
{
	struct process *p, *self = current_process();
	struct ksiginfo i;
	int err = 0;

	if (flags)
		return -EINVAL;
	p = pidfd_process_get((int)fd, NULL);
	if (!p)
		p = proc_dir_process_get((int)fd);
	if (!p)
		return -EBADF;
	if ((uint32_t)signo > 64 || !pid_ns_is_below(p->pid_ns, self->pid_ns))
		err = -EINVAL;
	i = signal_info_from_self((int)signo, SI_USER);
	if (!err && info) {
		err = signal_info_load(&i, info, p == self);
		if (!err && i.signo != (int32_t)signo)
			err = -EINVAL;
	}
	mutex_lock(&process_lock);
	if (!err && (p->state == PROC_DEAD || process_find(p->pid) != p))
		err = -ESRCH;
	if (!err)
		err = signal_send_checked_locked(p, (int)signo, &i);
	mutex_unlock(&process_lock);
	process_put(p);
	return err;
}

static int take_file(struct process *p, int fd, struct file **out)
{
	struct files *fs = NULL;
	struct thread *t;
	int err = 0;

	mutex_lock(&process_lock);
	if (list_is_empty(&p->threads)) {
		err = -ESRCH;
	} else {
		t = list_first(&p->threads, struct thread, link);
		if (ptrace_may_access_locked(t, false))
			fs = files_get(t->files);
		else
			err = -EPERM;
	}
	mutex_unlock(&process_lock);
	if (err)
		return err;
	*out = files_lookup(fs, fd);
	files_put(fs);
	return *out ? 0 : -EBADF;
}

long sys_pidfd_getfd(uint64_t pidfd, uint64_t fd, uint64_t flags)
{
	struct process *p;
	struct file *f;
	int ret;

	if (flags)
		return -EINVAL;
	p = pidfd_process_get((int)pidfd, NULL);
	if (!p)
		return -EBADF;
	ret = take_file(p, (int)fd, &f);
	process_put(p);
	if (ret)
		return ret;
	ret = fd_install(f, true);
	if (ret < 0)
		file_put(f);
	return ret;
}
