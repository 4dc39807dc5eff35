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
	/* under lock */
	struct list requests;
	struct list blanks;	/* ready ones */
	uint32_t nr_blanks;
	bool wants_blanks;
} supervisor;

/*
 * A blank: an empty process that waits for a task to take over, kernel stack
 * included. It lies at the start of the page that is the process's own first
 * stack. Kept ready once the first task has asked for one.
 */
struct blank {
	struct list link;	/* under supervisor.lock while ready */
	uint32_t host_tid;	/* written by the host */
	uint32_t assigned;	/* word: task and context are set */
	struct task *task;
	struct host_context *context;
};

#define BLANKS_READY	2u

bool is_in_supervisor(void)
{
	return current_task()->arch.plat.host_tgid ==
	       process_platform.supervisor->arch.plat.host_tgid;
}

void supervisor_init(void)
{
	mutex_init(&supervisor.lock);
	list_init(&supervisor.requests);
	list_init(&supervisor.blanks);
}

void supervisor_ring(void)
{
	uint32_t *word = &process_platform.boot->doorbell.word;

	__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
	plat_word_wake(word, 1);
}

static int ask(struct request *r)
{
	mutex_lock(&supervisor.lock);
	list_append(&supervisor.requests, &r->link);
	mutex_unlock(&supervisor.lock);
	supervisor_ring();
	/* Partner: the store in serve(). */
	while (!__atomic_load_n(&r->done, __ATOMIC_ACQUIRE))
		plat_word_wait(&r->done, 0, DEADLINE_NEVER);
	return r->result;
}

static struct blank *take_blank(void)
{
	struct blank *b = NULL;

	mutex_lock(&supervisor.lock);
	supervisor.wants_blanks = true;
	if (!list_is_empty(&supervisor.blanks)) {
		b = list_first(&supervisor.blanks, struct blank, link);
		list_remove(&b->link);
		supervisor.nr_blanks--;
	}
	mutex_unlock(&supervisor.lock);
	return b;
}

static void assign_blank(struct blank *b, struct task *t,
			 struct host_context *context)
{
	t->arch.plat.boot_stack = (uint8_t *)b;
	b->task = t;
	b->context = context;
	/* Partner: the load in blank_main. */
	__atomic_store_n(&b->assigned, 1, __ATOMIC_RELEASE);
	plat_word_wake(&b->assigned, 1);
}

int supervisor_start_task(struct task *t, enum plat_space space,
			  struct host_context *context)
{
	struct request r = { .task = t, .space = space, .context = context };
	struct blank *b = context ? take_blank() : NULL;

	if (!b)
		return ask(&r);
	assign_blank(b, t, context);
	supervisor_ring();	/* it makes another */
	return 0;
}

/* Sleeps without a task of its own: host calls only. */
static void sleep_while_zero(uint32_t *word)
{
	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE))
		host_call(__NR_futex, (uint64_t)word, 0, 0, 0, 0, 0);
}

static void blank_main(void)
{
	uint64_t sp = (uint64_t)__builtin_frame_address(0);
	struct blank *b = (struct blank *)PAGE_DOWN(sp);
	struct task *t;

	sleep_while_zero(&b->assigned);
	t = b->task;
	/* Partner: host_hand_over; then the old thread uses neither stack. */
	sleep_while_zero(&t->arch.plat.hand_over);
	__asm__ volatile("wrgsbase %0" : : "r"(t));
	set_alternate_stack(t);
	process_reveal(t, b->host_tid);
	context_resume(b->context);
}

/* Only in the supervisor. NULL: no memory, or the host refused. */
static struct blank *make_blank(void)
{
	char *stack = page_alloc(0, false);
	struct blank *b = (struct blank *)stack;
	uint64_t *sp = (uint64_t *)(stack + PAGE_SIZE - 64);

	if (!stack)
		return NULL;
	*b = (struct blank){ .task = NULL };
	list_init(&b->link);
	*sp = (uint64_t)blank_main;
	if (host_call(__NR_clone, CLONE_FILES | CLONE_PARENT_SETTID | SIGCHLD,
		      (uint64_t)sp, (uint64_t)&b->host_tid, 0, 0, 0) < 0) {
		page_free(stack, 0);
		return NULL;
	}
	return b;
}

static void keep_blanks_ready(void)
{
	while (supervisor.wants_blanks && supervisor.nr_blanks < BLANKS_READY) {
		struct blank *b = make_blank();

		if (!b)
			return;		/* the next one who needs it is told */
		mutex_lock(&supervisor.lock);
		list_append(&supervisor.blanks, &b->link);
		supervisor.nr_blanks++;
		mutex_unlock(&supervisor.lock);
	}
}

static int start_takeover(struct request *r)
{
	struct blank *b = make_blank();

	if (!b)
		return -EAGAIN;
	assign_blank(b, r->task, r->context);
	return 0;
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

void plat_run(const struct plat_ops *ops)
{
	struct abi_doorbell *d = &process_platform.boot->doorbell;

	for (;;) {
		uint32_t seen = __atomic_load_n(&d->word, __ATOMIC_ACQUIRE);

		reap();
		while (serve())
			;
		keep_blanks_ready();
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
