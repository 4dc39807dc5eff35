/* SPDX-License-Identifier: MIT */
/*
 * Tasks: their blocks, start and end. A block is reused only after its last host
 * thread has stored busy = 0 as its very last act.
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
