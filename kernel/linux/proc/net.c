/* SPDX-License-Identifier: MIT */
/* /proc/net: the interfaces, sockets of TCP and UDP; headers of tables that are
 * empty. */
#include "linux/proc/proc.h"
#include "net/inet.h"
#include "net/netdev.h"
#include "linux/net_ns.h"

#define INET_HEADER "  sl  local_address rem_address   st tx_queue rx_queue " \
	"tr tm->when retrnsmt   uid  timeout inode\n"
#define INET6_HEADER "  sl  local_address                         " \
	"remote_address                        st tx_queue rx_queue tr " \
	"tm->when retrnsmt   uid  timeout inode\n"
#define UDP_HEADER "   sl  local_address rem_address   st tx_queue rx_queue " \
	"tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
#define UDP6_HEADER "  sl  local_address                         " \
	"remote_address                        st tx_queue rx_queue tr " \
	"tm->when retrnsmt   uid  timeout inode ref pointer drops\n"

static const char dev_text[] =
	"Inter-|   Receive                                                |"
	"  Transmit\n"
	" face |bytes    packets errs drop fifo frame compressed multicast|"
	"bytes    packets errs drop fifo colls carrier compressed\n"
	"    lo:       0       0    0    0    0     0          0         0"
	"        0       0    0    0    0     0       0          0\n";

static uint64_t load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static int show_dev(struct textbuf *t, struct pseudo_node *node)
{
	const struct netdev *d;

	textbuf_puts(t, dev_text);
	for (uint32_t i = 0; !net_ns_space() && (d = netdev_at(i)); i++) {
		const struct netdev_stats *s = &d->stats;

		textbuf_printf(t, "%6s: %7lu %7lu %4lu %4lu    0     0"
			       "          0 %9lu %8lu %7lu %4lu %4lu    0"
			       "     0       0          0\n", d->name,
			       load(&s->rx_bytes), load(&s->rx_packets),
			       load(&s->rx_errors), load(&s->rx_dropped),
			       load(&s->rx_multicast), load(&s->tx_bytes),
			       load(&s->tx_packets), load(&s->tx_errors),
			       load(&s->tx_dropped));
	}
	return 0;
}

/* --- sockets ------------------------------------------------------------------*/
struct socket_list {
	struct textbuf *t;
	uint32_t nr;
	bool v6, udp;
};

static void put_name(const struct socket_list *l, const struct inet_name *n)
{
	for (uint32_t i = l->v6 ? 0 : 3; i < 4; i++)
		textbuf_printf(l->t, "%08X", n->ip.w[i]);
	textbuf_printf(l->t, ":%04X ", n->port);
}

static void put_row(void *arg, const struct inet_row *r)
{
	struct socket_list *l = arg;

	textbuf_printf(l->t, l->udp ? "%5u: " : "%4u: ", l->nr++);
	put_name(l, &r->own);
	put_name(l, &r->peer);
	textbuf_printf(l->t, "%02X 00000000:%08X 00:00000000 00000000 %5u"
		       "        0 %lu %s", r->state, r->rx_bytes, r->uid,
		       r->id, l->udp ? "2 0000000000000000 " :
		       "1 0000000000000000 20 4 0 10 -1\n");
	if (l->udp)
		textbuf_printf(l->t, "%u\n", r->drops);
}

static int show_sockets(struct textbuf *t, bool v6, uint32_t type,
			uint32_t protocol)
{
	struct socket_list l = { t, 0, v6, type != SOCK_STREAM };

	textbuf_puts(t, l.udp ? (v6 ? UDP6_HEADER : UDP_HEADER) :
			v6 ? INET6_HEADER : INET_HEADER);
	inet_show(net_ns_space(), v6 ? AF_INET6 : AF_INET, type, protocol,
		  put_row, &l);
	return 0;
}

static int show_tcp(struct textbuf *t, struct pseudo_node *node)
{
	return show_sockets(t, false, SOCK_STREAM, 0);
}

static int show_tcp6(struct textbuf *t, struct pseudo_node *node)
{
	return show_sockets(t, true, SOCK_STREAM, 0);
}

static int show_udp(struct textbuf *t, struct pseudo_node *node)
{
	return show_sockets(t, false, SOCK_DGRAM, INET_UDP);
}

static int show_udp6(struct textbuf *t, struct pseudo_node *node)
{
	return show_sockets(t, true, SOCK_DGRAM, INET_UDP);
}

static int show_icmp(struct textbuf *t, struct pseudo_node *node)
{
	return show_sockets(t, false, SOCK_DGRAM, INET_ICMP);
}

static int show_icmp6(struct textbuf *t, struct pseudo_node *node)
{
	return show_sockets(t, true, SOCK_DGRAM, INET_ICMPV6);
}

static int show_raw(struct textbuf *t, struct pseudo_node *node)
{
	return show_sockets(t, false, SOCK_RAW, 0);
}

static int show_raw6(struct textbuf *t, struct pseudo_node *node)
{
	return show_sockets(t, true, SOCK_RAW, 0);
}

static const char snmp_text[] =
	"Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors "
	"ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests "
	"OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails "
	"FragOKs FragFails FragCreates\n"
	"Ip: 2 64 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

const struct pseudo_entry proc_net_table[] = {
	PROC_FILE("dev", show_dev),
	PROC_FILE("tcp", show_tcp),
	PROC_FILE("tcp6", show_tcp6),
	PROC_FILE("udp", show_udp),
	PROC_FILE("udp6", show_udp6),
	PROC_FILE("icmp", show_icmp),
	PROC_FILE("icmp6", show_icmp6),
	PROC_FILE("raw", show_raw),
	PROC_FILE("raw6", show_raw6),
	PROC_FILE("unix", proc_show_net_unix),
	PROC_TEXT("route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\t"
		  "Metric\tMask\t\tMTU\tWindow\tIRTT\n"),
	PROC_TEXT("arp", "IP address       HW type     Flags       "
		  "HW address            Mask     Device\n"),
	PROC_TEXT("if_inet6", "00000000000000000000000000000001 01 80 10 80"
		  "       lo\n"),
	PROC_TEXT("ipv6_route", ""),
	PROC_TEXT("snmp", snmp_text),
	PROC_TEXT("sockstat", "sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 "
		  "alloc 0 mem 0\nUDP: inuse 0 mem 0\n"),
	PROC_TEXT("netlink", "sk               Eth Pid        Groups   Rmem"
		  "     Wmem     Dump  Locks    Drops    Inode\n"),
	PROC_TEXT("packet", "sk       RefCnt Type Proto  Iface R Rmem   User"
		  "   Inode\n"),
	PROC_TEXT("protocols", "protocol  size sockets  memory press maxhdr  "
		  "slab module     cl co di ac io in de sh ss gs se re sp bi "
		  "br ha uh gp em\n"),
	{ }
};

int proc_show_net_unix(struct textbuf *t, struct pseudo_node *n)
{
	textbuf_puts(t, "Num       RefCount Protocol Flags    Type St Inode "
		     "Path\n");
	return 0;
}
