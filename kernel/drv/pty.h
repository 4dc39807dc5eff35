/* SPDX-License-Identifier: MIT */
/*
 * Pseudo terminals: /dev/ptmx makes a pair; the master is an open file of its
 * own kind, the slave a terminal (drv/tty.h) named /dev/pts/N.
 */
#pragma once
#include "drv/tty.h"

#define PTY_MAX		4096u	/* as /proc/sys/kernel/pty/max */

struct pty;

/* Register /dev/ptmx and the slaves' numbers. Context: init. */
int pty_init(void);
/*
 * A new pair without a master file, for the kernel's own use; the caller holds
 * the master side until pty_close_master(). NULL: no memory.
 */
struct pty *pty_create(void);
void pty_close_master(struct pty *p);
struct tty *pty_slave(struct pty *p);	/* borrowed */
/* Master side: as keyboard (all n bytes or -ERESTARTSYS) and as screen. */
ssize_t pty_master_write(struct pty *p, struct uio *u, bool nonblock);
ssize_t pty_master_read(struct pty *p, struct uio *u, bool nonblock);
/* fn is called whenever there may be something to read or room to write; w is
 * in the pair's queue from now on. */
void pty_watch(struct pty *p, struct waiter *w,
	       bool (*fn)(struct waiter *w, uint32_t key));
void pty_unlock_slave(struct pty *p);
int pty_set_winsize(struct pty *p, const struct winsize *w);

/* The pair whose master f is, or NULL. */
struct pty *pty_of_master(const struct file *f);
/* /dev/pts/N. */
uint32_t pty_index(const struct pty *p);

/* --- devpts.c -----------------------------------------------------------------*/
/* The inode of slave `index`, with a reference, or NULL. */
struct inode *pty_get_inode(uint32_t index);
/* The first slave with an index >= from, or -1. */
int pty_next_index(uint32_t from);
/* Make the inode of a slave; NULL: no memory or no file system. */
struct inode *devpts_create_inode(uint32_t index);
/* Make the file system, if nobody did yet. Returns false: no memory. */
bool devpts_start(void);
/* The host's terminals belong to uid. */
void devpts_set_owner(uint32_t uid);
