/* SPDX-License-Identifier: MIT */
/*
 * The record of a program's address space. The platform keeps the pages; this
 * is what /proc/self/maps, mremap, limits and fault handling are decided by.
 */
#pragma once
#include "core/lock.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "lib/list.h"

enum vma_flags {
	VMA_SHARED = 1, VMA_STACK = 2, VMA_HEAP = 4, VMA_VDSO = 8,
	VMA_TRAMPOLINE = 16,	/* code behind patched text; hidden */
	VMA_SHADOW = 32,	/* patched text is mapped */
	VMA_NORESERVE = 64, VMA_DONTFORK = 128, VMA_GROWSDOWN = 256,
	VMA_LOCKED = 512, VMA_WIPEONFORK = 1024,
};

struct vma {
	struct list link;	/* mm->vmas, by address */
	uaddr_t start, end;	/* page-aligned */
	uint32_t prot;		/* PROT_* of Linux */
	uint32_t max_prot;	/* what mprotect may give */
	uint32_t flags;		/* enum vma_flags */
	struct file *file;	/* NULL: anonymous */
	uint64_t offset;	/* in file, of start */
	struct inode *shmem;	/* reserved */
};

struct mm {
	struct refcount refs;	/* processes (vfork child shares) */
	uint32_t nr_tasks;	/* tasks that run in this space; atomic */
	struct rwlock lock;
	struct list vmas;
	uint32_t nr_vmas;
	uint64_t total_bytes, data_bytes, stack_bytes, locked_bytes;
	uint64_t high_water_bytes;
	uaddr_t brk_start, brk;
	uaddr_t mmap_top;	/* allocate downwards from here */
	uaddr_t code_start, code_end, data_start, data_end, stack_start;
	uaddr_t arg_start, arg_end, env_start, env_end;
	uint64_t auxv[48];
	uint32_t auxv_words;
};

struct mm *mm_create(void);
struct mm *mm_copy(struct mm *mm);	/* records only; caller holds lock */
struct mm *mm_get(struct mm *mm);
void mm_put(struct mm *mm);
struct mm *current_mm(void);

/*
 * Map into the calling process. addr 0 without MAP_FIXED = choose.
 * Returns the address or -errno (as a negative long).
 * Locks: takes mm->lock for writing.
 */
long mm_map(struct mm *mm, uaddr_t addr, size_t len, uint32_t prot,
	    uint32_t map_flags, struct file *f, uint64_t offset);
int mm_unmap(struct mm *mm, uaddr_t addr, size_t len);
/* Throw everything away (exec). */
void mm_clear(struct mm *mm);
/* The program touched addr and the host refused. Returns 0 (fixed: retry) or the signal with *code. */
int mm_fault(struct mm *mm, uaddr_t addr, bool write, bool exec, int *code);
/* (object, offset) of a shared word, for futexes: *private false if shared.
 * key[0] object id, key[1] offset. Returns 0 or -EFAULT. */
int mm_futex_key(struct mm *mm, uaddr_t addr, uint64_t key[2]);
uint64_t mm_total_bytes(struct mm *mm);
/* Text of /proc/PID/maps into a growing buffer: see linux/proc_maps.c. */
void mm_for_each(struct mm *mm, bool (*fn)(const struct vma *v, void *arg),
		 void *arg);	/* read lock held during */

/* --- for linux/text.c: trampolines (VMA_TRAMPOLINE); lock held for writing ---*/
bool mm_range_is_free(struct mm *mm, uaddr_t addr, size_t len);
/* Add a record that /proc does not show. Returns 0 or -ENOMEM. */
int mm_add_hidden(struct mm *mm, uaddr_t addr, size_t len);
void mm_remove_hidden(struct mm *mm, uaddr_t addr, size_t len);
int mm_protect(struct mm *mm, uaddr_t a, size_t len, uint32_t prot);
