/* SPDX-License-Identifier: MIT */
/* UDP over the loopback. */
#include "inet_help.h"

#include <sys/uio.h>

static void talk(int family)
{
	struct name from = { .len = sizeof(from.a) };
	int a = udp(family), b = udp(family);
	char buf[16] = "";

	must(bind_to(a, loop(family, 0)));
	show(send_to(b, "hello", own_name(a)));
	show(recvfrom(a, buf, 16, 0, (struct sockaddr *)&from.a, &from.len));
	say("%s from %s, %d bytes", buf, text_of(&from), (int)from.len);
	fact(ntohs(((struct sockaddr_in *)&from.a)->sin_port) == port_of(b));
	from.len = sizeof(from.a);
	show(send_to(a, "back", from));
	show(recv(b, buf, 16, 0));
}

TEST(talk4)
{
	talk(AF_INET);
}

TEST(talk6)
{
	talk(AF_INET6);
}

TEST(implicit_port)
{
	int a = udp(AF_INET), b = udp(AF_INET);
	struct name n;

	must(bind_to(b, loop(AF_INET, 0)));
	num(port_of(a));
	show(send_to(a, "x", own_name(b)));
	fact(port_of(a) >= 1024);
	n = own_name(a);
	say("%s", text_of(&n));
	show(connect_to(a, own_name(b)));
	n = own_name(a);
	say("%s", text_of(&n));
}

TEST(records)
{
	char b[8] = "";
	int s[2];

	udp_pair(AF_INET, s);
	show(send(s[0], "one", 3, 0));
	show(send(s[0], "", 0, 0));
	show(send(s[0], "three", 5, 0));
	show(recv(s[1], b, 2, MSG_PEEK));
	show(recv(s[1], b, 2, MSG_PEEK | MSG_TRUNC));
	show(recv(s[1], b, 2, 0));
	show(recv(s[1], b, 8, 0));
	show(recv(s[1], b, 2, MSG_TRUNC));
	show(recv(s[1], b, 2, MSG_DONTWAIT));
}

TEST(truncation_is_marked)
{
	char b[4];
	struct iovec v = { b, 4 };
	struct name from;
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_name = &from.a,
			    .msg_namelen = sizeof(from.a) };
	int s[2];

	udp_pair(AF_INET, s);
	must(send(s[0], "longer", 6, 0));
	show(recvmsg(s[1], &h, 0));
	num(h.msg_flags == MSG_TRUNC);
	num(h.msg_namelen);
}

TEST(destinations)
{
	int a = udp(AF_INET), b = udp(AF_INET6);
	struct name n = name4("127.0.0.1", 9);

	show(send(a, "x", 1, 0));
	show(send_to(a, "x", name4("127.0.0.1", 0)));
	show(sendto(a, "x", 1, 0, (struct sockaddr *)&n.a, 8));
	show(send_to(a, "x", name4("255.255.255.255", 9)));
	n.a.ss_family = AF_UNIX;
	show(send_to(a, "x", n));
	show(send_to(b, "x", name6("::1", 0)));
	show(bind_to(a, name4("192.0.2.1", 0)));
}

TEST(connected_hears_its_peer_alone)
{
	int a = udp(AF_INET), b = udp(AF_INET), c = udp(AF_INET);
	char buf[8];

	must(bind_to(a, loop(AF_INET, 0)));
	must(bind_to(b, loop(AF_INET, 0)));
	must(connect_to(a, own_name(b)));
	show(send_to(c, "no", own_name(a)));
	show(send_to(b, "yes", own_name(a)));
	show(recv(a, buf, 8, 0));
	show(recv(a, buf, 8, MSG_DONTWAIT));
}

TEST(nobody_is_there)
{
	int a = udp(AF_INET), b = udp(AF_INET);
	struct name n;
	char buf[4];

	must(bind_to(b, loop(AF_INET, 0)));
	n = own_name(b);
	close(b);
	show(send_to(a, "x", n));
	show(recv(a, buf, 4, MSG_DONTWAIT));
	must(connect_to(a, n));
	show(send(a, "x", 1, 0));
	num(wait_for(a, POLLIN));
	show(recv(a, buf, 4, 0));
	show(send(a, "x", 1, 0));
	wait_for(a, POLLIN);
	show(send(a, "x", 1, 0));
	show(send(a, "x", 1, 0));
	wait_for(a, POLLIN);
	num(get_int(a, SOL_SOCKET, SO_ERROR));
	show(recv(a, buf, 4, MSG_DONTWAIT));
}

TEST(disconnect)
{
	struct name none = { .len = sizeof(struct sockaddr_in) };
	struct name n = { .len = sizeof(n.a) };
	int s[2];

	udp_pair(AF_INET, s);
	show(getpeername(s[0], (struct sockaddr *)&n.a, &n.len));
	show(connect_to(s[0], none));
	n.len = sizeof(n.a);
	show(getpeername(s[0], (struct sockaddr *)&n.a, &n.len));
	n = own_name(s[0]);
	say("%s", text_of(&n));
	show(send(s[0], "x", 1, 0));
	show(connect_to(s[0], own_name(s[1])));
	show(send_to(s[0], "x", own_name(s[1])));
}

TEST(sizes)
{
	static char big[70000];
	int s[2];

	udp_pair(AF_INET, s);
	must(set_int(s[1], SOL_SOCKET, SO_RCVBUF, 200000));
	show(send(s[0], big, 65507, 0));
	show(recv(s[1], big, sizeof(big), 0));
	show(send(s[0], big, 65508, 0));
	show(send(s[0], big, 70000, 0));
	udp_pair(AF_INET6, s);
	show(send(s[0], big, 65527, 0));
	show(send(s[0], big, 65528, 0));
}

TEST(full_receiver_loses)
{
	static char b[4000];
	int s[2], n = 0;

	udp_pair(AF_INET, s);
	must(set_int(s[1], SOL_SOCKET, SO_RCVBUF, 20000));
	for (int i = 0; i < 200; i++)
		must(send(s[0], b, sizeof(b), 0));
	while (recv(s[1], b, sizeof(b), MSG_DONTWAIT) > 0)
		n++;
	fact(n > 2 && n < 100);
}

TEST(polls)
{
	char b;
	int s[2];

	udp_pair(AF_INET, s);
	num(poll_now(s[1], EVERY_EVENT));
	must(send(s[0], "x", 1, 0));
	num(poll_now(s[1], EVERY_EVENT));
	show(recv(s[1], &b, 1, 0));
	show(shutdown(s[1], SHUT_RDWR));
	show(recv(s[1], &b, 1, 0));
	num(poll_now(s[1], EVERY_EVENT));
	show(shutdown(s[0], SHUT_WR));
	show(send(s[0], "x", 1, 0));
	num(poll_now(s[0], EVERY_EVENT));
}

TEST(shared_address)
{
	int a = udp(AF_INET), b = udp(AF_INET), c = udp(AF_INET);
	char buf[4];

	must(set_int(a, SOL_SOCKET, SO_REUSEADDR, 1));
	must(bind_to(a, loop(AF_INET, 0)));
	show(bind_to(b, own_name(a)));
	must(set_int(b, SOL_SOCKET, SO_REUSEADDR, 1));
	show(bind_to(b, own_name(a)));
	show(send_to(c, "x", own_name(a)));
	show(recv(a, buf, 4, MSG_DONTWAIT));
	show(recv(b, buf, 4, MSG_DONTWAIT));
}

TEST(better_address_wins)
{
	int a = udp(AF_INET), b = udp(AF_INET), c = udp(AF_INET);
	char buf[4];

	must(set_int(a, SOL_SOCKET, SO_REUSEADDR, 1));
	must(set_int(b, SOL_SOCKET, SO_REUSEADDR, 1));
	must(bind_to(a, loop(AF_INET, 0)));
	must(bind_to(b, name4("0.0.0.0", port_of(a))));
	show(send_to(c, "x", own_name(a)));
	show(recv(a, buf, 4, MSG_DONTWAIT));
	show(recv(b, buf, 4, MSG_DONTWAIT));
	show(send_to(c, "x", name4("127.0.0.9", port_of(a))));
	show(recv(a, buf, 4, MSG_DONTWAIT));
	show(recv(b, buf, 4, MSG_DONTWAIT));
}

TEST(both_families)
{
	struct name from = { .len = sizeof(from.a) };
	int a = udp(AF_INET6), b = udp(AF_INET);
	char buf[4];

	must(bind_to(a, name6("::", 0)));
	show(send_to(b, "x", name4("127.0.0.1", port_of(a))));
	show(recvfrom(a, buf, 4, 0, (struct sockaddr *)&from.a, &from.len));
	say("%s", text_of(&from));
	show(send_to(a, "y", from));
	show(recv(b, buf, 4, 0));
	show(send_to(udp(AF_INET6), "x", name6("::", port_of(a))));
	show(recv(a, buf, 4, MSG_DONTWAIT));
}

TEST(not_for_streams)
{
	int a = udp(AF_INET);
	char b;

	show(listen(a, 1));
	show(accept(a, NULL, NULL));
	show(shutdown(a, SHUT_RD));
	show(recv(a, &b, 1, 0));
	num(poll_now(a, EVERY_EVENT));
}

TEST(several_at_once)
{
	char in[3][8] = { "a", "bb", "ccc" }, out[4][8];
	struct iovec v[4];
	struct mmsghdr m[4] = { 0 };
	int s[2];

	udp_pair(AF_INET, s);
	for (int i = 0; i < 3; i++) {
		v[i] = (struct iovec){ in[i], i + 1 };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &v[i],
						.msg_iovlen = 1 };
	}
	show(sendmmsg(s[0], m, 3, 0));
	for (int i = 0; i < 4; i++) {
		v[i] = (struct iovec){ out[i], 8 };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &v[i],
						.msg_iovlen = 1 };
	}
	show(recvmmsg(s[1], m, 4, MSG_DONTWAIT, NULL));
	num(m[2].msg_len);
}

/* Send with what is in control, receive, show what came. */
static void show_controls(int from, int to, void *control, size_t len,
			  size_t room)
{
	char b[4] = "x";
	_Alignas(8) char in[256];
	struct iovec v = { b, 1 };
	struct msghdr out = { .msg_iov = &v, .msg_iovlen = 1,
			      .msg_control = control, .msg_controllen = len };
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = in,
			    .msg_controllen = room };
	char text[64];

	if (show(sendmsg(from, &out, 0)) < 0)
		return;
	must(recvmsg(to, &h, 0));
	num(h.msg_flags);
	num(h.msg_controllen);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c;
	     c = CMSG_NXTHDR(&h, c)) {
		struct in_pktinfo *p = (void *)CMSG_DATA(c);
		struct in6_pktinfo *q = (void *)CMSG_DATA(c);

		if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO)
			say("at %s by %d, %d", inet_ntop(AF_INET, &p->ipi_addr,
			    text, 64), p->ipi_ifindex, (int)c->cmsg_len);
		else if (c->cmsg_type == IPV6_PKTINFO)
			say("at %s by %d, %d", inet_ntop(AF_INET6,
			    &q->ipi6_addr, text, 64), q->ipi6_ifindex,
			    (int)c->cmsg_len);
		else
			say("level %d, type %d, %d bytes: %d", c->cmsg_level,
			    c->cmsg_type, (int)c->cmsg_len, *CMSG_DATA(c));
	}
}

TEST(controls4)
{
	int a = udp(AF_INET), b = udp(AF_INET);

	must(bind_to(b, name4("0.0.0.0", 0)));
	must(connect_to(a, name4("127.0.0.5", port_of(b))));
	must(set_int(b, SOL_IP, IP_PKTINFO, 1));
	show_controls(a, b, NULL, 0, 256);
	must(set_int(b, SOL_IP, IP_RECVTTL, 1));
	must(set_int(b, SOL_IP, IP_RECVTOS, 1));
	must(set_int(a, SOL_IP, IP_TTL, 9));
	must(set_int(a, SOL_IP, IP_TOS, 0x10));
	show_controls(a, b, NULL, 0, 256);
	show_controls(a, b, NULL, 0, 40);
	show_controls(a, b, NULL, 0, 0);
}

TEST(controls6)
{
	_Alignas(8) char buf[CMSG_SPACE(4) * 2] = "";
	struct msghdr m = { .msg_control = buf, .msg_controllen = sizeof(buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int s[2];

	udp_pair(AF_INET6, s);
	must(set_int(s[1], SOL_IPV6, IPV6_RECVPKTINFO, 1));
	must(set_int(s[1], SOL_IPV6, IPV6_RECVHOPLIMIT, 1));
	must(set_int(s[1], SOL_IPV6, IPV6_RECVTCLASS, 1));
	show_controls(s[0], s[1], NULL, 0, 256);
	c->cmsg_level = SOL_IPV6;
	c->cmsg_type = IPV6_HOPLIMIT;
	c->cmsg_len = CMSG_LEN(4);
	*CMSG_DATA(c) = 3;
	c = CMSG_NXTHDR(&m, c);
	c->cmsg_level = SOL_IPV6;
	c->cmsg_type = IPV6_TCLASS;
	c->cmsg_len = CMSG_LEN(4);
	*CMSG_DATA(c) = 8;
	show_controls(s[0], s[1], buf, sizeof(buf), 256);
	*(int *)CMSG_DATA(c) = 256;
	show_controls(s[0], s[1], buf, sizeof(buf), 256);
}
