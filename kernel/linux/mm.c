/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: life, mapping, unmapping. A change first prepares
 * everything that can fail in the records, then changes the host's mapping,
 * then commits the records; where the host replaces a mapping and fails, the
 * range ends up unmapped in both.
 */
#include "linux/mm.h"
#include "core/heap.h"
#include "linux/aio.h"
#include "linux/boot.h"
#include "linux/mm_priv.h"
#include "linux/text.h"
#include "platform/platform.h"
#include <linux/capability.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <linux/stat.h>

#define STACK_COUNTED		(132ul << 10)
#define OVERCOMMIT_DEFAULT	(256ull << 30)	/* without a memory limit */

/* --- life ----------------------------------------------------------------------*/
struct mm *mm_create(void)
{
	struct mm *mm = kzalloc(sizeof(*mm));

	if (!mm)
		return NULL;
	ref_init(&mm->refs, 1);
	rwlock_init(&mm->lock);
	list_init(&mm->aio);
	mm->mmap_top = PLAT_USER_MAX;
	if (vma_init(mm)) {
		vma_release(&mm->vmas);
		kfree(mm);
		return NULL;
	}
	return mm;
}

struct mm *mm_get(struct mm *mm)
{
	ref_get(&mm->refs);
	return mm;
}

void mm_put(struct mm *mm)
{
	if (!ref_put(&mm->refs))
		return;
	aio_space_gone(mm);
	vma_release(&mm->vmas);
	if (mm->exe) {
		inode_allow_write(mm->exe->inode);
		file_put(mm->exe);
	}
	kfree(mm);
}

struct mm *current_mm(void)
{
	return current_process()->mm;
}

static int copy_records(struct mm *new, struct mm *mm)
{
	list_for_each(l, &mm->vmas) {
		struct vma *v = list_entry(l, struct vma, link), *c;

		if (v->flags & VMA_PINNED)
			continue;
		c = vma_alloc();
		if (!c)
			return -ENOMEM;
		vma_copy(c, v);
		c->flags &= ~(uint32_t)VMA_LOCKED;
		new->wipe |= (v->flags & (VMA_WIPEONFORK |
					  VMA_DONTFORK)) != 0;
		vma_insert(new, c);
	}
	return 0;
}

struct mm *mm_copy(struct mm *mm)
{
	struct mm *new = mm_create();

	if (!new)
		return NULL;
	if (copy_records(new, mm)) {
		mm_put(new);
		return NULL;
	}
	new->brk_start = mm->brk_start;
	new->brk = mm->brk;
	new->mmap_top = mm->mmap_top;
	new->code_start = mm->code_start;
	new->code_end = mm->code_end;
	new->data_start = mm->data_start;
	new->data_end = mm->data_end;
	new->stack_start = mm->stack_start;
	new->arg_start = mm->arg_start;
	new->arg_end = mm->arg_end;
	new->env_start = mm->env_start;
	new->env_end = mm->env_end;
	__builtin_memcpy(new->auxv, mm->auxv, sizeof(new->auxv));
	new->auxv_words = mm->auxv_words;
	new->has_shm = mm->has_shm;
	new->barriers = mm->barriers;
	if (mm->exe && !inode_deny_write(mm->exe->inode))
		new->exe = file_get(mm->exe);
	return new;
}

/*
 * What the child must not have is copied and then unmapped by itself: it may be
 * several mappings below, of which not all were told (some were made later), and
 * one without a record would stay when its pages belong to others.
 */
void mm_after_fork(struct mm *mm)
{
	struct list dead = LIST_INIT(dead);

	if (!mm->wipe)
		return;
	rwlock_write_lock(&mm->lock);
	mm->wipe = false;
	list_for_each_safe(l, &mm->vmas) {
		struct vma *v = list_entry(l, struct vma, link);

		if (v->flags & VMA_DONTFORK) {
			plat_unmap(v->start, v->end - v->start);
			vma_remove(mm, v);
			list_append(&dead, &v->link);
		} else if (v->flags & VMA_WIPEONFORK) {
			mm_host_map(mm, v, v->start, false);
		}
	}
	rwlock_write_unlock(&mm->lock);
	vma_release(&dead);
}

/* --- limits --------------------------------------------------------------------*/
uint64_t mm_limit(int which)
{
	return __atomic_load_n(&current_process()->limits[which].cur,
			       __ATOMIC_RELAXED);
}

static bool passes(uint64_t used, uint64_t more, int which)
{
	uint64_t limit = mm_limit(which);

	return more > limit || used > limit - more;
}

int mm_check_limits(struct mm *mm, uint64_t len, bool data, bool stack)
{
	/* room that the stack has not needed yet does not count */
	uint64_t used = mm->total_bytes - mm->stack_bytes +
			MIN(mm->stack_bytes, STACK_COUNTED);

	if (mm->nr_vmas >= VMA_MAX || passes(used, len, RLIMIT_AS))
		return -ENOMEM;
	if (data && passes(mm->data_bytes, len, RLIMIT_DATA))
		return -ENOMEM;
	return stack && passes(0, len, RLIMIT_STACK) ? -ENOMEM : 0;
}

int mm_check_lock_limit(struct mm *mm, uint64_t len)
{
	if (cred_has_cap(current_thread()->cred, CAP_IPC_LOCK))
		return 0;
	return passes(mm->locked_bytes, len, RLIMIT_MEMLOCK) ? -EAGAIN : 0;
}

bool mm_is_overcommit(uint64_t len)
{
	return len > (boot->memory_limit ? boot->memory_limit :
					   OVERCOMMIT_DEFAULT);
}

/* --- mapping --------------------------------------------------------------------*/
uint32_t mm_host_prot(const struct vma *v)
{
	return (v->prot & (PROT_READ | PROT_WRITE | PROT_EXEC) ? PLAT_READ : 0) |
	       (v->prot & PROT_WRITE ? PLAT_WRITE : 0) |
	       (v->prot & PROT_EXEC ? PLAT_EXEC : 0);
}

static int map_extents(struct vma *v, uaddr_t *pos, bool populate)
{
	struct file *f = v->file;

	while (*pos < v->end) {
		uint64_t want = v->end - *pos, n;
		struct map_extent e = { .len = 0 };
		int err = f->ops->map(f, v->offset + (*pos - v->start), want,
				      (v->flags & VMA_SHARED) &&
				      (f->mode & FMODE_WRITE), &e);

		if (err)
			return err;
		n = MIN(PAGE_UP(e.len), want);
		if (!n)
			break;
		e.backing.noreserve = v->flags & VMA_NORESERVE;
		e.backing.populate = populate;
		err = plat_map(*pos, n, mm_host_prot(v), &e.backing);
		if (err)
			return err;
		*pos += n;
	}
	return 0;
}

static int map_file(struct mm *mm, struct vma *v, uaddr_t from, bool populate)
{
	const struct plat_backing none = { .kind = PLAT_BACK_NONE };
	uaddr_t pos = from;
	int err;

	if ((v->prot & PROT_EXEC) && !(v->flags & VMA_SHARED) &&
	    from == v->start && S_ISREG(v->file->inode->mode) &&
	    text_map_patched(mm, v->file, v->offset, from, v->end - from,
			     mm_host_prot(v))) {
		v->flags |= VMA_SHADOW;
		v->backed_end = v->end;
		return 0;
	}
	err = map_extents(v, &pos, populate);
	if (err)
		return err;
	v->backed_end = pos;
	return pos < v->end ? plat_map(pos, v->end - pos, 0, &none) : 0;
}

int mm_host_map(struct mm *mm, struct vma *v, uaddr_t from, bool populate)
{
	struct plat_backing zero = {
		.kind = PLAT_BACK_ZERO, .populate = populate,
		.noreserve = v->flags & VMA_NORESERVE,
	};
	size_t len = v->end - from;
	int err;

	if (v->file)
		return map_file(mm, v, from, populate);
	v->backed_end = v->end;
	err = plat_map(from, len, mm_host_prot(v), &zero);
	if (!err && len >= HUGE_SIZE && (v->prot & PROT_WRITE) &&
	    !(v->flags & (VMA_NORESERVE | VMA_STACK | VMA_GROWSDOWN)))
		plat_advise(from, len, PLAT_ADV_HUGE);
	return err;
}

int mm_host_protect(const struct vma *v, uaddr_t start, uaddr_t end)
{
	/* what lies behind the end of the file stays inaccessible */
	if (v->file)
		end = MIN(end, v->backed_end);
	return start < end ? plat_protect(start, end - start, mm_host_prot(v)) :
			     0;
}

static long place_fixed(struct mm *mm, const struct map_request *rq)
{
	uaddr_t end = rq->addr + rq->len;

	if (rq->addr & ~PAGE_MASK)
		return -EINVAL;
	if (end < rq->addr || end > USER_END)
		return -ENOMEM;
	if (rq->addr < PLAT_USER_MIN)
		return -EPERM;
	if (rq->map_flags & MAP_FIXED_NOREPLACE &&
	    !vma_range_is_free(mm, rq->addr, end))
		return -EEXIST;
	if (end > PLAT_USER_MAX || vma_range_has(mm, rq->addr, end, VMA_PINNED))
		return -ENOMEM;
	if (vma_range_has(mm, rq->addr, end, VMA_SEALED))
		return -EPERM;
	return (long)rq->addr;
}

static long place(struct mm *mm, struct map_request *rq)
{
	uaddr_t hint = PAGE_UP(rq->addr), a;
	size_t len = rq->len + rq->tail;

	if (rq->map_flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		rq->tail = 0;
		return place_fixed(mm, rq);
	}
	if (rq->addr)
		hint = MAX(hint, PLAT_USER_MIN);
	if (hint && hint + len > hint && hint + len <= PLAT_USER_MAX &&
	    (!(rq->map_flags & MAP_32BIT) || hint + len <= 1ull << 31) &&
	    vma_range_is_free(mm, hint, hint + len))
		return (long)hint;
	if (rq->map_flags & MAP_32BIT) {
		a = vma_choose(mm, len, PAGE_SIZE, 1ull << 31);
		return a ? (long)a : -ENOMEM;
	}
	a = vma_choose(mm, len, PAGE_SIZE, mm->mmap_top);
	if (!a)
		a = vma_choose(mm, len, PAGE_SIZE, PLAT_USER_MAX);
	return a ? (long)a : -ENOMEM;
}

static uint64_t bytes_in(struct mm *mm, uaddr_t start, uaddr_t end)
{
	uint64_t n = 0;

	for (struct vma *v = vma_find(mm, start); v->start < end;
	     v = vma_next(v))
		if (!vma_is_free(v))
			n += MIN(end, v->end) - MAX(start, v->start);
	return n;
}

static void fill_record(struct vma *v, uaddr_t addr,
			const struct map_request *rq)
{
	v->start = addr;
	v->end = v->backed_end = addr + rq->len;
	v->prot = rq->prot;
	v->max_prot = rq->max_prot;
	v->flags = rq->vma_flags;
	v->offset = rq->offset;
	list_init(&v->link);
	if (rq->file) {
		v->file = file_get(rq->file);
		if (v->file->ops->mapped)
			v->file->ops->mapped(v->file, 1);
	}
}

/* Keep the room behind a mapping free: a record without a host mapping. */
static void keep_tail(struct mm *mm, uaddr_t addr, size_t len)
{
	struct vma *v = len ? vma_alloc() : NULL;

	if (!v)
		return;
	v->start = addr;
	v->end = v->backed_end = addr + len;
	v->flags = VMA_TRAMPOLINE;
	vma_insert(mm, v);
}

static int check_request(struct mm *mm, const struct map_request *rq,
			 uaddr_t addr)
{
	struct vma probe = { .prot = rq->prot, .flags = rq->vma_flags };
	uint64_t gone = rq->map_flags & MAP_FIXED ?
			bytes_in(mm, addr, addr + rq->len) : 0;
	int err = mm_check_limits(mm, rq->vma_flags & VMA_STACK ? 0 :
				  rq->len - gone, vma_is_data(&probe), false);

	if (!err && !rq->file && rq->prot & PROT_WRITE &&
	    !(rq->map_flags & MAP_NORESERVE) && mm_is_overcommit(rq->len))
		err = -ENOMEM;
	if (!err && rq->vma_flags & VMA_LOCKED)
		err = mm_check_lock_limit(mm, rq->len);
	return err;
}

static long map_locked(struct mm *mm, struct map_request *rq,
		       struct list *dead)
{
	struct vma *v, *spare;
	long addr = place(mm, rq);
	uaddr_t end;
	int err;

	if (addr < 0)
		return addr;
	err = check_request(mm, rq, (uaddr_t)addr);
	if (err)
		return err;
	v = vma_alloc();
	spare = vma_alloc();
	if (!v || !spare) {
		kfree(v);
		kfree(spare);
		return -ENOMEM;
	}
	end = (uaddr_t)addr + rq->len;
	fill_record(v, (uaddr_t)addr, rq);
	vma_detach(mm, (uaddr_t)addr, end + rq->tail, &spare, dead);
	kfree(spare);
	vma_insert(mm, v);
	err = mm_host_map(mm, v, v->start, rq->populate);
	if (err) {
		vma_remove(mm, v);
		list_append(dead, &v->link);
		plat_unmap((uaddr_t)addr, rq->len);
		return err;
	}
	keep_tail(mm, end, rq->tail);
	vma_merge(mm, (uaddr_t)addr, end, dead);
	return addr;
}

long mm_map_request(struct mm *mm, struct map_request *rq)
{
	struct list dead = LIST_INIT(dead);
	long ret;

	rwlock_write_lock(&mm->lock);
	ret = map_locked(mm, rq, &dead);
	rwlock_write_unlock(&mm->lock);
	vma_release(&dead);
	return ret;
}

uaddr_t mm_find_free(struct mm *mm, size_t len, uint64_t align)
{
	uaddr_t a;

	rwlock_read_lock(&mm->lock);
	a = vma_choose(mm, len, align, mm->mmap_top);
	rwlock_read_unlock(&mm->lock);
	return a;
}

bool mm_range_is_reserved(struct mm *mm, uaddr_t start, size_t len)
{
	bool r;

	if (start + len < start || start + len > PLAT_USER_MAX)
		return true;
	rwlock_read_lock(&mm->lock);
	r = vma_range_has(mm, start, start + len, VMA_PINNED);
	rwlock_read_unlock(&mm->lock);
	return r;
}

/* --- unmapping ------------------------------------------------------------------*/
/* Room kept behind a mapping that is gone, and the trampolines of its text. */
static void drop_tail(struct mm *mm, uaddr_t end, struct list *dead)
{
	struct vma *v = vma_find(mm, end), *prev = vma_prev(mm, v), *next;
	bool text = false;

	if (prev && prev->end == end)
		return;
	list_for_each(l, dead)
		text |= (list_entry(l, struct vma, link)->flags &
			 VMA_SHADOW) != 0;
	for (; v->start == end && v->flags & VMA_TRAMPOLINE; v = next) {
		next = vma_next(v);
		if (!text && !vma_is_free(v))
			return;
		end = v->end;
		plat_unmap(v->start, v->end - v->start);
		vma_remove(mm, v);
		list_append(dead, &v->link);
	}
}

bool mm_range_is_free(struct mm *mm, uaddr_t addr, size_t len)
{
	return addr + len > addr && addr + len <= PLAT_USER_MAX &&
	       vma_range_is_free(mm, addr, addr + len);
}

int mm_add_hidden(struct mm *mm, uaddr_t addr, size_t len)
{
	struct list dead = LIST_INIT(dead);
	struct vma *v = vma_alloc(), *spare = vma_alloc();

	if (!v || !spare) {
		kfree(v);
		kfree(spare);
		return -ENOMEM;
	}
	vma_detach(mm, addr, addr + len, &spare, &dead);
	vma_release(&dead);	/* only room: nothing that takes time */
	kfree(spare);
	v->start = addr;
	v->end = v->backed_end = addr + len;
	v->prot = v->max_prot = PROT_READ | PROT_EXEC;
	v->flags = VMA_TRAMPOLINE;
	vma_insert(mm, v);
	return 0;
}

void mm_remove_hidden(struct mm *mm, uaddr_t addr, size_t len)
{
	struct vma *v = vma_find(mm, addr);

	if (v->start != addr || !(v->flags & VMA_TRAMPOLINE))
		return;
	vma_remove(mm, v);
	kfree(v);
}

/* Around the platform's ranges, piece by piece. */
static int host_unmap(struct mm *mm, uaddr_t start, uaddr_t end)
{
	int err = 0;

	if (!vma_range_has(mm, start, end, VMA_PINNED))
		return plat_unmap(start, end - start);
	for (struct vma *v = vma_find(mm, start); v->start < end && !err;
	     v = vma_next(v)) {
		uaddr_t from = MAX(start, v->start), to = MIN(end, v->end);

		if (v->start >= PLAT_USER_MAX)
			break;
		if (!(v->flags & VMA_PINNED))
			err = plat_unmap(from, to - from);
	}
	return err;
}

int mm_unmap_locked(struct mm *mm, uaddr_t start, uaddr_t end,
		    struct list *dead)
{
	struct vma *v = vma_find(mm, start), *spare = NULL;
	int err;

	if (v->start >= end)
		return 0;
	if (vma_range_has(mm, start, end, VMA_SEALED))
		return -EPERM;
	if (v->start < start && v->end > end) {
		if (mm->nr_vmas >= VMA_MAX)
			return -ENOMEM;
		spare = vma_alloc();
		if (!spare)
			return -ENOMEM;
	}
	err = host_unmap(mm, start, end);
	if (!err) {
		/* a pinned record is never cut: spare may be left */
		vma_detach(mm, start, MIN(end, PLAT_USER_MAX), &spare, dead);
		drop_tail(mm, end, dead);
	}
	kfree(spare);
	return err;
}

int mm_unmap(struct mm *mm, uaddr_t addr, size_t len)
{
	struct list dead = LIST_INIT(dead);
	int err;

	if (addr & ~PAGE_MASK || !len || len > USER_END || addr > USER_END ||
	    PAGE_UP(len) > USER_END - addr)
		return -EINVAL;
	rwlock_write_lock(&mm->lock);
	err = mm_unmap_locked(mm, addr, addr + PAGE_UP(len), &dead);
	rwlock_write_unlock(&mm->lock);
	vma_release(&dead);
	return err;
}

/* --- questions -------------------------------------------------------------------*/
uint64_t mm_total_bytes(struct mm *mm)
{
	return __atomic_load_n(&mm->total_bytes, __ATOMIC_RELAXED);
}

void mm_for_each(struct mm *mm, bool (*fn)(const struct vma *v, void *arg),
		 void *arg)
{
	rwlock_read_lock(&mm->lock);
	list_for_each(l, &mm->vmas) {
		struct vma *v = list_entry(l, struct vma, link);

		if (v->flags & (VMA_HIDDEN | VMA_TRAMPOLINE))
			continue;
		if (!fn(v, arg))
			break;
	}
	rwlock_read_unlock(&mm->lock);
}
