/* SPDX-License-Identifier: MIT */
/*
 * From one program's memory to another's (platform.h), page by page of the other
 * one, which is held there by the lock of its space. Our own is touched meanwhile
 * by accesses that fail instead of faulting, for a fault takes our space's lock,
 * and somebody over there may be doing the same to us.
 */
#include "platform/platform.h"
#include "arch/uaccess.h"
#include "core/task.h"
#include "lib/string.h"
#include "arch/arch_task.h"
#include "platform/kvm/sched.h"
#include "platform/kvm/space_priv.h"

/* Returns how much; less than n: our memory is not there. */
static size_t copy_held(void *at, void *mine, bool user, size_t n, bool to_them)
{
	size_t done = n;

	preempt_disable();
	if (user)
		done = to_them ? copy_from_user_partial(at, mine, n) :
				 copy_to_user_partial(mine, at, n);
	else
		memcpy(to_them ? at : mine, to_them ? mine : at, n);
	preempt_enable();
	return done;
}

enum plat_copied plat_space_copy(const struct task *t, uaddr_t theirs,
				 void *mine, bool user, size_t n, bool to_them)
{
	struct space *s = t->arch.plat.space;
	struct arch_fault f;

	while (n) {
		size_t k = MIN(n, PAGE_SIZE - (theirs & ~PAGE_MASK)), done;
		void *at;

		if (space_hold(s, theirs, to_them ? SPACE_WRITE : 0, &at))
			return PLAT_FAULT_THEIRS;
		done = copy_held(at, mine, user, k, to_them);
		mutex_unlock(&s->lock);
		if (done < k && space_fault(current_task()->arch.plat.space,
					    (uaddr_t)mine + done,
					    to_them ? 0 : SPACE_WRITE, &f))
			return PLAT_FAULT_MINE;
		theirs += done;
		mine = (char *)mine + done;
		n -= done;
	}
	return PLAT_COPIED;
}
