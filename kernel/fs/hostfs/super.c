/* SPDX-License-Identifier: MIT */
/* Host trees as file systems: creation, statfs. */
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/hostfs/channel.h"
#include "fs/hostfs/hostfs.h"
#include "lib/string.h"

static int hostfs_statfs(struct super *sb, struct kstatfs *out)
{
	struct hostfs *fs = sb->private;
	struct fsrv_request rq = { .op = FSRV_STATFS, .dir = fs->export_id };
	struct fsrv_statfs st;
	struct fsrv_reply rp;
	int err = server_call(&rq, NULL, NULL, NULL, &rp, &st, sizeof(st),
			      NULL);

	if (err)
		return err;
	if (rp.data_len != sizeof(st))
		return -EIO;
	out->type = st.type;
	out->bsize = st.bsize;
	out->blocks = st.blocks;
	out->bfree = st.bfree;
	out->bavail = st.bavail;
	out->files = st.files;
	out->ffree = st.ffree;
	out->namelen = (uint32_t)st.namelen;
	return 0;
}

static void hostfs_destroy(struct super *sb)
{
	struct hostfs *fs = sb->private;

	nodetab_fini(&fs->by_ino);
	nodetab_fini(&fs->by_name);
	kfree(fs);
}

static const struct super_ops hostfs_super_ops = {
	.statfs = hostfs_statfs,
	.destroy = hostfs_destroy,
};

static struct inode *make_root(struct super *sb)
{
	struct hostfs *fs = sb->private;
	struct fsrv_request rq = { .op = FSRV_GETATTR, .dir = fs->export_id };
	struct fsrv_reply rp;
	struct inode *i;

	if (server_call(&rq, NULL, NULL, NULL, &rp, NULL, 0, NULL))
		return NULL;
	fs->root_dev = rp.attr.dev;
	fs->is_file = !S_ISDIR(rp.attr.mode);
	if (hostnode_get(sb, NULL, NULL, &rp.attr, 0, &i))
		return NULL;
	hostnode(i)->is_root = true;
	hostnode(i)->has_handle = true;
	hostnode(i)->handle = fs->export_id;
	return i;
}

struct super *hostfs_create(uint32_t export_id, bool read_only, bool live)
{
	struct hostfs *fs = kzalloc(sizeof(*fs));
	uint32_t flags = SUPER_NODEV;
	struct super *sb;

	if (!fs)
		return NULL;
	fs->export_id = export_id;
	fs->live = live;
	nodetab_init(&fs->by_ino);
	nodetab_init(&fs->by_name);
	if (read_only)
		flags |= SUPER_READ_ONLY;
	if (live)
		flags |= SUPER_REVALIDATE | SUPER_NO_NEGATIVE;
	sb = super_create(&hostfs_super_ops, "hostfs", flags);
	if (!sb) {
		kfree(fs);
		return NULL;
	}
	sb->private = fs;
	sb->root = make_root(sb);
	if (!sb->root) {
		super_put(sb);
		return NULL;
	}
	return sb;
}
