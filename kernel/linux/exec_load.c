/* SPDX-License-Identifier: MIT */
/*
 * Mapping a program: image, interpreter, heap start. The address space is
 * empty. Positions are random unless the personality says otherwise.
 */
#include "linux/exec_priv.h"
#include "arch/uaccess.h"
#include "linux/mm_priv.h"
#include "linux/text.h"
#include "platform/platform.h"
#include <linux/mman.h>
#include <linux/personality.h>

#define DYN_BASE	0x555555554000ull	/* 2/3 of the address space */
#define DYN_RANDOM	(1ull << 28)		/* pages */
#define BRK_RANDOM	(1ull << 13)		/* pages: 32 MiB */

uint64_t exec_random(uint64_t max_pages)
{
	uint32_t r = 0;

	if (current_process()->personality_flags & ADDR_NO_RANDOMIZE)
		return 0;
	plat_entropy(&r, sizeof(r));
	/* all of them are powers of two below 2^32 */
	return (r & (max_pages - 1)) << PAGE_SHIFT;
}

int exec_check_placement(struct exec *e)
{
	const struct elf_image *im = e->image;
	struct mm *mm = current_mm();

	if (!im->is_dyn && (im->start < PLAT_USER_MIN ||
			    mm_range_is_reserved(mm, im->start,
						 im->end - im->start))) {
		e->why = "asks for addresses that can not be given";
		return -ENOEXEC;
	}
	if (im->end - im->start > PLAT_USER_MAX / 2) {
		e->why = "is too large";
		return -ENOMEM;
	}
	return 0;
}

static uint32_t prot_of(const struct elf_segment *s)
{
	return (s->flags & ELF_READ ? PROT_READ : 0) |
	       (s->flags & ELF_WRITE ? PROT_WRITE : 0) |
	       (s->flags & ELF_EXEC ? PROT_EXEC : 0);
}

static long map(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t prot,
		struct file *f, uint64_t offset)
{
	struct map_request rq = {
		.addr = start, .len = end - start, .prot = prot,
		.max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
		.map_flags = MAP_PRIVATE | MAP_FIXED | (f ? 0 : MAP_ANONYMOUS),
		.file = f, .offset = offset,
	};

	return start < end ? mm_map_request(mm, &rq) : 0;
}

/* The file's part, then zeros: in its last page, then in pages of their own. */
static int map_segment(struct mm *mm, struct file *f,
		       const struct elf_segment *s, uint64_t bias)
{
	uaddr_t start = bias + s->vaddr, file_end = start + s->filesz;
	uaddr_t zeros = s->filesz ? PAGE_UP(file_end) : PAGE_DOWN(start);
	uint32_t prot = prot_of(s);
	long r = 0;

	if (s->filesz)
		r = map(mm, PAGE_DOWN(start), zeros, prot, f,
			PAGE_DOWN(s->offset));
	if (r < 0)
		return (int)r;
	if (s->filesz && s->memsz > s->filesz && file_end < zeros &&
	    (prot & PROT_WRITE) &&
	    clear_user((void *)file_end, zeros - file_end))
		return -EFAULT;
	r = map(mm, zeros, PAGE_UP(start + s->memsz), prot, NULL, 0);
	return r < 0 ? (int)r : 0;
}

static int map_image(struct mm *mm, struct file *f, const struct elf_image *im,
		     uint64_t bias)
{
	int err = 0;

	for (uint32_t i = 0; i < im->nr_segments && !err; i++)
		err = map_segment(mm, f, &im->segments[i], bias);
	return err;
}

/* Where an image that can lie anywhere goes. bias: to be added. */
static int place_anywhere(struct mm *mm, struct file *f,
			  const struct elf_image *im, uint64_t *bias)
{
	uint64_t first = im->start & ~(im->align - 1);
	uaddr_t a = mm_find_free(mm, im->end - first +
				 PAGE_UP(text_tail_bytes(f)), im->align);

	if (!a)
		return -ENOMEM;
	*bias = a - first;
	return 0;
}

static int place_program(struct mm *mm, struct exec *e)
{
	const struct elf_image *im = e->image;
	uaddr_t a;

	e->load_bias = 0;
	if (!im->is_dyn)
		return 0;
	/* without an interpreter it is one itself, or needs none */
	if (!e->interp)
		return place_anywhere(mm, e->file, im, &e->load_bias);
	a = (DYN_BASE + exec_random(DYN_RANDOM)) & ~(im->align - 1);
	e->load_bias = a - (im->start & ~(im->align - 1));
	return 0;
}

static void set_heap(struct mm *mm, struct exec *e)
{
	const struct elf_image *im = e->image;
	uaddr_t end = PAGE_UP(e->load_bias + im->bss_end) +
		      PAGE_UP(text_tail_bytes(e->file));

	/* leave the region of mappings to the mappings */
	if (im->is_dyn && !e->interp)
		end = DYN_BASE;
	mm->brk_start = mm->brk = end + exec_random(BRK_RANDOM);
	mm->code_start = e->load_bias + im->code_start;
	mm->code_end = e->load_bias + im->code_end;
	mm->data_start = e->load_bias + im->data_start;
	mm->data_end = e->load_bias + im->data_end;
}

int exec_load(struct exec *e)
{
	struct mm *mm = current_mm();
	int err = exec_map_stack(e);

	if (!err)
		err = place_program(mm, e);
	if (!err)
		err = map_image(mm, e->file, e->image, e->load_bias);
	if (err)
		return err;
	e->entry = e->load_bias + e->image->entry;
	set_heap(mm, e);
	if (!e->interp)
		return 0;
	err = place_anywhere(mm, e->interp, e->interp_image, &e->interp_base);
	if (!e->interp_image->is_dyn)
		e->interp_base = 0;
	if (!err)
		err = map_image(mm, e->interp, e->interp_image,
				e->interp_base);
	e->entry = e->interp_base + e->interp_image->entry;
	return err;
}
