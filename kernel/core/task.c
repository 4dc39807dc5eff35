/* SPDX-License-Identifier: MIT */
/*
 * Tasks: their blocks, parking and pending work. A block is reused only after
 * its last host thread has stored busy = 0 as its very last act.
 */
#include "core/task.h"
#include "core/lock.h"
#include "core/msg.h"
#include "core/page.h"
#include "core/panic.h"
#include "lib/string.h"
#include "platform/platform.h"

static struct mutex list_lock = MUTEX_INIT;
/* under list_lock */
static struct list tasks = LIST_INIT(tasks);	/* live */
static struct list retired = LIST_INIT(retired); /* ended, perhaps still busy */
static uint32_t nr_tasks;
static uint32_t next_id = 1;

static struct task *reuse_block(void)
{
	list_for_each_safe(p, &retired) {
		struct task *t = list_entry(p, struct task, link);

		/* Partner: the store of 0 in host_exit (stub.S). */
		if (!__atomic_load_n(&t->arch.busy, __ATOMIC_ACQUIRE)) {
			list_remove(p);
			return t;
		}
	}
	return NULL;
}

struct task *task_create(enum task_kind kind, const char *name)
{
	struct task *t;

	mutex_lock(&list_lock);
	t = reuse_block();
	mutex_unlock(&list_lock);
	if (t)
		heap_cache_flush(&t->heap_cache);
	else
		t = page_alloc(__builtin_ctzl(TASK_BLOCK_SIZE / PAGE_SIZE),
			       false);
	if (!t)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	strlcpy(t->name, name, sizeof(t->name));
	arch_task_init(t);
	mutex_lock(&list_lock);
	t->id = next_id++;
	nr_tasks++;
	list_append(&tasks, &t->link);
	mutex_unlock(&list_lock);
	return t;
}

void task_retire(struct task *t)
{
	msg_task_gone(t);
	pi_task_gone(t);
	mutex_lock(&list_lock);
	list_remove(&t->link);
	nr_tasks--;
	list_append(&retired, &t->link);
	mutex_unlock(&list_lock);
}

void task_destroy(struct task *t)
{
	t->arch.busy = 0;
	task_retire(t);
}

uint32_t task_count(void)
{
	return nr_tasks;
}

int task_start_system(const char *name, void (*entry)(void *), void *arg,
		      struct task **out)
{
	struct task *t = task_create(TASK_SYSTEM, name);
	int err;

	if (!t)
		return -ENOMEM;
	t->entry = entry;
	t->arg = arg;
	if (out)
		*out = t;
	err = plat_task_start(t, PLAT_SPACE_KERNEL);
	if (err)
		task_destroy(t);
	return err;
}

#ifdef PLAT_STACK_OFFSET
void task_stack_overflowed(void)
{
	panic("kernel stack overflow");
}
#endif

/* The last of those that t has to wake, whom it can hand its processor. */
static struct task *take_deferred(struct task *t)
{
	struct task *last = NULL;

	if (t->nr_deferred)
		last = t->deferred[--t->nr_deferred];
	if (unlikely(t->nr_deferred))
		task_wakes_flush();
	return last;
}

static bool has_work(const struct task *t)
{
	return __atomic_load_n(&t->arch.work, __ATOMIC_ACQUIRE) &
	       ~(uint32_t)TASK_WORK_SLOW;
}

bool task_has_work(void)
{
	return has_work(current_task());
}

/* to: woken, but for the word that its park is told. */
static inline __attribute__((always_inline)) int
park(struct task *t, struct task *to, uint64_t deadline_ns, bool interruptible)
{
	uint32_t none = WAKE_NONE;
	int err = 0;

	task_check_stack(t);
	if (interruptible && has_work(t)) {
		__atomic_store_n(&t->wake, WAKE_NONE, __ATOMIC_RELAXED);
		if (to)
			plat_unpark(to);
		return -EINTR;
	}
	/* Partner: the exchange in task_unpark; whoever is first decides. */
	if (__atomic_compare_exchange_n(&t->wake, &none, WAKE_ASLEEP, false,
					__ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		/* work may have been posted before ASLEEP was visible */
		if (!interruptible || !has_work(t)) {
			err = plat_park(WAKE_ASLEEP, deadline_ns, to);
			to = NULL;
		}
	}
	if (unlikely(to != NULL))
		plat_unpark(to);
	if (__atomic_exchange_n(&t->wake, WAKE_NONE, __ATOMIC_SEQ_CST) ==
	    WAKE_NOTIFIED)
		err = 0;
	if (interruptible && has_work(t))
		return -EINTR;
	return err == -ETIMEDOUT ? err : 0;
}

int task_park(uint64_t deadline_ns, bool interruptible)
{
	struct task *t = current_task();

	return park(t, take_deferred(t), deadline_ns, interruptible);
}

/* Returns true if its sleep has to be ended. */
static bool notify(struct task *t)
{
	return __atomic_exchange_n(&t->wake, WAKE_NOTIFIED,
				   __ATOMIC_SEQ_CST) == WAKE_ASLEEP;
}

void task_unpark(struct task *t)
{
	if (notify(t))
		task_wake_later(t);
}

int task_hand_over(struct task *to, uint64_t deadline_ns, bool interruptible)
{
	struct task *t = current_task();

	if (unlikely(t->nr_deferred))
		task_wakes_flush();
	if (to && !notify(to))
		to = NULL;
	return park(t, to, deadline_ns, interruptible);
}

void task_post_work(struct task *t, uint32_t bits)
{
	__atomic_fetch_or(&t->arch.work, bits, __ATOMIC_SEQ_CST);
	if (t == current_task())
		return;
	/*
	 * Asleep: the changed word wakes it. Awake: it may be in user mode or
	 * in a host call; only a kick reaches it there.
	 */
	if (notify(t))
		plat_unpark(t);
	else
		plat_kick(t);
}

void task_clear_work(uint32_t bits)
{
	__atomic_fetch_and(&current_task()->arch.work, ~bits,
			   __ATOMIC_SEQ_CST);
}
