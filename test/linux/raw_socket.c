/* SPDX-License-Identifier: MIT */
/*
 * Raw sockets, those of ping, and what the kernel answers by ICMP, over a
 * loopback of each test's own: on the host's other tests are heard.
 */
#include "inet_help.h"

#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>

#define SOL_RAW_OPTION	255
#define OPT_ICMP_FILTER	1

static void own_loopback(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s;

	need_root();
	if (unshare(CLONE_NEWNET))
		skip("no network namespaces");
	s = must(socket(AF_INET, SOCK_DGRAM, 0));
	must(ioctl(s, SIOCSIFFLAGS, &r));
	close(s);
}

static int raw(int family, int protocol)
{
	return (int)must(socket(family, SOCK_RAW, protocol));
}

static unsigned sum16(const void *data, size_t len)
{
	const unsigned char *p = data;
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (unsigned)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void show_bytes(const char *what, const unsigned char *p, ssize_t n)
{
	char text[300] = "";

	for (ssize_t i = 0; i < n && i < 90; i++)
		sprintf(text + 3 * i, "%02x ", p[i]);
	say("%s: %s", what, text);
}

/* A packet of IPv4 in fd, but for what the kernel numbers. */
static ssize_t look(int fd)
{
	static unsigned char p[65536];
	struct sockaddr_in from = { 0 };
	socklen_t len = sizeof(from);
	struct iphdr *h = (struct iphdr *)p;
	ssize_t n = recvfrom(fd, p, sizeof(p), MSG_DONTWAIT,
			     (struct sockaddr *)&from, &len);

	if (n < 0) {
		say("%s", err_name(errno));
		return n;
	}
	say("%zd bytes from %s:%d, %u", n, inet_ntoa(from.sin_addr),
	    ntohs(from.sin_port), len);
	say("header %d, tos %x, length %d, ttl %d, protocol %d, sum %x", h->ihl,
	    h->tos, ntohs(h->tot_len), h->ttl, h->protocol,
	    sum16(p, h->ihl * 4));
	say("from %08x to %08x", ntohl(h->saddr), ntohl(h->daddr));
	if (h->protocol == IPPROTO_ICMP)
		say("sum %x", sum16(p + h->ihl * 4, n - h->ihl * 4));
	/* the quoted header has a number and a sum, too */
	if (h->protocol == IPPROTO_ICMP && p[20] == ICMP_DEST_UNREACH)
		memset(p + 32, 0, 2), memset(p + 38, 0, 2),
		memset(p + 54, 0, 2), memset(p + 22, 0, 2);
	if (h->protocol == IPPROTO_UDP)
		memset(p + 26, 0, 2);	/* left to the device */
	show_bytes("data", p + h->ihl * 4, n - h->ihl * 4);
	return n;
}

static ssize_t look6(int fd)
{
	static unsigned char p[65536];
	struct sockaddr_in6 from = { 0 };
	socklen_t len = sizeof(from);
	char text[60];
	ssize_t n = recvfrom(fd, p, sizeof(p), MSG_DONTWAIT,
			     (struct sockaddr *)&from, &len);

	if (n < 0) {
		say("%s", err_name(errno));
		return n;
	}
	say("%zd bytes from %s:%d, %u", n, inet_ntop(AF_INET6, &from.sin6_addr,
	    text, sizeof(text)), ntohs(from.sin6_port), len);
	if (p[0] == ICMP6_DST_UNREACH)	/* flow label, sums */
		memset(p + 8, 0, 4), memset(p + 54, 0, 2), memset(p + 2, 0, 2);
	show_bytes("data", p, n);
	return n;
}

/* An echo request of 8 + len bytes. */
static size_t echo(unsigned char *p, int family, size_t len)
{
	memset(p, 0x55, 8 + len);
	p[0] = family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	p[1] = p[2] = p[3] = 0;
	p[4] = 0x12;
	p[5] = 0x34;
	if (family == AF_INET) {
		unsigned sum = ~sum16(p, 8 + len) & 0xffff;

		p[2] = (unsigned char)(sum >> 8);
		p[3] = (unsigned char)sum;
	}
	return 8 + len;
}

static long send_bytes(int fd, const void *p, size_t n, struct name to)
{
	return sendto(fd, p, n, 0, (struct sockaddr *)&to.a, to.len);
}

static void show_name(int fd)
{
	struct sockaddr_in a = { 0 };
	socklen_t len = sizeof(a);

	show(getsockname(fd, (struct sockaddr *)&a, &len));
	say("own %s:%d", inet_ntoa(a.sin_addr), ntohs(a.sin_port));
	len = sizeof(a);
	memset(&a, 0, sizeof(a));
	show(getpeername(fd, (struct sockaddr *)&a, &len));
	say("peer %s:%d", inet_ntoa(a.sin_addr), ntohs(a.sin_port));
}

TEST(kinds)
{
	need_root();
	show_ok(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	show_ok(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	show_ok(socket(AF_INET, SOCK_RAW, IPPROTO_UDP));
	show_ok(socket(AF_INET, SOCK_RAW, IPPROTO_TCP));
	show_ok(socket(AF_INET, SOCK_RAW, 200));
	show_ok(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	show_ok(socket(AF_INET6, SOCK_RAW, IPPROTO_RAW));
	show(socket(AF_INET, SOCK_RAW, 0));
	show(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMPV6));
	show(socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMP));
	show(socket(AF_INET, SOCK_STREAM, IPPROTO_ICMP));
	show(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	must(setresuid(65534, 65534, 65534));
	show(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	show(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	show(socket(AF_INET, SOCK_RAW, 0));
}

TEST(names)
{
	int fd, on = 1;
	char big[70000] = "";

	own_loopback();
	fd = raw(AF_INET, IPPROTO_ICMP);
	show_name(fd);
	show(bind_to(fd, name4("1.2.3.4", 0)));
	show(bind_to(fd, name4("127.0.0.2", 77)));
	show_name(fd);
	show(bind_to(fd, name4("127.0.0.3", 0)));
	show_name(fd);
	show(send(fd, "12345678", 8, 0));
	show(connect_to(fd, name4("127.0.0.1", 0)));
	show_name(fd);
	show(connect_to(fd, name4("127.0.0.1", 5)));
	show_name(fd);
	show(send(fd, "12345678", 8, MSG_OOB));
	show(send(fd, big, sizeof(big), 0));
	show(send(fd, big, 65536, 0));
	show(send(fd, big, 65535, 0));
	show(listen(fd, 1));
	show(accept(fd, NULL, NULL));
	show(shutdown(fd, SHUT_WR));
	show(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	fd = (int)must(socket(AF_INET, SOCK_DGRAM, 0));
	show(setsockopt(fd, SOL_IP, IP_HDRINCL, &on, sizeof(on)));
	show(setsockopt(fd, SOL_RAW_OPTION, OPT_ICMP_FILTER, &on, sizeof(on)));
}

TEST(echo_over_ipv4)
{
	unsigned char p[1000];
	int fd, other, ttl = 7;
	size_t n;

	own_loopback();
	fd = raw(AF_INET, IPPROTO_ICMP);
	other = raw(AF_INET, IPPROTO_ICMP);
	n = echo(p, AF_INET, 5);
	show(send_bytes(fd, p, n, name4("127.0.0.1", 0)));
	look(fd);
	look(fd);
	look(fd);
	look(other);
	look(other);
	must(setsockopt(fd, SOL_IP, IP_TTL, &ttl, sizeof(ttl)));
	must(bind_to(other, name4("127.0.0.9", 0)));
	must(connect_to(fd, name4("127.0.0.9", 0)));
	show(send(fd, p, n, 0));
	look(fd);
	look(fd);
	look(other);
	look(other);
	/* with a wrong sum it is no request; a short one neither */
	p[2]++;
	show(send_bytes(other, p, n, name4("127.0.0.9", 0)));
	look(other);
	look(other);
	show(send_bytes(other, p, 3, name4("127.0.0.9", 0)));
	look(other);
	look(other);
	show(send_bytes(fd, p, 0, name4("127.0.0.1", 0)));
	show(send_bytes(fd, p, n, name4("127.255.255.255", 0)));
}

TEST(icmp_filter)
{
	struct icmp_filter f = { ~(1u << ICMP_ECHOREPLY) };
	unsigned char p[100];
	socklen_t len = sizeof(f);
	int fd;

	own_loopback();
	fd = raw(AF_INET, IPPROTO_ICMP);
	show(setsockopt(fd, SOL_RAW_OPTION, OPT_ICMP_FILTER, &f, sizeof(f)));
	f.data = 0;
	show(getsockopt(fd, SOL_RAW_OPTION, OPT_ICMP_FILTER, &f, &len));
	say("%x, %u", f.data, len);
	must(send_bytes(fd, p, echo(p, AF_INET, 0), name4("127.0.0.1", 0)));
	look(fd);
	look(fd);
	fd = raw(AF_INET, IPPROTO_UDP);
	show(setsockopt(fd, SOL_RAW_OPTION, OPT_ICMP_FILTER, &f, sizeof(f)));
}

TEST(echo_over_ipv6)
{
	struct icmp6_filter f;
	unsigned char p[100];
	int fd, other;
	size_t n;

	own_loopback();
	fd = raw(AF_INET6, IPPROTO_ICMPV6);
	other = raw(AF_INET6, IPPROTO_ICMPV6);
	ICMP6_FILTER_SETBLOCKALL(&f);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &f);
	show(setsockopt(other, IPPROTO_ICMPV6, ICMP6_FILTER, &f, sizeof(f)));
	n = echo(p, AF_INET6, 6);
	show(send_bytes(fd, p, n, name6("::1", 0)));
	look6(fd);
	look6(fd);
	look6(fd);
	look6(other);
	look6(other);
	show(send_bytes(fd, p, n, name6("::ffff:127.0.0.1", 0)) < 0);
	show(send_bytes(fd, p, n, name6("::1", 5)));
}

TEST(own_headers)
{
	struct {
		struct iphdr h;
		char text[4];
	} p = { { .version = 4, .ihl = 5, .ttl = 9, .protocol = 200 }, "abc" };
	int fd, to, on = 1;

	own_loopback();
	fd = raw(AF_INET, IPPROTO_RAW);
	to = raw(AF_INET, 200);
	p.h.daddr = htonl(INADDR_LOOPBACK);
	show(send_bytes(fd, &p, sizeof(p), name4("127.0.0.1", 0)));
	look(to);
	p.h.saddr = htonl(0x7f000005);
	p.h.daddr = htonl(0x7f000006);
	show(send_bytes(fd, &p, sizeof(p), name4("127.0.0.1", 0)));
	look(to);
	look(fd);
	show(send_bytes(fd, &p, 10, name4("127.0.0.1", 0)));
	p.h.ihl = 15;
	show(send_bytes(fd, &p, sizeof(p), name4("127.0.0.1", 0)));
	p.h.ihl = 4;
	show(send_bytes(fd, &p, sizeof(p), name4("127.0.0.1", 0)));
	look(to);
	p.h.ihl = 5;
	must(setsockopt(to, SOL_IP, IP_HDRINCL, &on, sizeof(on)));
	show(send_bytes(to, &p, sizeof(p), name4("127.0.0.1", 0)));
	look(to);
	show(send_bytes(fd, &p, sizeof(p), name4("9.9.9.9", 0)) < 0);
}

/* Headers that say what is not so: answers go to the loopback alone. */
TEST(own_headers_that_lie)
{
	struct {
		struct iphdr h;
		unsigned char icmp[8];
	} p = { { .version = 4, .ihl = 5, .ttl = 9, .protocol = IPPROTO_ICMP },
		{ ICMP_ECHO, 0, 0xe5, 0xcb, 0x12, 0x34 } };
	int fd, icmp, to;

	own_loopback();
	fd = raw(AF_INET, IPPROTO_RAW);
	icmp = raw(AF_INET, IPPROTO_ICMP);
	to = raw(AF_INET, 200);
	p.h.saddr = htonl(0x08080808);
	p.h.daddr = htonl(INADDR_LOOPBACK);
	show(send_bytes(fd, &p, sizeof(p), name4("127.0.0.1", 0)));
	look(icmp);
	look(icmp);
	p.h.saddr = 0;
	p.h.daddr = 0;
	show(send_bytes(fd, &p, sizeof(p), name4("127.0.0.1", 0)));
	look(icmp);
	look(icmp);
	p.h.daddr = htonl(0x08080808);
	p.h.protocol = 200;
	show(send_bytes(fd, &p, sizeof(p), name4("127.0.0.1", 0)));
	look(to);
	p.h.saddr = htonl(0x08080808);
	p.h.daddr = htonl(INADDR_LOOPBACK);
	p.h.protocol = 201;
	show(send_bytes(fd, &p, sizeof(p), name4("127.0.0.1", 0)));
	look(icmp);
}

static void set_checksum(int fd, int level, int at)
{
	socklen_t len = sizeof(at);

	show(setsockopt(fd, level, IPV6_CHECKSUM, &at, sizeof(at)));
	at = 99;
	show(getsockopt(fd, level, IPV6_CHECKSUM, &at, &len));
	num(at);
}

TEST(place_of_the_checksum)
{
	struct name to;
	int fd;

	own_loopback();
	to = name6("::1", 0);
	fd = raw(AF_INET6, 201);
	set_checksum(fd, SOL_RAW_OPTION, 3);
	set_checksum(fd, SOL_RAW_OPTION, 2);
	show(send_bytes(fd, "abcdefg", 3, to));
	show(send_bytes(fd, "abcdefg", 4, to));
	look6(fd);
	set_checksum(fd, SOL_RAW_OPTION, -7);
	show(send_bytes(fd, "abcdefg", 0, to));
	look6(fd);
	set_checksum(fd, SOL_IPV6, 0x7ffffffe);
	show(send_bytes(fd, "abcdefg", 7, to));
	fd = raw(AF_INET6, IPPROTO_ICMPV6);
	set_checksum(fd, SOL_IPV6, 4);
	fd = (int)must(socket(AF_INET6, SOCK_DGRAM, 0));
	set_checksum(fd, SOL_IPV6, 4);
	fd = raw(AF_INET, 201);
	set_checksum(fd, SOL_IPV6, 4);
}

TEST(udp_is_heard_and_said)
{
	struct {
		struct udphdr h;
		char text[4];
	} p = { { .source = htons(5), .dest = htons(4000), .len = htons(12) },
		"abc" };
	int ear, fd, s, icmp;

	own_loopback();
	ear = raw(AF_INET, IPPROTO_UDP);
	icmp = raw(AF_INET, IPPROTO_ICMP);
	s = (int)must(socket(AF_INET, SOCK_DGRAM, 0));
	fd = (int)must(socket(AF_INET, SOCK_DGRAM, 0));
	must(bind_to(s, name4("127.0.0.1", 4000)));
	must(bind_to(fd, name4("127.0.0.1", 4001)));
	show(send_to(fd, "hello", name4("127.0.0.1", 4000)));
	look(ear);
	show(send_bytes(ear, &p, sizeof(p), name4("127.0.0.1", 0)));
	look(ear);
	num(recv(s, &p.text, 4, MSG_DONTWAIT | MSG_TRUNC));
	num(recv(s, &p.text, 4, MSG_DONTWAIT | MSG_TRUNC));
	/* a wrong sum, more length than there is, no such port */
	p.h.check = 1;
	show(send_bytes(ear, &p, sizeof(p), name4("127.0.0.1", 0)));
	p.h.check = 0;
	p.h.len = htons(13);
	show(send_bytes(ear, &p, sizeof(p), name4("127.0.0.1", 0)));
	show(recv(s, &p.text, 4, MSG_DONTWAIT));
	p.h.len = htons(12);
	p.h.dest = htons(4002);
	look(icmp);
	show(send_bytes(ear, &p, sizeof(p), name4("127.0.0.1", 0)));
	look(icmp);
}

TEST(no_port)
{
	char big[2000] = "";
	int icmp, icmp6, fd;

	own_loopback();
	icmp = raw(AF_INET, IPPROTO_ICMP);
	icmp6 = raw(AF_INET6, IPPROTO_ICMPV6);
	fd = (int)must(socket(AF_INET, SOCK_DGRAM, 0));
	must(bind_to(fd, name4("127.0.0.1", 4001)));
	show(send_to(fd, "hello", name4("127.0.0.3", 9)));
	look(icmp);
	show(send_bytes(fd, big, sizeof(big), name4("127.0.0.3", 9)));
	num(recv(icmp, big, sizeof(big), MSG_DONTWAIT));
	fd = (int)must(socket(AF_INET6, SOCK_DGRAM, 0));
	must(bind_to(fd, name6("::1", 4001)));
	show(send_to(fd, "hello", name6("::1", 9)));
	look6(icmp6);
	show(send_bytes(fd, big, sizeof(big), name6("::1", 9)));
	num(recv(icmp6, big, sizeof(big), MSG_DONTWAIT));
}

/* What the queue of errors has. */
static void look_error(int fd)
{
	char text[3000] = "", control[200], from_text[60], at_text[60];
	struct sockaddr_storage from = { 0 };
	struct iovec v = { text, sizeof(text) };
	struct msghdr m = { &from, sizeof(from), &v, 1, control,
			    sizeof(control), 0 };
	ssize_t n = recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
	bool v6 = from.ss_family == AF_INET6;

	if (n < 0) {
		say("%s", err_name(errno));
		return;
	}
	inet_ntop(from.ss_family, v6 ?
		  (void *)&((struct sockaddr_in6 *)&from)->sin6_addr :
		  (void *)&((struct sockaddr_in *)&from)->sin_addr, from_text,
		  sizeof(from_text));
	say("%zd bytes: %.20s, to %s:%d, flags %x", n, text, from_text,
	    ntohs(((struct sockaddr_in *)&from)->sin_port), m.msg_flags);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct sock_extended_err *e = (void *)CMSG_DATA(c);
		struct sockaddr *a = SO_EE_OFFENDER(e);

		say("level %d, type %d, length %zu", c->cmsg_level,
		    c->cmsg_type, c->cmsg_len);
		if (c->cmsg_type != IP_RECVERR && c->cmsg_type != IPV6_RECVERR)
			continue;
		inet_ntop(a->sa_family, v6 ?
			  (void *)&((struct sockaddr_in6 *)a)->sin6_addr :
			  (void *)&((struct sockaddr_in *)a)->sin_addr, at_text,
			  sizeof(at_text));
		say("errno %d, origin %d, type %d, code %d, info %d, data %d, "
		    "by %s", e->ee_errno, e->ee_origin, e->ee_type, e->ee_code,
		    e->ee_info, e->ee_data, at_text);
	}
}

static void show_error_and_events(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	socklen_t len = sizeof(int);
	int err = -1;

	must(poll(&p, 1, 0));
	must(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len));
	say("events %x, error %s", p.revents, err_name(err));
}

static void try_errors(int family)
{
	int level = family == AF_INET ? SOL_IP : SOL_IPV6, on = 1, off = 0;
	int opt = family == AF_INET ? IP_RECVERR : IPV6_RECVERR;
	int fd = (int)must(socket(family, SOCK_DGRAM, 0));
	char big[2000] = "big";

	show(setsockopt(fd, level, opt, &on, sizeof(on)));
	look_error(fd);
	show(send_to(fd, "hello", loop(family, 9)));
	show_error_and_events(fd);
	show_error_and_events(fd);
	look_error(fd);
	show_error_and_events(fd);
	show(send_to(fd, "one", loop(family, 9)));
	show(send_to(fd, "two", loop(family, 9)));
	show(send_to(fd, "two", loop(family, 10)));
	show(recv(fd, big, 10, MSG_DONTWAIT));
	look_error(fd);
	show(recv(fd, big, 10, MSG_DONTWAIT));
	look_error(fd);
	show(recv(fd, big, 10, MSG_DONTWAIT));
	look_error(fd);
	show(send_bytes(fd, big, sizeof(big), loop(family, 9)));
	look_error(fd);
	/* only what was sent to the one it is connected to */
	show(connect_to(fd, loop(family, 11)));
	show(send_to(fd, "other", loop(family, 9)));
	show_error_and_events(fd);
	look_error(fd);
	show(send(fd, "peer", 4, 0));
	show_error_and_events(fd);
	look_error(fd);
	show(setsockopt(fd, level, opt, &off, sizeof(off)));
	show(send_to(fd, "other", loop(family, 9)));
	show_error_and_events(fd);
	show(send(fd, "peer", 4, 0));
	show_error_and_events(fd);
	look_error(fd);
}

TEST(error_queue)
{
	own_loopback();
	try_errors(AF_INET);
}

TEST(error_queue_over_ipv6)
{
	own_loopback();
	try_errors(AF_INET6);
}

TEST(ping)
{
	static unsigned char big[65535] = { ICMP_ECHO };
	unsigned char p[100];
	struct name from = { .len = sizeof(from.a) };
	int fd, two, other, raw_fd;

	own_loopback();
	/* what mica has in any case */
	fd = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY);
	(void)!write(fd, "0 2147483647", 12);
	close(fd);
	must(setresuid(0, 65534, 0));
	fd = (int)must(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	two = (int)must(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	other = (int)must(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	must(setresuid(0, 0, 0));
	raw_fd = raw(AF_INET, IPPROTO_ICMP);
	show_name(fd);
	show(bind_to(fd, name4("127.0.0.1", 1234)));
	show(bind_to(two, name4("127.0.0.1", 1234)));
	show_name(fd);
	/* the later one of two with a number */
	show(send_bytes(fd, p, echo(p, AF_INET, 3), name4("127.0.0.1", 0)));
	show(recv(fd, p, sizeof(p), MSG_DONTWAIT));
	num(recv(two, p, sizeof(p), MSG_DONTWAIT));
	close(two);
	two = (int)must(dup(other));
	look(raw_fd);
	look(raw_fd);
	show(send(fd, p, echo(p, AF_INET, 3), 0));
	show(send_bytes(fd, p, 7, name4("127.0.0.1", 0)));
	show(send_bytes(fd, big, sizeof(big), name4("127.0.0.1", 0)));
	show(send_bytes(fd, big, 65516, name4("127.0.0.1", 0)));
	p[1] = 1;
	show(send_bytes(fd, p, 11, name4("127.0.0.1", 0)));
	p[1] = 0;
	p[0] = ICMP_ECHOREPLY;
	show(send_bytes(fd, p, 11, name4("127.0.0.1", 0)));
	/* its number is put in, and the sum corrected */
	echo(p, AF_INET, 3);
	p[2] ^= 1;
	show(send_bytes(fd, p, 11, name4("127.0.0.1", 99)));
	look(raw_fd);
	look(raw_fd);
	num(recvfrom(fd, p, sizeof(p), MSG_DONTWAIT,
		     (struct sockaddr *)&from.a, &from.len));
	show_bytes("reply", p, 11);
	show_bytes("from", (unsigned char *)&from.a, from.len);
	show(recv(fd, p, sizeof(p), MSG_DONTWAIT));
	/* replies to others' requests are not its own */
	show(send_bytes(raw_fd, p, echo(p, AF_INET, 0), name4("127.0.0.1", 0)));
	show(recv(fd, p, sizeof(p), MSG_DONTWAIT));
	/* a number of its own, and a peer */
	show(connect_to(two, name4("127.0.0.1", 0)));
	show(send(two, p, echo(p, AF_INET, 3), 0));
	num(recv(two, p, sizeof(p), MSG_DONTWAIT));
	show(recv(fd, p, sizeof(p), MSG_DONTWAIT));
	fd = (int)must(socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6));
	show(send_bytes(fd, p, echo(p, AF_INET6, 3), name6("::1", 0)));
	num(recv(fd, p, sizeof(p), MSG_DONTWAIT));
	num(p[0]);
	fact(sum16(p + 4, 2));
}

TEST(rows_in_proc)
{
	int fd;

	own_loopback();
	fd = raw(AF_INET, 200);
	must(connect_to(fd, name4("127.0.0.7", 0)));
	must(slurp("/proc/thread-self/net/raw"));
	say("%.55s", strchr(strchr(slurped, '\n'), ':') + 1);
	must(slurp("/proc/thread-self/net/udp"));
	fact(strchr(slurped, '\n')[1] == 0);
}
