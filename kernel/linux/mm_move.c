/* SPDX-License-Identifier: MIT */
/*
 * mremap. Pages are moved by the host; growth is mapped like a fresh mapping.
 * One record may be several mappings of the host, which it moves only one by
 * one: a move it refuses is done in halves.
 */
#include <gen/syscalls.h>
#include "core/heap.h"
#include "linux/mm_priv.h"
#include "platform/platform.h"
#include <linux/mman.h>

struct remap {
	struct mm *mm;
	uaddr_t old, new;
	size_t old_len, new_len;
	uint32_t flags;
	struct list dead;
};

static int check_arguments(struct remap *r)
{
	uint32_t f = r->flags;

	if (f & ~(uint32_t)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
	    (f & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(f & MREMAP_MAYMOVE)))
		return -EINVAL;
	if (r->old & ~PAGE_MASK || r->old > USER_END)
		return -EINVAL;
	if (r->old_len > USER_END || r->new_len > USER_END || !r->new_len)
		return -EINVAL;
	r->old_len = PAGE_UP(r->old_len);
	r->new_len = PAGE_UP(r->new_len);
	if (f & MREMAP_DONTUNMAP && r->old_len != r->new_len)
		return -EINVAL;
	if (!(f & MREMAP_FIXED))
		return 0;
	if (r->new & ~PAGE_MASK || r->new > USER_END - r->new_len ||
	    r->new + r->new_len > PLAT_USER_MAX || r->new < PLAT_USER_MIN)
		return -EINVAL;
	if (r->old + r->old_len > r->new && r->new + r->new_len > r->old)
		return -EINVAL;
	return vma_range_has(r->mm, r->new, r->new + r->new_len, VMA_PINNED) ?
	       -EINVAL : 0;
}

/* Both ranges have the same length; what is at `to` is replaced. */
static int move_pages(uaddr_t from, uaddr_t to, size_t len)
{
	size_t half = PAGE_DOWN(len / 2);
	int err = plat_move(from, len, to, len);

	if (err != -EFAULT || !half)
		return err;
	err = move_pages(from, to, half);
	return err ? err : move_pages(from + half, to + half, len - half);
}

static int check_growth(struct remap *r, const struct vma *v)
{
	uint64_t more = r->new_len > r->old_len ? r->new_len - r->old_len : 0;
	int err;

	if (r->flags & MREMAP_DONTUNMAP || !r->old_len)
		more = r->new_len;
	/* patched text can not leave its trampolines */
	if (v->flags & VMA_SHADOW)
		return -ENOMEM;
	if (v->file && v->offset + (r->old - v->start) + r->new_len <
	    r->new_len)
		return -EINVAL;
	err = v->flags & VMA_LOCKED ? mm_check_lock_limit(r->mm, more) : 0;
	return err ? err : mm_check_limits(r->mm, more, vma_is_data(v), false);
}

static long grow_in_place(struct remap *r, struct vma *v)
{
	uaddr_t old_end = v->end, end = r->old + r->new_len;
	struct vma *spare = vma_alloc();
	uaddr_t backed = v->backed_end;
	int err;

	if (!spare)
		return -ENOMEM;
	vma_detach(r->mm, old_end, end, &spare, &r->dead);
	kfree(spare);
	vma_resize(r->mm, v, v->start, end);
	err = mm_host_map(r->mm, v, v->file ? backed : old_end, false);
	if (err) {
		vma_resize(r->mm, v, v->start, old_end);
		v->backed_end = MIN(backed, old_end);
		plat_unmap(old_end, end - old_end);
		return err;
	}
	vma_merge(r->mm, r->old, end, &r->dead);
	return (long)r->old;
}

/* The record at the new place: from v, which is exactly the old range. */
static struct vma *new_record(struct remap *r, struct vma *v)
{
	struct vma *n = vma_alloc();

	if (!n)
		return NULL;
	vma_copy(n, v);
	n->start = r->new;
	n->end = r->new + r->new_len;
	n->backed_end = MIN(r->new + (v->backed_end - v->start), n->end);
	n->flags &= ~(uint32_t)VMA_HEAP;
	return n;
}

static long commit_move(struct remap *r, struct vma *v, struct vma *n)
{
	struct mm *mm = r->mm;
	uaddr_t tail = r->new + r->old_len;
	int err;

	vma_insert(mm, n);
	if (r->old_len < r->new_len) {
		err = mm_host_map(mm, n, n->file ? n->backed_end : tail,
				  false);
		if (err) {
			move_pages(r->new, r->old, r->old_len);
			plat_unmap(r->new, r->new_len);
			vma_remove(mm, n);
			list_append(&r->dead, &n->link);
			return err;
		}
	}
	if (r->flags & MREMAP_DONTUNMAP) {
		vma_set_flags(mm, v, v->flags & ~(uint32_t)VMA_LOCKED);
		mm_host_map(mm, v, v->start, false);
	} else {
		vma_remove(mm, v);
		list_append(&r->dead, &v->link);
	}
	vma_merge(mm, r->new, n->end, &r->dead);
	return (long)r->new;
}

static long move(struct remap *r)
{
	struct mm *mm = r->mm;
	size_t kept = MIN(r->old_len, r->new_len);
	struct vma *v, *n;
	int err;

	if (!(r->flags & MREMAP_FIXED)) {
		uaddr_t hint = r->flags & MREMAP_DONTUNMAP ? r->new : 0;

		r->new = hint && !(hint & ~PAGE_MASK) &&
			 vma_range_is_free(mm, hint, hint + r->new_len) ?
			 hint : vma_choose(mm, r->new_len, PAGE_SIZE,
					   mm->mmap_top);
		if (!r->new)
			return -ENOMEM;
	}
	/* shrinking and moving: the rest goes first */
	err = kept < r->old_len ? mm_unmap_locked(mm, r->old + kept,
						  r->old + r->old_len,
						  &r->dead) : 0;
	if (!err)
		err = mm_unmap_locked(mm, r->new, r->new + r->new_len,
				      &r->dead);
	if (!err)
		err = vma_isolate(mm, r->old, r->old + kept);
	if (err)
		return err;
	r->old_len = kept;
	v = vma_find(mm, r->old);
	n = new_record(r, v);
	if (!n)
		return -ENOMEM;
	err = move_pages(r->old, r->new, kept);
	if (err) {
		list_append(&r->dead, &n->link);
		return err;
	}
	return commit_move(r, v, n);
}

/* old_len 0: a second mapping of the same shared memory. */
static long duplicate(struct remap *r, struct vma *v)
{
	struct vma *n;
	int err;

	if (!(v->flags & VMA_SHARED))
		return -EINVAL;
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	if (!(r->flags & MREMAP_FIXED))
		r->new = vma_choose(r->mm, r->new_len, PAGE_SIZE,
				    r->mm->mmap_top);
	if (!r->new)
		return -ENOMEM;
	err = mm_unmap_locked(r->mm, r->new, r->new + r->new_len, &r->dead);
	if (err)
		return err;
	v = vma_find(r->mm, r->old);
	if (v->start > r->old)
		return -EFAULT;	/* it went with what was at the new place */
	n = new_record(r, v);
	if (!n)
		return -ENOMEM;
	n->offset += r->old - v->start;
	err = mm_host_map(r->mm, n, n->start, false);
	if (err) {
		plat_unmap(r->new, r->new_len);
		list_append(&r->dead, &n->link);
		return err;
	}
	vma_insert(r->mm, n);
	return (long)r->new;
}

static long remap(struct remap *r)
{
	int err = check_arguments(r);
	struct vma *v;

	if (err)
		return err;
	v = vma_find(r->mm, r->old);
	if (v->start > r->old || v->flags & (VMA_PINNED | VMA_TRAMPOLINE))
		return -EFAULT;
	if (v->flags & VMA_SEALED)
		return -EPERM;
	if (!r->old_len) {
		err = check_growth(r, v);
		return err ? err : duplicate(r, v);
	}
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		if (r->new_len < r->old_len &&
		    vma_range_has(r->mm, r->old + r->new_len,
				  r->old + r->old_len, VMA_SEALED))
			return -EPERM;
		if (r->old_len > v->end - r->old)
			return -EFAULT;
		err = check_growth(r, v);
		return err ? err : move(r);
	}
	if (r->new_len <= r->old_len) {
		err = r->new_len == r->old_len ? 0 :
		      mm_unmap_locked(r->mm, r->old + r->new_len,
				      r->old + r->old_len, &r->dead);
		return err ? err : (long)r->old;
	}
	if (r->old_len > v->end - r->old)
		return -EFAULT;
	err = check_growth(r, v);
	if (err)
		return err;
	if (r->old_len == v->end - r->old &&
	    r->old + r->new_len <= PLAT_USER_MAX &&
	    vma_range_is_free(r->mm, v->end, r->old + r->new_len))
		return grow_in_place(r, v);
	return r->flags & MREMAP_MAYMOVE ? move(r) : -ENOMEM;
}

long sys_mremap(uint64_t old, uint64_t old_len, uint64_t new_len,
		uint64_t flags, uint64_t new)
{
	struct remap r = {
		.mm = current_mm(), .old = old, .old_len = old_len,
		.new_len = new_len, .new = new, .flags = (uint32_t)flags,
		.dead = LIST_INIT(r.dead),
	};
	long ret;

	rwlock_write_lock(&r.mm->lock);
	ret = remap(&r);
	rwlock_write_unlock(&r.mm->lock);
	vma_release(&r.dead);
	return ret;
}
