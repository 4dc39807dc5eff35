/* SPDX-License-Identifier: MIT */
/*
 * Records of mappings: a list by address and a tree over the same records,
 * each of which knows the largest free range below a record of its subtree.
 * The floor (from 0), the sentinel at the top and the platform's own ranges are
 * always there, pinned: every record has a neighbour on both sides, and every
 * free range lies below some record. Nothing here touches the host.
 */
#include "linux/mm_priv.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/boot.h"
#include "platform/platform.h"
#include <linux/mman.h>

static struct vma *of_node(const struct avl_node *n)
{
	return n ? container_of(n, struct vma, node) : NULL;
}

struct vma *vma_next(struct vma *v)
{
	return list_entry(v->link.next, struct vma, link);
}

struct vma *vma_prev(struct mm *mm, struct vma *v)
{
	return v->link.prev == &mm->vmas ? NULL :
	       list_entry(v->link.prev, struct vma, link);
}

struct vma *vma_find(struct mm *mm, uaddr_t addr)
{
	struct vma *v = of_node(mm->tree.root), *best = NULL;

	while (v) {
		if (v->end > addr) {
			best = v;
			v = of_node(v->node.left);
		} else {
			v = of_node(v->node.right);
		}
	}
	/* above everything: the sentinel stands for it */
	return best ? best : list_entry(mm->vmas.prev, struct vma, link);
}

bool vma_is_free(const struct vma *v)
{
	return v->flags & VMA_TRAMPOLINE && !v->prot;
}

struct vma *vma_at(struct mm *mm, uaddr_t addr)
{
	struct vma *v = vma_find(mm, addr);

	return v->start <= addr && addr < v->end &&
	       !(v->flags & (VMA_HIDDEN | VMA_TRAMPOLINE)) ? v : NULL;
}

struct vma *vma_alloc(void)
{
	return kzalloc(sizeof(struct vma));
}

void vma_copy(struct vma *v, const struct vma *from)
{
	*v = *from;
	list_init(&v->link);
	if (v->file) {
		file_get(v->file);
		if (v->file->ops->mapped)
			v->file->ops->mapped(v->file, 1);
	}
}

void vma_release(struct list *dead)
{
	list_for_each_safe(l, dead) {
		struct vma *v = list_entry(l, struct vma, link);

		list_remove(l);
		if (v->file) {
			if (v->file->ops->mapped)
				v->file->ops->mapped(v->file, -1);
			file_put(v->file);
		}
		kfree(v);
	}
}

/* --- the tree ----------------------------------------------------------------*/
static void update_gap(struct avl_node *n)
{
	struct vma *v = of_node(n), *l = of_node(n->left),
		   *r = of_node(n->right);
	uint64_t gap = 0;

	/* only the floor, at 0, has no record before it */
	if (v->start)
		gap = v->start - list_entry(v->link.prev, struct vma,
					    link)->end;
	if (l)
		gap = MAX(gap, l->max_gap);
	if (r)
		gap = MAX(gap, r->max_gap);
	v->max_gap = gap;
}

bool vma_is_data(const struct vma *v)
{
	return (v->prot & PROT_WRITE) &&
	       !(v->flags & (VMA_SHARED | VMA_STACK | VMA_GROWSDOWN));
}

static void account(struct mm *mm, const struct vma *v, bool add)
{
	uint64_t n = v->end - v->start;

	if (v->flags & (VMA_HIDDEN | VMA_TRAMPOLINE | VMA_VDSO))
		return;
	if (!add)
		n = -n;
	mm->total_bytes += n;
	if (vma_is_data(v))
		mm->data_bytes += n;
	if (v->flags & VMA_STACK)
		mm->stack_bytes += n;
	if (v->flags & VMA_LOCKED)
		mm->locked_bytes += n;
	mm->high_water_bytes = MAX(mm->high_water_bytes, mm->total_bytes);
}

void vma_insert(struct mm *mm, struct vma *v)
{
	struct vma *at = of_node(mm->tree.root), *parent = NULL, *next = NULL;

	while (at) {
		parent = at;
		if (v->start < at->start) {
			next = at;
			at = of_node(at->node.left);
		} else {
			at = of_node(at->node.right);
		}
	}
	list_add_before(next ? &next->link : &mm->vmas, &v->link);
	avl_insert(&mm->tree, &v->node, parent ? &parent->node : NULL,
		   parent != next);
	if (next)
		avl_refresh(&mm->tree, &next->node);
	mm->nr_vmas++;
	account(mm, v, true);
}

void vma_remove(struct mm *mm, struct vma *v)
{
	struct vma *next = vma_next(v);

	account(mm, v, false);
	list_remove(&v->link);
	avl_remove(&mm->tree, &v->node);
	avl_refresh(&mm->tree, &next->node);
	mm->nr_vmas--;
}

void vma_resize(struct mm *mm, struct vma *v, uaddr_t start, uaddr_t end)
{
	account(mm, v, false);
	v->offset += start - v->start;
	v->start = start;
	v->end = end;
	v->backed_end = MAX(MIN(v->backed_end, end), start);
	account(mm, v, true);
	avl_refresh(&mm->tree, &v->node);
	avl_refresh(&mm->tree, &vma_next(v)->node);
}

void vma_set_flags(struct mm *mm, struct vma *v, uint32_t flags)
{
	account(mm, v, false);
	v->flags = flags;
	account(mm, v, true);
}

void vma_set_prot(struct mm *mm, struct vma *v, uint32_t prot)
{
	account(mm, v, false);
	v->prot = prot;
	account(mm, v, true);
}

/* A record that never goes. Returns 0 or -ENOMEM. */
static int pin(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t prot,
	       uint32_t flags)
{
	struct vma *v;

	if (start >= end)
		return 0;
	v = vma_alloc();
	if (!v)
		return -ENOMEM;
	v->start = start;
	v->end = v->backed_end = end;
	v->prot = v->max_prot = prot;
	v->flags = flags | VMA_PINNED;
	vma_insert(mm, v);
	return 0;
}

static int pin_range(struct mm *mm, const struct plat_range *r)
{
	uint64_t vdso = boot->vdso;
	int err;

	if (r->start >= PLAT_USER_MAX || r->end <= PLAT_USER_MIN)
		return 0;
	if (!vdso || vdso < r->start || vdso >= r->end)
		return pin(mm, r->start, MIN(r->end, PLAT_USER_MAX), 0,
			   VMA_HIDDEN);
	err = pin(mm, r->start, vdso, PROT_READ, VMA_VDSO);
	return err ? err : pin(mm, vdso, MIN(r->end, PLAT_USER_MAX),
			       PROT_READ | PROT_EXEC, VMA_VDSO);
}

int vma_init(struct mm *mm)
{
	struct plat_range ranges[8];
	uint32_t n = plat_reserved_ranges(ranges, ARRAY_LEN(ranges));
	int err;

	list_init(&mm->vmas);
	mm->tree.update = update_gap;
	err = pin(mm, 0, PLAT_USER_MIN, 0, VMA_HIDDEN);
	if (!err)
		err = pin(mm, PLAT_USER_MAX, UINT64_MAX & PAGE_MASK, 0,
			  VMA_HIDDEN);
	for (uint32_t i = 0; i < n && !err; i++)
		err = pin_range(mm, &ranges[i]);
	return err;
}

/* --- ranges -------------------------------------------------------------------*/
void vma_split(struct mm *mm, struct vma *v, uaddr_t addr, struct vma *spare)
{
	uaddr_t backed = v->backed_end;

	vma_copy(spare, v);
	spare->offset += addr - v->start;
	spare->start = addr;
	spare->backed_end = MAX(backed, addr);
	vma_resize(mm, v, v->start, addr);
	vma_insert(mm, spare);
}

void vma_detach(struct mm *mm, uaddr_t start, uaddr_t end, struct vma **spare,
		struct list *dead)
{
	struct vma *v = vma_find(mm, start), *next;

	for (; v->start < end; v = next) {
		next = vma_next(v);
		if (v->flags & VMA_PINNED)
			continue;
		if (v->start < start && v->end > end) {
			vma_split(mm, v, end, *spare);
			*spare = NULL;
			vma_resize(mm, v, v->start, start);
			return;
		}
		if (v->start < start) {
			vma_resize(mm, v, v->start, start);
		} else if (v->end > end) {
			vma_resize(mm, v, end, v->end);
			return;
		} else {
			vma_remove(mm, v);
			list_append(dead, &v->link);
		}
	}
}

static int cut(struct mm *mm, uaddr_t addr)
{
	struct vma *v = vma_find(mm, addr), *spare;

	if (v->start >= addr || v->end <= addr || v->flags & VMA_PINNED)
		return 0;
	if (mm->nr_vmas >= VMA_MAX)
		return -ENOMEM;
	spare = vma_alloc();
	if (!spare)
		return -ENOMEM;
	vma_split(mm, v, addr, spare);
	return 0;
}

int vma_isolate(struct mm *mm, uaddr_t start, uaddr_t end)
{
	int err = cut(mm, start);

	return err ? err : cut(mm, end);
}

static bool is_mergeable(const struct vma *a, const struct vma *b)
{
	uint32_t never = VMA_PINNED | VMA_TRAMPOLINE | VMA_SHADOW | VMA_VDSO |
			 VMA_GROWSDOWN;

	if (a->end != b->start || a->flags & never || a->flags != b->flags ||
	    a->prot != b->prot || a->max_prot != b->max_prot ||
	    a->file != b->file)
		return false;
	if (!a->file)
		return true;
	return a->offset + (a->end - a->start) == b->offset &&
	       a->backed_end == a->end;
}

void vma_merge(struct mm *mm, uaddr_t start, uaddr_t end, struct list *dead)
{
	struct vma *v = vma_find(mm, start ? start - 1 : 0);

	while (v->start < end && v->link.next != &mm->vmas) {
		struct vma *next = vma_next(v);
		uaddr_t backed = next->backed_end;

		if (!is_mergeable(v, next)) {
			v = next;
			continue;
		}
		vma_remove(mm, next);
		list_append(dead, &next->link);
		vma_resize(mm, v, v->start, next->end);
		v->backed_end = backed;
	}
}

bool vma_range_is_free(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct vma *v = vma_find(mm, start);

	while (v->start < end && vma_is_free(v))
		v = vma_next(v);
	return v->start >= end;
}

bool vma_range_is_whole(struct mm *mm, uaddr_t start, uaddr_t end)
{
	while (start < end) {
		struct vma *v = vma_find(mm, start);

		if (v->start > start ||
		    v->flags & (VMA_HIDDEN | VMA_TRAMPOLINE))
			return false;
		start = v->end;
	}
	return true;
}

bool vma_range_has(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t flags)
{
	for (struct vma *v = vma_find(mm, start); v->start < end;
	     v = vma_next(v)) {
		if (v->flags & flags)
			return true;
		if (v->link.next == &mm->vmas)
			break;
	}
	return false;
}

struct search {
	size_t len;
	uint64_t align;
	uaddr_t top;
};

/* The highest fitting address in the gap right below v; 0: none. */
static uaddr_t fit(const struct search *s, const struct vma *v)
{
	uaddr_t from, to = v->start;

	if (!to)
		return 0;
	from = list_entry(v->link.prev, struct vma, link)->end;
	if (v->flags & VMA_GROWSDOWN)
		to = to > STACK_GUARD ? to - STACK_GUARD : 0;
	to = MIN(to, s->top);
	if (to < from || to - from < s->len)
		return 0;
	to = (to - s->len) & ~(s->align - 1);
	return to >= from ? to : 0;
}

/* Depth: the tree's height, below 1.5 * log2(VMA_MAX). */
static uaddr_t search_below(const struct search *s, const struct vma *v)
{
	uaddr_t a;

	if (!v || v->max_gap < s->len)
		return 0;
	if (v->end < s->top) {
		a = search_below(s, of_node(v->node.right));
		if (a)
			return a;
	}
	a = fit(s, v);
	return a ? a : search_below(s, of_node(v->node.left));
}

uaddr_t vma_choose(struct mm *mm, size_t len, uint64_t align, uaddr_t top)
{
	struct search s = { len, align, top };

	return search_below(&s, of_node(mm->tree.root));
}
