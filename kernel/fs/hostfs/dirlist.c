/* SPDX-License-Identifier: MIT */
/*
 * Complete listings of host directories, with a hash of the names. Read by
 * readdir and, in still trees, by lookups: what is not in the list is not
 * there, and with attributes the host need not be asked again.
 */
#include "core/heap.h"
#include "fs/dentry.h"
#include "fs/hostfs/hostfs.h"
#include "lib/string.h"

/* Where replies are taken apart; larger than what the heap is cheap for. */
static struct mutex reply_lock = MUTEX_INIT;
static char reply_data[FSRV_DATA_MAX];	/* under reply_lock */

static void dirlist_free(struct dirlist *l)
{
	kfree(l->entries);
	kfree(l->names);
	kfree(l->attrs);
	kfree(l->buckets);
	kfree(l);
}

void dirlist_put(struct dirlist *l)
{
	if (l && ref_put(&l->refs))
		dirlist_free(l);
}

/* Room for one more in the array at *p, whose capacity is *cap. */
static int reserve_array(void **p, uint32_t *cap, uint32_t nr, size_t size)
{
	uint32_t want = *cap ? *cap * 2 : 32;
	void *bigger;

	if (nr < *cap)
		return 0;
	bigger = krealloc(*p, want * size);
	if (!bigger)
		return -ENOMEM;
	*p = bigger;
	*cap = want;
	return 0;
}

static int reserve(struct dirlist *l, size_t name_len, bool has_attr)
{
	int err = reserve_array((void **)&l->entries, &l->cap, l->nr,
				sizeof(*l->entries));

	if (!err && has_attr)
		err = reserve_array((void **)&l->attrs, &l->attrs_cap,
				    l->nr_attrs, sizeof(*l->attrs));
	if (!err && l->names_len + name_len + 1 > l->names_cap) {
		uint32_t cap = l->names_cap ? l->names_cap * 2 : 1024;
		char *bigger = krealloc(l->names, cap);

		if (!bigger)
			return -ENOMEM;
		l->names = bigger;
		l->names_cap = cap;
	}
	return err;
}

/* Take one entry of the reply. Returns bytes used, 0 = bad, or -ENOMEM. */
static int take_entry(struct dirlist *l, const struct hostfs *fs,
		      const char *p, size_t left)
{
	struct dirlist_entry *e;
	struct fsrv_dirent d;
	size_t head = sizeof(d), len;
	int err;

	if (left < sizeof(d))
		return 0;
	memcpy(&d, p, sizeof(d));
	if (d.has_attr)
		head += sizeof(struct fsrv_attr);
	len = head + ((d.name_len + 7u) & ~7u);
	if (len > left || !d.name_len || d.name_len > FSRV_NAME_MAX)
		return 0;
	err = reserve(l, d.name_len, d.has_attr);
	if (err)
		return err;
	e = &l->entries[l->nr];
	*e = (struct dirlist_entry){ .ino = d.ino, .name_at = l->names_len,
				     .len = (uint8_t)d.name_len, .type = d.type,
				     .hash_next = DIRLIST_NONE,
				     .attr = DIRLIST_NONE };
	if (d.has_attr) {
		struct fsrv_attr *a = &l->attrs[l->nr_attrs];

		memcpy(a, p + sizeof(d), sizeof(*a));
		e->attr = l->nr_attrs++;
		e->ino = hostfs_map_ino(fs, a->dev, a->ino);
	}
	memcpy(l->names + l->names_len, p + head, d.name_len);
	l->names[l->names_len + d.name_len] = 0;
	l->names_len += d.name_len + 1u;
	l->nr++;
	return (int)len;
}

/* One reply's worth of entries. Returns 1, 0 = that was all, or -errno. */
static int fetch_some(struct inode *dir, struct dirlist *l, uint64_t *offset,
		      enum dirlist_attrs want)
{
	static const uint32_t flags[] = {
		[DIRLIST_DIRS] = FSRV_READDIR_ATTR_DIRS,
		[DIRLIST_ALL] = FSRV_READDIR_ATTR,
	};
	struct fsrv_request rq = { .op = FSRV_READDIR, .offset = *offset,
				   .flags = flags[want] };
	struct fsrv_reply rp;
	size_t at = 0;
	int n, err;

	err = hostnode_list(dir, &rq, &rp, reply_data, sizeof(reply_data));
	if (err)
		return err;
	if (!rp.data_len)
		return 0;
	while (at < rp.data_len) {
		n = take_entry(l, hostfs_of(dir), reply_data + at,
			       rp.data_len - at);
		if (n <= 0)
			return n ? n : -EIO;
		at += (size_t)n;
	}
	*offset = rp.arg;
	return rp.arg != FSRV_READDIR_END;
}

static int build_hash(struct dirlist *l)
{
	uint32_t n = 4;

	while (n < l->nr)
		n *= 2;
	l->buckets = kmalloc(n * sizeof(*l->buckets));
	if (!l->buckets)
		return -ENOMEM;
	l->nr_buckets = n;
	memset(l->buckets, 0xff, n * sizeof(*l->buckets));
	for (uint32_t i = 0; i < l->nr; i++) {
		struct dirlist_entry *e = &l->entries[i];
		uint32_t h = dentry_hash_name(l->names + e->name_at, e->len) &
			     (n - 1);

		e->hash_next = l->buckets[h];
		l->buckets[h] = i;
	}
	return 0;
}

struct dirlist_entry *dirlist_find(struct dirlist *l, const char *name)
{
	size_t len = strlen(name);
	uint32_t i = l->buckets[dentry_hash_name(name, len) &
				(l->nr_buckets - 1)];

	for (; i != DIRLIST_NONE; i = l->entries[i].hash_next) {
		struct dirlist_entry *e = &l->entries[i];

		if (e->len == len && !memcmp(l->names + e->name_at, name, len))
			return e;
	}
	return NULL;
}

/* Most directories are small: give back what the arrays grew too much. */
static void *fitted(void *p, size_t size)
{
	void *q = kmalloc(size);

	if (!q)
		return p;
	memcpy(q, p, size);
	kfree(p);
	return q;
}

static void fit(struct dirlist *l)
{
	if (!l->nr)
		return;
	l->entries = fitted(l->entries, l->nr * sizeof(*l->entries));
	l->names = fitted(l->names, l->names_len);
	if (l->nr_attrs)
		l->attrs = fitted(l->attrs, l->nr_attrs * sizeof(*l->attrs));
}

int dirlist_fetch(struct inode *dir, enum dirlist_attrs want,
		  struct dirlist **out)
{
	struct dirlist *l = kzalloc(sizeof(*l));
	uint64_t offset = 0;
	int err;

	if (!l)
		return -ENOMEM;
	ref_init(&l->refs, 1);
	mutex_lock(&reply_lock);
	do {
		err = fetch_some(dir, l, &offset, want);
		if (err == -EACCES && !l->nr && want != DIRLIST_NAMES) {
			want = DIRLIST_NAMES;	/* listed but not searched */
			err = 1;
		}
	} while (err > 0);
	mutex_unlock(&reply_lock);
	if (!err)
		err = build_hash(l);
	if (!err)
		fit(l);
	if (err)
		dirlist_free(l);
	else
		*out = l;
	return err;
}
