#include "fs/vfs.h"
#include "abi/boot.h"
#include "fs/rootfs.h"
#include "core/panic.h"
struct super *procfs_create(void) __attribute__((weak));
struct super *procfs_create(void){ return tmpfs_create(0,0755); }
struct super *sysfs_create(void) __attribute__((weak));
struct super *sysfs_create(void){ return tmpfs_create(0,0755); }
#define W(n) void n(void) __attribute__((weak)); void n(void){}
W(proc_net_table) W(proc_show_mounts) W(proc_show_mountinfo) W(proc_show_mountstats)
int __popcountdi2(unsigned long x) __attribute__((weak));
int __popcountdi2(unsigned long x){int n=0; while(x){n++;x&=x-1;} return n;}
int rootfs_build(const struct abi_boot *b) __attribute__((weak));
int rootfs_build(const struct abi_boot *b)
{
	struct super *sb = tmpfs_create(0, 0755); int err = vfs_mount_root(sb, "root");
	if (err) return err;
	struct walk_ctx w = {0}; struct path p; static struct cred c;
	vfs_root_path(&w.root); w.start = w.root; c.cap_effective = ~0ull; w.cred = &c;
	for (uint32_t i = 0; i < b->nr_mounts; i++) {
		const struct abi_mount *m = &b->mounts[i]; const char *g = (char*)b->blob + m->guest_path, *s = (char*)b->blob + m->source;
		if (m->kind == ABI_MOUNT_SYMLINK) { err = vfs_symlink(&w, s, g); klog("symlink %s %s %d", g, s, err); continue; }
		err = vfs_mkdir_all(g);
		if (!err) err = path_walk(&w, g, WALK_FOLLOW, &p, NULL);
		if (!err) { struct super *h = hostfs_create(m->export_id, true, m->is_file); if (!h) { klog("hostfs failed"); return -ENOMEM; } err = vfs_mount(&p, h, h->root, s, 0); }
		klog("mount %s %d", g, err);
	}
	vfs_mkdir_all("/tmp"); vfs_mkdir_all("/dev"); vfs_mkdir_all("/proc");
	if (!path_walk(&w, "/dev", 1, &p, NULL)) { struct super *h = devfs_create(); vfs_mount(&p, h, h->root, "dev", 0); }
	return 0;
}
