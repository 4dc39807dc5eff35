/* SPDX-License-Identifier: MIT */
/*
 * Transfers on open files of the host. The buffer is the kernel's, or the
 * program's in the calling task's address space: then the bytes pass through
 * pages of the kernel, since program memory may fault at any byte.
 *
 * Still files are read from the cache. Live files go to the host; mapped pages
 * lie over what is read, and follow what is written.
 */
#include "platform/kvm/hostio.h"
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/page.h"
#include "drv/virtio/fs.h"
#include "lib/string.h"
#include "platform/kvm/hostfile_priv.h"
#include "plat/layout.h"

#define BATCH		16u		/* pages pinned at a time */
#define BOUNCE_ORDER	5u		/* 128 KiB */
#define KERNEL_CHUNK	(1u << 20)	/* of transfers without a bounce */

bool host_buffer_is_user(const void *p)
{
	return (uint64_t)p < PLAT_USER_MAX;
}

static size_t copy_out(void *dst, const void *src, size_t n)
{
	if (host_buffer_is_user(dst))
		return copy_to_user_partial(dst, src, n);
	memcpy(dst, src, n);
	return n;
}

static size_t copy_in(void *dst, const void *src, size_t n)
{
	if (host_buffer_is_user(src))
		return copy_from_user_partial(dst, src, n);
	memcpy(dst, src, n);
	return n;
}

/* --- the cache -------------------------------------------------------------------*/

/* Pin pages from index on. Returns how many, 0 at the end, or -errno. */
static int pin_run(struct hostfile *f, uint64_t index, uint32_t max,
		   struct hostpage **p)
{
	int err = 0;
	uint32_t n = 0;

	mutex_lock(&f->lock);
	/* what is not there yet is fetched by those who need it */
	while (n < max && (n == 0 || hostpage_find_locked(f, index + n))) {
		err = hostpage_read_locked(f, index + n, &p[n]);
		if (err)
			break;
		p[n++]->uses++;
	}
	mutex_unlock(&f->lock);
	return n || err == -EFAULT ? (int)n : err;
}

static void unpin_run(struct hostfile *f, struct hostpage **p, uint32_t n)
{
	mutex_lock(&f->lock);
	for (uint32_t i = 0; i < n; i++)
		hostpage_unuse_locked(f, p[i], false);
	mutex_unlock(&f->lock);
}

/*
 * Copy from pinned pages, *off moving along. Returns false at the end of the
 * file or at a bad address.
 */
static bool copy_run(struct hostpage **p, uint32_t nr, char *buf, size_t n,
		     uint64_t *off, size_t *done)
{
	for (uint32_t i = 0; i < nr && *done < n; i++) {
		size_t in = *off & (PAGE_SIZE - 1), len, got;

		if (in >= p[i]->valid)
			return false;
		len = MIN(n - *done, p[i]->valid - in);
		got = copy_out(buf + *done, p[i]->data + in, len);
		*done += got;
		*off += got;
		if (got < len || (p[i]->valid < PAGE_SIZE && *done < n))
			return false;
	}
	return true;
}

static ssize_t read_cached(struct hostfile *f, char *buf, size_t n,
			   uint64_t off)
{
	struct hostpage *p[BATCH];
	size_t done = 0;
	bool more = true;
	int nr = 0, err = 0;

	while (more && done < n) {
		uint64_t want = ((off & (PAGE_SIZE - 1)) + n - done +
				 PAGE_SIZE - 1) >> PAGE_SHIFT;

		nr = pin_run(f, off >> PAGE_SHIFT,
			     (uint32_t)MIN(want, (uint64_t)BATCH), p);
		if (nr <= 0)
			break;
		more = copy_run(p, (uint32_t)nr, buf, n, &off, &done);
		/* a bad address and no byte moved */
		if (!more && !done && (off & (PAGE_SIZE - 1)) < p[0]->valid)
			err = -EFAULT;
		unpin_run(f, p, (uint32_t)nr);
	}
	if (done)
		return (ssize_t)done;
	return nr < 0 ? nr : err;
}

/* --- live files ------------------------------------------------------------------*/

/* One request into kernel memory. */
ssize_t host_fetch(struct hostopen *o, void *buf, size_t n, uint64_t off)
{
	struct fuse_read_in in = { .fh = o->fh, .offset = off,
				   .size = (uint32_t)n };
	struct fuse_msg m = { .opcode = FUSE_READ,
			      .nodeid = o->file->nodeid };
	int err;

	fuse_send(&m, &in, sizeof(in));
	fuse_receive(&m, buf, n);
	err = fuse_call(&m);
	return err ? err : (ssize_t)m.got;
}

ssize_t host_store(struct hostopen *o, const void *buf, size_t n,
		     uint64_t off)
{
	struct fuse_write_in in = { .fh = o->fh, .offset = off,
				    .size = (uint32_t)n };
	struct fuse_write_out out;
	struct fuse_msg m = { .opcode = FUSE_WRITE,
			      .nodeid = o->file->nodeid };
	int err;

	fuse_send(&m, &in, sizeof(in));
	fuse_send(&m, buf, n);
	fuse_receive(&m, &out, sizeof(out));
	err = fuse_call_exact(&m);
	if (!err && out.size > n)
		err = -EIO;
	return err ? err : (ssize_t)out.size;
}

/*
 * Cached pages in [off, off + n) and the bytes at buf: what is mapped wins
 * over what was read; what is written goes to the pages.
 */
static void meet_pages(struct hostfile *f, char *buf, size_t n, uint64_t off,
		       bool write)
{
	struct hostpage *p;

	if (!__atomic_load_n(&f->nr_pages, __ATOMIC_RELAXED))
		return;
	mutex_lock(&f->lock);
	p = hostpage_next_locked(f, off >> PAGE_SHIFT);
	for (; p && p->index << PAGE_SHIFT < off + n;
	     p = hostpage_next_locked(f, p->index + 1)) {
		uint64_t start = MAX(off, p->index << PAGE_SHIFT);
		uint64_t end = MIN(off + n, (p->index + 1) << PAGE_SHIFT);
		size_t in = start & (PAGE_SIZE - 1);

		if (write) {
			memcpy(p->data + in, buf + (start - off), end - start);
			p->valid = MAX(p->valid,
				       (uint32_t)(in + end - start));
		} else if (p->uses && in < p->valid) {
			memcpy(buf + (start - off), p->data + in,
			       MIN(end - start, p->valid - in));
		}
	}
	mutex_unlock(&f->lock);
}

/* Kernel pages for bytes on their way; as large as can be had. */
struct bounce {
	char *p;
	uint32_t order;
};

static int bounce_get(struct bounce *b, size_t n)
{
	b->order = 0;
	while (b->order < BOUNCE_ORDER && PAGE_SIZE << b->order < n)
		b->order++;
	b->p = page_alloc(b->order, false);
	if (!b->p && b->order) {
		b->order = 0;
		b->p = page_alloc(0, false);
	}
	return b->p ? 0 : -ENOMEM;
}

static ssize_t read_live(struct hostopen *o, char *buf, size_t n,
			 uint64_t off)
{
	bool user = host_buffer_is_user(buf);
	struct bounce b = { NULL, 0 };
	size_t done = 0, want, got;
	ssize_t r = user ? bounce_get(&b, n) : 0;

	while (!r && done < n) {
		char *to = user ? b.p : buf + done;

		want = MIN(n - done, user ? PAGE_SIZE << b.order :
					    (size_t)KERNEL_CHUNK);
		r = host_fetch(o, to, want, off + done);
		if (r <= 0)
			break;
		meet_pages(o->file, to, (size_t)r, off + done, false);
		got = user ? copy_out(buf + done, to, (size_t)r) : (size_t)r;
		done += got;
		if (got < (size_t)r || got < want) {
			r = got < (size_t)r ? -EFAULT : 0;
			break;
		}
		r = 0;
	}
	page_free(b.p, b.order);
	return done ? (ssize_t)done : r;
}

ssize_t hostopen_read(struct hostopen *o, void *buf, size_t n, uint64_t off)
{
	if (!o->readable)
		return -EBADF;
	if (off > INT64_MAX || n > INT64_MAX - off)
		return -EINVAL;
	if (o->file->still)
		return read_cached(o->file, buf, n, off);
	return read_live(o, buf, n, off);
}

ssize_t hostopen_write(struct hostopen *o, const void *buf, size_t n,
		       uint64_t off)
{
	const char *from = buf;
	struct bounce b;
	size_t done = 0;
	ssize_t r;

	if (!o->writable)
		return -EBADF;
	if (off > INT64_MAX || n > INT64_MAX - off)
		return -EINVAL;
	r = bounce_get(&b, n);
	while (!r && done < n) {
		size_t want = MIN(n - done, PAGE_SIZE << b.order);
		size_t len = copy_in(b.p, from + done, want);

		r = len ? host_store(o, b.p, len, off + done) : -EFAULT;
		if (r <= 0)
			break;
		meet_pages(o->file, b.p, (size_t)r, off + done, true);
		done += (size_t)r;
		r = (size_t)r < want ? -EIO : 0;
	}
	page_free(b.p, b.order);
	return done ? (ssize_t)done : r;
}
