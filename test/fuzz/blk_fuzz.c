/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a driver of the block device (dev_ops.h). The first byte says
 * whether the disk is read-only; host events change the file's size behind the
 * device. A read-only disk must never change.
 */
#include "dev/blk.h"
#include "dev_ops.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECTORS 16u

static int disk = -1;

static void resize(uint8_t arg)
{
	FUZZ_CHECK(!ftruncate(disk, arg % (SECTORS + 4) * BLK_SECTOR));
}

static void fill(void)
{
	char bytes[SECTORS * BLK_SECTOR];

	memset(bytes, 'd', sizeof(bytes));
	if (disk < 0)
		disk = memfd_create("disk", MFD_CLOEXEC);
	FUZZ_CHECK(disk >= 0 && !ftruncate(disk, 0));
	FUZZ_CHECK(pwrite(disk, bytes, sizeof(bytes), 0) == sizeof(bytes));
}

static void check_same(void)
{
	char bytes[SECTORS * BLK_SECTOR];
	ssize_t n = pread(disk, bytes, sizeof(bytes), 0);

	for (ssize_t i = 0; i < n; i++)
		FUZZ_CHECK(bytes[i] == 'd' || !bytes[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_guest g;
	static struct blk_dev blk;
	struct blk_file f;
	bool read_only = size && data[0] & 1;

	fill();
	f = (struct blk_file){ dup(disk), read_only, SECTORS };
	guest_init(&g);
	blk_init(&blk, "blk0", &g.memory, &f);
	guest_attach(&g, &blk.dev);
	if (size)
		fuzz_run(&g, data + 1, size - 1, resize);
	if (read_only)
		check_same();
	FUZZ_CHECK(lseek(disk, 0, SEEK_END) <=
		   (off_t)((SECTORS + 4) * BLK_SECTOR));
	blk_fini(&blk);
	guest_fini(&g);
	return 0;
}
