/* SPDX-License-Identifier: MIT */
/*
 * Files of a still directory that a program opens one after the other, in the
 * order of its listing: the next ones are opened with the same question. Their
 * descriptors wait in a small ring, by the file that they are of, and the
 * oldest give way; so one that nobody asks for costs the opening of it.
 */
#include "core/heap.h"
#include "fs/hostfs/channel.h"
#include "fs/hostfs/hostfs.h"
#include "lib/string.h"

#define READY_MAX	(2 * FSRV_FDS_MAX)
#define RUN_GAP		8u	/* entries that a run may leave out */
#define DT_REG		8

/* Under hostfs_lock. */
static struct {
	struct fsrv_opened file;
	int fd_plus_1;		/* 0: none */
} ready[READY_MAX];
static uint32_t next_ready;

struct names {
	struct fsrv_opened opened[FSRV_FDS_MAX];
	uint32_t nr, len;
	char text[FSRV_FDS_MAX * (FSRV_NAME_MAX + 1)];
};

static bool is_node(const struct hostnode *n, const struct fsrv_opened *f)
{
	return n->host_dev == f->dev && n->host_ino == f->ino;
}

static int take_ready(const struct hostnode *n)
{
	int fd = -1;

	mutex_lock(&hostfs_lock);
	for (uint32_t i = 0; fd < 0 && i < READY_MAX; i++) {
		if (!ready[i].fd_plus_1 || !is_node(n, &ready[i].file))
			continue;
		fd = ready[i].fd_plus_1 - 1;
		ready[i].fd_plus_1 = 0;
	}
	mutex_unlock(&hostfs_lock);
	return fd;
}

static void keep_ready(const struct fsrv_opened *file, int fd)
{
	int old;

	mutex_lock(&hostfs_lock);
	old = ready[next_ready].fd_plus_1 - 1;
	ready[next_ready].file = *file;
	ready[next_ready].fd_plus_1 = fd + 1;
	next_ready = (next_ready + 1) % READY_MAX;
	mutex_unlock(&hostfs_lock);
	if (old >= 0)
		plat_fd_close(old);
}

/* The file and those behind it, the more the longer the run. Locked. */
static void name_run(struct names *a, struct dirlist *l, const char *name)
{
	struct dirlist_entry *e = l && l->listed ? dirlist_find(l, name) : NULL;
	uint32_t i = e ? (uint32_t)(e - l->entries) : 0;

	if (!e)
		return;
	if (i < l->open_next || i - l->open_next > RUN_GAP)
		l->open_run = 0;
	l->open_run = MIN(2 * l->open_run + 1, FSRV_FDS_MAX);
	for (; i < l->nr && a->nr < l->open_run; i++) {
		e = &l->entries[i];
		if (e->type != DT_REG)
			continue;
		memcpy(a->text + a->len, l->names + e->name_at, e->len + 1u);
		a->len += e->len + 1u;
		a->nr++;
	}
	l->open_next = i;
}

/* Ask for them. Returns the descriptor of n, or -1. */
static int open_run(struct hostnode *n, struct inode *parent, struct names *a)
{
	struct fsrv_request rq = { .op = FSRV_OPEN_MANY, .data_len = a->len };
	int fds[FSRV_FDS_MAX], fd = -1;
	struct fsrv_reply rp;
	bool good;

	/* it may fail before there is an answer */
	memset(fds, 0xff, sizeof(fds));
	good = !hostnode_call(parent, NULL, &rq, "", NULL, a->text, &rp,
			      a->opened, sizeof(a->opened), fds);
	for (uint32_t i = 0; i < FSRV_FDS_MAX && fds[i] >= 0; i++) {
		if (!good || rp.data_len < (i + 1) * sizeof(a->opened[0]))
			plat_fd_close(fds[i]);
		else if (fd < 0 && is_node(n, &a->opened[i]))
			fd = fds[i];
		else
			keep_ready(&a->opened[i], fds[i]);
	}
	return fd;
}

int hostfd_open_ahead(struct hostnode *n)
{
	struct inode *parent;
	struct names *a;
	char *name;
	int fd;

	if (!PLAT_SERVES_TREES || hostfs_of(n->inode)->live)
		return -1;
	fd = take_ready(n);
	if (fd >= 0 || hostnode_name_get(n, &parent, &name))
		return fd;
	a = kmalloc(sizeof(*a));
	/* who holds it may wait for n's open_lock */
	if (a && mutex_try_lock(&parent->lock)) {
		a->nr = a->len = 0;
		name_run(a, hostnode(parent)->list, name);
		mutex_unlock(&parent->lock);
		if (a->nr > 1)
			fd = open_run(n, parent, a);
	}
	kfree(a);
	kfree(name);
	inode_put(parent);
	return fd;
}
