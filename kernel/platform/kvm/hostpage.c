/* SPDX-License-Identifier: MIT */
/*
 * Cached pages of one host file: a tree by index, reading with read-ahead,
 * writing back. Everything happens under the file's lock, requests to the host
 * included: two readers of one file take turns, readers of different files do
 * not meet.
 *
 * Where a file ends is known by short reads only: `valid` of a page says how
 * much of it is the file's, so that writing back never makes the file longer.
 */
#include "core/page.h"
#include "drv/virtio/fs.h"
#include "lib/string.h"
#include "platform/kvm/hostfile_priv.h"
#include "platform/platform.h"
#include <linux/fcntl.h>

#define WINDOW_PAGES	32u	/* of read-ahead, aligned */
#define LIVE_NS		NSEC_PER_SEC	/* unused pages of live files */
_Static_assert(WINDOW_PAGES + 1 <= FUSE_SEGS_MAX, "one request");

static struct hostpage *page_of(struct avl_node *n)
{
	return container_of(n, struct hostpage, node);
}

struct hostpage *hostpage_find_locked(struct hostfile *f, uint64_t index)
{
	struct avl_node *n = f->pages.root;

	while (n && page_of(n)->index != index)
		n = index < page_of(n)->index ? n->left : n->right;
	return n ? page_of(n) : NULL;
}

struct hostpage *hostpage_next_locked(struct hostfile *f, uint64_t index)
{
	struct avl_node *n = f->pages.root;
	struct hostpage *best = NULL;

	while (n) {
		if (page_of(n)->index >= index) {
			best = page_of(n);
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

static void insert_locked(struct hostfile *f, struct hostpage *p)
{
	struct avl_node *n = f->pages.root, *parent = NULL;
	bool right = false;

	while (n) {
		parent = n;
		right = p->index > page_of(n)->index;
		n = right ? n->right : n->left;
	}
	avl_insert(&f->pages, &p->node, parent, right);
	f->nr_pages++;
}

/*
 * Records of pages, in pages of their own that are kept: they are freed when
 * memory is short, inside an allocation of the heap's, where the heap can not
 * be called.
 */
static struct {
	struct mutex lock;
	/* under lock */
	struct hostpage *free;	/* list by node.parent */
} records = { .lock = MUTEX_INIT };

static void record_put(struct hostpage *p)
{
	mutex_lock(&records.lock);
	p->node.parent = (struct avl_node *)records.free;
	records.free = p;
	mutex_unlock(&records.lock);
}

static struct hostpage *record_take(void)
{
	struct hostpage *p;

	mutex_lock(&records.lock);
	p = records.free;
	if (p)
		records.free = (struct hostpage *)p->node.parent;
	mutex_unlock(&records.lock);
	return p;
}

/* A page of records; the first is the caller's. */
static struct hostpage *make_records(void)
{
	struct hostpage *page = page_alloc(0, false);
	size_t last = PAGE_SIZE / sizeof(*page) - 1;

	if (!page)
		return NULL;
	for (size_t i = 1; i < last; i++)
		page[i].node.parent = (struct avl_node *)&page[i + 1];
	mutex_lock(&records.lock);
	page[last].node.parent = (struct avl_node *)records.free;
	records.free = &page[1];
	mutex_unlock(&records.lock);
	return page;
}

static struct hostpage *record_get(void)
{
	struct hostpage *p = record_take();

	if (!p)
		p = make_records();
	if (p)
		*p = (struct hostpage){ .index = 0 };
	return p;
}

static void free_page(struct hostpage *p)
{
	page_free(p->data, 0);
	record_put(p);
}

void hostpage_drop_locked(struct hostfile *f, struct hostpage *p)
{
	avl_remove(&f->pages, &p->node);
	f->nr_pages--;
	free_page(p);
}

static struct hostpage *alloc_page(uint64_t index)
{
	struct hostpage *p = record_get();

	if (!p)
		return NULL;
	p->index = index;
	p->data = page_alloc_program(0, false);
	if (p->data)
		return p;
	record_put(p);
	return NULL;
}

/* --- reading -----------------------------------------------------------------*/

/* A handle to read the file by: any that is open, else one of our own. */
static int reading_handle_locked(struct hostfile *f, uint64_t *fh)
{
	struct fuse_open_in in = { .flags = O_RDONLY };
	struct fuse_open_out out;
	struct fuse_msg m = { .opcode = FUSE_OPEN, .nodeid = f->nodeid };
	int err;

	list_for_each(l, &f->opens) {
		struct hostopen *o = list_entry(l, struct hostopen, link);

		*fh = o->fh;
		if (o->readable)
			return 0;
	}
	if (!f->has_own_fh) {
		fuse_send(&m, &in, sizeof(in));
		fuse_receive(&m, &out, sizeof(out));
		err = fuse_call_exact(&m);
		if (err)
			return err;
		f->own_fh = out.fh;
		f->has_own_fh = true;
	}
	*fh = f->own_fh;
	return 0;
}

/* Pages around index that are missing, in its window. Returns how many. */
static uint32_t missing_run_locked(struct hostfile *f, uint64_t index,
				   uint64_t *first)
{
	uint64_t start = index & ~(uint64_t)(WINDOW_PAGES - 1);
	uint64_t end = start + WINDOW_PAGES, low = index, high = index + 1;
	uint64_t size = __atomic_load_n(&f->likely_size, __ATOMIC_RELAXED);

	/* what is likely not there is not asked for */
	if (size)
		end = MIN(end, PAGE_UP(size) >> PAGE_SHIFT);

	while (low > start && !hostpage_find_locked(f, low - 1))
		low--;
	while (high < end && !hostpage_find_locked(f, high))
		high++;
	*first = low;
	return (uint32_t)(high - low);
}

/* As many as memory allows, at least the one wanted, or none. */
static uint32_t alloc_run(struct hostpage **p, uint64_t *first, uint32_t nr,
			  uint64_t wanted)
{
	uint32_t n = 0;

	while (n < nr && (p[n] = alloc_page(*first + n)))
		n++;
	if (n == nr || *first + n > wanted)
		return n;
	while (n)
		free_page(p[--n]);
	*first = wanted;
	p[0] = alloc_page(wanted);
	return p[0] ? 1 : 0;
}

/* Keep those pages of a run that the file has. */
static void keep_run_locked(struct hostfile *f, struct hostpage **p,
			    uint32_t nr, uint32_t got)
{
	uint64_t now = plat_clock_mono_ns();

	for (uint32_t i = 0; i < nr; i++) {
		if (got <= i * PAGE_SIZE) {
			free_page(p[i]);
			continue;
		}
		p[i]->valid = (uint32_t)MIN(got - i * PAGE_SIZE, PAGE_SIZE);
		memset(p[i]->data + p[i]->valid, 0, PAGE_SIZE - p[i]->valid);
		p[i]->fetched_ns = now;
		insert_locked(f, p[i]);
	}
}

static int fetch_locked(struct hostfile *f, uint64_t index)
{
	struct virtq_seg seg[FUSE_SEGS_MAX];
	struct fuse_msg m = { .opcode = FUSE_READ, .nodeid = f->nodeid,
			      .seg = seg };
	struct hostpage *p[WINDOW_PAGES];
	struct fuse_read_in in = { 0 };
	uint64_t first;
	uint32_t nr = missing_run_locked(f, index, &first);
	int err = reading_handle_locked(f, &in.fh);

	if (err)
		return err;
	nr = alloc_run(p, &first, nr, index);
	if (!nr)
		return -ENOMEM;
	in.offset = first << PAGE_SHIFT;
	in.size = nr * (uint32_t)PAGE_SIZE;
	fuse_send(&m, &in, sizeof(in));
	for (uint32_t i = 0; i < nr; i++)
		fuse_receive(&m, p[i]->data, PAGE_SIZE);
	err = fuse_call(&m);
	keep_run_locked(f, p, nr, err ? 0 : m.got);
	return err;
}

int hostpage_read_locked(struct hostfile *f, uint64_t index,
			 struct hostpage **out)
{
	struct hostpage *p = hostpage_find_locked(f, index);
	int err;

	/* what was read ahead of a live file serves a moment only */
	if (p && !f->still && !p->uses && !p->dirty &&
	    plat_clock_mono_ns() - p->fetched_ns > LIVE_NS) {
		hostpage_drop_locked(f, p);
		p = NULL;
	}
	if (!p) {
		if (index > (uint64_t)INT64_MAX >> PAGE_SHIFT)
			return -EFAULT;
		err = fetch_locked(f, index);
		if (err)
			return err;
		p = hostpage_find_locked(f, index);
	}
	*out = p;
	return p && p->valid ? 0 : -EFAULT;
}

/* --- writing back -------------------------------------------------------------*/

static int writing_handle_locked(struct hostfile *f, uint64_t *fh)
{
	if (f->writer) {
		*fh = f->writer->fh;
		return 0;
	}
	list_for_each(l, &f->opens) {
		struct hostopen *o = list_entry(l, struct hostopen, link);

		*fh = o->fh;
		if (o->writable)
			return 0;
	}
	return -EIO;
}

int hostpage_clean_locked(struct hostfile *f, struct hostpage *p)
{
	struct fuse_msg m = { .opcode = FUSE_WRITE, .nodeid = f->nodeid };
	struct fuse_write_in in = { .offset = p->index << PAGE_SHIFT,
				    .size = p->valid };
	struct fuse_write_out out;
	int err;

	if (!p->dirty || !p->valid)
		return 0;
	err = writing_handle_locked(f, &in.fh);
	if (err)
		return err;
	fuse_send(&m, &in, sizeof(in));
	fuse_send(&m, p->data, p->valid);
	fuse_receive(&m, &out, sizeof(out));
	err = fuse_call_exact(&m);
	if (!err && out.size != p->valid)
		err = -EIO;
	/* a mapping that may write it still may: it is never clean before */
	p->dirty = p->writers || err == -EIO;
	return err;
}

static uint64_t sum_of(const struct hostpage *p)
{
	const uint64_t *w = (const uint64_t *)p->data;
	uint64_t sum = 0;

	for (size_t i = 0; i < PAGE_SIZE / sizeof(*w); i++) {
		sum = (sum ^ __atomic_load_n(&w[i], __ATOMIC_RELAXED)) *
		      0x9e3779b97f4a7c15ull;
		sum ^= sum >> 29;
	}
	return sum;
}

void hostpage_write_changed_locked(struct hostfile *f, struct hostpage *p)
{
	/* before the bytes go: what changes meanwhile goes the next time */
	uint64_t sum = sum_of(p);

	if (sum != p->written_sum && !hostpage_clean_locked(f, p) && p->dirty)
		p->written_sum = sum;
}

void hostpage_unuse_locked(struct hostfile *f, struct hostpage *p, bool write)
{
	if (write && !--p->writers && hostpage_clean_locked(f, p))
		p->dirty = false;	/* as on Linux: told by fsync only */
	if (!--p->uses && (!f->still || !p->valid))
		hostpage_drop_locked(f, p);
}

uint64_t hostpage_drop_clean_locked(struct hostfile *f, uint64_t max)
{
	struct hostpage *p = hostpage_next_locked(f, 0);
	uint64_t n = 0;

	while (p && n < max) {
		uint64_t next = p->index + 1;

		if (!p->uses && !p->dirty) {
			hostpage_drop_locked(f, p);
			n++;
		}
		p = hostpage_next_locked(f, next);
	}
	return n;
}
