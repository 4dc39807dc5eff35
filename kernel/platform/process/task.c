/* SPDX-License-Identifier: MIT */
/*
 * Tasks on host threads. A task's block holds, from the bottom: struct task,
 * the alternate signal stack, the kernel stack with the register record at
 * its top. All blocks are in shared memory, so a host thread of any process
 * of the sandbox can carry any task.
 */
#include "core/task.h"
#include "arch/arch_cpu.h"
#include "arch/regs.h"
#include "core/page.h"
#include "core/panic.h"
#include "core/sched.h"
#include "lib/string.h"
#include "platform/platform.h"
#include "platform/process/host.h"
#include <linux/futex.h>
#include <linux/sched.h>
#include <asm/signal.h>

#define BOOT_STACK_SIZE		PAGE_SIZE
_Static_assert(sizeof(struct task) <= PLAT_ALT_STACK_OFFSET, "task block layout");

/* The exact flag values that the host filter knows. */
#define CLONE_THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | \
	CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID)
#define CLONE_CHILD_FLAGS (CLONE_FILES | CLONE_PARENT_SETTID | SIGCHLD)

void child_start(void);		/* entry.S */
void entry_fast(void);
void plat_child_main(void);

struct regs *task_regs(struct task *t)
{
	return (struct regs *)(t->arch.kernel_sp - sizeof(struct regs));
}

void arch_task_init(struct task *t)
{
	t->arch.self = (uint64_t)t;
	t->arch.kernel_sp = (uint64_t)t + TASK_BLOCK_SIZE - 64;
	t->arch.entry_fast = (uint64_t)entry_fast;
	t->arch.busy = 1;
}

void set_alternate_stack(struct task *t)
{
	struct {
		uint64_t sp;
		uint64_t flags, size;
	} ss = { (uint64_t)t + PLAT_ALT_STACK_OFFSET, 0, PLAT_ALT_STACK_SIZE };

	HC2(__NR_sigaltstack, &ss, 0);
}

/* First stack of a host thread: below the register record, returning to fn. */
static uint64_t first_stack(uint64_t top, void (*fn)(void))
{
	uint64_t *sp = (uint64_t *)(top - 64);

	*sp = (uint64_t)fn;
	return (uint64_t)sp;
}

/* --- classes of the host's scheduler -----------------------------------------*/
/* class: the host's policy << 8 | priority; 0: an ordinary thread. */
static long class_apply(uint32_t tid, uint32_t class)
{
	int32_t priority = class & 0xff;

	return HC3(__NR_sched_setscheduler, tid, class >> 8, &priority);
}

/* Its own, or what it was lent if that is better. */
static uint32_t class_wanted(const struct plat_task *p)
{
	uint32_t own = __atomic_load_n(&p->want_class, __ATOMIC_SEQ_CST);
	uint32_t lent = __atomic_load_n(&p->lent_class, __ATOMIC_SEQ_CST);

	return (own & 0xff) >= (lent & 0xff) ? own : lent;
}

/* Tell the host, until it knows the last of what several callers want. */
static long class_update(struct task *t)
{
	struct plat_task *p = &t->arch.plat;
	uint32_t class;
	long err;

	do {
		class = class_wanted(p);
		err = class_apply(p->host_tid, class);
		if (!err)
			__atomic_store_n(&p->host_class, class,
					 __ATOMIC_RELAXED);
	} while (!err && class_wanted(p) != class);
	return err;
}

/* A new host thread for the task. Partner: the look at host_tid below. */
static void class_settle(struct task *t, uint32_t inherited)
{
	struct plat_task *p = &t->arch.plat;

	p->host_class = inherited;
	if (class_wanted(p) != inherited)
		class_update(t);
}

/*
 * The host schedules. Its real-time classes are had up to the priority that
 * the tender was asked to let through; what is fair is a wish that may be
 * forgotten.
 */
int plat_task_schedule(struct task *t, const struct sched_request *r)
{
	struct plat_task *p = &t->arch.plat;
	uint32_t class = 0, was = p->want_class;
	long err = 0;

	if (r->policy == SCHED_POLICY_FIFO || r->policy == SCHED_POLICY_RR)
		class = (r->policy == SCHED_POLICY_FIFO ? SCHED_FIFO :
			 SCHED_RR) << 8 | (r->priority & 0xff);
	if (r->policy == SCHED_POLICY_DEADLINE ||
	    (class && r->priority > process_platform.boot->rtprio))
		return -EPERM;
	/* A thread that is not there yet sees the wish when it starts. */
	__atomic_store_n(&p->want_class, class, __ATOMIC_SEQ_CST);
	if (class != was && __atomic_load_n(&p->host_tid, __ATOMIC_SEQ_CST))
		err = class_update(t);
	if (err && err != -ESRCH)		/* on its way to another process */
		__atomic_store_n(&p->want_class, was, __ATOMIC_SEQ_CST);
	return err && err != -ESRCH ? -EPERM : 0;
}

uint64_t plat_task_claim(const struct task *t)
{
	uint32_t class = t->arch.plat.want_class;

	return class ? CLAIM_FIXED(class & 0xff) : CLAIM_FAIR(0);
}

bool plat_task_is_urgent(const struct task *t)
{
	return t->arch.plat.want_class;
}

/* Only who has a real-time class can lend one: the host lets us. */
void plat_task_lend(struct task *t, uint64_t claim)
{
	struct plat_task *p = &t->arch.plat;
	uint32_t was = class_wanted(p), class = 0;

	if (claim_is_urgent(claim))
		class = SCHED_FIFO << 8 | (uint32_t)(claim - CLAIM_FIXED(0));
	__atomic_store_n(&p->lent_class, class, __ATOMIC_SEQ_CST);
	if (class_wanted(p) != was &&
	    __atomic_load_n(&p->host_tid, __ATOMIC_SEQ_CST))
		class_update(t);
}

/* Without real-time classes nobody has anything to lend. */
bool plat_mutexes_lend(void)
{
	return process_platform.boot->rtprio;
}

/*
 * The word is that of a host futex with an owner: the holder's host_tid, and
 * FUTEX_WAITERS. The host lends priorities; without real-time classes, where
 * its calls for that are not in the filter, who waits sleeps on the word.
 */
static void brief_wait(uint32_t *word, uint32_t seen)
{
	if (!(seen & FUTEX_WAITERS) &&
	    !__atomic_compare_exchange_n(word, &seen, seen | FUTEX_WAITERS,
					 false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		return;
	plat_word_wait(word, seen | FUTEX_WAITERS, DEADLINE_NEVER);
}

void plat_brief_lock(uint32_t *word)
{
	uint32_t tid = current_task()->arch.plat.host_tid, taken = tid;
	uint32_t seen = 0;
	long err;

	while (!__atomic_compare_exchange_n(word, &seen, taken, false,
					    __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		if (plat_mutexes_lend()) {
			err = HC3(__NR_futex, word, FUTEX_LOCK_PI, 0);
			if (!err)
				return;
			assert(err == -EAGAIN || err == -EINTR);
		} else {
			brief_wait(word, seen);
			taken = tid | FUTEX_WAITERS;
		}
		seen = 0;
	}
}

void plat_brief_unlock(uint32_t *word)
{
	uint32_t tid = current_task()->arch.plat.host_tid;

	if (__atomic_compare_exchange_n(word, &tid, 0, false, __ATOMIC_RELEASE,
					__ATOMIC_RELAXED))
		return;
	if (plat_mutexes_lend()) {
		assert(!HC2(__NR_futex, word, FUTEX_UNLOCK_PI));
		return;
	}
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
	plat_word_wake(word, 1);
}

/* --- host threads --------------------------------------------------------------*/
long clone_thread(struct task *t)
{
	uint64_t sp = first_stack((uint64_t)task_regs(t), child_start);

	t->arch.plat.host_tgid = current_task()->arch.plat.host_tgid;
	t->arch.plat.host_class = current_task()->arch.plat.host_class;
	return host_call(__NR_clone, CLONE_THREAD_FLAGS, sp,
			 (uint64_t)&t->arch.plat.host_tid, 0, 0, 0);
}

/* sibling: child of our parent, the supervisor, not of us */
long clone_process(struct task *t, bool sibling)
{
	uint64_t sp = first_stack((uint64_t)task_regs(t), child_start);

	t->arch.plat.host_class = current_task()->arch.plat.host_class;
	return host_call(__NR_clone,
			 CLONE_CHILD_FLAGS | (sibling ? CLONE_PARENT : 0), sp,
			 (uint64_t)&t->arch.plat.host_tid, 0, 0, 0);
}

/*
 * After set_alternate_stack: a new process has that of the one it was cloned
 * from, and a handler there would take itself for that one's task and write over
 * its frame. Who posted work and saw no process, or the one before, has not
 * reached us: the store comes before the look at the work word on the way out.
 * Partner: plat_kick.
 */
void process_reveal(struct task *t, uint32_t host_tid)
{
	t->arch.plat.host_tid = host_tid;
	__atomic_store_n(&t->arch.plat.host_tgid, host_tid, __ATOMIC_SEQ_CST);
}

/* On the new task's own stack, from child_start. */
void plat_child_main(void)
{
	struct task *t = current_task();

	set_alternate_stack(t);
	if (t->arch.plat.space == PLAT_SPACE_COPY || t->arch.plat.space == PLAT_SPACE_NEW)
		process_reveal(t, t->arch.plat.host_tid);
	class_settle(t, t->arch.plat.host_class);
	if (t->kind == TASK_SYSTEM) {
		t->entry(t->arg);
		plat_task_exit(false);
	}
	arch_set_fs(task_regs(t)->fs_base);
	if (t->arch.plat.space == PLAT_SPACE_NEW)
		arch_fpu_reset();
}

int plat_task_start(struct task *t, enum plat_space space)
{
	long r;

	t->arch.plat.space = space;
	switch (space) {
	case PLAT_SPACE_SHARE:
		r = clone_thread(t);
		break;
	case PLAT_SPACE_COPY:
		r = clone_process(t, true);
		break;
	case PLAT_SPACE_KERNEL:
		if (!is_in_supervisor())
			return supervisor_start_task(t, space, NULL);
		r = clone_thread(t);
		break;
	default:
		if (!is_in_supervisor())
			return supervisor_start_task(t, space, NULL);
		r = clone_process(t, false);
	}
	return r < 0 ? (int)r : 0;
}

void plat_task_exit(bool last_in_space)
{
	struct task *t = current_task();

	/*
	 * Never exit_group: it would kill siblings that have done with the
	 * program but still run kernel code on their way here, perhaps with a
	 * lock. The host ends the process with its last thread.
	 */
	task_retire(t);
	host_leave(host_exit, &t->arch.busy);
}

int plat_space_leave(void)
{
	struct task *t = current_task();
	struct host_context context;
	int err;

	t->arch.plat.hand_over = 0;
	if (context_save(&context)) {
		/* now in the new process; its first stack is free again */
		page_free(t->arch.plat.boot_stack, 0);
		t->arch.plat.boot_stack = NULL;
		class_settle(t, 0);
		return 0;
	}
	err = supervisor_start_task(t, PLAT_SPACE_NEW, &context);
	if (err)
		return err;
	host_leave(host_hand_over, &t->arch.plat.hand_over);
}

void plat_kick(struct task *t)
{
	uint32_t tgid = __atomic_load_n(&t->arch.plat.host_tgid, __ATOMIC_ACQUIRE);

	if (tgid && t->arch.plat.host_tid)
		HC3(__NR_tgkill, tgid, t->arch.plat.host_tid, ABI_KICK_SIGNAL);
}

bool plat_space_is_shared(const struct task *t)
{
	return t->kind == TASK_USER && t->arch.plat.host_tgid ==
	       current_task()->arch.plat.host_tgid;
}

uint32_t plat_task_carrier(const struct task *t)
{
	return t->arch.plat.host_tgid;
}

int plat_space_usage(const struct task *t, struct plat_usage *u)
{
	return -EOPNOTSUPP;
}
