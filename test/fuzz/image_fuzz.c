/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a file given as --kernel. What is accepted must be safe to load:
 * bytes inside the copy, addresses inside the first GiB, no overlap, entries
 * inside what was loaded.
 */
#include "kvm/image.h"
#include "abi/machine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define REACH	(1ull << 30)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The tender has one inside; here there is none. */
extern const unsigned char kvm_kernel_image[], kvm_kernel_image_end[];
__asm__(".globl kvm_kernel_image, kvm_kernel_image_end\n"
	"kvm_kernel_image:\nkvm_kernel_image_end:\n");

static void check(bool ok)
{
	if (!ok)
		abort();
}

static bool is_loaded(const struct kernel_image *k, uint64_t virt)
{
	for (uint32_t i = 0; i < k->nr_segments; i++)
		if (virt - ABI_KERNEL_VIRT >= k->segments[i].gpa &&
		    virt - ABI_KERNEL_VIRT < k->segments[i].gpa +
					     k->segments[i].file_len)
			return true;
	return false;
}

static void check_image(const struct kernel_image *k)
{
	check(k->nr_segments && k->nr_segments <= IMAGE_SEGMENTS_MAX);
	check(k->end <= REACH);
	for (uint32_t i = 0; i < k->nr_segments; i++) {
		const struct image_segment *s = &k->segments[i];

		check(s->gpa >= ABI_IMAGE_START && s->mem_len <= REACH &&
		      s->gpa + s->mem_len <= k->end);
		check(s->file_len <= s->mem_len && s->file_len <= k->size);
		check(s->bytes >= k->data &&
		      s->bytes + s->file_len <= k->data + k->size);
		for (uint32_t j = 0; j < i; j++)
			check(s->gpa >= k->segments[j].gpa +
					k->segments[j].mem_len ||
			      k->segments[j].gpa >= s->gpa + s->mem_len);
	}
	check(is_loaded(k, k->entry64));
	check(!k->ap_entry || is_loaded(k, k->ap_entry));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	struct kernel_image k;
	struct err e = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (!kernel_image_open(&k, path, &e)) {
		check_image(&k);
		kernel_image_close(&k);
	} else {
		check(e.code > 0 && e.text[0]);
	}
	close(fd);
	return 0;
}
