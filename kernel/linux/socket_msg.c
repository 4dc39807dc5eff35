/* SPDX-License-Identifier: MIT */
/*
 * Sending and receiving on sockets: read and write, sendto to recvmmsg. All
 * end in the operations of the socket, with the program's buffers as a
 * struct uio.
 */
#include <linux/fcntl.h>
#include <asm/signal.h>
#include <asm/socket.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/timer.h"
#include "linux/file_rw.h"
#include "linux/signal_priv.h"
#include "linux/sockets.h"
#include "linux/timeout.h"
#include "net/inet.h"

#define MMSG_MAX 1024u

/* --- data -----------------------------------------------------------------------*/
struct uio_data {
	struct sock_data d;
	struct uio *u;
};

static size_t move_out(struct sock_data *d, void *kernel, size_t n)
{
	size_t got = uio_drain(container_of(d, struct uio_data, d)->u, kernel,
			       n);

	d->left -= got;
	return got;
}

static size_t move_in(struct sock_data *d, void *kernel, size_t n)
{
	size_t got = uio_fill(container_of(d, struct uio_data, d)->u, kernel,
			      n);

	d->left -= got;
	return got;
}

static bool passes_cred(const struct sock *s)
{
	return s->flags & 1u << SO_PASSCRED;
}

static bool is_nonblocking(const struct file *f, uint32_t flags)
{
	return f->flags & O_NONBLOCK || flags & MSG_DONTWAIT;
}

ssize_t socket_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct sock *s = socket_of(f);
	struct uio_data data = { { u->left, move_in }, u };
	struct sock_msg m = { .data = &data.d };
	ssize_t n;

	if (!u->left)
		return 0;
	m.nonblock = f->flags & O_NONBLOCK;
	m.want_cred = passes_cred(s);
	n = s->ops->recv(s, &m);
	sk_files_drop(m.files);
	return n;
}

/* --- sending --------------------------------------------------------------------*/
static void signal_pipe(void)
{
	struct ksiginfo i = signal_info_from_self(SIGPIPE, 0);

	signal_send_thread(current_thread(), SIGPIPE, &i);
}

/* Where an explicit address leads, in Linux's order. m->to: referenced or NULL. */
static int find_destination(struct sock *s, struct sockaddr_copy *a,
			    struct sock_msg *m)
{
	int err = 0;

	if (s->ops->names) {
		if (a->len && s->ops != &tcp_ops) { /* which does not look */
			m->addr = a->b;
			m->addr_len = a->len;
		}
		return 0;
	}
	if (s->type == SOCK_STREAM)
		return !a->len ? 0 : s->state == SOCK_CONNECTED ? -EISCONN :
		       -EOPNOTSUPP;
	if (s->type == SOCK_SEQPACKET) {
		if (s->state != SOCK_CONNECTED)
			return -ENOTCONN;
		a->len = 0;
	}
	if (a->len)
		err = unix_addr_check(a);
	if (!err && passes_cred(s))
		err = unix_autobind(s);
	if (!err && a->len)
		err = unix_send_error(s);
	return err || !a->len ? err : unix_addr_find(a, s->type, &m->to);
}

ssize_t socket_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct sock *s = socket_of(f);
	struct uio_data data = { { u->left, move_out }, u };
	struct sock_msg m = { .data = &data.d };
	struct sockaddr_copy none = { .len = 0 };
	int err = find_destination(s, &none, &m);

	m.nonblock = f->flags & O_NONBLOCK;
	m.cred = socket_caller_cred(false);
	return err ? err : s->ops->send(s, &m);
}

/* m: files and credentials are set; files are given up in any case. */
static ssize_t send_uio(struct file *f, struct sock *s, struct uio *u,
			struct sock_msg *m, struct sockaddr_copy *a)
{
	struct uio_data data = { { u->left, move_out }, u };
	ssize_t n = find_destination(s, a, m);

	m->data = &data.d;
	m->nonblock = is_nonblocking(f, m->flags);
	if (!n)
		n = s->ops->send(s, m);
	sock_put(m->to);
	sk_files_drop(m->files);
	if (n == -EPIPE && s->type == SOCK_STREAM &&
	    !(m->flags & MSG_NOSIGNAL))
		signal_pipe();
	return n;
}

long sys_sendto(uint64_t fd, uint64_t buf, uint64_t len, uint64_t flags,
		uint64_t addr, uint64_t addr_len)
{
	struct sock_msg m = { .flags = (uint32_t)flags };
	struct sockaddr_copy a = { .len = 0 };
	struct kiovec v;
	struct file *f;
	struct sock *s;
	struct uio u;
	ssize_t n;

	if (!user_range_ok((void *)buf, len))
		return -EFAULT;
	n = socket_get(fd, &f, &s);
	if (n)
		return n;
	if (addr)
		n = sockaddr_get(addr, addr_len, &a);
	if (!n) {
		uio_init(&u, &v, (void *)buf, MIN(len, MAX_RW_BYTES), true);
		m.cred = socket_caller_cred(false);
		n = send_uio(f, s, &u, &m, &a);
	}
	file_put(f);
	return n;
}

static ssize_t send_msghdr(struct file *f, struct sock *s, uint64_t user,
			   uint32_t flags)
{
	struct sock_msg m = { .flags = flags };
	struct sockaddr_copy a = { .len = 0 };
	struct user_msghdr h;
	struct user_iov v;
	ssize_t n = 0;

	if (copy_from_user(&h, (const void *)user, sizeof(h)))
		return -EFAULT;
	if (h.name && h.namelen < 0)
		return -EINVAL;
	if (h.name && h.namelen)
		n = sockaddr_get(h.name, MIN((uint32_t)h.namelen, SOCKADDR_MAX),
				 &a);
	if (n)
		return n;
	if (h.iovlen > IOV_MAX_COUNT)
		return -EMSGSIZE;
	n = user_iov_init(&v, h.iov, h.iovlen);
	if (n)
		return n;
	m.cred = socket_caller_cred(false);
	/* these look at the socket before the message */
	if (s->type == SOCK_SEQPACKET)
		n = s->err ? sock_take_error(s) :
		    s->state != SOCK_CONNECTED ? -ENOTCONN : 0;
	if (!n)
		n = cmsg_read(&h, &m);
	if (!n)
		n = send_uio(f, s, &v.uio, &m, &a);
	user_iov_fini(&v);
	return n;
}

long sys_sendmsg(uint64_t fd, uint64_t msg, uint64_t flags)
{
	struct file *f;
	struct sock *s;
	ssize_t n = socket_get(fd, &f, &s);

	if (n)
		return n;
	n = send_msghdr(f, s, msg, (uint32_t)flags);
	file_put(f);
	return n;
}

/* struct mmsghdr. */
struct user_mmsghdr {
	struct user_msghdr h;
	uint32_t len, pad;
};

long sys_sendmmsg(uint64_t fd, uint64_t vec, uint64_t n, uint64_t flags)
{
	struct user_mmsghdr *h = (struct user_mmsghdr *)vec;
	uint32_t count = MIN((uint32_t)n, MMSG_MAX), done = 0;
	struct file *f;
	struct sock *s;
	ssize_t ret = socket_get(fd, &f, &s);

	if (ret)
		return ret;
	while (done < count) {
		ret = send_msghdr(f, s, (uint64_t)&h[done], (uint32_t)flags);
		if (ret >= 0)
			ret = user_store32(&h[done].len, (uint32_t)ret);
		if (ret < 0)
			break;
		done++;
	}
	file_put(f);
	return done ? (long)done : ret;
}

/* --- receiving --------------------------------------------------------------------*/
static ssize_t recv_uio(struct file *f, struct sock *s, struct uio *u,
			struct sock_msg *m)
{
	struct uio_data data = { { u->left, move_in }, u };
	ssize_t n;

	m->data = &data.d;
	m->nonblock = is_nonblocking(f, m->flags);
	m->want_cred = passes_cred(s);
	n = s->ops->recv(s, m);
	m->data = NULL;
	return n;
}

/* The sender's name, as recvfrom and recvmsg give it: empty if it has none. */
static int put_from(struct sock_msg *m, uint64_t addr, uint64_t addr_len)
{
	static const uint8_t none[1];

	return m->from ? sockaddr_put(addr, addr_len, m->from->sun,
				      m->from->len) :
			 sockaddr_put(addr, addr_len, none, 0);
}

long sys_recvfrom(uint64_t fd, uint64_t buf, uint64_t len, uint64_t flags,
		  uint64_t addr, uint64_t addr_len)
{
	struct sock_msg m = { .flags = (uint32_t)flags, .want_from = addr };
	struct kiovec v;
	struct file *f;
	struct sock *s;
	struct uio u;
	ssize_t n;

	if (!user_range_ok((void *)buf, len))
		return -EFAULT;
	n = socket_get(fd, &f, &s);
	if (n)
		return n;
	uio_init(&u, &v, (void *)buf, MIN(len, MAX_RW_BYTES), true);
	n = recv_uio(f, s, &u, &m);
	sk_files_drop(m.files);
	if (n >= 0 && addr) {
		int err = put_from(&m, addr, addr_len);

		if (err)
			n = err;
	}
	unix_addr_put(m.from);
	file_put(f);
	return n;
}

static int put_results(uint64_t user, struct user_msghdr *h,
		       struct sock_msg *m, const struct sock *s)
{
	struct user_msghdr *p = (struct user_msghdr *)user;
	int err = 0;

	cmsg_write(h, m, s);
	if (h->name)
		err = put_from(m, h->name, (uint64_t)&p->namelen);
	if (!err)
		err = user_store32(&p->flags, m->out_flags |
				   (m->flags & MSG_CMSG_CLOEXEC));
	if (!err)
		err = user_store64(&p->controllen, h->controllen);
	return err;
}

static ssize_t recv_msghdr(struct file *f, struct sock *s, uint64_t user,
			   uint32_t flags)
{
	struct sock_msg m = { .flags = flags };
	struct user_msghdr h;
	struct user_iov v;
	ssize_t n;
	int err;

	if (copy_from_user(&h, (const void *)user, sizeof(h)))
		return -EFAULT;
	if (h.name && h.namelen < 0)
		return -EINVAL;
	if (h.iovlen > IOV_MAX_COUNT)
		return -EMSGSIZE;
	n = user_iov_init(&v, h.iov, h.iovlen);
	if (n)
		return n;
	m.want_from = h.name;
	n = recv_uio(f, s, &v.uio, &m);
	user_iov_fini(&v);
	if (n >= 0) {
		err = put_results(user, &h, &m, s);
		if (err)
			n = err;
	}
	sk_files_drop(m.files);
	unix_addr_put(m.from);
	return n;
}

long sys_recvmsg(uint64_t fd, uint64_t msg, uint64_t flags)
{
	struct file *f;
	struct sock *s;
	ssize_t n = socket_get(fd, &f, &s);

	if (n)
		return n;
	n = recv_msghdr(f, s, msg, (uint32_t)flags);
	file_put(f);
	return n;
}

long sys_recvmmsg(uint64_t fd, uint64_t vec, uint64_t n, uint64_t flags,
		  uint64_t timeout)
{
	struct user_mmsghdr *h = (struct user_mmsghdr *)vec;
	uint32_t count = MIN((uint32_t)n, MMSG_MAX), done = 0;
	uint32_t fl = (uint32_t)flags;
	uint64_t deadline;
	struct file *f;
	struct sock *s;
	ssize_t ret = user_deadline_get(timeout, &deadline);

	if (!ret)
		ret = socket_get(fd, &f, &s);
	if (ret)
		return ret;
	while (done < count) {
		ret = recv_msghdr(f, s, (uint64_t)&h[done],
				  fl & ~(uint32_t)MSG_WAITFORONE);
		if (ret >= 0)
			ret = user_store32(&h[done].len, (uint32_t)ret);
		if (ret < 0)
			break;
		done++;
		if (fl & MSG_WAITFORONE)
			fl |= MSG_DONTWAIT;
		/* as documented: looked at only after each message */
		if (deadline != DEADLINE_NEVER && clock_mono_ns() >= deadline)
			break;
	}
	file_put(f);
	return done ? (long)done : ret;
}
