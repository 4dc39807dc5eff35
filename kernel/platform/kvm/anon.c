/* SPDX-License-Identifier: MIT */
/*
 * Counted pages. The counter is the page's own (core/page.h: page_refs). A
 * count of one seen by its holder can only be raised by that holder, under the
 * lock of its space.
 */
#include "platform/kvm/anon.h"
#include "core/page.h"

static uint32_t *refs_of(paddr_t p)
{
	return page_refs(phys_to_virt(p));
}

void *anon_alloc(bool huge, bool zeroed)
{
	void *page = page_alloc_program(huge ? HUGE_ORDER : 0, zeroed);
	paddr_t p;

	if (!page)
		return NULL;
	p = virt_to_phys(page);
	for (uint32_t i = 0; i < (huge ? HUGE_PAGES : 1); i++)
		*refs_of(p + i * PAGE_SIZE) = 1;
	return page;
}

void anon_get(paddr_t p, bool huge)
{
	for (uint32_t i = 0; i < (huge ? HUGE_PAGES : 1); i++)
		__atomic_fetch_add(refs_of(p + i * PAGE_SIZE), 1,
				   __ATOMIC_RELAXED);
}

bool anon_is_sole(paddr_t p, bool huge)
{
	/* Partner: drop. Another holder copied the page before it let go. */
	for (uint32_t i = 0; i < (huge ? HUGE_PAGES : 1); i++)
		if (__atomic_load_n(refs_of(p + i * PAGE_SIZE),
				    __ATOMIC_ACQUIRE) != 1)
			return false;
	return true;
}

/* Returns true if the page is nobody's now. */
static bool drop(paddr_t p)
{
	return __atomic_fetch_sub(refs_of(p), 1, __ATOMIC_ACQ_REL) == 1;
}

void anon_put(paddr_t p, bool huge)
{
	if (!huge) {
		if (drop(p))
			page_free(phys_to_virt(p), 0);
		return;
	}
	/* in one piece if nobody else has a part of it */
	if (anon_is_sole(p, true)) {
		page_free(phys_to_virt(p), HUGE_ORDER);
		return;
	}
	for (uint32_t i = 0; i < HUGE_PAGES; i++) {
		paddr_t at = p + i * PAGE_SIZE;

		if (drop(at))
			page_free(phys_to_virt(at), 0);
	}
}
