/* SPDX-License-Identifier: MIT */
/*
 * Futexes with an owner: the word holds the owner's thread id, FUTEX_WAITERS
 * and FUTEX_OWNER_DIED. Ownership is handed over to the first in the queue;
 * priorities are the host's business and are not inherited.
 *
 * Invariant: looking for waiters and changing the word are one critical
 * section of the bucket. Otherwise:
 *
 *	unlocker			locker
 *	no waiter in the queue
 *					sets FUTEX_WAITERS, enqueues
 *	word = 0			sleeps for ever
 *
 * Death of an owner: it announces itself (futex_gone), then looks for waiters
 * that name it; a locker first counts itself, then looks at the owner and
 * enqueues under the bucket's lock. So one of the two sees the other. The
 * best waiter becomes `heir`: it stays in the queue, so that later lockers
 * line up behind it, and takes the word itself, in its own address space.
 */
#include <linux/futex.h>
#include "arch/uaccess.h"
#include "core/sched.h"
#include "linux/futex_calls.h"
#include "linux/pid_ns.h"
#include "platform/platform.h"

struct pi_wait {
	struct futex_waiter w;	/* w.owner_wait points here */
	uint32_t tid;		/* set once */
	uint64_t uaddr;		/* of the word to own; set once */
	struct futex_key want;	/* its key; set once */
	/* under the bucket's lock */
	uint32_t owner;		/* who has it; 0: not waiting for it yet */
	bool heir;
};

static uint32_t nr_pi_waits;	/* atomic */

/* --- the word -----------------------------------------------------------------*/
/* *word: *seen -> to. Returns 0, -EFAULT, -EAGAIN (*seen is the new value). */
static int word_change(uint64_t uaddr, uint32_t *seen, uint32_t to)
{
	uint32_t was = *seen;
	int err = user_cmpxchg32((uint32_t *)uaddr, seen, to);

	return err ? err : *seen == was ? 0 : -EAGAIN;
}

/*
 * waiter (NULL: nobody) is about to wait for tid. 0: tid is alive. -ESRCH;
 * -EAGAIN: about to end, look at the word again; -EDEADLK.
 */
static int wait_for_owner(struct task *waiter, uint32_t tid)
{
	struct thread *t;
	int err = 0;

	mutex_lock(&process_lock);
	t = thread_find_user(tid);
	if (!t)
		err = -ESRCH;
	else if (__atomic_load_n(&t->futex_gone, __ATOMIC_SEQ_CST))
		err = -EAGAIN;
	else if (waiter)
		err = pi_wait(waiter, t->task);
	mutex_unlock(&process_lock);
	return err;
}

/*
 * Make tid the owner, or mark the word as waited for.
 * more: FUTEX_WAITERS is set in any case. has_waiters: of the key.
 * Returns 0 (owner now), -EBUSY (*owner has it), -EDEADLK, -EFAULT.
 */
static int word_take_locked(uint64_t uaddr, uint32_t tid, bool has_waiters,
			    bool more, uint32_t *owner)
{
	uint32_t v;
	int err = user_load32((const uint32_t *)uaddr, &v);

	if (err)
		return err;
	do {
		*owner = v & FUTEX_TID_MASK;
		if (*owner == tid)
			return -EDEADLK;
		if (!*owner && !has_waiters) {
			err = word_change(uaddr, &v, tid |
					  (v & FUTEX_OWNER_DIED) |
					  (more ? FUTEX_WAITERS : 0));
			if (!err)
				return 0;
		} else {
			err = v & FUTEX_WAITERS ? 0 :
			      word_change(uaddr, &v, v | FUTEX_WAITERS);
		}
	} while (err == -EAGAIN);
	return err ? err : -EBUSY;
}

static struct pi_wait *pi_of(struct futex_waiter *w)
{
	return w ? w->owner_wait : NULL;
}

/*
 * The word is busy: waiter (NULL: nobody) is going to wait for who has it, or
 * for whom the others in the queue wait: nobody, if an heir is on its way.
 * Returns 0, -EDEADLK, -ESRCH, -EAGAIN as above; -EINVAL: a program has written
 * another owner into the word than they wait for.
 */
static int wait_with_locked(struct task *waiter, struct futex_waiter *others,
			    uint32_t *owner)
{
	int err;

	if (!others)
		return wait_for_owner(waiter, *owner);
	/* 0: the robust list says that it died */
	if (*owner && *owner != pi_of(others)->owner)
		return -EINVAL;
	*owner = pi_of(others)->owner;
	err = waiter ? pi_wait_like(waiter, others->task) : 0;
	return err == -ESRCH ? 0 : err;
}

/* Who of those that wait for k is to have it. NULL: nobody waits. */
static struct futex_waiter *best_locked(struct futex_bucket *b,
					const struct futex_key *k)
{
	struct futex_waiter *best = futex_next_locked(b, k, NULL), *w = best;

	while (w && (w = futex_next_locked(b, k, w))) {
		uint64_t claim = pi_claim(w->task);

		if (claim_is_urgent(claim) && claim > pi_claim(best->task))
			best = w;
	}
	return best;
}

/* All others that wait for k wait for new from now on. */
static void follow_locked(struct futex_bucket *b, const struct futex_key *k,
			  struct futex_waiter *new)
{
	for (struct futex_waiter *w = futex_next_locked(b, k, NULL); w;
	     w = futex_next_locked(b, k, w)) {
		if (w == new || !pi_of(w))
			continue;
		pi_of(w)->owner = pi_of(new)->tid;
		pi_wait(w->task, new->task);
	}
}

/* The best in the queue of k inherits; there is at most one heir. */
static void name_heir_locked(struct futex_bucket *b, const struct futex_key *k)
{
	struct futex_waiter *w = futex_next_locked(b, k, NULL);
	struct pi_wait *p;

	for (; w; w = futex_next_locked(b, k, w))
		if (!pi_of(w) || pi_of(w)->heir)
			return;
	p = pi_of(best_locked(b, k));
	if (p) {
		p->heir = true;
		task_unpark(p->w.task);
	}
}

/* Does anybody else wait for k? */
static bool has_others_locked(struct futex_bucket *b, const struct futex_key *k,
			      const struct futex_waiter *than)
{
	struct futex_waiter *w = futex_next_locked(b, k, NULL);

	return w == than ? futex_next_locked(b, k, w) != NULL : w != NULL;
}

/* The heir takes what it inherited. b: locked. */
static int inherit_locked(struct futex_bucket *b, struct pi_wait *p)
{
	uint32_t v;
	int err = user_load32((const uint32_t *)p->uaddr, &v);

	while (!err) {
		/* as in Linux: whether it was robust or not */
		err = word_change(p->uaddr, &v, p->tid | FUTEX_OWNER_DIED |
				  FUTEX_WAITERS);
		if (!err)
			break;
		if (err == -EAGAIN)
			err = 0;
	}
	pi_wait(p->w.task, NULL);
	if (!err)
		follow_locked(b, &p->want, &p->w);
	futex_remove_locked(&p->w);
	if (err)
		name_heir_locked(b, &p->want);
	return err;
}

/* Sleep in the queue. Returns 0 (owner), -ETIMEDOUT, -EINTR, -EFAULT. */
static int pi_sleep(struct pi_wait *p, uint64_t deadline)
{
	struct futex_bucket *b;
	int err = 0;

	while (!err && !__atomic_load_n(&p->w.woken, __ATOMIC_ACQUIRE) &&
	       !__atomic_load_n(&p->heir, __ATOMIC_ACQUIRE))
		err = task_park(deadline, true);
	if (__atomic_load_n(&p->w.woken, __ATOMIC_ACQUIRE))
		return 0;
	b = futex_lock_of(&p->w);
	if (p->w.woken) {
		err = 0;
	} else if (p->heir) {
		err = inherit_locked(b, p);
	} else {
		pi_wait(p->w.task, NULL);
		futex_remove_locked(&p->w);
	}
	futex_unlock(b);
	return err;
}

/* --- lock, unlock ---------------------------------------------------------------*/
static void pi_wait_init(struct pi_wait *p, uint64_t uaddr,
			 const struct futex_key *k)
{
	*p = (struct pi_wait){
		.w = { .task = current_task(), .bitset = ~0u },
		.tid = current_thread()->nr, .uaddr = uaddr, .want = *k,
	};
	p->w.owner_wait = p;
}

static int lock_pi_once(struct pi_wait *p, uint64_t deadline, bool only_try)
{
	struct futex_bucket *b = futex_wait_lock(&p->want);
	struct futex_waiter *first = futex_next_locked(b, &p->want, NULL);
	int err;

	if (first && !first->owner_wait)
		err = -EINVAL;
	else
		err = word_take_locked(p->uaddr, p->tid, first != NULL, false,
				       &p->owner);
	if (!err) {
		futex_wait_abort(b);
		return 0;
	}
	if (err == -EBUSY)
		err = wait_with_locked(only_try ? NULL : p->w.task, first,
				       &p->owner);
	if (err || only_try) {
		futex_wait_abort(b);
		return err ? err : -EBUSY;
	}
	futex_wait_commit(b, &p->w, &p->want);
	return pi_sleep(p, deadline);
}

/* Is there no such owner, or did it end, and said so in the word, just now? */
static int again_if_changed(uint64_t uaddr, uint32_t owner)
{
	uint32_t v;
	int err = user_load32((const uint32_t *)uaddr, &v);

	return err ? err : (v & FUTEX_TID_MASK) == owner ? -ESRCH : -EAGAIN;
}

long futex_lock_pi(uint64_t uaddr, uint32_t flags, uint64_t deadline,
		   bool only_try)
{
	struct futex_key k;
	struct pi_wait p;
	int err = futex_key_get(uaddr, flags, &k);

	if (err)
		return err;
	pi_wait_init(&p, uaddr, &k);
	/* Partner: futex_exit_pi; see the head. */
	__atomic_fetch_add(&nr_pi_waits, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		err = lock_pi_once(&p, deadline, only_try);
		if (err == -ESRCH)
			err = again_if_changed(uaddr, p.owner);
		if (err != -EAGAIN)
			break;
		plat_relax();
	}
	__atomic_fetch_sub(&nr_pi_waits, 1, __ATOMIC_SEQ_CST);
	if (err == -EBUSY)
		return -EAGAIN;
	return err == -EINTR ? -ERESTARTNOINTR : err;
}

/* Only in a build of the tests: the known mistake, which they have to find. */
#ifdef MICA_BUG_PI_RACE
#define HAS_BUG_PI_RACE	1
#else
#define HAS_BUG_PI_RACE	0
#endif

static int between_sections(struct futex_bucket *b, const struct futex_key *k,
			    uint64_t uaddr, uint32_t *seen)
{
	futex_unlock(b);
	plat_relax();
	futex_lock(k);
	return user_load32((const uint32_t *)uaddr, seen);
}

/* Hand over to the best waiter, or free the word. */
static int unlock_locked(struct futex_bucket *b, const struct futex_key *k,
			 uint64_t uaddr, uint32_t *seen,
			 struct futex_wakes *wakes)
{
	struct futex_waiter *best = best_locked(b, k);
	uint32_t to = 0;
	int err;

	if (best && (!best->owner_wait ||
		     pi_of(best)->owner != (*seen & FUTEX_TID_MASK)))
		return -EINVAL;
	if (HAS_BUG_PI_RACE && (err = between_sections(b, k, uaddr, seen)))
		return err;
	if (best)
		to = pi_of(best)->tid |
		     (has_others_locked(b, k, best) ? FUTEX_WAITERS : 0);
	err = word_change(uaddr, seen, to);
	if (err || !best)
		return err;
	pi_wait(best->task, NULL);
	follow_locked(b, k, best);
	futex_wake_locked(best, 1, wakes);
	return 0;
}

long futex_unlock_pi(uint64_t uaddr, uint32_t flags)
{
	uint32_t tid = current_thread()->nr, v;
	struct futex_wakes wakes = { 0 };
	struct futex_bucket *b;
	struct futex_key k;
	int err = user_load32((const uint32_t *)uaddr, &v);

	if (!err && (v & FUTEX_TID_MASK) != tid)
		err = -EPERM;
	if (!err)
		err = futex_key_get(uaddr, flags, &k);
	if (err)
		return err;
	b = futex_lock(&k);
	err = user_load32((const uint32_t *)uaddr, &v);
	if (!err) {
		do {
			err = (v & FUTEX_TID_MASK) != tid ? -EPERM :
			      unlock_locked(b, &k, uaddr, &v, &wakes);
		} while (err == -EAGAIN);
	}
	futex_unlock(b);
	futex_wakes_send(&wakes);
	pi_settle();
	return err;
}

/* --- condition variables: wait on one word, then own another ---------------------*/
long futex_wait_requeue_pi(uint64_t uaddr, uint32_t flags, uint32_t val,
			   uint64_t deadline, uint64_t uaddr2)
{
	struct futex_key k, k2;
	struct futex_bucket *b;
	struct pi_wait p;
	uint32_t now;
	int err = futex_key_get(uaddr, flags, &k);

	if (!err)
		err = futex_key_get(uaddr2, flags, &k2);
	if (!err && futex_key_equal(&k, &k2))
		err = -EINVAL;
	if (err)
		return err;
	pi_wait_init(&p, uaddr2, &k2);
	p.w.requeue_to = &p.want;
	__atomic_fetch_add(&nr_pi_waits, 1, __ATOMIC_SEQ_CST);
	b = futex_wait_lock(&k);
	err = user_load32((const uint32_t *)uaddr, &now);
	if (!err && now != val)
		err = -EAGAIN;
	if (err) {
		futex_wait_abort(b);
	} else {
		futex_wait_commit(b, &p.w, &k);
		err = pi_sleep(&p, deadline);
		if (err == -EINTR)
			err = p.owner ? -EAGAIN : -ERESTARTNOINTR;
	}
	__atomic_fetch_sub(&nr_pi_waits, 1, __ATOMIC_SEQ_CST);
	return err;
}

/* Give w the word at uaddr2, or queue it there. Both buckets are locked. */
static int requeue_one_locked(struct futex_waiter *w, struct futex_bucket *b2,
			      const struct futex_key *k2, uint64_t uaddr2,
			      bool more, struct futex_wakes *wakes)
{
	struct futex_waiter *first = futex_next_locked(b2, k2, NULL);
	struct pi_wait *p = pi_of(w);
	uint32_t owner;
	int err;

	if (!p || !w->requeue_to || !futex_key_equal(w->requeue_to, k2))
		return -EINVAL;
	if (first && !pi_of(first))
		return -EINVAL;
	err = word_take_locked(uaddr2, p->tid, first != NULL, more, &owner);
	if (!err) {
		p->owner = p->tid;
		futex_wake_locked(w, 1, wakes);
		return 0;
	}
	if (err == -EBUSY)
		err = wait_with_locked(w->task, first, &owner);
	if (err)
		return err;
	p->owner = owner;
	w->requeue_to = NULL;
	futex_move_locked(w, b2, k2);
	return 0;
}

static int requeue_once(const struct futex_key *k1, const struct futex_key *k2,
			uint64_t uaddr, uint64_t uaddr2, uint32_t val,
			uint32_t max, uint32_t *done)
{
	struct futex_wakes wakes = { 0 };
	struct futex_waiter *w, *next;
	struct futex_bucket *b1, *b2;
	uint32_t now;
	int err;

	futex_lock_two(k1, k2, &b1, &b2);
	err = user_load32((const uint32_t *)uaddr, &now);
	if (!err && now != val && !*done)
		err = -EBUSY;
	w = err ? NULL : futex_next_locked(b1, k1, NULL);
	for (; w && *done < max && !err; w = next) {
		next = futex_next_locked(b1, k1, w);
		err = requeue_one_locked(w, b2, k2, uaddr2, next != NULL,
					 &wakes);
		if (!err)
			++*done;
	}
	futex_unlock_two(b1, b2);
	futex_wakes_send(&wakes);
	return err;
}

long futex_cmp_requeue_pi(uint64_t uaddr, uint32_t flags, uint32_t nr_wake,
			  uint32_t nr_requeue, uint64_t uaddr2, uint32_t val)
{
	uint32_t done = 0, max = nr_wake + nr_requeue;
	struct futex_key k1, k2;
	int err = futex_key_get(uaddr, flags, &k1);

	if (!err)
		err = futex_key_get(uaddr2, flags, &k2);
	if (!err && futex_key_equal(&k1, &k2))
		err = -EINVAL;
	if (err)
		return err;
	for (;;) {
		err = requeue_once(&k1, &k2, uaddr, uaddr2, val, max, &done);
		if (err != -EAGAIN)
			break;
		plat_relax();
	}
	if (err == -EBUSY)
		return -EAGAIN;
	return err && !done ? err : (long)done;
}

/* --- death of owners ---------------------------------------------------------------*/
/* Numbers of other namespaces mean others. */
static bool of_namespace(const struct futex_waiter *w, const struct thread *t)
{
	const struct thread *waits = w->task->personality;

	return waits->process->pid_ns == t->process->pid_ns;
}

static void if_waits_for(struct futex_waiter *w, void *arg)
{
	struct pi_wait *p = pi_of(w);
	const struct thread *t = arg;

	if (p && p->owner == t->nr && of_namespace(w, t))
		name_heir_locked(w->bucket, &w->key);
}

void futex_exit_pi(struct thread *t)
{
	/* Partner: check_owner, after counting; see the head. */
	__atomic_store_n(&t->futex_gone, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&nr_pi_waits, __ATOMIC_SEQ_CST))
		futex_for_each(if_waits_for, t);
}
