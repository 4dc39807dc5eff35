/* SPDX-License-Identifier: MIT */
/*
 * The name cache: hash table by (parent, name), second-chance shrinking,
 * changes by create, remove and rename. Used by walk.c and namei_ops.c.
 *
 * One lock guards it all and is held for a few memory accesses only; a walk
 * takes it once for all of its cached components. The file system is never
 * called, and no object freed, under it.
 *
 * The table starts small, because every page of kernel memory that a process
 * touches costs it a host page fault, and doubles when it fills.
 */
#include "fs/dentry.h"

#include "core/heap.h"
#include "core/panic.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"

#define DCACHE_START_BUCKETS	512u
#define DCACHE_MAX_BUCKETS	(1u << 20)

struct mutex dcache_lock = MUTEX_INIT;

/* All under dcache_lock. */
static struct dentry *first_table[DCACHE_START_BUCKETS];
static struct dentry **table = first_table;
static uint32_t nr_buckets = DCACHE_START_BUCKETS;
static uint32_t nr_dentries;
static struct list lru = LIST_INIT(lru);

uint32_t dentry_hash_name(const char *name, size_t len)
{
	uint32_t h = DENTRY_HASH_START;

	for (size_t i = 0; i < len; i++)
		h = dentry_hash_step(h, (unsigned char)name[i]);
	return dentry_hash_end(h);
}

static struct dentry **bucket_of(const struct dentry *parent, uint32_t hash)
{
	uint64_t h = (uintptr_t)parent >> 6;

	h = h * 0x9e3779b97f4a7c15ull >> 32;
	return &table[(h ^ hash) & (nr_buckets - 1)];
}

struct dentry *dentry_create(struct dentry *parent, struct super *sb,
			     const char *name, size_t len,
			     struct inode *inode, uint32_t flags)
{
	struct dentry *d = kmalloc(sizeof(*d));

	if (!d)
		return NULL;
	d->name = d->inline_name;
	if (len >= sizeof(d->inline_name)) {
		d->name = kmalloc(len + 1);
		if (!d->name) {
			kfree(d);
			return NULL;
		}
	}
	memcpy(d->name, name, len);
	d->name[len] = 0;
	d->len = (uint32_t)len;
	d->hash = dentry_hash_name(name, len);
	ref_init(&d->refs, 1);
	d->flags = flags;
	d->inode = inode;
	d->sb = sb;
	d->parent = parent ? dentry_get(parent) : NULL;
	d->hash_next = NULL;
	d->hash_prev = NULL;
	list_init(&d->lru);
	return d;
}

struct dentry *dentry_get(struct dentry *d)
{
	ref_get(&d->refs);
	return d;
}

void dentry_put(struct dentry *d)
{
	/* The last reference to an unhashed dentry: nobody can find it. */
	while (d && ref_put(&d->refs)) {
		struct dentry *parent = d->parent;

		assert(!(d->flags & DENTRY_HASHED));
		if (d->inode)
			inode_put(d->inode);
		if (d->name != d->inline_name)
			kfree(d->name);
		kfree(d);
		d = parent;
	}
}

/* By words: names are short, and a call of memcmp costs more. */
static inline bool is_same_name(const char *a, const char *b, size_t len)
{
	uint64_t x, y;

	for (; len >= sizeof(x); len -= sizeof(x)) {
		__builtin_memcpy(&x, a, sizeof(x));
		__builtin_memcpy(&y, b, sizeof(y));
		if (x != y)
			return false;
		a += sizeof(x);
		b += sizeof(y);
	}
	while (len--)
		if (*a++ != *b++)
			return false;
	return true;
}

struct dentry *dentry_find_locked(struct dentry *parent, const char *name,
				  size_t len, uint32_t hash)
{
	struct dentry *d = *bucket_of(parent, hash);

	for (; d; d = d->hash_next) {
		if (d->hash != hash || d->parent != parent || d->len != len ||
		    !is_same_name(d->name, name, len))
			continue;
		if (!(d->flags & DENTRY_USED))
			d->flags |= DENTRY_USED;
		return d;
	}
	return NULL;
}

static void link_hash(struct dentry *d)
{
	struct dentry **b = bucket_of(d->parent, d->hash);

	d->hash_next = *b;
	if (*b)
		(*b)->hash_prev = &d->hash_next;
	d->hash_prev = b;
	*b = d;
}

static void unlink_hash(struct dentry *d)
{
	*d->hash_prev = d->hash_next;
	if (d->hash_next)
		d->hash_next->hash_prev = d->hash_prev;
	d->hash_next = NULL;
	d->hash_prev = NULL;
}

/* Double the table; without memory chains just grow. */
static void grow_table(void)
{
	uint32_t old_nr = nr_buckets;
	struct dentry **old = table, **bigger;

	if (old_nr >= DCACHE_MAX_BUCKETS)
		return;
	bigger = kzalloc(2ul * old_nr * sizeof(*bigger));
	if (!bigger)
		return;
	table = bigger;
	nr_buckets = 2 * old_nr;
	for (uint32_t i = 0; i < old_nr; i++) {
		struct dentry *next;

		for (struct dentry *d = old[i]; d; d = next) {
			next = d->hash_next;
			link_hash(d);
		}
	}
	if (old != first_table)
		kfree(old);
}

/* Into the cache, which gets its own reference. */
static void hash_locked(struct dentry *d)
{
	if (d->flags & DENTRY_HASHED)
		return;
	if (nr_dentries >= nr_buckets)
		grow_table();
	ref_get(&d->refs);
	d->flags |= DENTRY_HASHED;
	link_hash(d);
	list_append(&lru, &d->lru);
	nr_dentries++;
}

/* Out of the cache; the cache's reference becomes the caller's. */
static void unhash_locked(struct dentry *d)
{
	d->flags &= ~(uint32_t)DENTRY_HASHED;
	unlink_hash(d);
	list_remove(&d->lru);
	nr_dentries--;
}

static bool is_cacheable(const struct dentry *d)
{
	if (d->sb->flags & SUPER_NO_DCACHE)
		return false;
	return d->inode || !(d->sb->flags & SUPER_NO_NEGATIVE);
}

/*
 * Does the cached d still stand for what the file system says? Returns 0, or
 * 1 and d is out of the cache, or -errno. Directory locked.
 */
static int revalidate(struct inode *dir, struct dentry *d)
{
	struct inode *inode = NULL;
	int err;

	if (!(d->sb->flags & SUPER_REVALIDATE))
		return 0;
	err = dir->ops->lookup(dir, d->name, &inode);
	if (err && err != -ENOENT)
		return err;
	if (!err) {
		bool same = inode == d->inode;

		inode_put(inode);
		if (same)
			return 0;
	}
	/* what is mounted there must stay reachable */
	if (__atomic_load_n(&d->flags, __ATOMIC_RELAXED) & DENTRY_MOUNTED)
		return 0;
	dentry_unhash(d, true);
	return 1;
}

int dentry_lookup_locked(struct dentry *parent, const char *name, size_t len,
			 struct dentry **out)
{
	struct inode *dir = parent->inode, *inode = NULL;
	uint32_t hash = dentry_hash_name(name, len);
	struct dentry *d;
	int err;

	mutex_lock(&dcache_lock);
	d = dentry_find_locked(parent, name, len, hash);
	if (d)
		dentry_get(d);
	mutex_unlock(&dcache_lock);
	if (d) {
		err = revalidate(dir, d);
		if (!err)
			*out = d;
		else
			dentry_put(d);
		if (err <= 0)
			return err;
	}
	/* Allocate first: the name may point into a longer path. */
	d = dentry_create(parent, parent->sb, name, len, NULL, 0);
	if (!d)
		return -ENOMEM;
	err = dir->ops->lookup(dir, d->name, &inode);
	if (err && err != -ENOENT) {
		dentry_put(d);
		return err;
	}
	d->inode = err ? NULL : inode;
	if (is_cacheable(d) && !(dir->state & INODE_DEAD)) {
		mutex_lock(&dcache_lock);
		if (unlikely(mount_is_late_locked(NULL, d)))
			d->flags |= DENTRY_MOUNTED;
		hash_locked(d);
		mutex_unlock(&dcache_lock);
	}
	*out = d;
	return 0;
}

void dentry_keep_locked(struct dentry *d)
{
	if (d->parent && !(d->flags & DENTRY_DELETED))
		hash_locked(d);
}

void dentry_instantiate(struct dentry *d, struct inode *inode)
{
	mutex_lock(&dcache_lock);
	/* Pairs with dentry_inode: the inode's fields are seen complete. */
	__atomic_store_n(&d->inode, inode, __ATOMIC_RELEASE);
	if (!(d->flags & DENTRY_HASHED) && is_cacheable(d))
		hash_locked(d);
	mutex_unlock(&dcache_lock);
}

void dentry_unhash(struct dentry *d, bool deleted)
{
	bool was_hashed;

	mutex_lock(&dcache_lock);
	was_hashed = d->flags & DENTRY_HASHED;
	if (was_hashed)
		unhash_locked(d);
	if (deleted)
		d->flags |= DENTRY_DELETED;
	mutex_unlock(&dcache_lock);
	if (was_hashed)
		dentry_put(d);
}

/* Exchange the name storage of a and b; needs no memory. */
static void swap_names(struct dentry *a, struct dentry *b)
{
	char a_inline[DENTRY_INLINE_NAME], *a_name = a->name;
	uint32_t len = a->len, hash = a->hash;
	bool a_is_inline = a->name == a->inline_name;

	memcpy(a_inline, a->inline_name, sizeof(a_inline));
	if (b->name == b->inline_name) {
		memcpy(a->inline_name, b->inline_name, sizeof(a_inline));
		a->name = a->inline_name;
	} else {
		a->name = b->name;
	}
	if (a_is_inline) {
		memcpy(b->inline_name, a_inline, sizeof(a_inline));
		b->name = b->inline_name;
	} else {
		b->name = a_name;
	}
	a->len = b->len;
	a->hash = b->hash;
	b->len = len;
	b->hash = hash;
}

void dentry_move(struct dentry *old, struct dentry *target, bool exchange)
{
	struct dentry *old_parent, *put_target = NULL, *put_parent = NULL;
	char *copy = NULL;
	bool hashed;

	/* A removed target keeps its name for "(deleted)" if memory permits. */
	if (!exchange && target->name != target->inline_name)
		copy = kmemdup_str(target->name, target->len);

	mutex_lock(&dcache_lock);
	hashed = old->flags & DENTRY_HASHED;
	if (hashed)
		unlink_hash(old);
	if (target->flags & DENTRY_HASHED) {
		if (exchange) {
			unlink_hash(target);
		} else {
			unhash_locked(target);
			put_target = target;
		}
	}
	old_parent = old->parent;
	old->parent = target->parent;
	swap_names(old, target);
	if (exchange) {
		target->parent = old_parent;
		if (target->flags & DENTRY_HASHED)
			link_hash(target);
	} else {
		if (target->inode)
			target->flags |= DENTRY_DELETED;
		dentry_get(old->parent);
		put_parent = old_parent;
		/* Give the target back a name of its own. */
		if (old->name == old->inline_name || copy) {
			if (target->name != target->inline_name)
				kfree(target->name);
			if (old->name == old->inline_name)
				memcpy(target->inline_name, old->inline_name,
				       sizeof(old->inline_name));
			target->name = old->name == old->inline_name ?
				       target->inline_name : copy;
			if (target->name == copy)
				copy = NULL;
			target->len = old->len;
			target->hash = old->hash;
		}
	}
	if (hashed)
		link_hash(old);
	mutex_unlock(&dcache_lock);
	kfree(copy);
	dentry_put(put_target);
	dentry_put(put_parent);
}

bool dentry_is_below_locked(const struct dentry *d,
			    const struct dentry *ancestor)
{
	for (; d; d = d->parent)
		if (d == ancestor)
			return true;
	return false;
}

uint32_t dentry_count(void)
{
	return __atomic_load_n(&nr_dentries, __ATOMIC_RELAXED);
}

struct dentry *dentry_by_number(struct super *sb, uint64_t ino)
{
	struct dentry *found = NULL;

	mutex_lock(&dcache_lock);
	if (sb->root_dentry && dentry_inode(sb->root_dentry)->ino == ino)
		found = sb->root_dentry;
	list_for_each(p, &lru) {
		struct dentry *d = list_entry(p, struct dentry, lru);
		struct inode *i = dentry_inode(d);

		if (!found && d->sb == sb && i && i->ino == ino)
			found = d;
	}
	if (found)
		ref_get(&found->refs);
	mutex_unlock(&dcache_lock);
	return found;
}

/*
 * Take up to `max` unused dentries (of sb, or any) out of the cache; *keep
 * remain. Returns them chained by hash_next, with the cache's reference.
 */
static struct dentry *collect_unused_locked(uint32_t keep, bool force,
					    struct super *sb)
{
	struct dentry *victims = NULL;
	uint32_t budget = nr_dentries;
	struct list *p = lru.next;

	while (budget-- && nr_dentries > keep && p != &lru) {
		struct dentry *d = list_entry(p, struct dentry, lru);

		p = p->next;
		if (ref_read(&d->refs) != 1 || (sb && d->sb != sb))
			continue;
		if (!force && (d->flags & DENTRY_USED)) {
			d->flags &= ~(uint32_t)DENTRY_USED;
			list_remove(&d->lru);
			list_append(&lru, &d->lru);
			continue;
		}
		unhash_locked(d);
		d->hash_next = victims;
		victims = d;
	}
	return victims;
}

/* Returns how many were freed. */
static uint32_t shrink_once(uint32_t keep, bool force, struct super *sb)
{
	struct dentry *victims, *next;
	uint32_t n = 0;

	mutex_lock(&dcache_lock);
	victims = collect_unused_locked(keep, force, sb);
	mutex_unlock(&dcache_lock);
	for (; victims; victims = next, n++) {
		next = victims->hash_next;
		dentry_put(victims);
	}
	return n;
}

bool vfs_shrink(uint32_t keep)
{
	/* Parents become unused when their children are gone: several rounds */
	bool force = false, any = false;

	while (dentry_count() > keep) {
		if (shrink_once(keep, force, NULL))
			any = true;
		else if (force)
			break;
		else
			force = true;
	}
	return any;
}

void dentry_forget_super(struct super *sb)
{
	while (shrink_once(0, true, sb))
		;
}

void vfs_forget_name(struct dentry *parent, const char *name)
{
	size_t len = strlen(name);
	struct dentry *d;

	mutex_lock(&dcache_lock);
	d = dentry_find_locked(parent, name, len, dentry_hash_name(name, len));
	if (d && !(d->flags & DENTRY_MOUNTED))
		unhash_locked(d);
	else
		d = NULL;
	mutex_unlock(&dcache_lock);
	dentry_put(d);
}
