/* SPDX-License-Identifier: MIT */
/*
 * The queues of ready tasks, see runq.h. Called by sched.c under the locks of
 * the queues.
 */
#include "platform/kvm/runq.h"

static struct task *of_entity(struct sched_entity *e)
{
	return container_of(e, struct task, arch.plat.sched);
}

static struct task *of_node(struct avl_node *n)
{
	return of_entity(container_of(n, struct sched_entity, node));
}

static bool is_before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

/* --- one task ------------------------------------------------------------------*/
bool runq_may_run_on(const struct task *t, uint32_t cpu)
{
	uint64_t cpus = t->arch.plat.sched.request.cpus;

	return !cpus || cpus >> cpu & 1;
}

static uint64_t fair_claim(const struct sched_request *r)
{
	return r->policy == SCHED_POLICY_IDLE ? CLAIM_IDLE :
	       CLAIM_FAIR(r->nice);
}

uint64_t runq_claim_of(const struct sched_request *r, uint64_t now_ns)
{
	switch (r->policy) {
	case SCHED_POLICY_DEADLINE:
		return CLAIM_DEADLINE(now_ns + r->deadline_ns);
	case SCHED_POLICY_FIFO:
	case SCHED_POLICY_RR:
		return CLAIM_FIXED(r->priority);
	default:
		return fair_claim(r);
	}
}

static uint64_t own_claim(const struct sched_entity *e)
{
	if (e->request.policy != SCHED_POLICY_DEADLINE)
		return runq_claim_of(&e->request, 0);
	return e->exhausted ? fair_claim(&e->request) :
	       CLAIM_DEADLINE(e->due_ns);
}

uint64_t runq_own_claim(const struct task *t)
{
	return own_claim(&t->arch.plat.sched);
}

/* Its request, loan or period has changed; it is in no queue. */
static void update_claim(struct sched_entity *e)
{
	uint64_t own = own_claim(e);

	__atomic_store_n(&e->claim, MAX(own, e->lent), __ATOMIC_RELAXED);
}

uint64_t runq_rank(const struct task *t)
{
	uint64_t claim = __atomic_load_n(&t->arch.plat.sched.claim,
					 __ATOMIC_RELAXED);

	return claim_is_urgent(claim) ? claim : 1;
}

/* As things are in q. */
static inline enum run_class class_in(const struct runq *q,
				      const struct task *t)
{
	enum run_class c = runq_class_of(t);

	return unlikely(q->rt_throttled) && c == RUN_CLASS_FIXED &&
	       t->kind == TASK_USER ? RUN_CLASS_THROTTLED : c;
}

void runq_task_init(struct task *t, const struct sched_request *r,
		    uint32_t *group)
{
	struct sched_entity *e = &t->arch.plat.sched;

	*e = (struct sched_entity){ .request = *r, .group = group };
	update_claim(e);
	list_init(&e->link);
}

/* --- deadlines -------------------------------------------------------------------*/
static void begin_period(struct sched_entity *e, uint64_t start_ns)
{
	e->exhausted = false;
	e->budget_ns = (int64_t)e->request.runtime_ns;
	e->due_ns = start_ns + e->request.deadline_ns;
	update_claim(e);
}

/* Ready again: what is left may be used only if that is not more than its share
 * until the deadline (the rule of constant bandwidth servers). */
static void wake_deadline(struct sched_entity *e, uint64_t now)
{
	if (e->exhausted) {
		if (now >= e->refill_ns)
			begin_period(e, now);
		return;
	}
	if (e->budget_ns <= 0 || now >= e->due_ns ||
	    (uint64_t)e->budget_ns * (e->request.period_ns >> 10) >
	    (e->due_ns - now) * (e->request.runtime_ns >> 10))
		begin_period(e, now);
}

/* --- the limit of real-time programs ---------------------------------------------*/
/* One that ran alone was not looked at: no more than a period's share is held
 * against it. */
static void charge_rt(struct runq *q, uint64_t ns, uint64_t now)
{
	if (now - q->rt_begin_ns >= RT_PERIOD_NS) {
		ns = MIN(ns, RT_RUNTIME_NS);
		q->rt_begin_ns = now - ns;
		q->rt_used_ns = 0;
	}
	q->rt_used_ns += ns;
	q->rt_throttled = q->rt_used_ns >= RT_RUNTIME_NS;
}

static void end_throttling(struct runq *q, uint64_t now)
{
	if (now - q->rt_begin_ns >= RT_PERIOD_NS)
		q->rt_throttled = false;
}

/* How long q may be left alone, for the sake of this limit. */
static uint64_t limit_rt(const struct runq *q, uint64_t now)
{
	uint64_t age = now - q->rt_begin_ns;

	if (q->rt_throttled)
		return age < RT_PERIOD_NS ? RT_PERIOD_NS - age : 0;
	return RT_RUNTIME_NS - (age < RT_PERIOD_NS ? q->rt_used_ns : 0);
}

/* --- in and out --------------------------------------------------------------------*/
void runq_init(struct runq *q)
{
	*q = (struct runq){ .nr = 0 };
	for (uint32_t i = 0; i < NR_PRIORITIES; i++)
		list_init(&q->fixed[i]);
}

static uint64_t key_of(const struct sched_entity *e, bool deadline)
{
	return deadline ? ~e->claim : e->vruntime;
}

static void insert(struct avl_tree *tree, struct sched_entity *e, bool deadline)
{
	struct avl_node *parent = NULL, *n = tree->root;
	uint64_t key = key_of(e, deadline);
	bool right = false;

	while (n) {
		parent = n;
		right = !is_before(key, key_of(&of_node(n)->arch.plat.sched,
					       deadline));
		n = right ? n->right : n->left;
	}
	avl_insert(tree, &e->node, parent, right);
}

static void count(struct runq *q, const struct sched_entity *e, uint32_t by)
{
	__atomic_store_n(&q->nr, q->nr + by, __ATOMIC_RELAXED);
	if (e->queued_class != RUN_CLASS_FAIR)
		__atomic_store_n(&q->nr_urgent, q->nr_urgent + by,
				 __ATOMIC_RELAXED);
	if (e->exhausted)
		q->nr_exhausted += by;
	if (!q->nr)
		__atomic_store_n(&q->cpus, 0, __ATOMIC_RELAXED);
}

static void enqueue(struct runq *q, struct task *t, bool first)
{
	struct sched_entity *e = &t->arch.plat.sched;
	uint32_t priority;

	e->queued_class = (uint8_t)runq_class_of(t);
	if (e->queued_class == RUN_CLASS_FAIR) {
		runq_join_locked(q, t);
		insert(&q->fair, e, false);
	} else if (e->queued_class == RUN_CLASS_DEADLINE) {
		insert(&q->deadline, e, true);
	} else {
		priority = (uint32_t)(e->claim - CLAIM_FIXED(0));
		e->queued_priority = (uint8_t)priority;
		q->fixed_bits[priority / 64] |= 1ull << priority % 64;
		if (first)
			list_prepend(&q->fixed[priority], &e->link);
		else
			list_append(&q->fixed[priority], &e->link);
	}
	__atomic_store_n(&e->queue, q, __ATOMIC_RELEASE);
	count(q, e, 1);
	__atomic_store_n(&q->cpus, q->cpus | (e->request.cpus ?
					      e->request.cpus : ~0ull),
			 __ATOMIC_RELAXED);
}

static void dequeue(struct runq *q, struct task *t)
{
	struct sched_entity *e = &t->arch.plat.sched;
	uint8_t p = e->queued_priority;

	if (e->queued_class == RUN_CLASS_FAIR) {
		avl_remove(&q->fair, &e->node);
	} else if (e->queued_class == RUN_CLASS_DEADLINE) {
		avl_remove(&q->deadline, &e->node);
	} else {
		list_remove(&e->link);
		if (list_is_empty(&q->fixed[p]))
			q->fixed_bits[p / 64] &= ~(1ull << p % 64);
	}
	__atomic_store_n(&e->queue, NULL, __ATOMIC_RELEASE);
	count(q, e, -1u);
}

void runq_remove_locked(struct runq *q, struct task *t)
{
	dequeue(q, t);
	runq_leave_locked(q, t);
}

bool runq_take_request(struct task *t)
{
	struct sched_entity *e = &t->arch.plat.sched;
	uint32_t new_one = REQUEST_NEW;
	bool has_next;

	if (likely(__atomic_load_n(&e->request_state, __ATOMIC_RELAXED) ==
		   REQUEST_NONE) ||
	    !__atomic_compare_exchange_n(&e->request_state, &new_one,
					 REQUEST_BUSY, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	has_next = e->has_next;
	if (has_next) {
		e->request = e->next;
		e->has_next = false;
		e->exhausted = false;
		e->budget_ns = 0;
		e->slice_ns = 0;
	}
	e->lent = e->next_lent;
	update_claim(e);
	/* Partner: request_begin in sched.c. */
	__atomic_store_n(&e->request_state, REQUEST_NONE, __ATOMIC_RELEASE);
	return has_next;
}

void runq_push_locked(struct runq *q, struct task *t, bool first,
		      uint64_t now_ns)
{
	struct sched_entity *e = &t->arch.plat.sched;

	if (unlikely(q->rt_throttled))
		end_throttling(q, now_ns);
	if (e->request.policy == SCHED_POLICY_DEADLINE)
		wake_deadline(e, now_ns);
	if (runq_class_of(t) != RUN_CLASS_FAIR)
		runq_leave_locked(q, t);
	if (!first || runq_class_of(t) == RUN_CLASS_FAIR)
		e->slice_ns = 0;
	enqueue(q, t, first);
}

void runq_apply_locked(struct runq *q, struct task *t, uint64_t now_ns)
{
	struct sched_entity *e = &t->arch.plat.sched;

	runq_leave_locked(q, t);
	if (runq_take_request(t) && e->request.policy == SCHED_POLICY_DEADLINE)
		wake_deadline(e, now_ns);
	runq_join_locked(q, t);
}

/* --- the best one --------------------------------------------------------------------*/
static struct avl_node *leftmost(struct avl_node *n)
{
	while (n && n->left)
		n = n->left;
	return n;
}

static struct avl_node *next_node(struct avl_node *n)
{
	if (n->right)
		return leftmost(n->right);
	while (n->parent && n->parent->right == n)
		n = n->parent;
	return n->parent;
}

static struct task *first_in_tree(struct avl_tree *tree, uint32_t cpu)
{
	for (struct avl_node *n = leftmost(tree->root); n; n = next_node(n))
		if (runq_may_run_on(of_node(n), cpu))
			return of_node(n);
	return NULL;
}

static struct task *first_fixed(struct runq *q, uint32_t cpu, bool throttled)
{
	for (int w = 1; w >= 0; w--) {
		uint64_t bits = q->fixed_bits[w];

		while (bits) {
			uint32_t p = 63 - (uint32_t)__builtin_clzll(bits);

			list_for_each(l, &q->fixed[w * 64u + p]) {
				struct task *t = of_entity(list_entry(l,
						struct sched_entity, link));

				if (runq_may_run_on(t, cpu) &&
				    (!throttled || t->kind == TASK_SYSTEM))
					return t;
			}
			bits &= ~(1ull << p);
		}
	}
	return NULL;
}

/* Those whose next period has begun are deadline tasks again. */
static void refill(struct runq *q, uint64_t now)
{
	struct avl_node *n = leftmost(q->fair.root);

	while (n && q->nr_exhausted) {
		struct task *t = of_node(n);
		struct sched_entity *e = &t->arch.plat.sched;

		n = next_node(n);
		if (!e->exhausted || now < e->refill_ns)
			continue;
		dequeue(q, t);
		runq_leave_locked(q, t);
		begin_period(e, e->refill_ns);
		enqueue(q, t, false);
		n = leftmost(q->fair.root);
	}
}

static uint64_t cpus_of(const struct sched_entity *e)
{
	return e->request.cpus ? e->request.cpus : ~0ull;
}

/* The hint `cpus` only grows while the queue is not empty: make it exact. */
static void recount_cpus(struct runq *q)
{
	uint64_t cpus = 0;

	for (struct avl_node *n = leftmost(q->fair.root); n; n = next_node(n))
		cpus |= cpus_of(&of_node(n)->arch.plat.sched);
	for (struct avl_node *n = leftmost(q->deadline.root); n;
	     n = next_node(n))
		cpus |= cpus_of(&of_node(n)->arch.plat.sched);
	for (uint32_t p = 0; p < NR_PRIORITIES; p++)
		list_for_each(l, &q->fixed[p])
			cpus |= cpus_of(list_entry(l, struct sched_entity,
						   link));
	__atomic_store_n(&q->cpus, cpus, __ATOMIC_RELAXED);
}

struct task *runq_first_locked(struct runq *q, uint32_t cpu, uint64_t now_ns)
{
	struct task *t;

	if (unlikely(q->nr_exhausted))
		refill(q, now_ns);
	if (unlikely(q->rt_throttled))
		end_throttling(q, now_ns);
	t = q->deadline.root ? first_in_tree(&q->deadline, cpu) : NULL;
	if (!t)
		t = first_fixed(q, cpu, q->rt_throttled);
	if (!t)
		t = first_in_tree(&q->fair, cpu);
	if (unlikely(!t && q->rt_throttled))
		t = first_fixed(q, cpu, false);
	if (unlikely(!t && q->nr))
		recount_cpus(q);
	return t;
}

/* Both in q or running on its CPU, of one class. */
static bool replaces(const struct task *t, const struct task *running)
{
	const struct sched_entity *e = &t->arch.plat.sched;
	const struct sched_entity *r = &running->arch.plat.sched;
	uint64_t turn;

	switch (runq_class_of(t)) {
	case RUN_CLASS_DEADLINE:
		return e->claim > r->claim;
	case RUN_CLASS_FIXED:
		if (e->claim != r->claim)
			return e->claim > r->claim;
		return r->yielded || (r->request.policy == SCHED_POLICY_RR &&
				      r->slice_ns >= RR_SLICE_NS);
	default:
		/* its turn counts twice, so that who waits comes soon */
		turn = MIN(r->slice_ns, FAIR_SLICE_NS);
		return r->yielded ||
		       !is_before(r->vruntime + turn, e->vruntime);
	}
}

struct task *runq_pop_locked(struct runq *q, uint32_t cpu,
			     const struct task *running, uint64_t now_ns)
{
	struct task *t = runq_first_locked(q, cpu, now_ns);

	if (!t)
		return NULL;
	if (running && runq_may_run_on(running, cpu)) {
		enum run_class a = class_in(q, t), b = class_in(q, running);

		if (a > b || (a == b && !replaces(t, running)))
			return NULL;
	}
	dequeue(q, t);
	return t;
}

bool runq_preempts_locked(const struct runq *q, const struct task *t,
			  const struct task *running, uint64_t ran_ns)
{
	enum run_class a = class_in(q, t), b = class_in(q, running);

	if (a != b)
		return a < b;
	return replaces(t, running) &&
	       (a != RUN_CLASS_FAIR || ran_ns >= FAIR_WAKE_NS);
}

/* --- time ----------------------------------------------------------------------------*/
void runq_charge_locked(struct runq *q, struct task *t, uint64_t ns,
			uint64_t now_ns)
{
	struct sched_entity *e = &t->arch.plat.sched;

	e->slice_ns += ns;
	if (e->home == q)
		runq_charge_fair_locked(q, t, ns);
	if (unlikely(runq_class_of(t) != RUN_CLASS_FAIR))
		charge_rt(q, ns, now_ns);
	if (e->request.policy != SCHED_POLICY_DEADLINE)
		return;
	if (e->exhausted) {
		if (now_ns >= e->refill_ns) {
			runq_leave_locked(q, t);
			begin_period(e, e->refill_ns);
		}
		return;
	}
	e->budget_ns -= (int64_t)ns;
	if (e->budget_ns <= 0) {
		e->exhausted = true;
		e->refill_ns = e->due_ns - e->request.deadline_ns +
			       e->request.period_ns;
		update_claim(e);
		runq_join_locked(q, t);
	}
}

static uint64_t until(uint64_t at, uint64_t now)
{
	return at > now ? at - now : 0;
}

/* The earliest begin of a period of those that wait for one. */
static uint64_t first_refill_ns(struct runq *q, uint64_t now)
{
	uint64_t ns = DEADLINE_NEVER;

	for (struct avl_node *n = leftmost(q->fair.root); n; n = next_node(n)) {
		const struct sched_entity *e = &of_node(n)->arch.plat.sched;

		if (e->exhausted)
			ns = MIN(ns, until(e->refill_ns, now));
	}
	return ns;
}

uint64_t runq_limit_ns_locked(struct runq *q, const struct task *t,
			      uint64_t now_ns)
{
	const struct sched_entity *e = &t->arch.plat.sched;
	uint64_t ns = DEADLINE_NEVER, slice = DEADLINE_NEVER;

	if (runq_class_of(t) == RUN_CLASS_FAIR)
		slice = FAIR_SLICE_NS;
	else if (e->request.policy == SCHED_POLICY_RR)
		slice = RR_SLICE_NS;
	else if (e->request.policy == SCHED_POLICY_DEADLINE)
		ns = (uint64_t)MAX(e->budget_ns, 0);
	if (e->exhausted)
		ns = until(e->refill_ns, now_ns);
	if (slice != DEADLINE_NEVER && q->nr)
		ns = MIN(ns, slice - e->slice_ns % slice);
	if (q->nr_exhausted)
		ns = MIN(ns, first_refill_ns(q, now_ns));
	if (unlikely(q->rt_throttled || runq_class_of(t) != RUN_CLASS_FAIR) &&
	    q->nr)
		ns = MIN(ns, limit_rt(q, now_ns));
	return ns;
}

uint32_t runq_choose_cpu(uint64_t idle, uint32_t last, uint32_t self)
{
	if (idle >> last & 1)
		return last;
	if (idle >> self & 1)
		return self;
	return idle ? (uint32_t)__builtin_ctzll(idle) : self;
}
