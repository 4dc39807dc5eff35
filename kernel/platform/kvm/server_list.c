/* SPDX-License-Identifier: MIT */
/*
 * Listing directories: FUSE's entries become the file server's. Those are
 * never longer, so one answer fits where it came from.
 */
#include "lib/string.h"
#include "platform/kvm/server_priv.h"

#define ENTRIES_MAX	FSRV_DATA_MAX

/* FUSE's answer; under the channel's lock. */
static _Alignas(8) char entries[ENTRIES_MAX];

/* One entry as FUSE has it, checked. */
struct entry {
	const struct fuse_attr *attr;	/* NULL: none */
	int64_t btime_ns;
	const struct fuse_dirent *dirent;
	size_t size;		/* in the answer */
};

static int parse_entry(const char *p, size_t left, bool plus, struct entry *e)
{
	size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	const struct fuse_direntplus *d = (const void *)p;

	*e = (struct entry){ .dirent = (const void *)p };
	if (left < head)
		return -EIO;
	if (plus) {
		e->dirent = &d->dirent;
		e->btime_ns = (int64_t)d->entry_out.generation;
		if (d->entry_out.attr.ino)
			e->attr = &d->entry_out.attr;
	}
	if (!e->dirent->namelen || e->dirent->namelen > FSRV_NAME_MAX)
		return -EIO;
	e->size = FUSE_DIRENT_ALIGN(head + e->dirent->namelen);
	return e->size <= left ? 0 : -EIO;
}

static void put_entry(struct server_call *c, const struct entry *e)
{
	const struct fuse_dirent *f = e->dirent;
	char *p = c->out + c->r->data_len, *start = p;
	struct fsrv_dirent d = {
		.ino = f->ino, .next_offset = f->off,
		.name_len = (uint16_t)f->namelen, .type = (uint8_t)f->type,
		.has_attr = e->attr != NULL,
	};
	size_t padded = (f->namelen + 7u) & ~7u;

	memcpy(p, &d, sizeof(d));
	p += sizeof(d);
	if (e->attr) {
		struct fsrv_attr a;

		server_take_attr(&a, e->attr, e->btime_ns);
		memcpy(p, &a, sizeof(a));
		p += sizeof(a);
	}
	memset(p, 0, padded);
	memcpy(p, f->name, f->namelen);
	c->r->data_len += (uint32_t)(p + padded - start);
	c->r->arg = f->off;
}

int server_do_readdir(struct server_call *c)
{
	/* FUSE gives the attributes of all or of none */
	bool plus = c->q.flags & (FSRV_READDIR_ATTR | FSRV_READDIR_ATTR_DIRS);
	struct fuse_msg m = { .opcode = plus ? FUSE_READDIRPLUS :
						FUSE_READDIR,
			      .nodeid = c->dir.nodeid };
	struct fuse_read_in in = { .offset = c->q.offset,
				   .size = ENTRIES_MAX };
	struct entry e;
	size_t at = 0;
	int err = 0;

	c->r->arg = c->q.offset;
	if (c->q.offset == FSRV_READDIR_END)
		return 0;
	fuse_send(&m, &in, sizeof(in));
	fuse_receive(&m, entries, sizeof(entries));
	err = fuse_call(&m);
	if (!err && !m.got)
		c->r->arg = FSRV_READDIR_END;
	while (!err && at < m.got) {
		err = parse_entry(entries + at, m.got - at, plus, &e);
		if (err)
			break;
		put_entry(c, &e);
		at += e.size;
	}
	return err;
}
