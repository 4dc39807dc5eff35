/* SPDX-License-Identifier: MIT */
/*
 * Generated text files. The text is made when a read starts at offset 0 (or
 * the first read), kept in file->private, and served from there until the
 * next read at 0.
 */
#include "fs/textfile.h"

#include <linux/fs.h>

#include "core/heap.h"
#include "lib/string.h"

#define TEXT_MAX	(64ul << 20)	/* a callback gone wild */
#define STORE_MAX	(1ul << 20)	/* one write */

struct textfile {
	const struct textfile_ops *ops;
	struct mutex lock;
	/* under lock */
	struct textbuf text;
	bool made;
};

void textbuf_init(struct textbuf *t)
{
	t->data = NULL;
	t->len = t->cap = 0;
	t->failed = false;
}

void textbuf_fini(struct textbuf *t)
{
	kfree(t->data);
	textbuf_init(t);
}

/* Make room for n more bytes. */
static bool reserve(struct textbuf *t, size_t n)
{
	size_t cap = t->cap ? t->cap : 512;
	char *p;

	if (t->failed)
		return false;
	if (t->len + n <= t->cap)
		return true;
	while (cap < t->len + n)
		cap *= 2;
	p = cap <= TEXT_MAX ? krealloc(t->data, cap) : NULL;
	if (!p) {
		t->failed = true;
		return false;
	}
	t->data = p;
	t->cap = cap;
	return true;
}

void textbuf_write(struct textbuf *t, const void *data, size_t n)
{
	if (!reserve(t, n))
		return;
	memcpy(t->data + t->len, data, n);
	t->len += n;
}

void textbuf_puts(struct textbuf *t, const char *s)
{
	textbuf_write(t, s, strlen(s));
}

void textbuf_printf(struct textbuf *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!reserve(t, 128))
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->data + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= t->cap - t->len) {
		if (!reserve(t, (size_t)n + 1))
			return;
		va_start(ap, fmt);
		vsnprintf(t->data + t->len, t->cap - t->len, fmt, ap);
		va_end(ap);
	}
	t->len += (size_t)n;
}

void textbuf_escape(struct textbuf *t, const char *s, const char *escape)
{
	for (; *s; s++) {
		if (strchr(escape, *s))
			textbuf_printf(t, "\\%03o", (unsigned char)*s);
		else
			textbuf_write(t, s, 1);
	}
}

static int make_text(struct textfile *tf, struct inode *i)
{
	int err;

	tf->text.len = 0;
	tf->text.failed = false;
	tf->made = false;
	err = tf->ops->show ? tf->ops->show(&tf->text, i) : -EINVAL;
	if (!err && tf->text.failed)
		err = -ENOMEM;
	if (!err)
		tf->made = true;
	return err;
}

static ssize_t text_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct textfile *tf = f->private;
	ssize_t ret = 0;
	size_t n, got;

	if (!u->left)
		return 0;
	mutex_lock(&tf->lock);
	if (*pos == 0 || !tf->made)
		ret = make_text(tf, f->inode);
	if (!ret && *pos < tf->text.len) {
		n = MIN(u->left, tf->text.len - *pos);
		got = uio_fill(u, tf->text.data + *pos, n);
		*pos += got;
		ret = got ? (ssize_t)got : -EFAULT;
	}
	mutex_unlock(&tf->lock);
	return ret;
}

static ssize_t text_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct textfile *tf = f->private;
	size_t n = MIN(u->left, STORE_MAX);
	ssize_t ret;
	char *buf;

	if (!tf->ops->store)
		return -EINVAL;
	buf = kmalloc(n + 1);
	if (!buf)
		return -ENOMEM;
	if (uio_drain(u, buf, n) < n) {
		kfree(buf);
		return -EFAULT;
	}
	buf[n] = 0;
	ret = tf->ops->store(f->inode, f, buf, n, *pos);
	if (ret > 0)
		*pos += (uint64_t)ret;
	kfree(buf);
	return ret;
}

static int64_t text_seek(struct file *f, int64_t off, int whence)
{
	/* The size is not known: SEEK_END counts from 0, as in procfs. */
	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return -EINVAL;
	return file_seek_generic(f, off, whence);
}

static void text_release(struct file *f)
{
	struct textfile *tf = f->private;

	textbuf_fini(&tf->text);
	kfree(tf);
}

static const struct file_ops textfile_fops = {
	.read = text_read,
	.write = text_write,
	.seek = text_seek,
	.release = text_release,
};

int textfile_open(struct file *f, const struct textfile_ops *ops)
{
	struct textfile *tf = kzalloc(sizeof(*tf));

	if (!tf)
		return -ENOMEM;
	tf->ops = ops;
	mutex_init(&tf->lock);
	f->private = tf;
	f->ops = &textfile_fops;
	return 0;
}
