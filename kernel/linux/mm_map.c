/* SPDX-License-Identifier: MIT */
/*
 * mmap, munmap and brk: checks of what a program asks for. The mapping itself
 * is mm.c's.
 */
#include <gen/syscalls.h>
#include "core/heap.h"
#include "linux/mm_priv.h"
#include "linux/text.h"
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/resource.h>
#include <linux/stat.h>

#define PROT_ALL	(PROT_READ | PROT_WRITE | PROT_EXEC)
/* All that MAP_SHARED_VALIDATE may come with. */
#define MAP_KNOWN (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | \
	MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED | \
	MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | \
	MAP_HUGETLB | MAP_FIXED_NOREPLACE)
#define F_SEAL_WRITES	(F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

static bool is_noexec(const struct file *f)
{
	return (f->inode->sb && f->inode->sb->flags & SUPER_NOEXEC) ||
	       (f->path.mnt && f->path.mnt->flags & MS_NOEXEC);
}

/* What the open file allows. Sets max_prot. */
static int check_file(struct map_request *rq, struct file *f, bool shared)
{
	bool sealed = shared && f->inode->seals & F_SEAL_WRITES;

	if (shared && (rq->prot & PROT_WRITE) && !(f->mode & FMODE_WRITE))
		return -EACCES;
	if (!(f->mode & FMODE_READ))
		return -EACCES;
	if (is_noexec(f)) {
		if (rq->prot & PROT_EXEC)
			return -EPERM;
		rq->max_prot &= ~(uint32_t)PROT_EXEC;
	}
	if (!f->ops->map)
		return -ENODEV;
	if (rq->map_flags & MAP_GROWSDOWN)
		return -EINVAL;
	if (sealed && (rq->prot & PROT_WRITE))
		return -EPERM;
	if (shared && (sealed || !(f->mode & FMODE_WRITE)))
		rq->max_prot &= ~(uint32_t)PROT_WRITE;
	if (!shared && (rq->prot & PROT_EXEC || !(rq->map_flags & MAP_FIXED)))
		rq->tail = PAGE_UP(text_tail_bytes(f));
	return 0;
}

static int check_type(struct map_request *rq, bool *shared)
{
	switch (rq->map_flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (rq->file && rq->map_flags & ~(uint32_t)MAP_KNOWN)
			return -EOPNOTSUPP;
		if (!rq->file)
			return -EINVAL;
		*shared = true;
		return 0;
	case MAP_SHARED:
		*shared = true;
		return 0;
	case MAP_PRIVATE:
		*shared = false;
		return 0;
	default:
		return -EINVAL;
	}
}

/* Shared anonymous memory is a nameless file. */
static int make_shared(struct map_request *rq)
{
	int err = tmpfs_create_file("dev/zero", &rq->file);

	if (err)
		return err;
	rq->offset = 0;
	err = file_truncate(rq->file, rq->len);
	if (err)
		file_put(rq->file);
	return err;
}

static uint32_t record_flags(struct mm *mm, const struct map_request *rq,
			     bool shared)
{
	uint32_t flags = mm->lock_future;

	if (shared)
		flags |= VMA_SHARED;
	if (rq->map_flags & MAP_LOCKED)
		flags |= VMA_LOCKED;
	if (rq->map_flags & MAP_NORESERVE)
		flags |= VMA_NORESERVE;
	if (rq->map_flags & MAP_GROWSDOWN)
		flags |= VMA_GROWSDOWN;
	return flags;
}

static int check_arguments(struct map_request *rq, size_t len, bool *shared)
{
	uint64_t end;
	int err;

	if (!len)
		return -EINVAL;
	rq->len = PAGE_UP(len);
	if (!rq->len || rq->len > USER_END)
		return -ENOMEM;
	if (rq->offset & ~PAGE_MASK)
		return -EINVAL;
	if (__builtin_add_overflow(rq->offset, rq->len, &end))
		return -EOVERFLOW;
	err = check_type(rq, shared);
	if (err)
		return err;
	if (rq->map_flags & MAP_HUGETLB)
		return rq->file ? -EINVAL : -ENOMEM;
	return rq->file ? check_file(rq, rq->file, *shared) : 0;
}

long mm_map(struct mm *mm, uaddr_t addr, size_t len, uint32_t prot,
	    uint32_t map_flags, struct file *f, uint64_t offset)
{
	struct map_request rq = {
		.addr = addr, .prot = prot & PROT_ALL, .max_prot = PROT_ALL,
		.map_flags = map_flags, .file = f, .offset = offset,
	};
	bool shared;
	int err = check_arguments(&rq, len, &shared);
	long ret;

	if (err)
		return err;
	if (!f && shared && map_flags & MAP_GROWSDOWN)
		return -EINVAL;
	rq.vma_flags = record_flags(mm, &rq, shared);
	if (map_flags & MAP_LOCKED &&
	    !cred_has_cap(current_thread()->cred, CAP_IPC_LOCK) &&
	    !mm_limit(RLIMIT_MEMLOCK))
		return -EPERM;
	rq.populate = (map_flags & MAP_POPULATE &&
		       !(map_flags & MAP_NONBLOCK)) ||
		      (rq.vma_flags & VMA_LOCKED && rq.prot);
	if (!f && shared) {
		err = make_shared(&rq);
		if (err)
			return err;
	}
	ret = mm_map_request(mm, &rq);
	if (rq.file != f)
		file_put(rq.file);
	return ret;
}

long sys_mmap(uint64_t addr, uint64_t len, uint64_t prot, uint64_t flags,
	      uint64_t fd, uint64_t offset)
{
	struct file *f = NULL;
	long ret;

	if (offset & ~PAGE_MASK)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		f = fd_get((int)fd);
		if (!f)
			return -EBADF;
	}
	ret = mm_map(current_mm(), addr, len, (uint32_t)prot, (uint32_t)flags,
		     f, f ? offset : 0);
	if (f)
		file_put(f);
	return ret;
}

/* The file, with a reference, of the shared mapping that [start, end) lies
 * in, whatever it was cut into; NULL: there is none. */
static struct file *shared_file(struct mm *mm, uaddr_t start, uaddr_t end,
				uint32_t *prot)
{
	struct file *f = NULL;
	struct vma *v;

	rwlock_read_lock(&mm->lock);
	v = vma_find(mm, start);
	if (v->file && v->flags & VMA_SHARED &&
	    vma_range_is_whole(mm, start, end)) {
		struct vma *n = v;

		while (n->end < end && n->file == v->file &&
		       n->flags == v->flags && n->prot == v->prot)
			n = vma_next(n);
		if (n->file == v->file && n->flags == v->flags &&
		    n->prot == v->prot)
			f = file_get(v->file);
		*prot = v->prot;
	}
	rwlock_read_unlock(&mm->lock);
	return f;
}

/* As Linux does it now: an ordinary mapping takes the place. */
long sys_remap_file_pages(uint64_t start, uint64_t size, uint64_t prot,
			  uint64_t page, uint64_t flags)
{
	struct mm *mm = current_mm();
	uint32_t kept;
	struct file *f;
	long ret;

	start = PAGE_DOWN(start);
	size = PAGE_DOWN(size);
	if (prot || start + size <= start || page + size < page)
		return -EINVAL;
	f = shared_file(mm, start, start + size, &kept);
	if (!f)
		return -EINVAL;
	/* what is replaced was the last that kept the segment */
	if (shm_is_ending(f)) {
		mm_unmap(mm, start, size);
		file_put(f);
		return -EINVAL;
	}
	ret = page >> (64 - PAGE_SHIFT) ? -EOVERFLOW :
	      mm_map(mm, start, size, kept, MAP_SHARED | MAP_FIXED |
		     MAP_POPULATE | ((uint32_t)flags & MAP_NONBLOCK), f,
		     page << PAGE_SHIFT);
	file_put(f);
	return ret < 0 ? ret : 0;
}

long sys_munmap(uint64_t addr, uint64_t len)
{
	return mm_unmap(current_mm(), addr, len);
}

/* --- brk -----------------------------------------------------------------------*/
static bool may_grow(struct mm *mm, uaddr_t old_end, uaddr_t new_end,
		     uaddr_t brk)
{
	uint64_t used = brk - mm->brk_start + (mm->data_end - mm->data_start);
	struct vma *next;

	if (used > mm_limit(RLIMIT_DATA) || new_end > PLAT_USER_MAX ||
	    mm_check_limits(mm, new_end - old_end, true, false) ||
	    mm_is_overcommit(new_end - old_end) ||
	    !vma_range_is_free(mm, old_end, new_end))
		return false;
	next = vma_find(mm, new_end);
	return !(next->flags & VMA_GROWSDOWN) ||
	       next->start >= new_end + STACK_GUARD;
}

static int grow_heap(struct mm *mm, uaddr_t old_end, uaddr_t new_end,
		     struct list *dead)
{
	struct vma *v = vma_alloc(), *spare = vma_alloc();
	int err = -ENOMEM;

	if (!v || !spare)
		goto out;
	vma_detach(mm, old_end, new_end, &spare, dead);
	v->start = old_end;
	v->end = new_end;
	v->prot = PROT_READ | PROT_WRITE;
	v->max_prot = PROT_ALL;
	v->flags = VMA_HEAP | mm->lock_future;
	err = mm_host_map(mm, v, old_end, mm->lock_future != 0);
	if (err)
		goto out;
	vma_insert(mm, v);
	vma_merge(mm, old_end, new_end, dead);
	v = NULL;
out:
	kfree(v);
	kfree(spare);
	return err;
}

long sys_brk(uint64_t brk)
{
	struct mm *mm = current_mm();
	struct list dead = LIST_INIT(dead);
	uaddr_t old_end, new_end = PAGE_UP(brk);
	int err = 0;
	long ret;

	rwlock_write_lock(&mm->lock);
	old_end = PAGE_UP(mm->brk);
	if (brk < mm->brk_start || new_end < brk)
		err = -ENOMEM;
	else if (new_end < old_end)
		err = mm_unmap_locked(mm, new_end, old_end, &dead);
	else if (new_end > old_end)
		err = may_grow(mm, old_end, new_end, brk) ?
		      grow_heap(mm, old_end, new_end, &dead) : -ENOMEM;
	if (!err)
		mm->brk = brk;
	ret = (long)mm->brk;
	rwlock_write_unlock(&mm->lock);
	vma_release(&dead);
	return ret;
}
