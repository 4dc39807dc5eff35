/* SPDX-License-Identifier: MIT */
/* What the files of the address space share. */
#pragma once
#include "core/lock.h"
#include "lib/atomic.h"
#include "platform/kvm/pagetable.h"
#include "platform/kvm/region.h"
#include "platform/kvm/space.h"
#include "platform/kvm/tlb.h"

struct space {
	struct refcount refs;	/* one for each task */
	struct mutex lock;
	/* under lock */
	struct regions regions;
	struct pagetable pt;
	/* atomic; see tlb.c */
	struct tlb_state tlb;
	/* atomic */
	uint64_t cpu_ns;
	uint32_t nr_ready;	/* the scheduler's; atomic */
};

/*
 * Bring the page of addr, which lies in r, into the tables; write: so that it
 * can be written to (r allows it). Lock held.
 * Returns 0, -EFAULT (behind the end of the file), -EIO, -ENOMEM.
 */
int space_resolve(struct space *s, struct region *r, uaddr_t addr, bool write);
/* Take what is in [start, end) of r out of the tables. Lock held. */
void space_unmap_part(struct space *s, const struct region *r, uaddr_t start,
		      uaddr_t end, struct gather *g);
/* All of [start, end) of r, as far as there is memory. Lock held. */
void space_populate(struct space *s, struct region *r, uaddr_t start,
		    uaddr_t end);
