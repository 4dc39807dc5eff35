/* SPDX-License-Identifier: MIT */
/* A tree of sleepers by deadline. Called by sched.c and word.c. */
#include "platform/kvm/timerq.h"

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
