/* SPDX-License-Identifier: MIT */
/*
 * The description of a sandbox: struct abi_boot and the strings it refers to
 * by offset. The command line fills it once; each platform carries it to the
 * kernel in its own way and says where the memory is.
 */
#pragma once
#include "abi/boot.h"
#include "util/err.h"
#include <stdbool.h>

#define DESCRIPTION_BLOB_MAX (4u << 20)	/* strings: ARG_MAX x 2 */

struct description {
	struct abi_boot *boot;
	char *blob;		/* boot->blob_size bytes of it are used */
	uint32_t blob_max;
	bool is_own;		/* allocated by description_create */
};

/* From the start of the memory to the blob. */
uint64_t description_blob_offset(void);
/*
 * Use memory of blob_offset + DESCRIPTION_BLOB_MAX bytes, all zero, and fill
 * in what does not depend on the command line.
 * Owner: the memory stays the caller's.
 */
void description_init(struct description *d, void *memory);
/* The same with memory of its own. Returns 0 or -ENOMEM. */
int description_create(struct description *d, struct err *e);
void description_destroy(struct description *d);
/* Bytes in use: struct, gap, strings. */
uint64_t description_size(const struct description *d);
/* Append a string. Returns its offset, 0 when full (e is set). */
uint32_t description_string(struct description *d, const char *str,
			    struct err *e);
