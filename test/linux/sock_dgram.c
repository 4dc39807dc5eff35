/* SPDX-License-Identifier: MIT */
/*
 * AF_UNIX datagram sockets with names.
 */
#include "harness.h"

#include <sys/socket.h>
#include <sys/un.h>

/* Fill in a name; a leading '@' makes it abstract. */
static socklen_t name_to(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path, name);
	if (name[0] != '@')
		return sizeof(*a);
	a->sun_path[0] = 0;
	return offsetof(struct sockaddr_un, sun_path) + strlen(name);
}

static int bind_to(int fd, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = name_to(&a, name);

	return bind(fd, (struct sockaddr *)&a, n);
}

static int connect_to(int fd, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = name_to(&a, name);

	return connect(fd, (struct sockaddr *)&a, n);
}

static int make(int type)
{
	return must(socket(AF_UNIX, type, 0));
}

TEST(dgram_to_name)
{
	struct sockaddr_un a;
	socklen_t n;
	char buf[8];
	int r = make(SOCK_DGRAM), s = make(SOCK_DGRAM);

	must(bind_to(r, "r"));
	n = name_to(&a, "r");
	show(sendto(s, "one", 3, 0, (struct sockaddr *)&a, n));
	n = sizeof(a);
	show(recvfrom(r, buf, 8, 0, (struct sockaddr *)&a, &n));
	num(n);
	must(bind_to(s, "s"));
	show(connect_to(s, "r"));
	show(send(s, "two", 3, 0));
	n = sizeof(a);
	show(recvfrom(r, buf, 8, 0, (struct sockaddr *)&a, &n));
	say("%s", a.sun_path);
	show(send(r, "x", 1, 0));
	n = name_to(&a, "nothing");
	show(sendto(r, "x", 1, 0, (struct sockaddr *)&a, n));
	close(s);
	n = name_to(&a, "s");
	show(sendto(r, "x", 1, 0, (struct sockaddr *)&a, n));
}

TEST(dgram_peer_only)
{
	int a = make(SOCK_DGRAM), b = make(SOCK_DGRAM), c = make(SOCK_DGRAM);

	must(bind_to(a, "a"));
	must(bind_to(b, "b"));
	must(connect_to(a, "b"));
	show(connect_to(c, "a"));
	show(send(b, "x", 1, 0));
	show(connect_to(b, "a"));
	show(send(b, "x", 1, 0));
}

/* Refused each time, and the other socket goes on. */
TEST(dgram_to_stream_name)
{
	struct sockaddr_un a;
	socklen_t n = name_to(&a, "stream");
	int l = make(SOCK_STREAM), s = make(SOCK_DGRAM), c, t;
	char buf[8];

	must(bind_to(l, "stream"));
	must(listen(l, 4));
	show(sendto(s, "x", 1, 0, (struct sockaddr *)&a, n));
	for (int i = 0; i < 20; i++)
		sendto(s, "x", 1, 0, (struct sockaddr *)&a, n);
	c = make(SOCK_STREAM);
	show(connect_to(c, "stream"));
	t = must(accept(l, NULL, NULL));
	show(send(c, "one", 3, 0));
	show(recv(t, buf, 8, 0));
}
