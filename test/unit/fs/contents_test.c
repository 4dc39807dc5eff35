/* SPDX-License-Identifier: MIT */
/* Unit tests: contents of tmpfs: sparse files, limits, mapping, listing. */
#include "fs/helpers.h"

void test_sparse(void)
{
	struct file *f = must_open("/t/s", O_CREAT | O_RDWR);
	char buf[16];
	uint64_t pos = 1 << 20;

	CHECK_EQ(put(f, "end", 3, &pos), 3);
	CHECK_EQ(f->inode->size, (1 << 20) + 3);
	CHECK_EQ(stat_of("/t/s").blocks, 8);
	pos = 5000;
	CHECK_EQ(get(f, buf, 4, &pos), 4);
	CHECK(!memcmp(buf, "\0\0\0\0", 4));
	CHECK_EQ(file_seek(f, 0, SEEK_DATA), 1 << 20);
	CHECK_EQ(file_seek(f, 0, SEEK_HOLE), 0);
	CHECK_EQ(file_seek(f, 1 << 20, SEEK_HOLE), (1 << 20) + 3);
	CHECK_EQ(file_seek(f, 2 << 20, SEEK_DATA), -ENXIO);
	pos = 4096;
	CHECK_EQ(put(f, "x", 1, &pos), 1);
	CHECK_EQ(file_seek(f, 0, SEEK_DATA), 4096);
	CHECK_EQ(file_seek(f, 4096, SEEK_HOLE), 8192);
	CHECK_EQ(file_truncate(f, 4097), 0);
	CHECK_EQ(file_truncate(f, 10000), 0);
	CHECK_EQ(stat_of("/t/s").blocks, 8);
	pos = 4090;
	CHECK_EQ(get(f, buf, 16, &pos), 16);
	CHECK(!memcmp(buf, "\0\0\0\0\0\0x\0\0\0\0\0\0\0\0\0", 16));
	CHECK_EQ(f->ops->fallocate(f, FALLOC_FL_PUNCH_HOLE |
				   FALLOC_FL_KEEP_SIZE, 4096, 4096), 0);
	CHECK_EQ(stat_of("/t/s").blocks, 0);
	CHECK_EQ(f->ops->fallocate(f, FALLOC_FL_KEEP_SIZE, 0, 65536), 0);
	CHECK_EQ(stat_of("/t/s").blocks, 128);
	CHECK_EQ(f->inode->size, 10000);
	CHECK_EQ(file_seek(f, -1, SEEK_SET), -EINVAL);
	CHECK_EQ(file_seek(f, INT64_MAX, SEEK_SET), INT64_MAX);
	CHECK_EQ(file_seek(f, 1, SEEK_CUR), -EOVERFLOW);
	file_put(f);
}

/* A long random sequence against a plain array. */
void test_random_io(void)
{
	enum { SIZE = 300000 };
	static char model[SIZE], buf[SIZE];
	struct file *f = must_open("/t/r", O_CREAT | O_RDWR);
	uint64_t seed = 12345, size = 0;
	uint32_t bad = 0;

	memset(model, 0, sizeof(model));
	for (uint32_t i = 0; i < 4000; i++) {
		uint64_t off, pos, len, r;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		r = seed >> 33;
		off = pos = r % SIZE;
		len = (r >> 8) % 9000;
		len = MIN(len, SIZE - off);
		switch (i % 8) {
		case 0:		/* cut or extend */
			if (i % 5)
				break;
			CHECK_EQ(file_truncate(f, off), 0);
			memset(model + off, 0, SIZE - off);
			size = off;
			break;
		case 1:
			CHECK_EQ(f->ops->fallocate(f, FALLOC_FL_PUNCH_HOLE |
				 FALLOC_FL_KEEP_SIZE, off, len + 1), 0);
			memset(model + off, 0, MIN(len + 1, SIZE - off));
			break;
		case 2:
		case 3: {
			ssize_t n = get(f, buf, len, &pos);
			ssize_t want = off >= size ? 0 :
				       (ssize_t)MIN(len, size - off);

			bad += n != want ||
			       memcmp(buf, model + off, (size_t)want);
			break;
		}
		default:
			memset(buf, (int)(r & 0xff) | 1, len);
			if (len)
				CHECK_EQ(put(f, buf, len, &pos), len);
			memcpy(model + off, buf, len);
			size = MAX(size, len ? off + len : 0);
		}
	}
	CHECK_EQ(bad, 0);
	CHECK_EQ(f->inode->size, size);
	file_put(f);
}

void test_limit(void)
{
	static char block[8192];
	struct super *sb = tmpfs_create(65536, 0755);
	struct file *f;
	struct path p;
	ssize_t n, total = 0;

	CHECK_EQ(vfs_mkdir(&ctx, "/t/m", 0755), 0);
	CHECK_EQ(path_walk(&ctx, "/t/m", 0, &p, NULL), 0);
	CHECK_EQ(vfs_mount(&p, sb, NULL, "test", 0), 0);
	path_put(&p);
	f = must_open("/t/m/f", O_CREAT | O_RDWR);
	while ((n = put(f, block, sizeof(block), NULL)) > 0)
		total += n;
	CHECK_EQ(n, -ENOSPC);
	CHECK_EQ(total, 65536);
	CHECK_EQ(f->ops->fallocate(f, 0, 0, 1 << 20), -ENOSPC);
	CHECK_EQ(file_truncate(f, 0), 0);
	CHECK_EQ(put(f, block, 10, NULL), 10);
	file_put(f);
	CHECK_EQ(vfs_unlink(&ctx, "/t/m/f"), 0);
	CHECK_EQ(path_walk(&ctx, "/t/m", 0, &p, NULL), 0);
	CHECK_EQ(vfs_umount(&p, 0), 0);
	path_put(&p);
}

void test_mapping(void)
{
	struct map_extent e;
	struct file *f;
	uint64_t pos = 0;
	char c = 0;

	CHECK_EQ(tmpfs_create_file("memfd:x", &f), 0);
	CHECK_EQ(file_truncate(f, 10 * 4096 + 1), 0);
	CHECK_EQ(f->ops->map(f, 0, 16 * 4096, true, &e), 0);
	CHECK_EQ(e.backing.kind, PLAT_BACK_POOL);
	CHECK(e.len >= 4096 && e.len <= 11 * 4096);
	CHECK_EQ(f->ops->map(f, 11 * 4096, 4096, true, &e), 0);
	CHECK_EQ(e.len, 0);
	f->ops->mapped(f, 1);
	pos = 3 * 4096;
	CHECK_EQ(put(f, "q", 1, &pos), 1);
	CHECK_EQ(file_truncate(f, 4096), 0);
	CHECK_EQ(file_truncate(f, 20000), 0);
	pos = 3 * 4096;
	CHECK_EQ(get(f, &c, 1, &pos), 1);
	CHECK_EQ(c, 0);
	f->ops->mapped(f, -1);
	file_put(f);
}

void test_readdir(void)
{
	struct count_sink c = { .sink = { count_emit } };
	struct file *d;
	char name[] = "/t/f000";

	for (uint32_t i = 0; i < 300; i++) {
		name[4] = (char)('0' + i / 100);
		name[5] = (char)('0' + i / 10 % 10);
		name[6] = (char)('0' + i % 10);
		make_file(name, "");
	}
	d = must_open("/t", O_RDONLY | O_DIRECTORY);
	for (c.max = 100; c.n == c.max - 100; c.max += 100) {
		CHECK_EQ(d->ops->readdir(d, &c.sink), 0);
		/* removing what was read does not disturb the rest */
		if (c.max == 100)
			CHECK_EQ(vfs_unlink(&ctx, "/t/f000"), 0);
		if (c.n < c.max)
			break;
	}
	CHECK_EQ(c.n, 302);
	file_put(d);
}
