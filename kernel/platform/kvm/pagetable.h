/* SPDX-License-Identifier: MIT */
/*
 * Page tables of one address space: four levels, leaves of 4 KiB and 2 MiB.
 * Knows nothing of regions. An entry that holds a page has PTE_HELD, whether
 * the processor may use it (PTE_PRESENT) or not (no rights at the moment);
 * with PTE_OWNED the page is a counted one (anon.h), else it is borrowed: of a
 * file in the pool, where it is only forgotten, or of a host file, where each
 * entry is a use that is given back (struct pt_lender).
 *
 * The caller holds the space's lock; what loses rights goes into the gather.
 */
#pragma once
#include "platform/kvm/anon.h"
#include "platform/kvm/gather.h"

/* Bits that the processor leaves to the kernel. */
#define PTE_OWNED	(1ull << 9)
#define PTE_HELD	(1ull << 10)
#define PTE_WRITTEN	(1ull << 11)	/* the use counts as writing */

/* Who the borrowed pages of a range belong to. */
struct pt_lender {
	struct hostfile *file;
	uaddr_t start;
	uint64_t index;		/* of the page at start */
};

struct pagetable {
	uint64_t *root;
	uint64_t nr_tables;	/* with the root */
	uint64_t nr_owned, peak_owned;	/* pages of entries with PTE_OWNED */
	uint64_t nr_borrowed;	/* pages of the others */
};

/* Empty, with the kernel's half. Returns 0 or -ENOMEM. */
int pt_init(struct pagetable *pt);
/* Everything was unmapped. */
void pt_fini(struct pagetable *pt);

/* A leaf for p with the rights prot (PLAT_*); write: it may be writable. */
uint64_t pt_leaf(paddr_t p, uint32_t prot, bool write, bool owned);
void pt_set(struct pagetable *pt, uint64_t *entry, uint64_t leaf, bool huge);
static inline paddr_t pt_page(uint64_t leaf)
{
	return leaf & PTE_ADDRESS;
}

/* The entry that translates addr or would: a huge leaf, or one of a table.
 * NULL: no table there. */
uint64_t *pt_find(const struct pagetable *pt, uaddr_t addr, bool *huge);
/* The entry for 4 KiB at addr; makes tables and cuts a huge leaf. NULL: no
 * memory. The 511 others of its table follow and precede it. */
uint64_t *pt_make(struct pagetable *pt, uaddr_t addr);
/* The entry for 2 MiB at addr (aligned); makes tables above. NULL: no memory.
 * It may hold a table. */
uint64_t *pt_make_huge(struct pagetable *pt, uaddr_t addr);
/* No huge leaf reaches across addr. Returns 0 or -ENOMEM. */
int pt_cut(struct pagetable *pt, uaddr_t addr);

/* The rest wants pt_cut at both ends to have succeeded. */
/* lender: NULL if no page is a host file's. */
void pt_unmap(struct pagetable *pt, uaddr_t start, uaddr_t end,
	      const struct pt_lender *lender, struct gather *g);
/* Give all leaves new rights. What becomes writable faults once more, except
 * pages that are nobody else's. */
void pt_protect(struct pagetable *pt, uaddr_t start, uaddr_t end,
		uint32_t prot, struct gather *g);
/* Share owned pages with to, both without the right to write. Borrowed ones
 * are left out. On failure (-ENOMEM) a part is shared. g: of from. */
int pt_copy(struct pagetable *to, struct pagetable *from, uaddr_t start,
	    uaddr_t end, struct gather *g);
/* Move leaves; the target was unmapped, with pt_unmap, and does not overlap.
 * Returns 0, or -ENOMEM and nothing moved. */
int pt_move(struct pagetable *pt, uaddr_t from, uaddr_t to, size_t len,
	    struct gather *g);
