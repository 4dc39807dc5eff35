/* SPDX-License-Identifier: MIT */
/*
 * The buffers of messages: copied once, from program to program, if one of the
 * two tasks can reach both. It can if they share an address space, if one buffer
 * is the kernel's, or if the platform lets it. Else each copies its own side,
 * through memory of the kernel (`bounce`).
 */
#include "core/msg_priv.h"
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "platform/platform.h"

#define PIECE	256u	/* on the stack, between two programs */

struct place {
	uint64_t addr;
	bool user;
};

static enum copy_fault copy_user_to_user(uint64_t to, uint64_t from, size_t n)
{
	char piece[PIECE];

	for (size_t at = 0; at < n; at += PIECE) {
		size_t k = MIN(n - at, (size_t)PIECE);

		if (copy_from_user(piece, (void *)(from + at), k))
			return COPY_FAULT_FROM;
		if (copy_to_user((void *)(to + at), piece, k))
			return COPY_FAULT_TO;
	}
	return COPY_OK;
}

static enum copy_fault copy(struct place to, struct place from, size_t n)
{
	void *dst = (void *)to.addr, *src = (void *)from.addr;

	if (to.user && from.user)
		return copy_user_to_user(to.addr, from.addr, n);
	if (to.user)
		return copy_to_user(dst, src, n) ? COPY_FAULT_TO : COPY_OK;
	if (from.user)
		return copy_from_user(dst, src, n) ? COPY_FAULT_FROM : COPY_OK;
	memcpy(dst, src, n);
	return COPY_OK;
}

/* One of the two places may be in another address space than ours. */
static enum copy_fault copy_once(const struct task *from, struct place src,
				 const struct task *to, struct place dst,
				 size_t n)
{
	enum copy_fault mine = COPY_FAULT_FROM, theirs = COPY_FAULT_TO;
	enum plat_copied c;

	if (dst.user && !plat_space_is_shared(to)) {
		c = plat_space_copy(to, dst.addr, (void *)src.addr, src.user, n,
				    true);
	} else if (src.user && !plat_space_is_shared(from)) {
		mine = COPY_FAULT_TO;
		theirs = COPY_FAULT_FROM;
		c = plat_space_copy(from, src.addr, (void *)dst.addr, dst.user,
				    n, false);
	} else {
		return copy(dst, src, n);
	}
	return c == PLAT_COPIED ? COPY_OK :
	       c == PLAT_FAULT_MINE ? mine : theirs;
}

enum copy_fault msg_copy(struct port *from, struct msg_buf *from_buf,
			 struct port *to, struct msg_buf *to_buf)
{
	struct place src = { from_buf->out, from_buf->user };
	struct place dst = { to_buf->in, to_buf->user };
	size_t n = from_buf->out_len;
	enum copy_fault fault;

	if (PLAT_REACHES_SPACES) {
		fault = copy_once(from->task, src, to->task, dst, n);
		if (!fault)
			to_buf->got = (uint32_t)n;
		return fault;
	}
	if (from->bounce)
		src = (struct place){ (uint64_t)from->bounce, false };
	else if (src.user && !plat_space_is_shared(from->task))
		return COPY_FAULT_FROM;	/* to has left their address space */
	if (dst.user && !plat_space_is_shared(to->task)) {
		void *bounce = kmalloc(n);

		if (!bounce)
			return COPY_NO_MEMORY;
		dst = (struct place){ (uint64_t)bounce, false };
		fault = copy(dst, src, n);
		if (fault) {
			kfree(bounce);
			return fault;
		}
		to->bounce = bounce;
	} else {
		fault = copy(dst, src, n);
		if (fault)
			return fault;
	}
	to_buf->got = (uint32_t)n;
	kfree(from->bounce);
	from->bounce = NULL;
	return COPY_OK;
}

int msg_copy_prepare(struct port *me, const struct msg_buf *b)
{
	void *bounce = kmalloc(b->out_len);

	if (!bounce)
		return -ENOMEM;
	if (copy_from_user(bounce, (void *)b->out, b->out_len)) {
		kfree(bounce);
		return -EFAULT;
	}
	me->bounce = bounce;
	return 0;
}

int msg_copy_finish(struct port *me, struct msg_buf *b)
{
	int err = 0;

	if (!me->bounce)
		return 0;
	if (b->got && copy_to_user((void *)b->in, me->bounce, b->got))
		err = -EFAULT;
	kfree(me->bounce);
	me->bounce = NULL;
	return err;
}
