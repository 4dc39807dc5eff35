/* SPDX-License-Identifier: MIT */
/*
 * Page tables, see pagetable.h. Entries are changed with single stores, since
 * processors read them at any time. Levels count from 0 (4 KiB) to 3.
 *
 * A huge leaf is cut by pointing its entry to a table of 512 leaves that
 * translate the same way with the same rights, so nothing needs a flush; a
 * later change of one of them flushes its address, and with it the old 2 MiB.
 *
 * A table goes as soon as its last entry went. Processors may still walk it,
 * so it is freed after the flush, like the pages.
 */
#include "platform/kvm/pagetable.h"
#include "core/page.h"
#include "lib/string.h"
#include "platform/kvm/cpu.h"
#include "platform/platform.h"

#define ENTRIES		512u
#define LEVELS		4u
#define USER_ENTRIES	256u	/* of the root */
#define TABLE_BITS	(PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED)

/* Entries on the way to an address; [1] is that of a huge leaf or a table. */
struct pt_path {
	uint64_t *entry[LEVELS];
};

static uint64_t size_at(uint32_t level)
{
	return PAGE_SIZE << (9 * level);
}

static uint32_t index_at(uaddr_t addr, uint32_t level)
{
	return addr >> (PAGE_SHIFT + 9 * level) & (ENTRIES - 1);
}

static uint64_t *table_of(uint64_t entry)
{
	return phys_to_virt(entry & PTE_ADDRESS);
}

static void store(uint64_t *entry, uint64_t v)
{
	__atomic_store_n(entry, v, __ATOMIC_RELAXED);
}

/* --- making ------------------------------------------------------------------*/
int pt_init(struct pagetable *pt)
{
	pt->nr_owned = pt->peak_owned = pt->nr_borrowed = 0;
	pt->nr_tables = 1;
	pt->root = page_alloc(0, true);
	if (!pt->root)
		return -ENOMEM;
	memcpy(pt->root + USER_ENTRIES, kernel_pml4() + USER_ENTRIES,
	       (ENTRIES - USER_ENTRIES) * sizeof(*pt->root));
	return 0;
}

/* Tables below t: there are no leaves any more. An allocation that failed half
 * way may have left some without entries. */
static void free_below(uint64_t *t, uint32_t level)
{
	for (uint32_t i = 0; i < (level == 3 ? USER_ENTRIES : ENTRIES); i++) {
		if (!t[i])
			continue;
		if (level > 1)
			free_below(table_of(t[i]), level - 1);
		page_free(table_of(t[i]), 0);
	}
}

void pt_fini(struct pagetable *pt)
{
	if (pt->nr_tables > 1)
		free_below(pt->root, LEVELS - 1);
	page_free(pt->root, 0);
}

static uint64_t rights(uint32_t prot)
{
	uint64_t bits = prot ? PTE_PRESENT : 0;

	return prot & PLAT_EXEC || !cpu_features.nx ? bits : bits | PTE_NX;
}

uint64_t pt_leaf(paddr_t p, uint32_t prot, bool write, bool owned)
{
	return p | rights(prot) | PTE_USER | PTE_ACCESSED | PTE_DIRTY |
	       PTE_HELD | (owned ? PTE_OWNED : 0) |
	       (write && prot & PLAT_WRITE ? PTE_WRITE : 0);
}

static uint64_t pages_of(bool huge)
{
	return huge ? HUGE_PAGES : 1;
}

void pt_set(struct pagetable *pt, uint64_t *entry, uint64_t leaf, bool huge)
{
	uint64_t n = pages_of(huge);

	if (*entry)
		*(*entry & PTE_OWNED ? &pt->nr_owned : &pt->nr_borrowed) -= n;
	if (leaf)
		*(leaf & PTE_OWNED ? &pt->nr_owned : &pt->nr_borrowed) += n;
	pt->peak_owned = MAX(pt->peak_owned, pt->nr_owned);
	store(entry, huge && leaf ? leaf | PTE_LARGE : leaf);
}

static uint64_t *new_table(struct pagetable *pt)
{
	uint64_t *t = page_alloc(0, true);

	if (t)
		pt->nr_tables++;
	return t;
}

static bool split(struct pagetable *pt, uint64_t *entry)
{
	uint64_t *t = new_table(pt), leaf = *entry & ~(uint64_t)PTE_LARGE;

	if (!t)
		return false;
	for (uint32_t i = 0; i < ENTRIES; i++)
		t[i] = leaf + i * PAGE_SIZE;
	/* Partner: the processors' walks. The table is filled first. */
	__atomic_store_n(entry, virt_to_phys(t) | TABLE_BITS,
			 __ATOMIC_RELEASE);
	return true;
}

/* The entry of `level` for addr, with tables made on the way. */
static uint64_t *make_entry(struct pagetable *pt, uaddr_t addr, uint32_t level)
{
	uint64_t *t = pt->root;

	for (uint32_t l = LEVELS - 1; l > level; l--) {
		uint64_t *e = &t[index_at(addr, l)];

		if (*e & PTE_HELD) {
			if (!split(pt, e))
				return NULL;
		} else if (!*e) {
			t = new_table(pt);
			if (!t)
				return NULL;
			__atomic_store_n(e, virt_to_phys(t) | TABLE_BITS,
					 __ATOMIC_RELEASE);
		}
		t = table_of(*e);
	}
	return &t[index_at(addr, level)];
}

uint64_t *pt_make(struct pagetable *pt, uaddr_t addr)
{
	return make_entry(pt, addr, 0);
}

uint64_t *pt_make_huge(struct pagetable *pt, uaddr_t addr)
{
	return make_entry(pt, addr, 1);
}

/* --- finding ------------------------------------------------------------------*/
/* The way to addr down to level 1, or to where it ends; returns that level. */
static uint32_t walk(const struct pagetable *pt, uaddr_t addr,
		     struct pt_path *p)
{
	uint64_t *t = pt->root;

	for (uint32_t l = LEVELS - 1;; l--) {
		p->entry[l] = &t[index_at(addr, l)];
		if (l == 1 || !*p->entry[l])
			return l;
		t = table_of(*p->entry[l]);
	}
}

/* Behind the unused entry of at and those that follow it in the same table:
 * large empty ranges are not walked to from the root each time. */
static uaddr_t skip_unused(const uint64_t *entry, uint32_t level, uaddr_t at,
			   uaddr_t end)
{
	uint64_t size = size_at(level), left = ENTRIES - index_at(at, level);

	do {
		at = (at | (size - 1)) + 1;
		entry++;
	} while (--left && at < end && !*entry);
	return at;
}

/* The first used entry of level 1 in [*at, end), and *at somewhere in it. */
static bool next_entry(const struct pagetable *pt, uaddr_t *at, uaddr_t end,
		       struct pt_path *p)
{
	while (*at < end) {
		uint32_t l = walk(pt, *at, p);

		if (*p->entry[l])
			return true;
		*at = skip_unused(p->entry[l], l, *at, end);
	}
	return false;
}

static uaddr_t step(uaddr_t at, uaddr_t end)
{
	return MIN(end, (at | (HUGE_SIZE - 1)) + 1);
}

uint64_t *pt_find(const struct pagetable *pt, uaddr_t addr, bool *huge)
{
	struct pt_path p;

	*huge = false;
	if (!next_entry(pt, &addr, addr + 1, &p))
		return NULL;
	*huge = *p.entry[1] & PTE_HELD;
	return *huge ? p.entry[1] : table_of(*p.entry[1]) + index_at(addr, 0);
}

int pt_cut(struct pagetable *pt, uaddr_t addr)
{
	struct pt_path p;

	if (!(addr & (HUGE_SIZE - 1)) ||
	    !next_entry(pt, &addr, addr + 1, &p) ||
	    !(*p.entry[1] & PTE_HELD))
		return 0;
	return split(pt, p.entry[1]) ? 0 : -ENOMEM;
}

/* --- removing -----------------------------------------------------------------*/
static void drop_leaf(struct pagetable *pt, uint64_t *entry, uaddr_t at,
		      bool huge, const struct pt_lender *lender,
		      struct gather *g)
{
	uint64_t old = *entry;

	pt_set(pt, entry, 0, huge);
	if (old & PTE_PRESENT)
		gather_range(g, at, at + size_at(huge));
	if (old & PTE_OWNED)
		gather_add(g, pt_page(old), huge ? GATHER_HUGE : GATHER_PAGE);
	else if (lender)
		gather_add_file(g, lender->file, lender->index +
				((at - lender->start) >> PAGE_SHIFT),
				old & PTE_WRITTEN);
}

static bool is_empty(const uint64_t *t)
{
	for (uint32_t i = 0; i < ENTRIES; i += 8)
		if (t[i] | t[i + 1] | t[i + 2] | t[i + 3] | t[i + 4] |
		    t[i + 5] | t[i + 6] | t[i + 7])
			return false;
	return true;
}

/* Free the table behind p->entry[1] if it is empty, then those above. */
static void prune(struct pagetable *pt, struct pt_path *p, uaddr_t at,
		  struct gather *g)
{
	for (uint32_t l = 1; l < LEVELS; l++) {
		uint64_t entry = *p->entry[l];

		if (entry && !is_empty(table_of(entry)))
			return;
		if (!entry)
			continue;	/* a huge leaf was here */
		store(p->entry[l], 0);
		pt->nr_tables--;
		gather_range(g, at, at + PAGE_SIZE);
		gather_add(g, entry & PTE_ADDRESS, GATHER_TABLE);
	}
}

void pt_unmap(struct pagetable *pt, uaddr_t start, uaddr_t end,
	      const struct pt_lender *lender, struct gather *g)
{
	uaddr_t next;
	struct pt_path p;

	for (uaddr_t at = start; next_entry(pt, &at, end, &p); at = next) {
		uint64_t *t;
		uaddr_t a = at;

		next = step(at, end);
		if (*p.entry[1] & PTE_HELD) {
			drop_leaf(pt, p.entry[1], at, true, NULL, g);
		} else {
			t = table_of(*p.entry[1]) + index_at(at, 0);
			for (; a < next; a += PAGE_SIZE, t++)
				if (*t)
					drop_leaf(pt, t, a, false, lender, g);
		}
		prune(pt, &p, at, g);
	}
}

/* --- changing rights ----------------------------------------------------------*/
static void protect_leaf(uint64_t *entry, uaddr_t at, uint32_t prot, bool huge,
			 struct gather *g)
{
	uint64_t old = *entry, new;

	if (!old)
		return;
	new = (old & ~(PTE_PRESENT | PTE_NX)) | rights(prot);
	if (!(prot & PLAT_WRITE))
		new &= ~(uint64_t)PTE_WRITE;
	else if (old & PTE_OWNED && anon_is_sole(pt_page(old), huge))
		new |= PTE_WRITE;
	if (new == old)
		return;
	store(entry, new);
	if (old & PTE_PRESENT &&
	    (old & (PTE_PRESENT | PTE_WRITE) & ~new || new & PTE_NX & ~old))
		gather_range(g, at, at + size_at(huge));
}

void pt_protect(struct pagetable *pt, uaddr_t start, uaddr_t end,
		uint32_t prot, struct gather *g)
{
	uaddr_t next;
	struct pt_path p;

	for (uaddr_t at = start; next_entry(pt, &at, end, &p); at = next) {
		uint64_t *t;

		next = step(at, end);
		if (*p.entry[1] & PTE_HELD) {
			protect_leaf(p.entry[1], at, prot, true, g);
			continue;
		}
		t = table_of(*p.entry[1]);
		for (uaddr_t a = at; a < next; a += PAGE_SIZE)
			protect_leaf(&t[index_at(a, 0)], a, prot, false, g);
	}
}

/* --- copying ------------------------------------------------------------------*/
/* Take the right to write from an entry that is about to be shared. */
static uint64_t share(uint64_t *entry, bool huge, bool *protected)
{
	uint64_t leaf = *entry;

	if (leaf & PTE_WRITE) {
		leaf &= ~(uint64_t)PTE_WRITE;
		store(entry, leaf);
		*protected = true;
	}
	anon_get(pt_page(leaf), huge);
	return leaf;
}

static int copy_huge(struct pagetable *to, uint64_t *from, uaddr_t at,
		     bool *protected)
{
	uint64_t *e;

	if (!(*from & PTE_OWNED))
		return 0;
	e = make_entry(to, at, 1);
	if (!e)
		return -ENOMEM;
	pt_set(to, e, share(from, true, protected), true);
	return 0;
}

static int copy_entries(struct pagetable *to, uint64_t *from, uaddr_t at,
			uint64_t n, bool *protected)
{
	uint64_t *e = NULL;

	for (uint64_t i = 0; i < n; i++) {
		if (!(from[i] & PTE_OWNED))
			continue;
		if (!e)
			e = make_entry(to, at, 0);
		if (!e)
			return -ENOMEM;
		e[i] = share(&from[i], false, protected);
		to->peak_owned = ++to->nr_owned;
	}
	return 0;
}

int pt_copy(struct pagetable *to, struct pagetable *from, uaddr_t start,
	    uaddr_t end, struct gather *g)
{
	bool protected = false;
	struct pt_path p;
	uaddr_t next;
	int err = 0;

	for (uaddr_t at = start; !err && next_entry(from, &at, end, &p);
	     at = next) {
		uint64_t e = *p.entry[1];

		next = step(at, end);
		err = e & PTE_HELD ?
		      copy_huge(to, p.entry[1], at, &protected) :
		      copy_entries(to, table_of(e) + index_at(at, 0), at,
				   (next - at) >> PAGE_SHIFT, &protected);
	}
	if (protected)
		gather_range(g, start, end);
	return err;
}

/* --- moving -------------------------------------------------------------------*/
/* All of one entry of level 1 goes to the place of another one. */
static bool is_whole(uaddr_t at, uaddr_t next, uaddr_t to)
{
	return next - at == HUGE_SIZE && !((at | to) & (HUGE_SIZE - 1));
}

/* Free the tables of the range that are empty. */
static void prune_range(struct pagetable *pt, uaddr_t start, uaddr_t end,
			struct gather *g)
{
	struct pt_path p;

	while (start < end) {
		uint32_t l = walk(pt, start, &p);

		if (l == 1 && !(*p.entry[1] & PTE_HELD))
			prune(pt, &p, start, g);
		start = (start | (size_at(l) - 1)) + 1;
	}
}

static int prepare_move(struct pagetable *pt, uaddr_t from, uaddr_t to,
			uaddr_t end)
{
	struct pt_path p;
	uaddr_t next;

	for (uaddr_t at = from; next_entry(pt, &at, end, &p); at = next) {
		uaddr_t dst = to + (at - from);

		next = step(at, end);
		if (is_whole(at, next, dst)) {
			if (!make_entry(pt, dst, 1))
				return -ENOMEM;
			continue;
		}
		if (*p.entry[1] & PTE_HELD && !split(pt, p.entry[1]))
			return -ENOMEM;
		if (!make_entry(pt, dst, 0) ||
		    !make_entry(pt, dst + (next - at) - PAGE_SIZE, 0))
			return -ENOMEM;
	}
	return 0;
}

static void move_entries(struct pagetable *pt, uint64_t *from, uaddr_t at,
			 uaddr_t next, uaddr_t to, struct gather *g)
{
	for (uaddr_t a = at; a < next; a += PAGE_SIZE, from++) {
		bool huge;

		if (!*from)
			continue;
		store(pt_find(pt, to + (a - at), &huge), *from);
		if (*from & PTE_PRESENT)
			gather_range(g, a, a + PAGE_SIZE);
		store(from, 0);
	}
}

int pt_move(struct pagetable *pt, uaddr_t from, uaddr_t to, size_t len,
	    struct gather *g)
{
	uaddr_t end = from + len, next;
	struct pt_path p;
	int err = prepare_move(pt, from, to, end);

	if (err) {
		prune_range(pt, to, to + len, g);
		return err;
	}
	for (uaddr_t at = from; next_entry(pt, &at, end, &p); at = next) {
		uaddr_t dst = to + (at - from);

		next = step(at, end);
		if (is_whole(at, next, dst)) {
			store(make_entry(pt, dst, 1), *p.entry[1]);
			store(p.entry[1], 0);
			gather_range(g, at, next);
		} else {
			move_entries(pt, table_of(*p.entry[1]) +
				     index_at(at, 0), at, next, dst, g);
		}
	}
	/* not before: an empty table may be the target of what comes later */
	prune_range(pt, from, end, g);
	return 0;
}
