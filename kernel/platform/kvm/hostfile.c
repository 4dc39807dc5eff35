/* SPDX-License-Identifier: MIT */
/*
 * Files of the host: which are known (one struct hostfile for each node), who
 * uses them, and transfers. A still file that nobody has open keeps its pages
 * for the next one, until there are too many or memory is short.
 *
 * Program memory is never copied under a file's lock: the copy may fault, and
 * the fault may ask for a page of the same file. Pages are pinned by a use
 * while they are copied.
 */
#include "platform/kvm/hostfile.h"
#include <linux/falloc.h>
#include <linux/fs.h>
#include "core/heap.h"
#include "core/panic.h"
#include "drv/virtio/fs.h"
#include "lib/string.h"
#include "platform/kvm/hostfile_priv.h"
#include "platform/kvm/writeback.h"

#define HASH_SIZE	512u
#define IDLE_MAX	128u	/* each keeps a descriptor of the tender */

static struct {
	struct mutex lock;
	/* under lock */
	struct list all;	/* least recently used first */
	uint32_t nr_idle;	/* with no reference */
} files = { .lock = MUTEX_INIT, .all = LIST_INIT(files.all) };
/* Under files.lock. By itself: all zeros at start, it is not in the image. */
static struct list file_hash[HASH_SIZE];

/* --- life ---------------------------------------------------------------------*/

static struct list *bucket_locked(uint64_t nodeid)
{
	struct list *b = &file_hash[(nodeid ^ nodeid >> 32) % HASH_SIZE];

	if (!b->next)
		list_init(b);
	return b;
}

static struct hostfile *find_locked(uint64_t nodeid)
{
	list_for_each(l, bucket_locked(nodeid)) {
		struct hostfile *f = list_entry(l, struct hostfile,
						hash_link);

		if (f->nodeid == nodeid)
			return f;
	}
	return NULL;
}

static void use_locked(struct hostfile *f)
{
	if (!f->refs++)
		files.nr_idle--;
	list_remove(&f->all_link);
	list_append(&files.all, &f->all_link);
}

static struct hostfile *file_create(uint64_t nodeid, bool still)
{
	struct hostfile *f = kzalloc(sizeof(*f));

	if (!f)
		return NULL;
	f->nodeid = nodeid;
	f->still = still;
	f->refs = 1;
	mutex_init(&f->lock);
	list_init(&f->opens);
	list_init(&f->hash_link);
	list_init(&f->all_link);
	return f;
}

struct hostfile *hostfile_of_node(uint64_t nodeid, bool still)
{
	struct hostfile *f, *fresh = file_create(nodeid, still);

	mutex_lock(&files.lock);
	f = find_locked(nodeid);
	if (f) {
		use_locked(f);
	} else if (fresh) {
		f = fresh;
		fresh = NULL;
		list_append(bucket_locked(nodeid), &f->hash_link);
		list_append(&files.all, &f->all_link);
		mutex_unlock(&files.lock);
		return f;
	}
	mutex_unlock(&files.lock);
	kfree(fresh);
	fuse_forget(nodeid, 1);
	return f;
}

void hostfile_set_likely_size(struct hostfile *f, uint64_t size)
{
	__atomic_store_n(&f->likely_size, MAX(size, 1ul), __ATOMIC_RELAXED);
}

static void release_fh(uint64_t nodeid, uint64_t fh)
{
	struct fuse_release_in in = { .fh = fh };
	struct fuse_msg m = { .opcode = FUSE_RELEASE, .nodeid = nodeid };

	fuse_send(&m, &in, sizeof(in));
	/* nobody could do anything about an error */
	(void)!fuse_call(&m);
}

/* Nobody refers to f any more. */
static void file_destroy(struct hostfile *f)
{
	hostpage_drop_clean_locked(f, UINT64_MAX);
	if (f->has_own_fh)
		release_fh(f->nodeid, f->own_fh);
	fuse_forget(f->nodeid, 1);
	kfree(f);
}

/* The idle file that was used longest ago, taken out; NULL: few are idle. */
static struct hostfile *take_idle_locked(void)
{
	if (files.nr_idle <= IDLE_MAX)
		return NULL;
	list_for_each(l, &files.all) {
		struct hostfile *f = list_entry(l, struct hostfile, all_link);

		if (f->refs)
			continue;
		list_remove(&f->all_link);
		list_remove(&f->hash_link);
		files.nr_idle--;
		return f;
	}
	return NULL;
}

/* One reference less. */
static void file_put(struct hostfile *f)
{
	struct hostfile *victim = NULL;

	mutex_lock(&files.lock);
	if (!--f->refs) {
		files.nr_idle++;
		if (f->still) {
			victim = take_idle_locked();
		} else {
			list_remove(&f->all_link);
			list_remove(&f->hash_link);
			files.nr_idle--;
			victim = f;
		}
	}
	mutex_unlock(&files.lock);
	if (victim)
		file_destroy(victim);
}

uint64_t hostfile_shrink(uint64_t nr_pages)
{
	uint64_t n = 0;

	if (!mutex_try_lock(&files.lock))
		return 0;
	list_for_each(l, &files.all) {
		struct hostfile *f = list_entry(l, struct hostfile, all_link);

		if (n >= nr_pages)
			break;
		if (!f->nr_pages || !mutex_try_lock(&f->lock))
			continue;
		n += hostpage_drop_clean_locked(f, nr_pages - n);
		mutex_unlock(&f->lock);
	}
	mutex_unlock(&files.lock);
	return n;
}

/* --- open files ----------------------------------------------------------------*/

struct hostopen *hostopen_create(struct hostfile *file, uint64_t fh,
				 bool readable, bool writable)
{
	struct hostopen *o = kzalloc(sizeof(*o));

	if (!o) {
		release_fh(file->nodeid, fh);
		file_put(file);
		return NULL;
	}
	o->file = file;
	o->fh = fh;
	o->readable = readable;
	o->writable = writable;
	o->refs = 1;
	mutex_lock(&file->lock);
	list_append(&file->opens, &o->link);
	mutex_unlock(&file->lock);
	return o;
}

struct hostopen *hostopen_get(struct hostopen *o)
{
	__atomic_fetch_add(&o->refs, 1, __ATOMIC_RELAXED);
	return o;
}

void hostopen_put(struct hostopen *o)
{
	struct hostfile *f;

	if (!o || __atomic_sub_fetch(&o->refs, 1, __ATOMIC_ACQ_REL))
		return;
	f = o->file;
	mutex_lock(&f->lock);
	list_remove(&o->link);
	mutex_unlock(&f->lock);
	release_fh(f->nodeid, o->fh);
	kfree(o);
	file_put(f);
}

uint64_t hostopen_nodeid(const struct hostopen *o)
{
	return o->file->nodeid;
}

int64_t hostopen_seek(struct hostopen *o, int64_t off, int whence)
{
	struct fuse_lseek_in in = { .fh = o->fh, .offset = (uint64_t)off,
				    .whence = (uint32_t)whence };
	struct fuse_lseek_out out;
	struct fuse_msg m = { .opcode = FUSE_LSEEK,
			      .nodeid = o->file->nodeid };
	int err;

	fuse_send(&m, &in, sizeof(in));
	fuse_receive(&m, &out, sizeof(out));
	err = fuse_call_exact(&m);
	if (err)
		return err;
	if (whence == SEEK_END && !off)
		hostfile_set_likely_size(o->file, out.offset);
	return (int64_t)(out.offset & INT64_MAX);
}

int hostopen_sync(struct hostopen *o)
{
	return hostfile_sync(o->file, 0, UINT64_MAX);
}

static void zero_pages_locked(struct hostfile *f, uint64_t off, uint64_t end)
{
	struct hostpage *p = hostpage_next_locked(f, off >> PAGE_SHIFT);

	for (; p && p->index << PAGE_SHIFT < end;
	     p = hostpage_next_locked(f, p->index + 1)) {
		uint64_t start = p->index << PAGE_SHIFT;
		uint64_t from = MAX(off, start);

		memset(p->data + (from - start), 0,
		       MIN(end, start + PAGE_SIZE) - from);
	}
}

/* Under the lock as a whole: meanwhile no page is read or written back. */
int hostopen_allocate(struct hostopen *o, uint32_t mode, uint64_t off,
		      uint64_t len)
{
	struct fuse_fallocate_in in = { .fh = o->fh, .offset = off,
					.length = len, .mode = mode };
	struct fuse_msg m = { .opcode = FUSE_FALLOCATE,
			      .nodeid = o->file->nodeid };
	int err;

	fuse_send(&m, &in, sizeof(in));
	mutex_lock(&o->file->lock);
	err = fuse_call(&m);
	if (!err && mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		zero_pages_locked(o->file, off, off + len);
	mutex_unlock(&o->file->lock);
	return err;
}

/* --- mappings -------------------------------------------------------------------*/

struct hostfile *hostfile_for_mapping(struct hostopen *o, bool write_shared)
{
	struct hostfile *f = hostfile_ref(o->file);

	if (!write_shared || !o->writable)
		return f;
	mutex_lock(&f->lock);
	if (!f->writer)
		f->writer = hostopen_get(o);
	mutex_unlock(&f->lock);
	return f;
}

struct hostfile *hostfile_ref(struct hostfile *f)
{
	mutex_lock(&files.lock);
	use_locked(f);
	mutex_unlock(&files.lock);
	__atomic_fetch_add(&f->nr_mappings, 1, __ATOMIC_ACQ_REL);
	return f;
}

void hostfile_put(struct hostfile *f)
{
	struct hostopen *writer = NULL;

	mutex_lock(&f->lock);
	/* whoever maps it again counts first, then sets the writer */
	if (!__atomic_sub_fetch(&f->nr_mappings, 1, __ATOMIC_ACQ_REL)) {
		writer = f->writer;
		f->writer = NULL;
	}
	mutex_unlock(&f->lock);
	hostopen_put(writer);
	file_put(f);
}

/* --- all that programs wrote to mappings -----------------------------------------*/

/* One round at a time: a second would take the files away from the first. */
static struct {
	struct mutex lock;
	uint32_t nr;	/* under lock */
} rounds = { .lock = MUTEX_INIT };

/* A file that may have been written to and was not seen in this round. */
static struct hostfile *next_written(uint32_t round)
{
	struct hostfile *found = NULL;

	mutex_lock(&files.lock);
	list_for_each(l, &files.all) {
		struct hostfile *f = list_entry(l, struct hostfile, all_link);

		/* a hint: who maps it to write it has set it before */
		if (f->round == round ||
		    !__atomic_load_n(&f->writer, __ATOMIC_RELAXED))
			continue;
		f->round = round;
		if (!f->refs++)
			files.nr_idle--;
		found = f;
		break;
	}
	mutex_unlock(&files.lock);
	return found;
}

/* Page by page, so that nobody who needs the file waits for all. */
static bool write_back(struct hostfile *f)
{
	struct hostpage *p;
	uint64_t index = 0;
	bool dirty = false;

	do {
		mutex_lock(&f->lock);
		p = hostpage_next_locked(f, index);
		if (p) {
			index = p->index + 1;
			if (p->dirty)
				hostpage_write_changed_locked(f, p);
			dirty = dirty || p->dirty;
		}
		mutex_unlock(&f->lock);
	} while (p);
	return dirty;
}

bool hostfile_write_back(void)
{
	struct hostfile *f;
	bool dirty = false;
	uint32_t round;

	mutex_lock(&rounds.lock);
	round = ++rounds.nr;
	while ((f = next_written(round))) {
		dirty = write_back(f) || dirty;
		file_put(f);
	}
	mutex_unlock(&rounds.lock);
	return dirty;
}

int hostfile_page(struct hostfile *f, uint64_t index, bool write,
		  paddr_t *out)
{
	struct hostpage *p;
	bool first = false;
	int err;

	mutex_lock(&f->lock);
	err = hostpage_read_locked(f, index, &p);
	if (!err) {
		p->uses++;
		p->writers += write;
		first = write && !p->dirty;
		p->dirty |= write;
		*out = virt_to_phys(p->data);
	}
	mutex_unlock(&f->lock);
	if (first)
		writeback_wanted();
	return err;
}

void hostfile_page_again(struct hostfile *f, uint64_t index, bool write)
{
	struct hostpage *p;

	mutex_lock(&f->lock);
	p = hostpage_find_locked(f, index);
	assert(p && p->uses);
	p->uses++;
	p->writers += write;
	p->dirty |= write;
	mutex_unlock(&f->lock);
}

void hostfile_page_put(struct hostfile *f, uint64_t index, bool write)
{
	struct hostpage *p;

	mutex_lock(&f->lock);
	p = hostpage_find_locked(f, index);
	assert(p && p->uses && (!write || p->writers));
	hostpage_unuse_locked(f, p, write);
	mutex_unlock(&f->lock);
}

int hostfile_sync(struct hostfile *f, uint64_t index, uint64_t nr_pages)
{
	uint64_t end = nr_pages > UINT64_MAX - index ? UINT64_MAX :
		       index + nr_pages;
	struct hostpage *p;
	int err = 0, e;

	mutex_lock(&f->lock);
	p = hostpage_next_locked(f, index);
	while (p && p->index < end) {
		e = hostpage_clean_locked(f, p);
		err = err ? err : e;
		p = hostpage_next_locked(f, p->index + 1);
	}
	mutex_unlock(&f->lock);
	return err;
}

static void resize_page_locked(struct hostfile *f, struct hostpage *p,
			       uint64_t size)
{
	uint64_t start = p->index << PAGE_SHIFT;
	uint32_t valid = 0;

	if (size > start)
		valid = (uint32_t)MIN(size - start, PAGE_SIZE);
	if (valid < p->valid)
		memset(p->data + valid, 0, PAGE_SIZE - valid);
	p->valid = valid;
	if (!p->uses && !valid)
		hostpage_drop_locked(f, p);
}

void hostfile_resized(uint64_t nodeid, uint64_t size)
{
	struct hostfile *f;
	struct hostpage *p;

	mutex_lock(&files.lock);
	f = find_locked(nodeid);
	if (f)
		use_locked(f);
	mutex_unlock(&files.lock);
	if (!f)
		return;
	mutex_lock(&f->lock);
	p = hostpage_next_locked(f, 0);
	while (p) {
		uint64_t next = p->index + 1;

		resize_page_locked(f, p, size);
		p = hostpage_next_locked(f, next);
	}
	mutex_unlock(&f->lock);
	file_put(f);
}
