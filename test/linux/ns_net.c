/* SPDX-License-Identifier: MIT */
/* Network namespaces: a loopback of their own, which is down at first, ports and
 * abstract names that nobody else has. */
#include "ns_help.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_in at(int port)
{
	return (struct sockaddr_in){ AF_INET, htons((uint16_t)port),
				     { htonl(INADDR_LOOPBACK) }, { 0 } };
}

static int tcp_listen(int port)
{
	struct sockaddr_in a = at(port);
	int s = must(socket(AF_INET, SOCK_STREAM, 0)), one = 1;

	must(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	if (bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 5))
		return -1;
	return s;
}

static int tcp_connect(int port)
{
	struct sockaddr_in a = at(port);
	int s = must(socket(AF_INET, SOCK_STREAM, 0));

	return connect(s, (struct sockaddr *)&a, sizeof(a)) ? -1 : s;
}

static int loopback_flags(short *flags, bool set)
{
	struct ifreq r = { .ifr_name = "lo" };
	int s = must(socket(AF_INET, SOCK_DGRAM, 0)), err;

	if (set)
		r.ifr_flags = *flags;
	err = ioctl(s, set ? SIOCSIFFLAGS : SIOCGIFFLAGS, &r);
	close(s);
	*flags = r.ifr_flags;
	return err;
}

static void loopback_up(void)
{
	short flags = IFF_UP;

	must(loopback_flags(&flags, true));
}

TEST(loopback_is_down_at_first)
{
	struct sockaddr_in a = at(4000);
	struct ifreq r = { .ifr_name = "lo" };
	int s, old = open_ns("net");
	short flags;

	become_root_of_new(CLONE_NEWNET);
	fact(!is_same(old, open_ns("net")));
	must(loopback_flags(&flags, false));
	say("flags %x", flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING));
	show(tcp_connect(4000));
	show_ok(tcp_listen(4000));
	s = must(socket(AF_INET, SOCK_DGRAM, 0));
	show(sendto(s, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)));
	show(ioctl(s, SIOCGIFADDR, &r));
	loopback_up();
	must(loopback_flags(&flags, false));
	say("flags %x", flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING));
	show_ok(tcp_connect(4000));
	show(ioctl(s, SIOCGIFADDR, &r));
	flags = 0;
	show(loopback_flags(&flags, true));
	say("flags %x", flags & (IFF_UP | IFF_LOOPBACK));
}

static int same_port(void *arg)
{
	int s, c;
	char b[8] = "";

	become_root_of_new(CLONE_NEWNET);
	loopback_up();
	show(tcp_connect(47110));
	s = show_ok(tcp_listen(47110));
	c = must(tcp_connect(47110));
	must(write(c, "inner", 5));
	c = must(accept(s, NULL, NULL));
	must(read(c, b, sizeof(b) - 1));
	say("%s", b);
	must(slurp("/proc/net/tcp"));
	say("port %s", strstr(slurped, ":B806") ? "shown" : "missing");
	show_ok(tcp_listen(80));
	return 0;
}

TEST(ports_of_their_own)
{
	int s;

	need_root();
	enter_new(CLONE_NEWNET);
	loopback_up();
	s = must(tcp_listen(47110));
	show_exit("child", spawn(same_port, NULL));
	must(fcntl(s, F_SETFL, O_NONBLOCK));
	show(accept(s, NULL, NULL));
}

static socklen_t abstract(struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){ AF_UNIX, "\0mica-ns-test" };
	return offsetof(struct sockaddr_un, sun_path) + 13;
}

TEST(abstract_names)
{
	int outer, s = must(socket(AF_UNIX, SOCK_STREAM, 0)), c;
	struct sockaddr_un a;
	socklen_t n = abstract(&a);

	become_root_of_new(CLONE_NEWNET);
	outer = open_ns("net");
	close(s);
	s = must(socket(AF_UNIX, SOCK_STREAM, 0));
	must(bind(s, (struct sockaddr *)&a, n));
	must(listen(s, 1));
	must(unshare(CLONE_NEWNET));
	c = must(socket(AF_UNIX, SOCK_STREAM, 0));
	show(connect(c, (struct sockaddr *)&a, n));
	show(bind(c, (struct sockaddr *)&a, n));
	must(setns(outer, 0));
	c = must(socket(AF_UNIX, SOCK_STREAM, 0));
	show(connect(c, (struct sockaddr *)&a, n));
}

/* A socket stays where it was made. */
TEST(sockets_stay)
{
	int s, c, old;
	struct sockaddr_in a = at(5000);

	become_root_of_new(CLONE_NEWNET);
	loopback_up();
	old = open_ns("net");
	s = must(tcp_listen(5000));
	c = must(socket(AF_INET, SOCK_STREAM, 0));
	must(unshare(CLONE_NEWNET));
	show(tcp_connect(5000));
	show(connect(c, (struct sockaddr *)&a, sizeof(a)));
	show_ok(accept(s, NULL, NULL));
	show(setns(old, CLONE_NEWNET));
	show_ok(tcp_connect(5000));
}

/* As ip(8) and bubblewrap bring the loopback up. */
TEST(up_by_netlink)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
	} q = { { sizeof(q), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
		{ .ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP } };
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char rest[256];
	} a;
	short flags;
	int s;

	become_root_of_new(CLONE_NEWNET);
	s = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	must(send(s, &q, sizeof(q), 0));
	must(recv(s, &a, sizeof(a), 0));
	say("type %d error %d", a.h.nlmsg_type, a.e.error);
	must(loopback_flags(&flags, false));
	fact(flags & IFF_UP);
	show(tcp_connect(4001));
}

static int in_parents(void *arg)
{
	become_root_of_new(0);
	show(tcp_listen(81));
	show(socket(AF_PACKET, SOCK_RAW, 0));
	short flags = IFF_UP;
	show(loopback_flags(&flags, true));
	return 0;
}

TEST(rights_of_the_owner)
{
	if (!geteuid())
		must(setresuid(65534, 65534, 65534));
	show_exit("child", spawn(in_parents, NULL));
}
