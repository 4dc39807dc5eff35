/* SPDX-License-Identifier: MIT */
/*
 * mlock and friends: locked pages are faulted in and counted against the
 * limit; the host is not asked to lock them.
 */
#include <gen/syscalls.h>
#include "linux/mm_priv.h"
#include <linux/capability.h>
#include <linux/mman.h>
#include <linux/resource.h>

static bool may_lock(void)
{
	return mm_limit(RLIMIT_MEMLOCK) ||
	       cred_has_cap(current_thread()->cred, CAP_IPC_LOCK);
}

/* Bytes of the range that are not locked yet. */
static uint64_t unlocked_in(struct mm *mm, uaddr_t start, uaddr_t end)
{
	uint64_t n = 0;

	for (struct vma *v = vma_find(mm, start); v->start < end;
	     v = vma_next(v)) {
		if (v->flags & VMA_HIDDEN && v->start >= PLAT_USER_MAX)
			break;
		if (!(v->flags & (VMA_LOCKED | VMA_PINNED | VMA_TRAMPOLINE)))
			n += MIN(end, v->end) - MAX(start, v->start);
	}
	return n;
}

int mm_mark(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t clear,
	    uint32_t set, struct list *dead)
{
	uaddr_t pos = start;
	int err = vma_isolate(mm, start, end);

	for (struct vma *v = vma_find(mm, start); !err && pos < end;
	     v = vma_next(v)) {
		if (v->start > pos || v->flags & (VMA_HIDDEN | VMA_TRAMPOLINE))
			return -ENOMEM;
		if (!(v->flags & VMA_PINNED))
			vma_set_flags(mm, v, (v->flags & ~clear) | set);
		pos = v->end;
	}
	vma_merge(mm, start, end, dead);
	return err;
}

static long change_range(uaddr_t addr, size_t len, bool lock, bool populate)
{
	uaddr_t start = PAGE_DOWN(addr), end = PAGE_UP(addr + len);
	struct list dead = LIST_INIT(dead);
	struct mm *mm = current_mm();
	int err = 0;

	if (addr + len < addr || end < start)
		return -EINVAL;
	if (start == end)
		return 0;
	if (end > USER_END)
		return -ENOMEM;
	rwlock_write_lock(&mm->lock);
	if (lock && mm_check_lock_limit(mm, unlocked_in(mm, start, end)))
		err = -ENOMEM;
	if (!err)
		err = mm_mark(mm, start, end, VMA_LOCKED,
			      lock ? VMA_LOCKED : 0, &dead);
	rwlock_write_unlock(&mm->lock);
	vma_release(&dead);
	if (!err && lock && populate && mm_populate(mm, start, end))
		err = -ENOMEM;
	return err;
}

long sys_mlock(uint64_t addr, uint64_t len)
{
	return may_lock() ? change_range(addr, len, true, true) : -EPERM;
}

long sys_mlock2(uint64_t addr, uint64_t len, uint64_t flags)
{
	if (flags & ~(uint64_t)MLOCK_ONFAULT)
		return -EINVAL;
	if (!may_lock())
		return -EPERM;
	return change_range(addr, len, true, !(flags & MLOCK_ONFAULT));
}

long sys_munlock(uint64_t addr, uint64_t len)
{
	return change_range(addr, len, false, false);
}

static void set_all(struct mm *mm, bool lock)
{
	list_for_each(l, &mm->vmas) {
		struct vma *v = list_entry(l, struct vma, link);

		if (v->flags & (VMA_PINNED | VMA_TRAMPOLINE))
			continue;
		vma_set_flags(mm, v, lock ? v->flags | VMA_LOCKED :
			      v->flags & ~(uint32_t)VMA_LOCKED);
	}
}

long sys_mlockall(uint64_t flags)
{
	struct mm *mm = current_mm();
	int err = 0;

	if (!flags || flags & ~(uint64_t)(MCL_CURRENT | MCL_FUTURE |
					  MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!may_lock())
		return -EPERM;
	rwlock_write_lock(&mm->lock);
	if (flags & MCL_CURRENT &&
	    mm_check_lock_limit(mm, mm->total_bytes - mm->locked_bytes))
		err = -ENOMEM;
	if (!err) {
		mm->lock_future = flags & MCL_FUTURE ? VMA_LOCKED : 0;
		if (flags & MCL_CURRENT)
			set_all(mm, true);
	}
	rwlock_write_unlock(&mm->lock);
	return err;
}

long sys_munlockall(void)
{
	struct mm *mm = current_mm();

	rwlock_write_lock(&mm->lock);
	mm->lock_future = 0;
	set_all(mm, false);
	rwlock_write_unlock(&mm->lock);
	return 0;
}
