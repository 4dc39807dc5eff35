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

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "core/panic.h"
#include "fs/dentry.h"
#include "fs/overlay/overlay.h"
#include "lib/string.h"

#define TMPFS_NAME "tmpfs"

/* Set once, by rootfs_build(), for what is made later. */
static const struct abi_boot *described;

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
	struct walk_ctx ctx = { .cred = &cred_kernel };
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
	struct walk_ctx ctx = { .cred = &cred_kernel };
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
	err = walk_to(path, &where);
	if (err) {
		err = make_mountpoint(path, !S_ISDIR(sb->root->mode));
		if (!err)
			err = walk_to(path, &where);
	}
	if (!err) {
		err = vfs_mount(&where, sb, NULL, source, flags);
		path_put(&where);
	}
	if (err) {
		klog("mounting on %s: error %d", path, -err);
		super_put(sb);
	}
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
	err = vfs_setattr(&p, &cred_kernel, &a);
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

#define DIRECTORY(name, permissions) \
	{ .path = name, .kind = GRAFT_DIRECTORY, .mode = permissions }

/* Directories of a root that is put together; modes as Debian's. */
static const struct graft_entry usual[] = {
	DIRECTORY("/tmp", 01777), DIRECTORY("/run", 0755),
	DIRECTORY("/run/lock", 01777), DIRECTORY("/var", 0755),
	DIRECTORY("/var/tmp", 01777), DIRECTORY("/var/lib", 0755),
	DIRECTORY("/var/cache", 0755), DIRECTORY("/var/log", 0755),
	DIRECTORY("/dev", 0755), DIRECTORY("/proc", 0555),
	DIRECTORY("/sys", 0555), DIRECTORY("/root", 0700),
	DIRECTORY("/home", 0755), DIRECTORY("/mnt", 0755),
	DIRECTORY("/media", 0755), DIRECTORY("/srv", 0755),
	DIRECTORY("/opt", 0755),
	{ .path = "/var/run", .kind = GRAFT_LINK, .text = "/run" },
};

/* A path without double slashes and slashes at its end; NULL: no memory. */
static const char *tidy_path(const char *path)
{
	const char *p = path;
	char *copy, *to;

	while (*p && (*p != '/' || (p[1] && p[1] != '/')))
		p++;
	if (!*p)
		return path;
	copy = to = kstrdup(path);
	for (; to && *path; path++)
		if (*path != '/' || (path[1] && path[1] != '/'))
			*to++ = *path;
	if (to)
		*to = 0;
	return copy;
}

/* Is path dir itself or in it? Both are tidy. */
static bool is_at_or_in(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

/* Do host directories and links leave no place for the current directory? */
static bool is_taken(const char *path, const struct graft_list *l)
{
	for (uint32_t i = 0; i < l->nr; i++) {
		const char *taken = l->entry[i].path;

		if (path[1] == taken[1] && (is_at_or_in(path, taken) ||
					    is_at_or_in(taken, path)))
			return true;
	}
	return false;
}

/* The entry of one mount; false: it has none. */
static bool entry_of_mount(const struct abi_boot *b, const struct abi_mount *m,
			   struct graft_entry *e)
{
	static const uint32_t kinds[] = {
		[ABI_MOUNT_SYSTEM] = GRAFT_EXPORT,
		[ABI_MOUNT_SYMLINK] = GRAFT_LINK,
		[ABI_MOUNT_CWD] = GRAFT_EXPORT,
		[ABI_MOUNT_VOLUME] = GRAFT_PATH,
		[ABI_MOUNT_TMPFS] = GRAFT_PATH,
	};

	if (is_root_path(guest_path(b, m)) ||
	    (m->kind == ABI_MOUNT_VOLUME && m->is_file))
		return false;
	*e = (struct graft_entry){
		.path = tidy_path(guest_path(b, m)),
		.text = blob_string(b, m->source),
		.kind = kinds[m->kind],
		.export_id = m->export_id,
	};
	return true;
}

/* The entries of all mounts of a kind, put behind those of l. */
static bool add_entries(const struct abi_boot *b, uint32_t kind,
			struct graft_list *l, struct graft_entry *at)
{
	for (uint32_t i = 0; i < b->nr_mounts; i++) {
		const struct abi_mount *m = &b->mounts[i];

		if (m->kind != kind || !entry_of_mount(b, m, &at[l->nr]))
			continue;
		if (!at[l->nr].path)
			return false;
		if (kind != ABI_MOUNT_CWD || !is_taken(at[l->nr].path, l))
			l->nr++;
	}
	return true;
}

/* The home directory: empty, the program's own. */
static bool add_home(const struct abi_boot *b, struct graft_list *l,
		     struct graft_entry *at)
{
	const char *home = environment(b, "HOME");

	if (!home || home[0] != '/' || is_root_path(home))
		return true;
	at[l->nr] = (struct graft_entry){
		.path = tidy_path(home), .kind = GRAFT_DIRECTORY,
		.mode = strcmp(home, "/root") ? 0755 : 0700,
		.uid = b->uid, .gid = b->gid,
	};
	return at[l->nr++].path;
}

/*
 * Returns 0 or -errno; *cwd_later: the current directory lies inside a system
 * directory and has to be mounted on its own.
 */
static int build_grafted_root(const struct abi_boot *b, bool *cwd_later)
{
	static const uint32_t kinds[] = {
		ABI_MOUNT_SYSTEM, ABI_MOUNT_SYMLINK, ABI_MOUNT_CWD,
		ABI_MOUNT_VOLUME, ABI_MOUNT_TMPFS,
	};
	struct graft_entry *own = kmalloc((b->nr_mounts + 1) * sizeof(*own));
	struct graft_list list[GRAFT_LISTS] = {
		{ .entry = own }, { usual, ARRAY_LEN(usual) },
	};
	struct super *sb;

	if (!own)
		return -ENOMEM;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		uint32_t before = list[0].nr;

		if (!add_entries(b, kinds[k], &list[0], own))
			return -ENOMEM;
		if (kinds[k] == ABI_MOUNT_CWD)
			*cwd_later = list[0].nr == before;
	}
	if (!add_home(b, &list[0], own))
		return -ENOMEM;
	sb = overlay_over(graft_create(list));
	return sb ? vfs_mount_root(sb, "overlay") : -ENOMEM;
}

/* The tree in the image that an export is. */
static int open_image(uint32_t export_id, struct super **out)
{
	struct super *host = hostfs_create(export_id, true, false);
	struct file *image;
	int err;

	if (!host)
		return -EIO;
	err = overlay_open_real(host->root, O_RDONLY, &image);
	super_put(host);
	if (err)
		return err;
	err = erofs_create(image, out);
	file_put(image);
	if (err)
		klog("reading the image: error %d", -err);
	return err;
}

static int build_root(const struct abi_boot *b, bool *cwd_later)
{
	const struct abi_mount *m = find_mount(b, ABI_MOUNT_ROOT);
	struct super *lower, *sb;
	int err = 0;

	if (!m)
		return build_grafted_root(b, cwd_later);
	if (m->is_file)
		err = open_image(m->export_id, &lower);
	else
		lower = hostfs_create(m->export_id, true, false);
	if (err || !lower)
		return err ? err : -EIO;
	*cwd_later = true;
	sb = overlay_over(lower);
	return sb ? vfs_mount_root(sb, "overlay") : -ENOMEM;
}

/* --- what is mounted on it ------------------------------------------------------*/

static struct super *shm_create(void)
{
	return tmpfs_create(0, 01777);
}

static struct super *line_create(uint32_t offset)
{
	struct super *sb = tmpfs_create_line(blob_string(described, offset));

	if (sb && described->flags & ABI_BOOT_READ_ONLY)
		sb->flags |= SUPER_READ_ONLY;
	return sb;
}

static struct super *hosts_create(void)
{
	return line_create(described->hosts);
}

static struct super *hostname_create(void)
{
	return line_create(described->hostname);
}

enum {
	AT_PROC, AT_SYS, AT_CGROUP, AT_DEV, AT_PTS, AT_SHM, AT_MQUEUE,
	AT_HOSTS, AT_HOSTNAME, NR_KERNEL_MOUNTS
};
static const struct late_mount kernel_mounts[NR_KERNEL_MOUNTS] = {
	[AT_PROC] = { "proc", 0, NULL, procfs_create, "proc",
		      MS_NOSUID | MS_NODEV | MS_NOEXEC },
	[AT_SYS] = { "sys", 0, NULL, sysfs_create, "sysfs",
		     MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY },
	[AT_CGROUP] = { "fs/cgroup", 3, &kernel_mounts[AT_SYS], cgroup_create,
			"cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC |
			MS_RDONLY },
	[AT_DEV] = { "dev", 0, NULL, devfs_create, "dev", MS_NOSUID },
	[AT_PTS] = { "pts", 0, &kernel_mounts[AT_DEV], devpts_create, "devpts",
		     MS_NOSUID | MS_NOEXEC },
	[AT_SHM] = { "shm", 0, &kernel_mounts[AT_DEV], shm_create, TMPFS_NAME,
		     MS_NOSUID | MS_NODEV },
	[AT_MQUEUE] = { "mqueue", 0, &kernel_mounts[AT_DEV], mqueue_create,
			"mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC },
	[AT_HOSTS] = { "etc/hosts", 4, NULL, hosts_create, TMPFS_NAME, 0 },
	[AT_HOSTNAME] = { "etc/hostname", 4, NULL, hostname_create, TMPFS_NAME,
			  0 },
};

_Static_assert(NR_KERNEL_MOUNTS <= LATE_MOUNTS_MAX, "room");

/*
 * A tree of ours has the places; in another they may have to be made. It can be
 * so strange that there is no place for a file (a symbolic link to nowhere).
 */
static int mount_kernel_file_systems(bool is_ours)
{
	int err = 0;

	if (is_ours) {
		vfs_mount_late(kernel_mounts, NR_KERNEL_MOUNTS);
		return 0;
	}
	for (uint32_t i = 0; i < NR_KERNEL_MOUNTS && !err; i++) {
		const struct late_mount *m = &kernel_mounts[i];
		char path[24];

		snprintf(path, sizeof(path), "%s%s/%s", m->on ? "/" : "",
			 m->on ? m->on->name : "", m->name);
		err = mount_at(path, m->create(), m->source, m->flags);
		if (i >= AT_HOSTS && err != -ENOMEM)
			err = 0;
	}
	return err;
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

	described = b;
	if (b->handles_max)
		hostfs_handles_max = b->handles_max;
	err = build_root(b, &cwd_later);
	if (!err)
		err = mount_kernel_file_systems(!find_mount(b,
							ABI_MOUNT_ROOT));
	for (uint32_t i = 0; !err && i < b->nr_mounts; i++)
		err = mount_one(b, &b->mounts[i], cwd_later);
	return err ? err : finish(b);
}

/* --- the working directory ----------------------------------------------------*/

/* Was the first name of path ever looked up? Else nothing is mounted below. */
static bool is_known(const char *path)
{
	const char *name = path + 1, *end = name;
	struct path root;
	bool known;

	while (*end && *end != '/')
		end++;
	vfs_root_path(&root);
	mutex_lock(&dcache_lock);
	known = dentry_find_locked(root.dentry, name, (size_t)(end - name),
				   dentry_hash_name(name,
						    (size_t)(end - name)));
	mutex_unlock(&dcache_lock);
	path_put(&root);
	return known;
}

bool rootfs_leads_to_cwd(const struct abi_boot *b)
{
	const struct abi_mount *m = find_mount(b, ABI_MOUNT_CWD);
	const char *path = blob_string(b, b->cwd);

	if (!m || find_mount(b, ABI_MOUNT_ROOT) || is_root_path(path) ||
	    strcmp(path, guest_path(b, m)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		if (b->uid && !(usual[i].mode & 1) &&
		    is_at_or_in(path, usual[i].path))
			return false;	/* only for its owner, root */
	return !is_known(path);
}
