/* SPDX-License-Identifier: MIT */
/*
 * Sockets as files, and the calls that make, name and connect them. The
 * families: AF_UNIX (net/unix.h), whose names are files or in a table; and
 * those of the table below, which bring struct sock_names. Others are
 * -EAFNOSUPPORT, which programs take as a host without a network.
 */
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/sockios.h>
#include <linux/stat.h>
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <asm/socket.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/pid_ns.h"
#include "linux/sockets.h"
#include "net/inet.h"
#include "net/netlink.h"
#include "net/packet.h"
#include "net/vsock.h"
#include "linux/net_ns.h"

#define TYPE_MASK	0xfu
#define TYPE_MAX	11u
#define FAMILY_MAX	46u
#define PORTS_PRIVILEGED	1024u	/* below that: CAP_NET_BIND_SERVICE */
#define SOCK_FLAGS	((uint64_t)(O_CLOEXEC | O_NONBLOCK))

static const struct file_ops socket_ops;

/* --- files ---------------------------------------------------------------------*/
struct sock *socket_of(const struct file *f)
{
	return f->ops == &socket_ops ?
	       ((struct socket_file *)f->private)->sk : NULL;
}

int socket_get(uint64_t fd, struct file **f, struct sock **s)
{
	*f = fd_get((int)fd);
	if (!*f)
		return -EBADF;
	*s = socket_of(*f);
	if (*s)
		return 0;
	file_put(*f);
	return -ENOTSOCK;
}

struct sock_cred socket_caller_cred(bool effective)
{
	const struct thread *t = current_thread();

	return (struct sock_cred){
		.pid = (int32_t)t->process->pid,
		.uid = effective ? t->cred->euid : t->cred->uid,
		.gid = effective ? t->cred->egid : t->cred->gid,
	};
}

struct sock_cred socket_show_cred(const struct sock_cred *c)
{
	const struct user_ns *u = current_thread()->cred->user_ns;

	return (struct sock_cred){
		.pid = (int32_t)pid_to_user((uint32_t)c->pid),
		.uid = id_show(u, ID_USER, c->uid),
		.gid = id_show(u, ID_GROUP, c->gid),
	};
}

static uint32_t socket_poll(struct file *f, struct poll_table *pt)
{
	struct sock *s = socket_of(f);

	poll_add(pt, &s->wait);
	return s->ops->poll(s);
}

static long socket_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct sock *s = socket_of(f);
	int32_t n;

	switch (cmd) {
	case FIONREAD:
		if (s->state == SOCK_LISTENING)
			return -EINVAL;
		n = (int32_t)unix_readable_bytes(s);
		break;
	case SIOCOUTQ:
		n = (int32_t)(inet_is(s) ? inet_unsent_bytes(s) : s->wmem);
		break;
	case SIOCATMARK:
		if (!inet_is(s) || s->type != SOCK_STREAM)
			return -ENOTTY;
		n = inet_is_at_mark(s);
		break;
	default:
		return socket_ioctl_interface(cmd, arg);
	}
	return copy_to_user((void *)arg, &n, sizeof(n));
}

static void socket_release(struct file *f)
{
	struct socket_file *sf = f->private;

	unix_node_detach(sf);
	sf->sk->ops->release(sf->sk);
	kfree(sf);
}

static const struct file_ops socket_ops = {
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.release = socket_release,
};

static void *passed_get(void *f)
{
	return file_get(f);
}

static void passed_put(void *f)
{
	file_put(f);
}

static void urgent_came(int32_t owner)
{
	struct process *p;

	mutex_lock(&process_lock);
	p = owner > 0 ? process_find((uint32_t)owner) : NULL;
	if (p)
		signal_send_process(p, SIGURG, NULL);
	else if (owner < 0)
		signal_send_pgrp_locked((uint32_t)-owner, SIGURG, NULL);
	mutex_unlock(&process_lock);
}

/* Takes over the socket, also on failure. NULL: no memory. */
static struct file *socket_file_create(struct sock *s, uint64_t flags)
{
	struct socket_file *sf = kzalloc(sizeof(*sf));
	struct file *f;

	if (!sf)
		goto out_release;
	/* before anything can be sent; the same values each time */
	__atomic_store_n(&sock_upcalls.file_get, passed_get, __ATOMIC_RELEASE);
	__atomic_store_n(&sock_upcalls.file_put, passed_put, __ATOMIC_RELEASE);
	__atomic_store_n(&sock_upcalls.urgent, urgent_came, __ATOMIC_RELEASE);
	__atomic_store_n(&sock_upcalls.may_admin, net_ns_may_admin,
			 __ATOMIC_RELEASE);
	sf->sk = s;
	f = file_create_anon(&socket_ops, sf, O_RDWR | (flags & O_NONBLOCK),
			     S_IFSOCK | 0777, NULL);
	if (f && s->type != SOCK_STREAM)
		f->mode |= FMODE_QUIET;
	if (f) {
		s->id = f->inode->ino;
		return f;
	}
	kfree(sf);
out_release:
	s->ops->release(s);
	return NULL;
}

/* --- addresses -------------------------------------------------------------------*/
int sockaddr_get(uint64_t user, uint64_t len, struct sockaddr_copy *a)
{
	if ((int32_t)len < 0 || (uint32_t)len > SOCKADDR_MAX)
		return -EINVAL;
	memset(a, 0, sizeof(*a));
	a->len = (uint32_t)len;
	return copy_from_user(a->b, (const void *)user, a->len);
}

int sockaddr_put(uint64_t user, uint64_t user_len, const uint8_t *sun,
		 uint32_t len)
{
	int32_t room;

	if (copy_from_user(&room, (const void *)user_len, sizeof(room)))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (copy_to_user((void *)user, sun, MIN((uint32_t)room, len)))
		return -EFAULT;
	return copy_to_user((void *)user_len, &len, sizeof(len));
}

/* --- making -----------------------------------------------------------------------*/
static const struct {
	uint32_t family;
	int cap;		/* who may; -1: everybody */
	int (*create)(uint32_t type, uint32_t protocol, struct sock **out);
} families[] = {
	{ AF_INET, -1, inet_create },
	{ AF_INET6, -1, inet6_create },
	{ AF_NETLINK, -1, netlink_create },
	{ AF_PACKET, CAP_NET_RAW, packet_create },
	{ AF_VSOCK, -1, vsock_create },
};

static int make_unix(uint32_t type, uint32_t protocol, struct sock **out)
{
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type == SOCK_RAW)
		type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM &&
	    type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	*out = unix_create(type);
	if (!*out)
		return -ENOMEM;
	(*out)->own_cred = socket_caller_cred(true);
	(*out)->space = net_space_get(net_ns_space());
	return 0;
}

/* What socket and socketpair make of their arguments. */
static int make_sock(uint32_t family, uint32_t type_flags, uint32_t protocol,
		     struct sock **out)
{
	uint32_t type = type_flags & TYPE_MASK;
	int err;

	if (type_flags & ~(TYPE_MASK | (uint32_t)SOCK_FLAGS))
		return -EINVAL;
	if (family >= FAMILY_MAX)
		return -EAFNOSUPPORT;
	if (type >= TYPE_MAX)
		return -EINVAL;
	if (family == AF_UNIX)
		return make_unix(type, protocol, out);
	for (uint32_t i = 0; i < ARRAY_LEN(families); i++) {
		if (families[i].family != family)
			continue;
		if (families[i].cap >= 0 &&
		    !net_ns_has_cap(families[i].cap))
			return -EPERM;
		/* interfaces are in the first one only */
		if (family == AF_PACKET && net_ns_space())
			return -EAFNOSUPPORT;
		if (families[i].cap < 0 && type == SOCK_RAW && protocol &&
		    family != AF_NETLINK && !net_ns_has_cap(CAP_NET_RAW))
			return -EPERM;
		err = families[i].create(type, protocol, out);
		if (err)
			return err;
		(*out)->own_cred = socket_caller_cred(true);
		(*out)->space = net_space_get(net_ns_space());
		if (inet_is(*out))
			inet_start(*out);
		return 0;
	}
	return -EAFNOSUPPORT;
}

/* Takes over the file. Returns the descriptor or -errno. */
static long install(struct file *f, uint64_t flags)
{
	int fd;

	if (!f)
		return -ENOMEM;
	fd = fd_install(f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_socket(uint64_t family, uint64_t type_flags, uint64_t protocol)
{
	struct sock *s;
	int err = make_sock((uint32_t)family, (uint32_t)type_flags,
			    (uint32_t)protocol, &s);

	if (err)
		return err;
	return install(socket_file_create(s, type_flags), type_flags);
}

static int install_two(struct file *f[2], uint64_t flags, uint64_t user)
{
	int fd[2], err;

	fd[0] = fd_reserve(0, flags & O_CLOEXEC);
	if (fd[0] < 0)
		return fd[0];
	fd[1] = fd_reserve(0, flags & O_CLOEXEC);
	err = fd[1] < 0 ? fd[1] :
	      copy_to_user((void *)user, fd, sizeof(fd));
	if (err) {
		fd_unreserve(fd[0]);
		if (fd[1] >= 0)
			fd_unreserve(fd[1]);
		return err;
	}
	fd_fill(fd[0], f[0]);
	fd_fill(fd[1], f[1]);
	return 0;
}

long sys_socketpair(uint64_t family, uint64_t type_flags, uint64_t protocol,
		    uint64_t user)
{
	struct sock *s[2];
	struct file *f[2];
	int err;

	for (uint32_t i = 0; i < 2; i++) {
		err = make_sock((uint32_t)family, (uint32_t)type_flags,
				(uint32_t)protocol, &s[i]);
		if (!err && s[i]->ops->names) {
			s[i]->ops->release(s[i]);
			err = -EOPNOTSUPP;
		}
		if (err && i)
			s[0]->ops->release(s[0]);
		if (err)
			return err;
	}
	unix_pair(s[0], s[1]);
	f[0] = socket_file_create(s[0], type_flags);
	f[1] = socket_file_create(s[1], type_flags);
	err = f[0] && f[1] ? install_two(f, type_flags, user) : -ENOMEM;
	if (err) {
		file_put(f[0]);
		file_put(f[1]);
	}
	return err;
}

/* --- naming and connecting ----------------------------------------------------------*/
static int bind_to(struct socket_file *sf, struct sockaddr_copy *a)
{
	const struct sock_names *names = sf->sk->ops->names;

	uint16_t port;

	if (!names)
		return unix_addr_bind(sf, a);
	port = inet_is(sf->sk) ? inet_port_of(a->b, a->len) : 0;
	if (port && port < PORTS_PRIVILEGED &&
	    !net_ns_has_cap(CAP_NET_BIND_SERVICE))
		return -EACCES;
	return names->bind ? names->bind(sf->sk, a->b, a->len) : -EOPNOTSUPP;
}

long sys_bind(uint64_t fd, uint64_t addr, uint64_t len)
{
	struct sockaddr_copy a;
	struct file *f;
	struct sock *s;
	int err = socket_get(fd, &f, &s);

	if (err)
		return err;
	err = sockaddr_get(addr, len, &a);
	if (!err)
		err = bind_to(f->private, &a);
	file_put(f);
	return err;
}

static int listen_on(struct sock *s, int backlog)
{
	const struct sock_names *names = s->ops->names;
	struct sock_cred c;

	if (names)
		return names->listen ? names->listen(s, backlog) :
				       -EOPNOTSUPP;
	c = socket_caller_cred(true);
	return unix_listen(s, backlog, &c);
}

long sys_listen(uint64_t fd, uint64_t backlog)
{
	struct file *f;
	struct sock *s;
	int err = socket_get(fd, &f, &s);

	if (err)
		return err;
	err = listen_on(s, (int)backlog);
	file_put(f);
	return err;
}

static int connect_to(struct sock *s, struct sockaddr_copy *a, bool nonblock)
{
	const struct sock_names *names = s->ops->names;
	struct sock *to;
	int err;

	if (names)
		return names->connect ? names->connect(s, a->b, a->len,
						       nonblock) : -EOPNOTSUPP;
	if (s->type == SOCK_DGRAM && a->len >= 2 && !a->b[0] && !a->b[1])
		return s->ops->connect(s, NULL, nonblock);
	err = unix_addr_check(a);
	if (!err && s->flags & 1u << SO_PASSCRED)
		err = unix_autobind(s);
	if (!err)
		err = unix_addr_find(a, s->type, &to);
	if (err)
		return err;
	s->own_cred = socket_caller_cred(true);
	err = s->ops->connect(s, to, nonblock);
	sock_put(to);
	return err;
}

long sys_connect(uint64_t fd, uint64_t addr, uint64_t len)
{
	struct sockaddr_copy a;
	struct file *f;
	struct sock *s;
	int err = socket_get(fd, &f, &s);

	if (err)
		return err;
	err = sockaddr_get(addr, len, &a);
	if (!err)
		err = connect_to(s, &a, f->flags & O_NONBLOCK);
	file_put(f);
	return err;
}

/* Put the peer's name where accept and getpeername want it. */
static int put_name(struct sock *s, uint64_t addr, uint64_t addr_len)
{
	uint8_t sun[SOCK_NAME_MAX];
	int len;

	if (s->ops->names)
		len = s->ops->names->name(s, false, sun);
	else
		len = (int)unix_name(s, sun);
	return len < 0 ? len : sockaddr_put(addr, addr_len, sun,
					    (uint32_t)len);
}

static int put_peer_name(struct sock *s, uint64_t addr, uint64_t addr_len)
{
	uint8_t name[SOCK_NAME_MAX];
	struct sock *peer;
	int err;

	if (s->ops->names) {
		err = s->ops->names->name(s, true, name);
		return err < 0 ? err : sockaddr_put(addr, addr_len, name,
						    (uint32_t)err);
	}
	peer = unix_peer_get(s);
	err = peer ? put_name(peer, addr, addr_len) : -ENOTCONN;
	sock_put(peer);
	return err;
}

static int accept_from(struct sock *s, bool nonblock, struct sock **out)
{
	const struct sock_names *names = s->ops->names;

	if (!names)
		return unix_accept(s, nonblock, out);
	return names->accept ? names->accept(s, nonblock, out) : -EOPNOTSUPP;
}

long sys_accept4(uint64_t fd, uint64_t addr, uint64_t addr_len, uint64_t flags)
{
	struct sock *s, *n;
	struct file *f, *nf;
	int err, new_fd;

	if (flags & ~SOCK_FLAGS)
		return -EINVAL;
	err = socket_get(fd, &f, &s);
	if (err)
		return err;
	new_fd = fd_reserve(0, flags & O_CLOEXEC);
	if (new_fd < 0) {
		file_put(f);
		return new_fd;
	}
	err = accept_from(s, f->flags & O_NONBLOCK, &n);
	file_put(f);
	if (err)
		goto out_unreserve;
	nf = socket_file_create(n, flags);
	err = nf ? 0 : -ENOMEM;
	if (!err && addr) {
		err = put_peer_name(n, addr, addr_len);
		if (err == -ENOTCONN)
			err = -ECONNABORTED;
		if (err)
			file_put(nf);
	}
	if (err)
		goto out_unreserve;
	fd_fill(new_fd, nf);
	return new_fd;
out_unreserve:
	fd_unreserve(new_fd);
	return err;
}

long sys_accept(uint64_t fd, uint64_t addr, uint64_t addr_len)
{
	return sys_accept4(fd, addr, addr_len, 0);
}

long sys_getsockname(uint64_t fd, uint64_t addr, uint64_t addr_len)
{
	struct file *f;
	struct sock *s;
	int err = socket_get(fd, &f, &s);

	if (err)
		return err;
	err = put_name(s, addr, addr_len);
	file_put(f);
	return err;
}

long sys_getpeername(uint64_t fd, uint64_t addr, uint64_t addr_len)
{
	struct file *f;
	struct sock *s;
	int err = socket_get(fd, &f, &s);

	if (err)
		return err;
	err = put_peer_name(s, addr, addr_len);
	file_put(f);
	return err;
}

static int shut_down(struct sock *s, int how)
{
	const struct sock_names *names = s->ops->names;

	if (!names)
		return unix_shutdown(s, how);
	return names->shutdown ? names->shutdown(s, how) : -EOPNOTSUPP;
}

long sys_shutdown(uint64_t fd, uint64_t how)
{
	struct file *f;
	struct sock *s;
	int err = socket_get(fd, &f, &s);

	if (err)
		return err;
	err = shut_down(s, (int)how);
	file_put(f);
	return err;
}
