/* SPDX-License-Identifier: MIT */
/*
 * Robust lists: words that a dying thread may own, linked in program memory.
 * Everything there is hostile: the walk is bounded, a bad address ends it.
 */
#include <linux/futex.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "linux/exit_hooks.h"
#include "linux/futex_calls.h"
#include "linux/pid_ns.h"
#include "linux/ptrace.h"

long sys_set_robust_list(uint64_t head, uint64_t len)
{
	struct thread *t = current_thread();

	if (len != sizeof(struct robust_list_head))
		return -EINVAL;
	t->robust_list = (void *)head;
	t->robust_list_len = len;
	return 0;
}

long sys_get_robust_list(uint64_t tid, uint64_t head, uint64_t len)
{
	uint64_t list = 0;
	struct thread *t;
	int err = 0;

	mutex_lock(&process_lock);
	t = tid ? thread_find_user((uint32_t)tid) : current_thread();
	if (!t)	/* a process without threads: the first one, a zombie */
		err = process_find_user((uint32_t)tid) ? -EPERM : -ESRCH;
	else if (!ptrace_may_access_locked(t, false))
		err = -EPERM;
	else
		list = (uint64_t)t->robust_list;
	mutex_unlock(&process_lock);
	if (!err)
		err = user_store64((uint64_t *)len,
				   sizeof(struct robust_list_head));
	return err ? err : user_store64((uint64_t *)head, list);
}

/* The owner of the word at uaddr died. Returns 0 or -errno: end the walk. */
static int owner_died(uint64_t uaddr, uint32_t tid, bool is_pi, bool pending)
{
	uint32_t v, was, to;
	int err;

	if (uaddr & 3)
		return -EINVAL;
	err = user_load32((const uint32_t *)uaddr, &v);
	if (err)
		return err;
	/* It unlocked with a system call on its way: somebody must wake up. */
	if (pending && !is_pi && !(v & FUTEX_TID_MASK)) {
		futex_wake_user((uint32_t *)uaddr, 1);
		return 0;
	}
	if ((v & FUTEX_TID_MASK) != tid)
		return 0;
	do {
		was = v;
		to = (v & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		err = user_cmpxchg32((uint32_t *)uaddr, &v, to);
	} while (!err && v != was && (v & FUTEX_TID_MASK) == tid);
	if (!err && !is_pi && v & FUTEX_WAITERS)
		futex_wake_user((uint32_t *)uaddr, 1);
	return err;
}

static void walk_list(uint64_t head, uint32_t tid)
{
	uint64_t entry, next, pending;
	struct robust_list_head h;
	uint32_t limit = ROBUST_LIST_LIMIT;
	uint64_t offset;

	if (copy_from_user(&h, (const void *)head, sizeof(h)))
		return;
	entry = (uint64_t)h.list.next;
	pending = (uint64_t)h.list_op_pending;
	offset = (uint64_t)h.futex_offset;
	while ((entry & ~1ull) != head && limit--) {
		/* before the word is given away: another may reuse the entry */
		int err = user_load64((const uint64_t *)(entry & ~1ull),
				      &next);

		if ((entry ^ pending) & ~1ull &&
		    owner_died((entry & ~1ull) + offset, tid, entry & 1,
			       false))
			return;
		if (err)
			return;
		entry = next;
	}
	if (pending)
		owner_died((pending & ~1ull) + offset, tid, pending & 1, true);
}

void futex_exit_robust(struct thread *t)
{
	uint64_t head = (uint64_t)t->robust_list;

	if (head) {
		t->robust_list = NULL;
		walk_list(head, t->nr);
	}
	futex_exit_pi(t);
}
