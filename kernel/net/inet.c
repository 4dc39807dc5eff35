/* SPDX-License-Identifier: MIT */
/* What all sockets of IP share: making, addresses of programs, names, /proc. */
#include <asm/socket.h>
#include "net/inet_priv.h"
#include "core/heap.h"
#include "lib/string.h"

#define V4_BYTES	16u	/* struct sockaddr_in */
#define V6_BYTES	28u	/* struct sockaddr_in6 */
#define V6_MIN_BYTES	24u	/* without the scope */
#define V6_IP_OFFSET	8u
#define MAPPED		__builtin_bswap32(0xffff)
#define V4_LOOPBACK	__builtin_bswap32(0x7f000001)
#define V4_LOOPBACK_BROADCAST	__builtin_bswap32(0x7fffffff)

struct sock *inet_new(uint32_t domain, uint32_t type, uint32_t protocol)
{
	const struct sock_ops *ops = type == SOCK_STREAM ? &tcp_ops :
		type == SOCK_DGRAM && protocol == INET_UDP ? &udp_ops :
							     &raw_ops;
	struct sock *s = sock_create(domain, type, ops);
	struct inet *in = s ? kzalloc(sizeof(*in)) : NULL;

	if (!in) {
		sock_put(s);
		return NULL;
	}
	s->family = in;
	s->protocol = protocol;
	in->sock = s;
	list_init(&in->link);
	list_init(&in->errors);
	if (domain == AF_INET)
		in->own.ip.w[2] = in->peer.ip.w[2] = in->bound.w[2] = MAPPED;
	if (ops == &raw_ops)
		s->flags |= 1u << SO_REUSEADDR;
	inet_option_defaults(s);
	return s;
}

static int create(uint32_t domain, uint32_t type, uint32_t protocol,
		  struct sock **out)
{
	uint32_t usual = type == SOCK_STREAM ? INET_TCP :
			 type == SOCK_DGRAM ? INET_UDP : protocol;
	uint32_t ping = domain == AF_INET ? INET_ICMP : INET_ICMPV6;

	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_RAW)
		return -ESOCKTNOSUPPORT;
	if (!protocol)
		protocol = usual;
	if (!protocol || protocol > INET_RAW ||
	    (protocol != usual && (type != SOCK_DGRAM || protocol != ping)))
		return -EPROTONOSUPPORT;
	*out = inet_new(domain, type, protocol);
	return *out ? 0 : -ENOMEM;
}

void inet_start(struct sock *s)
{
	struct inet *in = inet_of(s);

	if (s->type != SOCK_RAW)
		return;
	mutex_lock(&inet_lock);
	in->own.port = (uint16_t)s->protocol;	/* its name on Linux, too */
	in->port_bound = true;
	inet_enter_locked(s);
	mutex_unlock(&inet_lock);
}

int inet_create(uint32_t type, uint32_t protocol, struct sock **out)
{
	return create(AF_INET, type, protocol, out);
}

int inet6_create(uint32_t type, uint32_t protocol, struct sock **out)
{
	return create(AF_INET6, type, protocol, out);
}

/* --- addresses ----------------------------------------------------------------------*/
bool inet_ip_is_any(const union inet_ip *ip)
{
	return !ip->w[3] && !ip->q[0] && (!ip->w[2] || ip->w[2] == MAPPED);
}

bool inet_is_local(const union inet_ip *ip)
{
	if (inet_ip_is_v4(ip))
		return ip->b[12] == 127;
	return !ip->q[0] && !ip->w[2] && ip->w[3] == __builtin_bswap32(1);
}

static uint16_t family_of(const uint8_t *addr)
{
	return (uint16_t)(addr[0] | addr[1] << 8);
}

uint16_t inet_port_of(const uint8_t *addr, uint32_t len)
{
	return len < V4_BYTES ? 0 : (uint16_t)(addr[2] << 8 | addr[3]);
}

bool inet_is_unspec(const uint8_t *addr, uint32_t len)
{
	return len >= 2 && family_of(addr) == AF_UNSPEC;
}

static void read_v4(const uint8_t *addr, struct inet_name *n)
{
	*n = (struct inet_name){ .port = inet_port_of(addr, V4_BYTES) };
	n->ip.w[2] = MAPPED;
	memcpy(&n->ip.w[3], addr + 4, 4);
}

/* mixed: IPv6 sockets take IPv4's addresses, too. */
static int read_name(const struct sock *s, const uint8_t *addr, uint32_t len,
		     bool mixed, struct inet_name *n)
{
	uint16_t family = len < 2 ? AF_UNSPEC : family_of(addr);

	if (s->domain == AF_INET || (mixed && family == AF_INET)) {
		if (len < V4_BYTES)
			return -EINVAL;
		read_v4(addr, n);
		/* as ever: bind takes "any" without a family */
		if (family == AF_UNSPEC && !mixed && !n->ip.w[3])
			return 0;
		return family == AF_INET ? 0 : -EAFNOSUPPORT;
	}
	if (len < V6_MIN_BYTES)
		return -EINVAL;
	if (family != AF_INET6)
		return -EAFNOSUPPORT;
	n->port = inet_port_of(addr, len);
	memcpy(&n->ip, addr + V6_IP_OFFSET, sizeof(n->ip));
	return 0;
}

int inet_read_own(const struct sock *s, const uint8_t *addr, uint32_t len,
		  struct inet_name *n)
{
	int err = read_name(s, addr, len, false, n);

	if (err)
		return err;
	if (inet_ip_is_v4(&n->ip) && inet_is_v6only(s))
		return -EINVAL;
	return inet_ip_is_any(&n->ip) || inet_is_local(&n->ip) ? 0 :
							     -EADDRNOTAVAIL;
}

int inet_read_destination(const struct sock *s, const uint8_t *addr,
			  uint32_t len, struct inet_name *n)
{
	const union inet_ip *own = &inet_of(s)->own.ip;
	int err = read_name(s, addr, len,
			    s->domain == AF_INET || s->ops == &udp_ops, n);

	if (err)
		return err;
	/* "any" is the loopback's; "::" of a socket that has an IPv4 address
	 * is that family's */
	if (inet_ip_is_any(&n->ip)) {
		if (inet_ip_is_v4(own))
			n->ip.w[2] = MAPPED;
		n->ip.w[3] = inet_ip_is_v4(&n->ip) ? V4_LOOPBACK :
						     __builtin_bswap32(1);
	}
	if (inet_ip_is_v4(&n->ip) && (n->ip.w[3] == UINT32_MAX ||
				      n->ip.w[3] == V4_LOOPBACK_BROADCAST) &&
	    s->type != SOCK_STREAM && !(s->flags & 1u << SO_BROADCAST))
		return -EACCES;
	if (!inet_is_local(&n->ip) || !net_space_is_up(s->space) ||
	    (inet_ip_is_v4(&n->ip) ? inet_is_v6only(s) : inet_ip_is_v4(own)) ||
	    (!inet_ip_is_any(own) &&
	     inet_ip_is_v4(own) != inet_ip_is_v4(&n->ip)))
		return -ENETUNREACH;
	return 0;
}

void inet_source(const union inet_ip *to, union inet_ip *own)
{
	if (!inet_ip_is_any(own))
		return;
	*own = *to;
	if (inet_ip_is_v4(to))
		own->w[3] = V4_LOOPBACK;
}

int inet_write_name(uint32_t domain, const struct inet_name *n, uint8_t *addr)
{
	memset(addr, 0, V6_BYTES);
	addr[0] = (uint8_t)domain;
	addr[2] = (uint8_t)(n->port >> 8);
	addr[3] = (uint8_t)n->port;
	if (domain == AF_INET) {
		memcpy(addr + 4, &n->ip.w[3], 4);
		return V4_BYTES;
	}
	memcpy(addr + V6_IP_OFFSET, &n->ip, sizeof(n->ip));
	return V6_BYTES;
}

int inet_name(struct sock *s, bool peer, uint8_t addr[SOCK_NAME_MAX])
{
	struct inet *in = inet_of(s);
	enum tcp_state state;
	int n;

	mutex_lock(&inet_lock);
	state = inet_state(s);
	if (peer && (!in->peer.port || state == TCP_CLOSE ||
		     state == TCP_SYN_SENT))
		n = -ENOTCONN;
	else
		n = inet_write_name(s->domain, peer ? &in->peer : &in->own,
				    addr);
	mutex_unlock(&inet_lock);
	return n;
}

enum tcp_state inet_state(const struct sock *s)
{
	const struct inet *in = inet_of(s);
	bool fin_sent = s->shutdown & SHUT_SEND;

	if (s->type != SOCK_STREAM)
		return inet_ip_is_any(&in->peer.ip) ? TCP_CLOSE :
						      TCP_ESTABLISHED;
	if (s->state == SOCK_LISTENING)
		return TCP_LISTEN;
	if (in->half)
		return TCP_SYN_SENT;
	if (s->state != SOCK_CONNECTED || in->reset ||
	    (in->fin_received && fin_sent))
		return TCP_CLOSE;
	return in->fin_received ? TCP_CLOSE_WAIT :
	       fin_sent ? TCP_FIN_WAIT2 : TCP_ESTABLISHED;
}

/* --- queues --------------------------------------------------------------------------*/
uint32_t inet_unsent_bytes(struct sock *s)
{
	uint64_t n = 0;
	struct sock *peer;

	if (s->type != SOCK_STREAM)
		return 0;
	mutex_lock(&inet_lock);
	peer = s->state == SOCK_CONNECTED ? s->peer : NULL;
	if (peer && peer->queue_bytes > peer->rcvbuf)
		n = peer->queue_bytes - peer->rcvbuf;
	mutex_unlock(&inet_lock);
	return (uint32_t)n;
}

bool inet_is_at_mark(struct sock *s)
{
	bool is;

	mutex_lock(&s->lock);
	is = !list_is_empty(&s->queue) &&
	     list_first(&s->queue, struct sk_buf, link)->urgent == SK_MARK;
	mutex_unlock(&s->lock);
	return is;
}
