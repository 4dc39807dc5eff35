/* SPDX-License-Identifier: MIT */
/*
 * Sockets as files, and the calls that make, name and connect them. The
 * families: AF_UNIX (net/unix.h); others are -EAFNOSUPPORT, which programs
 * take as a host without a network.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/sockios.h>
#include <linux/stat.h>
#include <asm/ioctls.h>
#include <asm/socket.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/sockets.h"

#define TYPE_MASK	0xfu
#define TYPE_MAX	11u
#define FAMILY_MAX	46u
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
		n = (int32_t)s->wmem;
		break;
	default:
		return -ENOTTY;
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
	sf->sk = s;
	f = file_create_anon(&socket_ops, sf, O_RDWR | (flags & O_NONBLOCK),
			     S_IFSOCK | 0777, NULL);
	if (f && s->type != SOCK_STREAM)
		f->mode |= FMODE_QUIET;
	if (f)
		return f;
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
/* Check the arguments of socket and socketpair; *type is what is made. */
static int check_kind(uint64_t family, uint64_t type_flags, uint64_t protocol,
		      uint32_t *type)
{
	uint32_t t = (uint32_t)type_flags & TYPE_MASK;

	if ((uint32_t)type_flags & ~(TYPE_MASK | (uint32_t)SOCK_FLAGS))
		return -EINVAL;
	if ((uint32_t)family >= FAMILY_MAX)
		return -EAFNOSUPPORT;
	if (t >= TYPE_MAX)
		return -EINVAL;
	if ((uint32_t)family != AF_UNIX)
		return -EAFNOSUPPORT;
	if ((uint32_t)protocol && (uint32_t)protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	switch (t) {
	case SOCK_STREAM:
	case SOCK_DGRAM:
	case SOCK_SEQPACKET:
		*type = t;
		return 0;
	case SOCK_RAW:
		*type = SOCK_DGRAM;
		return 0;
	default:
		return -ESOCKTNOSUPPORT;
	}
}

static struct sock *make_sock(uint32_t type)
{
	struct sock *s = unix_create(type);

	if (s)
		s->own_cred = socket_caller_cred(true);
	return s;
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
	uint32_t type;
	int err = check_kind(family, type_flags, protocol, &type);

	if (err)
		return err;
	s = make_sock(type);
	if (!s)
		return -ENOMEM;
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
	uint32_t type;
	int err = check_kind(family, type_flags, protocol, &type);

	if (err)
		return err;
	s[0] = make_sock(type);
	s[1] = s[0] ? make_sock(type) : NULL;
	if (!s[1]) {
		sock_put(s[0]);
		return -ENOMEM;
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
		err = unix_addr_bind(f->private, &a);
	file_put(f);
	return err;
}

long sys_listen(uint64_t fd, uint64_t backlog)
{
	struct sock_cred c = socket_caller_cred(true);
	struct file *f;
	struct sock *s;
	int err = socket_get(fd, &f, &s);

	if (err)
		return err;
	err = unix_listen(s, (int)backlog, &c);
	file_put(f);
	return err;
}

static int connect_to(struct sock *s, struct sockaddr_copy *a, bool nonblock)
{
	struct sock *to;
	int err;

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
	uint32_t len = unix_name(s, sun);

	return sockaddr_put(addr, addr_len, sun, len);
}

static int put_peer_name(struct sock *s, uint64_t addr, uint64_t addr_len)
{
	struct sock *peer = unix_peer_get(s);
	int err = peer ? put_name(peer, addr, addr_len) : -ENOTCONN;

	sock_put(peer);
	return err;
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
	err = unix_accept(s, f->flags & O_NONBLOCK, &n);
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

long sys_shutdown(uint64_t fd, uint64_t how)
{
	struct file *f;
	struct sock *s;
	int err = socket_get(fd, &f, &s);

	if (err)
		return err;
	err = unix_shutdown(s, (int)how);
	file_put(f);
	return err;
}
