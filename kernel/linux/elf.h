/* SPDX-License-Identifier: MIT */
/*
 * Reading ELF program headers: a pure function of hostile bytes, no state.
 * Used by exec; built for the host too, for fuzzing.
 */
#pragma once
#include "lib/types.h"

#define ELF_SEGMENTS_MAX	64u
#define ELF_INTERP_MAX		4096u	/* with the NUL */
#define ELF_HEADER_SIZE		64u

enum elf_segment_flags { ELF_EXEC = 1, ELF_WRITE = 2, ELF_READ = 4 };

/* What one PT_LOAD asks for. vaddr and offset are equal modulo the page. */
struct elf_segment {
	uint64_t vaddr, offset, filesz, memsz;
	uint32_t flags;		/* enum elf_segment_flags */
};

struct elf_image {
	bool is_dyn;		/* ET_DYN: can be placed anywhere */
	bool has_interp;
	bool exec_stack;
	uint32_t nr_segments;	/* at least one; ascending, disjoint */
	uint64_t entry;
	uint64_t start, end;	/* page-aligned; everything lies inside */
	uint64_t align;		/* power of two, at least a page */
	uint64_t phdr_vaddr;	/* where the headers are in memory; 0: not */
	uint32_t phnum;
	uint64_t code_start, code_end, data_start, data_end, bss_end;
	struct elf_segment segments[ELF_SEGMENTS_MAX];
	char interp[ELF_INTERP_MAX];
	const char *why;	/* of a failure: what is wrong, for people */
};

/* Reads n bytes at off. Returns bytes (less: end of file) or -errno. */
typedef ssize_t (*elf_read_fn)(void *ctx, uint64_t off, void *buf, size_t n);
/* Scratch memory: kmalloc and kfree, or malloc and free. */
struct elf_memory {
	void *(*alloc)(size_t n);
	void (*free)(void *p);
};

/*
 * Parse a program or interpreter for x86-64. hdr: the first n bytes of the
 * file. Fills *out completely on success, out->why on failure.
 *
 * Returns: 0; -ENOEXEC (no ELF program for this machine, or damaged), -EIO
 *          (the file ends in the interpreter's name), -ENOMEM, or what read
 *          returned.
 */
int elf_parse(const void *hdr, size_t n, elf_read_fn read, void *ctx,
	      const struct elf_memory *mem, struct elf_image *out);
