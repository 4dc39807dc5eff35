/* SPDX-License-Identifier: MIT */
/*
 * Files of the host and the pages of them that are in memory. A still file
 * (of an export that does not change) is read through the cache; a live one
 * straight from and to the host, its cached pages only serve mappings. Pages
 * are coherent with reads and writes inside the sandbox; what programs write
 * to shared mappings reaches the host on msync, fsync and when the last
 * mapping that may write a page goes, and meanwhile by writeback.c.
 */
#pragma once
#include "lib/list.h"
#include "lib/types.h"
#include "platform/kvm/paging.h"

struct hostfile;

/* An open file of the host: what a descriptor (hostfd.c) or a handle of the
 * server (server.c) stands for. */
struct hostopen {
	/* set once */
	struct hostfile *file;
	uint64_t fh;		/* FUSE's */
	bool readable, writable;
	bool is_stream;
	/* atomic */
	uint32_t refs;
	/* under the file's lock */
	struct list link;
};

/*
 * The file of node `nodeid`; a new one takes over one reference of the node
 * (FUSE's lookup count), else it is given back. NULL: no memory (then it is
 * given back, too). The caller has a reference of the file.
 */
struct hostfile *hostfile_of_node(uint64_t nodeid, bool still);
/* How long the host said that it is: a hint how much to read ahead. */
void hostfile_set_likely_size(struct hostfile *f, uint64_t size);
/* fh of file is open; takes over the caller's reference of the file, also on
 * failure (NULL: no memory; fh is released). One reference. */
struct hostopen *hostopen_create(struct hostfile *file, uint64_t fh,
				 bool readable, bool writable);
struct hostopen *hostopen_get(struct hostopen *o);
void hostopen_put(struct hostopen *o);

/* Read or write at an offset; buf is the kernel's or the program's. Returns
 * bytes (fewer at the end or before a bad address), -EFAULT, -EIO... */
ssize_t hostopen_read(struct hostopen *o, void *buf, size_t n, uint64_t off);
ssize_t hostopen_write(struct hostopen *o, const void *buf, size_t n,
		       uint64_t off);
int64_t hostopen_seek(struct hostopen *o, int64_t off, int whence);
uint64_t hostopen_nodeid(const struct hostopen *o);
/* Write back what programs changed in mappings. Returns 0 or -errno. */
int hostopen_sync(struct hostopen *o);
/* The same for all files, but for pages that are as they were the last time.
 * Returns true if pages are dirty still. */
bool hostfile_write_back(void);
/*
 * fallocate with flags of FSRV_FALLOCATE_MODES; cached pages follow, but for
 * where the file ends then (hostfile_resized). Returns 0 or -errno.
 */
int hostopen_allocate(struct hostopen *o, uint32_t mode, uint64_t off,
		      uint64_t len);
/* The size of a node was set: cached pages follow. */
void hostfile_resized(uint64_t nodeid, uint64_t size);

/* --- for mappings -------------------------------------------------------------*/
/*
 * The file of a host descriptor, for a region. write_shared: what is written
 * to its pages is the file's. NULL: no such descriptor, or no memory.
 * Context: task; all of these may talk to the host, none touches program
 * memory or takes a lock above its own.
 */
struct hostfile *hostfile_get(int fd, bool write_shared);
struct hostfile *hostfile_ref(struct hostfile *f);	/* a region was copied */
void hostfile_put(struct hostfile *f);
/*
 * Page `index` with one more use: it stays until that is given back. write:
 * it will be writable in a shared mapping, so it counts as changed.
 * Returns 0, -EFAULT (behind the end of the file), -EIO..., -ENOMEM.
 */
int hostfile_page(struct hostfile *f, uint64_t index, bool write,
		  paddr_t *out);
/* One more use of a page that has one (fork). */
void hostfile_page_again(struct hostfile *f, uint64_t index, bool write);
void hostfile_page_put(struct hostfile *f, uint64_t index, bool write);
int hostfile_sync(struct hostfile *f, uint64_t index, uint64_t nr_pages);

/* Drop up to nr_pages pages that are clean and not used. Returns how many.
 * Never waits for a lock of the cache. Context: task. */
uint64_t hostfile_shrink(uint64_t nr_pages);
