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

#define DT_DIR		4
#define AHEAD_NAMES	500u	/* directories asked for at a time */

/* Where replies are taken apart; larger than what the heap is cheap for. */
static struct mutex reply_lock = MUTEX_INIT;
static char reply_data[FSRV_DATA_MAX];	/* under reply_lock */

static void dirlist_free(struct dirlist *l)
{
	for (uint32_t i = 0; l->ahead && i < l->nr_attrs; i++)
		dirlist_put(l->ahead[i]);
	kfree(l->ahead);
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

/* Room for need in the array at *p, whose capacity is *cap. */
static int reserve(void *p, uint32_t *cap, uint32_t need, size_t size)
{
	void *bigger;

	if (need <= *cap)
		return 0;
	need = MAX(need, 2 * *cap);
	bigger = krealloc(*(void **)p, need * size);
	if (!bigger)
		return -ENOMEM;
	*(void **)p = bigger;
	*cap = need;
	return 0;
}

/* The entry at p. Returns its length and where its name is, or 0: bad. */
static size_t parse_entry(const char *p, size_t left, struct fsrv_dirent *d,
			  const char **name)
{
	size_t head = sizeof(*d), len;

	if (left < head)
		return 0;
	memcpy(d, p, sizeof(*d));
	if (d->has_attr)
		head += sizeof(struct fsrv_attr);
	*name = p + head;
	len = head + ((d->name_len + 7u) & ~7u);
	return len > left || !d->name_len || d->name_len > FSRV_NAME_MAX ?
	       0 : len;
}

/* For which there is room. attr: where its attributes are, if it has any. */
static void take_entry(struct dirlist *l, const struct hostfs *fs,
		       const struct fsrv_dirent *d, const char *attr,
		       const char *name)
{
	struct dirlist_entry *e = &l->entries[l->nr++];

	*e = (struct dirlist_entry){ .ino = d->ino, .name_at = l->names_len,
				     .len = (uint8_t)d->name_len,
				     .type = d->type,
				     .hash_next = DIRLIST_NONE,
				     .attr = DIRLIST_NONE };
	if (d->has_attr) {
		struct fsrv_attr *a = &l->attrs[l->nr_attrs];

		memcpy(a, attr, sizeof(*a));
		e->attr = l->nr_attrs++;
		e->ino = hostfs_map_ino(fs, a->dev, a->ino);
	}
	memcpy(l->names + l->names_len, name, d->name_len);
	l->names[l->names_len + d->name_len] = 0;
	l->names_len += d->name_len + 1u;
}

static int take_entries(struct dirlist *l, const struct hostfs *fs,
			const char *p, size_t len)
{
	uint32_t nr = l->nr, names = l->names_len, attrs = l->nr_attrs;
	struct fsrv_dirent d;
	const char *name = NULL;
	size_t at, n;

	for (at = 0; at < len; at += n) {
		n = parse_entry(p + at, len - at, &d, &name);
		if (!n)
			return -EIO;
		nr++;
		names += d.name_len + 1u;
		attrs += !!d.has_attr;
	}
	if (reserve(&l->entries, &l->cap, nr, sizeof(*l->entries)) ||
	    reserve(&l->names, &l->names_cap, names, 1) ||
	    reserve(&l->attrs, &l->attrs_cap, attrs, sizeof(*l->attrs)))
		return -ENOMEM;
	for (at = 0; at < len; at += n) {
		n = parse_entry(p + at, len - at, &d, &name);
		take_entry(l, fs, &d, p + at + sizeof(d), name);
	}
	return 0;
}

static const uint32_t attr_flags[] = {
	[DIRLIST_DIRS] = FSRV_READDIR_ATTR_DIRS,
	[DIRLIST_ALL] = FSRV_READDIR_ATTR,
};

/* One reply's worth of entries. Returns 1, 0 = that was all, or -errno. */
static int fetch_some(struct inode *dir, struct dirlist *l, uint64_t *offset,
		      enum dirlist_attrs want)
{
	struct fsrv_request rq = { .op = FSRV_READDIR, .offset = *offset,
				   .flags = attr_flags[want] };
	struct fsrv_reply rp;
	int err;

	err = hostnode_list(dir, &rq, NULL, &rp, reply_data, sizeof(reply_data));
	if (err)
		return err;
	if (!rp.data_len)
		return 0;
	err = take_entries(l, hostfs_of(dir), reply_data, rp.data_len);
	if (err)
		return err;
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

static struct dirlist *dirlist_create(void)
{
	struct dirlist *l = kzalloc(sizeof(*l));

	if (l)
		ref_init(&l->refs, 1);
	return l;
}

/* l is complete, unless err. Gives it to the caller or frees it. */
static int finish(struct dirlist *l, int err, struct dirlist **out)
{
	if (!err)
		err = build_hash(l);
	if (err) {
		dirlist_free(l);
		return err;
	}
	*out = l;
	return 0;
}

int dirlist_fetch(struct inode *dir, enum dirlist_attrs want,
		  struct dirlist **out)
{
	struct dirlist *l = dirlist_create();
	uint64_t offset = 0;
	int err;

	if (!l)
		return -ENOMEM;
	mutex_lock(&reply_lock);
	do {
		err = fetch_some(dir, l, &offset, want);
		if (err == -EACCES && !l->nr && want != DIRLIST_NAMES) {
			want = DIRLIST_NAMES;	/* listed but not searched */
			err = 1;
		}
	} while (err > 0);
	mutex_unlock(&reply_lock);
	return finish(l, err, out);
}

/* --- listings that come ahead --------------------------------------------------*/

/* A request for them. */
struct ahead {
	uint32_t nr, len;
	uint32_t named[AHEAD_NAMES];	/* entries of the directory's list */
	char names[6 << 10];
};

/* Where the listing of entry number i of l is kept; NULL: it has no place. */
static struct dirlist **place_of(struct dirlist *l, uint32_t i)
{
	uint32_t a = i < l->nr ? l->entries[i].attr : DIRLIST_NONE;

	if (a == DIRLIST_NONE)
		return NULL;
	if (!l->ahead)
		l->ahead = kzalloc(l->nr_attrs * sizeof(*l->ahead));
	return l->ahead ? &l->ahead[a] : NULL;
}

struct dirlist *dirlist_take_ahead(struct dirlist *l,
				   const struct dirlist_entry *e)
{
	struct dirlist *found = NULL;

	if (l->ahead && e->attr != DIRLIST_NONE) {
		found = l->ahead[e->attr];
		l->ahead[e->attr] = NULL;
	}
	return found;
}

void dirlist_move_ahead(struct dirlist *old, struct dirlist *l)
{
	for (uint32_t i = 0; old->ahead && i < old->nr; i++) {
		struct dirlist_entry *e = &old->entries[i];
		struct dirlist *a = dirlist_take_ahead(old, e), **to;

		e = a ? dirlist_find(l, old->names + e->name_at) : NULL;
		to = e ? place_of(l, (uint32_t)(e - l->entries)) : NULL;
		if (to)
			*to = a;
		else
			dirlist_put(a);
	}
}

/* One listing of a reply to its place. Returns bytes used, or -errno. */
static int take_listing(const struct hostfs *fs, struct dirlist **path,
			const struct ahead *a, const char *p, size_t left)
{
	struct dirlist *l, **to;
	struct fsrv_listing h;
	int err;

	if (left < sizeof(h))
		return -EIO;
	memcpy(&h, p, sizeof(h));
	if (h.len > left - sizeof(h) || h.depth >= FSRV_TREE_DEPTH ||
	    !path[h.depth] || (!h.depth && h.entry >= a->nr))
		return -EIO;
	to = place_of(path[h.depth], h.depth ? h.entry : a->named[h.entry]);
	if (!to)
		return -EIO;
	l = dirlist_create();
	if (!l)
		return -ENOMEM;
	err = take_entries(l, fs, p + sizeof(h), h.len);
	err = finish(l, err, &l);
	if (err)
		return err;
	dirlist_put(*to);
	*to = l;
	path[h.depth + 1] = l;
	for (uint32_t i = h.depth + 2; i <= FSRV_TREE_DEPTH; i++)
		path[i] = NULL;
	return (int)(sizeof(h) + h.len);
}

static void take_listings(struct inode *dir, const struct fsrv_reply *rp,
			  const struct ahead *a)
{
	struct dirlist *path[FSRV_TREE_DEPTH + 1] = { hostnode(dir)->list };
	size_t at = 0;

	while (at < rp->data_len) {
		int n = take_listing(hostfs_of(dir), path, a,
				     reply_data + at, rp->data_len - at);

		if (n < 0)
			break;
		at += (size_t)n;
	}
}

/* The names of the directories of l from e on that are to come. */
static void name_ahead(struct ahead *a, const struct dirlist *l,
		       const struct dirlist_entry *e, enum dirlist_attrs want)
{
	for (; e < l->entries + l->nr && a->nr < AHEAD_NAMES; e++) {
		if (e->type != DT_DIR || e->attr == DIRLIST_NONE ||
		    (l->ahead && dirlist_is_enough(l->ahead[e->attr], want)))
			continue;
		if (e->len >= sizeof(a->names) - a->len)
			break;
		memcpy(a->names + a->len, l->names + e->name_at, e->len + 1u);
		a->len += e->len + 1u;
		a->named[a->nr++] = (uint32_t)(e - l->entries);
	}
}

void dirlist_fetch_ahead(struct inode *dir, const struct dirlist_entry *e,
			 enum dirlist_attrs want)
{
	struct fsrv_request rq = { .op = FSRV_READTREE,
				   .flags = attr_flags[want] };
	struct ahead *a = kmalloc(sizeof(*a));
	struct fsrv_reply rp;
	int err;

	if (!a)
		return;
	a->nr = a->len = 0;
	name_ahead(a, hostnode(dir)->list, e, want);
	rq.data_len = a->len;
	mutex_lock(&reply_lock);
	err = hostnode_list(dir, &rq, a->names, &rp, reply_data,
			    sizeof(reply_data));
	if (!err)
		take_listings(dir, &rp, a);
	mutex_unlock(&reply_lock);
	kfree(a);
}
