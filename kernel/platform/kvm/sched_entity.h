/* SPDX-License-Identifier: MIT */
/* Part of struct task: what the run queues of the kvm platform keep of it. */
#pragma once
#include "core/sched.h"
#include "lib/avl.h"
#include "lib/list.h"
#include "lib/types.h"

struct runq;

struct sched_entity {
	/* what was asked for, from when on it holds: see runq_apply */
	struct sched_request request;
	uint64_t lent;		/* a claim on top of its own, or 0 */
	/* the better of both; see update_claim; read freely as a hint */
	uint64_t claim;
	/* atomic: 0, or REQUEST_*; whoever exchanges it has the next ones */
	uint32_t request_state;
	bool has_next;
	struct sched_request next;
	uint64_t next_lent;

	/* under the lock of the queue it is in, or of its CPU's while it runs */
	struct runq *queue;	/* in that queue; atomic for readers */
	struct list link;	/* fixed priority */
	struct avl_node node;	/* fair, deadline */
	uint8_t queued_class, queued_priority;
	bool yielded;		/* it wants others to run now */
	uint64_t slice_ns;	/* used since it came to the head of its turn */
	/* fair */
	struct runq *home;	/* whose virtual time vruntime is; or NULL */
	struct runq *left;	/* without: which it was last */
	uint64_t vruntime;	/* with home; without: left's time then */
	int64_t lag;		/* without: what it is owed, in virtual time */
	uint32_t load;		/* its part of the processor, there or last */
	uint32_t *group;	/* how many of its process are there; atomic */
	/* deadline */
	int64_t budget_ns;
	uint64_t due_ns;	/* monotonic: the absolute deadline */
	uint64_t refill_ns;	/* exhausted: when its next period begins */
	bool exhausted;		/* runs as fair until then */
};
