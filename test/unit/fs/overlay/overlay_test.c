/* SPDX-License-Identifier: MIT */
/*
 * The overlay against a plain memory file system: the same random calls on
 * both must give the same results and leave the same trees. Prints TAP.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/dentry.h"
#include "fs/fake.h"
#include "fs/vfs.h"
#include "lib/string.h"

int printf(const char *fmt, ...);

#define NR_STEPS 400
#define NR_SEEDS 60
#define UMOUNT_DETACH 2

static struct cred root = { .user_ns = &user_ns_first, .cap_effective = ~0ull,
				  .refs = { 1u << 20 } };
static struct walk_ctx ctx;
static uint64_t random_state;

static uint32_t rnd(uint32_t n)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33) % n;
}

static void random_path(char *buf)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	uint32_t depth = 1 + rnd(3);

	buf[0] = 0;
	for (uint32_t i = 0; i < depth; i++) {
		size_t n = strlen(buf);

		scnprintf(buf + n, 64 - n, "%s%s", i ? "/" : "",
			  names[rnd(ARRAY_LEN(names))]);
	}
}

/* --- one call, on the tree at base; the result as a number ------------------*/

struct step {
	uint32_t what, value;
	char a[64], b[64];
};

static long write_file(const char *path, uint32_t flags, uint32_t value)
{
	char text[16];
	struct kiovec iov;
	struct file *f;
	struct uio u;
	long ret = vfs_open(&ctx, path, flags, 0644, 0, &f);

	if (ret)
		return ret;
	uio_init(&u, &iov, text, (size_t)scnprintf(text, sizeof(text), "<%u>",
						   value), false);
	ret = file_write(f, &u, NULL);
	file_put(f);
	return ret;
}

static long read_file(const char *path)
{
	char buf[256];
	struct file *f;
	long ret = vfs_open(&ctx, path, O_RDONLY, 0, 0, &f);
	uint32_t sum = 0;

	if (ret)
		return ret;
	if (S_ISREG(f->inode->mode)) {
		ret = file_read_kernel(f, buf, sizeof(buf), 0);
		for (long i = 0; i < ret; i++)
			sum = sum * 31 + (uint8_t)buf[i];
	}
	file_put(f);
	return sum & 0xffffff;
}

static long look(const char *path)
{
	struct kstat st;
	struct path p;
	long ret = path_walk(&ctx, path, 0, &p, NULL);

	if (ret)
		return ret;
	inode_getattr(path_inode(&p), &st);
	path_put(&p);
	ret = st.mode;
	if (!S_ISDIR(st.mode))
		ret = ret * 1000 + (long)st.nlink * 100 + (long)st.size % 100;
	return ret;
}

static long change(const char *path, uint32_t valid, uint32_t value)
{
	struct attr a = { .valid = valid, .mode = 0600 + value % 64,
			  .size = value % 9 };
	struct path p;
	long ret = path_walk(&ctx, path, WALK_FOLLOW, &p, NULL);

	if (ret)
		return ret;
	ret = valid == ATTR_SIZE ? vfs_truncate(&p, &root, a.size) :
				   vfs_setattr(&p, &root, &a);
	path_put(&p);
	return ret;
}

struct sum_sink {
	struct dir_sink s;
	uint64_t sum;
};

static bool sum_emit(struct dir_sink *s, const char *name, size_t len,
		     uint64_t ino, uint8_t type, uint64_t next_pos)
{
	struct sum_sink *k = container_of(s, struct sum_sink, s);

	/* whatever the order */
	k->sum += (uint64_t)dentry_hash_name(name, len) * (1u + type);
	return true;
}

static long list(const char *path)
{
	struct sum_sink k = { { sum_emit }, 0 };
	struct file *f;
	long ret = vfs_open(&ctx, path, O_RDONLY | O_DIRECTORY, 0, 0, &f);

	if (ret)
		return ret;
	ret = f->ops->readdir(f, &k.s);
	file_put(f);
	return ret ? ret : (long)(k.sum & 0xffffffffff);
}

static long run_step(const char *base, const struct step *s)
{
	char a[96], b[96];

	scnprintf(a, sizeof(a), "%s/%s", base, s->a);
	scnprintf(b, sizeof(b), "%s/%s", base, s->b);
	switch (s->what) {
	case 0:
		return write_file(a, O_WRONLY | O_CREAT, s->value);
	case 1:
		return write_file(a, O_WRONLY | O_APPEND, s->value);
	case 2:
		return write_file(a, O_WRONLY | O_CREAT | O_TRUNC, s->value);
	case 3:
	case 4:
		return vfs_unlink(&ctx, a);
	case 5:
		return vfs_mkdir(&ctx, a, 0755);
	case 6:
		return vfs_rmdir(&ctx, a);
	case 7:
	case 8:
	case 9:
		return vfs_rename(&ctx, a, &ctx, b, 0);
	case 10:
		return vfs_rename(&ctx, a, &ctx, b, s->value % 2 ?
				  RENAME_EXCHANGE : RENAME_NOREPLACE);
	case 11:
		return vfs_link(&ctx, a, &ctx, b, 0);
	case 12:
		return vfs_symlink(&ctx, s->b, a);
	case 13:
		return change(a, ATTR_MODE, s->value);
	case 14:
		return change(a, ATTR_SIZE, s->value);
	case 15:
		return list(a);
	case 16:
		return read_file(a);
	default:
		return look(a);
	}
}

static void make_step(struct step *s)
{
	s->what = rnd(18);
	s->value = rnd(1000);
	random_path(s->a);
	random_path(s->b);
}

/* --- comparison ---------------------------------------------------------------*/

/* Every path that the steps can name, looked at in both trees. */
static uint32_t compare_trees(const char *x, const char *y, char *rel,
			      int depth)
{
	static const uint32_t views[] = { 17, 16, 15 };
	size_t n = strlen(rel);
	uint32_t bad = 0;

	for (char c = 'a'; c <= 'e'; c++) {
		struct step s = { 0 };

		scnprintf(rel + n, 64 - n, "%s%c", n ? "/" : "", c);
		strlcpy(s.a, rel, sizeof(s.a));
		for (size_t i = 0; i < ARRAY_LEN(views); i++) {
			s.what = views[i];
			if (run_step(x, &s) != run_step(y, &s)) {
				printf("# %s differs in %u\n", rel, s.what);
				bad++;
			}
		}
		if (depth > 1)
			bad += compare_trees(x, y, rel, depth - 1);
		rel[n] = 0;
	}
	return bad;
}

static int mount(const char *where, struct super *sb)
{
	struct path p;
	int err = path_walk(&ctx, where, 0, &p, NULL);

	if (err)
		return err;
	err = vfs_mount(&p, sb, NULL, "test", 0);
	path_put(&p);
	return err;
}

static void umount(const char *where)
{
	struct path p;

	if (path_walk(&ctx, where, 0, &p, NULL))
		return;
	vfs_umount(&p, UMOUNT_DETACH);
	path_put(&p);
}

static uint32_t run_seed(uint64_t seed)
{
	struct super *lower = tmpfs_create(0, 0755);
	uint32_t bad = 0;
	char rel[64] = "";
	struct step s;

	random_state = seed;
	ref_get(&lower->refs);
	mount("/plain", tmpfs_create(0, 0755));
	mount("/lower", lower);
	for (int i = 0; i < 100; i++) {
		make_step(&s);
		run_step("/plain", &s);
		run_step("/lower", &s);
	}
	umount("/lower");
	if (mount("/over", overlay_create(lower, tmpfs_create(0, 0755))))
		return 1;
	for (int i = 0; i < NR_STEPS && !bad; i++) {
		long want, got;

		make_step(&s);
		want = run_step("/plain", &s);
		got = run_step("/over", &s);
		if (rnd(20) == 0)
			vfs_shrink(0);
		if (want != got) {
			printf("# seed %lu step %d: call %u %s %s: %ld, not %ld\n",
			       (unsigned long)seed, i, s.what, s.a, s.b, got,
			       want);
			bad++;
		}
	}
	bad += compare_trees("/plain", "/over", rel, 3);
	umount("/plain");
	umount("/over");
	vfs_shrink(0);
	return bad;
}

/* Allocations that fail at any place: errors, but no crash and no leak. */
static void run_without_memory(uint64_t seed)
{
	struct super *lower = tmpfs_create(0, 0755), *over;
	struct step s;

	random_state = seed;
	ref_get(&lower->refs);
	mount("/lower", lower);
	for (int i = 0; i < 100; i++) {
		make_step(&s);
		run_step("/lower", &s);
	}
	umount("/lower");
	over = overlay_create(lower, tmpfs_create(0, 0755));
	mount("/over", over);
	for (int i = 0; i < NR_STEPS; i++) {
		make_step(&s);
		vfs_shrink(0);
		heap_fail_after(1 + rnd(25));
		run_step("/over", &s);
		heap_fail_after(0);
	}
	umount("/over");
	vfs_shrink(0);
}

int main(void)
{
	uint32_t bad = 0;

	if (vfs_mount_root(tmpfs_create(0, 0755), "root"))
		return 1;
	vfs_root_path(&ctx.root);
	ctx.start = ctx.root;
	ctx.cred = &root;
	vfs_mkdir_all("/plain");
	vfs_mkdir_all("/lower");
	vfs_mkdir_all("/over");
	vfs_shrink(0);
	printf("1..3\n");
	for (uint64_t seed = 1; seed <= NR_SEEDS && !bad; seed++)
		bad = run_seed(seed);
	printf("%s 1 - random calls on both\n", bad ? "not ok" : "ok");
	for (uint64_t seed = 1; seed <= NR_SEEDS; seed++)
		run_without_memory(seed);
	printf("ok 2 - allocations that fail\n");
	printf("%s 3 - no pages left\n", fake_pages_used > 16 ? "not ok" : "ok");
	return bad || fake_pages_used > 16;
}
