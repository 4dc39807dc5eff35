/* SPDX-License-Identifier: MIT */
/*
 * What depends on a single address: faults (stack growth, files that grew),
 * keys of futexes; and mappings of files and stacks that shrink.
 */
#include "linux/mm_priv.h"
#include "platform/platform.h"
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <linux/stat.h>

#define FAULT_REPEATS_MAX	16u
#define STACK_USED_BELOW	4096u	/* red zone and to be sure */

/* addr lies right below v, which grows down. */
static bool grow_down(struct mm *mm, struct vma *v, uaddr_t addr)
{
	const struct plat_backing zero = { .kind = PLAT_BACK_ZERO };
	uaddr_t start = PAGE_DOWN(addr);
	struct vma *prev = vma_prev(mm, v);

	if (prev && prev->prot && !(prev->flags & VMA_GROWSDOWN) &&
	    start < prev->end + STACK_GUARD)
		return false;
	if (v->end - start > mm_limit(RLIMIT_STACK) ||
	    mm_check_limits(mm, v->start - start, false, false))
		return false;
	if (plat_map(start, v->start - start, mm_host_prot(v), &zero))
		return false;
	vma_resize(mm, v, start, v->end);
	return true;
}

static bool may_access(const struct vma *v, bool write, bool exec)
{
	if (write)
		return v->prot & PROT_WRITE;
	if (exec)
		return v->prot & PROT_EXEC;
	return v->prot != PROT_NONE;
}

/* The records allow it; the host does not (yet). Returns 0 or a signal. */
static int fault_inside(struct mm *mm, struct vma *v, uaddr_t addr, int signo,
			int *code)
{
	uaddr_t page = PAGE_DOWN(addr);

	*code = BUS_ADRERR;
	if (signo == SIGBUS)
		return SIGBUS;
	if (v->file && page >= v->backed_end) {
		/* it may have grown */
		if (mm_host_map(mm, v, v->backed_end, false))
			return SIGBUS;
		return page < v->backed_end ? 0 : SIGBUS;
	}
	/* another thread was faster, or the two disagree */
	if (mm->fault_addr != addr) {
		mm->fault_addr = addr;
		mm->fault_repeats = 0;
	}
	if (++mm->fault_repeats < FAULT_REPEATS_MAX &&
	    !mm_host_protect(v, page, page + PAGE_SIZE))
		return 0;
	*code = SEGV_ACCERR;
	return SIGSEGV;
}

int mm_fault(struct mm *mm, uaddr_t addr, bool write, bool exec, int signo,
	     int *code)
{
	struct vma *v;
	int ret = SIGSEGV;

	rwlock_write_lock(&mm->lock);
	v = vma_find(mm, addr);
	*code = SEGV_MAPERR;
	if (v->start > addr || v->flags & (VMA_HIDDEN | VMA_TRAMPOLINE)) {
		if (v->start > addr && v->flags & VMA_GROWSDOWN &&
		    grow_down(mm, v, addr))
			ret = 0;
	} else {
		*code = SEGV_ACCERR;
		if (may_access(v, write, exec))
			ret = fault_inside(mm, v, addr, signo, code);
	}
	rwlock_write_unlock(&mm->lock);
	return ret;
}

/* --- words and files ------------------------------------------------------------*/
static uint64_t last_futex_id;	/* atomic */

/* Even, and never used again: a waiter may outlive the mapping of its word. */
static uint64_t futex_id(struct inode *i)
{
	uint64_t id = __atomic_load_n(&i->futex_id, __ATOMIC_RELAXED), new;

	if (id)
		return id;
	new = __atomic_add_fetch(&last_futex_id, 2, __ATOMIC_RELAXED);
	return __atomic_compare_exchange_n(&i->futex_id, &id, new, false,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED) ?
	       new : id;
}

int mm_futex_key(struct mm *mm, uaddr_t addr, uint64_t key[2])
{
	struct vma *v;
	int err = 0;

	rwlock_read_lock(&mm->lock);
	v = vma_at(mm, addr);
	if (!v || !(v->prot & (PROT_READ | PROT_WRITE))) {
		err = -EFAULT;
	} else if (v->file && v->flags & VMA_SHARED) {
		/* every open /dev/zero has memory of its own */
		key[0] = S_ISREG(v->file->inode->mode) ?
			 futex_id(v->file->inode) : (uint64_t)v->file;
		key[1] = v->offset + (addr - v->start);
	} else {
		/* not the key of the same word named as private */
		key[0] = (uint64_t)mm | 1;
		key[1] = addr | 2;
	}
	rwlock_read_unlock(&mm->lock);
	return err;
}

void mm_file_shrunk(struct mm *mm, const struct inode *i, uint64_t size)
{
	const struct plat_backing none = { .kind = PLAT_BACK_NONE };

	size = PAGE_UP(size);
	rwlock_write_lock(&mm->lock);
	list_for_each(l, &mm->vmas) {
		struct vma *v = list_entry(l, struct vma, link);
		uaddr_t from = v->start;

		if (!v->file || v->file->inode != i)
			continue;
		if (size > v->offset)
			from += size - v->offset;
		if (from >= v->backed_end ||
		    plat_map(from, v->end - from, 0, &none))
			continue;
		v->backed_end = from;
	}
	rwlock_write_unlock(&mm->lock);
}

void mm_stack_limited(struct mm *mm, uint64_t limit, uaddr_t sp)
{
	struct vma *v;
	uaddr_t start;

	rwlock_write_lock(&mm->lock);
	v = vma_find(mm, mm->stack_start);
	/* another thread's stack pointer says nothing about this stack */
	if (!(v->flags & VMA_STACK) || v->end - v->start <= limit ||
	    sp <= v->start || sp >= v->end)
		goto out;
	start = MIN(v->end - PAGE_DOWN(limit),
		    PAGE_DOWN(sp - STACK_USED_BELOW));
	if (start > v->start &&
	    !plat_unmap(v->start, start - v->start))
		vma_resize(mm, v, start, v->end);
out:
	rwlock_write_unlock(&mm->lock);
}
