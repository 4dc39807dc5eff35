/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/maps, smaps, smaps_rollup from the record of the address space.
 * Code that the kernel put behind patched text is not shown. Resident sizes
 * are the mapped sizes: the host does not tell which pages are there.
 */
#include "linux/proc/proc.h"
#include <linux/mman.h>
#include "core/heap.h"
#include "lib/string.h"
#include "linux/mm.h"

#define NAME_COLUMN	73u

struct map_writer {
	struct textbuf *t;
	struct path root;
	char *name;		/* PROC_NAME_MAX bytes */
	struct mm *mm;
	bool details;
	uaddr_t first, last;
};

static const char *special_name(const struct map_writer *w,
				const struct vma *v)
{
	if (v->flags & VMA_VDSO)
		return v->prot & PROT_EXEC ? "[vdso]" : "[vvar]";
	if (v->flags & VMA_STACK && v->start <= w->mm->stack_start &&
	    v->end >= w->mm->stack_start)
		return "[stack]";
	if (v->flags & VMA_HEAP || (!v->file && v->start < w->mm->brk &&
				    v->end > w->mm->brk_start))
		return "[heap]";
	return "";
}

static void show_line(struct map_writer *w, const struct vma *v)
{
	struct inode *i = v->file ? v->file->inode : NULL;
	size_t start = w->t->len;
	const char *name;
	uint64_t dev = i ? i->sb->dev : 0;

	textbuf_printf(w->t, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ",
		       v->start, v->end, v->prot & PROT_READ ? 'r' : '-',
		       v->prot & PROT_WRITE ? 'w' : '-',
		       v->prot & PROT_EXEC ? 'x' : '-',
		       v->flags & VMA_SHARED ? 's' : 'p',
		       v->file ? v->offset : 0, dev_major(dev), dev_minor(dev),
		       i ? i->ino : 0);
	if (!v->file)
		name = special_name(w, v);
	else if (file_name(v->file, &w->root, w->name, PROC_NAME_MAX) >= 0)
		name = w->name;
	else
		name = "?";
	if (*name) {
		while (w->t->len - start < NAME_COLUMN && !w->t->failed)
			textbuf_puts(w->t, " ");
		textbuf_escape(w->t, name, "\n");
	}
	textbuf_puts(w->t, "\n");
}

static void show_kb(struct textbuf *t, const char *name, uint64_t bytes)
{
	textbuf_printf(t, "%-15s %8lu kB\n", name, bytes >> 10);
}

/* The lines behind the header, for a range whose resident size is rss. */
static void show_sizes(struct textbuf *t, uint64_t rss, uint64_t anon,
		       uint64_t locked, bool shared)
{
	static const char *const zeros[] = {
		"KSM:", "LazyFree:", "AnonHugePages:", "ShmemPmdMapped:",
		"FilePmdMapped:", "Shared_Hugetlb:", "Private_Hugetlb:",
		"Swap:", "SwapPss:",
	};

	show_kb(t, "Rss:", rss);
	show_kb(t, "Pss:", rss);
	show_kb(t, "Pss_Dirty:", anon);
	show_kb(t, "Shared_Clean:", 0);
	show_kb(t, "Shared_Dirty:", shared ? rss : 0);
	show_kb(t, "Private_Clean:", shared ? 0 : rss - anon);
	show_kb(t, "Private_Dirty:", shared ? 0 : anon);
	show_kb(t, "Referenced:", rss);
	show_kb(t, "Anonymous:", anon);
	for (size_t i = 0; i < ARRAY_LEN(zeros); i++)
		show_kb(t, zeros[i], 0);
	show_kb(t, "Locked:", locked);
}

static uint64_t resident(const struct vma *v)
{
	return v->prot && !(v->flags & VMA_NORESERVE) ? v->end - v->start : 0;
}

static void show_details(struct map_writer *w, const struct vma *v)
{
	struct textbuf *t = w->t;
	uint64_t rss = resident(v);

	show_kb(t, "Size:", v->end - v->start);
	show_kb(t, "KernelPageSize:", PAGE_SIZE);
	show_kb(t, "MMUPageSize:", PAGE_SIZE);
	show_sizes(t, rss, v->file ? 0 : rss, v->flags & VMA_LOCKED ? rss : 0,
		   v->flags & VMA_SHARED);
	textbuf_printf(t, "THPeligible:    0\nProtectionKey:         0\n"
		       "VmFlags: %s%s%s%smr mw me %s%s%s\n",
		       v->prot & PROT_READ ? "rd " : "",
		       v->prot & PROT_WRITE ? "wr " : "",
		       v->prot & PROT_EXEC ? "ex " : "",
		       v->flags & VMA_SHARED ? "sh " : "",
		       v->flags & VMA_GROWSDOWN ? "gd " : "",
		       v->flags & VMA_LOCKED ? "lo " : "",
		       v->flags & VMA_SEALED ? "sl " : "");
}

static bool show_one(const struct vma *v, void *arg)
{
	struct map_writer *w = arg;

	if (v->flags & VMA_TRAMPOLINE)
		return true;
	show_line(w, v);
	if (w->details)
		show_details(w, v);
	return !w->t->failed;
}

static int show_all(struct textbuf *t, struct pseudo_node *n, bool details)
{
	struct map_writer w = { .t = t, .details = details };

	if (!proc_may_inspect(n))
		return -EACCES;
	w.mm = proc_mm(n);
	if (!w.mm)
		return 0;
	w.name = kmalloc(PROC_NAME_MAX);
	if (w.name) {
		proc_caller_root(&w.root);
		mm_for_each(w.mm, show_one, &w);
		path_put(&w.root);
		kfree(w.name);
	}
	mm_put(w.mm);
	return w.name ? 0 : -ENOMEM;
}

int proc_show_maps(struct textbuf *t, struct pseudo_node *n)
{
	return show_all(t, n, false);
}

int proc_show_smaps(struct textbuf *t, struct pseudo_node *n)
{
	return show_all(t, n, true);
}

static bool find_ends(const struct vma *v, void *arg)
{
	struct map_writer *w = arg;

	if (!w->first)
		w->first = v->start;
	w->last = v->end;
	return true;
}

int proc_show_smaps_rollup(struct textbuf *t, struct pseudo_node *n)
{
	struct map_writer w = { .t = t };
	struct plat_usage u;

	if (!proc_may_inspect(n))
		return -EACCES;
	w.mm = proc_mm(n);
	if (!w.mm)
		return -ESRCH;
	mm_for_each(w.mm, find_ends, &w);
	proc_usage(w.mm, (uint32_t)proc_pid(n), &u);
	textbuf_printf(t, "%08lx-%08lx ---p 00000000 00:00 0 ", w.first,
		       w.last);
	for (size_t len = t->len; len < NAME_COLUMN; len++)
		textbuf_puts(t, " ");
	textbuf_puts(t, "[rollup]\n");
	show_sizes(t, u.private + u.mapped, u.private, w.mm->locked_bytes,
		   false);
	mm_put(w.mm);
	return 0;
}
