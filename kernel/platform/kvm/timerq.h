/* SPDX-License-Identifier: MIT */
/* Sleepers with a deadline, one queue for each CPU. */
#pragma once
#include "lib/avl.h"
#include "lib/types.h"
#include "platform/kvm/spin.h"

struct task;

struct sleeper {
	struct avl_node node;
	uint64_t deadline_ns;
	struct task *task;
	bool in_queue, expired;	/* under the lock of its timerq */
};

struct timerq {
	struct spinlock lock;
	struct avl_tree tree;	/* under lock; by deadline */
	uint64_t first_ns;	/* earliest; written under lock, read freely */
};

/* The caller holds q->lock for all but init. */
void timerq_init(struct timerq *q);
void timerq_add_locked(struct timerq *q, struct sleeper *s);
void timerq_remove_locked(struct timerq *q, struct sleeper *s);
/* With the earliest deadline; NULL: none. */
struct sleeper *timerq_first_locked(const struct timerq *q);
/* Take out the first whose time has come, marked expired; NULL: none. */
struct sleeper *timerq_expire_locked(struct timerq *q, uint64_t now_ns);
