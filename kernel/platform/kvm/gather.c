/* SPDX-License-Identifier: MIT */
/*
 * Pages on their way out. A few fit into the structure itself, which lies on
 * the stack; many get a page for their list, and without memory for it there
 * are just more flushes. The list can not lie in the pages themselves: until
 * the flush programs may write to them.
 */
#include "platform/kvm/gather.h"
#include "core/page.h"
#include "platform/kvm/anon.h"
#include "platform/kvm/hostfile.h"
#include "platform/kvm/tlb.h"

#define KIND_MASK	3ull
#define FILE_WRITE	4ull	/* with GATHER_FILE */
#define INDEX_SHIFT	3

void gather_begin(struct gather *g, struct space *s)
{
	g->space = s;
	g->start = UINT64_MAX;
	g->end = 0;
	g->nr = 0;
	g->max = GATHER_INLINE;
	g->items = g->first;
}

void gather_range(struct gather *g, uaddr_t start, uaddr_t end)
{
	g->start = MIN(g->start, start);
	g->end = MAX(g->end, end);
}

/* Returns how many items it was. */
static uint32_t let_go(const uint64_t *item)
{
	paddr_t p = *item & ~KIND_MASK;

	switch ((enum gather_kind)(*item & KIND_MASK)) {
	case GATHER_FILE:
		hostfile_page_put((struct hostfile *)item[1],
				  *item >> INDEX_SHIFT, *item & FILE_WRITE);
		return 2;
	case GATHER_TABLE:
		page_free(phys_to_virt(p), 0);
		break;
	case GATHER_PAGE:
		anon_put(p, false);
		break;
	case GATHER_HUGE:
		anon_put(p, true);
	}
	return 1;
}

void gather_flush(struct gather *g)
{
	if (g->start < g->end)
		tlb_flush(g->space, g->start, g->end);
	g->start = UINT64_MAX;
	g->end = 0;
	for (uint32_t i = 0; i < g->nr;)
		i += let_go(&g->items[i]);
	g->nr = 0;
}

/* For n more items. */
static void make_room(struct gather *g, uint32_t n)
{
	uint64_t *page = NULL;

	if (g->nr + n <= g->max)
		return;
	if (g->items == g->first)
		page = page_alloc(0, false);
	if (!page) {
		gather_flush(g);
		return;
	}
	for (uint32_t i = 0; i < g->nr; i++)
		page[i] = g->items[i];
	g->items = page;
	g->max = PAGE_SIZE / sizeof(*page);
}

void gather_add(struct gather *g, paddr_t p, enum gather_kind kind)
{
	make_room(g, 1);
	g->items[g->nr++] = p | kind;
}

void gather_add_file(struct gather *g, struct hostfile *f, uint64_t index,
		     bool write)
{
	make_room(g, 2);
	g->items[g->nr++] = index << INDEX_SHIFT | (write ? FILE_WRITE : 0) |
			    GATHER_FILE;
	g->items[g->nr++] = (uint64_t)f;
}

void gather_end(struct gather *g)
{
	gather_flush(g);
	if (g->items != g->first)
		page_free(g->items, 0);
	g->items = g->first;
}
