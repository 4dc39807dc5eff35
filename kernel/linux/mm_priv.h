/* SPDX-License-Identifier: MIT */
/*
 * What the files of the address space share. Every function wants mm->lock
 * held for writing (find: for reading). Records that go are put on a list of
 * the dead and released after the lock, since releasing a file can take time.
 */
#pragma once
#include "linux/mm.h"
#include "linux/process.h"

#define VMA_MAX		65530u
#define USER_END	0x7ffffffff000ull	/* TASK_SIZE of Linux */
#define STACK_GUARD	(256 * PAGE_SIZE)
#define HUGE_SIZE	(2ul << 20)

/* --- records (vma.c) ---------------------------------------------------------*/
/* Floor, sentinel and the platform's ranges. Returns 0 or -ENOMEM. */
int vma_init(struct mm *mm);
/* First with end > addr; the sentinel at the top ends every search. */
struct vma *vma_find(struct mm *mm, uaddr_t addr);
/* The one that contains addr and is visible, or NULL. */
struct vma *vma_at(struct mm *mm, uaddr_t addr);
struct vma *vma_next(struct vma *v);
struct vma *vma_prev(struct mm *mm, struct vma *v);	/* NULL: first */
bool vma_is_free(const struct vma *v);	/* only keeps room */
struct vma *vma_alloc(void);
/* Takes its own reference to from->file. */
void vma_copy(struct vma *v, const struct vma *from);
void vma_insert(struct mm *mm, struct vma *v);
void vma_remove(struct mm *mm, struct vma *v);
void vma_resize(struct mm *mm, struct vma *v, uaddr_t start, uaddr_t end);
/* Cut v at addr (inside it); spare becomes the upper part. */
void vma_split(struct mm *mm, struct vma *v, uaddr_t addr, struct vma *spare);
/* Take what lies in the range out of the records. spare: for one cut. */
void vma_detach(struct mm *mm, uaddr_t start, uaddr_t end, struct vma **spare,
		struct list *dead);
/* Make start and end boundaries. Returns 0 or -ENOMEM. */
int vma_isolate(struct mm *mm, uaddr_t start, uaddr_t end);
/* Join equal neighbours in and around the range. */
void vma_merge(struct mm *mm, uaddr_t start, uaddr_t end, struct list *dead);
void vma_release(struct list *dead);	/* without the lock */
void vma_set_flags(struct mm *mm, struct vma *v, uint32_t flags);
void vma_set_prot(struct mm *mm, struct vma *v, uint32_t prot);
bool vma_range_is_free(struct mm *mm, uaddr_t start, uaddr_t end);
/* No hole in it. */
bool vma_range_is_whole(struct mm *mm, uaddr_t start, uaddr_t end);
/* Some record there has one of flags. */
bool vma_range_has(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t flags);
uaddr_t vma_choose(struct mm *mm, size_t len, uint64_t align, uaddr_t top);
bool vma_is_data(const struct vma *v);	/* counts for RLIMIT_DATA */

/* --- host mappings (mm.c) -----------------------------------------------------*/
/* Make the host's mapping of [from, v->end) what the record says. */
int mm_host_map(struct mm *mm, struct vma *v, uaddr_t from, bool populate);
/* PLAT_* of v, as the processor has it: what is writable or executable is
 * readable. */
uint32_t mm_host_prot(const struct vma *v);
/* Give [start, end) of v the record's protection. */
int mm_host_protect(const struct vma *v, uaddr_t start, uaddr_t end);
int mm_unmap_locked(struct mm *mm, uaddr_t start, uaddr_t end,
		    struct list *dead);
/* RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, number of mappings. 0 or -ENOMEM. */
int mm_check_limits(struct mm *mm, uint64_t len, bool data, bool stack);
/* Memory of that size can obviously never be filled. */
bool mm_is_overcommit(uint64_t len);
int mm_check_lock_limit(struct mm *mm, uint64_t len);	/* 0 or -EAGAIN */
uint64_t mm_limit(int which);	/* soft limit of the caller */
/* Touch every page, without the lock. Returns 0 or -EFAULT. */
int mm_touch(uaddr_t start, uaddr_t end, bool write);
/*
 * Touch what is mapped in the range as its protection allows. Returns 0, or
 * -EFAULT if a page of it can not be touched; the others are all the same.
 */
int mm_populate(struct mm *mm, uaddr_t start, uaddr_t end);
/*
 * Take clear out of the flags of all records in the range, and put set in; the
 * platform's stay. Returns 0, or -ENOMEM: at a hole, after what lies before it.
 */
int mm_mark(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t clear,
	    uint32_t set, struct list *dead);
