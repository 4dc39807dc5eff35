/* SPDX-License-Identifier: MIT */
/*
 * Demand paging and copy on write. A fault looks the region up, brings the page
 * into the tables and lets the program try again. Entries that already allow
 * the access are left alone: another thread was faster, or the processor used
 * an old translation (it forgets it by faulting).
 *
 * A page is replaced (copy on write) in this order: copy, clear the entry,
 * flush, set the entry. So at no time do two processors see different pages at
 * one address. The old one can not change meanwhile: nobody may write to it
 * while it has several holders.
 *
 * Without memory the program is killed. That the one who happens to ask need
 * not be the one who took it is made less bad: see gives_way.
 */
#include "arch/arch_task.h"
#include "core/page.h"
#include "core/panic.h"
#include "core/task.h"
#include "lib/string.h"
#include "platform/kvm/hostfile.h"
#include "platform/kvm/space_priv.h"
#include <asm/siginfo.h>
#include <asm/signal.h>

#define AROUND_PAGES	16u	/* of a file in the pool, mapped at once */
#define PATIENCE_NS	(5 * NSEC_PER_SEC)	/* for the memory of somebody else */

/* --- pages of the backing --------------------------------------------------------*/
static uint64_t offset_of(const struct region *r, uaddr_t addr)
{
	return r->offset + (PAGE_DOWN(addr) - r->start);
}

/* The page that the backing has for addr; of a host file with a use of it. */
static int borrow(struct region *r, uaddr_t addr, bool write, paddr_t *out)
{
	uint64_t off = offset_of(r, addr);

	if (r->kind == PLAT_BACK_HOST)
		return hostfile_page(r->file, off >> PAGE_SHIFT, write, out);
	*out = virt_to_phys(page_at(off));
	return 0;
}

static void give_back(struct region *r, uaddr_t addr, bool write)
{
	if (r->kind == PLAT_BACK_HOST)
		hostfile_page_put(r->file, offset_of(r, addr) >> PAGE_SHIFT,
				  write);
}

/* Neighbours of addr come along: no page of the pool has to be fetched. */
static void map_around(struct space *s, struct region *r, uaddr_t addr,
		       uint64_t *entry)
{
	uaddr_t window = addr & ~(AROUND_PAGES * PAGE_SIZE - 1);
	uaddr_t start = MAX(window, r->start);
	uaddr_t end = MIN(window + AROUND_PAGES * PAGE_SIZE, r->end);

	/* the window lies in one table */
	entry -= (PAGE_DOWN(addr) - start) >> PAGE_SHIFT;
	for (; start < end; start += PAGE_SIZE, entry++)
		if (!*entry)
			pt_set(&s->pt, entry,
			       pt_leaf(virt_to_phys(page_at(
					       offset_of(r, start))),
				       r->prot, r->shared, false), false);
}

/* --- filling an empty entry ------------------------------------------------------*/
static int fill_own(struct space *s, struct region *r, uint64_t *entry,
		    const void *from)
{
	void *page = anon_alloc(false, !from);

	if (!page)
		return -ENOMEM;
	if (from)
		memcpy(page, from, PAGE_SIZE);
	r->has_owned = true;
	pt_set(&s->pt, entry, pt_leaf(virt_to_phys(page), r->prot, true, true),
	       false);
	return 0;
}

static int fill(struct space *s, struct region *r, uaddr_t addr, bool write,
		uint64_t *entry)
{
	paddr_t p;
	int err;

	if (r->kind == PLAT_BACK_ZERO)
		return fill_own(s, r, entry, NULL);
	err = borrow(r, addr, write && r->shared, &p);
	if (err)
		return err;
	if (write && !r->shared) {
		err = fill_own(s, r, entry, phys_to_virt(p));
		give_back(r, addr, false);
		return err;
	}
	if (r->kind == PLAT_BACK_POOL) {
		map_around(s, r, addr, entry);
		return 0;
	}
	/* a first write must be seen: it makes the file's page dirty */
	pt_set(&s->pt, entry, pt_leaf(p, r->prot, write, false) |
	       (write ? PTE_WRITTEN : 0), false);
	return 0;
}

/* --- writing to a page that is there ----------------------------------------------*/
static int copy_page(struct space *s, struct region *r, uaddr_t addr,
		     uint64_t *entry)
{
	uint64_t old = *entry;
	void *page = anon_alloc(false, false);
	struct gather g;

	if (!page)
		return -ENOMEM;
	memcpy(page, phys_to_virt(pt_page(old)), PAGE_SIZE);
	addr = PAGE_DOWN(addr);
	gather_begin(&g, s);
	pt_set(&s->pt, entry, 0, false);
	gather_range(&g, addr, addr + PAGE_SIZE);
	if (old & PTE_OWNED)
		gather_add(&g, pt_page(old), GATHER_PAGE);
	gather_end(&g);
	if (!(old & PTE_OWNED))
		give_back(r, addr, false);
	r->has_owned = true;
	pt_set(&s->pt, entry, pt_leaf(virt_to_phys(page), r->prot, true, true),
	       false);
	return 0;
}

static int make_writable(struct space *s, struct region *r, uaddr_t addr,
			 uint64_t *entry)
{
	uint64_t old = *entry;
	paddr_t p = pt_page(old);
	int err;

	if (!r->shared && !(old & PTE_OWNED && anon_is_sole(p, false)))
		return copy_page(s, r, addr, entry);
	if (r->kind == PLAT_BACK_HOST && r->shared && !(old & PTE_WRITTEN)) {
		err = borrow(r, addr, true, &p);
		if (err)
			return err;
		give_back(r, addr, false);
		old |= PTE_WRITTEN;
	}
	pt_set(&s->pt, entry, pt_leaf(p, r->prot, true, old & PTE_OWNED) |
	       (old & PTE_WRITTEN), false);
	return 0;
}

/* --- huge pages --------------------------------------------------------------------*/
/* Returns 0, or -ENOMEM: use small ones. */
static int fill_huge(struct space *s, struct region *r, uaddr_t addr)
{
	uaddr_t start = addr & ~(HUGE_SIZE - 1);
	uint64_t *entry;
	void *page;

	if (!r->huge || start < r->start || start + HUGE_SIZE > r->end)
		return -ENOMEM;
	entry = pt_make_huge(&s->pt, start);
	if (!entry || *entry)
		return -ENOMEM;
	page = anon_alloc(true, true);
	if (!page)
		return -ENOMEM;
	pt_set(&s->pt, entry, pt_leaf(virt_to_phys(page), r->prot, true, true),
	       true);
	return 0;
}

/* A write to a huge leaf that does not allow it. Returns true if it does now;
 * else pages are copied one by one. */
static bool reuse_huge(struct space *s, struct region *r, uint64_t *entry)
{
	paddr_t p = pt_page(*entry);

	if (!anon_is_sole(p, true))
		return false;
	pt_set(&s->pt, entry, pt_leaf(p, r->prot, true, true), true);
	return true;
}

/* --- faults -------------------------------------------------------------------------*/
int space_resolve(struct space *s, struct region *r, uaddr_t addr, bool write)
{
	uint64_t *entry;
	bool huge;

	entry = pt_find(&s->pt, addr, &huge);
	if (entry && *entry && (!write || *entry & PTE_WRITE))
		return 0;
	if (huge && reuse_huge(s, r, entry))
		return 0;
	if (!entry && write && !fill_huge(s, r, addr))
		return 0;
	entry = pt_make(&s->pt, addr);
	if (!entry)
		return -ENOMEM;
	return *entry ? make_writable(s, r, addr, entry) :
			fill(s, r, addr, write, entry);
}

void space_populate(struct space *s, struct region *r, uaddr_t start,
		    uaddr_t end)
{
	bool write = r->prot & PLAT_WRITE && !r->shared;

	for (; start < end; start += PAGE_SIZE)
		if (space_resolve(s, r, start, write))
			return;
}

static bool is_allowed(const struct region *r, uint32_t access)
{
	if (access & SPACE_WRITE)
		return r->prot & PLAT_WRITE;
	if (access & SPACE_EXEC)
		return r->prot & PLAT_EXEC;
	return r->prot != 0;
}

static int fault_locked(struct space *s, uaddr_t addr, uint32_t access,
			struct arch_fault *f)
{
	struct region *r = region_find(&s->regions, addr);
	int err;

	f->signo = SIGSEGV;
	f->code = SEGV_MAPERR;
	if (!r || r->start > addr)
		return -EFAULT;
	f->code = SEGV_ACCERR;
	if (!is_allowed(r, access))
		return -EFAULT;
	err = space_resolve(s, r, addr, access & SPACE_WRITE);
	f->signo = err == -ENOMEM ? SIGKILL : SIGBUS;
	f->code = err == -ENOMEM ? SI_KERNEL : BUS_ADRERR;
	return err;
}

static void (*out_of_memory)(void);	/* set once */

void space_set_out_of_memory(void (*fn)(void))
{
	out_of_memory = fn;
}

/* There is no memory for a fault: try again? Somebody is made to end, perhaps
 * the caller. One whose memory does not come back is given up. */
static bool gives_way(uint64_t since_ns)
{
	if (__atomic_load_n(&current_task()->arch.work, __ATOMIC_RELAXED) &
	    TASK_WORK_EXIT || plat_clock_mono_ns() - since_ns >= PATIENCE_NS)
		return false;
	if (out_of_memory)
		out_of_memory();
	plat_relax();
	return true;
}

/* The kernel's address of addr, which was just resolved. Lock held. */
static void *address_locked(struct space *s, uaddr_t addr)
{
	bool huge;
	uint64_t *entry = pt_find(&s->pt, addr, &huge);

	return (char *)phys_to_virt(pt_page(*entry)) +
	       (addr & ((huge ? HUGE_SIZE : PAGE_SIZE) - 1));
}

/* at: see space_hold; or NULL. */
static int fault(struct space *s, uaddr_t addr, uint32_t access,
		 struct arch_fault *f, void **at)
{
	uint64_t since_ns = 0;
	int err;

	for (;;) {
		mutex_lock(&s->lock);
		err = fault_locked(s, addr, access, f);
		if (!err && at) {
			*at = address_locked(s, addr);
			return 0;
		}
		mutex_unlock(&s->lock);
		if (err != -ENOMEM)
			return err ? -EFAULT : 0;
		if (!since_ns)
			since_ns = plat_clock_mono_ns();
		if (!gives_way(since_ns))
			return -EFAULT;
	}
}

int space_fault(struct space *s, uaddr_t addr, uint32_t access,
		struct arch_fault *f)
{
	return fault(s, addr, access, f, NULL);
}

int space_hold(struct space *s, uaddr_t addr, uint32_t access, void **at)
{
	struct arch_fault f;

	return fault(s, addr, access, &f, at);
}
