/* SPDX-License-Identifier: MIT */
/*
 * Looking at processes from /proc: finding them, snapshots, references to
 * what hangs off them. process_lock is held only to copy; text is made after.
 */
#include "linux/proc/proc.h"
#include <linux/limits.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include "core/heap.h"
#include "drv/tty.h"
#include "lib/string.h"
#include "linux/fdtable.h"
#include "linux/mm.h"
#include "linux/oom.h"
#include "linux/pid_ns.h"
#include "linux/process_priv.h"
#include "linux/ptrace.h"
#include "linux/seccomp.h"
#include "linux/signal_priv.h"

static struct process *find_locked(const struct pseudo_node *n)
{
	struct process *p = process_find(proc_pid(n));

	return p && p->state != PROC_DEAD ? p : NULL;
}

/* The thread the node is about; NULL: none is left, or not that one. */
static struct thread *thread_locked(const struct pseudo_node *n,
				    struct process *p)
{
	struct thread *t;

	if (!proc_tid(n))
		return list_is_empty(&p->threads) ? NULL :
		       list_first(&p->threads, struct thread, link);
	t = thread_find(proc_tid(n));
	return t && t->process == p ? t : NULL;
}

static void copy_signals(struct proc_info *i, struct process *p,
			 struct thread *t)
{
	mutex_lock(&p->signals.lock);
	i->shared_pending = p->signals.shared.set;
	i->nr_queued = p->signals.nr_queued;
	i->max_queued = p->limits[RLIMIT_SIGPENDING].cur;
	for (int s = 1; s <= 64; s++) {
		uint64_t h = p->signals.action[s - 1].handler;

		if (h == SIGNAL_IGNORE)
			i->ignored |= sig_bit(s);
		else if (h != SIGNAL_DEFAULT)
			i->caught |= sig_bit(s);
	}
	if (t) {
		i->pending = t->sig.pending.set;
		i->blocked = t->sig.blocked;
	}
	mutex_unlock(&p->signals.lock);
}

static char state_of(const struct process *p, const struct thread *t)
{
	if (p->state == PROC_ZOMBIE || !t)
		return 'Z';
	if (t->trace && t->trace->stop)
		return 't';
	if (p->state == PROC_STOPPED)
		return 'T';
	/* 2: parked, see core/park.c */
	return t->task != current_task() &&
	       __atomic_load_n(&t->task->wake, __ATOMIC_RELAXED) == 2 ? 'S' :
	       'R';
}

static void copy_thread(struct proc_info *i, struct process *p,
			struct thread *t, const struct pid_ns *ns)
{
	i->tid = pid_seen_locked(ns, t->tid);
	if (t->tid != p->pid)
		strlcpy(i->comm, t->task->name, sizeof(i->comm));
	i->cred = cred_get(t->cred);
	i->policy = t->sched_policy;
	i->priority = t->sched_priority;
	i->cpu_mask = t->cpu_mask;
	i->umask = t->fs ? t->fs->umask : 022;
	i->timer_slack = t->timer_slack ? t->timer_slack : 50000;
	i->no_new_privs = t->no_new_privs;
	i->tracer_pid = t->trace ?
		pid_seen_locked(ns, t->trace->tracer->process->pid) : 0;
	i->seccomp_mode = t->seccomp_mode;
	i->nr_filters = seccomp_nr_filters_locked(t);
	i->syscall_nr = t->task == current_task() ? (int32_t)t->syscall_nr : -1;
	if (t->files)
		i->fd_max = (uint32_t)files_max_fd(t->files);
}

static void copy_process(struct proc_info *i, struct process *p,
			 const struct pid_ns *ns)
{
	i->id = p->pid;
	i->pid_ns = pid_ns_get(p->pid_ns);
	i->pid = i->tid = pid_seen_locked(ns, p->pid);
	i->ppid = pid_seen_locked(ns, process_ppid(p));
	i->pgid = pid_seen_locked(ns, p->pgid);
	i->sid = p->session ? pid_seen_locked(ns, p->session->sid) : 0;
	i->nr_threads = p->nr_threads;
	memcpy(i->comm, p->comm, sizeof(i->comm));
	i->nice = p->nice;
	i->oom_score_adj = p->oom_score_adj;
	i->exit_signal = p->exit_signal;
	i->exit_status = p->state == PROC_ZOMBIE ? p->wait_status : 0;
	i->personality_flags = p->personality_flags;
	i->start_ns = p->start_ns;
	i->user_ns = process_cpu_ns(p, true);
	i->sys_ns = process_cpu_ns(p, false);
	i->child_user_ns = p->children_user_ns;
	i->child_sys_ns = p->children_sys_ns;
}

int proc_info_init(struct proc_info *i, const struct pseudo_node *n)
{
	const struct pid_ns *ns = proc_pid_ns(n);
	struct session *s = NULL;
	struct process *p;
	struct thread *t;

	memset(i, 0, sizeof(*i));
	mutex_lock(&process_lock);
	p = find_locked(n);
	t = p ? thread_locked(n, p) : NULL;
	if (!p || (proc_tid(n) && !t)) {
		mutex_unlock(&process_lock);
		return -ESRCH;
	}
	copy_process(i, p, ns);
	copy_signals(i, p, t);
	if (t) {
		copy_thread(i, p, t, ns);
		i->mm = p->mm ? mm_get(p->mm) : NULL;
	}
	i->state = p->pid == 1 ? 'S' : state_of(p, t);
	s = p->session ? session_get(p->session) : NULL;
	mutex_unlock(&process_lock);
	if (s) {
		tty_session_info(s, &i->tty, &i->tty_pgrp);
		i->tty_pgrp = pid_seen(ns, i->tty_pgrp);
		session_put(s);
	}
	return 0;
}

void proc_info_fini(struct proc_info *i)
{
	pid_ns_put(i->pid_ns);
	if (i->cred)
		cred_put(i->cred);
	if (i->mm)
		mm_put(i->mm);
}

struct process *proc_process(const struct pseudo_node *n)
{
	struct process *p;

	mutex_lock(&process_lock);
	p = find_locked(n);
	if (p)
		process_get(p);
	mutex_unlock(&process_lock);
	return p;
}

struct files *proc_files(const struct pseudo_node *n)
{
	struct files *fs = NULL;
	struct process *p;
	struct thread *t;

	mutex_lock(&process_lock);
	p = find_locked(n);
	t = p ? thread_locked(n, p) : NULL;
	if (t && t->files)
		fs = files_get(t->files);
	mutex_unlock(&process_lock);
	return fs;
}

struct mm *proc_mm(const struct pseudo_node *n)
{
	struct mm *mm = NULL;
	struct process *p;

	mutex_lock(&process_lock);
	p = find_locked(n);
	if (p && p->mm && p->nr_threads)
		mm = mm_get(p->mm);
	mutex_unlock(&process_lock);
	return mm;
}

int proc_fs_path(const struct pseudo_node *n, bool root, struct path *out)
{
	struct process *p;
	struct thread *t;
	int err = -ENOENT;

	mutex_lock(&process_lock);
	p = find_locked(n);
	t = p ? thread_locked(n, p) : NULL;
	if (t && t->fs) {
		mutex_lock(&t->fs->lock);
		*out = root ? t->fs->root : t->fs->cwd;
		path_get(out);
		mutex_unlock(&t->fs->lock);
		err = 0;
	}
	mutex_unlock(&process_lock);
	return err;
}

bool proc_may_inspect(const struct pseudo_node *n)
{
	struct process *p;
	struct thread *t;
	bool may = false;

	mutex_lock(&process_lock);
	p = find_locked(n);
	t = p ? thread_locked(n, p) : NULL;
	if (p == current_process() || (p && !t))
		may = true;	/* a zombie has nothing to hide */
	else if (t)
		may = ptrace_may_access_locked(t, true);
	mutex_unlock(&process_lock);
	return may;
}

void proc_caller_root(struct path *out)
{
	struct fs_state *fs = current_thread()->fs;

	mutex_lock(&fs->lock);
	*out = fs->root;
	path_get(out);
	mutex_unlock(&fs->lock);
}

char *proc_path_name(const struct path *p)
{
	char *buf = kmalloc(PROC_NAME_MAX);
	struct path root;

	if (!buf)
		return NULL;
	proc_caller_root(&root);
	if (path_name(p, &root, buf, PROC_NAME_MAX) < 0)
		buf[0] = 0;
	path_put(&root);
	return buf;
}

ssize_t proc_link_text(const char *text, char *buf, size_t size)
{
	size_t len = strlen(text);

	len = MIN(len, size);
	memcpy(buf, text, len);
	return (ssize_t)len;
}

int64_t proc_parse_number(const char *s)
{
	int64_t v = 0;

	if (!*s || (s[0] == '0' && s[1]))
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || v > INT32_MAX)
			return -1;
		v = v * 10 + (*s - '0');
	}
	return v > INT32_MAX ? -1 : v;
}

struct resident {
	uint64_t anon, file;
};

static bool add_resident(const struct vma *v, void *arg)
{
	struct resident *r = arg;

	if (!v->prot || (v->flags & (VMA_NORESERVE | VMA_TRAMPOLINE)))
		return true;
	if (v->file)
		r->file += v->end - v->start;
	else if (!(v->flags & VMA_STACK))
		r->anon += v->end - v->start;
	else
		r->anon += MIN(v->end - v->start, 132ul << 10);
	return true;
}

void proc_usage(struct mm *mm, uint32_t pid, struct plat_usage *u)
{
	struct resident r = { 0, 0 };
	struct process *p;
	int err = -ESRCH;

	mutex_lock(&process_lock);
	p = process_find(pid);
	if (p)
		err = process_usage(p, u);
	mutex_unlock(&process_lock);
	if (!err)
		return;
	mm_for_each(mm, add_resident, &r);
	*u = (struct plat_usage){
		.private = r.anon, .private_peak = r.anon, .mapped = r.file,
		.tables = (r.anon + r.file) / 512,
	};
}
