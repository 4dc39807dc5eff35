/* SPDX-License-Identifier: MIT */
/*
 * The later futex calls: waiting for several words at once (futex_waitv), and
 * futex_wait, futex_wake, futex_requeue, which name size, key and clock one by
 * one. The queues are those of futex(2).
 */
#include <linux/futex.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/futex_calls.h"
#include "linux/timeout.h"

/* One of several words, as all_keys found it. */
struct word {
	struct futex_key key;
	uint64_t uaddr;
	uint32_t val, flags;
};

/* Words of 32 bits, private or not, are all that Linux has, too. */
static int flags_of(uint32_t flags2, uint32_t *flags)
{
	if ((flags2 & ~(uint32_t)FUTEX_PRIVATE_FLAG) != FUTEX_32)
		return -EINVAL;
	*flags = flags2 & FUTEX_PRIVATE_FLAG ? 0 : FUTEX_F_SHARED;
	return 0;
}

/* Reads and checks one entry. */
static int entry_get(uint64_t user, struct futex_waitv *v, uint32_t *flags)
{
	if (copy_from_user(v, (const void *)user, sizeof(*v)))
		return -EFAULT;
	if (v->__reserved || v->val >> 32)
		return -EINVAL;
	return flags_of(v->flags, flags);
}

/* The absolute time of a clock; timeout 0: never. */
static int deadline_get(uint64_t timeout, uint64_t clock, uint64_t *deadline)
{
	uint64_t ns;
	int err;

	*deadline = DEADLINE_NEVER;
	if (!timeout)
		return 0;
	if ((uint32_t)clock > 1)
		return -EINVAL;
	err = user_timespec_get(timeout, &ns);
	if (!err)
		*deadline = (uint32_t)clock ? ns : deadline_of_real(ns);
	return err;
}

/* --- several words at once -----------------------------------------------------*/
/* Everything is checked before the first word is looked at. */
static int all_keys(uint64_t user, struct word *v, uint32_t nr)
{
	struct futex_waitv entry;
	int err = 0;

	for (uint32_t i = 0; i < nr && !err; i++) {
		err = entry_get(user + i * sizeof(entry), &entry, &v[i].flags);
		v[i].uaddr = entry.uaddr;
		v[i].val = (uint32_t)entry.val;
	}
	for (uint32_t i = 0; i < nr && !err; i++)
		err = futex_key_get(v[i].uaddr, v[i].flags, &v[i].key);
	return err;
}

static int enqueue(struct futex_waiter *w, const struct word *v)
{
	struct futex_bucket *b;
	uint32_t now;
	int err;

	w->task = current_task();
	w->bitset = FUTEX_BITSET_MATCH_ANY;
	b = futex_wait_lock(&v->key);
	err = user_load32((const uint32_t *)v->uaddr, &now);
	if (!err && now != v->val)
		err = -EAGAIN;
	if (err)
		futex_wait_abort(b);
	else
		futex_wait_commit(b, w, &v->key);
	return err;
}

static long wait_all(struct futex_waiter *w, const struct word *v, uint32_t nr,
		     uint64_t deadline)
{
	uint32_t n = 0;
	long woken = -1;
	int err = 0;

	while (n < nr && !err) {
		err = enqueue(&w[n], &v[n]);
		if (!err)
			n++;
	}
	if (!err)
		err = futex_wait_sleep(w, n, deadline);
	for (uint32_t i = 0; i < n; i++)
		if (futex_wait_end(&w[i]))
			woken = i;
	if (woken >= 0)
		return woken;
	return err == -EINTR ? -ERESTARTSYS : err;
}

long sys_futex_waitv(uint64_t waiters, uint64_t nr, uint64_t flags,
		     uint64_t timeout, uint64_t clock)
{
	uint32_t n = (uint32_t)nr;
	uint64_t deadline;
	struct futex_waiter *w;
	struct word *v;
	long ret;

	if ((uint32_t)flags || !n || n > FUTEX_WAITV_MAX || !waiters)
		return -EINVAL;
	ret = deadline_get(timeout, clock, &deadline);
	if (ret)
		return ret;
	v = kmalloc(n * (sizeof(*v) + sizeof(*w)));
	if (!v)
		return -ENOMEM;
	w = (struct futex_waiter *)(v + n);
	memset(w, 0, n * sizeof(*w));
	ret = all_keys(waiters, v, n);
	if (!ret)
		ret = wait_all(w, v, n, deadline);
	kfree(v);
	return ret;
}

/* --- one word -------------------------------------------------------------------*/
long sys_futex_wake(uint64_t uaddr, uint64_t mask, uint64_t nr, uint64_t flags2)
{
	uint32_t flags;
	long ret;

	if (flags_of((uint32_t)flags2, &flags) || mask >> 32)
		return -EINVAL;
	/* none means none here; the address is checked in any case */
	if (!(int)nr && mask) {
		struct futex_key k;

		ret = futex_key_get(uaddr, flags, &k);
	} else {
		ret = futex_wake_call(uaddr, flags, (int)nr, (uint32_t)mask);
	}
	return ret;
}

long sys_futex_wait(uint64_t uaddr, uint64_t val, uint64_t mask,
		    uint64_t flags2, uint64_t timeout, uint64_t clock)
{
	uint64_t deadline;
	uint32_t flags;
	long ret;

	if (flags_of((uint32_t)flags2, &flags) || val >> 32 || mask >> 32)
		return -EINVAL;
	ret = deadline_get(timeout, clock, &deadline);
	if (!ret)
		ret = futex_wait_until(uaddr, flags, (uint32_t)val,
				       (uint32_t)mask, deadline);
	return ret == -EINTR ? -ERESTARTSYS : ret;
}

/* waiters: where from (with the value it must have), where to. */
long sys_futex_requeue(uint64_t waiters, uint64_t flags, uint64_t nr_wake,
		       uint64_t nr_requeue)
{
	struct futex_waitv from, to;
	uint32_t flags1, flags2, val;
	int err;

	if ((uint32_t)flags || !waiters)
		return -EINVAL;
	err = entry_get(waiters, &from, &flags1);
	if (!err)
		err = entry_get(waiters + sizeof(from), &to, &flags2);
	if (err)
		return err;
	if (flags1 != flags2)
		return -EINVAL;
	val = (uint32_t)from.val;
	return futex_requeue(from.uaddr, to.uaddr, flags1, (int)nr_wake,
			     (int)nr_requeue, &val);
}
