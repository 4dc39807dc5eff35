/* SPDX-License-Identifier: MIT */
/* What pty.c (pairs, slaves) and pty_master.c share. */
#pragma once
#include "drv/ldisc.h"
#include "drv/pty.h"

#define PTY_CHUNK	256u	/* bytes moved between looks at the room */

struct pty {
	struct tty slave;	/* slave.refs is the pair's */
	uint32_t index;		/* set once */
	struct inode *inode;	/* of /dev/pts/N; set once; owned */
	struct waitq wait;
	struct mutex lock;
	/* under lock */
	struct ldisc ld;
	struct winsize winsize;
	bool master_closed;
	bool slave_locked;	/* until TIOCSPTLCK */
	bool other_closed;	/* the slave was open and is no more */
	bool packet;		/* TIOCPKT */
	uint32_t nr_slaves;	/* open files */
};

/* Unlock, wake the sleepers, send what the line discipline decided. */
void pty_unlock_and_tell(struct pty *p);
/* One step of sleeping. Returns 0 (look again), -ETIMEDOUT, -ERESTARTSYS. */
int pty_sleep(struct waiter *w, uint64_t deadline_ns);
/* open(2) of /dev/ptmx */
int pty_open_ptmx(struct inode *i, struct file *f);
