/* SPDX-License-Identifier: MIT */
/* What is told about the loopback and its sockets: ioctls, /proc/net. */
#include "inet_help.h"

#include <net/if.h>

static void show_address(int fd, unsigned long cmd, const char *what)
{
	struct ifreq r = { .ifr_name = "lo" };
	char text[32];

	if (ioctl(fd, cmd, &r)) {
		say("%s: %s", what, err_name(errno));
		return;
	}
	inet_ntop(AF_INET, &((struct sockaddr_in *)&r.ifr_addr)->sin_addr, text,
		  sizeof(text));
	say("%s: %s, %d", what, text, r.ifr_addr.sa_family);
}

TEST(loopback)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd = udp(AF_INET);

	show(ioctl(fd, SIOCGIFFLAGS, &r));
	num(r.ifr_flags);
	show(ioctl(fd, SIOCGIFINDEX, &r));
	num(r.ifr_ifindex);
	show(ioctl(fd, SIOCGIFMTU, &r));
	num(r.ifr_mtu);
	show(ioctl(fd, SIOCGIFHWADDR, &r));
	num(r.ifr_hwaddr.sa_family);
	show_address(fd, SIOCGIFADDR, "address");
	show_address(fd, SIOCGIFNETMASK, "mask");
	show_address(fd, SIOCGIFBRDADDR, "broadcast");
	show_address(fd, SIOCGIFDSTADDR, "destination");
	r.ifr_ifindex = 1;
	show(ioctl(fd, SIOCGIFNAME, &r));
	say("%s", r.ifr_name);
	strcpy(r.ifr_name, "none0");
	show(ioctl(fd, SIOCGIFADDR, &r));
	num(if_nametoindex("lo"));
}

TEST(list)
{
	struct ifreq r[16];
	struct ifconf c = { .ifc_len = sizeof(r), .ifc_req = r };
	int fd = udp(AF_INET), found = 0;

	show(ioctl(fd, SIOCGIFCONF, &c));
	for (size_t i = 0; i < c.ifc_len / sizeof(r[0]); i++)
		found += !strcmp(r[i].ifr_name, "lo") &&
			 ((struct sockaddr_in *)&r[i].ifr_addr)->sin_addr.s_addr
			 == htonl(INADDR_LOOPBACK);
	num(found);
	c.ifc_len = 0;
	c.ifc_req = NULL;
	show(ioctl(fd, SIOCGIFCONF, &c));
	fact(c.ifc_len >= (int)sizeof(r[0]));
}

/* The line of a socket in a file of /proc/net: what must be the same. */
static void show_line(const char *file, int fd, int peer_port)
{
	char path[32], *line, *end;
	unsigned int state, rx, local, remote;
	unsigned long ino, uid;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/net/%s", file);
	must(slurp(path));
	must(fstat(fd, &st));
	for (line = strchr(slurped, '\n'); line; line = end) {
		line++;
		end = strchr(line, '\n');
		if (sscanf(line, "%*d: %*[0-9A-F]:%x %*[0-9A-F]:%x %x %*x:%x "
			   "%*x:%*x %*x %lu %*u %lu", &local, &remote, &state,
			   &rx, &uid, &ino) == 6 && ino == st.st_ino) {
			say("%s: state %u, rx %u, own port %d, peer port %d, "
			    "uid %d", file, state, state == 8 ? 0 : rx,
			    (int)local == port_of(fd), (int)remote == peer_port,
			    uid == geteuid());
			return;
		}
	}
	say("%s: none", file);
}

TEST(proc_net)
{
	int s[2], l = listener(AF_INET, 5), l6 = listener(AF_INET6, 5), u[2];

	tcp_pair(AF_INET, s);
	udp_pair(AF_INET, u);
	show_line("tcp", l, 0);
	show_line("tcp6", l6, 0);
	show_line("tcp", l6, 0);
	must(connect_to(tcp(AF_INET), own_name(l)));
	show_line("tcp", l, 0);
	show_line("tcp", s[0], port_of(s[1]));
	show_line("tcp", s[1], port_of(s[0]));
	must(shutdown(s[0], SHUT_WR));
	wait_for(s[1], POLLIN);
	sleep_ms(20);
	show_line("tcp", s[1], port_of(s[0]));
	show_line("udp", u[1], 0);
	show_line("udp", u[0], port_of(u[1]));
	udp_pair(AF_INET6, u);
	show_line("udp6", u[0], port_of(u[1]));
	show_line("tcp", tcp(AF_INET), 0);
}

TEST(addresses_in_proc_net)
{
	int l = tcp(AF_INET6), k = tcp(AF_INET);
	char want[100];

	must(bind_to(l, name6("::ffff:127.0.0.1", 0)));
	must(listen(l, 1));
	must(slurp("/proc/net/tcp6"));
	sprintf(want, ": 0000000000000000FFFF00000100007F:%04X 0000000000000000"
		"0000000000000000:0000 0A ", port_of(l));
	fact(strstr(slurped, want));
	must(bind_to(k, name4("127.0.0.2", 0)));
	must(listen(k, 1));
	must(slurp("/proc/net/tcp"));
	sprintf(want, ": 0200007F:%04X 00000000:0000 0A ", port_of(k));
	fact(strstr(slurped, want));
}
