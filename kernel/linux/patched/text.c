/* SPDX-License-Identifier: MIT */
/*
 * Shadow text: for each executable segment of a file, one copy in the page
 * pool whose system-call sites jump to trampolines right behind the image.
 * Made when the segment is first mapped, shared by all processes (each maps
 * it private), thrown away when the file has changed. Reads of the mapping
 * see the jumps; reads of the file see the original bytes. A program that
 * makes its text writable changes its own private copy only.
 *
 * Invariant: a shadow's tail lies at address(text) + distance in every
 * process; where that room is taken, the segment is mapped unpatched.
 */
#include "linux/text.h"
#include "arch/arch_task.h"
#include "arch/patch.h"
#include "core/heap.h"
#include "core/page.h"
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/mm_priv.h"
#include "linux/process.h"
#include "platform/platform.h"
#include <linux/elf.h>
#include <linux/mman.h>
#include <linux/stat.h>

#define HASH_SIZE	64u
#define PHDRS_MAX	64u
#define TEXT_MAX	(256ul << 20)
#define SITES_MAX	16384u
#define SHADOWS_MAX	256u
#define NOTES		128u
#define ENTRY_SLOT	offsetof(struct arch_task, entry_fast)

struct shadow {
	struct list link;	/* hash chain, under shadows.lock */
	struct inode *inode;	/* with a reference */
	uint64_t size;
	struct ktime mtime, ctime;
	uint64_t file_offset;	/* page-aligned start of the segment */
	size_t len;		/* page-aligned */
	uint64_t distance;	/* address(tail) - address(text) */
	size_t tail_len;	/* page-aligned; 0: nothing to patch */
	char *pages;		/* text, then tail; NULL if tail_len is 0 */
	uint32_t order;
	uint32_t users;		/* mappings; atomic; kept until the end */
};

/* What text_tail_bytes said of a file, so that it is not read each time. */
struct tail_note {
	const struct inode *inode;	/* only compared */
	uint64_t size;
	struct ktime mtime, ctime;
	size_t bytes;
};

static struct {
	struct mutex lock;
	struct list chain[HASH_SIZE];
	struct tail_note notes[NOTES];	/* by inode */
	uint32_t count;
	bool ready;
} shadows = { .lock = MUTEX_INIT };

static struct list *chain_of(const struct inode *i)
{
	if (!shadows.ready) {
		for (uint32_t n = 0; n < HASH_SIZE; n++)
			list_init(&shadows.chain[n]);
		shadows.ready = true;
	}
	return &shadows.chain[(uint64_t)i / 64 % HASH_SIZE];
}

static bool is_same_time(const struct ktime *a, const struct ktime *b)
{
	return a->sec == b->sec && a->nsec == b->nsec;
}

static bool is_current(const struct shadow *s, const struct kstat *st)
{
	return s->size == st->size && is_same_time(&s->mtime, &st->mtime) &&
	       is_same_time(&s->ctime, &st->ctime);
}

/* One executable segment of the file, page-aligned, and the image's end. */
struct segment {
	uint64_t offset, vaddr, image_end;
	size_t len;
};

static size_t find_segments(struct file *f, struct segment *out, size_t max)
{
	Elf64_Ehdr eh;
	Elf64_Phdr *ph;
	uint64_t end = 0;
	size_t n = 0, bytes;

	if (file_read_kernel(f, &eh, sizeof(eh), 0) != sizeof(eh) ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG) ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != EM_X86_64 ||
	    eh.e_phentsize != sizeof(*ph) || !eh.e_phnum ||
	    eh.e_phnum > PHDRS_MAX)
		return 0;
	bytes = eh.e_phnum * sizeof(*ph);
	ph = kmalloc(bytes);
	if (!ph || file_read_kernel(f, ph, bytes, eh.e_phoff) !=
	    (ssize_t)bytes) {
		kfree(ph);
		return 0;
	}
	for (uint32_t i = 0; i < eh.e_phnum; i++) {
		uint64_t from = PAGE_DOWN(ph[i].p_offset);

		if (ph[i].p_type != PT_LOAD || ph[i].p_memsz > TEXT_MAX ||
		    ph[i].p_filesz > TEXT_MAX || ph[i].p_vaddr >> 46 ||
		    ph[i].p_offset >> 46)
			continue;
		end = MAX(end, PAGE_UP(ph[i].p_vaddr + ph[i].p_memsz));
		if (!(ph[i].p_flags & PF_X) || n == max || !ph[i].p_filesz)
			continue;
		out[n].offset = from;
		out[n].vaddr = PAGE_DOWN(ph[i].p_vaddr);
		out[n].len = PAGE_UP(ph[i].p_offset + ph[i].p_filesz) - from;
		n++;
	}
	kfree(ph);
	for (size_t i = 0; i < n; i++)
		out[i].image_end = end;
	return n;
}

static bool read_text(struct file *f, const struct segment *g, char *to)
{
	size_t done = 0;

	while (done < g->len) {
		ssize_t n = file_read_kernel(f, to + done, g->len - done,
					     g->offset + done);

		if (n < 0)
			return false;
		if (!n)
			break;
		done += (size_t)n;
	}
	memset(to + done, 0, g->len - done);
	return true;
}

/* Fill s from the file. Leaves s->pages NULL when there is nothing to do. */
static void build(struct shadow *s, struct file *f, const struct segment *g,
		  uint64_t tail_at)
{
	struct patch_site *sites = kmalloc(SITES_MAX * sizeof(*sites));
	char *text = NULL;
	size_t n, seen, tail;
	uint32_t order = 0;

	while ((PAGE_SIZE << order) < g->len && order < PAGE_ORDER_MAX)
		order++;
	if (sites)
		text = page_alloc(order, false);
	if (!text || !read_text(f, g, text))
		goto out;
	n = patch_find((uint8_t *)text, g->len, sites, SITES_MAX, &seen);
	tail = PAGE_UP(n * PATCH_TRAMPOLINE_MAX);
	if (!n)
		goto out;
	if (g->len + tail > PAGE_SIZE << order) {
		/* rare: no room behind the text in its block */
		char *bigger = page_alloc(order + 1, false);

		if (!bigger)
			goto out;
		memcpy(bigger, text, g->len);
		page_free(text, order);
		text = bigger;
		order++;
	}
	patch_check_branches((uint8_t *)text, g->len, sites, n);
	s->distance = tail_at - g->vaddr;
	memset(text + g->len, 0xcc, tail);
	patch_apply((uint8_t *)text, g->len, (uint8_t *)text + g->len, tail,
		    (int64_t)s->distance, ENTRY_SLOT, sites, n);
	s->pages = text;
	s->order = order;
	s->tail_len = tail;
	text = NULL;
out:
	if (text)
		page_free(text, order);
	kfree(sites);
}

static struct shadow *lookup_locked(struct inode *i, uint64_t offset,
				    const struct kstat *st)
{
	list_for_each(l, chain_of(i)) {
		struct shadow *s = list_entry(l, struct shadow, link);

		if (s->inode == i && s->file_offset == offset &&
		    is_current(s, st))
			return s;
	}
	return NULL;
}

static bool is_candidate(struct file *f)
{
	return !(boot->flags & ABI_BOOT_NO_PATCH) &&
	       (f->inode->mode & S_IFMT) == S_IFREG;
}

/* Make the shadows of every executable segment of f. Caller holds the lock.
 * Returns bytes of all tails. */
static size_t ensure_locked(struct file *f, const struct kstat *st)
{
	struct segment segs[4];
	size_t n = find_segments(f, segs, ARRAY_LEN(segs)), total = 0;

	for (size_t i = 0; i < n; i++) {
		struct shadow *s = lookup_locked(f->inode, segs[i].offset, st);

		if (!s && shadows.count < SHADOWS_MAX)
			s = kzalloc(sizeof(*s));
		if (!s)
			break;
		if (!s->inode) {
			s->inode = inode_get(f->inode);
			s->size = st->size;
			s->mtime = st->mtime;
			s->ctime = st->ctime;
			s->file_offset = segs[i].offset;
			s->len = segs[i].len;
			build(s, f, &segs[i], segs[i].image_end + total);
			list_append(chain_of(f->inode), &s->link);
			shadows.count++;
		}
		total += s->tail_len;
	}
	return total;
}

size_t text_tail_bytes(struct file *f)
{
	struct kstat st;
	struct tail_note *n = &shadows.notes[(uint64_t)f->inode / 64 % NOTES];
	size_t total;

	if (!is_candidate(f) || inode_getattr(f->inode, &st))
		return 0;
	mutex_lock(&shadows.lock);
	if (n->inode == f->inode && n->size == st.size &&
	    is_same_time(&n->mtime, &st.mtime) &&
	    is_same_time(&n->ctime, &st.ctime)) {
		total = n->bytes;
	} else {
		total = ensure_locked(f, &st);
		*n = (struct tail_note){ f->inode, st.size, st.mtime, st.ctime,
					 total };
	}
	mutex_unlock(&shadows.lock);
	return total;
}

static int map_pages(uaddr_t addr, size_t len, uint32_t prot, const char *from)
{
	struct plat_backing b = { .kind = PLAT_BACK_POOL,
				  .offset = page_offset(from) };

	return plat_map(addr, len, prot, &b);
}

bool text_map_patched(struct mm *mm, struct file *f, uint64_t offset,
		      uaddr_t addr, size_t len, uint32_t prot)
{
	struct shadow *s;
	struct kstat st;
	uaddr_t tail;
	bool ok;

	/* who traces wants to see the text as it is in the file */
	if (current_thread()->trace || !is_candidate(f) ||
	    inode_getattr(f->inode, &st))
		return false;
	mutex_lock(&shadows.lock);
	s = lookup_locked(f->inode, offset, &st);
	if (!s) {
		ensure_locked(f, &st);
		s = lookup_locked(f->inode, offset, &st);
	}
	ok = s && s->pages && PAGE_UP(len) <= s->len;
	mutex_unlock(&shadows.lock);
	if (!ok)
		return false;
	/* shadows are never freed while the sandbox lives */
	tail = addr + s->distance;
	if (!mm_range_is_free(mm, tail, s->tail_len) ||
	    mm_add_hidden(mm, tail, s->tail_len))
		return false;
	if (map_pages(tail, s->tail_len, PLAT_READ | PLAT_EXEC,
		      s->pages + s->len)) {
		mm_remove_hidden(mm, tail, s->tail_len);
		return false;
	}
	if (map_pages(addr, PAGE_UP(len), prot, s->pages)) {
		plat_unmap(tail, s->tail_len);
		mm_remove_hidden(mm, tail, s->tail_len);
		return false;
	}
	return true;
}

bool text_is_trampoline(struct mm *mm, uaddr_t addr)
{
	bool is;

	rwlock_read_lock(&mm->lock);
	is = vma_find(mm, addr)->flags & VMA_TRAMPOLINE;
	rwlock_read_unlock(&mm->lock);
	return is;
}
