/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: the boot task, in the first process of the sandbox's PID
 * namespace. It never runs program code, so its address space holds nothing
 * but the kernel's window and serves as the template of empty processes. All
 * host processes of the sandbox are its children.
 */
#include "core/lock.h"
#include "core/page.h"
#include "core/panic.h"
#include "lib/list.h"
#include "lib/string.h"
#include "platform/platform.h"
#include "platform/process/host.h"
#include <linux/sched.h>
#include <asm/signal.h>

struct request {
	struct list link;
	struct task *task;
	enum plat_space space;
	struct host_context *context;
	int result;
	uint32_t done;		/* word */
};

static struct {
	struct mutex lock;
	struct list requests;	/* under lock */
} supervisor;

/* A process that takes a task over starts here, on a stack of its own. */
struct takeover {
	struct task *task;
	struct host_context *context;
	uint32_t host_tid;	/* written by the host */
};

bool is_in_supervisor(void)
{
	return current_task()->arch.host_tgid ==
	       process_platform.supervisor->arch.host_tgid;
}

void supervisor_init(void)
{
	mutex_init(&supervisor.lock);
	list_init(&supervisor.requests);
}

void supervisor_ring(void)
{
	uint32_t *word = &process_platform.boot->doorbell.word;

	__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
	plat_word_wake(word, 1);
}

int supervisor_start_task(struct task *t, enum plat_space space,
			  struct host_context *context)
{
	struct request r = { .task = t, .space = space, .context = context };

	mutex_lock(&supervisor.lock);
	list_append(&supervisor.requests, &r.link);
	mutex_unlock(&supervisor.lock);
	supervisor_ring();
	/* Partner: the store in serve(). */
	while (!__atomic_load_n(&r.done, __ATOMIC_ACQUIRE))
		plat_word_wait(&r.done, 0, DEADLINE_NEVER);
	return r.result;
}

static void takeover_main(void)
{
	struct takeover *o;
	struct task *t;
	uint64_t sp = (uint64_t)__builtin_frame_address(0);

	o = (struct takeover *)(PAGE_DOWN(sp));
	t = o->task;
	/* Partner: host_hand_over; after it the old thread uses no stack. */
	while (!__atomic_load_n(&t->arch.hand_over, __ATOMIC_ACQUIRE))
		host_call(__NR_futex, (uint64_t)&t->arch.hand_over, 0, 0, 0, 0,
			  0);
	__asm__ volatile("wrgsbase %0" : : "r"(t));
	t->arch.host_tid = o->host_tid;
	__atomic_store_n(&t->arch.host_tgid, o->host_tid, __ATOMIC_RELEASE);
	set_alternate_stack(t);
	context_resume(o->context);
}

static long start_takeover(struct request *r)
{
	char *stack = page_alloc(0, false);
	struct takeover *o = (struct takeover *)stack;
	uint64_t *sp = (uint64_t *)(stack + PAGE_SIZE - 64);
	long tid;

	if (!stack)
		return -ENOMEM;
	*o = (struct takeover){ .task = r->task, .context = r->context };
	*sp = (uint64_t)takeover_main;
	r->task->arch.boot_stack = (uint8_t *)stack;
	tid = host_call(__NR_clone,
			CLONE_FILES | CLONE_PARENT_SETTID | SIGCHLD,
			(uint64_t)sp, (uint64_t)&o->host_tid, 0, 0, 0);
	if (tid < 0)
		page_free(stack, 0);
	return tid;
}

static bool serve(void)
{
	struct request *r = NULL;
	long tid;

	mutex_lock(&supervisor.lock);
	if (!list_is_empty(&supervisor.requests)) {
		r = list_first(&supervisor.requests, struct request, link);
		list_remove(&r->link);
	}
	mutex_unlock(&supervisor.lock);
	if (!r)
		return false;
	if (r->context)
		tid = start_takeover(r);
	else if (r->space == PLAT_SPACE_KERNEL)
		tid = clone_thread(r->task);
	else
		tid = clone_process(r->task, false);
	r->result = tid < 0 ? (int)tid : 0;
	/* r is gone as soon as its owner sees done: address only */
	uint32_t *done = &r->done;

	__atomic_store_n(done, 1, __ATOMIC_RELEASE);
	plat_word_wake(done, 1);
	return true;
}

static void reap(void)
{
	int status;

	for (;;) {
		long pid = host_call(__NR_wait4, (uint64_t)-1,
				     (uint64_t)&status, 1 /* WNOHANG */, 0, 0,
				     0);

		if (pid <= 0)
			return;
		if (!status)
			continue;
		if ((status & 0x7f) == SIGKILL)
			klog("a process of the sandbox was killed from "
			     "outside or by the host's memory limit");
		else
			klog("a host process of the sandbox ended "
			     "abnormally (wait status %#x)", status);
		plat_stop(125);
	}
}

void supervisor_run(const struct supervisor_ops *ops)
{
	struct abi_doorbell *d = &process_platform.boot->doorbell;

	for (;;) {
		uint32_t seen = __atomic_load_n(&d->word, __ATOMIC_ACQUIRE);

		reap();
		while (serve())
			;
		if (__atomic_load_n(&d->stop, __ATOMIC_ACQUIRE))
			plat_stop(0);
		ops->doorbell(d);
		plat_word_wait(&d->word, seen, DEADLINE_NEVER);
	}
}

void plat_stop(int status)
{
	struct abi_doorbell *d = &process_platform.boot->doorbell;

	if (is_in_supervisor())
		for (;;)
			HC1(__NR_exit_group, status);
	__atomic_store_n(&d->stop, 1, __ATOMIC_RELEASE);
	supervisor_ring();
	for (;;)
		plat_word_wait(&d->stop, 1, DEADLINE_NEVER);
}
