/* SPDX-License-Identifier: MIT */
/* TCP over the loopback: names, ports, connecting, listening, accepting. */
#include "inet_help.h"

static void talk(int family)
{
	int l = listener(family, 5), c = tcp(family), a;
	struct name own = own_name(l), from = { .len = sizeof(from.a) };
	char buf[16] = "";

	say("%s", text_of(&own));
	show(connect_to(c, own));
	a = must(accept(l, (struct sockaddr *)&from.a, &from.len));
	say("from %s, %d bytes", text_of(&from), (int)from.len);
	fact(ntohs(((struct sockaddr_in *)&from.a)->sin_port) == port_of(c));
	show(write(c, "hello", 5));
	show(read(a, buf, 16));
	say("%s", buf);
	show(write(a, "good day", 8));
	show(read(c, buf, 4));
	show(read(c, buf, 16));
	close(c);
	show(read(a, buf, 16));
}

TEST(talk4)
{
	talk(AF_INET);
}

TEST(talk6)
{
	talk(AF_INET6);
}

TEST(names)
{
	int s[2];
	struct name n, m = { .len = sizeof(m.a) };

	tcp_pair(AF_INET, s);
	n = own_name(s[0]);
	num(n.len);
	must(getpeername(s[1], (struct sockaddr *)&m.a, &m.len));
	fact(!memcmp(&n.a, &m.a, n.len));
	m.len = 4;
	show(getpeername(s[1], (struct sockaddr *)&m.a, &m.len));
	num(m.len);
	close(s[0]);
	show(getpeername(s[1], (struct sockaddr *)&m.a, &m.len));
	close(s[1]);
	s[0] = tcp(AF_INET6);
	n = own_name(s[0]);
	say("%s", text_of(&n));
	num(n.len);
	show(getpeername(s[0], (struct sockaddr *)&m.a, &m.len));
}

TEST(making)
{
	show_ok(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
	show_ok(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
	show(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	show(socket(AF_INET6, SOCK_DGRAM, IPPROTO_TCP));
	show(socket(AF_INET, SOCK_SEQPACKET, 0));
	show(socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){ 0, 0 }));
	show_ok(socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       0));
}

TEST(bind_errors)
{
	int a = tcp(AF_INET), b = tcp(AF_INET6);
	struct name n = name4("127.0.0.1", 0);

	show(bind_to(a, name4("192.0.2.1", 0)));
	show(bind_to(b, name6("2001:db8::1", 0)));
	show(bind_to(a, name6("::1", 0)));
	show(bind_to(b, n));
	show(bind(a, (struct sockaddr *)&n.a, 8));
	n.a.ss_family = AF_UNIX;
	show(bind_to(a, n));
	n = name4("0.0.0.0", 0);
	n.a.ss_family = AF_UNSPEC;
	show(bind_to(a, n));
	show(bind_to(a, n));
	show(bind_to(b, name6("::ffff:127.0.0.1", 0)));
	n = own_name(b);
	say("%s", text_of(&n));
}

TEST(ports_are_exclusive)
{
	int a = tcp(AF_INET), b = tcp(AF_INET), c = tcp(AF_INET),
	    d = tcp(AF_INET6), u = udp(AF_INET);

	must(bind_to(a, name4("127.0.0.1", 0)));
	fact(port_of(a) >= 1024);
	show(bind_to(b, name4("127.0.0.1", port_of(a))));
	show(bind_to(b, name4("0.0.0.0", port_of(a))));
	show(bind_to(c, name4("127.0.0.2", port_of(a))));
	show(bind_to(d, name6("::", port_of(a))));
	show(bind_to(u, name4("127.0.0.1", port_of(a))));
	show(bind_to(d, name6("::1", port_of(a))));
}

TEST(reuse_address)
{
	int a = tcp(AF_INET), b = tcp(AF_INET), c = tcp(AF_INET);

	must(set_int(a, SOL_SOCKET, SO_REUSEADDR, 1));
	must(set_int(b, SOL_SOCKET, SO_REUSEADDR, 1));
	must(bind_to(a, name4("127.0.0.1", 0)));
	show(bind_to(c, own_name(a)));
	show(bind_to(b, own_name(a)));
	show(listen(a, 1));
	show(listen(b, 1));
	must(set_int(c, SOL_SOCKET, SO_REUSEADDR, 1));
	show(bind_to(c, own_name(a)));
}

TEST(reuse_address_of_connections)
{
	int l = tcp(AF_INET), c = tcp(AF_INET), m = tcp(AF_INET);
	struct name n;

	must(set_int(l, SOL_SOCKET, SO_REUSEADDR, 1));
	must(bind_to(l, name4("127.0.0.1", 0)));
	must(listen(l, 1));
	n = own_name(l);
	must(connect_to(c, n));
	must(accept(l, NULL, NULL));
	close(l);
	show(bind_to(m, n));
	must(set_int(m, SOL_SOCKET, SO_REUSEADDR, 1));
	show(bind_to(m, n));
	show(listen(m, 1));
}

TEST(reuse_port)
{
	int a = tcp(AF_INET), b = tcp(AF_INET), c = tcp(AF_INET), n = 0;

	must(set_int(a, SOL_SOCKET, SO_REUSEPORT, 1));
	must(set_int(b, SOL_SOCKET, SO_REUSEPORT, 1));
	must(bind_to(a, name4("127.0.0.1", 0)));
	show(bind_to(c, own_name(a)));
	show(bind_to(b, own_name(a)));
	show(listen(a, 64));
	show(listen(b, 64));
	for (int i = 0; i < 64; i++)
		must(connect_to(tcp(AF_INET), own_name(a)));
	must(fcntl(a, F_SETFL, O_NONBLOCK));
	must(fcntl(b, F_SETFL, O_NONBLOCK));
	while (accept(a, NULL, NULL) >= 0)
		n++;
	fact(n > 0 && n < 64);
	while (accept(b, NULL, NULL) >= 0)
		n++;
	num(n);
}

TEST(privileged_port)
{
	int s = tcp(AF_INET);

	if (geteuid() == 0)
		must(setuid(65534));
	show(bind_to(s, name4("127.0.0.1", 1)));
}

TEST(both_families)
{
	int l = tcp(AF_INET6), c = tcp(AF_INET), a;
	struct name n = { .len = sizeof(n.a) };

	must(bind_to(l, name6("::", 0)));
	must(listen(l, 5));
	show(connect_to(c, name4("127.0.0.1", port_of(l))));
	a = must(accept(l, (struct sockaddr *)&n.a, &n.len));
	say("%s", text_of(&n));
	n = own_name(a);
	say("%s", text_of(&n));
	num(get_int(a, SOL_SOCKET, SO_DOMAIN));
	a = tcp(AF_INET6);
	show(connect_to(a, name6("::ffff:127.0.0.1", port_of(l))));
	n = own_name(a);
	say("%s", text_of(&n));
	show(connect_to(tcp(AF_INET6), name6("::", port_of(l))));
}

TEST(v6only)
{
	int l = tcp(AF_INET6), m = tcp(AF_INET), c = tcp(AF_INET6);

	must(set_int(l, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	show(bind_to(l, name6("::ffff:127.0.0.1", 0)));
	must(bind_to(l, name6("::", 0)));
	must(listen(l, 5));
	show(connect_to(tcp(AF_INET), name4("127.0.0.1", port_of(l))));
	show(bind_to(m, name4("0.0.0.0", port_of(l))));
	show(set_int(l, IPPROTO_IPV6, IPV6_V6ONLY, 0));
	must(set_int(c, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	show(connect_to(c, name6("::ffff:127.0.0.1", port_of(l))));
	show(connect_to(c, name6("::1", port_of(l))));
}

TEST(any_is_the_loopback)
{
	int l = listener(AF_INET, 1), c = tcp(AF_INET);
	struct name n = { .len = sizeof(n.a) };

	show(connect_to(c, name4("0.0.0.0", port_of(l))));
	must(getpeername(c, (struct sockaddr *)&n.a, &n.len));
	say("%s", text_of(&n));
}

TEST(other_loopback_addresses)
{
	int l = tcp(AF_INET), c = tcp(AF_INET);
	struct name n;

	must(bind_to(l, name4("127.1.2.3", 0)));
	must(listen(l, 1));
	show(connect_to(tcp(AF_INET), name4("127.0.0.1", port_of(l))));
	show(connect_to(c, own_name(l)));
	n = own_name(c);
	say("%s", text_of(&n));
}

TEST(refused)
{
	int l = listener(AF_INET, 1), c = tcp(AF_INET), other;
	struct name n = own_name(l);
	char b;

	close(l);
	show(connect_to(c, n));
	num(get_int(c, SOL_SOCKET, SO_ERROR));
	num(poll_now(c, EVERY_EVENT));
	show(read(c, &b, 1));
	other = listener(AF_INET, 1);
	show(connect_to(c, own_name(other)));
}

TEST(refused_without_waiting)
{
	int l = listener(AF_INET, 1), c = tcp(AF_INET);
	struct name n = own_name(l);

	close(l);
	must(fcntl(c, F_SETFL, O_NONBLOCK));
	show(connect_to(c, n));
	wait_for(c, POLLOUT);
	num(poll_now(c, EVERY_EVENT));
	show(connect_to(c, n));
	show(connect_to(c, n));
	wait_for(c, POLLOUT);
	num(get_int(c, SOL_SOCKET, SO_ERROR));
	num(get_int(c, SOL_SOCKET, SO_ERROR));
	num(poll_now(c, EVERY_EVENT));
	show(connect_to(c, n));
}

TEST(connect_without_waiting)
{
	int l = listener(AF_INET, 1), c = tcp(AF_INET);

	must(fcntl(c, F_SETFL, O_NONBLOCK));
	show(connect_to(c, own_name(l)));
	num(wait_for(c, POLLOUT));
	num(get_int(c, SOL_SOCKET, SO_ERROR));
	show(connect_to(c, own_name(l)));
	show(connect_to(c, own_name(l)));
	show(write(c, "x", 1));
}

TEST(connect_twice)
{
	int l = listener(AF_INET, 1), c = tcp(AF_INET);

	must(connect_to(c, own_name(l)));
	show(connect_to(c, own_name(l)));
	show(listen(c, 1));
	show(connect_to(l, own_name(l)));
	show(bind_to(c, loop(AF_INET, 0)));
	show(accept(c, NULL, NULL));
}

TEST(disconnect)
{
	int l = listener(AF_INET, 2), c = tcp(AF_INET), a;
	struct name none = { .len = sizeof(struct sockaddr_in) };
	struct name n = { .len = sizeof(n.a) };
	char b;

	must(connect_to(c, own_name(l)));
	a = must(accept(l, NULL, NULL));
	show(connect_to(c, none));
	show(getpeername(c, (struct sockaddr *)&n.a, &n.len));
	wait_for(a, POLLIN);
	show(read(a, &b, 1));
	show(read(c, &b, 1));
	show(connect_to(c, own_name(l)));
	a = must(accept(l, NULL, NULL));
	show(write(c, "x", 1));
	show(read(a, &b, 1));
}

TEST(listen_without_name)
{
	int l = tcp(AF_INET), c = tcp(AF_INET);
	struct name n;

	num(poll_now(l, EVERY_EVENT));
	show(listen(l, 1));
	num(poll_now(l, EVERY_EVENT));
	n = own_name(l);
	say("%s", text_of(&n));
	fact(port_of(l) >= 1024);
	show(connect_to(c, name4("127.0.0.1", port_of(l))));
	num(poll_now(l, EVERY_EVENT));
	num(get_int(l, SOL_SOCKET, SO_ACCEPTCONN));
	num(get_int(c, SOL_SOCKET, SO_ACCEPTCONN));
}

TEST(accept_flags)
{
	int l = listener(AF_INET, 2), a;

	must(fcntl(l, F_SETFL, O_NONBLOCK));
	show(accept(l, NULL, NULL));
	must(connect_to(tcp(AF_INET), own_name(l)));
	a = must(accept(l, NULL, NULL));
	fact(fcntl(a, F_GETFL) & O_NONBLOCK);
	must(connect_to(tcp(AF_INET), own_name(l)));
	a = must(accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
	fact(fcntl(a, F_GETFL) & O_NONBLOCK);
	num(fcntl(a, F_GETFD));
	show(accept4(l, NULL, NULL, 1));
	show(accept(tcp(AF_INET), NULL, NULL));
	show(accept(udp(AF_INET), NULL, NULL));
}

TEST(full_backlog)
{
	int l = listener(AF_INET, 0), c = tcp(AF_INET);
	char b = 'x';

	must(connect_to(tcp(AF_INET), own_name(l)));
	must(fcntl(c, F_SETFL, O_NONBLOCK));
	show(connect_to(c, own_name(l)));
	num(poll_now(c, EVERY_EVENT));
	show(connect_to(c, own_name(l)));
	show(write(c, &b, 1));
	show(read(c, &b, 1));
	must(accept(l, NULL, NULL));
	num(wait_for(c, POLLOUT));
	must(accept(l, NULL, NULL));
	show(connect_to(c, own_name(l)));
}

static int connect_child(void *l)
{
	return connect_to(tcp(AF_INET), own_name(*(int *)l)) ? errno : 0;
}

TEST(accept_sleeps)
{
	int l = listener(AF_INET, 2);
	pid_t p = spawn(connect_child, &l);

	show_ok(accept(l, NULL, NULL));
	show_exit("child", p);
}

TEST(shutdown_of_listener)
{
	int l = listener(AF_INET, 2), c = tcp(AF_INET);
	struct name n = own_name(l);
	char b;

	must(connect_to(c, n));
	show(shutdown(l, SHUT_WR));
	num(get_int(l, SOL_SOCKET, SO_ACCEPTCONN));
	show(shutdown(l, SHUT_RD));
	num(get_int(l, SOL_SOCKET, SO_ACCEPTCONN));
	show(accept(l, NULL, NULL));
	show(connect_to(tcp(AF_INET), n));
	show(read(c, &b, 1));
	show(listen(l, 1));
	show(connect_to(tcp(AF_INET), n));
}

TEST(closed_listener)
{
	int l = listener(AF_INET, 2), c = tcp(AF_INET);
	char b;

	must(connect_to(c, own_name(l)));
	close(l);
	wait_for(c, POLLIN);
	num(poll_now(c, EVERY_EVENT));
	show(read(c, &b, 1));
	show(read(c, &b, 1));
}

TEST(many_connections)
{
	int l = listener(AF_INET, 128), fd[200], n = 0;
	char b;

	for (int i = 0; i < 100; i++) {
		fd[2 * i] = tcp(AF_INET);
		must(connect_to(fd[2 * i], own_name(l)));
		fd[2 * i + 1] = must(accept(l, NULL, NULL));
		b = i;
		must(write(fd[2 * i], &b, 1));
	}
	for (int i = 0; i < 100; i++)
		n += read(fd[2 * i + 1], &b, 1) == 1 && b == i;
	num(n);
}
