/* SPDX-License-Identifier: MIT */
/*
 * A small read-only tree in memory whose leaves are symbolic links and roots
 * of other file systems. It is the lower layer of a root that is put together
 * from host directories. Built once at start-up, then never changed.
 */
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/rootfs.h"
#include "lib/string.h"

struct gnode {
	struct gnode *next, *children, *parent;
	char *name;
	struct inode *inode;	/* owned: ours, or the root of target */
	struct super *target;	/* owned; NULL: a directory or link of ours */
};

struct graft {
	struct super *sb;
	struct gnode *root;
};

static const struct inode_ops graft_dir_ops, graft_link_ops;
static const struct file_ops graft_dir_fops;
static const struct super_ops graft_super_ops;

static struct gnode *find_child(struct gnode *dir, const char *name, size_t n)
{
	struct gnode *g = dir->children;

	while (g && (strncmp(g->name, name, n) || g->name[n]))
		g = g->next;
	return g;
}

static int graft_lookup(struct inode *dir, const char *name,
			struct inode **out)
{
	struct gnode *g = find_child(dir->private, name, strlen(name));

	if (!g)
		return -ENOENT;
	*out = inode_get(g->inode);
	return 0;
}

static ssize_t graft_readlink(struct inode *i, char *buf, size_t size)
{
	size_t n = MIN(strlen(i->link), size);

	memcpy(buf, i->link, n);
	return (ssize_t)n;
}

static int graft_readdir(struct file *f, struct dir_sink *s)
{
	struct gnode *dir = f->inode->private, *g = dir->children;
	uint64_t at = 2;

	if (f->pos == 0) {
		if (!s->emit(s, ".", 1, f->inode->ino, 4, 1))
			return 0;
		f->pos = 1;
	}
	if (f->pos == 1) {
		uint64_t up = dir->parent ? dir->parent->inode->ino :
					    f->inode->ino;

		if (!s->emit(s, "..", 2, up, 4, 2))
			return 0;
		f->pos = 2;
	}
	for (; g; g = g->next, at++) {
		if (at < f->pos)
			continue;
		if (!s->emit(s, g->name, strlen(g->name), g->inode->ino,
			     (uint8_t)(g->inode->mode >> 12), at + 1))
			break;
		f->pos = at + 1;
	}
	return 0;
}

static const struct inode_ops graft_dir_ops = { .lookup = graft_lookup };
static const struct inode_ops graft_link_ops = { .readlink = graft_readlink };
static const struct file_ops graft_dir_fops = { .readdir = graft_readdir };

static struct gnode *node_create(struct graft *g, struct gnode *parent,
				 const char *name, size_t len, uint32_t mode,
				 struct inode *inode)
{
	bool is_dir = S_ISDIR(mode);
	struct gnode *n = kzalloc(sizeof(*n));

	if (!n)
		return NULL;
	n->name = kmemdup_str(name, len);
	n->parent = parent;
	n->inode = inode ? inode_get(inode) :
		   inode_create(g->sb, mode,
				is_dir ? &graft_dir_ops : &graft_link_ops,
				is_dir ? &graft_dir_fops : NULL);
	if (!n->name || !n->inode) {
		kfree(n->name);
		kfree(n);
		return NULL;
	}
	if (!inode && is_dir) {
		n->inode->private = n;
		n->inode->nlink = 2;
	}
	if (parent) {
		struct gnode **at = &parent->children;

		while (*at)
			at = &(*at)->next;
		*at = n;
		if (!inode && is_dir)
			parent->inode->nlink++;
	}
	return n;
}

struct graft *graft_create(void)
{
	struct graft *g = kzalloc(sizeof(*g));

	if (!g)
		return NULL;
	g->sb = super_create(&graft_super_ops, "graft", SUPER_READ_ONLY);
	g->root = g->sb ? node_create(g, NULL, "", 0, S_IFDIR | 0755, NULL) :
			  NULL;
	if (!g->root)
		return NULL;	/* start-up fails: nothing to undo */
	/* numbers of ours far from those of host file systems */
	g->sb->next_ino = 1ull << 48;
	g->sb->root = inode_get(g->root->inode);
	return g;
}

/* The directory that path is in; *last = its last component. */
static int walk_parents(struct graft *g, const char *path, struct gnode **dir,
			const char **last)
{
	const char *p = path, *end;
	struct gnode *at = g->root, *next;

	for (;;) {
		while (*p == '/')
			p++;
		for (end = p; *end && *end != '/'; end++)
			;
		if (!*end || !*p)
			break;
		next = find_child(at, p, (size_t)(end - p));
		if (!next)
			next = node_create(g, at, p, (size_t)(end - p),
					   S_IFDIR | 0755, NULL);
		if (!next)
			return -ENOMEM;
		if (next->target || !S_ISDIR(next->inode->mode))
			return -EEXIST;
		at = next;
		p = end;
	}
	*dir = at;
	*last = p;
	return *p ? 0 : -EEXIST;
}

int graft_add(struct graft *g, const char *path, struct super *target,
	      const char *text, uint32_t mode, uint32_t uid, uint32_t gid)
{
	const char *last;
	struct gnode *dir, *n;
	int err = walk_parents(g, path, &dir, &last);

	if (err)
		return err;
	n = find_child(dir, last, strlen(last));
	if (n && !target && !text && !n->target && S_ISDIR(n->inode->mode)) {
		n->inode->mode = S_IFDIR | (mode & 07777);
		n->inode->uid = uid;
		n->inode->gid = gid;
		return 0;
	}
	if (n)
		return -EEXIST;
	n = node_create(g, dir, last, strlen(last),
			text ? S_IFLNK | 0777 : S_IFDIR | (mode & 07777),
			target ? target->root : NULL);
	if (!n)
		return -ENOMEM;
	n->target = target;
	if (target)
		return 0;
	n->inode->uid = uid;
	n->inode->gid = gid;
	if (!text)
		return 0;
	n->inode->link = kstrdup(text);
	n->inode->size = strlen(text);
	return n->inode->link ? 0 : -ENOMEM;
}

struct super *graft_super(struct graft *g)
{
	return g->sb;
}
