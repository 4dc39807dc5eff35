/* SPDX-License-Identifier: MIT */
/* mprotect, mseal, and protection keys, of which there are none. */
#include <gen/syscalls.h>
#include "linux/mm_priv.h"
#include <linux/mman.h>
#include <linux/resource.h>

#define PROT_ALL	(PROT_READ | PROT_WRITE | PROT_EXEC)

/* How far it can go: the first hole, or a mapping that may not. */
static int check_range(struct mm *mm, uaddr_t start, uaddr_t *end,
		       uint32_t prot)
{
	uaddr_t pos = start;
	uint64_t new_data = 0;

	for (struct vma *v = vma_find(mm, start); pos < *end;
	     v = vma_next(v)) {
		int err = 0;

		if (v->start > pos ||
		    v->flags & (VMA_HIDDEN | VMA_TRAMPOLINE))
			err = -ENOMEM;
		else if (v->flags & VMA_PINNED || prot & ~v->max_prot)
			err = -EACCES;
		else if (v->flags & VMA_SEALED)
			err = -EPERM;
		else if (prot & PROT_WRITE && !(v->prot & PROT_WRITE) &&
			 !(v->flags & VMA_SHARED))
			new_data += MIN(*end, v->end) - pos;
		if (new_data && !err &&
		    mm->data_bytes + new_data > mm_limit(RLIMIT_DATA))
			err = -ENOMEM;
		if (err) {
			*end = pos;
			return err;
		}
		pos = v->end;
	}
	return 0;
}

static int change(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t prot,
		  struct list *dead)
{
	struct vma *v = vma_find(mm, start);
	int err;

	/* nothing to do? */
	if (v->start <= start && v->end >= end && v->prot == prot)
		return 0;
	err = vma_isolate(mm, start, end);
	for (v = vma_find(mm, start); !err && v->start < end;
	     v = vma_next(v)) {
		uint32_t old = v->prot;

		vma_set_prot(mm, v, prot);
		err = mm_host_protect(v, v->start, v->end);
		if (err)
			vma_set_prot(mm, v, old);
	}
	vma_merge(mm, start, end, dead);
	return err;
}

int mm_protect(struct mm *mm, uaddr_t addr, size_t len, uint32_t prot)
{
	uint32_t grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	struct list dead = LIST_INIT(dead);
	uaddr_t end = addr + PAGE_UP(len);
	int err, err2 = 0;

	prot &= ~grows;
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || addr & ~PAGE_MASK)
		return -EINVAL;
	if (!len)
		return 0;
	if (end <= addr)
		return -ENOMEM;
	if (prot & ~(uint32_t)(PROT_ALL | PROT_SEM) || grows & PROT_GROWSUP)
		return -EINVAL;
	prot &= PROT_ALL;
	rwlock_write_lock(&mm->lock);
	if (grows) {
		struct vma *v = vma_find(mm, addr);

		if (v->start >= end)
			err2 = -ENOMEM;
		else if (!(v->flags & (VMA_GROWSDOWN | VMA_STACK)))
			err2 = -EINVAL;
		addr = v->start;
	}
	err = err2 ? err2 : check_range(mm, addr, &end, prot);
	if (!err2 && end > addr) {
		err2 = change(mm, addr, end, prot, &dead);
		if (err2)
			err = err2;
	}
	rwlock_write_unlock(&mm->lock);
	vma_release(&dead);
	return err;
}

long sys_mprotect(uint64_t addr, uint64_t len, uint64_t prot)
{
	return mm_protect(current_mm(), addr, len, (uint32_t)prot);
}

/* What may be changed no more: neither mapping nor protection. */
long sys_mseal(uint64_t addr, uint64_t len, uint64_t flags)
{
	uaddr_t end = addr + PAGE_UP(len);
	struct list dead = LIST_INIT(dead);
	struct mm *mm = current_mm();
	int err = -ENOMEM;

	if (flags || addr & ~PAGE_MASK || end < addr || (len && end == addr))
		return -EINVAL;
	if (!len)
		return 0;
	rwlock_write_lock(&mm->lock);
	if (vma_range_is_whole(mm, addr, end))
		err = vma_isolate(mm, addr, end);
	for (struct vma *v = vma_find(mm, addr); !err && v->start < end;
	     v = vma_next(v))
		if (!(v->flags & VMA_PINNED))
			vma_set_flags(mm, v, v->flags | VMA_SEALED);
	vma_merge(mm, addr, end, &dead);
	rwlock_write_unlock(&mm->lock);
	vma_release(&dead);
	return err;
}

long sys_pkey_mprotect(uint64_t addr, uint64_t len, uint64_t prot,
		       uint64_t key)
{
	return (int)key == -1 ? sys_mprotect(addr, len, prot) : -EINVAL;
}

long sys_pkey_alloc(uint64_t flags, uint64_t rights)
{
	return flags || rights & ~3ull ? -EINVAL : -ENOSPC;
}

long sys_pkey_free(uint64_t key)
{
	return -EINVAL;
}
