/* SPDX-License-Identifier: MIT */
/* Unit tests: trees made from tables. */
#include "fs/helpers.h"

static int show_key(struct textbuf *t, struct pseudo_node *n)
{
	textbuf_printf(t, "key %lu\n", (unsigned long)n->key);
	return 0;
}

static uint64_t stored;

static ssize_t store_number(struct pseudo_node *n, struct file *f,
			    const char *buf, size_t len, uint64_t pos)
{
	stored = (uint64_t)(buf[0] - '0');
	return (ssize_t)len;
}

static const struct pseudo_entry num_table[] = {
	{ .name = "key", .mode = S_IFREG | 0444, .show = show_key },
	{ }
};
static const struct pseudo_entry num_entry = {
	.mode = S_IFDIR | 0555, .children = num_table,
};

static int num_lookup(struct pseudo_node *dir, const char *name,
		      struct inode **out)
{
	if (name[0] < '1' || name[0] > '3' || name[1])
		return -ENOENT;
	return pseudo_inode_create(dir, &num_entry, (uint64_t)(name[0] - '0'),
				   0, out);
}

static int num_next(struct pseudo_node *dir, uint64_t from,
		    struct pseudo_dirent *d)
{
	d->index = MAX(from, 1ul);
	if (d->index > 3)
		return 0;
	d->entry = &num_entry;
	d->key = d->index;
	d->name[0] = (char)('0' + d->index);
	d->name[1] = 0;
	return 1;
}

static const struct pseudo_dir_ops num_ops = { .lookup = num_lookup, .next = num_next };
static const struct pseudo_entry root_table[] = {
	{ .name = "set", .mode = S_IFREG | 0644, .show = show_key,
	  .store = store_number },
	{ .name = "link", .mode = S_IFLNK | 0777, .is_text = true,
	  .text = "2/key" },
	{ }
};
static const struct pseudo_entry root_entry = {
	.mode = S_IFDIR | 0555, .children = root_table, .dir = &num_ops,
};

void test_pseudo(void)
{
	struct count_sink c = { .sink = { count_emit }, .max = 100 };
	struct super *sb = pseudo_super_create("test", &root_entry, 1, 0);
	struct file *f;
	struct path p;

	CHECK_EQ(path_walk(&ctx, "/t", 0, &p, NULL), 0);
	CHECK_EQ(vfs_mount(&p, sb, NULL, "test", 0), 0);
	path_put(&p);
	CHECK(has_text("/t/1/key", "key 1\n"));
	CHECK(has_text("/t/link", "key 2\n"));
	CHECK_EQ(walk_to("/t/4", 0), -ENOENT);
	CHECK_EQ(stat_of("/t/3/key").ino, stat_of("/t/3/key").ino);
	CHECK(stat_of("/t/3/key").ino != stat_of("/t/2/key").ino);
	f = must_open("/t/set", O_WRONLY | O_TRUNC);
	CHECK_EQ(put(f, "5", 1, NULL), 1);
	file_put(f);
	CHECK_EQ(stored, 5);
	CHECK_EQ(open_as(&ctx, "/t/x", O_CREAT | O_WRONLY, &f), -EACCES);
	f = must_open("/t", O_RDONLY);
	CHECK_EQ(f->ops->readdir(f, &c.sink), 0);
	CHECK_EQ(c.n, 7);
	file_put(f);
	CHECK_EQ(path_walk(&ctx, "/t", 0, &p, NULL), 0);
	CHECK_EQ(vfs_umount(&p, 0), 0);
	path_put(&p);
}
