/* SPDX-License-Identifier: MIT */
/* The socket of vhost-user. Contract: vhost_message.h. */
#include "dev/vhost_message.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define FLAG_VERSION		1u
#define FLAG_VERSION_MASK	3u
#define FLAG_REPLY		(1u << 2)

static void take_fds(struct vhost_message *m, struct msghdr *h)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		m->nr_fds = (uint32_t)((c->cmsg_len - CMSG_LEN(0)) /
				       sizeof(int));
		memcpy(m->fds, CMSG_DATA(c), m->nr_fds * sizeof(int));
		return;
	}
}

static int receive_all(int sock, void *buf, size_t len)
{
	ssize_t n = len ? recv(sock, buf, len, MSG_WAITALL) : 0;

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -ECONNRESET;
}

int vhost_message_receive(int sock, struct vhost_message *m)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(VHOST_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { &m->h, sizeof(m->h) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n;

	memset(m, 0, sizeof(*m));
	memset(m->fds, -1, sizeof(m->fds));
	n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	take_fds(m, &h);
	if (h.msg_flags & MSG_CTRUNC)
		return -EPROTO;
	if (n < (ssize_t)sizeof(m->h) &&
	    receive_all(sock, (char *)&m->h + n, sizeof(m->h) - (size_t)n))
		return -EPROTO;
	if ((m->h.flags & FLAG_VERSION_MASK) != FLAG_VERSION ||
	    m->h.size > sizeof(m->body) ||
	    receive_all(sock, &m->body, m->h.size))
		return -EPROTO;
	return 1;
}

int vhost_message_reply(int sock, struct vhost_message *m)
{
	struct iovec iov[2] = { { &m->h, sizeof(m->h) },
				{ &m->body, m->reply_len } };
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = 2 };

	m->h.flags = FLAG_VERSION | FLAG_REPLY;
	m->h.size = m->reply_len;
	return sendmsg(sock, &h, MSG_NOSIGNAL) ==
	       (ssize_t)(sizeof(m->h) + m->reply_len) ? 0 : -EPIPE;
}
