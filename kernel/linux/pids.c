/* SPDX-License-Identifier: MIT */
/* Identifiers, groups and sessions; arch_prctl; prctl. */
#include <gen/syscalls.h>
#include "arch/arch_cpu.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "linux/ids.h"
#include "linux/pid_ns.h"
#include "linux/process_priv.h"
#include "linux/seccomp.h"
#include "linux/signal_priv.h"
#include <asm/prctl.h>
#include <linux/prctl.h>

long sys_getpid(void)
{
	return current_process()->nr;
}

long sys_gettid(void)
{
	return current_thread()->nr;
}

long sys_getppid(void)
{
	struct process *self = current_process(), *parent;
	uint32_t pid;

	/* one that is freed meanwhile is not the parent any more */
	do {
		parent = __atomic_load_n(&self->parent, __ATOMIC_ACQUIRE);
		pid = __atomic_load_n(&parent->pid, __ATOMIC_RELAXED);
	} while (parent != __atomic_load_n(&self->parent, __ATOMIC_ACQUIRE));
	return likely(self->pid_ns == &pid_ns_first) ? pid :
	       pid_seen_below(self->pid_ns, pid);
}

long sys_getpgrp(void)
{
	return pid_to_user(current_process()->pgid);
}

static struct process *find_or_self(uint64_t pid)
{
	return pid ? process_find_user((uint32_t)pid) : current_process();
}

long sys_getpgid(uint64_t pid)
{
	struct process *p;
	long r;

	mutex_lock(&process_lock);
	p = find_or_self((uint32_t)pid);
	r = p ? (long)pid_seen_locked(own_pid_ns(), p->pgid) : -ESRCH;
	mutex_unlock(&process_lock);
	return r;
}

long sys_getsid(uint64_t pid)
{
	struct process *p;
	long r;

	mutex_lock(&process_lock);
	p = find_or_self((uint32_t)pid);
	r = p && p->session ?
	    (long)pid_seen_locked(own_pid_ns(), p->session->sid) : -ESRCH;
	mutex_unlock(&process_lock);
	return r;
}

struct group_search {
	uint32_t pgid;
	struct session *session;
	bool found;
};

static bool is_member(struct process *p, void *arg)
{
	struct group_search *s = arg;

	if (p->pgid == s->pgid && (!s->session || p->session == s->session))
		s->found = true;
	return !s->found;
}

static bool group_exists(uint32_t pgid, struct session *session)
{
	struct group_search s = { pgid, session, false };

	process_for_each(is_member, &s);
	return s.found;
}

static void move_to_group_locked(struct process *p, uint32_t pgid)
{
	uint32_t old = p->pgid;

	p->pgid = pgid;
	pid_release_locked(old);
}

/* setpgid(2); caller holds process_lock */
static int set_group(struct process *self, struct process *p, uint32_t pgid)
{
	if (!p || (p != self && p->parent != self))
		return -ESRCH;
	if (p != self && p->did_exec)
		return -EACCES;
	if (p->session != self->session || p->session->sid == p->pid)
		return -EPERM;
	if (pgid != p->pid && !group_exists(pgid, self->session))
		return -EPERM;
	move_to_group_locked(p, pgid);
	return 0;
}

long sys_setpgid(uint64_t pid, uint64_t pgid)
{
	struct process *self = current_process(), *p;
	int err;

	if ((int)pgid < 0 || (!(uint32_t)pgid && (int)pid < 0))
		return -EINVAL;
	mutex_lock(&process_lock);
	p = find_or_self((uint32_t)pid);
	err = set_group(self, p, (uint32_t)pgid ?
			pid_from_user_locked((uint32_t)pgid) : p ? p->pid : 0);
	mutex_unlock(&process_lock);
	return err;
}

long sys_setsid(void)
{
	struct process *p = current_process();
	struct session *s = session_create(p->pid), *old = NULL;
	long r = -EPERM;

	if (!s)
		return -ENOMEM;
	mutex_lock(&process_lock);
	if (!group_exists(p->pid, NULL)) {
		old = p->session;
		p->session = s;
		s = NULL;
		move_to_group_locked(p, p->pid);
		if (old)
			pid_release_locked(old->sid);
		r = p->nr;
	}
	mutex_unlock(&process_lock);
	session_put(old);
	session_put(s);
	return r;
}

long sys_arch_prctl(uint64_t op, uint64_t addr)
{
	switch ((uint32_t)op) {
	case ARCH_SET_FS:
		if (addr >= 0x7ffffffff000ull)
			return -EPERM;
		arch_set_fs(addr);
		return 0;
	case ARCH_GET_FS:
		return user_store64((void *)addr, arch_get_fs());
	case ARCH_GET_GS:
		return user_store64((void *)addr, arch_get_gs());
	case ARCH_SET_GS:
		if (addr >= 0x7ffffffff000ull)
			return -EPERM;
		return arch_set_gs(addr);
	default:
		return -EINVAL;
	}
}

static long set_name(uint64_t user)
{
	struct thread *t = current_thread();
	char name[16];
	ssize_t n = strncpy_from_user(name, (void *)user, sizeof(name));

	if (n == -EFAULT)
		return -EFAULT;
	name[15] = 0;
	strlcpy(t->task->name, name, sizeof(t->task->name));
	if (t->tid == t->process->pid)
		strlcpy(t->process->comm, name, sizeof(t->process->comm));
	return 0;
}

static long get_name(uint64_t user)
{
	struct thread *t = current_thread();
	char name[16] = { 0 };

	strlcpy(name, t->tid == t->process->pid ? t->process->comm :
		t->task->name, sizeof(name));
	return copy_to_user((void *)user, name, sizeof(name));
}

static long prctl_process(struct process *p, uint32_t op, uint64_t a)
{
	switch (op) {
	case PR_SET_PDEATHSIG:
		if (a > 64)
			return -EINVAL;
		p->parent_death_signal = (uint32_t)a;
		return 0;
	case PR_GET_PDEATHSIG:
		return user_store32((void *)a, p->parent_death_signal);
	case PR_SET_DUMPABLE:
		if (a > 1)
			return -EINVAL;
		p->dumpable = (uint32_t)a;
		return 0;
	case PR_GET_DUMPABLE:
		return p->dumpable;
	case PR_SET_CHILD_SUBREAPER:
		p->is_subreaper = a != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return user_store32((void *)a, p->is_subreaper);
	default:
		return -EINVAL;
	}
}

long sys_prctl(uint64_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	struct thread *t = current_thread();
	long r = ids_prctl((uint32_t)op, a, b, c, d);

	if (r != -ENOSYS)
		return r;
	switch ((uint32_t)op) {
	case PR_SET_NAME:
		return set_name(a);
	case PR_GET_NAME:
		return get_name(a);
	case PR_SET_TIMERSLACK:
		t->timer_slack = a ? a : t->default_slack;
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)(t->timer_slack ? t->timer_slack : 50000);
	case PR_GET_SECCOMP:
		return t->seccomp_mode;
	case PR_SET_SECCOMP:
		return seccomp_prctl(a, b);
	case PR_GET_TIMING:
		return 0;
	case PR_GET_TSC:
		return user_store32((void *)a, PR_TSC_ENABLE);
	case PR_GET_THP_DISABLE:
		return a || b || c || d ? -EINVAL : 0;
	case PR_SET_THP_DISABLE:
		return b || c || d ? -EINVAL : 0;
	case PR_SET_VMA:
		return -EINVAL;
	default:
		return prctl_process(t->process, (uint32_t)op, a);
	}
}
