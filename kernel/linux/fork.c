/* SPDX-License-Identifier: MIT */
/*
 * Birth of threads and processes: clone, fork, vfork. Everything that can
 * fail is done before the new thread is visible; the start by the platform
 * is the last step and undoes cleanly.
 */
#include <gen/syscalls.h>
#include "arch/arch_cpu.h"
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/mm.h"
#include "linux/ns.h"
#include "linux/path.h"
#include "linux/pid_ns.h"
#include "linux/pidfd.h"
#include "linux/process_priv.h"
#include "linux/ptrace.h"
#include "linux/remote.h"
#include "linux/seccomp.h"
#include "platform/platform.h"
#include <asm/signal.h>
#include <linux/ptrace.h>
#include <linux/resource.h>
#include <linux/sched.h>

#define TLS_MAX 0x7ffffffff000ull
#define SET_TID_MAX 32u
#define NR_SIGNALS 64u
#define RFLAGS_TF (1ull << 8)

struct clone_args_k {
	uint64_t flags, stack, tls;
	uint32_t *parent_tid, *child_tid, *pidfd;
	uint32_t exit_signal;
	uint32_t trace_event;	/* PTRACE_EVENT_*; 0: no tracer wants to know */
};

struct new_pidfd {
	struct file *file;	/* NULL: none is made */
	int fd;			/* -1: not reserved */
};

struct fs_state *fs_state_copy(struct fs_state *old)
{
	struct fs_state *fs = fs_settle(old) ? NULL : kzalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	ref_init(&fs->refs, 1);
	mutex_init(&fs->lock);
	mutex_lock(&old->lock);
	fs->root = old->root;
	fs->cwd = old->cwd;
	fs->umask = old->umask;
	path_get(&fs->root);
	path_get(&fs->cwd);
	mutex_unlock(&old->lock);
	return fs;
}

void fs_state_put(struct fs_state *fs)
{
	if (!fs || !ref_put(&fs->refs))
		return;
	path_put(&fs->root);
	path_put(&fs->cwd);
	kfree(fs);
}

static int check_flags(const struct clone_args_k *a)
{
	const struct thread *self = current_thread();
	uint64_t f = a->flags;

	if ((f & CLONE_SIGHAND && !(f & CLONE_VM)) ||
	    (f & CLONE_THREAD && !(f & CLONE_SIGHAND)) ||
	    (f & CLONE_FS && f & (CLONE_NEWNS | CLONE_NEWUSER)) ||
	    (f & CLONE_THREAD && f & (CLONE_NEWPID | CLONE_NEWUSER)) ||
	    (f & CLONE_SYSVSEM && f & CLONE_NEWIPC))
		return -EINVAL;
	if (f & CLONE_PIDFD && (f & (CLONE_THREAD | CLONE_DETACHED) ||
				(f & CLONE_PARENT_SETTID &&
				 a->pidfd == a->parent_tid)))
		return -EINVAL;
	/* it becomes the FS base, which must be an address of a program */
	if (f & CLONE_SETTLS && a->tls >= TLS_MAX)
		return -EPERM;
	/* who is in a namespace has all its threads there, and no siblings if
	 * it is the init */
	if ((f & CLONE_THREAD &&
	     ns_of(self, NS_PID) != &self->process->pid_ns->ns) ||
	    (f & CLONE_PARENT && self->process->is_init))
		return -EINVAL;
	/* sharing of handlers without being a thread: not offered */
	if (f & CLONE_SIGHAND && !(f & CLONE_THREAD))
		return -EINVAL;
	return 0;
}

static int check_limits(struct thread *self)
{
	uint64_t total = process_total_threads();

	if (boot->pids_limit && total >= boot->pids_limit)
		return -EAGAIN;
	if (total >= self->process->limits[RLIMIT_NPROC].cur &&
	    self->cred->uid)
		return -EAGAIN;
	return 0;
}

/* What others know it by, and who watches it. process_lock is held. */
static int link_thread_locked(struct thread *t, struct thread *self,
			      const struct clone_args_k *a)
{
	int err = ptrace_child_locked(t, self, a->flags, a->trace_event);

	if (err)
		return err;
	seccomp_inherit_locked(t, self);
	thread_link_locked(t);
	return 0;
}

static int copy_namespaces(struct thread *t, struct thread *self,
			   uint64_t flags)
{
	int err;

	if (likely(!(flags & NS_FLAGS))) {
		t->cred = cred_get(self->cred);
		t->ns = ns_set_get(self->ns);
		return 0;
	}
	if (flags & CLONE_NEWUSER) {
		err = user_ns_make_cred(self->cred, &t->cred);
		if (err)
			return err;
	} else {
		t->cred = cred_get(self->cred);
	}
	return ns_set_make(flags, t->cred, t->fs, &t->ns);
}

static int copy_thread_state(struct thread *t, struct thread *self,
			     const struct clone_args_k *a)
{
	int err;

	t->files = a->flags & CLONE_FILES ? files_get(self->files) :
					    files_copy(self->files);
	if (a->flags & CLONE_FS) {
		ref_get(&self->fs->refs);
		t->fs = self->fs;
	} else {
		t->fs = fs_state_copy(self->fs);
	}
	if (!t->files || !t->fs)
		return -ENOMEM;
	err = copy_namespaces(t, self, a->flags);
	if (err)
		return err;
	t->sig.blocked = self->sig.blocked;
	t->timer_slack = t->default_slack = self->timer_slack;
	if (!(a->flags & CLONE_VM) || a->flags & CLONE_VFORK) {
		t->sig.alt_sp = self->sig.alt_sp;
		t->sig.alt_size = self->sig.alt_size;
		t->sig.alt_flags = self->sig.alt_flags;
	}
	*t->regs = *self->regs;
	t->regs->rax = 0;
	t->regs->orig_rax = (uint64_t)-1;
	t->regs->rflags &= ~RFLAGS_TF;
	if (a->stack)
		t->regs->rsp = a->stack;
	t->regs->fs_base = a->flags & CLONE_SETTLS ? a->tls : arch_get_fs();
	if (a->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = a->child_tid;
	if (a->flags & CLONE_CHILD_SETTID)
		t->set_child_tid = a->child_tid;
	strlcpy(t->task->name, self->task->name, sizeof(t->task->name));
	return 0;
}

static void drop_thread(struct thread *t)
{
	if (t->files)
		files_put(t->files);
	fs_state_put(t->fs);
	ns_set_put(t->ns);
	cred_put(t->cred);
	seccomp_drop(t);
	thread_free(t);
}

static int copy_process_state(struct process *p, struct process *old,
			      const struct clone_args_k *a)
{
	if (a->flags & CLONE_VM)
		p->mm = mm_get(old->mm);
	else
		p->mm = mm_copy(old->mm);
	if (!p->mm)
		return -ENOMEM;
	mutex_lock(&old->signals.lock);
	memcpy(p->signals.action, old->signals.action,
	       sizeof(p->signals.action));
	mutex_unlock(&old->signals.lock);
	if (a->flags & CLONE_CLEAR_SIGHAND)
		signal_reset_handlers(p);
	memcpy(p->limits, old->limits, sizeof(p->limits));
	memcpy(p->comm, old->comm, sizeof(p->comm));
	if (old->exe_name)
		p->exe_name = kstrdup(old->exe_name);
	p->exe = old->exe;
	if (p->exe.dentry)
		path_get(&p->exe);
	p->dumpable = old->dumpable;
	p->oom_score_adj = old->oom_score_adj;
	p->nice = old->nice;
	p->personality_flags = old->personality_flags;
	p->exit_signal = a->exit_signal;
	return process_copy_extra(p, old);
}

static void start_child(struct thread *t)
{
	mm_after_fork(t->process->mm);
	if (t->set_child_tid)
		(void)!user_store32(t->set_child_tid, t->nr);
}

/* Parent's half of vfork: until the child execs or exits, or we are killed. */
static void wait_for_vfork(struct thread *self, struct process *child)
{
	while (__atomic_load_n(&self->vfork_pending, __ATOMIC_ACQUIRE) &&
	       !self->process->group_exit) {
		task_park(DEADLINE_NEVER, false);
		remote_serve_if_asked();
	}
	mutex_lock(&process_lock);
	if (child->vfork_waiter == self)
		child->vfork_waiter = NULL;
	mutex_unlock(&process_lock);
}

void process_release_vfork(struct process *p)
{
	mutex_lock(&process_lock);
	if (p->vfork_waiter) {
		__atomic_store_n(&p->vfork_waiter->vfork_pending, 0,
				 __ATOMIC_RELEASE);
		task_unpark(p->vfork_waiter->task);
		p->vfork_waiter = NULL;
	}
	mutex_unlock(&process_lock);
}

static int start_thread(struct thread *t, const struct clone_args_k *a)
{
	int err = sched_inherit(t, current_thread());

	if (err)
		return err;
	t->start = start_child;
	t->task->arch.work |= TASK_WORK_SLOW;
	__atomic_fetch_add(&t->process->mm->nr_tasks, 1, __ATOMIC_RELAXED);
	return plat_task_start(t->task, a->flags & CLONE_VM ?
			       PLAT_SPACE_SHARE : PLAT_SPACE_COPY);
}

static long new_thread(struct thread *self, const struct clone_args_k *a)
{
	struct thread *t = thread_alloc(self->process);
	uint32_t tid, nr;
	int err;

	if (!t)
		return -EAGAIN;
	err = copy_thread_state(t, self, a);
	if (err)
		goto out_drop;
	mutex_lock(&process_lock);
	err = self->process->group_exit || self->process->exec_thread ?
	      -ERESTARTNOINTR :
	      pid_alloc_locked(t->process->pid_ns, &t->tid, &t->nr);
	tid = t->tid;
	nr = t->nr;
	if (!err)
		err = link_thread_locked(t, self, a);
	if (err)
		pid_release_locked(tid);
	mutex_unlock(&process_lock);
	if (err)
		goto out_drop;
	if (a->flags & CLONE_PARENT_SETTID)
		(void)!user_store32(a->parent_tid, nr);
	err = start_thread(t, a);
	if (!err) {
		ptrace_event(self, a->trace_event, ptrace_seen(self, tid));
		return nr;
	}
	__atomic_fetch_sub(&t->process->mm->nr_tasks, 1, __ATOMIC_RELAXED);
	mutex_lock(&process_lock);
	if (t->trace)
		ptrace_detach_locked(t->trace);
	thread_unlink_locked(t);
	mutex_unlock(&process_lock);
out_drop:
	drop_thread(t);
	return err;
}

static void drop_process(struct process *p)
{
	if (p->mm)
		mm_put(p->mm);
	process_put(p);
}

/* *nr: what the caller knows it by. */
static int publish(struct process *p, struct thread *t, struct thread *self,
		   const struct clone_args_k *a, uint32_t *nr)
{
	struct pid_ns *ns = (struct pid_ns *)ns_of(t, NS_PID);
	struct process *old = self->process;
	struct process *parent = old;
	int err;

	mutex_lock(&process_lock);
	if (a->flags & CLONE_PARENT && old->parent) {
		parent = old->parent;
		p->exit_signal = old->exit_signal;
	}
	p->forked_by = self->tid;
	p->pid_ns = pid_ns_get(ns);
	err = old->group_exit ? -ERESTARTNOINTR :
	      pid_alloc_locked(ns, &p->pid, &p->nr);
	t->tid = p->pid;
	t->nr = p->nr;
	if (!err)
		err = link_thread_locked(t, self, a);
	if (err)
		pid_release_locked(p->pid);
	if (!err) {
		p->pgid = old->pgid;
		p->session = session_get(old->session);
		if (a->flags & CLONE_VFORK) {
			p->vfork_waiter = self;
			self->vfork_pending = 1;
		}
		process_link_locked(p, parent);
		if (!ns->init) {
			ns->init = p;
			p->is_init = true;
		}
		*nr = pid_seen_locked(old->pid_ns, p->pid);
	}
	mutex_unlock(&process_lock);
	return err;
}

static void unpublish(struct process *p, struct thread *t)
{
	mutex_lock(&process_lock);
	p->vfork_waiter = NULL;
	if (t->trace)
		ptrace_detach_locked(t->trace);
	thread_unlink_locked(t);
	pid_ns_count_locked(p->pid_ns, -1);
	process_get(p);		/* drop_process puts */
	process_unlink_locked(p);
	mutex_unlock(&process_lock);
}

/* Reserve a descriptor for p and tell the program. */
static int prepare_pidfd(struct process *p, const struct clone_args_k *a,
			 struct new_pidfd *n)
{
	n->file = pidfd_file_create(p, 0);
	if (!n->file)
		return -ENOMEM;
	n->fd = fd_reserve(0, true);
	if (n->fd < 0)
		return n->fd;
	return user_store32(a->pidfd, (uint32_t)n->fd) ? -EFAULT : 0;
}

static void finish_pidfd(struct new_pidfd *n, int err)
{
	if (n->fd >= 0 && !err)
		fd_fill(n->fd, n->file);
	else if (n->fd >= 0)
		fd_unreserve(n->fd);
	if (n->file && (err || n->fd < 0))
		file_put(n->file);
}

static long new_process(struct thread *self, const struct clone_args_k *a)
{
	struct new_pidfd pidfd = { .fd = -1 };
	bool copies = !(a->flags & CLONE_VM);
	struct process *p = process_alloc();
	struct thread *t = p ? thread_alloc(p) : NULL;
	struct mm *mm = self->process->mm;
	uint32_t pid, nr;
	int err = -ENOMEM;

	if (!t) {
		if (p)
			process_put(p);
		return -EAGAIN;
	}
	/* the record and the host's copy must be of one moment */
	if (copies)
		rwlock_write_lock(&mm->lock);
	err = copy_process_state(p, self->process, a);
	if (!err)
		err = copy_thread_state(t, self, a);
	if (!err && a->flags & CLONE_PIDFD)
		err = prepare_pidfd(p, a, &pidfd);
	if (!err)
		err = publish(p, t, self, a, &nr);
	if (err)
		goto out_unlock;
	pid = p->pid;
	if (a->flags & CLONE_PARENT_SETTID)
		(void)!user_store32(a->parent_tid, nr);
	process_get(p);
	err = start_thread(t, a);
	if (err) {
		process_put(p);
		unpublish(p, t);
		goto out_unlock;
	}
	if (copies)
		rwlock_write_unlock(&mm->lock);
	finish_pidfd(&pidfd, 0);
	ptrace_event(self, a->trace_event, ptrace_seen(self, pid));
	if (a->flags & CLONE_VFORK) {
		wait_for_vfork(self, p);
		ptrace_event(self, PTRACE_EVENT_VFORK_DONE,
			     ptrace_seen(self, pid));
	}
	process_put(p);
	return nr;
out_unlock:
	if (copies)
		rwlock_write_unlock(&mm->lock);
	finish_pidfd(&pidfd, err);
	drop_thread(t);
	drop_process(p);
	return err;
}

static long do_clone(struct clone_args_k *a)
{
	struct thread *self = current_thread();
	int err = check_flags(a);

	if (!err)
		err = check_limits(self);
	if (err)
		return err;
	a->trace_event = ptrace_clone_event(self, a->flags, a->exit_signal);
	return a->flags & CLONE_THREAD ? new_thread(self, a) :
					 new_process(self, a);
}

long sys_clone(uint64_t flags, uint64_t stack, uint64_t parent_tid,
	       uint64_t child_tid, uint64_t tls)
{
	struct clone_args_k a = {
		.flags = (uint32_t)flags & ~(uint32_t)CSIGNAL,
		.stack = stack, .tls = tls,
		.parent_tid = (uint32_t *)parent_tid,
		.child_tid = (uint32_t *)child_tid,
		.pidfd = (uint32_t *)parent_tid,
		.exit_signal = (uint32_t)flags & CSIGNAL,
	};

	return do_clone(&a);
}

long sys_fork(void)
{
	struct clone_args_k a = { .exit_signal = SIGCHLD };

	return do_clone(&a);
}

long sys_vfork(void)
{
	struct clone_args_k a = { .flags = CLONE_VM | CLONE_VFORK,
				  .exit_signal = SIGCHLD };

	return do_clone(&a);
}

/* What only clone3 checks (clone(2)). */
static int check_clone3(const struct clone_args *c, size_t size)
{
	uint64_t f = c->flags;

	if (!c->set_tid != !c->set_tid_size ||
	    c->set_tid_size > SET_TID_MAX || c->exit_signal > NR_SIGNALS ||
	    f & ~(0xffffffffull | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP) ||
	    f & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME)) ||
	    (f & CLONE_SIGHAND && f & CLONE_CLEAR_SIGHAND) ||
	    (f & CLONE_INTO_CGROUP && (c->cgroup > INT32_MAX ||
				       size < CLONE_ARGS_SIZE_VER2)) ||
	    (f & (CLONE_THREAD | CLONE_PARENT) && c->exit_signal) ||
	    !c->stack != !c->stack_size ||
	    (c->stack && !user_range_ok((void *)c->stack, c->stack_size)))
		return -EINVAL;
	if (f & CLONE_NEWTIME)
		return -EINVAL;
	if (c->set_tid)
		return -EPERM;
	/* there are no cgroups whose descriptor it could be */
	return f & CLONE_INTO_CGROUP ? -EBADF : 0;
}

long sys_clone3(uint64_t args, uint64_t size)
{
	struct clone_args c = { 0 };
	struct clone_args_k a;
	int err;

	if (size < CLONE_ARGS_SIZE_VER0)
		return size > PAGE_SIZE ? -E2BIG : -EINVAL;
	err = copy_struct_from_user(&c, sizeof(c), (void *)args, size);
	if (!err)
		err = check_clone3(&c, size);
	if (err)
		return err;
	a = (struct clone_args_k){
		.flags = c.flags, .tls = c.tls,
		.stack = c.stack + c.stack_size,
		.parent_tid = (uint32_t *)c.parent_tid,
		.child_tid = (uint32_t *)c.child_tid,
		.pidfd = (uint32_t *)c.pidfd,
		.exit_signal = (uint32_t)c.exit_signal,
	};
	return do_clone(&a);
}

long sys_set_tid_address(uint64_t p)
{
	struct thread *t = current_thread();

	t->clear_child_tid = (uint32_t *)p;
	return t->nr;
}
