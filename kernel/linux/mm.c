/* SPDX-License-Identifier: MIT */
#include "linux/mm.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/process.h"
#include "linux/text.h"
#include "platform/platform.h"
#include <linux/mman.h>
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <linux/fcntl.h>

struct mm *mm_create(void)
{
	struct mm *mm = kzalloc(sizeof(*mm));

	if (!mm)
		return NULL;
	ref_init(&mm->refs, 1);
	rwlock_init(&mm->lock);
	list_init(&mm->vmas);
	mm->mmap_top = 0x7ffe00000000ull;
	return mm;
}
struct mm *mm_get(struct mm *mm)
{
	ref_get(&mm->refs);
	return mm;
}
static void vma_free(struct vma *v)
{
	if (v->file) {
		if (v->file->ops->mapped)
			v->file->ops->mapped(v->file, -1);
		file_put(v->file);
	}
	kfree(v);
}
void mm_put(struct mm *mm)
{
	if (!ref_put(&mm->refs))
		return;
	list_for_each_safe(l, &mm->vmas) {
		list_remove(l);
		vma_free(list_entry(l, struct vma, link));
	}
	kfree(mm);
}
static struct vma *vma_dup(const struct vma *v)
{
	struct vma *n = kmalloc(sizeof(*n));

	if (!n)
		return NULL;
	*n = *v;
	if (n->file) {
		file_get(n->file);
		if (n->file->ops->mapped)
			n->file->ops->mapped(n->file, 1);
	}
	return n;
}
struct mm *mm_copy(struct mm *mm)
{
	struct mm *n = mm_create();

	if (!n)
		return NULL;
	list_for_each(l, &mm->vmas) {
		struct vma *v = vma_dup(list_entry(l, struct vma, link));

		if (!v) {
			mm_put(n);
			return NULL;
		}
		list_append(&n->vmas, &v->link);
	}
	n->nr_vmas = mm->nr_vmas;
	n->brk_start = mm->brk_start;
	n->brk = mm->brk;
	n->mmap_top = mm->mmap_top;
	n->total_bytes = mm->total_bytes;
	memcpy(n->auxv, mm->auxv, sizeof(n->auxv));
	n->auxv_words = mm->auxv_words;
	n->arg_start = mm->arg_start; n->arg_end = mm->arg_end;
	n->env_start = mm->env_start; n->env_end = mm->env_end;
	n->stack_start = mm->stack_start;
	return n;
}
struct mm *current_mm(void)
{
	return current_process()->mm;
}
static struct vma *find_after(struct mm *mm, uaddr_t a)
{
	list_for_each(l, &mm->vmas) {
		struct vma *v = list_entry(l, struct vma, link);

		if (v->end > a)
			return v;
	}
	return NULL;
}
bool mm_range_is_free(struct mm *mm, uaddr_t a, size_t len)
{
	struct plat_range r[4];
	uint32_t n = plat_reserved_ranges(r, 4);
	struct vma *v = find_after(mm, a);

	for (uint32_t i = 0; i < n; i++)
		if (a < r[i].end && a + len > r[i].start)
			return false;
	return !v || v->start >= a + len;
}
static void insert(struct mm *mm, struct vma *n)
{
	struct vma *v = find_after(mm, n->start);

	list_add_before(v ? &v->link : &mm->vmas, &n->link);
	mm->nr_vmas++;
	mm->total_bytes += n->end - n->start;
}
int mm_add_hidden(struct mm *mm, uaddr_t a, size_t len)
{
	struct vma *v = kzalloc(sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->start = a; v->end = a + len; v->prot = 5; v->max_prot = 7; v->flags = VMA_TRAMPOLINE;
	insert(mm, v);
	return 0;
}
static int cut(struct mm *mm, uaddr_t a, uaddr_t e)
{
	list_for_each_safe(l, &mm->vmas) {
		struct vma *v = list_entry(l, struct vma, link);

		if (v->end <= a || v->start >= e)
			continue;
		if (v->start < a) {
			struct vma *n = NULL;
			if (v->end > e) {
				n = vma_dup(v);
				if (!n)
					return -ENOMEM;
				n->offset += e - n->start;
				n->start = e;
			}
			mm->total_bytes -= v->end - v->start;
			v->end = a;
			mm->total_bytes += v->end - v->start;
			if (n)
				insert(mm, n);
		} else if (v->end > e) {
			mm->total_bytes -= e - v->start;
			v->offset += e - v->start;
			v->start = e;
		} else {
			mm->total_bytes -= v->end - v->start;
			mm->nr_vmas--;
			list_remove(l);
			vma_free(v);
		}
	}
	return 0;
}
void mm_remove_hidden(struct mm *mm, uaddr_t a, size_t len)
{
	cut(mm, a, a + len);
}
static uaddr_t choose(struct mm *mm, size_t len)
{
	uaddr_t top = mm->mmap_top;

	while (top > len + 0x100000) {
		uaddr_t a = top - len, next = 0;
		struct plat_range r[4];
		uint32_t n = plat_reserved_ranges(r, 4);
		struct vma *v;

		for (uint32_t i = 0; i < n; i++)
			if (a < r[i].end && a + len > r[i].start)
				next = r[i].start;
		if (next) {
			top = next;
			continue;
		}
		v = find_after(mm, a);
		if (!v || v->start >= a + len)
			return a;
		top = v->start;
	}
	return 0;
}
static uint32_t to_plat(uint32_t prot)
{
	return (prot & PROT_READ ? PLAT_READ : 0) | (prot & PROT_WRITE ? PLAT_WRITE | PLAT_READ : 0) |
	       (prot & PROT_EXEC ? PLAT_EXEC | PLAT_READ : 0);
}
static int map_file(struct file *f, uaddr_t a, size_t len, uint32_t prot, bool shared, uint64_t off)
{
	size_t done = 0;

	while (done < len) {
		struct map_extent e = { 0 };
		size_t n = len - done;
		int err = f->ops->map(f, off + done, n, shared && prot & PROT_WRITE, &e);

		if (err)
			return err;
		if (!e.len)
			e.backing = (struct plat_backing){ .kind = PLAT_BACK_NONE };
		else
			n = MIN(n, PAGE_UP(e.len));
		e.backing.shared = shared;
		err = plat_map(a + done, n, to_plat(prot), &e.backing);
		if (err)
			return err;
		done += n;
	}
	return 0;
}
long mm_map(struct mm *mm, uaddr_t addr, size_t len, uint32_t prot, uint32_t flags, struct file *f, uint64_t off)
{
	struct plat_backing zero = { .kind = PLAT_BACK_ZERO };
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
	struct file *shm = NULL;
	struct vma *v;
	long err = 0;

	len = PAGE_UP(len);
	if (!len || len > PLAT_USER_MAX)
		return len ? -ENOMEM : -EINVAL;
	if (f && !f->ops->map)
		return -ENODEV;
	if (!f && shared) {
		if (tmpfs_create_file("dev/zero", &shm))
			return -ENOMEM;
		if (file_truncate(shm, len)) {
			file_put(shm);
			return -ENOMEM;
		}
		f = shm;
		off = 0;
	}
	v = kzalloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	rwlock_write_lock(&mm->lock);
	if (flags & MAP_FIXED_NOREPLACE && !mm_range_is_free(mm, addr, len))
		err = -EEXIST;
	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) {
		addr = PAGE_DOWN(addr);
		if (!addr || addr < 0x10000 || addr + len > mm->mmap_top || !mm_range_is_free(mm, addr, len))
			addr = choose(mm, len + (f && !shared ? PAGE_UP(text_tail_bytes(f)) : 0));
		if (!addr)
			err = -ENOMEM;
	} else if (addr & 4095 || addr < 0x10000 || addr + len > PLAT_USER_MAX) {
		err = addr & 4095 ? -EINVAL : addr < 0x10000 ? -EPERM : -ENOMEM;
	}
	if (!err)
		err = cut(mm, addr, addr + len);
	if (!err) {
		if (!f)
			err = plat_map(addr, len, to_plat(prot), &zero);
		else if (shared || !(prot & PROT_EXEC) || !text_map_patched(mm, f, off, addr, len, to_plat(prot)))
			err = map_file(f, addr, len, prot, shared, off);
	}
	if (!err) {
		v->start = addr; v->end = addr + len; v->prot = prot; v->max_prot = 7;
		v->flags = shared ? VMA_SHARED : 0;
		v->offset = off;
		if (f) {
			v->file = file_get(f);
			if (f->ops->mapped)
				f->ops->mapped(f, 1);
		}
		insert(mm, v);
	} else {
		kfree(v);
	}
	rwlock_write_unlock(&mm->lock);
	if (shm)
		file_put(shm);
	return err ? err : (long)addr;
}
int mm_unmap(struct mm *mm, uaddr_t addr, size_t len)
{
	int err;

	if (addr & 4095 || !len || addr + PAGE_UP(len) > PLAT_USER_MAX)
		return -EINVAL;
	rwlock_write_lock(&mm->lock);
	err = cut(mm, addr, addr + PAGE_UP(len));
	if (!err)
		plat_unmap(addr, PAGE_UP(len));
	rwlock_write_unlock(&mm->lock);
	return err;
}
int mm_fault(struct mm *mm, uaddr_t addr, bool write, bool exec, int *code)
{
	return SIGSEGV;
}
int mm_futex_key(struct mm *mm, uaddr_t addr, uint64_t key[2])
{
	struct vma *v;
	int err = 0;

	rwlock_read_lock(&mm->lock);
	v = find_after(mm, addr);
	if (!v || v->start > addr)
		err = -EFAULT;
	else if (v->flags & VMA_SHARED && v->file) {
		key[0] = (uint64_t)v->file->inode;
		key[1] = v->offset + addr - v->start;
	} else {
		key[0] = (uint64_t)mm;
		key[1] = addr;
	}
	rwlock_read_unlock(&mm->lock);
	return err;
}
uint64_t mm_total_bytes(struct mm *mm) { return mm->total_bytes; }
void mm_for_each(struct mm *mm, bool (*fn)(const struct vma *v, void *arg), void *arg)
{
	rwlock_read_lock(&mm->lock);
	list_for_each(l, &mm->vmas)
		if (!fn(list_entry(l, struct vma, link), arg))
			break;
	rwlock_read_unlock(&mm->lock);
}
int mm_protect(struct mm *mm, uaddr_t a, size_t len, uint32_t prot)
{
	uaddr_t e = a + PAGE_UP(len), at = a;
	int err = 0;

	rwlock_write_lock(&mm->lock);
	list_for_each_safe(l, &mm->vmas) {
		struct vma *v = list_entry(l, struct vma, link);
		struct vma *n;

		if (v->end <= a || v->start >= e)
			continue;
		if (v->start > at) { err = -ENOMEM; break; }
		if (v->start < a) {
			n = vma_dup(v);
			if (!n) { err = -ENOMEM; break; }
			v->end = a;
			n->offset += a - n->start;
			n->start = a;
			list_prepend(&v->link, &n->link);
			mm->nr_vmas++;
			v = n;
		}
		if (v->end > e) {
			n = vma_dup(v);
			if (!n) { err = -ENOMEM; break; }
			v->end = e;
			n->offset += e - n->start;
			n->start = e;
			list_prepend(&v->link, &n->link);
			mm->nr_vmas++;
		}
		v->prot = prot;
		plat_protect(v->start, v->end - v->start, to_plat(prot));
		at = v->end;
	}
	if (!err && at < e)
		err = -ENOMEM;
	rwlock_write_unlock(&mm->lock);
	return err;
}
