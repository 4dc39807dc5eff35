/* SPDX-License-Identifier: MIT */
/*
 * fcntl: one function per group of commands. Record locks are in flock.c,
 * sizes of pipes in fs/pipe.c, seals in memfd.c.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/stat.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "fs/pipe.h"
#include "linux/async.h"
#include "linux/fdtable.h"
#include "linux/flock.h"
#include "linux/lease.h"
#include "linux/pid_ns.h"
#include "linux/seals.h"
#include "linux/sockets.h"

#define F_DUPFD_QUERY_NR 1027u
#define F_CREATED_QUERY_NR 1028u
#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC)
/* Flags of open(2) that F_GETFL does not report. */
#define GETFL_HIDDEN (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

static long dup_from(struct file *f, uint64_t min_fd, bool cloexec)
{
	uint64_t limit = current_process()->limits[RLIMIT_NOFILE].cur;
	int fd;

	if ((uint32_t)min_fd >= limit)
		return -EINVAL;
	fd = fd_install_from(file_get(f), (int)min_fd, cloexec);
	if (fd < 0)
		file_put(f);
	return fd;
}

static long set_flags(struct file *f, int fd, uint64_t arg)
{
	const struct cred *c = current_thread()->cred;
	uint32_t old = __atomic_load_n(&f->flags, __ATOMIC_RELAXED), now;

	if (arg & O_NOATIME && !(old & O_NOATIME) &&
	    f->inode->uid != c->fsuid && !cred_has_cap(c, CAP_FOWNER))
		return -EPERM;
	if ((arg ^ old) & FASYNC && async_set(f, fd, arg & FASYNC))
		return -ENOMEM;
	do {
		now = (old & ~(uint32_t)SETFL_MASK) |
		      ((uint32_t)arg & SETFL_MASK);
	} while (!__atomic_compare_exchange_n(&f->flags, &old, now, false,
					      __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return 0;
}

static long set_owner(struct file *f, int32_t id, uint32_t type)
{
	const struct cred *c = current_thread()->cred;
	uint32_t nr = (uint32_t)(id < 0 ? -id : id);
	bool found;

	if (id == INT32_MIN)
		return -EINVAL;
	if (id) {
		mutex_lock(&process_lock);
		nr = pid_from_user_locked(nr);
		found = id < 0 ? nr != 0 : type == F_OWNER_TID ?
			thread_find(nr) != NULL : process_find(nr) != NULL;
		mutex_unlock(&process_lock);
		if (!found)
			return -ESRCH;
		id = id < 0 ? -(int32_t)nr : (int32_t)nr;
	}
	f->fown_type = type;
	f->fown_uid = c->uid;
	f->fown_euid = c->euid;
	f->fown_pid = (uint32_t)id;
	if (socket_of(f))
		socket_of(f)->owner = id;
	return 0;
}

static int32_t get_owner(const struct file *f)
{
	int32_t id = (int32_t)f->fown_pid;

	return id < 0 ? -(int32_t)pid_to_user((uint32_t)-id) :
	       (int32_t)pid_to_user((uint32_t)id);
}

static long owner_ex(struct file *f, bool set, uint64_t user)
{
	struct f_owner_ex o;

	if (set) {
		if (copy_from_user(&o, (void *)user, sizeof(o)))
			return -EFAULT;
		if (o.type < F_OWNER_TID || o.type > F_OWNER_PGRP)
			return -EINVAL;
		return set_owner(f, o.type == F_OWNER_PGRP ? -o.pid : o.pid,
				 (uint32_t)o.type);
	}
	o.pid = get_owner(f);
	o.type = (int32_t)f->fown_pid < 0 ? F_OWNER_PGRP :
		 f->fown_type == F_OWNER_TID ? F_OWNER_TID : F_OWNER_PID;
	if (o.pid < 0)
		o.pid = -o.pid;
	return copy_to_user((void *)user, &o, sizeof(o));
}

static long set_signal(struct file *f, uint64_t arg)
{
	if (arg > 64)
		return -EINVAL;
	f->fown_sig = (int32_t)arg;
	return 0;
}

static long set_lease(struct file *f, int fd, uint64_t arg)
{
	bool to_us = arg != F_UNLCK && !f->fown_pid;
	long err;

	/* before: from then on somebody may be told */
	if (to_us)
		(void)!set_owner(f, (int32_t)current_process()->nr,
				 F_OWNER_PID);
	err = lease_set(f, fd, (uint32_t)arg);
	if (err && to_us)
		f->fown_pid = 0;
	return err;
}

static long set_notify(struct file *f, int fd, uint32_t events)
{
	long err = dnotify_set(f, fd, events);

	return err || f->fown_pid ? err :
	       set_owner(f, (int32_t)current_process()->nr, F_OWNER_PID);
}

static long same_file(struct file *f, uint64_t fd)
{
	struct file *o = fd_get_any((int)fd);
	bool same = o == f;

	if (!o)
		return -EBADF;
	file_put(o);
	return same;
}

static long pipe_size(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct pipe *p = pipe_of_file(f);

	if (!p)
		return -EBADF;
	if (cmd == F_GETPIPE_SZ)
		return pipe_get_size(p);
	return pipe_set_size(p, (uint32_t)arg,
			     cred_has_cap(current_thread()->cred,
					  CAP_SYS_RESOURCE));
}

/* What also works on O_PATH descriptors; -ENOSYS = another command. */
static long fcntl_descriptor(struct file *f, int fd, uint32_t cmd,
			     uint64_t arg)
{
	struct files *fs = current_thread()->files;

	switch (cmd) {
	case F_DUPFD:
		return dup_from(f, arg, false);
	case F_DUPFD_CLOEXEC:
		return dup_from(f, arg, true);
	case F_GETFD:
		return files_is_cloexec(fs, fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		files_set_cloexec(fs, fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return __atomic_load_n(&f->flags, __ATOMIC_RELAXED) &
		       ~(uint32_t)GETFL_HIDDEN;
	case F_DUPFD_QUERY_NR:
		return same_file(f, arg);
	case F_CREATED_QUERY_NR:
		return !!(f->mode & FMODE_CREATED);
	default:
		return -ENOSYS;
	}
}

static long fcntl_file(struct file *f, int fd, uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case F_SETFL:
		return set_flags(f, fd, arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return flock_fcntl(f, cmd, arg);
	case F_SETOWN:
		return set_owner(f, (int32_t)arg, F_OWNER_PID);
	case F_GETOWN:
		return get_owner(f);
	case F_SETOWN_EX:
		return owner_ex(f, true, arg);
	case F_GETOWN_EX:
		return owner_ex(f, false, arg);
	case F_SETSIG:
		return set_signal(f, arg);
	case F_GETSIG:
		return f->fown_sig;
	case F_SETLEASE:
		return set_lease(f, fd, arg);
	case F_GETLEASE:
		return lease_get(f);
	case F_NOTIFY:
		return set_notify(f, fd, (uint32_t)arg);
	case F_SETPIPE_SZ:
	case F_GETPIPE_SZ:
		return pipe_size(f, cmd, arg);
	case F_ADD_SEALS:
		return memfd_add_seals(f, (uint32_t)arg);
	case F_GET_SEALS:
		return memfd_get_seals(f);
	default:
		return -EINVAL;
	}
}

long sys_fcntl(uint64_t fd, uint64_t cmd, uint64_t arg)
{
	struct file *f = fd_get_any((int)fd);
	long ret;

	if (!f)
		return -EBADF;
	ret = fcntl_descriptor(f, (int)fd, (uint32_t)cmd, arg);
	if (ret == -ENOSYS)
		ret = f->mode & FMODE_PATH ? -EBADF :
		      fcntl_file(f, (int)fd, (uint32_t)cmd, arg);
	file_put(f);
	return ret;
}
