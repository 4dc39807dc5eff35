/* SPDX-License-Identifier: MIT */
/*
 * A cursor over scattered memory, of a program or of the kernel, that a read
 * or write fills or drains. Partial progress on a bad address is kept.
 */
#pragma once
#include "lib/types.h"

struct kiovec {
	void *base;		/* same layout as struct iovec */
	size_t len;
};

struct uio {
	struct kiovec *iov;	/* in kernel memory; bases may be user ones */
	uint32_t nr;
	bool user;		/* bases are program addresses */
	size_t skip;		/* consumed of iov[0] */
	size_t left;		/* bytes not yet consumed in all */
};

/* One buffer. iov is caller's storage for the single element. */
void uio_init(struct uio *u, struct kiovec *iov, void *base, size_t len,
	      bool user);
/* Kernel -> uio (read). Returns bytes moved: < n only at a bad address or when full. */
size_t uio_fill(struct uio *u, const void *src, size_t n);
size_t uio_fill_zero(struct uio *u, size_t n);
/* uio -> kernel (write). */
size_t uio_drain(struct uio *u, void *dst, size_t n);
/* The current contiguous piece, for calls that copy by themselves. */
void *uio_piece(const struct uio *u, size_t *len);
void uio_advance(struct uio *u, size_t n);
