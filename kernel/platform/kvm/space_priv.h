/* SPDX-License-Identifier: MIT */
/* What the files of the address space share. */
#pragma once
#include "core/lock.h"
#include "lib/atomic.h"
#include "platform/kvm/cpu.h"
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
	uint64_t cr3;		/* set once: address of pt.root */
	/* atomic; see tlb.c */
	struct tlb_state tlb;
	/* atomic */
	uint64_t cpu_ns;
	uint32_t nr_ready;	/* the scheduler's; atomic */
};

/* Load the tables of s, another space than that of `old`, on c, this CPU. */
static inline void space_change(struct cpu *c, struct space *s,
				struct space *old)
{
	uint64_t self = c->bit;

	/* Partner: ask in tlb.c. The order of these three is the point. */
	__atomic_fetch_or(&s->tlb.cpus, self, __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&s->tlb.pending, ~self, __ATOMIC_SEQ_CST);
	c->space = s;
	__asm__ volatile("mov %0, %%cr3" : : "r"(s->cr3) : "memory");
	if (old)
		__atomic_fetch_and(&old->tlb.cpus, ~self, __ATOMIC_SEQ_CST);
}

/* space_load, in line. */
static inline void space_load_on(struct cpu *c, struct space *s)
{
	if (s != c->space)
		space_change(c, s, c->space);
}

/*
 * Bring the page of addr, which lies in r, into the tables; write: so that it
 * can be written to (r allows it). Lock held.
 * Returns 0, -EFAULT (behind the end of the file), -EIO, -ENOMEM.
 */
int space_resolve(struct space *s, struct region *r, uaddr_t addr, bool write);
/* As space_fault, but returns 0 with the lock held, and where the kernel sees addr,
 * to the end of its page, as long as it is. Context: task. */
int space_hold(struct space *s, uaddr_t addr, uint32_t access, void **at);
/* Take what is in [start, end) of r out of the tables. Lock held. */
void space_unmap_part(struct space *s, const struct region *r, uaddr_t start,
		      uaddr_t end, struct gather *g);
/* All of [start, end) of r, as far as there is memory. Lock held. */
void space_populate(struct space *s, struct region *r, uaddr_t start,
		    uaddr_t end);
