/* SPDX-License-Identifier: MIT */
/*
 * A kernel image of the kvm platform: the one inside this program, or a file
 * (--kernel). A file is not trusted: every number is checked against its size.
 */
#pragma once
#include "util/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_SEGMENTS_MAX 8u

struct image_segment {
	uint64_t gpa, mem_len;
	const unsigned char *bytes;
	uint64_t file_len;
};

struct kernel_image {
	const char *name;	/* for messages */
	const unsigned char *data;
	size_t size;
	unsigned char *copy;	/* of a file; NULL for the built-in one */
	struct image_segment segments[IMAGE_SEGMENTS_MAX];
	uint32_t nr_segments;
	uint64_t entry64, ap_entry;	/* virtual */
	uint64_t end;			/* gpa */
};

/* Is there a kernel inside this program? */
bool kernel_image_is_built_in(void);
/*
 * path NULL: the built-in one. Returns 0; or -errno with a text for the user:
 * not there, no ELF file for x86-64, no kernel of ours, another version,
 * damaged.
 */
int kernel_image_open(struct kernel_image *k, const char *path,
		      struct err *e);
void kernel_image_close(struct kernel_image *k);
