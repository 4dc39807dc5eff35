/* SPDX-License-Identifier: MIT */
/* What the families about AF_INET and AF_INET6 share: names, pairs, polls. */
#pragma once
#include "harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct name {
	struct sockaddr_storage a;
	socklen_t len;
};

static inline struct name name4(const char *text, int port)
{
	struct name n = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *a = (struct sockaddr_in *)&n.a;

	a->sin_family = AF_INET;
	a->sin_port = htons(port);
	must(inet_pton(AF_INET, text, &a->sin_addr) == 1 ? 0 : -1);
	return n;
}

static inline struct name name6(const char *text, int port)
{
	struct name n = { .len = sizeof(struct sockaddr_in6) };
	struct sockaddr_in6 *a = (struct sockaddr_in6 *)&n.a;

	a->sin6_family = AF_INET6;
	a->sin6_port = htons(port);
	must(inet_pton(AF_INET6, text, &a->sin6_addr) == 1 ? 0 : -1);
	return n;
}

static inline struct name loop(int family, int port)
{
	return family == AF_INET ? name4("127.0.0.1", port) :
				   name6("::1", port);
}

static inline int bind_to(int fd, struct name n)
{
	return bind(fd, (struct sockaddr *)&n.a, n.len);
}

static inline int connect_to(int fd, struct name n)
{
	return connect(fd, (struct sockaddr *)&n.a, n.len);
}

static inline ssize_t send_to(int fd, const char *text, struct name n)
{
	return sendto(fd, text, strlen(text), 0, (struct sockaddr *)&n.a,
		      n.len);
}

static inline struct name own_name(int fd)
{
	struct name n = { .len = sizeof(n.a) };

	must(getsockname(fd, (struct sockaddr *)&n.a, &n.len));
	return n;
}

static inline int port_of(int fd)
{
	struct name n = own_name(fd);

	return ntohs(((struct sockaddr_in *)&n.a)->sin_port);
}

/* The address without its port. */
static inline const char *text_of(const struct name *n)
{
	static char text[4][64];
	static int slot;
	char *t = text[slot = (slot + 1) % 4];

	if (n->a.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)&n->a)->sin_addr, t,
			  64);
	else
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&n->a)->sin6_addr,
			  t, 64);
	return t;
}

static inline int tcp(int family)
{
	return must(socket(family, SOCK_STREAM, 0));
}

static inline int udp(int family)
{
	return must(socket(family, SOCK_DGRAM, 0));
}

static inline int listener(int family, int backlog)
{
	int fd = tcp(family);

	must(bind_to(fd, loop(family, 0)));
	must(listen(fd, backlog));
	return fd;
}

/* s[0] connected, s[1] was accepted. */
static inline void tcp_pair(int family, int s[2])
{
	int l = listener(family, 5);

	s[0] = tcp(family);
	must(connect_to(s[0], own_name(l)));
	s[1] = must(accept(l, NULL, NULL));
	close(l);
}

/* Two sockets of UDP, the first one connected to the second. */
static inline void udp_pair(int family, int s[2])
{
	s[0] = udp(family);
	s[1] = udp(family);
	must(bind_to(s[1], loop(family, 0)));
	must(connect_to(s[0], own_name(s[1])));
}

static inline int poll_now(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = events };

	must(poll(&p, 1, 0));
	return p.revents;
}

/* Wait for one of these events, five seconds at most. */
static inline int wait_for(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = events };

	must(poll(&p, 1, 5000));
	return p.revents;
}

static inline int get_int(int fd, int level, int opt)
{
	int v = 0;
	socklen_t n = sizeof(v);

	return getsockopt(fd, level, opt, &v, &n) ? -1 : v;
}

static inline int set_int(int fd, int level, int opt, int v)
{
	return setsockopt(fd, level, opt, &v, sizeof(v));
}

#define EVERY_EVENT (POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | \
		     POLLWRNORM)
