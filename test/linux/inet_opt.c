/* SPDX-License-Identifier: MIT */
/* Options of AF_INET and AF_INET6 sockets. */
#include "inet_help.h"

TEST(what_it_is)
{
	int t = tcp(AF_INET), u = udp(AF_INET6);

	num(get_int(t, SOL_SOCKET, SO_TYPE));
	num(get_int(t, SOL_SOCKET, SO_DOMAIN));
	num(get_int(t, SOL_SOCKET, SO_PROTOCOL));
	num(get_int(u, SOL_SOCKET, SO_TYPE));
	num(get_int(u, SOL_SOCKET, SO_DOMAIN));
	num(get_int(u, SOL_SOCKET, SO_PROTOCOL));
	num(get_int(t, SOL_SOCKET, SO_ACCEPTCONN));
}

static void keeps(int fd, int level, int opt, const char *name, int v)
{
	int before = get_int(fd, level, opt), err = 0;

	if (set_int(fd, level, opt, v))
		err = errno;
	say("%s: %d, set %d: %s, %d", name, before, v, err_name(err),
	    get_int(fd, level, opt));
}

#define KEEPS(fd, level, opt, v) keeps(fd, level, opt, #opt, v)

TEST(of_sockets)
{
	int t = tcp(AF_INET), u = udp(AF_INET);

	KEEPS(t, SOL_SOCKET, SO_KEEPALIVE, 1);
	KEEPS(t, SOL_SOCKET, SO_REUSEADDR, 7);
	KEEPS(t, SOL_SOCKET, SO_REUSEPORT, 1);
	KEEPS(t, SOL_SOCKET, SO_OOBINLINE, 1);
	KEEPS(u, SOL_SOCKET, SO_BROADCAST, 1);
	KEEPS(t, SOL_SOCKET, SO_DONTROUTE, 1);
	set_int(t, SOL_SOCKET, SO_RCVBUF, 10000);
	set_int(t, SOL_SOCKET, SO_SNDBUF, 10000);
	num(get_int(t, SOL_SOCKET, SO_RCVBUF));
	num(get_int(t, SOL_SOCKET, SO_SNDBUF));
}

TEST(of_tcp)
{
	int t = tcp(AF_INET);

	KEEPS(t, IPPROTO_TCP, TCP_NODELAY, 1);
	KEEPS(t, IPPROTO_TCP, TCP_NODELAY, 0);
	KEEPS(t, IPPROTO_TCP, TCP_CORK, 5);
	KEEPS(t, IPPROTO_TCP, TCP_KEEPIDLE, 60);
	KEEPS(t, IPPROTO_TCP, TCP_KEEPIDLE, 0);
	KEEPS(t, IPPROTO_TCP, TCP_KEEPIDLE, 32768);
	KEEPS(t, IPPROTO_TCP, TCP_KEEPINTVL, 10);
	KEEPS(t, IPPROTO_TCP, TCP_KEEPCNT, 3);
	KEEPS(t, IPPROTO_TCP, TCP_KEEPCNT, 128);
	KEEPS(t, IPPROTO_TCP, TCP_SYNCNT, 4);
	KEEPS(t, IPPROTO_TCP, TCP_USER_TIMEOUT, 30000);
	KEEPS(t, IPPROTO_TCP, TCP_USER_TIMEOUT, -1);
	num(get_int(t, IPPROTO_TCP, TCP_QUICKACK));
	show(set_int(t, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0));
	show(set_int(t, IPPROTO_TCP, TCP_FASTOPEN, 5));
	show(set_int(t, IPPROTO_TCP, 999, 0));
	show(get_int(t, IPPROTO_TCP, 999));
	show(setsockopt(t, IPPROTO_TCP, TCP_NODELAY, "x", 1));
	show(set_int(udp(AF_INET), IPPROTO_TCP, TCP_NODELAY, 1));
}

TEST(of_ipv4)
{
	int t = tcp(AF_INET), u = udp(AF_INET);
	unsigned char c = 8;
	socklen_t n = 1;

	KEEPS(u, IPPROTO_IP, IP_TTL, 10);
	KEEPS(u, IPPROTO_IP, IP_TTL, -1);
	KEEPS(u, IPPROTO_IP, IP_TTL, 0);
	KEEPS(u, IPPROTO_IP, IP_TTL, 256);
	KEEPS(u, IPPROTO_IP, IP_TOS, 0x10);
	KEEPS(u, IPPROTO_IP, IP_RECVERR, 1);
	KEEPS(u, IPPROTO_IP, IP_PKTINFO, 1);
	KEEPS(u, IPPROTO_IP, IP_RECVTTL, 1);
	KEEPS(u, IPPROTO_IP, IP_FREEBIND, 1);
	KEEPS(u, IPPROTO_IP, IP_MULTICAST_TTL, 5);
	KEEPS(u, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
	KEEPS(t, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	show(setsockopt(u, IPPROTO_IP, IP_TOS, &c, 1));
	c = 0;
	show(getsockopt(u, IPPROTO_IP, IP_TOS, &c, &n));
	num(c);
	num(n);
	show(set_int(u, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	show(get_int(u, IPPROTO_IPV6, IPV6_V6ONLY));
	show(get_int(u, IPPROTO_IP, IP_MTU));
}

TEST(of_ipv6)
{
	int u = udp(AF_INET6);

	KEEPS(u, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	KEEPS(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
	KEEPS(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1);
	KEEPS(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 256);
	KEEPS(u, IPPROTO_IPV6, IPV6_TCLASS, 4);
	KEEPS(u, IPPROTO_IPV6, IPV6_TCLASS, 256);
	KEEPS(u, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	KEEPS(u, IPPROTO_IPV6, IPV6_RECVERR, 1);
	KEEPS(u, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	KEEPS(u, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	KEEPS(u, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
	KEEPS(u, IPPROTO_IP, IP_TTL, 3);
	show(set_int(u, 12345, 1, 1));
}

TEST(tcp_info)
{
	struct tcp_info i;
	socklen_t n = sizeof(i);
	int s[2], l = listener(AF_INET, 7);

	memset(&i, 0xee, sizeof(i));
	show(getsockopt(l, IPPROTO_TCP, TCP_INFO, &i, &n));
	fact(n >= 100);
	num(i.tcpi_state);
	num(i.tcpi_sacked);
	tcp_pair(AF_INET, s);
	n = 8;
	show(getsockopt(s[0], IPPROTO_TCP, TCP_INFO, &i, &n));
	num(n);
	num(i.tcpi_state);
	must(shutdown(s[0], SHUT_WR));
	wait_for(s[1], POLLIN);
	sleep_ms(20);
	must(getsockopt(s[0], IPPROTO_TCP, TCP_INFO, &i, &n));
	num(i.tcpi_state);
	must(getsockopt(s[1], IPPROTO_TCP, TCP_INFO, &i, &n));
	num(i.tcpi_state);
}

TEST(accepted_sockets_inherit)
{
	int l = listener(AF_INET, 1), c = tcp(AF_INET), a;

	must(set_int(l, SOL_SOCKET, SO_KEEPALIVE, 1));
	must(set_int(l, IPPROTO_TCP, TCP_NODELAY, 1));
	must(set_int(l, IPPROTO_TCP, TCP_KEEPIDLE, 77));
	must(set_int(l, SOL_SOCKET, SO_REUSEADDR, 1));
	must(connect_to(c, own_name(l)));
	a = must(accept(l, NULL, NULL));
	num(get_int(a, SOL_SOCKET, SO_KEEPALIVE));
	num(get_int(a, IPPROTO_TCP, TCP_NODELAY));
	num(get_int(a, IPPROTO_TCP, TCP_KEEPIDLE));
	num(get_int(a, SOL_SOCKET, SO_REUSEADDR));
	num(get_int(a, SOL_SOCKET, SO_ACCEPTCONN));
	fact(get_int(a, IPPROTO_TCP, TCP_MAXSEG) > 536);
}

TEST(errors_without_connection)
{
	int a = udp(AF_INET), b = udp(AF_INET);
	struct name n;
	char buf[4];

	must(bind_to(b, loop(AF_INET, 0)));
	n = own_name(b);
	close(b);
	must(set_int(a, IPPROTO_IP, IP_RECVERR, 1));
	show(send_to(a, "x", n));
	wait_for(a, POLLIN);
	show(recv(a, buf, 4, MSG_DONTWAIT));
}

TEST(bad_memory)
{
	int t = tcp(AF_INET), v;
	socklen_t n = 4;

	show(setsockopt(t, IPPROTO_TCP, TCP_NODELAY, bad_pointer(), 4));
	show(getsockopt(t, IPPROTO_TCP, TCP_NODELAY, bad_pointer(), &n));
	show(getsockopt(t, IPPROTO_TCP, TCP_NODELAY, &n, bad_pointer()));
	n = -1;
	show(getsockopt(t, IPPROTO_TCP, TCP_NODELAY, &v, &n));
	show(bind(t, bad_pointer(), 16));
	show(connect(t, bad_pointer(), 16));
	show(getsockname(t, bad_pointer(), &n));
}
