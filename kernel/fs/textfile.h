/* SPDX-License-Identifier: MIT */
/*
 * Generated text: a growing buffer, and files whose content is made by a
 * callback when they are read from the beginning (as Linux's seq_file: a
 * reader that seeks back to 0 sees fresh data). procfs and sysfs use it
 * through fs/pseudofs.h.
 */
#pragma once
#include "fs/vfs.h"

struct textbuf {
	char *data;
	size_t len, cap;
	bool failed;		/* out of memory: the read gives -ENOMEM */
};

void textbuf_init(struct textbuf *t);
void textbuf_fini(struct textbuf *t);
void textbuf_printf(struct textbuf *t, const char *fmt, ...) __printf(2, 3);
void textbuf_puts(struct textbuf *t, const char *s);
void textbuf_write(struct textbuf *t, const void *data, size_t n);
/* A name with blanks, newlines and backslashes as \ooo (as /proc/mounts). */
void textbuf_escape(struct textbuf *t, const char *s, const char *escape);

/* What makes and takes the text of one file. */
struct textfile_ops {
	/* Append everything. Returns 0 or -errno, which read(2) returns. */
	int (*show)(struct textbuf *t, struct inode *i);
	/*
	 * One write(2): buf is kernel memory, n bytes and a NUL behind them.
	 * Returns bytes taken or -errno. NULL: writing gives -EINVAL.
	 */
	ssize_t (*store)(struct inode *i, struct file *f, const char *buf,
			 size_t n, uint64_t pos);
};

/*
 * For an inode_ops.open: make f a text file. ops must outlive f.
 * Returns 0 or -ENOMEM. f->private belongs to the text file then.
 */
int textfile_open(struct file *f, const struct textfile_ops *ops);
