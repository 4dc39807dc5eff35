/* SPDX-License-Identifier: MIT */
/*
 * Translations cached by processors. A CPU that has loaded the tables of a
 * space is in tlb.cpus of it, and c->space says so. System tasks and idle CPUs
 * go on with the tables that are loaded (they touch no program memory), until
 * the first flush makes them take the kernel's own ("lazy").
 *
 * A flush (one at a time in a space, by its lock) changes entries, then asks
 * all CPUs in tlb.cpus by interrupt and waits until each has forgotten:
 * tlb.pending & tlb.cpus == 0. A CPU is done when it has cleared its bit in
 * pending (handler), or has left cpus (loaded other tables, which forgets
 * everything: user translations are never global, and there are no PCIDs).
 *
 * Against a space_load on another CPU:
 *
 *	flush				space_load
 *	1 change entries		a cpus |= self
 *	2 read cpus			b pending &= ~self
 *	3 pending = those		c load CR3 (forgets; reads entries after)
 *	4 interrupts			d cpus of the old space &= ~self
 *	5 wait
 *
 * 1-2 and a-c are in sequentially consistent order. If 2 does not see a, then
 * 1 came before c: c and later walks see the new entries. If it does see a,
 * the CPU owes an answer:
 * - b after 3: it answers at b, and c forgets afterwards. Were b behind c, the
 *   CPU could walk the old entry between c and 1 and answer for it all the
 *   same; that is why b precedes c.
 * - b before 3: pending stays set; interrupts are off until the end of
 *   space_load, then 4 arrives and c->space is this one: the handler answers.
 * - it leaves before 4 arrives: d clears it from cpus after its CR3 has
 *   changed, so the wait ends. The interrupt finds another space, or none, and
 *   does nothing. If it comes back first: b answers.
 *
 * test/unit/platform/kvm/tlb_model.c visits every interleaving of this.
 *
 * A space is freed after tlb_drop, which is such a flush to CPUs that are all
 * lazy; they leave it in the handler.
 */
#include "platform/kvm/tlb.h"
#include "arch/arch_cpu.h"
#include "arch/irqflags.h"
#include "core/panic.h"
#include "core/task.h"
#include "platform/kvm/cpu.h"
#include "platform/kvm/ipi.h"
#include "platform/kvm/space_priv.h"

#define FULL_PAGES	33u	/* from here on forget all at once */

static void load_tables(const uint64_t *root)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(virt_to_phys(root))
			 : "memory");
}

/* This CPU has the tables of s and no use for them. */
static bool is_lazy(const struct cpu *c, const struct space *s)
{
	return c->current->arch.plat.space != s;
}

static void leave(struct cpu *c, struct space *s)
{
	load_tables(kernel_pml4());
	c->space = NULL;
	/* Partner: the wait in ask. After the load. */
	__atomic_fetch_and(&s->tlb.cpus, ~(1ull << c->id), __ATOMIC_SEQ_CST);
}

void tlb_idle(void)
{
	struct cpu *c = this_cpu();

	if (c->space)
		leave(c, c->space);
}

/* This CPU forgets the range that s->tlb names. Interrupts off. */
static void forget(struct cpu *c, struct space *s)
{
	uaddr_t start = PAGE_DOWN(s->tlb.start), end = s->tlb.end;

	if (is_lazy(c, s)) {
		leave(c, s);
	} else if (end - start >= FULL_PAGES * PAGE_SIZE) {
		load_tables(s->pt.root);
	} else {
		for (; start < end; start += PAGE_SIZE)
			__asm__ volatile("invlpg (%0)"
					 : : "r"(start) : "memory");
	}
}

void tlb_irq(void)
{
	struct cpu *c = this_cpu();
	uint64_t self = 1ull << c->id;
	struct space *s = c->space;

	/* Partner: the store of pending in ask; the range is there then. */
	if (!s || !(__atomic_load_n(&s->tlb.pending, __ATOMIC_ACQUIRE) & self))
		return;
	forget(c, s);
	/* Partner: the wait in ask. s may be gone afterwards if we left it. */
	if (c->space)
		__atomic_fetch_and(&s->tlb.pending, ~self, __ATOMIC_SEQ_CST);
}

/* Interrupts off: this CPU by itself, the others by interrupt. */
static uint64_t ask(struct space *s)
{
	struct cpu *c = this_cpu();
	uint64_t self = 1ull << c->id, others;

	/* Partner: the bits set in space_change; see the head, 1-2 and a-c. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	others = __atomic_load_n(&s->tlb.cpus, __ATOMIC_SEQ_CST);
	if (others & self)
		forget(c, s);
	others &= ~self;
	if (!others)
		return 0;
	__atomic_store_n(&s->tlb.pending, others, __ATOMIC_SEQ_CST);
	for (uint64_t left = others; left; left &= left - 1)
		ipi_send((uint32_t)__builtin_ctzll(left), IPI_TLB);
	return others;
}

void tlb_flush(struct space *s, uaddr_t start, uaddr_t end)
{
	uint64_t flags = irq_save(), asked;

	s->tlb.start = start;
	s->tlb.end = end;
	asked = ask(s);
	irq_restore(flags);
	/* interrupts are on: two CPUs may wait for each other's answer */
	while (asked & __atomic_load_n(&s->tlb.pending, __ATOMIC_SEQ_CST) &
	       __atomic_load_n(&s->tlb.cpus, __ATOMIC_SEQ_CST))
		arch_relax();
}

void tlb_drop(struct space *s)
{
	if (__atomic_load_n(&s->tlb.cpus, __ATOMIC_SEQ_CST))
		tlb_flush(s, 0, PLAT_USER_MAX);
	assert(!__atomic_load_n(&s->tlb.cpus, __ATOMIC_SEQ_CST));
}

void space_load(struct space *s)
{
	if (s)
		space_load_on(this_cpu(), s);
}
