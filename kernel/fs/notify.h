/* SPDX-License-Identifier: MIT */
/*
 * What the file layer tells the layer above: changes of names and contents
 * (for inotify) and the end of open files (for file locks). The personality
 * fills fs_hooks once at start-up; until then, and while nobody watches
 * anything, a call costs one load.
 *
 * vfs.c calls, after the operation succeeded and with no lock held:
 *   create, mknod, mkdir, symlink, link  fs_notify(dir, IN_CREATE[|IN_ISDIR],
 *					  0, name)
 *   unlink, rmdir	fs_notify(dir, IN_DELETE[|IN_ISDIR], 0, name), then
 *			fs_notify(victim, IN_ATTRIB, 0, NULL) while it has
 *			links left, else fs_notify_gone(victim)
 *   rename		fs_notify_rename(...)
 *   setattr		fs_notify_path(path, IN_ATTRIB or IN_MODIFY)
 *   file_put		fs_file_closed(f) before ops->release
 * Reads, writes, opens and closes are reported by the personality itself.
 */
#pragma once
#include <linux/inotify.h>
#include "fs/vfs.h"

struct fs_hooks {
	/* Event on i itself (name NULL) or on its entry `name`, which is
	 * unlinked already where the mask has IN_EXCL_UNLINK. */
	void (*notify)(struct inode *i, uint32_t mask, uint32_t cookie,
		       const char *name);
	/* The last name of i went: report it and drop its watches. */
	void (*gone)(struct inode *i);
	/* The last reference to f goes. */
	void (*file_closed)(struct file *f);
	/* Likewise, and f->epoll_links is not empty. */
	void (*file_unwatch)(struct file *f);
	/* i, which has leases, is opened: wait for those against it. 0 or
	 * -errno. Locks: none held. */
	int (*lease_break)(struct inode *i, uint32_t flags);
};
extern struct fs_hooks fs_hooks;	/* set once, at start-up */
extern uint32_t fs_nr_watches;		/* atomic: watches that exist */

static inline bool fs_is_watched(void)
{
	return unlikely(__atomic_load_n(&fs_nr_watches, __ATOMIC_RELAXED));
}

static inline void fs_notify(struct inode *i, uint32_t mask, uint32_t cookie,
			     const char *name)
{
	if (fs_is_watched() && fs_hooks.notify)
		fs_hooks.notify(i, mask, cookie, name);
}

static inline void fs_notify_gone(struct inode *i)
{
	if (fs_is_watched() && fs_hooks.gone)
		fs_hooks.gone(i);
}

static inline void fs_file_closed(struct file *f)
{
	if (fs_hooks.file_closed)
		fs_hooks.file_closed(f);
}

/* IN_MOVED_FROM, IN_MOVED_TO with a common cookie, then IN_MOVE_SELF. */
void fs_notify_rename(struct inode *old_dir, const char *old_name,
		      struct inode *new_dir, const char *new_name,
		      struct inode *moved);
/* Links to a removed name's inode: some left, or gone. */
void fs_notify_unlinked(struct inode *victim);
/* Event on the object at p and, with its name, on the directory it is in. */
void fs_notify_path(const struct path *p, uint32_t mask);
