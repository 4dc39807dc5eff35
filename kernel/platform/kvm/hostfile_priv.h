/* SPDX-License-Identifier: MIT */
/* What hostfile.c (files and their life) and hostpage.c (their pages) share. */
#pragma once
#include "core/lock.h"
#include "lib/avl.h"
#include "platform/kvm/hostfile.h"

struct hostpage {
	struct avl_node node;
	uint64_t index;
	char *data;
	union {
		uint64_t fetched_ns;	/* not dirty */
		uint64_t written_sum;	/* dirty: of what writeback.c wrote */
	};
	uint32_t uses;		/* mappings and copies under way */
	uint32_t writers;	/* shared mappings that may write it */
	uint32_t valid;		/* bytes that are the file's; then zeros */
	bool dirty;
};

struct hostfile {
	/* set once */
	uint64_t nodeid;
	bool still;
	uint64_t likely_size;	/* atomic; 0: not known */
	/* under files.lock (hostfile.c) */
	struct list hash_link;
	struct list all_link;	/* least recently used first */
	uint32_t round;		/* the last of write_back that saw it */
	uint32_t refs;		/* opens and mappings */
	uint32_t nr_mappings;	/* atomic */
	/* under lock */
	struct mutex lock;
	struct avl_tree pages;
	uint32_t nr_pages;
	struct list opens;	/* struct hostopen.link */
	struct hostopen *writer;/* kept for write-back while mapped */
	uint64_t own_fh;	/* opened for reading without a descriptor */
	bool has_own_fh;
};

/* A reference of o's file for a region. */
struct hostfile *hostfile_for_mapping(struct hostopen *o, bool write_shared);

/* Caller holds f->lock for all of these. */
struct hostpage *hostpage_find_locked(struct hostfile *f, uint64_t index);
/* The page, read if need be. Returns 0, -EFAULT (behind the end), -errno. */
int hostpage_read_locked(struct hostfile *f, uint64_t index,
			 struct hostpage **out);
/* Write one page back if it is dirty. */
int hostpage_clean_locked(struct hostfile *f, struct hostpage *p);
/* The same unless it is what was written by this the last time. */
void hostpage_write_changed_locked(struct hostfile *f, struct hostpage *p);
/* First page at or behind index; NULL: none. */
struct hostpage *hostpage_next_locked(struct hostfile *f, uint64_t index);
/* Take a page with no use out and free it. */
void hostpage_drop_locked(struct hostfile *f, struct hostpage *p);
/* A page was used less: drop it if its kind is not kept. */
void hostpage_unuse_locked(struct hostfile *f, struct hostpage *p,
			   bool write);
/* All pages that can go: clean, unused. Returns how many went. */
uint64_t hostpage_drop_clean_locked(struct hostfile *f, uint64_t max);
