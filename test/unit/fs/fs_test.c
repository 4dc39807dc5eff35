/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the file-system core on a tmpfs. Prints TAP. Every test runs
 * on an empty tree /t and leaves nothing: pages and names are compared.
 */
#include "fs/helpers.h"

static const struct unit_test tests[] = {
	{ "make and remove names", test_make_and_remove },
	{ "open flags", test_open_flags },
	{ "symlinks and walk flags", test_symlinks },
	{ "rename", test_rename },
	{ "sticky directories", test_sticky },
	{ "names of paths", test_path_name },
	{ "mounts", test_mounts },
	{ "sparse files", test_sparse },
	{ "random reads and writes", test_random_io },
	{ "size limit", test_limit },
	{ "mapping and truncation", test_mapping },
	{ "readdir while removing", test_readdir },
	{ "pipe", test_pipe },
	{ "splice and tee", test_splice },
	{ "fifo", test_fifo },
	{ "pipe between threads", test_pipe_threads },
	{ "pipe among many", test_pipe_crowd },
	{ "names by several threads", test_name_threads },
	{ "pseudo file system", test_pseudo },
	{ "put-together tree", test_graft },
	{ "/dev", test_devfs },
	{ "mounts made when walked to", test_late_mounts },
	{ "no memory", test_no_memory },
};

static bool remove_emit(struct dir_sink *s, const char *name, size_t len,
			uint64_t ino, uint8_t type, uint64_t next_pos)
{
	char *first = (char *)(s + 1);

	if (name[0] == '.')
		return true;
	memcpy(first, name, len);
	first[len] = 0;
	return false;
}

/* rm -r */
static void clean(const char *dir)
{
	for (;;) {
		struct { struct dir_sink s; char name[256]; } sink = {
			{ remove_emit }, "",
		};
		char *path = kmalloc(512);
		struct file *d = must_open(dir, O_RDONLY);

		d->ops->readdir(d, &sink.s);
		file_put(d);
		strlcpy(path, dir, 512);
		if (sink.name[0]) {
			path[strlen(dir)] = '/';
			strlcpy(path + strlen(dir) + 1, sink.name, 256);
			if (vfs_unlink(&ctx, path) == -EISDIR &&
			    vfs_rmdir(&ctx, path) == -ENOTEMPTY) {
				clean(path);
				vfs_rmdir(&ctx, path);
			}
		}
		kfree(path);
		if (!sink.name[0])
			return;
	}
}

static uint64_t pages_before;

static void count_pages(void)
{
	pages_before = fake_pages_used;
}

/* Rings of pipes may stay in their cache. */
static void clean_up(void)
{
	clean("/t");
	vfs_shrink(0);
	if (fake_pages_used > pages_before + 16)
		check_failed("pages leaked", "", 0,
			     (long)(fake_pages_used - pages_before));
	if (dentry_count() > 1)
		check_failed("names leaked", "", 0, dentry_count());
}

int main(void)
{
	if (vfs_mount_root(tmpfs_create(0, 0755), "root"))
		return 1;
	vfs_root_path(&ctx.root);
	ctx.start = ctx.root;
	ctx.cred = &root;
	uctx = ctx;
	uctx.cred = &user;
	CHECK_EQ(vfs_mkdir_all("/t/u/v"), 0);
	clean("/t");
	return unit_run("fs", tests, ARRAY_LEN(tests), count_pages, clean_up);
}
