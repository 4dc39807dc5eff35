/* SPDX-License-Identifier: MIT */
/*
 * The file system at /dev/pts: one node for each pseudo terminal whose master
 * is open, one for each terminal of the host among the standard streams (so
 * that it has the name it has outside), and ptmx.
 */
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include "drv/hostio.h"
#include "drv/pty.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"

#define FIRST_INO	3u	/* of slave 0, as on Linux */
#define PTMX_INO	2u
#define TTY_GROUP	5u
#define PTS_MAJOR	136u
#define PTS_PER_MAJOR	256u
/* Positions of the directory: dots, ptmx, then indexes. */
#define POS_PTMX	2u
#define POS_INDEX	3u

static struct mutex start_lock = MUTEX_INIT;
/* Made under start_lock, at the first use; then set for ever. */
static struct super *devpts;		/* atomic; made last */
static struct inode *ptmx_inode;
static struct inode *host_inode[3];	/* by stream */
static uint32_t host_owner;		/* of those; set once, at start-up */

static int node_setattr(struct inode *i, const struct attr *a)
{
	return inode_setattr_generic(i, a);
}

static const struct inode_ops node_ops = {
	.setattr = node_setattr,
};
static const struct file_ops no_ops;

static struct inode *make_node(struct super *sb, uint64_t ino, uint32_t mode,
			       uint64_t rdev)
{
	struct inode *i = inode_create(sb, mode, &node_ops, &no_ops);

	if (!i)
		return NULL;
	i->ino = ino;
	i->rdev = rdev;
	return i;
}

struct inode *devpts_create_inode(uint32_t index)
{
	struct inode *i;

	if (!devpts_start())
		return NULL;
	i = make_node(devpts, index + FIRST_INO, S_IFCHR | 0620,
		      dev_make(PTS_MAJOR + index / PTS_PER_MAJOR,
			       index % PTS_PER_MAJOR));
	if (i)
		i->gid = TTY_GROUP;
	return i;
}

/* -1 if rdev is no slave's number */
static int64_t index_of(uint64_t rdev)
{
	uint32_t major = dev_major(rdev);

	if (major < PTS_MAJOR || major >= PTS_MAJOR + PTY_MAX / PTS_PER_MAJOR)
		return -1;
	return (major - PTS_MAJOR) * PTS_PER_MAJOR + dev_minor(rdev);
}

/* The host's terminal with this index: its stream, or -1. */
static int host_stream(uint32_t index)
{
	for (uint32_t n = 0; n < 3; n++)
		if (host_inode[n] &&
		    index_of(host_inode[n]->rdev) == (int64_t)index)
			return (int)n;
	return -1;
}

static struct inode *find(uint32_t index)
{
	int n = host_stream(index);

	return n >= 0 ? inode_get(host_inode[n]) : pty_get_inode(index);
}

static int64_t parse_index(const char *name)
{
	uint32_t v = 0;

	if (name[0] == '0' && name[1])
		return -1;
	for (const char *p = name; *p; p++) {
		if (*p < '0' || *p > '9' || v > PTY_MAX)
			return -1;
		v = v * 10 + (uint32_t)(*p - '0');
	}
	return v;
}

static int root_lookup(struct inode *dir, const char *name, struct inode **out)
{
	int64_t index;

	if (!strcmp(name, "ptmx")) {
		*out = inode_get(ptmx_inode);
		return 0;
	}
	index = parse_index(name);
	*out = index >= 0 ? find((uint32_t)index) : NULL;
	return *out ? 0 : -ENOENT;
}

static int next_index(uint32_t from)
{
	int next = pty_next_index(from);

	for (uint32_t n = 0; n < 3; n++) {
		int64_t i = host_inode[n] ? index_of(host_inode[n]->rdev) : -1;

		if (i >= (int64_t)from && (next < 0 || i < next))
			next = (int)i;
	}
	return next;
}

static int root_readdir(struct file *f, struct dir_sink *s)
{
	char name[12];
	int len, index;

	if (!dir_emit_dots(f, s))
		return 0;
	if (f->pos == POS_PTMX) {
		if (!s->emit(s, "ptmx", 4, PTMX_INO, S_IFCHR >> 12, POS_INDEX))
			return 0;
		f->pos = POS_INDEX;
	}
	for (;;) {
		index = next_index((uint32_t)(f->pos - POS_INDEX));
		if (index < 0)
			return 0;
		len = scnprintf(name, sizeof(name), "%d", index);
		if (!s->emit(s, name, (size_t)len, (uint64_t)index + FIRST_INO,
			     S_IFCHR >> 12, (uint64_t)index + POS_INDEX + 1))
			return 0;
		f->pos = (uint64_t)index + POS_INDEX + 1;
	}
}

static const struct inode_ops root_ops = {
	.lookup = root_lookup,
	.setattr = node_setattr,
};
static const struct file_ops root_file_ops = {
	.readdir = root_readdir,
};

static int devpts_statfs(struct super *sb, struct kstatfs *out)
{
	out->type = DEVPTS_SUPER_MAGIC;
	out->bsize = PAGE_SIZE;
	out->namelen = 255;
	return 0;
}

static const struct super_ops devpts_ops = {
	.statfs = devpts_statfs,
};

static void add_host_ttys(struct super *sb)
{
	for (uint32_t n = 0; n < 3; n++) {
		struct tty *t = host_tty_of_stream(n);
		int64_t index = t ? index_of(t->rdev) : -1;

		if (index < 0 || host_stream((uint32_t)index) >= 0)
			continue;
		host_inode[n] = make_node(sb, (uint64_t)index + FIRST_INO,
					  hostio_info(n)->mode, t->rdev);
		if (!host_inode[n])
			continue;
		host_inode[n]->uid = host_owner;
		host_inode[n]->gid = TTY_GROUP;
	}
}

/* NULL: no memory. */
static struct super *make_super(void)
{
	struct super *sb = super_create(&devpts_ops, "devpts",
					SUPER_NO_DCACHE | SUPER_NO_NEGATIVE);

	if (!sb)
		return NULL;
	sb->root = inode_create(sb, S_IFDIR | 0755, &root_ops,
				&root_file_ops);
	ptmx_inode = make_node(sb, PTMX_INO, S_IFCHR | 0666, dev_make(5, 2));
	if (!sb->root || !ptmx_inode) {
		inode_put(ptmx_inode);
		super_put(sb);
		return NULL;
	}
	sb->root->ino = 1;
	sb->root->nlink = 2;
	add_host_ttys(sb);
	return sb;
}

bool devpts_start(void)
{
	struct super *sb = __atomic_load_n(&devpts, __ATOMIC_ACQUIRE);

	if (sb)
		return true;
	mutex_lock(&start_lock);
	if (!devpts) {
		sb = make_super();
		/* Pairs with the loads: whoever sees it sees its inodes. */
		__atomic_store_n(&devpts, sb, __ATOMIC_RELEASE);
	}
	sb = devpts;
	mutex_unlock(&start_lock);
	return sb;
}

struct super *devpts_create(void)
{
	if (!devpts_start())
		return NULL;
	/* pseudo terminals come and go with it: the first reference stays */
	ref_get(&devpts->refs);
	return devpts;
}

void devpts_set_owner(uint32_t uid)
{
	host_owner = uid;
}
