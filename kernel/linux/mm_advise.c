/* SPDX-License-Identifier: MIT */
/* madvise, msync, mincore: what a program says and asks about its pages. */
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "linux/mm_priv.h"
#include "platform/platform.h"
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/mman.h>

#define MINCORE_CHUNK	256u

/* --- touching ------------------------------------------------------------------*/
int mm_touch(uaddr_t start, uaddr_t end, bool write)
{
	for (uaddr_t a = start; a < end; a += PAGE_SIZE) {
		uint32_t word, *p = (uint32_t *)a;
		int err = user_load32(p, &word);

		/* writes the same value, unless someone else wrote */
		if (!err && write)
			err = user_cmpxchg32(p, &word, word);
		if (err)
			return err;
	}
	return 0;
}

int mm_populate(struct mm *mm, uaddr_t start, uaddr_t end)
{
	int err = 0;

	while (start < end) {
		uaddr_t from, to;
		uint32_t prot;
		struct vma *v;
		bool shared, plain;

		rwlock_read_lock(&mm->lock);
		v = vma_find(mm, start);
		from = MAX(start, v->start);
		to = MIN(end, v->end);
		plain = !(v->flags & (VMA_PINNED | VMA_TRAMPOLINE));
		prot = v->prot;
		shared = v->flags & VMA_SHARED;
		rwlock_read_unlock(&mm->lock);
		if (from >= end)
			break;
		if (plain && prot & PROT_READ && mm_touch(from, to,
				prot & PROT_WRITE && !shared))
			err = -EFAULT;
		if (plain && !prot)
			err = -EFAULT;
		start = to;
	}
	return err;
}

/* --- madvise -------------------------------------------------------------------*/
static bool is_plain_advice(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return true;
	default:
		return false;
	}
}

static bool is_discard(int advice)
{
	return advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED ||
	       advice == MADV_FREE || advice == MADV_REMOVE ||
	       advice == MADV_DONTFORK || advice == MADV_WIPEONFORK;
}

static int punch(struct vma *v, uaddr_t start, uaddr_t end)
{
	struct file *f = v->file;

	if (v->flags & VMA_LOCKED || !f)
		return -EINVAL;
	if (!(v->flags & VMA_SHARED) || !(v->max_prot & PROT_WRITE))
		return -EACCES;
	if (!f->ops->fallocate)
		return -EOPNOTSUPP;
	return f->ops->fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				 v->offset + (start - v->start), end - start);
}

static int set_flag(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t set,
		    uint32_t clear)
{
	struct vma *v = vma_find(mm, start);
	int err;

	if ((v->flags & set) == set && !(v->flags & clear))
		return 0;
	err = vma_isolate(mm, start, end);
	v = vma_find(mm, start);
	if (!err)
		vma_set_flags(mm, v, (v->flags & ~clear) | set);
	return err;
}

/* [start, end) lies in v and is mapped. */
static int advise_one(struct mm *mm, struct vma *v, uaddr_t start, uaddr_t end,
		      int advice)
{
	bool anon = !v->file && !(v->flags & VMA_SHARED);
	size_t len = end - start;
	int err;

	if (v->flags & VMA_SEALED && anon && !(v->prot & PROT_WRITE) &&
	    is_discard(advice))
		return -EPERM;

	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
		if (v->flags & VMA_LOCKED && advice == MADV_DONTNEED)
			return -EINVAL;
		return plat_advise(start, len, PLAT_ADV_DISCARD);
	case MADV_FREE:
		return anon ? plat_advise(start, len, PLAT_ADV_FREE) : -EINVAL;
	case MADV_WILLNEED:
		if (v->file)
			plat_advise(start, len, PLAT_ADV_WILLNEED);
		return 0;
	case MADV_HUGEPAGE:
		plat_advise(start, len, PLAT_ADV_HUGE);
		return 0;
	case MADV_NOHUGEPAGE:
		plat_advise(start, len, PLAT_ADV_NOHUGE);
		return 0;
	case MADV_DONTFORK:
		err = plat_advise(start, len, PLAT_ADV_DONTFORK);
		return err ? err : set_flag(mm, start, end, VMA_DONTFORK, 0);
	case MADV_DOFORK:
		err = plat_advise(start, len, PLAT_ADV_DOFORK);
		return err ? err : set_flag(mm, start, end, 0, VMA_DONTFORK);
	case MADV_WIPEONFORK:
		return anon ? set_flag(mm, start, end, VMA_WIPEONFORK, 0) :
			      -EINVAL;
	case MADV_KEEPONFORK:
		return set_flag(mm, start, end, 0, VMA_WIPEONFORK);
	case MADV_REMOVE:
		return punch(v, start, end);
	default:
		return is_plain_advice(advice) ? 0 : -EINVAL;
	}
}

/* Holes are passed over and reported at the end. */
static int advise_range(struct mm *mm, uaddr_t start, uaddr_t end, int advice,
			struct list *dead)
{
	uaddr_t pos = start;
	int err = 0, ret = 0;

	while (pos < end) {
		struct vma *v = vma_find(mm, pos);
		uaddr_t from = MAX(pos, v->start), to = MIN(end, v->end);

		if (from > pos || v->flags & (VMA_HIDDEN | VMA_TRAMPOLINE))
			ret = -ENOMEM;
		if (from >= end)
			break;
		if (!(v->flags & (VMA_PINNED | VMA_TRAMPOLINE)))
			err = advise_one(mm, v, from, to, advice);
		if (err)
			return err;
		pos = to;
	}
	vma_merge(mm, start, end, dead);
	return ret;
}

static bool is_known_advice(int advice)
{
	return is_plain_advice(advice) || advice == MADV_WILLNEED ||
	       advice == MADV_DONTNEED ||
	       (advice >= MADV_FREE && advice <= MADV_DOFORK) ||
	       advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE ||
	       advice == MADV_WIPEONFORK || advice == MADV_KEEPONFORK ||
	       (advice >= MADV_POPULATE_READ &&
		advice <= MADV_DONTNEED_LOCKED);
}

static int check_populate(struct mm *mm, uaddr_t start, uaddr_t end,
			  bool write)
{
	int err = 0;

	rwlock_read_lock(&mm->lock);
	for (uaddr_t pos = start; pos < end && !err;) {
		struct vma *v = vma_find(mm, pos);

		if (v->start > pos || v->flags & (VMA_HIDDEN | VMA_TRAMPOLINE))
			err = -ENOMEM;
		else if (!(v->prot & (write ? PROT_WRITE : PROT_READ)))
			err = -EINVAL;
		pos = v->end;
	}
	rwlock_read_unlock(&mm->lock);
	return err;
}

long sys_madvise(uint64_t addr, uint64_t len, uint64_t advice_arg)
{
	struct list dead = LIST_INIT(dead);
	struct mm *mm = current_mm();
	int advice = (int)advice_arg, err;
	uaddr_t end = addr + PAGE_UP(len);

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (advice == MADV_HWPOISON || advice == MADV_SOFT_OFFLINE)
		return cred_has_cap(current_thread()->cred, CAP_SYS_ADMIN) ?
		       -EINVAL : -EPERM;
	if (!is_known_advice(advice) || end < addr || (len && end == addr))
		return -EINVAL;
	if (!len)
		return 0;
	if (end > USER_END)
		return -ENOMEM;
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE) {
		bool write = advice == MADV_POPULATE_WRITE;

		err = check_populate(mm, addr, end, write);
		return err ? err : mm_touch(addr, end, write);
	}
	rwlock_write_lock(&mm->lock);
	err = advise_range(mm, addr, end, advice, &dead);
	rwlock_write_unlock(&mm->lock);
	vma_release(&dead);
	return err;
}

/* --- msync ---------------------------------------------------------------------*/
/* The next shared file at or behind *pos, with a reference; NULL: the end. */
static struct file *next_shared(struct mm *mm, uaddr_t *pos, uaddr_t end,
				uint32_t flags, int *err)
{
	struct file *f = NULL;

	rwlock_read_lock(&mm->lock);
	while (!f && *pos < end && *err != -EBUSY) {
		struct vma *v = vma_find(mm, *pos);

		if (v->start > *pos || v->flags & (VMA_HIDDEN | VMA_TRAMPOLINE))
			*err = -ENOMEM;
		else if (flags & MS_INVALIDATE && v->flags & VMA_LOCKED)
			*err = -EBUSY;
		else if (v->file && v->flags & VMA_SHARED)
			f = file_get(v->file);
		*pos = v->end;
	}
	rwlock_read_unlock(&mm->lock);
	return f;
}

long sys_msync(uint64_t addr, uint64_t len, uint64_t flags)
{
	uaddr_t pos = addr, end = addr + PAGE_UP(len);
	struct file *f;
	int err = 0, sync_err = 0;

	if (flags & ~(uint64_t)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
	    addr & ~PAGE_MASK || (flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	if (end < addr)
		return -ENOMEM;
	while (!sync_err && (f = next_shared(current_mm(), &pos, end,
					     (uint32_t)flags, &err))) {
		if (flags & MS_SYNC && f->ops->fsync)
			sync_err = f->ops->fsync(f, true);
		file_put(f);
	}
	return sync_err ? sync_err : err;
}

/* --- mincore -------------------------------------------------------------------*/
/* Which pages the host keeps in memory is not ours to know: all that is
 * mapped is said to be there. */
long sys_mincore(uint64_t addr, uint64_t len, uint64_t vec)
{
	uint64_t nr = PAGE_UP(len) >> PAGE_SHIFT;
	uaddr_t end = addr + PAGE_UP(len);
	struct mm *mm = current_mm();
	uint8_t ones[MINCORE_CHUNK];
	bool hole;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (end < addr || end > USER_END)
		return -ENOMEM;
	rwlock_read_lock(&mm->lock);
	hole = !vma_range_is_whole(mm, addr, end);
	rwlock_read_unlock(&mm->lock);
	if (!user_range_ok((void *)vec, nr))
		return -EFAULT;
	if (hole)
		return -ENOMEM;
	__builtin_memset(ones, 1, sizeof(ones));
	for (uint64_t i = 0; i < nr; i += MINCORE_CHUNK)
		if (copy_to_user((uint8_t *)vec + i, ones,
				 MIN(nr - i, MINCORE_CHUNK)))
			return -EFAULT;
	return 0;
}
