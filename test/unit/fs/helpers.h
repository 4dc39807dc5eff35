/* SPDX-License-Identifier: MIT */
/*
 * Short forms of file operations for the tests, on a tree whose root is
 * tmpfs; two walkers: root (ctx) and an ordinary user (uctx).
 */
#pragma once
#include <linux/eventpoll.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/dentry.h"
#include "fs/fake.h"
#include "fs/pipe.h"
#include "fs/pseudofs.h"
#include "fs/vfs.h"
#include "lib/string.h"

extern struct cred root, user;
extern struct walk_ctx ctx, uctx;	/* at the root, as root or user */

int open_as(const struct walk_ctx *c, const char *name, uint32_t flags,
		   struct file **f);
struct file *must_open(const char *name, uint32_t flags);
ssize_t put(struct file *f, const char *s, size_t n, uint64_t *pos);
ssize_t get(struct file *f, void *buf, size_t n, uint64_t *pos);
void make_file(const char *name, const char *text);
bool has_text(const char *name, const char *text);
int walk_to(const char *name, uint32_t flags);
struct kstat stat_of(const char *name);

/* Counts entries, at most max. */
struct count_sink {
	struct dir_sink sink;
	uint32_t n, max;
};

bool count_emit(struct dir_sink *s, const char *name, size_t len, uint64_t ino,
		uint8_t type, uint64_t next_pos);

/* The tests; the table is in fs_test.c. */
void test_make_and_remove(void);
void test_open_flags(void);
void test_symlinks(void);
void test_rename(void);
void test_sticky(void);
void test_path_name(void);
void test_mounts(void);
void test_sparse(void);
void test_random_io(void);
void test_limit(void);
void test_mapping(void);
void test_readdir(void);
void test_pipe(void);
void test_splice(void);
void test_fifo(void);
void test_pipe_threads(void);
void test_pipe_crowd(void);
void test_name_threads(void);
void test_no_memory(void);
void test_pseudo(void);
void test_graft(void);
void test_devfs(void);
void test_late_mounts(void);
