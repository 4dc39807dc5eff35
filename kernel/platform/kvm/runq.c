/* SPDX-License-Identifier: MIT */
/*
 * Lists of ready tasks and the tree of sleepers, see runq.h. Called by sched.c
 * and word.c under the locks of the queues.
 */
#include "platform/kvm/runq.h"

void runq_init(struct runq *q)
{
	*q = (struct runq){ .nr = 0 };
	for (int i = 0; i < NR_RUN_CLASSES; i++)
		list_init(&q->ready[i]);
}

void runq_push_locked(struct runq *q, struct task *t)
{
	list_append(&q->ready[run_class_of(t)], &t->arch.plat.run_link);
	__atomic_store_n(&q->nr, q->nr + 1, __ATOMIC_RELAXED);
}

bool runq_has_locked(const struct runq *q, enum run_class lowest)
{
	for (uint32_t i = 0; i <= (uint32_t)lowest; i++)
		if (!list_is_empty(&q->ready[i]))
			return true;
	return false;
}

struct task *runq_pop_locked(struct runq *q, enum run_class lowest)
{
	struct task *t;

	for (uint32_t i = 0; i <= (uint32_t)lowest; i++) {
		if (list_is_empty(&q->ready[i]))
			continue;
		t = list_first(&q->ready[i], struct task, arch.plat.run_link);
		list_remove(&t->arch.plat.run_link);
		__atomic_store_n(&q->nr, q->nr - 1, __ATOMIC_RELAXED);
		return t;
	}
	return NULL;
}

uint32_t runq_choose_cpu(uint64_t idle, uint32_t last, uint32_t self)
{
	if (idle >> last & 1)
		return last;
	if (idle >> self & 1)
		return self;
	return idle ? (uint32_t)__builtin_ctzll(idle) : self;
}

static struct sleeper *of_node(struct avl_node *n)
{
	return container_of(n, struct sleeper, node);
}

void timerq_init(struct timerq *q)
{
	*q = (struct timerq){ .first_ns = DEADLINE_NEVER };
}

static void note_first_locked(struct timerq *q)
{
	struct sleeper *s = timerq_first_locked(q);

	__atomic_store_n(&q->first_ns, s ? s->deadline_ns : DEADLINE_NEVER,
			 __ATOMIC_RELAXED);
}

void timerq_add_locked(struct timerq *q, struct sleeper *s)
{
	struct avl_node *parent = NULL, *n = q->tree.root;
	bool right = false;

	while (n) {
		parent = n;
		right = of_node(n)->deadline_ns <= s->deadline_ns;
		n = right ? n->right : n->left;
	}
	avl_insert(&q->tree, &s->node, parent, right);
	s->in_queue = true;
	note_first_locked(q);
}

void timerq_remove_locked(struct timerq *q, struct sleeper *s)
{
	if (!s->in_queue)
		return;
	avl_remove(&q->tree, &s->node);
	s->in_queue = false;
	note_first_locked(q);
}

struct sleeper *timerq_first_locked(const struct timerq *q)
{
	struct avl_node *n = q->tree.root;

	while (n && n->left)
		n = n->left;
	return n ? of_node(n) : NULL;
}

struct sleeper *timerq_expire_locked(struct timerq *q, uint64_t now_ns)
{
	struct sleeper *s = timerq_first_locked(q);

	if (!s || s->deadline_ns > now_ns)
		return NULL;
	timerq_remove_locked(q, s);
	s->expired = true;
	return s;
}
