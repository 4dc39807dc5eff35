/* SPDX-License-Identifier: MIT */
/*
 * Waiting on a word of kernel memory (platform.h, "parking"): mutexes and all
 * that sleeps but parked tasks (park.c) stand on this. Waiters lie on their
 * own stacks, in buckets hashed by the word's address. Who is worth most (a hint:
 * pi_claim) is woken first, of equals who came first.
 *
 * No wake-up is lost. The waker changes the word, then wakes; the sleeper
 * looks at the word under the bucket's lock and stays in the bucket until it
 * runs again:
 *
 *	sleeper				waker
 *	lock bucket			*word = new
 *	*word == val?			lock bucket
 *	into the bucket, SLEEPING	find the waiter, wake it
 *	unlock; switch away		unlock
 *
 * If the waker has the lock first, the sleeper sees the new word (the lock
 * orders them) and does not sleep; else the waker finds the waiter, and
 * sched_wake makes a task ready whose state is SLEEPING even if it has not
 * left its CPU yet.
 *
 * A waiter can be woken by its bucket and by its deadline at once. Both do all
 * they do with it under their lock, and the sleeper takes both locks before
 * its waiter's memory goes: nobody holds a pointer to it then. sched_wake of a
 * task that runs already does nothing.
 */
#include "arch/arch_cpu.h"
#include "core/panic.h"
#include "platform/kvm/sched.h"
#include "platform/platform.h"

#define NR_BUCKETS	256u
#define RELAX_NS	50000u

struct bucket {
	struct spinlock lock;
	struct list waiters;	/* struct word_waiter.link; under lock */
} __attribute__((aligned(64)));

struct word_waiter {
	struct list link;	/* alone: woken; under the bucket's lock */
	const uint32_t *word;
	struct sleeper sleeper;
};

static struct bucket buckets[NR_BUCKETS];

static struct bucket *bucket_of(const uint32_t *word)
{
	uint64_t h = (uint64_t)word * 0x9e3779b97f4a7c15ull;

	return &buckets[h >> 56];
}

/* Buckets are zero at first. Caller holds the lock. */
static struct list *waiters_locked(struct bucket *b)
{
	if (unlikely(!b->waiters.next))
		list_init(&b->waiters);
	return &b->waiters;
}

/* After waking: out of every list. Returns true if a waker took it out. */
static bool leave(struct bucket *b, struct word_waiter *w, bool has_deadline,
		  uint32_t cpu)
{
	uint64_t flags = spin_lock_irq(&b->lock);
	bool woken = list_is_empty(&w->link);

	list_remove(&w->link);
	spin_unlock_irq(&b->lock, flags);
	if (has_deadline)
		sched_forget_sleeper(&w->sleeper, cpu);
	return woken;
}

int plat_word_wait(uint32_t *word, uint32_t val, uint64_t deadline_ns)
{
	struct task *t = current_task();
	struct word_waiter w = { .word = word };
	struct bucket *b = bucket_of(word);
	bool has_deadline = deadline_ns != DEADLINE_NEVER;
	uint64_t flags;
	uint32_t cpu;

	if (!irq_are_enabled())
		panic("sleep with interrupts off");
	w.sleeper.deadline_ns = deadline_ns;
	w.sleeper.task = t;
	flags = spin_lock_irq(&b->lock);
	/* Partner: the change of the word before plat_word_wake. */
	if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != val) {
		spin_unlock_irq(&b->lock, flags);
		return 0;
	}
	if (has_deadline && deadline_ns <= plat_clock_mono_ns()) {
		spin_unlock_irq(&b->lock, flags);
		return -ETIMEDOUT;
	}
	list_append(waiters_locked(b), &w.link);
	cpu = this_cpu()->id;
	/* Partner: the exchange in sched_wake. */
	__atomic_store_n(&t->arch.plat.state, RUN_SLEEPING, __ATOMIC_RELEASE);
	spin_unlock(&b->lock);
	sched_sleep(has_deadline ? &w.sleeper : NULL, NULL);
	irq_restore(flags);
	if (leave(b, &w, has_deadline, cpu) || !w.sleeper.expired)
		return 0;
	return -ETIMEDOUT;
}

/* The first of those that are worth most. */
static struct word_waiter *best_locked(struct bucket *b, const uint32_t *word)
{
	struct word_waiter *best = NULL;
	uint64_t most = 0;

	list_for_each(p, waiters_locked(b)) {
		struct word_waiter *w = list_entry(p, struct word_waiter, link);
		uint64_t claim;

		if (w->word != word)
			continue;
		claim = pi_claim(w->sleeper.task);
		if (best && (!claim_is_urgent(claim) || claim <= most))
			continue;
		best = w;
		most = claim;
	}
	return best;
}

void plat_word_wake(uint32_t *word, uint32_t max)
{
	struct bucket *b = bucket_of(word);
	uint64_t flags = spin_lock_irq(&b->lock);
	struct word_waiter *w;

	while (max-- && (w = best_locked(b, word))) {
		list_remove(&w->link);
		sched_wake(w->sleeper.task);
	}
	spin_unlock_irq(&b->lock, flags);
}

void plat_yield(void)
{
	struct sched_entity *e = &current_task()->arch.plat.sched;

	e->yielded = true;
	schedule();
	e->yielded = false;
}

void plat_relax(void)
{
	uint32_t word = 0;

	/* also called where sleeping is out of the question (panic) */
	if (!irq_are_enabled() || this_cpu()->preempt_off) {
		arch_relax();
		return;
	}
	plat_word_wait(&word, 0, plat_clock_mono_ns() + RELAX_NS);
}
