/* SPDX-License-Identifier: MIT */
/*
 * Pseudo file systems from tables. Contract: pseudofs.h.
 *
 * Positions of a directory: 0 and 1 the dots, then the table's entries, then
 * from DYNAMIC_POS on the dynamic names by their index.
 */
#include "fs/pseudofs.h"

#include "core/heap.h"
#include "core/panic.h"
#include "lib/string.h"

#define TABLE_POS	2ull
#define DYNAMIC_POS	(1ull << 16)

/* Stable inode numbers: a hash of what the inode is. Never 0 or 1. */
static uint64_t pseudo_ino(const struct pseudo_entry *e, uint64_t key,
			   uint64_t key2)
{
	uint64_t h = (uintptr_t)e >> 3;

	h = (h ^ key) * 0x9e3779b97f4a7c15ull;
	h = (h ^ h >> 29 ^ key2) * 0xbf58476d1ce4e5b9ull;
	h ^= h >> 32;
	return (h & 0x7fffffffull) + 2;
}

/* --- directories ---------------------------------------------------------------*/

static int check_alive(struct pseudo_node *n)
{
	const struct pseudo_dir_ops *d = n->entry->dir;

	return d && d->check ? d->check(n) : 0;
}

static int pseudo_lookup(struct inode *dir, const char *name,
			 struct inode **out)
{
	struct pseudo_node *n = pseudo_node(dir);
	const struct pseudo_entry *e = n->entry->children;
	int err = check_alive(n);

	if (err)
		return err;
	for (; e && e->name; e++)
		if (!strcmp(e->name, name))
			return pseudo_inode_create(n, e, n->key, n->key2, out);
	if (n->entry->dir && n->entry->dir->lookup)
		return n->entry->dir->lookup(n, name, out);
	return -ENOENT;
}

static uint8_t type_of(const struct pseudo_entry *e)
{
	return (uint8_t)((e->mode & S_IFMT) >> 12);
}

/* Returns false when the sink is full. */
static bool emit_table(struct file *f, struct pseudo_node *n,
		       struct dir_sink *s)
{
	const struct pseudo_entry *e = n->entry->children;
	uint64_t pos = TABLE_POS;

	for (; e && e->name; e++, pos++) {
		if (pos < f->pos)
			continue;
		if (!s->emit(s, e->name, strlen(e->name),
			     pseudo_ino(e, n->key, n->key2), type_of(e),
			     pos + 1))
			return false;
		f->pos = pos + 1;
	}
	return true;
}

static int emit_dynamic(struct file *f, struct pseudo_node *n,
			struct dir_sink *s)
{
	struct pseudo_dirent *d = kmalloc(sizeof(*d));
	int ret;

	if (!d)
		return -ENOMEM;
	for (;;) {
		d->key = n->key;
		d->key2 = n->key2;
		ret = n->entry->dir->next(n, f->pos - DYNAMIC_POS, d);
		if (ret <= 0)
			break;
		ret = 0;
		if (!s->emit(s, d->name, strlen(d->name),
			     pseudo_ino(d->entry, d->key, d->key2),
			     type_of(d->entry), DYNAMIC_POS + d->index + 1))
			break;
		f->pos = DYNAMIC_POS + d->index + 1;
	}
	kfree(d);
	return ret;
}

static int pseudo_readdir(struct file *f, struct dir_sink *s)
{
	struct pseudo_node *n = pseudo_node(f->inode);
	int err = check_alive(n);

	if (err)
		return err;
	if (!dir_emit_dots(f, s))
		return 0;
	if (f->pos < DYNAMIC_POS) {
		if (!emit_table(f, n, s) || !n->entry->dir ||
		    !n->entry->dir->next)
			return 0;
		f->pos = DYNAMIC_POS;
	}
	if (!n->entry->dir || !n->entry->dir->next)
		return 0;
	return emit_dynamic(f, n, s);
}

/* --- files and links -------------------------------------------------------------*/

static int node_show(struct textbuf *t, struct inode *i)
{
	struct pseudo_node *n = pseudo_node(i);

	if (!n->entry->is_text)
		return n->entry->show(t, n);
	textbuf_puts(t, n->entry->text);
	return 0;
}

static ssize_t node_store(struct inode *i, struct file *f, const char *buf,
			  size_t n, uint64_t pos)
{
	struct pseudo_node *node = pseudo_node(i);

	if (!node->entry->store)
		return -EINVAL;
	return node->entry->store(node, f, buf, n, pos);
}

static const struct textfile_ops node_text_ops = {
	.show = node_show,
	.store = node_store,
};

static int pseudo_open(struct inode *i, struct file *f)
{
	struct pseudo_node *n = pseudo_node(i);

	return n->entry->has_fops ? 0 : textfile_open(f, &node_text_ops);
}

static ssize_t pseudo_readlink(struct inode *i, char *buf, size_t size)
{
	struct pseudo_node *n = pseudo_node(i);
	size_t len;

	if (!n->entry->is_text)
		return n->entry->readlink(n, buf, size);
	len = MIN(strlen(n->entry->text), size);
	memcpy(buf, n->entry->text, len);
	return (ssize_t)len;
}

static int pseudo_follow(struct inode *i, struct path *out)
{
	struct pseudo_node *n = pseudo_node(i);

	return n->entry->follow(n, out);
}

/* Truncation (open with O_TRUNC) is harmless; the rest is not changeable. */
static int pseudo_setattr(struct inode *i, const struct attr *a)
{
	if (a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID))
		return -EPERM;
	return 0;
}

static int pseudo_dir_getattr(struct inode *i, struct kstat *st)
{
	struct pseudo_node *n = pseudo_node(i);
	const struct pseudo_entry *e = n->entry->children;

	inode_getattr_generic(i, st);
	st->nlink = 2;
	for (; e && e->name; e++)
		st->nlink += S_ISDIR(e->mode);
	if (n->entry->dir && n->entry->dir->nr_dirs)
		st->nlink += n->entry->dir->nr_dirs(n);
	return 0;
}

static void pseudo_evict(struct inode *i)
{
	struct pseudo_node *n = pseudo_node(i);

	if (S_ISDIR(i->mode) && n->entry->dir && n->entry->dir->drop)
		n->entry->dir->drop(n);
	kfree(i->private);
}

static const struct inode_ops dir_ops = {
	.lookup = pseudo_lookup,
	.getattr = pseudo_dir_getattr,
	.setattr = pseudo_setattr,
	.evict = pseudo_evict,
};
static const struct inode_ops file_ops = {
	.open = pseudo_open,
	.setattr = pseudo_setattr,
	.evict = pseudo_evict,
};
static const struct inode_ops link_ops = {
	.readlink = pseudo_readlink,
	.setattr = pseudo_setattr,
	.evict = pseudo_evict,
};
static const struct inode_ops magic_ops = {
	.readlink = pseudo_readlink,
	.follow = pseudo_follow,
	.setattr = pseudo_setattr,
	.evict = pseudo_evict,
};

static const struct file_ops pseudo_dir_fops = {
	.readdir = pseudo_readdir,
};
static const struct file_ops no_fops;

static struct inode *make_inode(struct super *sb, const struct pseudo_entry *e,
				uint64_t key, uint64_t key2)
{
	const struct inode_ops *ops = &file_ops;
	const struct file_ops *fops = e->has_fops ? e->fops : &no_fops;
	struct pseudo_node *n = kzalloc(sizeof(*n));
	struct inode *i;

	if (!n)
		return NULL;
	if (S_ISLNK(e->mode))
		ops = e->follow ? &magic_ops : &link_ops;
	if (S_ISDIR(e->mode)) {
		ops = &dir_ops;
		fops = &pseudo_dir_fops;
	}
	i = inode_create(sb, e->mode, ops, fops);
	if (!i) {
		kfree(n);
		return NULL;
	}
	n->entry = e;
	n->key = key;
	n->key2 = key2;
	n->inode = i;
	i->private = n;
	i->ino = pseudo_ino(e, key, key2);
	return i;
}

int pseudo_inode_create(struct pseudo_node *dir, const struct pseudo_entry *e,
			uint64_t key, uint64_t key2, struct inode **out)
{
	struct inode *i = make_inode(dir->inode->sb, e, key, key2);

	if (!i)
		return -ENOMEM;
	pseudo_node(i)->data = dir->data;
	i->uid = dir->inode->uid;
	i->gid = dir->inode->gid;
	*out = i;
	return 0;
}

static int pseudo_statfs(struct super *sb, struct kstatfs *out)
{
	out->type = (uintptr_t)sb->private;
	out->bsize = PAGE_SIZE;
	return 0;
}

static const struct super_ops pseudo_super_ops = {
	.statfs = pseudo_statfs,
};

struct super *pseudo_super_create(const char *type,
				  const struct pseudo_entry *root,
				  uint64_t magic, uint32_t super_flags)
{
	struct super *sb = super_create(&pseudo_super_ops, type, super_flags);

	if (!sb)
		return NULL;
	sb->private = (void *)(uintptr_t)magic;
	sb->root = make_inode(sb, root, 0, 0);
	if (!sb->root) {
		super_put(sb);
		return NULL;
	}
	sb->root->ino = 1;
	return sb;
}
