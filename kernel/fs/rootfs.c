/* SPDX-License-Identifier: MIT */
/*
 * The file tree that the first program finds, from the boot block.
 *
 * Without --root one overlay is the root: its lower layer is put together
 * (graft.c) from the host's system directories, the current directory and a
 * few empty directories, its upper layer is memory. A current directory that
 * lies inside a system directory gets an overlay of its own, mounted there.
 * Then the kernel's own file systems, volumes and --tmpfs in the order asked.
 */
#include "fs/rootfs.h"

#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "core/panic.h"
#include "lib/string.h"

#define TMPFS_NAME "tmpfs"

static const struct cred all_rights = { .cap_effective = ~0ull };

static const char *blob_string(const struct abi_boot *b, uint32_t offset)
{
	return (const char *)(uintptr_t)b->blob + offset;
}

static const char *guest_path(const struct abi_boot *b,
			      const struct abi_mount *m)
{
	return blob_string(b, m->guest_path);
}

/* The value of NAME=value in the program's environment, or NULL. */
static const char *environment(const struct abi_boot *b, const char *name)
{
	const char *p = blob_string(b, b->envp);
	size_t n = strlen(name);

	for (uint32_t i = 0; i < b->envc; i++, p += strlen(p) + 1)
		if (!strncmp(p, name, n) && p[n] == '=')
			return p + n + 1;
	return NULL;
}

static struct super *overlay_over(struct super *lower)
{
	struct super *upper = tmpfs_create(0, 0755), *sb;

	if (!lower || !upper)
		return NULL;
	sb = overlay_create(lower, upper);
	return sb;
}

/* --- mounting ---------------------------------------------------------------*/

static int walk_to(const char *path, struct path *out)
{
	struct walk_ctx ctx = { .cred = &all_rights };
	int err;

	vfs_root_path(&ctx.root);
	ctx.start = ctx.root;
	err = path_walk(&ctx, path, WALK_FOLLOW, out, NULL);
	path_put(&ctx.root);
	return err;
}

/* Make an empty file to mount a file on. */
static int touch(const char *path)
{
	struct walk_ctx ctx = { .cred = &all_rights };
	int err;

	vfs_root_path(&ctx.root);
	ctx.start = ctx.root;
	err = vfs_mknod(&ctx, path, S_IFREG | 0644, 0);
	path_put(&ctx.root);
	return err == -EEXIST ? 0 : err;
}

/* Directories above path, and path itself if it is to be a directory. */
static int make_mountpoint(const char *path, bool is_file)
{
	char *parent, *slash;
	int err = 0;

	if (!is_file)
		return vfs_mkdir_all(path);
	parent = kstrdup(path);
	if (!parent)
		return -ENOMEM;
	slash = strrchr(parent, '/');
	if (slash && slash != parent) {
		*slash = 0;
		err = vfs_mkdir_all(parent);
	}
	kfree(parent);
	return err ? err : touch(path);
}

/* Mount sb (whose reference is taken over) at path, which is made. */
static int mount_at(const char *path, struct super *sb, const char *source,
		    uint32_t flags)
{
	struct path where;
	int err;

	if (!sb)
		return -ENOMEM;
	err = make_mountpoint(path, !S_ISDIR(sb->root->mode));
	if (!err)
		err = walk_to(path, &where);
	if (err) {
		klog("mounting on %s: error %d", path, -err);
		return err;
	}
	err = vfs_mount(&where, sb, NULL, source, flags);
	path_put(&where);
	return err;
}

static int make_directory(const char *path, uint32_t mode, uint32_t uid,
			  uint32_t gid)
{
	struct attr a = { .valid = ATTR_MODE | ATTR_UID | ATTR_GID,
			  .mode = mode, .uid = uid, .gid = gid };
	struct path p;
	int err = walk_to(path, &p);

	if (!err) {		/* it exists: leave it as it is */
		path_put(&p);
		return 0;
	}
	err = vfs_mkdir_all(path);
	if (!err)
		err = walk_to(path, &p);
	if (err)
		return err;
	err = vfs_setattr(&p, &all_rights, &a);
	path_put(&p);
	return err;
}

/* --- the root -----------------------------------------------------------------*/

static const struct abi_mount *find_mount(const struct abi_boot *b,
					  uint32_t kind)
{
	for (uint32_t i = 0; i < b->nr_mounts; i++)
		if (b->mounts[i].kind == kind)
			return &b->mounts[i];
	return NULL;
}

static bool is_root_path(const char *path)
{
	while (*path == '/')
		path++;
	return !*path;
}

/* Directories of a root that is put together; modes as Debian's. */
static int graft_directories(struct graft *g, const struct abi_boot *b)
{
	static const struct {
		const char *path;
		uint32_t mode;
	} dirs[] = {
		{ "/tmp", 01777 }, { "/run", 0755 }, { "/run/lock", 01777 },
		{ "/var", 0755 }, { "/var/tmp", 01777 }, { "/var/lib", 0755 },
		{ "/var/cache", 0755 }, { "/var/log", 0755 },
		{ "/dev", 0755 }, { "/proc", 0555 }, { "/sys", 0555 },
		{ "/root", 0700 }, { "/home", 0755 }, { "/mnt", 0755 },
		{ "/media", 0755 }, { "/srv", 0755 }, { "/opt", 0755 },
	};
	const char *home = environment(b, "HOME");
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_LEN(dirs); i++) {
		err = graft_add(g, dirs[i].path, NULL, NULL, dirs[i].mode, 0,
				0);
		if (err == -EEXIST)
			err = 0;
	}
	if (!err)
		err = graft_add(g, "/var/run", NULL, "/run", 0, 0, 0);
	if (err == -EEXIST)
		err = 0;
	/* the home directory: empty, the program's own */
	if (!err && home && home[0] == '/' && !is_root_path(home))
		err = graft_add(g, home, NULL, NULL,
				strcmp(home, "/root") ? 0755 : 0700, b->uid,
				b->gid);
	return err == -EEXIST ? 0 : err;
}

static int graft_mount(struct graft *g, const struct abi_boot *b,
		       const struct abi_mount *m)
{
	const char *path = guest_path(b, m);
	struct super *sb;
	int err;

	if (m->kind == ABI_MOUNT_SYMLINK) {
		err = graft_add(g, path, NULL, blob_string(b, m->source), 0,
				0, 0);
		return err == -EEXIST ? 0 : err;
	}
	sb = hostfs_create(m->export_id, true, false);
	if (!sb)
		return -EIO;
	err = graft_add(g, path, sb, NULL, 0, 0, 0);
	if (err)
		super_put(sb);
	return err;
}

/*
 * Returns 0 or -errno; *cwd_later: the current directory lies inside a system
 * directory and has to be mounted on its own.
 */
static int build_grafted_root(const struct abi_boot *b, bool *cwd_later)
{
	struct graft *g = graft_create();
	struct super *sb;
	int err = g ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < b->nr_mounts; i++) {
		const struct abi_mount *m = &b->mounts[i];

		if (m->kind == ABI_MOUNT_SYSTEM ||
		    m->kind == ABI_MOUNT_SYMLINK)
			err = graft_mount(g, b, m);
	}
	for (uint32_t i = 0; !err && i < b->nr_mounts; i++) {
		const struct abi_mount *m = &b->mounts[i];

		if (m->kind != ABI_MOUNT_CWD || is_root_path(guest_path(b, m)))
			continue;
		err = graft_mount(g, b, m);
		if (err == -EEXIST) {
			*cwd_later = true;
			err = 0;
		}
	}
	if (!err)
		err = graft_directories(g, b);
	if (err)
		return err;
	sb = overlay_over(graft_super(g));
	return sb ? vfs_mount_root(sb, "overlay") : -ENOMEM;
}

static int build_root(const struct abi_boot *b, bool *cwd_later)
{
	const struct abi_mount *m = find_mount(b, ABI_MOUNT_ROOT);
	struct super *lower, *sb;

	if (!m)
		return build_grafted_root(b, cwd_later);
	lower = hostfs_create(m->export_id, true, false);
	if (!lower)
		return -EIO;
	*cwd_later = true;
	sb = overlay_over(lower);
	return sb ? vfs_mount_root(sb, "overlay") : -ENOMEM;
}

/* --- what is mounted on it ------------------------------------------------------*/

static int mount_kernel_file_systems(void)
{
	struct super *shm;
	int err = mount_at("/proc", procfs_create(), "proc",
			   MS_NOSUID | MS_NODEV | MS_NOEXEC);

	if (!err)
		err = mount_at("/sys", sysfs_create(), "sysfs",
			       MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY);
	if (!err)
		err = mount_at("/dev", devfs_create(), "dev", MS_NOSUID);
	if (!err)
		err = mount_at("/dev/pts", devpts_create(), "devpts",
			       MS_NOSUID | MS_NOEXEC);
	if (err)
		return err;
	shm = tmpfs_create(0, 01777);
	return mount_at("/dev/shm", shm, TMPFS_NAME, MS_NOSUID | MS_NODEV);
}

/* "size=64m,mode=1777" */
static void parse_tmpfs_options(const char *s, uint64_t *size, uint32_t *mode)
{
	while (*s) {
		uint64_t n = 0;
		const char *p;

		if (!strncmp(s, "size=", 5)) {
			for (p = s + 5; *p >= '0' && *p <= '9'; p++)
				n = n * 10 + (uint64_t)(*p - '0');
			if ((*p | 32) == 'k')
				n <<= 10;
			else if ((*p | 32) == 'm')
				n <<= 20;
			else if ((*p | 32) == 'g')
				n <<= 30;
			*size = n;
		} else if (!strncmp(s, "mode=", 5)) {
			for (p = s + 5; *p >= '0' && *p <= '7'; p++)
				n = n * 8 + (uint64_t)(*p - '0');
			*mode = (uint32_t)n & 07777;
		}
		while (*s && *s != ',')
			s++;
		while (*s == ',')
			s++;
	}
}

static int mount_one(const struct abi_boot *b, const struct abi_mount *m,
		     bool cwd_later)
{
	const char *path = guest_path(b, m);
	uint32_t flags = m->read_only ? MS_RDONLY : 0, mode = 01777;
	uint64_t size = 0;
	struct super *sb;

	switch (m->kind) {
	case ABI_MOUNT_CWD:
		if (!cwd_later || is_root_path(path))
			return 0;
		sb = hostfs_create(m->export_id, true, false);
		return mount_at(path, overlay_over(sb), "overlay", 0);
	case ABI_MOUNT_VOLUME:
		sb = hostfs_create(m->export_id, m->read_only, true);
		return mount_at(path, sb, "volume", flags | MS_NODEV);
	case ABI_MOUNT_TMPFS:
		parse_tmpfs_options(blob_string(b, m->source), &size, &mode);
		return mount_at(path, tmpfs_create(size, mode), TMPFS_NAME,
				flags | MS_NOSUID | MS_NODEV);
	default:
		return 0;
	}
}

static int finish(const struct abi_boot *b)
{
	struct path root;
	int err = 0;

	if (find_mount(b, ABI_MOUNT_ROOT))
		err = make_directory("/tmp", 01777, 0, 0);
	if (!err && (b->flags & ABI_BOOT_READ_ONLY)) {
		vfs_root_path(&root);
		err = vfs_remount(&root, MS_RDONLY);
		path_put(&root);
	}
	return err;
}

int rootfs_build(const struct abi_boot *b)
{
	bool cwd_later = false;
	int err;

	if (b->handles_max)
		hostfs_handles_max = b->handles_max;
	err = build_root(b, &cwd_later);
	if (!err)
		err = mount_kernel_file_systems();
	for (uint32_t i = 0; !err && i < b->nr_mounts; i++)
		err = mount_one(b, &b->mounts[i], cwd_later);
	return err ? err : finish(b);
}
