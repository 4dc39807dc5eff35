/* SPDX-License-Identifier: MIT */
/*
 * seccomp(2). A thread's filters are a list from the newest to the oldest; each
 * has one reference from every newer one and from every thread that it is the
 * newest of. A list only grows, at its head; so a thread may read its own
 * without a lock while another one (SECCOMP_FILTER_FLAG_TSYNC) puts a new head
 * before it. Changes: under process_lock.
 *
 * There are no listeners (SECCOMP_RET_USER_NOTIF: -ENOSYS, as without one).
 */
#include "linux/seccomp.h"
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <gen/syscalls.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "fs/cred.h"
#include "linux/bpf.h"
#include "linux/ptrace.h"
#include "platform/platform.h"

#define MAX_INSNS	32768u	/* of a thread's filters, each with 4 more */
#define MAX_ERRNO	4095u
#define NR_WORDS	(sizeof(struct seccomp_data) / 4)

struct seccomp_filter {
	struct refcount refs;
	uint32_t len;
	struct seccomp_filter *older;
	struct sock_filter code[];
};

static void filter_put(struct seccomp_filter *f)
{
	while (f && ref_put(&f->refs)) {
		struct seccomp_filter *older = f->older;

		kfree(f);
		f = older;
	}
}

void seccomp_drop(struct thread *t)
{
	filter_put(t->seccomp);
	t->seccomp = NULL;
}

void seccomp_inherit_locked(struct thread *child, const struct thread *parent)
{
	child->seccomp_mode = parent->seccomp_mode;
	child->seccomp = parent->seccomp;
	child->no_new_privs = parent->no_new_privs;
	if (child->seccomp)
		ref_get(&child->seccomp->refs);
	if (child->seccomp_mode)
		child->watch |= THREAD_WATCH_SECCOMP;
}

uint32_t seccomp_nr_filters_locked(const struct thread *t)
{
	uint32_t n = 0;

	for (struct seccomp_filter *f = t->seccomp; f; f = f->older)
		n++;
	return n;
}

/* --- a call -------------------------------------------------------------------------*/
/* The strictest answer of all filters: the lowest action, as a signed number;
 * of equal ones the newest filter's. */
static uint32_t ask(const struct seccomp_filter *f, const struct regs *r)
{
	const struct seccomp_data d = {
		.nr = (int)r->orig_rax, .arch = AUDIT_ARCH_X86_64,
		.instruction_pointer = r->rip,
		.args = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 },
	};
	uint32_t answer = SECCOMP_RET_ALLOW;

	for (; f; f = f->older) {
		uint32_t a = bpf_run(f->code, (const uint32_t *)&d, NR_WORDS);

		if ((int32_t)(a & SECCOMP_RET_ACTION_FULL) <
		    (int32_t)(answer & SECCOMP_RET_ACTION_FULL))
			answer = a;
	}
	return answer;
}

static void end_thread(int signo)
{
	struct thread *t = current_thread();

	if (t->process->nr_threads == 1) {
		signal_die(signo);
		return;
	}
	t->exit_status = (uint32_t)signo;
	task_post_work(t->task, TASK_WORK_EXIT);
}

static void trap(const struct regs *r, uint32_t data)
{
	struct ksiginfo info = { .signo = SIGSYS, .code = SYS_SECCOMP,
				 .err = (int32_t)data };

	info.sys.call_addr = r->rip;
	info.sys.syscall = (int32_t)r->orig_rax;
	info.sys.arch = AUDIT_ARCH_X86_64;
	signal_force(SIGSYS, &info);
}

static bool strict_allows(uint64_t nr, long *ret)
{
	*ret = 0;
	if (nr == __NR_read || nr == __NR_write || nr == __NR_exit ||
	    nr == __NR_rt_sigreturn)
		return true;
	end_thread(SIGKILL);
	return false;
}

/* traced: a tracer has seen the call. */
static bool filters_allow(struct thread *t, struct regs *r, long *ret,
			  bool traced)
{
	uint32_t answer, data;

	answer = ask(__atomic_load_n(&t->seccomp, __ATOMIC_ACQUIRE), r);
	data = answer & SECCOMP_RET_DATA;
	*ret = (long)r->orig_rax;	/* what the program's rax was */
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return true;
	case SECCOMP_RET_ERRNO:
		*ret = -(long)MIN(data, MAX_ERRNO);
		return false;
	case SECCOMP_RET_TRAP:
		trap(r, data);
		return false;
	case SECCOMP_RET_TRACE:
		/* it may have made another call of it */
		if (traced || ptrace_seccomp(t, r, data))
			return traced || filters_allow(t, r, ret, true);
		*ret = (long)r->rax;
		return false;
	case SECCOMP_RET_USER_NOTIF:
		*ret = -ENOSYS;
		return false;
	case SECCOMP_RET_KILL_THREAD:
		end_thread(SIGSYS);
		return false;
	default:
		signal_die(SIGSYS);
		return false;
	}
}

bool seccomp_allows(struct regs *r, long *ret)
{
	struct thread *t = current_thread();

	if (t->seccomp_mode == SECCOMP_MODE_STRICT)
		return strict_allows((uint32_t)r->orig_rax, ret);
	return filters_allow(t, r, ret, false);
}

/* --- new filters ------------------------------------------------------------------*/
/* The program's, checked. Returns 0 and one reference in *out, or -errno. */
static int filter_create(uint64_t user, struct seccomp_filter **out)
{
	struct thread *t = current_thread();
	struct sock_fprog prog;
	struct seccomp_filter *f;
	uint16_t *scratch;
	size_t size;
	int err = -ENOMEM;

	if (copy_from_user(&prog, (void *)user, sizeof(prog)))
		return -EFAULT;
	if (!prog.len || prog.len > BPF_MAXINSNS)
		return -EINVAL;
	if (!t->no_new_privs && !cred_has_own_cap(t->cred, CAP_SYS_ADMIN))
		return -EACCES;
	size = prog.len * sizeof(f->code[0]);
	f = kmalloc(sizeof(*f) + size);
	scratch = kmalloc(prog.len * sizeof(*scratch));
	if (!f || !scratch)
		goto out;
	ref_init(&f->refs, 1);
	f->len = prog.len;
	f->older = NULL;
	err = copy_from_user(f->code, prog.filter, size);
	if (!err && !bpf_is_valid(f->code, f->len, NR_WORDS, scratch))
		err = -EINVAL;
out:
	kfree(scratch);
	if (err)
		kfree(f);
	else
		*out = f;
	return err;
}

static bool is_in_list(const struct seccomp_filter *f,
		       const struct seccomp_filter *list)
{
	while (list && list != f)
		list = list->older;
	return list == f;
}

/* A thread whose filters are not all self's too; NULL: none. */
static struct thread *find_stranger(const struct thread *self)
{
	list_for_each(l, &self->process->threads) {
		struct thread *t = container_of(l, struct thread, link);

		if (t->seccomp_mode == SECCOMP_MODE_STRICT ||
		    !is_in_list(t->seccomp, self->seccomp))
			return t;
	}
	return NULL;
}

/* Takes over the reference. The new head stands before the old is given up. */
static void set_head(struct thread *t, struct seccomp_filter *f)
{
	t->seccomp_mode = SECCOMP_MODE_FILTER;
	__atomic_store_n(&t->seccomp, f, __ATOMIC_RELEASE);
	__atomic_fetch_or(&t->watch, THREAD_WATCH_SECCOMP, __ATOMIC_RELEASE);
}

static long attach_locked(struct thread *self, struct seccomp_filter *f,
			  uint32_t flags)
{
	struct thread *stranger;
	uint32_t total = f->len;

	if (self->seccomp_mode == SECCOMP_MODE_STRICT)
		return -EINVAL;
	for (struct seccomp_filter *o = self->seccomp; o; o = o->older)
		total += o->len + 4;
	if (total > MAX_INSNS)
		return -ENOMEM;
	stranger = flags & SECCOMP_FILTER_FLAG_TSYNC ? find_stranger(self) :
						       NULL;
	if (stranger)
		return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ?
		       -ESRCH : (long)stranger->nr;
	f->older = self->seccomp;	/* its reference too */
	set_head(self, f);
	if (!(flags & SECCOMP_FILTER_FLAG_TSYNC))
		return 0;
	list_for_each(l, &self->process->threads) {
		struct thread *t = container_of(l, struct thread, link);
		struct seccomp_filter *old = t->seccomp;

		if (t == self)
			continue;
		ref_get(&f->refs);
		set_head(t, f);
		filter_put(old);	/* f's list has it as well */
		if (self->no_new_privs)
			t->no_new_privs = true;
	}
	return 0;
}

static long set_filter(uint64_t flags, uint64_t user)
{
	const uint64_t known = SECCOMP_FILTER_FLAG_TSYNC |
		SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
		SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	struct seccomp_filter *f;
	long ret;

	if (flags & ~known)
		return -EINVAL;
	ret = filter_create(user, &f);
	if (ret)
		return ret;
	plat_watch_calls();
	mutex_lock(&process_lock);
	ret = attach_locked(current_thread(), f, (uint32_t)flags);
	mutex_unlock(&process_lock);
	if (ret)
		kfree(f);
	return ret;
}

static long set_strict(void)
{
	struct thread *t = current_thread();
	long ret = 0;

	plat_watch_calls();
	mutex_lock(&process_lock);
	if (t->seccomp_mode == SECCOMP_MODE_FILTER) {
		ret = -EINVAL;
	} else {
		t->seccomp_mode = SECCOMP_MODE_STRICT;
		__atomic_fetch_or(&t->watch, THREAD_WATCH_SECCOMP,
				  __ATOMIC_RELAXED);
	}
	mutex_unlock(&process_lock);
	return ret;
}

static long is_action_there(uint64_t user)
{
	uint32_t action;

	if (user_load32((void *)user, &action))
		return -EFAULT;
	switch (action) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

long sys_seccomp(uint64_t op, uint64_t flags, uint64_t arg)
{
	flags = (uint32_t)flags;
	switch ((uint32_t)op) {
	case SECCOMP_SET_MODE_STRICT:
		return flags || arg ? -EINVAL : set_strict();
	case SECCOMP_SET_MODE_FILTER:
		return set_filter(flags, arg);
	case SECCOMP_GET_ACTION_AVAIL:
		return flags ? -EINVAL : is_action_there(arg);
	default:
		return -EINVAL;
	}
}

long seccomp_prctl(uint64_t mode, uint64_t arg)
{
	if (mode == SECCOMP_MODE_STRICT)
		return set_strict();
	return mode == SECCOMP_MODE_FILTER ? set_filter(0, arg) : -EINVAL;
}
