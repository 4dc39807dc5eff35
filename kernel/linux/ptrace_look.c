/* SPDX-License-Identifier: MIT */
/*
 * ptrace(2): the requests that look at a stopped tracee or change it. What the
 * tracee's kernel records say is read under process_lock; its memory and
 * registers it reads and writes itself (ptrace_data.c).
 */
#include "linux/ptrace_calls.h"
#include "arch/arch_cpu.h"
#include "arch/uaccess.h"
#include "core/heap.h"
#include "fs/uio.h"
#include "lib/string.h"
#include "linux/signal_priv.h"
#include <linux/audit.h>
#include <linux/elf.h>
#include <linux/ptrace.h>

#define USER_WORDS	27u	/* of struct user_regs_struct */
#define USER_SIZE	928u	/* struct user of the kernel */
#define DEBUG_FIRST	848u	/* its u_debugreg */
#define LEGACY_SIZE	512u	/* struct user_fpregs_struct */

/* Let the tracee do r. */
static long ask(uint32_t tid, struct ptrace_request *r)
{
	struct tracee *tr;

	mutex_lock(&process_lock);
	tr = ptrace_mine_locked(tid, true);
	if (tr)
		return ptrace_ask_unlock(tr, r);
	mutex_unlock(&process_lock);
	return -ESRCH;
}

/* --- words -----------------------------------------------------------------------*/
static long peek_text(uint32_t tid, uint64_t addr, uint64_t data, bool write)
{
	uint64_t word = data;
	struct ptrace_request r = { .fn = ptrace_do_memory, .addr = addr,
				    .buf = &word, .len = sizeof(word),
				    .write = write };
	long ret = ask(tid, &r);

	if (ret < 0)
		return ret;
	if (ret != sizeof(word))
		return -EIO;
	return write ? 0 : user_store64((void *)data, word);
}

static long peek_user(uint32_t tid, uint64_t addr, uint64_t data, bool write)
{
	uint64_t word = write ? data : 0;
	struct ptrace_request r = { .fn = ptrace_do_regs, .addr = addr / 8,
				    .buf = &word, .len = sizeof(word),
				    .write = write };
	bool reg = addr < USER_WORDS * 8 && addr % 8 == 0;
	long ret;

	if (!reg)
		r.len = 0;	/* only that it is stopped */
	ret = ask(tid, &r);
	if (ret < 0)
		return ret;
	if (addr % 8 || addr >= USER_SIZE)
		return -EIO;
	if (!write)
		return user_store64((void *)data, word);
	if (reg)
		return 0;
	/* no hardware breakpoints: the registers stay zero */
	return addr < DEBUG_FIRST ? -EIO : word ? -EINVAL : 0;
}

/* --- register sets ------------------------------------------------------------------*/
/* General registers: at most *len bytes between them and the caller's memory. */
static long general(uint32_t tid, void *user, size_t *len, bool write)
{
	uint64_t words[USER_WORDS] = { 0 };
	struct ptrace_request r = { .fn = ptrace_do_regs, .buf = words,
				    .write = write };
	long ret;

	*len = MIN(*len, sizeof(words));
	if (write && copy_from_user(words, user, *len))
		return -EFAULT;
	r.len = write ? *len : sizeof(words);
	ret = ask(tid, &r);
	if (!ret && !write && copy_to_user(user, words, *len))
		return -EFAULT;
	return ret;
}

/* Vector state, at most `max` bytes of it; likewise. */
static long vector(uint32_t tid, void *user, size_t *len, size_t max,
		   bool write)
{
	size_t size = arch_fpu_image_size();
	char *block = kzalloc(size + 64);
	struct ptrace_request r = { .fn = ptrace_do_vector };
	long ret;

	if (!block)
		return -ENOMEM;
	r.buf = (void *)(((uint64_t)block + 63) & ~63ull);
	*len = MIN(*len, MIN(size, max));
	ret = ask(tid, &r);
	if (!ret && !write && copy_to_user(user, r.buf, *len))
		ret = -EFAULT;
	if (!ret && write) {
		r.write = true;
		r.done = 0;
		r.addr = *len;
		ret = *len < MIN(size, max) ||
		      copy_from_user(r.buf, user, *len) ? -EFAULT :
		      ask(tid, &r);
	}
	kfree(block);
	return ret;
}

static long register_set(uint32_t tid, uint64_t type, uint64_t user,
			 bool write)
{
	struct kiovec v;
	long ret;

	if (copy_from_user(&v, (void *)user, sizeof(v)))
		return -EFAULT;
	if ((type != NT_PRSTATUS && type != NT_PRFPREG &&
	     type != NT_X86_XSTATE) || v.len % 8)
		return -EINVAL;
	ret = type == NT_PRSTATUS ? general(tid, v.base, &v.len, write) :
	      vector(tid, v.base, &v.len, type == NT_PRFPREG ? LEGACY_SIZE :
		     SIZE_MAX, write);
	return ret ? ret : user_store64((void *)(user + 8), v.len);
}

/* --- signals ---------------------------------------------------------------------------*/
static long stop_info(uint32_t tid, uint64_t user, bool write)
{
	struct ksiginfo info;
	struct tracee *tr;
	long ret = -ESRCH;

	if (write && copy_from_user(&info, (void *)user, sizeof(info)))
		return -EFAULT;
	mutex_lock(&process_lock);
	tr = ptrace_mine_locked(tid, true);
	if (tr)
		ret = tr->stop->info ? 0 : -EINVAL;
	if (!ret && write)
		*tr->stop->info = info;
	else if (!ret)
		info = *tr->stop->info;
	mutex_unlock(&process_lock);
	return ret || write ? ret :
	       copy_to_user((void *)user, &info, sizeof(info));
}

/* Pending signal number n of one queue. Returns 1, 0: there is none, -ESRCH. */
static long pending_info(uint32_t tid, bool shared, uint64_t n,
			 struct ksiginfo *info)
{
	struct tracee *tr;
	long ret = -ESRCH;

	mutex_lock(&process_lock);
	tr = ptrace_mine_locked(tid, true);
	if (tr) {
		struct signal_state *s = &tr->process->signals;

		ret = 0;
		mutex_lock(&s->lock);
		list_for_each(l, shared ? &s->shared.queue :
			      &tr->thread->sig.pending.queue) {
			if (n--)
				continue;
			*info = list_entry(l, struct sigqueue, link)->info;
			ret = 1;
			break;
		}
		mutex_unlock(&s->lock);
	}
	mutex_unlock(&process_lock);
	return ret;
}

static long peek_pending(uint32_t tid, uint64_t args, uint64_t user)
{
	struct ptrace_peeksiginfo_args a;
	struct ksiginfo info;
	long ret;

	if (copy_from_user(&a, (void *)args, sizeof(a)))
		return -EFAULT;
	if (a.flags & ~(uint32_t)PTRACE_PEEKSIGINFO_SHARED || a.nr < 0)
		return -EINVAL;
	for (int32_t i = 0; i < a.nr; i++) {
		ret = pending_info(tid, a.flags & PTRACE_PEEKSIGINFO_SHARED,
				   a.off + (uint32_t)i, &info);
		if (ret <= 0)
			return i ? i : ret;
		if (copy_to_user((void *)user, &info, sizeof(info)))
			return i ? i : -EFAULT;
		user += sizeof(info);
	}
	return a.nr;
}

static long signal_mask(uint32_t tid, uint64_t size, uint64_t user, bool write)
{
	struct tracee *tr;
	uint64_t mask = 0;
	long ret = -ESRCH;

	if (size != sizeof(mask))
		return -EINVAL;
	if (write && user_load64((void *)user, &mask))
		return -EFAULT;
	mutex_lock(&process_lock);
	tr = ptrace_mine_locked(tid, true);
	if (tr) {
		struct thread *t = tr->thread;

		ret = 0;
		mutex_lock(&tr->process->signals.lock);
		if (write) {
			t->sig.blocked = mask & ~(BIT(SIGKILL) | BIT(SIGSTOP));
			t->sig.restore_saved = false;
			task_post_work(t->task, TASK_WORK_SIGNAL);
		} else {
			mask = t->sig.restore_saved ? t->sig.saved_mask :
						      t->sig.blocked;
		}
		mutex_unlock(&tr->process->signals.lock);
	}
	mutex_unlock(&process_lock);
	return ret || write ? ret : user_store64((void *)user, mask);
}

/* --- system calls and events --------------------------------------------------------------*/
/* Returns its length. */
static size_t fill_call_info(struct ptrace_syscall_info *i,
			     const struct tracee *tr)
{
	const struct regs *r = tr->thread->regs;
	uint64_t args[6] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 };

	memset(i, 0, sizeof(*i));
	i->arch = AUDIT_ARCH_X86_64;
	i->instruction_pointer = r->rip;
	i->stack_pointer = r->rsp;
	if (tr->code >> 8 == PTRACE_EVENT_SECCOMP) {
		i->op = PTRACE_SYSCALL_INFO_SECCOMP;
		i->seccomp.ret_data = (uint32_t)tr->message;
	} else if (tr->code == (SIGTRAP | 0x80)) {
		i->op = (uint8_t)tr->message;
	}
	switch (i->op) {
	case PTRACE_SYSCALL_INFO_SECCOMP:
	case PTRACE_SYSCALL_INFO_ENTRY:
		i->entry.nr = r->orig_rax;
		memcpy(i->entry.args, args, sizeof(args));
		return i->op == PTRACE_SYSCALL_INFO_ENTRY ?
		       sizeof(i->entry) + offsetof(struct ptrace_syscall_info,
						   entry) :
		       offsetof(struct ptrace_syscall_info,
				seccomp.ret_data) + 4;
	case PTRACE_SYSCALL_INFO_EXIT:
		i->exit.rval = (int64_t)r->rax;
		i->exit.is_error = r->rax > (uint64_t)-4096;
		return offsetof(struct ptrace_syscall_info, exit.is_error) + 1;
	default:
		return offsetof(struct ptrace_syscall_info, entry);
	}
}

static long call_info(uint32_t tid, uint64_t size, uint64_t user)
{
	struct ptrace_syscall_info i;
	struct tracee *tr;
	long ret = -ESRCH;

	mutex_lock(&process_lock);
	tr = ptrace_mine_locked(tid, true);
	if (tr)
		ret = (long)fill_call_info(&i, tr);
	mutex_unlock(&process_lock);
	if (ret > 0 && copy_to_user((void *)user, &i,
				    MIN(size, (uint64_t)ret)))
		return -EFAULT;
	return ret;
}

static long event_message(uint32_t tid, uint64_t user)
{
	struct tracee *tr;
	uint64_t message = 0;

	mutex_lock(&process_lock);
	tr = ptrace_mine_locked(tid, true);
	if (tr)
		message = tr->message;
	mutex_unlock(&process_lock);
	return tr ? user_store64((void *)user, message) : -ESRCH;
}

static long no_request(uint32_t tid)
{
	bool mine;

	mutex_lock(&process_lock);
	mine = ptrace_mine_locked(tid, true);
	mutex_unlock(&process_lock);
	return mine ? -EIO : -ESRCH;
}

long ptrace_look(uint64_t request, uint32_t tid, uint64_t addr, uint64_t data)
{
	size_t len = SIZE_MAX;

	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek_text(tid, addr, data, false);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return peek_text(tid, addr, data, true);
	case PTRACE_PEEKUSR:
		return peek_user(tid, addr, data, false);
	case PTRACE_POKEUSR:
		return peek_user(tid, addr, data, true);
	case PTRACE_GETREGS:
	case PTRACE_SETREGS:
		return general(tid, (void *)data, &len,
			       request == PTRACE_SETREGS);
	case PTRACE_GETFPREGS:
	case PTRACE_SETFPREGS:
		return vector(tid, (void *)data, &len, LEGACY_SIZE,
			      request == PTRACE_SETFPREGS);
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		return register_set(tid, (uint32_t)addr, data,
				    request == PTRACE_SETREGSET);
	case PTRACE_GETSIGINFO:
	case PTRACE_SETSIGINFO:
		return stop_info(tid, data, request == PTRACE_SETSIGINFO);
	case PTRACE_PEEKSIGINFO:
		return peek_pending(tid, addr, data);
	case PTRACE_GETSIGMASK:
	case PTRACE_SETSIGMASK:
		return signal_mask(tid, addr, data,
				   request == PTRACE_SETSIGMASK);
	case PTRACE_GET_SYSCALL_INFO:
		return call_info(tid, addr, data);
	case PTRACE_GETEVENTMSG:
		return event_message(tid, data);
	default:
		return no_request(tid);
	}
}
