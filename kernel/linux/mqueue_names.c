/* SPDX-License-Identifier: MIT */
/* Where POSIX message queues have their names: a file system for each IPC
 * namespace, made when it is first wanted. */
#include "core/heap.h"
#include "fs/dentry.h"
#include "linux/ipc.h"

struct mount *mqueue_names(bool of_first)
{
	struct mount **names;
	struct super *sb;

	mutex_lock(&ipc_lock);
	names = ipc_ns_mqueues(of_first);
	sb = *names ? NULL : tmpfs_create(0, 01777);
	if (sb) {
		mqueue_init_super(sb);
		*names = vfs_mount_nowhere(sb);
		if (!*names)
			super_put(sb);
	}
	mutex_unlock(&ipc_lock);
	return *names;
}

void mqueue_names_put(struct mount *names)
{
	struct path p = { names, dentry_get(names->root) };

	path_put(&p);
}

static struct super *names_super(bool of_first)
{
	struct mount *m = mqueue_names(of_first);

	if (m)
		ref_get(&m->sb->refs);
	return m ? m->sb : NULL;
}

struct super *mqueue_create(void)
{
	return names_super(true);
}

struct super *mqueue_create_own(void)
{
	return names_super(false);
}
