/* SPDX-License-Identifier: MIT */
/*
 * The kernel image inside the mica program: its ELF segments are mapped from
 * the program's own file (text, constants) or copied into the memory object
 * (data). The image is our own build product, not input.
 */
#include "process/sandbox.h"
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern const char kernel_image[], kernel_image_end[];
extern const Elf64_Ehdr __ehdr_start;

static const Elf64_Phdr *segments(unsigned int *n)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)kernel_image;

	*n = eh->e_phnum;
	return (const Elf64_Phdr *)(kernel_image + eh->e_phoff);
}

const struct abi_image *image_info(void)
{
	unsigned int n;
	const Elf64_Phdr *ph = segments(&n);

	for (unsigned int i = 0; i < n; i++)
		if (ph[i].p_type == PT_LOAD &&
		    ABI_IMAGE_ADDR - ph[i].p_vaddr < ph[i].p_filesz)
			return (const void *)(kernel_image + ph[i].p_offset +
					      ABI_IMAGE_ADDR - ph[i].p_vaddr);
	return NULL;
}

uint64_t image_pool_used(void)
{
	return image_info()->pool_used - ABI_POOL_BASE;
}

int image_load_data(int pool_fd, struct err *e)
{
	unsigned int n;
	const Elf64_Phdr *ph = segments(&n);

	for (unsigned int i = 0; i < n; i++) {
		if (ph[i].p_type != PT_LOAD || ph[i].p_vaddr < ABI_POOL_BASE ||
		    !ph[i].p_filesz)
			continue;
		if (pwrite(pool_fd, kernel_image + ph[i].p_offset,
			   ph[i].p_filesz,
			   (off_t)(ph[i].p_vaddr - ABI_POOL_BASE)) !=
		    (ssize_t)ph[i].p_filesz)
			return err_set(e, errno, "writing the kernel's data "
				       "to the memory object");
	}
	return 0;
}

/* Offset in this program's file of an address of its image. */
static off_t file_offset(const char *addr)
{
	const Elf64_Ehdr *eh = &__ehdr_start;
	const Elf64_Phdr *ph = (const void *)((const char *)eh + eh->e_phoff);

	for (unsigned int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD &&
		    (uint64_t)addr - ph[i].p_vaddr < ph[i].p_filesz)
			return (off_t)((uint64_t)addr - ph[i].p_vaddr +
				       ph[i].p_offset);
	return -1;
}

int image_map(int exe_fd)
{
	unsigned int n;
	const Elf64_Phdr *ph = segments(&n);

	for (unsigned int i = 0; i < n; i++) {
		int prot = PROT_READ;
		void *want = (void *)ph[i].p_vaddr;

		if (ph[i].p_type != PT_LOAD || ph[i].p_vaddr >= ABI_POOL_BASE)
			continue;
		if (ph[i].p_flags & PF_X)
			prot |= PROT_EXEC;
		if (mmap(want, ph[i].p_memsz, prot,
			 MAP_PRIVATE | MAP_FIXED_NOREPLACE, exe_fd,
			 file_offset(kernel_image) +
			 (off_t)ph[i].p_offset) != want)
			return -errno;
	}
	return 0;
}
