/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes of EROFS images: behind the inode a header, numbers of
 * those that are shared by several inodes, then its own.
 */
#include "fs/erofs/erofs.h"

#include "core/heap.h"
#include "lib/string.h"

#define PREFIX_LONGEST	24u

struct header {
	uint32_t reserved;
	uint8_t nr_shared, reserved2[7];
};
_Static_assert(sizeof(struct header) == 12, "header layout");

struct entry {
	uint8_t name_len, prefix;
	uint16_t value_len;
};

/* A question and, at the end, the answer. */
struct query {
	const char *name;	/* wanted; NULL: list all */
	char *buf;
	size_t size;
	ssize_t result;
	char found[PREFIX_LONGEST + 256];	/* the name at hand */
};

/* The entry at a position. *end: behind it. */
static int read_entry(const struct erofs *fs, uint64_t at, struct query *q,
		      struct entry *e, uint64_t *end)
{
	static const char prefixes[7][PREFIX_LONGEST] = {
		[1] = "user.", [2] = "system.posix_acl_access",
		[3] = "system.posix_acl_default", [4] = "trusted.",
		[6] = "security.",
	};
	size_t n = 0;
	int err = erofs_read(fs, at, e, sizeof(*e));

	if (err)
		return err;
	at += sizeof(*e);
	*end = ALIGN_UP(at + e->name_len + e->value_len, 4ull);
	if (!erofs_is_inside(fs, at, *end - at))
		return -EUCLEAN;
	q->found[0] = 0;
	if (e->prefix >= ARRAY_LEN(prefixes) || !prefixes[e->prefix][0])
		return 0;	/* of a kind that is nobody's here */
	n = strnlen(prefixes[e->prefix], PREFIX_LONGEST);
	memcpy(q->found, prefixes[e->prefix], n);
	q->found[n + e->name_len] = 0;
	return erofs_read(fs, at, q->found + n, e->name_len);
}

/* Returns 1: answered; 0: look further; -errno. */
static int look_at(const struct erofs *fs, uint64_t at, struct query *q,
		   uint64_t *end)
{
	struct entry e;
	size_t n;
	int err = read_entry(fs, at, q, &e, end);

	if (err)
		return err;
	n = strlen(q->found) + 1;
	if (q->name) {
		if (strcmp(q->name, q->found))
			return 0;
		q->result = e.value_len;
		if (!q->size)
			return 1;
		if (q->size < e.value_len)
			return -ERANGE;
		err = erofs_read(fs, at + sizeof(e) + e.name_len, q->buf,
				 e.value_len);
		return err ? err : 1;
	}
	if (n == 1)
		return 0;
	if (q->size) {
		if (q->size - (size_t)q->result < n)
			return -ERANGE;
		memcpy(q->buf + q->result, q->found, n);
	}
	q->result += (ssize_t)n;
	return 0;
}

static int look_at_all(const struct inode *i, struct query *q)
{
	const struct erofs *fs = erofs_of(i);
	uint64_t at = enode(i)->xattrs, end = enode(i)->xattrs_end, ignored;
	struct header h;
	uint32_t id;
	int err;

	if (at == end)
		return 0;
	err = erofs_read(fs, at, &h, sizeof(h));
	at += sizeof(h);
	for (uint32_t k = 0; !err && k < h.nr_shared; k++, at += sizeof(id)) {
		err = at < end ? erofs_read(fs, at, &id, sizeof(id)) :
				 -EUCLEAN;
		if (!err)
			err = look_at(fs, fs->xattrs + 4ull * id, q, &ignored);
	}
	while (!err && at < end) {
		err = look_at(fs, at, q, &at);
		if (at > end)
			return -EUCLEAN;
	}
	return err;
}

static ssize_t ask(const struct inode *i, const char *name, char *buf,
		   size_t n, ssize_t if_none)
{
	struct query *q = kmalloc(sizeof(*q));
	ssize_t r = -ENOMEM;

	if (q) {
		q->name = name;
		q->buf = buf;
		q->size = n;
		q->result = 0;
		r = look_at_all(i, q);
		if (r >= 0)
			r = name && !r ? if_none : q->result;
	}
	kfree(q);
	return r;
}

ssize_t erofs_getxattr(struct inode *i, const char *name, void *buf, size_t n)
{
	return ask(i, name, buf, n, -ENODATA);
}

ssize_t erofs_listxattr(struct inode *i, char *buf, size_t n)
{
	return ask(i, NULL, buf, n, 0);
}
