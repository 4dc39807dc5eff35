/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own page tables: all memory in the direct map (ABI_DIRECT_MAP,
 * so an offset in the page pool is a guest physical address), the image with
 * rights by section, device registers uncached.
 */
#pragma once
#include "abi/machine.h"
#include "lib/types.h"
#include "platform/kvm/handover.h"

typedef uint64_t paddr_t;	/* guest physical address */

/* Bits of entries at every level (Intel SDM vol. 3, 4.5). */
enum pte_bits {
	PTE_PRESENT = 1, PTE_WRITE = 2, PTE_USER = 4, PTE_NO_CACHE = 0x18,
	PTE_ACCESSED = 0x20, PTE_DIRTY = 0x40, PTE_LARGE = 0x80,
	PTE_GLOBAL = 0x100,
};
#define PTE_NX		(1ull << 63)
#define PTE_ADDRESS	0x000ffffffffff000ull

static inline void *phys_to_virt(paddr_t p)
{
	return (void *)(ABI_DIRECT_MAP + p);
}

/* Of the direct map, or of the kernel's image. */
static inline paddr_t virt_to_phys(const void *p)
{
	uint64_t v = (uint64_t)p;

	return v >= ABI_KERNEL_VIRT ? v - ABI_KERNEL_VIRT : v - ABI_DIRECT_MAP;
}

/*
 * Make the tables and load them. *free is the first unused byte behind image
 * and description; what is taken from there is added. Context: init.
 */
void paging_init(const struct handover *h, paddr_t *free);
/* Kernel half of every program's tables: entries 256 to 511. */
uint64_t *kernel_pml4(void);
/* Registers of a device, uncached. The same address twice gives two mappings.
 * NULL: no memory. Context: task. */
void *mmio_map(paddr_t p, size_t len);

/* Unmap one page of the direct map for good; again is harmless. Returns 0 or
 * -ENOMEM. Context: task. */
int page_guard(void *page);
