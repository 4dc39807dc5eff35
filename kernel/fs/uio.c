/* SPDX-License-Identifier: MIT */
/*
 * Moving bytes between kernel memory and the scattered buffers of a read or
 * write. Program addresses go through the fault-checked copies of the
 * architecture; what was copied before a bad address counts.
 */
#include "fs/uio.h"

#include "arch/uaccess.h"
#include "lib/string.h"

void uio_init(struct uio *u, struct kiovec *iov, void *base, size_t len,
	      bool user)
{
	iov->base = base;
	iov->len = len;
	u->iov = iov;
	u->nr = 1;
	u->user = user;
	u->skip = 0;
	u->left = len;
}

void *uio_piece(const struct uio *u, size_t *len)
{
	const struct kiovec *v = u->iov;
	uint32_t nr = u->nr;
	size_t skip = u->skip;

	while (nr && v->len == skip) {
		v++;
		nr--;
		skip = 0;
	}
	if (!nr || !u->left) {
		*len = 0;
		return NULL;
	}
	*len = MIN(v->len - skip, u->left);
	return (char *)v->base + skip;
}

void uio_advance(struct uio *u, size_t n)
{
	if (n > u->left)
		n = u->left;
	u->left -= n;
	u->skip += n;
	while (u->nr && u->skip >= u->iov->len) {
		u->skip -= u->iov->len;
		u->iov++;
		u->nr--;
	}
}

enum uio_what { UIO_FILL, UIO_ZERO, UIO_DRAIN };

static inline size_t copy_piece(const struct uio *u, void *piece, void *kernel,
			 size_t n, enum uio_what what)
{
	if (!u->user) {
		if (what == UIO_FILL)
			memcpy(piece, kernel, n);
		else if (what == UIO_ZERO)
			memset(piece, 0, n);
		else
			memcpy(kernel, piece, n);
		return n;
	}
	if (what == UIO_FILL)
		return copy_to_user_partial(piece, kernel, n);
	if (what == UIO_DRAIN)
		return copy_from_user_partial(kernel, piece, n);
	return clear_user(piece, n) ? 0 : n;
}

static inline size_t uio_move(struct uio *u, void *kernel, size_t n,
			      enum uio_what what)
{
	size_t done = 0;

	/* Nearly always: one piece is enough. */
	if (likely(u->nr && n <= u->iov->len - u->skip && n <= u->left &&
		   what != UIO_ZERO)) {
		done = copy_piece(u, (char *)u->iov->base + u->skip, kernel, n,
				  what);
		u->skip += done;
		u->left -= done;
		return done;
	}
	while (done < n && u->left) {
		size_t len, got;
		void *piece = uio_piece(u, &len);

		if (!piece)
			break;
		len = MIN(len, n - done);
		if (what == UIO_ZERO)	/* so that a fault counts by pages */
			len = MIN(len, PAGE_SIZE);
		got = copy_piece(u, piece, (char *)kernel + done, len, what);
		uio_advance(u, got);
		done += got;
		if (got < len)
			break;
	}
	return done;
}

size_t uio_fill(struct uio *u, const void *src, size_t n)
{
	return uio_move(u, (void *)src, n, UIO_FILL);
}

size_t uio_fill_zero(struct uio *u, size_t n)
{
	/* No source: an address that is never read. */
	static char nothing;

	return uio_move(u, &nothing, n, UIO_ZERO);
}

size_t uio_drain(struct uio *u, void *dst, size_t n)
{
	return uio_move(u, dst, n, UIO_DRAIN);
}
