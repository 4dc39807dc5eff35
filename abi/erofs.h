/* SPDX-License-Identifier: MIT */
/*
 * The super block of an EROFS image, as far as mica looks at it. The kernel
 * checks it before it reads anything else; the tender looks at it too, to say
 * in good words why an image can not be used. Numbers are little-endian.
 */
#pragma once
#include <stdint.h>
#include <stddef.h>

#define EROFS_SUPER_AT		1024u	/* in the image */
#define EROFS_MAGIC		0xe0f5e1e2u
#define EROFS_BLOCK_BITS	12u	/* the only block size: 4096 */

/* struct erofs_super.compat */
#define EROFS_COMPAT_CHECKSUM	1u
/* struct erofs_super.incompat: what an image may have here. */
#define EROFS_LZ4_PADDING	1u	/* a way of compression, if there is any */
#define EROFS_CHUNKED_FILE	4u
#define EROFS_INCOMPAT_KNOWN	(EROFS_LZ4_PADDING | EROFS_CHUNKED_FILE)
#define EROFS_DEVICE_TABLE	8u	/* data in other files */

struct erofs_super {
	uint32_t magic;
	uint32_t checksum;	/* CRC32C from here to the end of the block */
	uint32_t compat;
	uint8_t  block_bits, nr_slots;
	uint16_t root_nid;
	uint64_t nr_inodes;
	uint64_t build_time;
	uint32_t build_time_ns;
	uint32_t nr_blocks;
	uint32_t meta_block, xattr_block;
	uint8_t  uuid[16], label[16];
	uint32_t incompat;
	uint16_t compression;	/* 0: nothing is compressed */
	uint16_t nr_devices;
	uint8_t  rest[40];
};
_Static_assert(sizeof(struct erofs_super) == 128, "erofs_super layout");
