/* SPDX-License-Identifier: MIT */
/*
 * Netlink sockets. NETLINK_KOBJECT_UEVENT: nothing is ever told, for no device
 * comes or goes. NETLINK_ROUTE: dumps of interfaces, of addresses and
 * routes, which are the loopback's, and of the rules that Linux begins with.
 * Dumps of all else (neighbours) are empty.
 * Nothing can be changed but whether a space's own loopback is up, and no event
 * is ever told.
 * A request is answered at once, by one record in the sender's own queue.
 */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include "core/heap.h"
#include "lib/string.h"
#include "net/inet.h"
#include "net/netdev.h"
#include "net/netlink.h"
#include "net/unix.h"

#define REQUEST_MAX	65536u
#define REPLY_MAX	4096u	/* NETDEV_MAX interfaces, and the loopback */
#define OPER_UNKNOWN	0
#define OPER_DOWN	2
#define OPER_UP		6

/* sock->family; under sock->lock */
struct netlink {
	uint32_t port;
	uint32_t groups;
};

/* --- replies ----------------------------------------------------------------------*/
struct reply {
	const struct nlmsghdr *to;	/* the request */
	uint32_t port;
	struct net_space *space;
	struct sk_buf *buf;
	struct nlmsghdr *msg;		/* being written */
};

/* n zeroed bytes more in the current message. */
static void *put_space(struct reply *r, uint32_t n)
{
	void *p = r->buf->data + r->buf->len;

	n = NLMSG_ALIGN(n);
	memset(p, 0, n);
	r->buf->len += n;
	if (r->msg)
		r->msg->nlmsg_len += n;
	return p;
}

/* Begin a message with a body of n bytes. Returns the body. */
static void *put_message(struct reply *r, uint16_t type, uint16_t flags,
			 uint32_t n)
{
	struct nlmsghdr *h;

	r->msg = NULL;
	h = put_space(r, sizeof(*h));
	*h = (struct nlmsghdr){
		.nlmsg_len = sizeof(*h), .nlmsg_type = type,
		.nlmsg_flags = flags, .nlmsg_seq = r->to->nlmsg_seq,
		.nlmsg_pid = r->port,
	};
	r->msg = h;
	return put_space(r, n);
}

static void put_attr(struct reply *r, uint16_t type, const void *data,
		     uint32_t len)
{
	struct rtattr *a = put_space(r, (uint32_t)sizeof(*a) + len);

	a->rta_type = type;
	a->rta_len = (uint16_t)(sizeof(*a) + len);
	memcpy(a + 1, data, len);
}

static void put_attr32(struct reply *r, uint16_t type, uint32_t v)
{
	put_attr(r, type, &v, sizeof(v));
}

static void put_attr_text(struct reply *r, uint16_t type, const char *text)
{
	put_attr(r, type, text, (uint32_t)strlen(text) + 1);
}

/* --- what there is ------------------------------------------------------------------*/
/* d: NULL for the loopback. */
static void put_link(struct reply *r, const struct netdev *d, uint16_t flags)
{
	static const uint8_t no_mac[ETH_ADDR_BYTES];
	static const uint8_t all_macs[ETH_ADDR_BYTES] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff
	};
	struct ifinfomsg *i = put_message(r, RTM_NEWLINK, flags, sizeof(*i));
	uint8_t state = OPER_UNKNOWN, mode = 0;

	if (d) {
		i->ifi_type = NETDEV_ETHER;
		i->ifi_index = (int)d->index;
		i->ifi_flags = interface_flags(d);
		state = i->ifi_flags & INTERFACE_RUNNING ? OPER_UP : OPER_DOWN;
	} else {
		i->ifi_type = NETDEV_LOOPBACK;
		i->ifi_index = LOOPBACK_INDEX;
		i->ifi_flags = INTERFACE_LOOPBACK;
		if (net_space_is_up(r->space))
			i->ifi_flags |= INTERFACE_UP | INTERFACE_RUNNING;
		else
			state = OPER_DOWN;
	}
	if (i->ifi_flags & INTERFACE_RUNNING)
		i->ifi_flags |= INTERFACE_LOWER_UP;
	put_attr_text(r, IFLA_IFNAME, d ? d->name : LOOPBACK_NAME);
	put_attr32(r, IFLA_TXQLEN, d ? NETDEV_TX_QUEUE : LOOPBACK_TX_QUEUE);
	put_attr(r, IFLA_OPERSTATE, &state, sizeof(state));
	put_attr(r, IFLA_LINKMODE, &mode, sizeof(mode));
	put_attr32(r, IFLA_MTU, d ? d->mtu : LOOPBACK_MTU);
	put_attr32(r, IFLA_GROUP, 0);
	put_attr_text(r, IFLA_QDISC, d ? "pfifo_fast" : "noqueue");
	put_attr(r, IFLA_ADDRESS, d ? d->mac : no_mac, ETH_ADDR_BYTES);
	put_attr(r, IFLA_BROADCAST, d ? all_macs : no_mac, ETH_ADDR_BYTES);
}

static void put_links(struct reply *r)
{
	const struct netdev *d;

	put_link(r, NULL, NLM_F_MULTI);
	for (uint32_t n = 0; !r->space && (d = netdev_at(n)); n++)
		put_link(r, d, NLM_F_MULTI);
}

/* The loopback's address of one family. */
static void put_address(struct reply *r, uint8_t family)
{
	static const struct ifa_cacheinfo for_ever = {
		.ifa_prefered = UINT32_MAX, .ifa_valid = UINT32_MAX,
	};
	static const uint8_t one[16] = { [15] = 1 };
	struct ifaddrmsg *a = put_message(r, RTM_NEWADDR, NLM_F_MULTI,
					  sizeof(*a));
	bool v4 = family == AF_INET;

	*a = (struct ifaddrmsg){
		.ifa_family = family, .ifa_flags = IFA_F_PERMANENT,
		.ifa_prefixlen = v4 ? LOOPBACK_MASK_BITS : 128,
		.ifa_scope = RT_SCOPE_HOST, .ifa_index = LOOPBACK_INDEX,
	};
	if (v4) {
		put_attr32(r, IFA_ADDRESS, LOOPBACK_ADDRESS);
		put_attr32(r, IFA_LOCAL, LOOPBACK_ADDRESS);
		put_attr_text(r, IFA_LABEL, LOOPBACK_NAME);
	} else {
		put_attr(r, IFA_ADDRESS, one, sizeof(one));
	}
	put_attr32(r, IFA_FLAGS, IFA_F_PERMANENT);
	put_attr(r, IFA_CACHEINFO, &for_ever, sizeof(for_ever));
}

/* A route of the table "local" to what the loopback has; dst NULL: to ::1. */
static void put_route(struct reply *r, const uint8_t dst[4], uint8_t bits,
		      uint8_t type, uint8_t scope)
{
	static const uint8_t one[16] = { [15] = 1 };
	static const struct rta_cacheinfo none;
	static const uint8_t medium;
	struct rtmsg *m = put_message(r, RTM_NEWROUTE, NLM_F_MULTI,
				      sizeof(*m));

	*m = (struct rtmsg){
		.rtm_family = dst ? AF_INET : AF_INET6, .rtm_dst_len = bits,
		.rtm_table = RT_TABLE_LOCAL, .rtm_protocol = RTPROT_KERNEL,
		.rtm_scope = scope, .rtm_type = type,
	};
	put_attr32(r, RTA_TABLE, RT_TABLE_LOCAL);
	put_attr(r, RTA_DST, dst ? dst : one, dst ? 4 : 16);
	put_attr32(r, dst ? RTA_PREFSRC : RTA_PRIORITY,
		   dst ? LOOPBACK_ADDRESS : 0);
	put_attr32(r, RTA_OIF, LOOPBACK_INDEX);
	if (dst)
		return;
	put_attr(r, RTA_CACHEINFO, &none, sizeof(none));
	put_attr(r, RTA_PREF, &medium, sizeof(medium));
}

static void put_routes(struct reply *r, uint8_t family)
{
	static const uint8_t v4[3][4] = {
		{ 127 }, { 127, 0, 0, 1 }, { 127, 255, 255, 255 },
	};

	if (family == AF_INET6) {
		put_route(r, NULL, 128, RTN_LOCAL, RT_SCOPE_UNIVERSE);
		return;
	}
	put_route(r, v4[0], LOOPBACK_MASK_BITS, RTN_LOCAL, RT_SCOPE_HOST);
	put_route(r, v4[1], 32, RTN_LOCAL, RT_SCOPE_HOST);
	put_route(r, v4[2], 32, RTN_BROADCAST, RT_SCOPE_LINK);
}

/* Look into the tables local, main and, of IPv4, default. */
static void put_rules(struct reply *r, uint8_t family)
{
	static const uint16_t priorities[] = { 0, 32766, 32767 };
	static const uint8_t protocol = RTPROT_KERNEL;

	for (uint8_t i = 0; i < (family == AF_INET ? 3 : 2); i++) {
		struct fib_rule_hdr *h = put_message(r, RTM_NEWRULE,
						     NLM_F_MULTI, sizeof(*h));

		h->family = family;
		h->table = (uint8_t)(RT_TABLE_LOCAL - i);
		h->action = FR_ACT_TO_TBL;
		put_attr32(r, FRA_TABLE, h->table);
		put_attr32(r, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
		put_attr(r, FRA_PROTOCOL, &protocol, sizeof(protocol));
		if (i)
			put_attr32(r, FRA_PRIORITY, priorities[i]);
	}
}

/* --- requests -----------------------------------------------------------------------*/
/* The name that the request has in an attribute, terminated; or NULL. */
static const char *name_in(const struct nlmsghdr *h)
{
	uint32_t at = NLMSG_LENGTH(sizeof(struct ifinfomsg));
	const struct rtattr *a;

	for (; at + sizeof(*a) <= h->nlmsg_len; at += RTA_ALIGN(a->rta_len)) {
		a = (const struct rtattr *)((const uint8_t *)h + at);
		if (a->rta_len < sizeof(*a) || a->rta_len > h->nlmsg_len - at)
			break;
		if (a->rta_type == IFLA_IFNAME &&
		    memchr(a + 1, 0, a->rta_len - sizeof(*a)))
			return (const char *)(a + 1);
	}
	return NULL;
}

/* Answer what asks for one interface. Returns 0 or -errno. */
static int get_link(struct reply *r)
{
	const struct ifinfomsg *i = NLMSG_DATA(r->to);
	const char *name = name_in(r->to);
	const struct netdev *d = NULL;

	if (r->to->nlmsg_len < NLMSG_LENGTH(sizeof(*i)))
		return -EINVAL;
	if (i->ifi_index <= 0 && !name)
		return -EINVAL;
	if (i->ifi_index > 0 ? i->ifi_index != LOOPBACK_INDEX :
			       strcmp(name, LOOPBACK_NAME)) {
		d = i->ifi_index > 0 ? netdev_by_index((uint32_t)i->ifi_index) :
				       netdev_by_name(name);
		if (!d || r->space)
			return -ENODEV;
	}
	put_link(r, d, 0);
	return 0;
}

/* What is told of one family at a time. */
static void dump_family(struct reply *r, uint8_t family)
{
	uint16_t type = r->to->nlmsg_type;

	if (type != RTM_GETRULE && !net_space_is_up(r->space))
		return;
	if (type == RTM_GETADDR)
		put_address(r, family);
	else if (type == RTM_GETROUTE)
		put_routes(r, family);
	else if (type == RTM_GETRULE)
		put_rules(r, family);
}

static void dump(struct reply *r)
{
	const uint8_t *family = NLMSG_DATA(r->to);
	bool any = r->to->nlmsg_len <= NLMSG_HDRLEN || !*family;

	if (r->to->nlmsg_type == RTM_GETLINK)
		put_links(r);
	if (any || *family == AF_INET)
		dump_family(r, AF_INET);
	if (any || *family == AF_INET6)
		dump_family(r, AF_INET6);
	put_message(r, NLMSG_DONE, NLM_F_MULTI, sizeof(int));
}

/* The loopback of a space goes up and down; its addresses come with that, and
 * may be given before. There is no way to change anything else. */
static int change(const struct reply *r)
{
	const struct ifinfomsg *i = NLMSG_DATA(r->to);
	const struct ifaddrmsg *a = NLMSG_DATA(r->to);
	uint16_t type = r->to->nlmsg_type;

	if (!r->space || !sock_upcalls.may_admin(r->space))
		return -EPERM;
	if (type == RTM_NEWADDR && r->to->nlmsg_len >= NLMSG_LENGTH(sizeof(*a)))
		return a->ifa_index == LOOPBACK_INDEX ? 0 : -ENODEV;
	if ((type != RTM_NEWLINK && type != RTM_SETLINK) ||
	    r->to->nlmsg_len < NLMSG_LENGTH(sizeof(*i)))
		return -EOPNOTSUPP;
	if (i->ifi_index != LOOPBACK_INDEX &&
	    (i->ifi_index || !name_in(r->to) ||
	     strcmp(name_in(r->to), LOOPBACK_NAME)))
		return -EOPNOTSUPP;
	if (i->ifi_change & INTERFACE_UP || (!i->ifi_change && i->ifi_flags))
		__atomic_store_n(&r->space->loopback_is_up,
				 !!(i->ifi_flags & INTERFACE_UP),
				 __ATOMIC_RELAXED);
	return 0;
}

/* The reply's buffer is filled, or stays empty. */
static void answer(struct reply *r)
{
	uint16_t type = r->to->nlmsg_type, flags = r->to->nlmsg_flags;
	struct nlmsgerr *e;
	int err = 0;

	if (!(flags & NLM_F_REQUEST))
		return;
	if (type < NLMSG_MIN_TYPE)
		err = 0;
	else if (type < RTM_BASE || type > RTM_MAX)
		err = -EOPNOTSUPP;
	else if ((type & 3) != (RTM_GETLINK & 3))
		err = change(r);
	else if ((flags & NLM_F_DUMP) == NLM_F_DUMP)
		dump(r);
	else
		err = type == RTM_GETLINK ? get_link(r) : -EOPNOTSUPP;
	if (!err && (!(flags & NLM_F_ACK) || r->buf->len))
		return;
	e = put_message(r, NLMSG_ERROR, 0, sizeof(*e));
	e->error = err;
	e->msg = *r->to;
}

static int handle(struct sock *s, const struct nlmsghdr *h)
{
	struct netlink *nl = s->family;
	struct reply r = { .to = h, .port = nl->port, .space = s->space };

	r.buf = sk_buf_create(NULL, REPLY_MAX);
	if (!r.buf)
		return -ENOBUFS;
	r.buf->len = 0;
	answer(&r);
	if (!r.buf->len)
		sk_buf_free(r.buf);
	else if (sk_queue_record(s, r.buf))
		wait_wake_all(&s->wait, 0);
	return 0;
}

/* --- the calls ------------------------------------------------------------------------*/
static void take_port(struct sock *s)
{
	static uint32_t next = 1u << 31;	/* atomic; above all processes */
	struct netlink *nl = s->family;

	if (!nl->port)
		nl->port = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
}

static ssize_t netlink_send(struct sock *s, struct sock_msg *m)
{
	uint32_t len = (uint32_t)m->data->left, at = 0;
	uint8_t *request;
	ssize_t err = 0;

	sk_files_drop(m->files);
	m->files = NULL;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (s->protocol != NETLINK_ROUTE)
		return -ECONNREFUSED;
	if (m->data->left > REQUEST_MAX)
		return -EMSGSIZE;
	request = kmalloc(len);
	if (!request)
		return -ENOBUFS;
	take_port(s);
	if (m->data->move(m->data, request, len) != len)
		err = -EFAULT;
	while (!err && len - at >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *h;

		h = (const struct nlmsghdr *)(request + at);
		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > len - at)
			break;
		err = handle(s, h);
		at = MIN(len, at + NLMSG_ALIGN(h->nlmsg_len));
	}
	kfree(request);
	return err ? err : (ssize_t)len;
}

static int put_name(uint8_t addr[SOCK_NAME_MAX], uint32_t port, uint32_t groups)
{
	struct sockaddr_nl n = {
		.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups,
	};

	memcpy(addr, &n, sizeof(n));
	return sizeof(n);
}

/* All comes from the kernel: port 0. */
static struct unix_addr *netlink_from(struct sock *s, const struct sk_buf *b)
{
	uint8_t addr[SOCK_NAME_MAX];
	int len = put_name(addr, 0, 0);

	return unix_addr_create(addr, (uint32_t)len);
}

static int read_name(const uint8_t *addr, uint32_t len, struct sockaddr_nl *n)
{
	if (len < sizeof(*n))
		return -EINVAL;
	memcpy(n, addr, sizeof(*n));
	return n->nl_family == AF_NETLINK ? 0 : -EINVAL;
}

static int netlink_bind(struct sock *s, const uint8_t *addr, uint32_t len)
{
	struct netlink *nl = s->family;
	struct sockaddr_nl n;
	int err = read_name(addr, len, &n);

	if (err)
		return err;
	if (nl->port && n.nl_pid && n.nl_pid != nl->port)
		return -EINVAL;
	if (n.nl_pid)
		nl->port = n.nl_pid;
	take_port(s);
	nl->groups = n.nl_groups;
	return 0;
}

static int netlink_connect(struct sock *s, const uint8_t *addr, uint32_t len,
			   bool nonblock)
{
	struct sockaddr_nl n;
	int err = read_name(addr, len, &n);

	if (err)
		return err;
	take_port(s);
	return n.nl_pid ? -ECONNREFUSED : 0;
}

static int netlink_name(struct sock *s, bool peer, uint8_t addr[SOCK_NAME_MAX])
{
	struct netlink *nl = s->family;

	return peer ? put_name(addr, 0, 0) :
		      put_name(addr, nl->port, nl->groups);
}

static void netlink_release(struct sock *s)
{
	/* who still has a reference (mq_notify) queues nothing from here on */
	mutex_lock(&s->lock);
	s->released = true;
	mutex_unlock(&s->lock);
	sk_queue_purge(&s->queue);
	sock_put(s);
}

static const struct sock_names netlink_names = {
	.bind = netlink_bind,
	.connect = netlink_connect,
	.name = netlink_name,
};

static const struct sock_ops netlink_ops = {
	.names = &netlink_names,
	.send = netlink_send,
	.recv = unix_dgram_recv,
	.poll = unix_poll,
	.release = netlink_release,
	.from = netlink_from,
};

int netlink_create(uint32_t type, uint32_t protocol, struct sock **out)
{
	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != NETLINK_ROUTE && protocol != NETLINK_KOBJECT_UEVENT)
		return -EPROTONOSUPPORT;
	*out = sock_create(AF_NETLINK, type, &netlink_ops);
	if (!*out)
		return -ENOMEM;
	(*out)->protocol = protocol;
	(*out)->family = kzalloc(sizeof(struct netlink));
	if ((*out)->family)
		return 0;
	sock_put(*out);
	return -ENOMEM;
}
