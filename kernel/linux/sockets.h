/* SPDX-License-Identifier: MIT */
/* What the socket files of the personality share. */
#pragma once
#include "linux/process.h"
#include "net/unix.h"

#define SOCKADDR_MAX	128u

/* An address of a program, copied in. */
struct sockaddr_copy {
	uint8_t b[SOCKADDR_MAX + 1];	/* + NUL behind a path */
	uint32_t len;
};

/* file->private of a socket. */
struct socket_file {
	struct sock *sk;
	struct path node;	/* bound name; {NULL, NULL}: none */
};

struct sock *socket_of(const struct file *f);	/* NULL: not a socket */
/* Referenced file of a descriptor. 0, -EBADF, -ENOTSOCK. */
int socket_get(uint64_t fd, struct file **f, struct sock **s);
struct sock_cred socket_caller_cred(bool effective);
/* c with the numbers that the caller knows. */
struct sock_cred socket_show_cred(const struct sock_cred *c);

/* Returns 0, -EINVAL, -EFAULT. */
int sockaddr_get(uint64_t user, uint64_t len, struct sockaddr_copy *a);
/* Store an address; *user_len is a value and a result. */
int sockaddr_put(uint64_t user, uint64_t user_len, const uint8_t *sun,
		 uint32_t len);

/* --- socket_interface.c ---------------------------------------------------------*/
/* Questions about network interfaces (SIOCGIF*); -ENOTTY: not one of them. */
long socket_ioctl_interface(uint32_t cmd, uint64_t arg);

/* --- socket_path.c -------------------------------------------------------------*/
/* 0 or -EINVAL. */
int unix_addr_check(const struct sockaddr_copy *a);
/* The socket of this type with that name, referenced. 0, -ECONNREFUSED,
 * -EPROTOTYPE, -EACCES, -ENOENT... */
int unix_addr_find(struct sockaddr_copy *a, uint32_t type, struct sock **out);
int unix_addr_bind(struct socket_file *sf, struct sockaddr_copy *a);
/* The socket goes: its node no longer leads to it. */
void unix_node_detach(struct socket_file *sf);

/* --- socket_msg.c -----------------------------------------------------------------*/
ssize_t socket_read(struct file *f, struct uio *u, uint64_t *pos);
ssize_t socket_write(struct file *f, struct uio *u, uint64_t *pos);

/* --- socket_cmsg.c ----------------------------------------------------------------*/
/* struct msghdr of the program. */
struct user_msghdr {
	uint64_t name;
	int32_t namelen, pad1;
	uint64_t iov, iovlen;
	uint64_t control, controllen;
	uint32_t flags, pad2;
};

/* Control data of a send: m->files, m->cred. Returns 0 or -errno. */
int cmsg_read(const struct user_msghdr *h, struct sock_msg *m);
/* Write what a receive brought; takes m->files over. Sets h->controllen. */
void cmsg_write(struct user_msghdr *h, struct sock_msg *m,
		const struct sock *s);
