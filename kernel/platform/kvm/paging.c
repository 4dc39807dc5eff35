/* SPDX-License-Identifier: MIT */
/*
 * The kernel's page tables. Made once at start from memory behind the image;
 * later changes (registers of devices, guard pages) take pages of the pool,
 * one at a time under `lock`. Top-level entries of the kernel's half are all
 * there from the start, since every address space has copies of them.
 */
#include "platform/kvm/paging.h"
#include "core/lock.h"
#include "core/page.h"
#include "platform/kvm/cpu.h"

#define ENTRIES		512u
#define SIZE_2M		(2ull << 20)
#define SIZE_1G		(1ull << 30)
#define MMIO_BASE	0xffffc00000000000ull
#define MMIO_SIZE	(1ull << 30)

extern char kernel_text_start[], kernel_text_end[], kernel_rodata_end[];
extern char kernel_data_start[], kernel_data_end[];
extern uint64_t smp_cr3;

static struct {
	uint64_t *pml4;
	paddr_t *next;		/* during start: where pages come from */
	struct mutex lock;
	uint64_t mmio_used;	/* under lock */
} paging;

static uint64_t *new_table(void)
{
	uint64_t *t;

	if (!paging.next)
		return page_alloc(0, true);
	t = phys_to_virt(*paging.next);
	/* fresh memory: it reads as zero (core/page.h) */
	*paging.next += PAGE_SIZE;
	return t;
}

static uint64_t index_at(uint64_t v, uint32_t level)
{
	return v >> (PAGE_SHIFT + 9 * level) & (ENTRIES - 1);
}

/* Break a large page of `level` into the 512 of the level below. */
static uint64_t *split(uint64_t *entry, uint32_t level)
{
	uint64_t *t = new_table(), e = *entry;
	uint64_t step = 1ull << (PAGE_SHIFT + 9 * (level - 1));

	if (!t)
		return NULL;
	if (level == 1)
		e &= ~(uint64_t)PTE_LARGE;
	for (uint64_t *at = t; at < t + ENTRIES; at += 4) {
		at[0] = e;
		e += step;
		at[1] = e;
		e += step;
		at[2] = e;
		e += step;
		at[3] = e;
		e += step;
	}
	*entry = virt_to_phys(t) | PTE_PRESENT | PTE_WRITE;
	return t;
}

/* The entry of v at `level` (0: 4 KiB), making tables on the way. */
static uint64_t *entry_at(uint64_t v, uint32_t level)
{
	uint64_t *t = paging.pml4;

	for (uint32_t l = 3; l > level; l--) {
		uint64_t *e = &t[index_at(v, l)];

		if (!(*e & PTE_PRESENT)) {
			t = new_table();
			if (!t)
				return NULL;
			*e = virt_to_phys(t) | PTE_PRESENT | PTE_WRITE;
		} else if (*e & PTE_LARGE) {
			t = split(e, l);
			if (!t)
				return NULL;
		} else {
			t = phys_to_virt(*e & PTE_ADDRESS);
		}
	}
	return &t[index_at(v, level)];
}

/* The level of the largest page that begins at v and is not beyond len. */
static uint32_t level_of(uint64_t v, paddr_t p, uint64_t len)
{
	/* the first GiB has parts of its own rights */
	if (cpu_features.huge_1g && !((v | p) % SIZE_1G) && len >= SIZE_1G &&
	    p)
		return 2;
	return !((v | p) % SIZE_2M) && len >= SIZE_2M ? 1 : 0;
}

/* Only at start: memory for tables is there. Along one table after the other:
 * what is larger than its entries begins a table. */
static void map_range(uint64_t v, paddr_t p, uint64_t len, uint64_t bits)
{
	while (len) {
		uint32_t level = level_of(v, p, len);
		uint64_t size = 1ull << (PAGE_SHIFT + 9 * level);
		uint64_t *e = entry_at(v, level);
		uint64_t entry = p | bits | (level ? PTE_LARGE : 0);
		uint64_t nr = MIN(len / size, ENTRIES - index_at(v, level));

		for (uint64_t *end = e + nr; e < end; entry += size)
			*e++ = entry;
		v += nr * size;
		p += nr * size;
		len -= nr * size;
	}
}

static uint64_t nx(void)
{
	return cpu_features.nx ? PTE_NX : 0;
}

static void map_image_part(uint64_t start, uint64_t end, uint64_t bits)
{
	while (start < end) {
		uint64_t stop = MIN(end, ALIGN_UP(start + 1, SIZE_2M));
		uint64_t *e = entry_at(start, 0);

		bits += start - ABI_KERNEL_VIRT;
		for (; start < stop; start += PAGE_SIZE, bits += PAGE_SIZE)
			*e++ = bits;
		bits -= stop - ABI_KERNEL_VIRT;
	}
}

static void map_image(void)
{
	const struct {
		char *start, *end;
		uint64_t bits;
	} parts[] = {
		{ kernel_text_start, kernel_text_end, 0 },
		{ kernel_text_end, kernel_rodata_end, nx() },
		{ kernel_data_start, kernel_data_end, PTE_WRITE | nx() },
	};

	for (uint32_t i = 0; i < ARRAY_LEN(parts); i++) {
		uint64_t start = PAGE_DOWN((uint64_t)parts[i].start);
		uint64_t end = PAGE_UP((uint64_t)parts[i].end);

		map_image_part(start, end, parts[i].bits | PTE_PRESENT |
			       PTE_GLOBAL);
	}
}

void paging_init(const struct handover *h, paddr_t *free)
{
	uint64_t bits = PTE_PRESENT | PTE_WRITE | PTE_GLOBAL | nx();

	mutex_init(&paging.lock);
	paging.next = free;
	paging.pml4 = new_table();
	map_range(ABI_DIRECT_MAP, 0, h->ram[0].start + h->ram[0].len, bits);
	for (uint32_t i = 1; i < h->nr_ranges; i++)
		map_range(ABI_DIRECT_MAP + h->ram[i].start, h->ram[i].start,
			  h->ram[i].len, bits);
	/* nobody writes the kernel's text by its other address */
	*entry_at(ABI_DIRECT_MAP + ABI_IMAGE_START, 1) &= ~(uint64_t)PTE_WRITE;
	map_image();
	entry_at(MMIO_BASE, 0);
	paging.next = NULL;
	smp_cr3 = virt_to_phys(paging.pml4);
	__asm__ volatile("mov %0, %%cr3" : : "r"(smp_cr3) : "memory");
}

uint64_t *kernel_pml4(void)
{
	return paging.pml4;
}

static int map_registers(uint64_t v, paddr_t p, uint64_t len)
{
	for (uint64_t at = 0; at < len; at += PAGE_SIZE) {
		uint64_t *e = entry_at(v + at, 0);

		if (!e)
			return -ENOMEM;
		*e = (p + at) | PTE_PRESENT | PTE_WRITE | PTE_NO_CACHE | nx();
	}
	return 0;
}

void *mmio_map(paddr_t p, size_t len)
{
	uint64_t in_page = p & ~PAGE_MASK, v;
	int err = -ENOMEM;

	len = PAGE_UP(len + in_page);
	mutex_lock(&paging.lock);
	v = MMIO_BASE + paging.mmio_used;
	if (paging.mmio_used + len <= MMIO_SIZE)
		err = map_registers(v, p - in_page, len);
	if (!err)
		paging.mmio_used += len;
	mutex_unlock(&paging.lock);
	return err ? NULL : (void *)(v + in_page);
}

/*
 * Other CPUs may still have the old entry; then they do not notice an overflow
 * until it is replaced. So guards cost no interrupt.
 */
int page_guard(void *page)
{
	uint64_t v = (uint64_t)page, *e;

	/* the boot task's block is part of the image */
	mutex_lock(&paging.lock);
	e = entry_at(v, 0);
	if (e)
		*e &= ~(uint64_t)PTE_PRESENT;
	mutex_unlock(&paging.lock);
	__asm__ volatile("invlpg (%0)" : : "r"(page) : "memory");
	return e ? 0 : -ENOMEM;
}
