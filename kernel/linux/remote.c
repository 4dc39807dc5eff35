/* SPDX-License-Identifier: MIT */
/*
 * Memory of other processes (remote.h). Requests wait in process->errands, under
 * process_lock; all tasks of the process are told, by TASK_WORK_ERRAND, and the
 * first one takes them. Who waits for an answer serves others meanwhile, so two
 * that want each other's memory both get it. A request is refused or ended when
 * its address space is no longer that of the process, so that a right which was
 * checked for one program is not used on the next.
 */
#include "linux/remote.h"
#include "arch/uaccess.h"
#include "linux/mm.h"
#include "linux/pid_ns.h"
#include "linux/process_priv.h"
#include "linux/ptrace.h"

int remote_get(struct process *p, uint32_t tid, bool fs, struct remote *out)
{
	struct thread *t = NULL;
	int err = -ESRCH;

	mutex_lock(&process_lock);
	if (!p)
		t = thread_find_user(tid);
	else if (p->nr_threads)
		t = list_first(&p->threads, struct thread, link);
	if (t)
		err = ptrace_may_access_locked(t, fs) ? 0 : -EPERM;
	if (!err) {
		out->process = process_get(t->process);
		out->mm = mm_get(t->process->mm);
	}
	mutex_unlock(&process_lock);
	return err;
}

void remote_put(struct remote *m)
{
	mm_put(m->mm);
	process_put(m->process);
}

static long copy_plainly(struct thread *t, struct ptrace_request *r)
{
	void *at = (void *)r->addr;

	return (long)(r->write ? copy_to_user_partial(at, r->buf, r->len) :
				 copy_from_user_partial(r->buf, at, r->len));
}

static int leave(const struct remote *m, struct ptrace_request *r)
{
	struct process *p = m->process;
	int err;

	mutex_lock(&process_lock);
	err = p->mm == m->mm && p->nr_threads ? 0 : -ESRCH;
	if (!err) {
		list_append(&p->errands, &r->link);
		list_for_each(l, &p->threads)
			task_post_work(list_entry(l, struct thread, link)->task,
				       TASK_WORK_ERRAND);
	}
	mutex_unlock(&process_lock);
	return err;
}

/* Take it back. False: somebody has it. */
static bool withdraw(struct ptrace_request *r)
{
	bool is_left;

	mutex_lock(&process_lock);
	is_left = !list_is_empty(&r->link);
	list_remove(&r->link);
	mutex_unlock(&process_lock);
	return is_left;
}

ssize_t remote_access(const struct remote *m, uaddr_t addr, void *buf,
		      size_t len, bool write, bool force)
{
	struct ptrace_request r = {
		.from = current_task(), .addr = addr, .buf = buf, .len = len,
		.write = write, .fn = force ? ptrace_do_memory : copy_plainly,
	};
	bool interruptible = true;
	int err;

	if (m->process == current_process())
		return r.fn(current_thread(), &r);
	err = leave(m, &r);
	if (err)
		return err;
	while (!__atomic_load_n(&r.done, __ATOMIC_ACQUIRE)) {
		if (!task_park(DEADLINE_NEVER, interruptible))
			continue;
		if (withdraw(&r))
			return -ERESTARTNOINTR;
		interruptible = false;
	}
	return r.ret;
}

static struct ptrace_request *take_locked(struct process *p)
{
	struct ptrace_request *r;

	if (list_is_empty(&p->errands))
		return NULL;
	r = list_first(&p->errands, struct ptrace_request, link);
	list_remove(&r->link);
	return r;
}

void remote_serve(void)
{
	struct thread *t = current_thread();
	struct ptrace_request *r;

	for (;;) {
		mutex_lock(&process_lock);
		r = take_locked(t->process);
		/* one that came meanwhile has set it again: not for nothing, or
		 * the system call at hand were interrupted by it */
		if (!r)
			task_clear_work(TASK_WORK_ERRAND);
		mutex_unlock(&process_lock);
		if (!r)
			return;
		ptrace_finish(r, r->fn(t, r));
	}
}

void remote_end_locked(struct process *p)
{
	struct ptrace_request *r;

	while ((r = take_locked(p)))
		ptrace_finish(r, -ESRCH);
}
