/* SPDX-License-Identifier: MIT */
/*
 * System calls on signals: actions, masks, sending, waiting. Semantics:
 * signal(7) and the pages of each call.
 */
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/timer.h"
#include "lib/string.h"
#include "linux/pid_ns.h"
#include "linux/process.h"
#include "linux/signal_priv.h"
#include <asm/siginfo.h>
#include <linux/capability.h>

#define SS_ONSTACK	1u
#define SS_DISABLE	2u
#define SS_AUTODISARM	(1u << 31)
#define MIN_ALT_STACK	2048u
#define UNBLOCKABLE	(BIT(SIGKILL) | BIT(SIGSTOP))

static bool is_valid(uint64_t signo)
{
	return signo >= 1 && signo <= 64;
}

long sys_rt_sigaction(uint64_t signo, uint64_t act, uint64_t old,
		      uint64_t size)
{
	struct process *p = current_process();
	struct ksigaction new_act, old_act;

	signo = (uint32_t)signo;
	if (size != 8 || !is_valid(signo))
		return -EINVAL;
	if (act && (signo == SIGKILL || signo == SIGSTOP))
		return -EINVAL;
	if (act && copy_from_user(&new_act, (void *)act, sizeof(new_act)))
		return -EFAULT;
	mutex_lock(&p->signals.lock);
	old_act = p->signals.action[signo - 1];
	if (act) {
		new_act.mask &= ~UNBLOCKABLE;
		p->signals.action[signo - 1] = new_act;
		if (new_act.handler == SIGNAL_IGNORE ||
		    (new_act.handler == SIGNAL_DEFAULT &&
		     signal_default_is_ignore((int)signo)))
			signal_discard_locked(p, (int)signo);
	}
	mutex_unlock(&p->signals.lock);
	if (old && copy_to_user((void *)old, &old_act, sizeof(old_act)))
		return -EFAULT;
	return 0;
}

long sys_rt_sigprocmask(uint64_t how, uint64_t set, uint64_t old,
			uint64_t size)
{
	struct thread *t = current_thread();
	uint64_t prev = t->sig.blocked, next;

	if (size != 8)
		return -EINVAL;
	if (set) {
		if (user_load64((void *)set, &next))
			return -EFAULT;
		switch ((uint32_t)how) {
		case SIG_BLOCK:
			next |= prev;
			break;
		case SIG_UNBLOCK:
			next = prev & ~next;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		next &= ~UNBLOCKABLE;
		if (next != prev)
			signal_set_blocked(t, next);
	}
	if (old && user_store64((void *)old, prev))
		return -EFAULT;
	return 0;
}

long sys_rt_sigpending(uint64_t set, uint64_t size)
{
	struct thread *t = current_thread();
	uint64_t pending;

	if (size > 8)
		return -EINVAL;
	mutex_lock(&t->process->signals.lock);
	pending = (t->sig.pending.set | t->process->signals.shared.set) &
		  t->sig.blocked;
	mutex_unlock(&t->process->signals.lock);
	return copy_to_user((void *)set, &pending, size);
}

long sys_rt_sigsuspend(uint64_t set, uint64_t size)
{
	uint64_t mask;

	if (size != 8)
		return -EINVAL;
	if (user_load64((void *)set, &mask))
		return -EFAULT;
	signal_set_temp_mask(mask & ~UNBLOCKABLE);
	while (task_park(DEADLINE_NEVER, true) != -EINTR)
		;
	return -ERESTARTNOHAND;
}

long sys_pause(void)
{
	while (task_park(DEADLINE_NEVER, true) != -EINTR)
		;
	return -ERESTARTNOHAND;
}

static int wait_for(struct thread *t, uint64_t set, uint64_t deadline,
		    struct ksiginfo *info)
{
	int signo, err = 0;

	mutex_lock(&t->process->signals.lock);
	signo = signal_dequeue_locked(t, set, info);
	if (!signo)
		t->sig.waiting = set;
	mutex_unlock(&t->process->signals.lock);
	while (!signo && !err && deadline) {
		/* a signal of the set posts work too: clear it first, so that
		 * only what comes after this look ends the park */
		task_clear_work(TASK_WORK_SIGNAL);
		signo = signal_dequeue(t, set, info);
		if (signo)
			break;
		if (signal_is_pending(t)) {
			err = -EINTR;
			break;
		}
		err = task_park(deadline, true);
		if (err == -EINTR &&
		    !(t->task->arch.work & ~(TASK_WORK_SIGNAL |
					     TASK_WORK_SLOW)))
			err = 0;
	}
	mutex_lock(&t->process->signals.lock);
	t->sig.waiting = 0;
	if (!signo)
		signo = signal_dequeue_locked(t, set, info);
	mutex_unlock(&t->process->signals.lock);
	task_post_work(t->task, TASK_WORK_SIGNAL);
	if (signo)
		return signo;
	return err == -EINTR ? -EINTR : -EAGAIN;
}

long sys_rt_sigtimedwait(uint64_t set_p, uint64_t info_p, uint64_t ts_p,
			 uint64_t size)
{
	uint64_t set, deadline = DEADLINE_NEVER;
	struct ksiginfo info;
	int64_t ts[2];
	int signo;

	if (size != 8)
		return -EINVAL;
	if (user_load64((void *)set_p, &set))
		return -EFAULT;
	if (ts_p) {
		if (copy_from_user(ts, (void *)ts_p, sizeof(ts)))
			return -EFAULT;
		if (ts[0] < 0 || ts[1] < 0 || ts[1] >= (int64_t)NSEC_PER_SEC)
			return -EINVAL;
		deadline = ts[0] || ts[1] ? clock_mono_ns() +
			MIN((uint64_t)ts[0], 1ull << 32) * NSEC_PER_SEC +
			(uint64_t)ts[1] : 0;
	}
	signo = wait_for(current_thread(), set & ~UNBLOCKABLE, deadline,
			 &info);
	if (signo > 0 && info_p &&
	    copy_to_user((void *)info_p, &info, sizeof(info)))
		return -EFAULT;
	return signo;
}

long sys_sigaltstack(uint64_t new_p, uint64_t old_p)
{
	struct thread *t = current_thread();
	struct { uint64_t sp; uint32_t flags, pad; uint64_t size; } ss, old;
	bool on = !(t->sig.alt_flags & SS_AUTODISARM) && t->sig.alt_size &&
		  t->regs->rsp - t->sig.alt_sp <= t->sig.alt_size;

	old.sp = t->sig.alt_sp;
	old.size = t->sig.alt_size;
	old.pad = 0;
	old.flags = !t->sig.alt_size ? SS_DISABLE :
		    (t->sig.alt_flags & SS_AUTODISARM) |
		    (on ? SS_ONSTACK : 0);
	if (new_p) {
		if (copy_from_user(&ss, (void *)new_p, sizeof(ss)))
			return -EFAULT;
		if (on)
			return -EPERM;
		if ((ss.flags & ~SS_AUTODISARM) > SS_DISABLE)
			return -EINVAL;
		if (ss.flags & SS_DISABLE)
			ss.sp = ss.size = 0;
		else if (ss.size < MIN_ALT_STACK)
			return -ENOMEM;
		t->sig.alt_sp = ss.sp;
		t->sig.alt_size = ss.size;
		t->sig.alt_flags = ss.flags & SS_AUTODISARM;
	}
	if (old_p && copy_to_user((void *)old_p, &old, sizeof(old)))
		return -EFAULT;
	return 0;
}

/* --- sending --------------------------------------------------------------*/

struct ksiginfo signal_info_from_self(int signo, int code)
{
	struct thread *t = current_thread();
	struct ksiginfo i = { .signo = signo, .code = code };

	i.kill.pid = (int32_t)t->process->nr;
	i.kill.uid = t->cred->uid;
	return i;
}

/* kill(2): may the caller signal p? Caller holds process_lock. */
static bool may_signal(struct process *p, int signo)
{
	struct thread *self = current_thread();
	const struct cred *c = self->cred, *target;

	if (p == self->process)
		return true;
	if (list_is_empty(&p->threads))	/* a zombie's are gone; 1 has none */
		return p->pid != 1 || cred_has_cap(c, CAP_KILL);
	target = list_first(&p->threads, struct thread, link)->cred;
	if (cred_has_cap_in(c, target->user_ns, CAP_KILL))
		return true;
	if (c->euid == target->suid || c->euid == target->uid ||
	    c->uid == target->suid || c->uid == target->uid)
		return true;
	return signo == SIGCONT && p->session == self->process->session;
}

int signal_send_checked_locked(struct process *p, int signo, const struct ksiginfo *i)
{
	if (!may_signal(p, signo))
		return -EPERM;
	return signo ? signal_send_process(p, signo, i) : 0;
}

struct kill_many {
	bool all;		/* who can be seen, but the init */
	uint32_t pgid;
	int signo, sent, err;
	const struct ksiginfo *info;
};

static bool kill_member(struct process *p, void *arg)
{
	struct kill_many *k = arg;
	int err;

	if (k->all ? pid_seen_locked(own_pid_ns(), p->pid) <= 1 ||
	    p == current_process() : p->pgid != k->pgid)
		return true;
	if (!p->nr_threads && p->state != PROC_ZOMBIE)
		return true;
	err = signal_send_checked_locked(p, k->signo, k->info);
	if (err)
		k->err = err;
	else
		k->sent++;
	return true;
}

/* Any thread's number stands for all. */
static struct process *find_any_locked(uint32_t nr)
{
	uint32_t id = pid_from_user_locked(nr);
	struct thread *t = thread_find(id);

	return t ? t->process : process_find(id);
}

long sys_kill(uint64_t pid_arg, uint64_t signo)
{
	int pid = (int)pid_arg;
	struct ksiginfo i = signal_info_from_self((int)signo, SI_USER);
	struct kill_many k = { .all = pid == -1, .signo = (int)signo,
			       .info = &i };
	struct process *p;
	long err;

	if ((uint32_t)signo > 64)
		return -EINVAL;
	mutex_lock(&process_lock);
	if (pid > 0) {
		p = find_any_locked((uint32_t)pid);
		err = p ? signal_send_checked_locked(p, (int)signo, &i) : -ESRCH;
	} else {
		k.pgid = pid ? pid_from_user_locked((uint32_t)-pid) :
			 current_process()->pgid;
		process_for_each(kill_member, &k);
		err = k.sent ? 0 : k.err ? k.err : -ESRCH;
	}
	mutex_unlock(&process_lock);
	return err;
}

static long kill_thread(int tgid, int tid, int signo, struct ksiginfo *i)
{
	struct thread *t;
	long err = -ESRCH;

	if (tid <= 0 || tgid == 0 || (uint32_t)signo > 64)
		return -EINVAL;
	mutex_lock(&process_lock);
	t = thread_find_user((uint32_t)tid);
	if (t && (tgid < 0 ||
		  t->process->pid == pid_from_user_locked((uint32_t)tgid)))
		err = !may_signal(t->process, signo) ? -EPERM :
		      signo ? signal_send_thread(t, signo, i) : 0;
	mutex_unlock(&process_lock);
	return err;
}

long sys_tkill(uint64_t tid, uint64_t signo)
{
	struct ksiginfo i = signal_info_from_self((int)signo, SI_TKILL);

	return kill_thread(-1, (int)tid, (int)signo, &i);
}

long sys_tgkill(uint64_t tgid, uint64_t tid, uint64_t signo)
{
	struct ksiginfo i = signal_info_from_self((int)signo, SI_TKILL);

	if ((int)tgid <= 0)
		return -EINVAL;
	return kill_thread((int)tgid, (int)tid, (int)signo, &i);
}

/* A program may not pretend to be the kernel towards others. */
int signal_info_load(struct ksiginfo *i, uint64_t user, bool to_self)
{
	if (copy_from_user(i, (void *)user, sizeof(*i)))
		return -EFAULT;
	if ((i->code >= 0 || i->code == SI_TKILL) && !to_self)
		return -EPERM;
	i->kill.uid = id_from_user(current_thread()->cred->user_ns, ID_USER,
				   i->kill.uid);
	return 0;
}

long sys_rt_sigqueueinfo(uint64_t pid, uint64_t signo, uint64_t info)
{
	struct ksiginfo i;
	struct process *p;
	long err = signal_info_load(&i, info,
			     (uint32_t)pid == current_process()->nr);

	if (err)
		return err;
	i.signo = (int32_t)signo;
	if ((uint32_t)signo > 64)
		return -EINVAL;
	mutex_lock(&process_lock);
	p = find_any_locked((uint32_t)pid);
	err = p ? signal_send_checked_locked(p, (int)signo, &i) : -ESRCH;
	mutex_unlock(&process_lock);
	return err;
}

long sys_rt_tgsigqueueinfo(uint64_t tgid, uint64_t tid, uint64_t signo,
			   uint64_t info)
{
	struct ksiginfo i;
	long err = signal_info_load(&i, info,
			     (uint32_t)tid == current_thread()->nr);

	if (err)
		return err;
	i.signo = (int32_t)signo;
	if ((int)tgid <= 0)
		return -EINVAL;
	return kill_thread((int)tgid, (int)tid, (int)signo, &i);
}

long sys_restart_syscall(void)
{
	struct thread *t = current_thread();
	long ret = t->restart_fn ? t->restart_fn(t) : -EINTR;

	/* interrupted again, without a handler: once more */
	if (ret != -ERESTART_RESTARTBLOCK)
		t->restart_fn = NULL;
	return ret;
}
