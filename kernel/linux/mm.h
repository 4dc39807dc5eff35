/* SPDX-License-Identifier: MIT */
/*
 * The record of a program's address space. The platform keeps the pages; this
 * is what /proc/self/maps, mremap, limits and fault handling are decided by.
 *
 * vma.c keeps the records, mm.c maps and unmaps, mm_fault.c answers faults,
 * mm_map.c, mm_protect.c, mm_move.c, mm_advise.c, mm_lock.c and mm_other.c are
 * the system calls. Locks: mm->lock guards the
 * records and is held for writing during every change of host mappings, so
 * that both always agree. It is never held while program memory is accessed.
 */
#pragma once
#include "core/lock.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "lib/avl.h"
#include "lib/list.h"

enum vma_flags {
	VMA_SHARED = 1, VMA_STACK = 2, VMA_HEAP = 4,
	VMA_VDSO = 8,		/* executable: [vdso], else [vvar] */
	VMA_TRAMPOLINE = 16,	/* code behind patched text (prot R+X), or room
				 * kept free for it (prot 0); hidden */
	VMA_SHADOW = 32,	/* patched text is mapped */
	VMA_NORESERVE = 64, VMA_DONTFORK = 128, VMA_GROWSDOWN = 256,
	VMA_LOCKED = 512, VMA_WIPEONFORK = 1024,
	VMA_PINNED = 2048,	/* the platform's; never changed */
	VMA_HIDDEN = 4096,	/* not for mm_for_each */
	VMA_SEALED = 8192,	/* mseal: never changed, until exec */
	VMA_POLICY_SHIFT = 16,	/* from this bit on: the policy (linux/mm_policy.c) */
};

struct vma {
	struct list link;	/* mm->vmas, by address */
	struct avl_node node;	/* mm->tree, by address */
	uint64_t max_gap;	/* largest free range below, in this subtree */
	uaddr_t start, end;	/* page-aligned */
	uint32_t prot;		/* PROT_* of Linux */
	uint32_t max_prot;	/* what mprotect may give */
	uint32_t flags;		/* enum vma_flags */
	struct file *file;	/* NULL: anonymous */
	uint64_t offset;	/* in file, of start */
	uaddr_t backed_end;	/* from here to end: past the end of the file
				 * when it was mapped, and not accessible */
};

struct mm {
	struct refcount refs;	/* processes (vfork child shares) */
	uint32_t nr_tasks;	/* tasks that run in this space; atomic */
	struct rwlock lock;
	struct list vmas;
	struct avl_tree tree;
	uint32_t nr_vmas;
	uint64_t total_bytes, data_bytes, stack_bytes, locked_bytes;
	uint64_t high_water_bytes;
	uaddr_t brk_start, brk;
	uaddr_t mmap_top;	/* allocate downwards from here */
	uaddr_t code_start, code_end, data_start, data_end, stack_start;
	uaddr_t arg_start, arg_end, env_start, env_end;
	uint64_t auxv[48];
	uint32_t auxv_words;
	struct file *exe;	/* running program; not writable meanwhile */
	uint32_t lock_future;	/* VMA_LOCKED: mlockall(MCL_FUTURE) */
	uint32_t barriers;	/* registrations of membarrier(); atomic */
	struct list aio;	/* contexts; linux/aio.c's lock */
	bool has_shm;		/* had an attachment (shm.c); only set */
	bool wipe;		/* VMA_WIPEONFORK, VMA_DONTFORK are still to be done */
	uaddr_t fault_addr;	/* last fault that could not be explained */
	uint32_t fault_repeats;
};

struct mm *mm_create(void);
/* Records only; the caller holds the lock of mm for writing. */
struct mm *mm_copy(struct mm *mm);
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
/* Returns 0, -EINVAL (nothing of a program), -ENOMEM, -EPERM (sealed).
 * Takes mm->lock. */
int mm_unmap(struct mm *mm, uaddr_t addr, size_t len);

/* How exec maps; vma_flags are enum vma_flags for the record. */
struct map_request {
	uaddr_t addr;
	size_t len;
	uint32_t prot, max_prot;
	uint32_t map_flags;	/* MAP_* */
	uint32_t vma_flags;
	struct file *file;	/* borrowed */
	uint64_t offset;
	size_t tail;		/* free room wanted behind */
	bool populate;
};
/* As mm_map, without looking at the file's mode. Takes mm->lock. */
long mm_map_request(struct mm *mm, struct map_request *rq);
/*
 * A free range for [addr, addr + len): as high as possible below mmap_top.
 * align: a power of two. Returns 0 if there is none. Takes mm->lock.
 */
uaddr_t mm_find_free(struct mm *mm, size_t len, uint64_t align);
/* True if the platform keeps a part of the range for itself. */
bool mm_range_is_reserved(struct mm *mm, uaddr_t start, size_t len);

/*
 * The program touched addr and the host refused with signo. Returns 0 (fixed:
 * try again) or the signal to deliver, with *code. Takes mm->lock.
 */
int mm_fault(struct mm *mm, uaddr_t addr, bool write, bool exec, int signo,
	     int *code);
/* The file was cut to size: touching what lies behind gives SIGBUS, here;
 * other processes go on with zeros. Takes mm->lock. */
void mm_file_shrunk(struct mm *mm, const struct inode *i, uint64_t size);
/* RLIMIT_STACK is limit now: unused room of the main stack beyond it goes.
 * sp: of the program, to see what is used. Takes mm->lock. */
void mm_stack_limited(struct mm *mm, uint64_t limit, uaddr_t sp);
/* In a forked child, before it runs: MADV_WIPEONFORK. */
void mm_after_fork(struct mm *mm);
/* (object, offset) of a shared word, for futexes; of a private one the space
 * and the address. Returns 0 or -EFAULT. Takes mm->lock for reading. */
int mm_futex_key(struct mm *mm, uaddr_t addr, uint64_t key[2]);
uint64_t mm_total_bytes(struct mm *mm);
/* shm.c: f, which is mapped, is a removed segment's, and no other mapping is. */
bool shm_is_ending(const struct file *f);
/* Every visible mapping by address, until fn returns false. Read lock held. */
void mm_for_each(struct mm *mm, bool (*fn)(const struct vma *v, void *arg),
		 void *arg);

/* --- for linux/patched/text.c: trampolines (VMA_TRAMPOLINE); lock held for writing ---*/
/* Nothing is there but room kept for trampolines. */
bool mm_range_is_free(struct mm *mm, uaddr_t addr, size_t len);
/* Add a record that /proc does not show. Returns 0 or -ENOMEM. */
int mm_add_hidden(struct mm *mm, uaddr_t addr, size_t len);
void mm_remove_hidden(struct mm *mm, uaddr_t addr, size_t len);

/* mprotect. Returns 0, -EINVAL, -ENOMEM, -EACCES. Takes mm->lock. */
int mm_protect(struct mm *mm, uaddr_t addr, size_t len, uint32_t prot);
