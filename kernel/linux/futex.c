/* SPDX-License-Identifier: MIT */
/*
 * futex(2) without ownership: wait, wake, requeue, wake-op. Keys: (mm, address)
 * for private words, the memory object and the offset in it for shared ones.
 * The queues are core/futex.c's.
 */
#include <linux/futex.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "linux/exit_hooks.h"
#include "linux/futex_calls.h"
#include "linux/mm.h"
#include "linux/timeout.h"

int futex_key_get(uint64_t uaddr, uint32_t flags, struct futex_key *k)
{
	struct mm *mm = current_process()->mm;
	uint64_t key[2];
	int err;

	if (uaddr & 3)
		return -EINVAL;
	if (!user_range_ok((const void *)uaddr, 4))
		return -EFAULT;
	if (!(flags & FUTEX_F_SHARED)) {
		/* an object's address is even: these can not be mistaken */
		*k = (struct futex_key){ (uint64_t)mm | 1, uaddr };
		return 0;
	}
	err = mm_futex_key(mm, uaddr, key);
	*k = (struct futex_key){ key[0], key[1] };
	return err;
}

/* --- wait --------------------------------------------------------------------*/
long futex_wait_until(uint64_t uaddr, uint32_t flags, uint32_t val,
		      uint32_t bitset, uint64_t deadline)
{
	struct futex_waiter w = { .task = current_task(), .bitset = bitset };
	struct futex_bucket *b;
	struct futex_key k;
	uint32_t now;
	int err = bitset ? futex_key_get(uaddr, flags, &k) : -EINVAL;

	if (err)
		return err;
	b = futex_wait_lock(&k);
	err = user_load32((const uint32_t *)uaddr, &now);
	if (err || now != val) {
		futex_wait_abort(b);
		return err ? err : -EAGAIN;
	}
	futex_wait_commit(b, &w, &k);
	err = futex_wait_sleep(&w, 1, deadline);
	if (futex_wait_end(&w))
		return 0;
	return err;
}

static long wait_restart(struct thread *t)
{
	uint64_t *a = t->restart_arg;
	long ret = futex_wait_until(a[0], (uint32_t)a[1],
				    (uint32_t)(a[1] >> 32), (uint32_t)a[3],
				    a[2]);

	return ret == -EINTR ? -ERESTART_RESTARTBLOCK : ret;
}

static long futex_wait(uint64_t uaddr, uint32_t flags, uint32_t val,
		       uint32_t bitset, uint64_t deadline)
{
	struct thread *t;
	long ret;

	ret = futex_wait_until(uaddr, flags, val, bitset, deadline);
	if (likely(ret != -EINTR))
		return ret;
	if (deadline == DEADLINE_NEVER)
		return -ERESTARTSYS;
	t = current_thread();
	t->restart_fn = wait_restart;
	t->restart_arg[0] = uaddr;
	t->restart_arg[1] = flags | (uint64_t)val << 32;
	t->restart_arg[2] = deadline;
	t->restart_arg[3] = bitset;
	return -ERESTART_RESTARTBLOCK;
}

/* --- wake --------------------------------------------------------------------*/
long futex_wake_call(uint64_t uaddr, uint32_t flags, int nr, uint32_t bitset)
{
	struct futex_key k;
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_key_get(uaddr, flags, &k);
	if (err)
		return err;
	/* Linux wakes one where the count is zero or negative */
	return futex_wake(&k, nr > 0 ? (uint32_t)nr : 1, bitset);
}

int futex_wake_user(uint32_t *uaddr, int n)
{
	return (int)futex_wake_call((uint64_t)uaddr, FUTEX_F_SHARED, n,
				    FUTEX_BITSET_MATCH_ANY);
}

static int32_t sign_extend12(uint32_t v)
{
	return (int32_t)(v << 20) >> 20;
}

/* Change the word as op says; returns 0 and what it was. */
static int wake_op_change(uint32_t *word, uint32_t op, uint32_t *old)
{
	uint32_t kind = op >> 28 & 7;
	uint32_t arg = (uint32_t)sign_extend12(op >> 12 & 0xfff);
	int err = user_load32(word, old);

	if (op & (uint32_t)FUTEX_OP_OPARG_SHIFT << 28)
		arg = 1u << (arg & 31);
	for (;;) {
		uint32_t was = *old, now;

		if (err)
			return err;
		switch (kind) {
		case FUTEX_OP_SET:
			now = arg;
			break;
		case FUTEX_OP_ADD:
			now = was + arg;
			break;
		case FUTEX_OP_OR:
			now = was | arg;
			break;
		case FUTEX_OP_ANDN:
			now = was & ~arg;
			break;
		case FUTEX_OP_XOR:
			now = was ^ arg;
			break;
		default:
			return -ENOSYS;
		}
		err = user_cmpxchg32(word, old, now);
		if (!err && *old == was)
			return 0;
	}
}

/* Returns 0, 1 or -ENOSYS. */
static int wake_op_compare(uint32_t op, uint32_t old)
{
	int32_t arg = sign_extend12(op & 0xfff), v = (int32_t)old;

	switch (op >> 24 & 15) {
	case FUTEX_OP_CMP_EQ:
		return v == arg;
	case FUTEX_OP_CMP_NE:
		return v != arg;
	case FUTEX_OP_CMP_LT:
		return v < arg;
	case FUTEX_OP_CMP_GE:
		return v >= arg;
	case FUTEX_OP_CMP_LE:
		return v <= arg;
	case FUTEX_OP_CMP_GT:
		return v > arg;
	default:
		return -ENOSYS;
	}
}

static long futex_wake_op(uint64_t uaddr, uint64_t uaddr2, uint32_t flags,
			  int nr, int nr2, uint32_t op)
{
	struct futex_wakes wakes = { 0 };
	struct futex_bucket *b1, *b2;
	struct futex_key k1, k2;
	uint32_t old;
	int ret, n = 0, also;

	ret = futex_key_get(uaddr, flags, &k1);
	if (!ret)
		ret = futex_key_get(uaddr2, flags, &k2);
	if (ret)
		return ret;
	futex_lock_two(&k1, &k2, &b1, &b2);
	ret = wake_op_change((uint32_t *)uaddr2, op, &old);
	also = ret ? 0 : wake_op_compare(op, old);
	if (!ret && also >= 0)
		n = ret = futex_wake_key_locked(b1, &k1, MAX(nr, 1), ~0u,
						&wakes);
	if (ret >= 0 && also > 0)
		ret = futex_wake_key_locked(b2, &k2, MAX(nr2, 1), ~0u, &wakes);
	else if (ret >= 0)
		ret = also < 0 ? also : 0;
	futex_unlock_two(b1, b2);
	futex_wakes_send(&wakes);
	return ret < 0 ? ret : n + ret;
}

long futex_requeue(uint64_t uaddr, uint64_t uaddr2, uint32_t flags,
		   int nr_wake, int nr_requeue, const uint32_t *cmp)
{
	struct futex_wakes wakes = { 0 };
	struct futex_bucket *b1, *b2;
	struct futex_waiter *w, *next;
	struct futex_key k1, k2;
	uint32_t now = 0;
	int ret, n = 0;

	if (nr_wake < 0 || nr_requeue < 0)
		return -EINVAL;
	ret = futex_key_get(uaddr, flags, &k1);
	if (!ret)
		ret = futex_key_get(uaddr2, flags, &k2);
	if (ret)
		return ret;
	futex_lock_two(&k1, &k2, &b1, &b2);
	if (cmp)
		ret = user_load32((const uint32_t *)uaddr, &now);
	if (!ret && cmp && now != *cmp)
		ret = -EAGAIN;
	w = ret ? NULL : futex_next_locked(b1, &k1, NULL);
	for (; w && n - nr_wake < nr_requeue; w = next, n++) {
		next = futex_next_locked(b1, &k1, w);
		if (w->owner_wait || w->requeue_to) {
			ret = -EINVAL;
			break;
		}
		if (n < nr_wake)
			futex_wake_locked(w, 1, &wakes);
		else if (futex_key_equal(&k1, &k2))
			continue;
		else
			futex_move_locked(w, b2, &k2);
	}
	futex_unlock_two(b1, b2);
	futex_wakes_send(&wakes);
	if (ret)
		return ret;
	/* FUTEX_REQUEUE and FUTEX_CMP_REQUEUE both count the requeued too */
	return n;
}

/* --- the calls ----------------------------------------------------------------*/
/* True if `timeout` is a time; *absolute: not relative to now. */
static bool has_timeout(uint32_t cmd, bool *absolute)
{
	*absolute = cmd != FUTEX_WAIT;
	switch (cmd) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
	case FUTEX_WAIT_REQUEUE_PI:
		return true;
	default:
		return false;
	}
}

static int get_deadline(uint32_t cmd, bool real, uint64_t timeout,
			uint64_t *deadline)
{
	bool absolute;
	uint64_t ns;
	int err;

	*deadline = DEADLINE_NEVER;
	if (!has_timeout(cmd, &absolute) || !timeout)
		return 0;
	err = user_timespec_get(timeout, &ns);
	if (err)
		return err;
	if (!absolute)
		*deadline = ns == DEADLINE_NEVER ? ns : deadline_in(ns);
	else
		*deadline = real ? deadline_of_real(ns) : ns;
	return 0;
}

static long dispatch(uint32_t cmd, uint32_t flags, uint64_t uaddr,
		     uint64_t val, uint64_t deadline, uint64_t val2,
		     uint64_t uaddr2, uint32_t val3)
{
	uint32_t v = (uint32_t)val;
	int n = (int)val, n2 = (int)val2;

	switch (cmd) {
	case FUTEX_WAIT:
		return futex_wait(uaddr, flags, v, ~0u, deadline);
	case FUTEX_WAIT_BITSET:
		return futex_wait(uaddr, flags, v, val3, deadline);
	case FUTEX_WAKE:
		return futex_wake_call(uaddr, flags, n, ~0u);
	case FUTEX_WAKE_BITSET:
		return futex_wake_call(uaddr, flags, n, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(uaddr, uaddr2, flags, n, n2, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(uaddr, uaddr2, flags, n, n2, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, uaddr2, flags, n, n2, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(uaddr, flags, deadline, false);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(uaddr, flags, DEADLINE_NEVER, true);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(uaddr, flags);
	case FUTEX_WAIT_REQUEUE_PI:
		return futex_wait_requeue_pi(uaddr, flags, v, deadline, uaddr2);
	case FUTEX_CMP_REQUEUE_PI:
		return n == 1 && n2 >= 0 ?
		       futex_cmp_requeue_pi(uaddr, flags, 1, (uint32_t)n2,
					    uaddr2, val3) : -EINVAL;
	default:
		return -ENOSYS;
	}
}

long sys_futex(uint64_t uaddr, uint64_t op, uint64_t val, uint64_t timeout,
	       uint64_t uaddr2, uint64_t val3)
{
	uint32_t cmd = (uint32_t)op & FUTEX_CMD_MASK;
	bool real = op & FUTEX_CLOCK_REALTIME;
	uint32_t flags = op & FUTEX_PRIVATE_FLAG ? 0 : FUTEX_F_SHARED;
	uint64_t deadline = 0;
	int err;

	err = get_deadline(cmd, real || cmd == FUTEX_LOCK_PI, timeout,
			   &deadline);
	if (err)
		return err;
	if (real && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_LOCK_PI2 &&
	    cmd != FUTEX_WAIT_REQUEUE_PI)
		return -ENOSYS;
	return dispatch(cmd, flags, uaddr, val, deadline, timeout, uaddr2,
			(uint32_t)val3);
}
