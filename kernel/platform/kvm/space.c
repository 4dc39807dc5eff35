/* SPDX-License-Identifier: MIT */
/*
 * Address spaces of programs: their life, and the changes that the personality
 * asks for (platform.h). A space is its regions (what may be there) and its
 * page tables (what is there), both under space->lock. A change prepares all
 * that can fail, takes entries out of the tables, waits for the processors to
 * forget them (gather), and only then lets pages and files go: so when a
 * plat_ call returns, no program reaches what was there before.
 */
#include "platform/kvm/space_priv.h"
#include "core/heap.h"
#include "core/page.h"
#include "core/task.h"
#include "lib/string.h"
#include "platform/kvm/hostfile.h"

#define SPACE_END	0x800000000000ull	/* of the lower half */

static struct space *current_space(void)
{
	return current_task()->arch.plat.space;
}

/* --- life ----------------------------------------------------------------------*/
struct space *space_create(void)
{
	struct space *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	if (pt_init(&s->pt)) {
		kfree(s);
		return NULL;
	}
	s->cr3 = virt_to_phys(s->pt.root);
	ref_init(&s->refs, 1);
	mutex_init(&s->lock);
	regions_init(&s->regions);
	return s;
}

struct space *space_get(struct space *s)
{
	ref_get(&s->refs);
	return s;
}

void space_unmap_part(struct space *s, const struct region *r, uaddr_t start,
		      uaddr_t end, struct gather *g)
{
	const struct pt_lender lender = {
		.file = r->file, .start = r->start,
		.index = r->offset >> PAGE_SHIFT,
	};

	pt_unmap(&s->pt, start, end, r->file ? &lender : NULL, g);
}

/* Take an isolated range out of regions and tables. */
static void clear(struct space *s, uaddr_t start, uaddr_t end,
		  struct list *dead)
{
	struct region *r = region_find(&s->regions, start);
	struct gather g;

	if (!r || r->start >= end)
		return;
	gather_begin(&g, s);
	for (; r && r->start < end; r = region_next(&s->regions, r))
		if (r->file)
			space_unmap_part(s, r, r->start, r->end, &g);
	pt_unmap(&s->pt, start, end, NULL, &g);
	gather_end(&g);
	region_detach(&s->regions, start, end, dead);
}

void space_put(struct space *s)
{
	struct list dead = LIST_INIT(dead);

	if (!ref_put(&s->refs))
		return;
	tlb_drop(s);
	clear(s, 0, SPACE_END, &dead);
	region_release(&dead);
	pt_fini(&s->pt);
	kfree(s);
}

/* Without the lock, whose holder may be waiting for memory. */
static uint64_t counted(const uint64_t *pages)
{
	return __atomic_load_n(pages, __ATOMIC_RELAXED) << PAGE_SHIFT;
}

void space_usage(const struct space *s, struct plat_usage *u)
{
	*u = (struct plat_usage){
		.private = counted(&s->pt.nr_owned),
		.private_peak = counted(&s->pt.peak_owned),
		.mapped = counted(&s->pt.nr_borrowed),
		.tables = counted(&s->pt.nr_tables),
	};
}

uint32_t *space_nr_ready(struct space *s)
{
	return &s->nr_ready;
}

uint64_t *space_cpu_ns(struct space *s)
{
	return &s->cpu_ns;
}

/* --- mapping -------------------------------------------------------------------*/
static int check_range(uaddr_t addr, size_t len)
{
	if ((addr | len) & ~PAGE_MASK || !len || addr + len < addr ||
	    addr + len > SPACE_END)
		return -EINVAL;
	return 0;
}

/* Make [start, end) a range of whole regions and leaves. */
static int isolate(struct space *s, uaddr_t start, uaddr_t end)
{
	int err = pt_cut(&s->pt, start);

	if (!err)
		err = pt_cut(&s->pt, end);
	return err ? err : region_isolate(&s->regions, start, end);
}

static bool is_unused(struct space *s, uaddr_t start, uaddr_t end)
{
	struct region *r = region_find(&s->regions, start);

	return !r || r->start >= end;
}

static int unmap_locked(struct space *s, uaddr_t start, uaddr_t end,
			struct list *dead)
{
	int err;

	if (is_unused(s, start, end))
		return 0;
	err = isolate(s, start, end);
	if (!err)
		clear(s, start, end, dead);
	return err;
}

static struct region *new_region(uaddr_t addr, size_t len, uint32_t prot,
				 const struct plat_backing *b)
{
	struct region *r = kzalloc(sizeof(*r));

	if (!r)
		return NULL;
	list_init(&r->link);
	r->start = addr;
	r->end = addr + len;
	r->kind = b->kind;
	r->prot = b->kind == PLAT_BACK_NONE ? 0 : prot;
	if (b->kind != PLAT_BACK_POOL && b->kind != PLAT_BACK_HOST)
		return r;
	r->shared = b->shared;
	r->offset = b->offset;
	if (b->kind == PLAT_BACK_HOST) {
		r->file = hostfile_get(b->host_fd, b->shared);
		if (!r->file) {
			kfree(r);
			return NULL;
		}
	}
	return r;
}

int plat_map(uaddr_t addr, size_t len, uint32_t prot,
	     const struct plat_backing *b)
{
	struct space *s = current_space();
	struct list dead = LIST_INIT(dead);
	struct region *r;
	int err = check_range(addr, len);

	if (err)
		return err;
	r = new_region(addr, len, prot, b);
	if (!r)
		return -ENOMEM;
	mutex_lock(&s->lock);
	err = unmap_locked(s, addr, addr + len, &dead);
	if (!err) {
		region_insert(&s->regions, r);
		if (b->populate && r->prot)
			space_populate(s, r, addr, addr + len);
		region_merge(&s->regions, addr, addr + len, &dead);
	} else {
		list_append(&dead, &r->link);
	}
	mutex_unlock(&s->lock);
	region_release(&dead);
	return err;
}

int plat_unmap(uaddr_t addr, size_t len)
{
	struct space *s = current_space();
	struct list dead = LIST_INIT(dead);
	int err = check_range(addr, len);

	if (err)
		return err;
	mutex_lock(&s->lock);
	err = unmap_locked(s, addr, addr + len, &dead);
	mutex_unlock(&s->lock);
	region_release(&dead);
	return err;
}

void plat_space_reset(void)
{
	struct space *s = current_space();
	struct list dead = LIST_INIT(dead);

	mutex_lock(&s->lock);
	clear(s, 0, SPACE_END, &dead);
	mutex_unlock(&s->lock);
	region_release(&dead);
}

uint32_t plat_reserved_ranges(struct plat_range *r, uint32_t max)
{
	return 0;
}

/* --- changing ------------------------------------------------------------------*/
typedef void region_fn(struct space *s, struct region *r, uaddr_t start,
		       uaddr_t end, uint32_t arg, struct gather *g);

static void protect_one(struct space *s, struct region *r, uaddr_t start,
			uaddr_t end, uint32_t prot, struct gather *g)
{
	if (r->kind == PLAT_BACK_NONE)
		return;
	r->prot = prot;
	pt_protect(&s->pt, start, end, prot, g);
}

static void discard_one(struct space *s, struct region *r, uaddr_t start,
			uaddr_t end, uint32_t arg, struct gather *g)
{
	space_unmap_part(s, r, start, end, g);
}

static void flag_one(struct space *s, struct region *r, uaddr_t start,
		     uaddr_t end, uint32_t advice, struct gather *g)
{
	if (advice == PLAT_ADV_DONTFORK || advice == PLAT_ADV_DOFORK)
		r->dontfork = advice == PLAT_ADV_DONTFORK;
	else
		r->huge = advice == PLAT_ADV_HUGE &&
			  r->kind == PLAT_BACK_ZERO;
}

/*
 * Do it to each region's part of the range. Returns 0, or -ENOMEM: holes were
 * passed over, or nothing was done for want of memory.
 */
static int for_each_part(uaddr_t start, uaddr_t end, region_fn *fn,
			 uint32_t arg, bool splits)
{
	struct space *s = current_space();
	struct list dead = LIST_INIT(dead);
	struct gather g;
	int err;

	mutex_lock(&s->lock);
	/* what has no use for boundaries of regions does not make them */
	err = pt_cut(&s->pt, start);
	if (!err)
		err = pt_cut(&s->pt, end);
	if (!err && splits)
		err = region_isolate(&s->regions, start, end);
	if (err)
		goto out;
	gather_begin(&g, s);
	for (struct region *r = region_find(&s->regions, start);
	     r && r->start < end; r = region_next(&s->regions, r))
		fn(s, r, MAX(r->start, start), MIN(r->end, end), arg, &g);
	gather_end(&g);
	if (!region_covers(&s->regions, start, end))
		err = -ENOMEM;
	if (splits)
		region_merge(&s->regions, start, end, &dead);
out:
	mutex_unlock(&s->lock);
	region_release(&dead);
	return err;
}

int plat_protect(uaddr_t addr, size_t len, uint32_t prot)
{
	int err = check_range(addr, len);

	return err ? err : for_each_part(addr, addr + len, protect_one, prot,
					 true);
}

int plat_advise(uaddr_t addr, size_t len, enum plat_advice a)
{
	int err = check_range(addr, len);

	if (err || a == PLAT_ADV_WILLNEED)
		return err;
	/* Linux may take the pages at once, too */
	if (a == PLAT_ADV_DISCARD || a == PLAT_ADV_FREE)
		return for_each_part(addr, addr + len, discard_one, 0, false);
	return for_each_part(addr, addr + len, flag_one, a, true);
}

/* --- moving --------------------------------------------------------------------*/
/* The regions of [from, from + len), isolated, go to `to`. The last one also
 * gets `more` bytes behind it. */
static void shift(struct space *s, uaddr_t from, size_t len, uaddr_t to,
		  size_t more)
{
	struct list moved = LIST_INIT(moved);

	region_detach(&s->regions, from, from + len, &moved);
	list_for_each_safe(l, &moved) {
		struct region *r = list_entry(l, struct region, link);

		list_remove(&r->link);
		r->start += to - from;
		r->end += to - from;
		if (r->end == to + len)
			r->end += more;
		region_insert(&s->regions, r);
	}
}

static int move_locked(struct space *s, uaddr_t from, size_t len, uaddr_t to,
		       size_t to_len, struct list *dead)
{
	struct gather g;
	int err = isolate(s, from, from + len);

	if (err)
		return err;
	err = unmap_locked(s, to, to + to_len, dead);
	if (err)
		return err;
	gather_begin(&g, s);
	/* also tables without entries */
	pt_unmap(&s->pt, to, to + to_len, NULL, &g);
	err = pt_move(&s->pt, from, to, len, &g);
	gather_end(&g);
	if (!err)
		shift(s, from, len, to, to_len - len);
	region_merge(&s->regions, from, from + len, dead);
	region_merge(&s->regions, to, to + to_len, dead);
	return err;
}

int plat_move(uaddr_t from, size_t from_len, uaddr_t to, size_t to_len)
{
	struct space *s = current_space();
	struct list dead = LIST_INIT(dead);
	size_t len = MIN(from_len, to_len);
	int err = check_range(from, from_len);

	if (!err)
		err = check_range(to, to_len);
	if (!err && from < to + to_len && to < from + from_len)
		err = -EINVAL;
	if (err)
		return err;
	mutex_lock(&s->lock);
	if (!region_covers(&s->regions, from, from + from_len))
		err = -EFAULT;
	if (!err && len < from_len)
		err = unmap_locked(s, from + len, from + from_len, &dead);
	if (!err)
		err = move_locked(s, from, len, to, to_len, &dead);
	mutex_unlock(&s->lock);
	region_release(&dead);
	return err;
}

/* --- the pool ------------------------------------------------------------------*/
/* There is nobody to give it to: the host takes back what a balloon or free
 * page reports tell it, which is not done here. */
void plat_pool_release(uint64_t offset, size_t len)
{
	memset(page_at(offset), 0, len);
}
