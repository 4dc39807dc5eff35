/* SPDX-License-Identifier: MIT */
/*
 * A small read-only tree in memory whose leaves are symbolic links and roots
 * of other file systems. It is the lower layer of a root that is put together
 * from host directories.
 *
 * What the tree has is said by lists of entries (fs/rootfs.h). A node is made
 * when its name is first looked up, or its directory read: start-up makes
 * none, and asks the host for no directory that nobody uses. Nodes are never
 * freed. A directory's list of children is under its inode's lock, grows at
 * its end only, and is complete (`is_full`) before it is listed.
 */
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/rootfs.h"
#include "lib/string.h"

struct gnode {
	struct gnode *next, *parent;
	struct inode *inode;	/* owned: ours, or the root of a host tree */
	struct gnode *children;
	uint64_t entries;	/* that are below it, of the first 64 */
	bool is_full;
	uint16_t name_at;	/* in path */
	uint16_t len;		/* of path; the root's is empty */
	char path[];
};

struct graft {
	struct super *sb;
	struct graft_list list[GRAFT_LISTS];
};

static const struct inode_ops graft_dir_ops, graft_link_ops;
static const struct file_ops graft_dir_fops;
static const struct super_ops graft_super_ops;

static struct gnode *find_child(struct gnode *dir, const char *name)
{
	struct gnode *g = dir->children;

	while (g && strcmp(g->path + g->name_at, name))
		g = g->next;
	return g;
}

/* What is behind dir's path in that of an entry below it, or NULL. */
static const char *below(const struct gnode *dir, const char *path)
{
	if (strncmp(path, dir->path, dir->len) || path[dir->len] != '/')
		return NULL;
	return path + dir->len + 1;
}

/* What is behind that name in the path of an entry below dir, or NULL. Apart,
 * so that the loop over entries, most of which are elsewhere, is short. */
static __attribute__((noinline)) const char *
behind_name(const struct gnode *dir, const char *path, const char *name)
{
	const char *rest = below(dir, path);

	while (rest && *name && *rest == *name) {
		rest++;
		name++;
	}
	return rest && !*name && (!*rest || *rest == '/') ? rest : NULL;
}

/* What the entries tell of a name in a directory. */
struct finding {
	/* the first that is for it; NULL: none */
	const struct graft_entry *entry;
	uint64_t entries;	/* of the first 64, those below it */
	bool is_there;		/* though only because it leads to others */
};

static void find_entry(const struct graft *g, const struct gnode *dir,
		       const char *name, struct finding *f)
{
	uint64_t here = dir->entries, bit = 1;	/* 0: beyond those */
	size_t at_name = dir->len + 1u;

	for (size_t k = 0; k < GRAFT_LISTS; k++) {
		const struct graft_entry *e = g->list[k].entry;
		const struct graft_entry *end = e + g->list[k].nr;

		for (; e < end; e++, here >>= 1, bit <<= 1) {
			const char *rest;

			if (bit && (!(here & 1) || e->path[at_name] != *name))
				continue;
			rest = behind_name(dir, e->path, name);
			if (!rest)
				continue;
			f->is_there = true;
			if (*rest)
				f->entries |= bit;
			else if (!f->entry && e->kind != GRAFT_PATH)
				f->entry = e;
		}
	}
}

static struct inode *inode_of_entry(struct graft *g,
				    const struct graft_entry *e)
{
	bool is_link = e->kind == GRAFT_LINK;
	struct inode *i;

	i = inode_create(g->sb, is_link ? S_IFLNK | 0777 : S_IFDIR | e->mode,
			 is_link ? &graft_link_ops : &graft_dir_ops,
			 is_link ? NULL : &graft_dir_fops);
	if (!i)
		return NULL;
	i->uid = e->uid;
	i->gid = e->gid;
	if (!is_link)
		return i;
	i->link = kstrdup(e->text);
	if (!i->link) {
		inode_put(i);
		return NULL;
	}
	i->size = strlen(e->text);
	return i;
}

/* *out: an inode for e, with a reference. Returns 0 or -errno. */
static int make_inode(struct graft *g, const struct graft_entry *e,
		      struct inode **out)
{
	struct super *sb;

	if (e->kind != GRAFT_EXPORT) {
		*out = inode_of_entry(g, e);
		return *out ? 0 : -ENOMEM;
	}
	/* its own reference keeps it for ever */
	sb = hostfs_create(e->export_id, true, false);
	if (!sb)
		return -EIO;
	*out = inode_get(sb->root);
	return 0;
}

static struct gnode *node_create(struct gnode *parent, const char *name,
				 size_t n)
{
	size_t at = parent ? parent->len + 1u : 0;
	struct gnode *g = kzalloc(sizeof(*g) + at + n + 1);

	if (!g)
		return NULL;
	g->parent = parent;
	g->name_at = (uint16_t)at;
	g->len = (uint16_t)(at + n);
	if (!parent)
		return g;
	memcpy(g->path, parent->path, parent->len);
	g->path[at - 1] = '/';
	memcpy(g->path + at, name, n);
	return g;
}

/* Make the child of that name, if there is to be one. Under dir's lock. */
static int make_child(struct graft *g, struct gnode *dir, const char *name,
		      struct gnode **out)
{
	static const struct graft_entry plain = {
		.kind = GRAFT_DIRECTORY, .mode = 0755,
	};
	struct finding f = { .entry = NULL };
	const struct graft_entry *e;
	struct gnode *n, **at;
	int err;

	find_entry(g, dir, name, &f);
	if (!f.is_there)
		return -ENOENT;
	e = f.entry ? f.entry : &plain;
	n = node_create(dir, name, strlen(name));
	if (!n)
		return -ENOMEM;
	n->entries = f.entries;
	err = make_inode(g, e, &n->inode);
	if (err) {
		kfree(n);
		return err;
	}
	if (e->kind == GRAFT_DIRECTORY)
		n->inode->private = n;
	for (at = &dir->children; *at; at = &(*at)->next)
		;
	*at = n;
	*out = n;
	return 0;
}

static int graft_lookup(struct inode *dir, const char *name,
			struct inode **out)
{
	struct gnode *d = dir->private, *n = find_child(d, name);
	int err = 0;

	if (!n)
		err = d->is_full ? -ENOENT :
				   make_child(dir->sb->private, d, name, &n);
	if (!err)
		*out = inode_get(n->inode);
	return err;
}

/* Make the child that leads to path, if dir is on the way to it. */
static int make_child_towards(struct graft *g, struct gnode *dir,
			      const char *path)
{
	const char *rest = below(dir, path);
	char name[256];
	struct gnode *n;
	size_t len = 0;

	while (rest && rest[len] && rest[len] != '/')
		len++;
	if (!len || len >= sizeof(name))
		return 0;
	memcpy(name, rest, len);
	name[len] = 0;
	return find_child(dir, name) ? 0 : make_child(g, dir, name, &n);
}

static int make_all_children(struct graft *g, struct gnode *dir)
{
	int err = 0;

	mutex_lock(&dir->inode->lock);
	for (size_t k = 0; k < GRAFT_LISTS && !dir->is_full; k++)
		for (uint32_t i = 0; i < g->list[k].nr && !err; i++)
			err = make_child_towards(g, dir,
						 g->list[k].entry[i].path);
	dir->is_full |= !err;
	mutex_unlock(&dir->inode->lock);
	return err;
}

static ssize_t graft_readlink(struct inode *i, char *buf, size_t size)
{
	size_t n = MIN(strlen(i->link), size);

	memcpy(buf, i->link, n);
	return (ssize_t)n;
}

static int graft_readdir(struct file *f, struct dir_sink *s)
{
	struct gnode *dir = f->inode->private, *g;
	uint64_t at = 2;
	int err = make_all_children(f->inode->sb->private, dir);

	if (err)
		return err;
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
	/* full: it does not change any more */
	for (g = dir->children; g; g = g->next, at++) {
		const char *name = g->path + g->name_at;

		if (at < f->pos)
			continue;
		if (!s->emit(s, name, strlen(name), g->inode->ino,
			     (uint8_t)(g->inode->mode >> 12), at + 1))
			break;
		f->pos = at + 1;
	}
	return 0;
}

static const struct inode_ops graft_dir_ops = { .lookup = graft_lookup };
static const struct inode_ops graft_link_ops = { .readlink = graft_readlink };
static const struct file_ops graft_dir_fops = { .readdir = graft_readdir };

struct super *graft_create(const struct graft_list list[GRAFT_LISTS])
{
	static const struct graft_entry entry = {
		.kind = GRAFT_DIRECTORY, .mode = 0755,
	};
	struct graft *g = kmalloc(sizeof(*g));
	struct gnode *root = node_create(NULL, "", 0);

	if (!g || !root)
		goto out_free;
	memcpy(g->list, list, sizeof(g->list));
	g->sb = super_create(&graft_super_ops, "graft", SUPER_READ_ONLY);
	if (!g->sb)
		goto out_free;
	g->sb->private = g;
	/* numbers of ours far from those of host file systems */
	g->sb->next_ino = 1ull << 48;
	root->inode = inode_of_entry(g, &entry);
	if (!root->inode)
		goto out_put;
	root->inode->private = root;
	root->entries = UINT64_MAX;
	g->sb->root = root->inode;
	return g->sb;
out_put:
	super_put(g->sb);
out_free:
	kfree(root);
	kfree(g);
	return NULL;
}
