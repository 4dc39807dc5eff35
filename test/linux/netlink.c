/* SPDX-License-Identifier: MIT */
/* AF_NETLINK, NETLINK_ROUTE: interfaces, addresses, routes of the loopback; rules. */
#include "inet_help.h"

#include <ifaddrs.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>

struct request {
	struct nlmsghdr h;
	union {
		struct rtgenmsg g;
		struct ifinfomsg i;
	} u;
	struct rtattr a;
	char name[16];
};

static int route_socket(void)
{
	return must(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}

static int ask(int fd, int type, int flags, int family, int index)
{
	struct request q = { .h = {
		.nlmsg_len = NLMSG_LENGTH(sizeof(q.u.i)), .nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = 77 } };

	q.u.i.ifi_family = family;
	q.u.i.ifi_index = index;
	return send(fd, &q, q.h.nlmsg_len, 0);
}

static const void *attribute(struct nlmsghdr *h, size_t body, int type)
{
	struct rtattr *a = (void *)((char *)NLMSG_DATA(h) + NLMSG_ALIGN(body));
	int left = h->nlmsg_len - NLMSG_LENGTH(body);

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == type)
			return RTA_DATA(a);
	return NULL;
}

static void show_loopback_link(struct nlmsghdr *h)
{
	struct ifinfomsg *i = NLMSG_DATA(h);
	const char *name = attribute(h, sizeof(*i), IFLA_IFNAME);
	const int *mtu = attribute(h, sizeof(*i), IFLA_MTU);

	if (i->ifi_index == 1)
		say("%s: type %d, flags %#x, mtu %d", name, i->ifi_type,
		    i->ifi_flags, *mtu);
}

static void show_loopback_address(struct nlmsghdr *h)
{
	struct ifaddrmsg *a = NLMSG_DATA(h);
	char text[64];

	if (a->ifa_index == 1)
		say("%s/%d, scope %d, flags %#x",
		    inet_ntop(a->ifa_family,
			      attribute(h, sizeof(*a), IFA_ADDRESS), text, 64),
		    a->ifa_prefixlen, a->ifa_scope, a->ifa_flags);
}

/* Of the table of the machine's own addresses. */
static void show_loopback_route(struct nlmsghdr *h)
{
	struct rtmsg *m = NLMSG_DATA(h);
	const int *out = attribute(h, sizeof(*m), RTA_OIF);
	const int *table = attribute(h, sizeof(*m), RTA_TABLE);
	const void *dst = attribute(h, sizeof(*m), RTA_DST);
	const void *src = attribute(h, sizeof(*m), RTA_PREFSRC);
	const int *metric = attribute(h, sizeof(*m), RTA_PRIORITY);
	char text[64], from[64] = "none";

	if (!out || *out != 1 || !table || *table != RT_TABLE_LOCAL || !dst)
		return;
	if (src)
		inet_ntop(m->rtm_family, src, from, sizeof(from));
	say("%s/%d from %s: type %d, scope %d, protocol %d, flags %#x, "
	    "metric %d", inet_ntop(m->rtm_family, dst, text, sizeof(text)),
	    m->rtm_dst_len, from, m->rtm_type, m->rtm_scope, m->rtm_protocol,
	    m->rtm_flags, metric ? *metric : -1);
}

static void show_usual_rule(struct nlmsghdr *h)
{
	struct fib_rule_hdr *r = NLMSG_DATA(h);
	const int *priority = attribute(h, sizeof(*r), FRA_PRIORITY);
	const int *table = attribute(h, sizeof(*r), FRA_TABLE);
	const int *suppress = attribute(h, sizeof(*r), FRA_SUPPRESS_PREFIXLEN);

	if (table && *table >= RT_TABLE_DEFAULT && *table <= RT_TABLE_LOCAL)
		say("family %d, priority %d: action %d, table %d, %d, flags %#x",
		    r->family, priority ? *priority : 0, r->action, *table,
		    suppress ? *suppress : 0, r->flags);
}

/* Show what comes until the end of the dump. */
static void show_dump(int fd)
{
	static char buf[65536];
	struct nlmsghdr *h;

	for (;;) {
		int left = must(recv(fd, buf, sizeof(buf), 0));

		for (h = (void *)buf; NLMSG_OK(h, left);
		     h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_seq != 77)
				say("wrong sequence");
			if (h->nlmsg_type == RTM_NEWLINK)
				show_loopback_link(h);
			if (h->nlmsg_type == RTM_NEWADDR)
				show_loopback_address(h);
			if (h->nlmsg_type == RTM_NEWROUTE)
				show_loopback_route(h);
			if (h->nlmsg_type == RTM_NEWRULE)
				show_usual_rule(h);
			if (h->nlmsg_type == NLMSG_DONE)
				return;
		}
	}
}

/* The type and the error of the next message. */
static void show_answer(int fd)
{
	char buf[8192];
	struct nlmsghdr *h = (void *)buf;
	struct nlmsgerr *e;

	must(recv(fd, buf, sizeof(buf), 0));
	num(h->nlmsg_type);
	if (h->nlmsg_type == RTM_NEWLINK)
		show_loopback_link(h);
	e = NLMSG_DATA(h);
	if (h->nlmsg_type == NLMSG_ERROR)
		say("%s, about %d", err_name(-e->error), e->msg.nlmsg_type);
}

static void ask_and_show(int fd, int type, int family)
{
	ask(fd, type, NLM_F_DUMP, family, 0);
	show_dump(fd);
}

TEST(links)
{
	int fd = route_socket();

	show(ask(fd, RTM_GETLINK, NLM_F_DUMP, AF_UNSPEC, 0) > 0);
	show_dump(fd);
}

TEST(addresses)
{
	int fd = route_socket();

	ask_and_show(fd, RTM_GETADDR, AF_UNSPEC);
	ask_and_show(fd, RTM_GETADDR, AF_INET);
	ask_and_show(fd, RTM_GETADDR, AF_INET6);
}

TEST(routes)
{
	int fd = route_socket();

	ask_and_show(fd, RTM_GETROUTE, AF_INET);
	say("of IPv6");
	ask_and_show(fd, RTM_GETROUTE, AF_INET6);
	say("of all");
	ask_and_show(fd, RTM_GETROUTE, AF_UNSPEC);
}

TEST(rules)
{
	int fd = route_socket();

	ask_and_show(fd, RTM_GETRULE, AF_INET);
	ask_and_show(fd, RTM_GETRULE, AF_INET6);
}

TEST(neighbours_end)
{
	int fd = route_socket();

	ask_and_show(fd, RTM_GETNEIGH, AF_INET);
	say("end");
}

TEST(one_link)
{
	int fd = route_socket();
	struct request q = { .h = {
		.nlmsg_len = sizeof(q), .nlmsg_type = RTM_GETLINK,
		.nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 77 },
		.a = { RTA_LENGTH(3), IFLA_IFNAME }, .name = "lo" };

	ask(fd, RTM_GETLINK, 0, AF_UNSPEC, 1);
	show_answer(fd);
	ask(fd, RTM_GETLINK, 0, AF_UNSPEC, 12345);
	show_answer(fd);
	q.h.nlmsg_len = NLMSG_LENGTH(sizeof(q.u.i)) + RTA_SPACE(3);
	must(send(fd, &q, q.h.nlmsg_len, 0));
	show_answer(fd);
}

TEST(errors)
{
	int fd = route_socket();
	struct request q = { .h = { .nlmsg_len = sizeof(q.h),
				    .nlmsg_type = NLMSG_NOOP,
				    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK } };

	if (geteuid() == 0)
		must(setuid(65534));
	ask(fd, RTM_DELLINK, 0, AF_UNSPEC, 1);
	show_answer(fd);
	must(send(fd, &q, q.h.nlmsg_len, 0));
	show_answer(fd);
	show(recv(fd, &q, sizeof(q), MSG_DONTWAIT));
	show(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
	show(socket(AF_NETLINK, SOCK_RAW, 31));
}

TEST(names)
{
	struct sockaddr_nl n = { .nl_family = AF_NETLINK };
	struct request q;
	socklen_t len = sizeof(n);
	int fd = route_socket();

	show(bind(fd, (struct sockaddr *)&n, 8));
	show(bind(fd, (struct sockaddr *)&n, sizeof(n)));
	show(getsockname(fd, (struct sockaddr *)&n, &len));
	num(len);
	fact(n.nl_pid != 0);
	ask(fd, RTM_GETROUTE, NLM_F_DUMP, AF_INET, 0);
	num(poll_now(fd, POLLIN | POLLOUT));
	len = sizeof(n);
	show(recvfrom(fd, &q, 8, 0, (struct sockaddr *)&n, &len));
	num(n.nl_pid);
	num(n.nl_family);
	n.nl_family = AF_INET;
	show(bind(fd, (struct sockaddr *)&n, sizeof(n)));
}

TEST(through_libc)
{
	struct addrinfo hints = { .ai_flags = AI_ADDRCONFIG | AI_NUMERICHOST,
				  .ai_socktype = SOCK_STREAM }, *ai;
	struct if_nameindex *names;
	struct ifaddrs *list;
	struct name n = { .len = 0 };

	must(getifaddrs(&list));
	for (struct ifaddrs *i = list; i; i = i->ifa_next) {
		if (strcmp(i->ifa_name, "lo") || !i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family == AF_PACKET)
			continue;
		memcpy(&n.a, i->ifa_addr, i->ifa_addr->sa_family == AF_INET ?
		       sizeof(struct sockaddr_in) :
		       sizeof(struct sockaddr_in6));
		say("lo: %s", text_of(&n));
	}
	names = if_nameindex();
	say("%d: %s", names[0].if_index, names[0].if_name);
	show(getaddrinfo("127.0.0.1", "80", &hints, &ai));
	num(ai->ai_family);
}

/* Events of devices: a socket that waits for them. */
TEST(device_events)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = must(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK,
			     NETLINK_KOBJECT_UEVENT));
	socklen_t n = sizeof(int);
	char buf[64];
	int protocol;

	must(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &n));
	num(protocol);
	show(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	show(recv(fd, buf, sizeof(buf), 0));
	show(socket(AF_NETLINK, SOCK_STREAM, NETLINK_KOBJECT_UEVENT));
	show(socket(AF_NETLINK, SOCK_RAW, 31));
}
