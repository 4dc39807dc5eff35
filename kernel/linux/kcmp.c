/* SPDX-License-Identifier: MIT */
/* kcmp: whether two threads share an object, or a file an epoll watches. */
#include <linux/kcmp.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "linux/epoll_priv.h"
#include "linux/fdtable.h"
#include "linux/pid_ns.h"
#include "linux/process_priv.h"
#include "linux/ptrace.h"

/* What of t is compared; *ref gets a reference to an open file. */
static const void *object_locked(struct thread *t, uint32_t type, int fd,
				 struct file **ref)
{
	switch (type) {
	case KCMP_FILE:
	case KCMP_EPOLL_TFD:
		*ref = t->files ? files_lookup(t->files, fd) : NULL;
		return *ref;
	case KCMP_VM:
		return t->process->mm;
	case KCMP_FILES:
		return t->files;
	case KCMP_FS:
		return t->fs;
	case KCMP_SIGHAND:
		return &t->process->signals;
	default:	/* KCMP_IO, KCMP_SYSVSEM: none exist */
		return &process_lock;
	}
}

/* What epf watches as s says. Only to be compared. */
static int watched(const struct file *epf, const struct kcmp_epoll_slot *s,
		   const void **out)
{
	struct epoll *ep = epoll_of_file(epf);

	if (!ep)
		return -EINVAL;
	mutex_lock(&ep->lock);
	*out = epoll_item_file(ep, (int)s->tfd, s->toff);
	mutex_unlock(&ep->lock);
	return *out ? 0 : -ENOENT;
}

long sys_kcmp(uint64_t pid1, uint64_t pid2, uint64_t type, uint64_t idx1,
	      uint64_t idx2)
{
	struct kcmp_epoll_slot slot = { .efd = (uint32_t)idx2 };
	struct file *f1 = NULL, *f2 = NULL;
	const void *a = NULL, *b = NULL;
	struct thread *t1, *t2;
	long ret = 0;

	if ((uint32_t)type >= KCMP_TYPES)
		return -EINVAL;
	if (type == KCMP_EPOLL_TFD &&
	    copy_from_user(&slot, (void *)idx2, sizeof(slot)))
		return -EFAULT;
	mutex_lock(&process_lock);
	t1 = thread_find_user((uint32_t)pid1);
	t2 = thread_find_user((uint32_t)pid2);
	if (!t1 || !t2) {
		ret = -ESRCH;
	} else if (!ptrace_may_access_locked(t1, false) ||
		   !ptrace_may_access_locked(t2, false)) {
		ret = -EPERM;
	} else {
		a = object_locked(t1, (uint32_t)type, (int)idx1, &f1);
		b = object_locked(t2, (uint32_t)type, (int)slot.efd, &f2);
	}
	mutex_unlock(&process_lock);
	if (!ret && (type == KCMP_FILE || type == KCMP_EPOLL_TFD) &&
	    (!a || !b))
		ret = -EBADF;
	if (!ret && type == KCMP_EPOLL_TFD)
		ret = watched(f2, &slot, &b);
	if (!ret)
		ret = a == b ? 0 : a < b ? 1 : 2;
	if (f1)
		file_put(f1);
	if (f2)
		file_put(f2);
	return ret;
}
