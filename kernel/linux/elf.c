/* SPDX-License-Identifier: MIT */
/*
 * Checks every field before it is used: afterwards all sums of addresses and
 * sizes in struct elf_image are known not to overflow, and segments ascend
 * without overlap. Addresses stay below 2^47.
 */
#include "linux/elf.h"
#include <linux/elf.h>

#define ADDR_LIMIT	(1ull << 47)
#define PHDRS_BYTES_MAX	65536u
#define ALIGN_MAX	(1ull << 32)

static int bad(struct elf_image *im, const char *why)
{
	im->why = why;
	return -ENOEXEC;
}

static const char *machine_name(uint16_t machine)
{
	switch (machine) {
	case EM_386:
		return "is a 32-bit x86 program";
	case 183:
		return "is an aarch64 program";
	case EM_ARM:
		return "is a 32-bit ARM program";
	case 243:
		return "is a RISC-V program";
	case EM_PPC64:
		return "is a PowerPC program";
	case EM_S390:
		return "is an s390 program";
	default:
		return "is a program for another processor";
	}
}

static bool has_magic(const unsigned char *p)
{
	return p[EI_MAG0] == ELFMAG0 && p[EI_MAG1] == ELFMAG1 &&
	       p[EI_MAG2] == ELFMAG2 && p[EI_MAG3] == ELFMAG3;
}

static int check_header(const Elf64_Ehdr *eh, size_t n, struct elf_image *im)
{
	if (n < 4 || !has_magic(eh->e_ident))
		return bad(im, "is not a program");
	if (n < sizeof(*eh))
		return bad(im, "ELF header damaged: the file is too short");
	if (eh->e_ident[EI_DATA] == ELFDATA2MSB)
		return bad(im, "is a program for another processor");
	if (eh->e_machine != EM_X86_64)
		return bad(im, machine_name(eh->e_machine));
	if (eh->e_ident[EI_CLASS] != ELFCLASS64)
		return bad(im, "is a 32-bit program");
	if (eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return bad(im, "ELF header damaged: unknown byte order");
	if (eh->e_type == ET_REL)
		return bad(im, "is an object file, not a program");
	if (eh->e_type == ET_CORE)
		return bad(im, "is a core dump, not a program");
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return bad(im, "ELF header damaged: unknown type");
	if (eh->e_phentsize != sizeof(Elf64_Phdr))
		return bad(im, "ELF header damaged: program header size");
	if (!eh->e_phnum)
		return bad(im, "has no program headers");
	if (eh->e_phnum * sizeof(Elf64_Phdr) > PHDRS_BYTES_MAX)
		return bad(im, "ELF header damaged: too many program headers");
	if (eh->e_phoff > INT64_MAX - PHDRS_BYTES_MAX)
		return bad(im, "ELF header damaged: program header offset");
	return 0;
}

static uint64_t page_of(uint64_t x)
{
	return x & ~(uint64_t)(PAGE_SIZE - 1);
}

static uint64_t page_after(uint64_t x)
{
	return page_of(x + PAGE_SIZE - 1);
}

static void note_ranges(struct elf_image *im, const Elf64_Phdr *ph)
{
	uint64_t file_end = ph->p_vaddr + ph->p_filesz;

	if (!im->code_start || ph->p_vaddr < im->code_start)
		im->code_start = ph->p_vaddr;
	if (ph->p_vaddr > im->data_start)
		im->data_start = ph->p_vaddr;
	if (ph->p_flags & PF_X && file_end > im->code_end)
		im->code_end = file_end;
	if (file_end > im->data_end)
		im->data_end = file_end;
	if (ph->p_vaddr + ph->p_memsz > im->bss_end)
		im->bss_end = ph->p_vaddr + ph->p_memsz;
}

static int add_segment(struct elf_image *im, const Elf64_Phdr *ph)
{
	struct elf_segment *s;

	if (!ph->p_memsz)
		return 0;
	if (ph->p_filesz > ph->p_memsz)
		return bad(im, "ELF segment damaged: larger in the file than in memory");
	if (ph->p_vaddr >= ADDR_LIMIT || ph->p_memsz >= ADDR_LIMIT ||
	    ph->p_vaddr + ph->p_memsz > ADDR_LIMIT - PAGE_SIZE)
		return bad(im, "ELF segment damaged: address out of range");
	if (ph->p_offset > INT64_MAX - ADDR_LIMIT)
		return bad(im, "ELF segment damaged: offset out of range");
	if (ph->p_filesz && ((ph->p_offset ^ ph->p_vaddr) & (PAGE_SIZE - 1)))
		return bad(im, "ELF segment damaged: offset and address do not agree");
	if (im->nr_segments && ph->p_vaddr < im->bss_end)
		return bad(im, "ELF segment damaged: overlap or wrong order");
	if (im->nr_segments == ELF_SEGMENTS_MAX)
		return bad(im, "has too many ELF segments");
	/* what is no power of two is ignored, as elsewhere */
	if (ph->p_align > im->align && !(ph->p_align & (ph->p_align - 1)) &&
	    ph->p_align <= ALIGN_MAX)
		im->align = ph->p_align;
	if (!im->nr_segments)
		im->start = page_of(ph->p_vaddr);
	im->end = page_after(ph->p_vaddr + ph->p_memsz);
	s = &im->segments[im->nr_segments++];
	s->vaddr = ph->p_vaddr;
	s->offset = ph->p_offset;
	s->filesz = ph->p_filesz;
	s->memsz = ph->p_memsz;
	s->flags = ph->p_flags & (ELF_EXEC | ELF_WRITE | ELF_READ);
	note_ranges(im, ph);
	return 0;
}

static int read_interp(struct elf_image *im, const Elf64_Phdr *ph,
		       elf_read_fn read, void *ctx)
{
	ssize_t got;

	if (im->has_interp)
		return 0;	/* the first one counts */
	if (ph->p_filesz > ELF_INTERP_MAX || ph->p_filesz < 2 ||
	    ph->p_offset > INT64_MAX - ELF_INTERP_MAX)
		return bad(im, "ELF header damaged: interpreter name");
	got = read(ctx, ph->p_offset, im->interp, ph->p_filesz);
	if (got < 0)
		return (int)got;
	if ((uint64_t)got != ph->p_filesz) {
		im->why = "ELF header damaged: the file ends in the interpreter name";
		return -EIO;
	}
	if (im->interp[ph->p_filesz - 1])
		return bad(im, "ELF header damaged: interpreter name without end");
	im->has_interp = true;
	return 0;
}

/* Where the program headers are in memory: in a segment that covers them. */
static void find_phdr(struct elf_image *im, const Elf64_Ehdr *eh)
{
	for (uint32_t i = 0; i < im->nr_segments; i++) {
		const struct elf_segment *s = &im->segments[i];

		if (eh->e_phoff >= s->offset &&
		    eh->e_phoff - s->offset < s->filesz) {
			im->phdr_vaddr = eh->e_phoff - s->offset + s->vaddr;
			return;
		}
	}
}

static int take_headers(struct elf_image *im, const Elf64_Phdr *ph,
			elf_read_fn read, void *ctx)
{
	int err = 0;

	for (uint32_t i = 0; i < im->phnum && !err; i++) {
		switch (ph[i].p_type) {
		case PT_LOAD:
			err = add_segment(im, &ph[i]);
			break;
		case PT_INTERP:
			err = read_interp(im, &ph[i], read, ctx);
			break;
		case PT_GNU_STACK:
			im->exec_stack = ph[i].p_flags & PF_X;
			break;
		default:
			break;
		}
	}
	if (!err && !im->nr_segments)
		err = bad(im, "has nothing to load");
	return err;
}

int elf_parse(const void *hdr, size_t n, elf_read_fn read, void *ctx,
	      const struct elf_memory *mem, struct elf_image *out)
{
	Elf64_Phdr *ph;
	Elf64_Ehdr eh;
	size_t bytes;
	ssize_t got;
	int err;

	__builtin_memset(out, 0, offsetof(struct elf_image, segments));
	out->why = NULL;
	out->interp[0] = 0;
	out->align = PAGE_SIZE;
	__builtin_memset(&eh, 0, sizeof(eh));
	__builtin_memcpy(&eh, hdr, MIN(n, sizeof(eh)));
	err = check_header(&eh, n, out);
	if (err)
		return err;
	out->is_dyn = eh.e_type == ET_DYN;
	out->entry = eh.e_entry;
	out->phnum = eh.e_phnum;
	bytes = eh.e_phnum * sizeof(*ph);
	ph = mem->alloc(bytes);
	if (!ph)
		return -ENOMEM;
	got = read(ctx, eh.e_phoff, ph, bytes);
	if (got < 0)
		err = (int)got;
	else if ((size_t)got != bytes)
		err = bad(out, "ELF header damaged: program headers are not in the file");
	else
		err = take_headers(out, ph, read, ctx);
	mem->free(ph);
	if (!err)
		find_phdr(out, &eh);
	return err;
}
