/* SPDX-License-Identifier: MIT */
/* Regions in a tree and a list by address, see region.h. */
#include "platform/kvm/region.h"
#include "core/heap.h"
#include "platform/kvm/hostfile.h"

static struct region *from_node(struct avl_node *n)
{
	return container_of(n, struct region, node);
}

void regions_init(struct regions *rs)
{
	rs->tree = (struct avl_tree){ 0 };
	list_init(&rs->list);
}

struct region *region_find(const struct regions *rs, uaddr_t addr)
{
	struct avl_node *n = rs->tree.root;
	struct region *found = NULL;

	while (n) {
		struct region *r = from_node(n);

		if (r->end > addr) {
			found = r;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return found;
}

struct region *region_next(const struct regions *rs, const struct region *r)
{
	return r->link.next == &rs->list ? NULL :
	       list_entry(r->link.next, struct region, link);
}

bool region_covers(const struct regions *rs, uaddr_t start, uaddr_t end)
{
	struct region *r = region_find(rs, start);

	while (start < end) {
		if (!r || r->start > start)
			return false;
		start = r->end;
		r = region_next(rs, r);
	}
	return true;
}

void region_insert(struct regions *rs, struct region *r)
{
	struct avl_node *n = rs->tree.root, *parent = NULL;
	struct list *before = &rs->list;
	bool right = false;

	while (n) {
		parent = n;
		right = from_node(n)->start < r->start;
		if (!right)
			before = &from_node(n)->link;
		n = right ? n->right : n->left;
	}
	avl_insert(&rs->tree, &r->node, parent, right);
	list_add_before(before, &r->link);
}

void region_remove(struct regions *rs, struct region *r)
{
	avl_remove(&rs->tree, &r->node);
	list_remove(&r->link);
}

struct region *region_copy(const struct region *r)
{
	struct region *c = kmalloc(sizeof(*c));

	if (!c)
		return NULL;
	*c = *r;
	list_init(&c->link);
	if (c->file)
		hostfile_ref(c->file);
	return c;
}

/* r ends at addr, upper (a copy of it) begins there. */
static void split(struct regions *rs, struct region *r, uaddr_t addr,
		  struct region *upper)
{
	upper->start = addr;
	upper->offset += addr - r->start;
	upper->end = r->end;
	r->end = addr;
	region_insert(rs, upper);
}

static bool is_cut_by(const struct region *r, uaddr_t addr)
{
	return r && r->start < addr && addr < r->end;
}

int region_isolate(struct regions *rs, uaddr_t start, uaddr_t end)
{
	struct region *low = region_find(rs, start);
	struct region *high = region_find(rs, end);
	struct region *a = NULL, *b = NULL;
	struct list dead = LIST_INIT(dead);

	if (is_cut_by(low, start)) {
		a = region_copy(low);
		if (!a)
			return -ENOMEM;
	}
	if (is_cut_by(high, end)) {
		b = region_copy(high);
		if (!b) {
			if (a)
				list_append(&dead, &a->link);
			region_release(&dead);
			return -ENOMEM;
		}
	}
	/* from the top, for the case that both are the same */
	if (b)
		split(rs, high, end, b);
	if (a)
		split(rs, low, start, a);
	return 0;
}

void region_detach(struct regions *rs, uaddr_t start, uaddr_t end,
		   struct list *dead)
{
	struct region *r = region_find(rs, start), *next;

	for (; r && r->start < end; r = next) {
		next = region_next(rs, r);
		region_remove(rs, r);
		list_append(dead, &r->link);
	}
}

static bool is_continued_by(const struct region *a, const struct region *b)
{
	if (a->end != b->start || a->prot != b->prot || a->kind != b->kind ||
	    a->shared != b->shared || a->huge != b->huge ||
	    a->dontfork != b->dontfork || a->file != b->file)
		return false;
	return a->kind == PLAT_BACK_ZERO || a->kind == PLAT_BACK_NONE ||
	       a->offset + (a->end - a->start) == b->offset;
}

void region_merge(struct regions *rs, uaddr_t start, uaddr_t end,
		  struct list *dead)
{
	struct region *r = region_find(rs, start ? start - 1 : 0), *next;

	for (; r && r->start <= end; r = next) {
		next = region_next(rs, r);
		if (!next || !is_continued_by(r, next))
			continue;
		region_remove(rs, next);
		r->end = next->end;
		r->has_owned |= next->has_owned;
		list_append(dead, &next->link);
		next = r;
	}
}

void region_release(struct list *dead)
{
	list_for_each_safe(l, dead) {
		struct region *r = list_entry(l, struct region, link);

		list_remove(&r->link);
		if (r->file)
			hostfile_put(r->file);
		kfree(r);
	}
}
