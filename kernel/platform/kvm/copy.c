/* SPDX-License-Identifier: MIT */
/*
 * fork: a copy of an address space whose own pages are shared until one side
 * writes. Only these are copied: what is borrowed from files, shared or
 * private, faults in again, and most of it never has to (the child execs).
 */
#include "core/heap.h"
#include "platform/kvm/space_priv.h"

static int copy_region(struct space *to, struct space *from,
		       const struct region *r, struct gather *g)
{
	struct region *c;

	if (r->dontfork)
		return 0;
	c = region_copy(r);
	if (!c)
		return -ENOMEM;
	region_insert(&to->regions, c);
	if (r->shared || (r->kind != PLAT_BACK_ZERO && !r->has_owned))
		return 0;
	return pt_copy(&to->pt, &from->pt, r->start, r->end, g);
}

struct space *space_copy(struct space *from)
{
	struct space *to = space_create();
	struct gather g;
	int err = 0;

	if (!to)
		return NULL;
	mutex_lock(&from->lock);
	gather_begin(&g, from);
	for (struct region *r = region_find(&from->regions, 0); r && !err;
	     r = region_next(&from->regions, r))
		err = copy_region(to, from, r, &g);
	/* also after a failure: what lost the right to write must fault */
	gather_end(&g);
	mutex_unlock(&from->lock);
	if (!err)
		return to;
	space_put(to);
	return NULL;
}
