/* SPDX-License-Identifier: MIT */
/*
 * Options of AF_INET and AF_INET6 sockets. Most are numbers that are kept and
 * given back: where nothing is sent in packets, they change nothing. A table
 * says their range; a socket has its values in the table's order.
 */
#include <linux/tcp.h>
#include "lib/string.h"
#include "net/inet_priv.h"
#include "net/netdev.h"

enum {
	IP_TOS = 1, IP_TTL = 2, IP_HDRINCL = 3, IP_RECVOPTS = 6,
	IP_RETOPTS = 7, IP_PKTINFO = 8, IP_MTU_DISCOVER = 10,
	IP_RECVERR = 11, IP_RECVTTL = 12, IP_RECVTOS = 13, IP_MTU = 14,
	IP_FREEBIND = 15, IP_BIND_ADDRESS_NO_PORT = 24, IP_MULTICAST_TTL = 33,
	IP_MULTICAST_LOOP = 34,
	IPV6_UNICAST_HOPS = 16, IPV6_MULTICAST_HOPS = 18,
	IPV6_MULTICAST_LOOP = 19, IPV6_MTU_DISCOVER = 23, IPV6_MTU = 24,
	IPV6_RECVERR = 25, IPV6_V6ONLY = 26, IPV6_RECVPKTINFO = 49,
	IPV6_PKTINFO = 50, IPV6_RECVHOPLIMIT = 51, IPV6_HOPLIMIT = 52, IPV6_DONTFRAG = 62, IPV6_RECVTCLASS = 66,
	IPV6_TCLASS = 67, IPV6_CHECKSUM = 7, IPV6_2292HOPLIMIT = 8,
	ICMP_FILTER = 1, ICMP6_FILTER = 1,
};

#define EXTENDED_ERR_BYTES	16u
#define LOOPBACK_MSS	65483
#define DEFAULT_MSS	536

/* kinds of numbers */
enum {
	BOOL = 1,		/* any value but 0 is 1 */
	BYTE = 2,		/* one byte is enough for it */
	UNSET = 4,		/* -1 stands for the default */
};

static const struct option {
	uint8_t level, nr, kind;
	int8_t min;
	int32_t max;
	int16_t preset;
} options[] = {
	{ SOL_IP, IP_TOS, BYTE, 0, 255, 0 },
	{ SOL_IP, IP_TTL, BYTE | UNSET, 1, 255, 64 },
	{ SOL_IP, IP_HDRINCL, BYTE | BOOL, 0, 1, 0 },
	{ SOL_IP, IP_RECVOPTS, BYTE | BOOL, 0, 1, 0 },
	{ SOL_IP, IP_RETOPTS, BYTE | BOOL, 0, 1, 0 },
	{ SOL_IP, IP_PKTINFO, BYTE | BOOL, 0, 1, 0 },
	{ SOL_IP, IP_MTU_DISCOVER, BYTE, 0, 5, 1 },
	{ SOL_IP, IP_RECVERR, BYTE | BOOL, 0, 1, 0 },
	{ SOL_IP, IP_RECVTTL, BYTE | BOOL, 0, 1, 0 },
	{ SOL_IP, IP_RECVTOS, BYTE | BOOL, 0, 1, 0 },
	{ SOL_IP, IP_FREEBIND, BYTE | BOOL, 0, 1, 0 },
	{ SOL_IP, IP_BIND_ADDRESS_NO_PORT, BYTE | BOOL, 0, 1, 0 },
	{ SOL_IP, IP_MULTICAST_TTL, BYTE | UNSET, 0, 255, 1 },
	{ SOL_IP, IP_MULTICAST_LOOP, BYTE | BOOL, 0, 1, 1 },
	{ SOL_IPV6, IPV6_2292HOPLIMIT, BOOL, 0, 1, 0 },
	{ SOL_IPV6, IPV6_UNICAST_HOPS, UNSET, 0, 255, 64 },
	{ SOL_IPV6, IPV6_MULTICAST_HOPS, UNSET, 0, 255, 1 },
	{ SOL_IPV6, IPV6_MULTICAST_LOOP, 0, 0, 1, 1 },
	{ SOL_IPV6, IPV6_MTU_DISCOVER, 0, 0, 5, 1 },
	{ SOL_IPV6, IPV6_RECVERR, BOOL, 0, 1, 0 },
	{ SOL_IPV6, IPV6_V6ONLY, BOOL, 0, 1, 0 },
	{ SOL_IPV6, IPV6_RECVPKTINFO, BOOL, 0, 1, 0 },
	{ SOL_IPV6, IPV6_RECVHOPLIMIT, BOOL, 0, 1, 0 },
	{ SOL_IPV6, IPV6_DONTFRAG, BOOL, 0, 1, 0 },
	{ SOL_IPV6, IPV6_RECVTCLASS, BOOL, 0, 1, 0 },
	{ SOL_IPV6, IPV6_TCLASS, UNSET, 0, 255, 0 },
	{ SOL_TCP, TCP_NODELAY, BOOL, 0, 1, 0 },
	{ SOL_TCP, TCP_MAXSEG, 0, 88, 32767, 0 },
	{ SOL_TCP, TCP_CORK, BOOL, 0, 1, 0 },
	{ SOL_TCP, TCP_KEEPIDLE, 0, 1, 32767, 7200 },
	{ SOL_TCP, TCP_KEEPINTVL, 0, 1, 32767, 75 },
	{ SOL_TCP, TCP_KEEPCNT, 0, 1, 127, 9 },
	{ SOL_TCP, TCP_SYNCNT, 0, 1, 127, 6 },
	{ SOL_TCP, TCP_LINGER2, 0, -128, INT32_MAX, 60 },
	{ SOL_TCP, TCP_DEFER_ACCEPT, 0, -128, INT32_MAX, 0 },
	{ SOL_TCP, TCP_WINDOW_CLAMP, 0, 0, INT32_MAX, 0 },
	{ SOL_TCP, TCP_QUICKACK, BOOL, 0, 1, 1 },
	{ SOL_TCP, TCP_USER_TIMEOUT, 0, 0, INT32_MAX, 0 },
	{ SOL_TCP, TCP_FASTOPEN, 0, 0, INT32_MAX, 0 },
	{ SOL_TCP, TCP_NOTSENT_LOWAT, 0, -128, INT32_MAX, 0 },
	{ SOL_RAW, IPV6_CHECKSUM, 0, -128, INT32_MAX, -1 },
};
_Static_assert(ARRAY_LEN(options) <= INET_NR_OPTIONS, "INET_NR_OPTIONS");

/* Its place in the table, or -1. */
static int find(uint32_t level, uint32_t nr)
{
	for (uint32_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].level == level && options[i].nr == nr)
			return (int)i;
	return -1;
}

static int32_t *place_of(const struct sock *s, uint32_t level, uint32_t nr)
{
	return &inet_of(s)->opt[find(level, nr)];
}

void inet_option_defaults(const struct sock *s)
{
	for (uint32_t i = 0; i < ARRAY_LEN(options); i++)
		inet_of(s)->opt[i] = options[i].preset;
	if (s->type == SOCK_RAW && s->protocol == INET_RAW)
		*place_of(s, SOL_IP, IP_HDRINCL) = 1;
	if (s->protocol == INET_ICMPV6)
		*place_of(s, SOL_RAW, IPV6_CHECKSUM) = 2;
	if (s->domain == AF_INET6 && s->ops == &raw_ops)
		*place_of(s, SOL_IPV6, IPV6_V6ONLY) = 1;
}

static int32_t value_of(const struct sock *s, uint32_t level, uint32_t nr)
{
	return *place_of(s, level, nr);
}

bool inet_has_header(const struct sock *s)
{
	return value_of(s, SOL_IP, IP_HDRINCL);
}

int32_t inet_checksum_at(const struct sock *s)
{
	return value_of(s, SOL_RAW, IPV6_CHECKSUM);
}

bool inet_is_v6only(const struct sock *s)
{
	return s->domain == AF_INET6 && value_of(s, SOL_IPV6, IPV6_V6ONLY);
}

bool inet_wants_errors(const struct sock *s)
{
	return s->domain == AF_INET ? value_of(s, SOL_IP, IP_RECVERR) :
				      value_of(s, SOL_IPV6, IPV6_RECVERR);
}

/* Options of this level that s can have. */
static bool has_level(const struct sock *s, uint32_t level)
{
	switch (level) {
	case SOL_IP:
		return true;
	case SOL_IPV6:
		return s->domain == AF_INET6;
	case SOL_TCP:
		return s->type == SOCK_STREAM;
	case SOL_ICMPV6:
	case SOL_RAW:
		return s->type == SOCK_RAW;
	default:
		return false;
	}
}

/* --- setting --------------------------------------------------------------------------*/
static int set_number(struct sock *s, const struct option *o, int32_t *at,
		      int32_t v)
{
	if (o->kind & BOOL)
		v = v != 0;
	if (o->kind & UNSET && v == -1)
		v = o->preset;
	if (o->level == SOL_RAW) {	/* IPV6_CHECKSUM */
		if (v > 0 && v & 1)
			return -EINVAL;
		v = MAX(v, -1);
	}
	if (v < (o->min == -128 ? INT32_MIN : o->min) || v > o->max)
		return -EINVAL;
	/* not once others count on the family of its port */
	if (o->level == SOL_IPV6 && o->nr == IPV6_V6ONLY &&
	    inet_of(s)->own.port)
		return -EINVAL;
	*at = v;
	return 0;
}

/* Is that the filter of this socket? */
static bool is_filter(const struct sock *s, uint32_t level, uint32_t opt)
{
	return opt == ICMP_FILTER && s->type == SOCK_RAW &&
	       level == (s->domain == AF_INET ? SOL_RAW : SOL_ICMPV6);
}

/* It is of SOL_RAW, too. */
static bool is_checksum(const struct sock *s, uint32_t level, uint32_t opt)
{
	return level == SOL_IPV6 && opt == IPV6_CHECKSUM &&
	       s->type == SOCK_RAW;
}

static uint32_t filter_size(const struct sock *s)
{
	return s->protocol == INET_ICMP ? sizeof(uint32_t) :
	       s->protocol == INET_ICMPV6 ? sizeof(inet_of(s)->filter) : 0;
}

int inet_set_option(struct sock *s, uint32_t level, uint32_t opt,
		    const uint8_t *v, uint32_t len)
{
	int32_t n;
	int at;

	if (!has_level(s, level))
		return -ENOPROTOOPT;
	if (is_checksum(s, level, opt)) {
		if (s->protocol == INET_ICMPV6)
			return -EINVAL;
		level = SOL_RAW;
	}
	at = find(level, opt);
	if (is_filter(s, level, opt)) {
		if (!filter_size(s))
			return -EOPNOTSUPP;
		memcpy(inet_of(s)->filter, v, MIN(len, filter_size(s)));
		return 0;
	}
	if (level == SOL_TCP && opt == TCP_CONGESTION)
		return len >= 4 && !memcmp(v, "reno", 4) ? 0 : -ENOENT;
	if (at < 0 || (options[at].nr == IP_HDRINCL && !level &&
		       s->type != SOCK_RAW))
		return -ENOPROTOOPT;
	if (len < sizeof(n) && !(len && options[at].kind & BYTE))
		return -EINVAL;
	if (len < sizeof(n))
		n = v[0];
	else
		memcpy(&n, v, sizeof(n));
	return set_number(s, &options[at], &inet_of(s)->opt[at], n);
}

/* --- asking ---------------------------------------------------------------------------*/
static int get_info(struct sock *s, uint8_t *v, uint32_t len)
{
	struct tcp_info i = { .tcpi_state = (uint8_t)inet_state(s) };

	i.tcpi_snd_mss = i.tcpi_rcv_mss = i.tcpi_advmss = LOOPBACK_MSS;
	i.tcpi_pmtu = LOOPBACK_MTU;
	i.tcpi_rto = 200000;
	i.tcpi_snd_cwnd = 10;
	i.tcpi_snd_ssthresh = INT32_MAX;
	i.tcpi_rcv_space = s->rcvbuf;
	i.tcpi_notsent_bytes = inet_unsent_bytes(s);
	if (s->state == SOCK_LISTENING) {
		i.tcpi_unacked = s->accept_len;
		i.tcpi_sacked = s->backlog;
	}
	len = MIN(len, (uint32_t)sizeof(i));
	memcpy(v, &i, len);
	return (int)len;
}

/* What is not a plain number of the table. Returns 1: it is one. */
static int get_special(struct sock *s, uint32_t level, uint32_t opt,
		       int32_t *n)
{
	bool connected = s->type == SOCK_STREAM ? inet_of(s)->peer.port :
			 inet_state(s) == TCP_ESTABLISHED;

	if (level == SOL_TCP && opt == TCP_MAXSEG && !*n)
		*n = connected ? LOOPBACK_MSS : DEFAULT_MSS;
	if ((level == SOL_IP && opt == IP_MTU) ||
	    (level == SOL_IPV6 && opt == IPV6_MTU)) {
		*n = LOOPBACK_MTU;
		return connected ? 0 : -ENOTCONN;
	}
	return 1;
}

int inet_get_option(struct sock *s, uint32_t level, uint32_t opt,
		    uint8_t v[INET_OPTION_MAX], uint32_t len)
{
	int at = find(is_checksum(s, level, opt) ? SOL_RAW : level, opt), err;
	int32_t n = at < 0 ? 0 : inet_of(s)->opt[at];

	if (!has_level(s, level))
		return -EOPNOTSUPP;
	if (is_filter(s, level, opt)) {
		if (!filter_size(s))
			return -EOPNOTSUPP;
		len = MIN(len, filter_size(s));
		memcpy(v, inet_of(s)->filter, len);
		return (int)len;
	}
	if (level == SOL_TCP && opt == TCP_INFO)
		return get_info(s, v, len);
	if (level == SOL_TCP && opt == TCP_CONGESTION) {
		memset(v, 0, 16);
		memcpy(v, "reno", 4);
		return (int)MIN(len, 16u);
	}
	err = get_special(s, level, opt, &n);
	if (err < 0)
		return err;
	if (err && at < 0)
		return -ENOPROTOOPT;
	if (level == SOL_IP && len && len < sizeof(n) && n >= 0 && n <= 255) {
		v[0] = (uint8_t)n;
		return 1;
	}
	memcpy(v, &n, sizeof(n));
	return (int)MIN(len, (uint32_t)sizeof(n));
}

/* --- control messages -----------------------------------------------------------------*/
static const struct control {
	uint8_t level, type, option;
	enum { IS_NAME, IS_HOPS, IS_TOS } what;
} controls[] = {
	{ SOL_IP, IP_PKTINFO, IP_PKTINFO, IS_NAME },
	{ SOL_IP, IP_TTL, IP_RECVTTL, IS_HOPS },
	{ SOL_IP, IP_TOS, IP_RECVTOS, IS_TOS },
	{ SOL_IPV6, IPV6_PKTINFO, IPV6_RECVPKTINFO, IS_NAME },
	{ SOL_IPV6, IPV6_HOPLIMIT, IPV6_RECVHOPLIMIT, IS_HOPS },
	{ SOL_IPV6, IPV6_2292HOPLIMIT, IPV6_2292HOPLIMIT, IS_HOPS },
	{ SOL_IPV6, IPV6_TCLASS, IPV6_RECVTCLASS, IS_TOS },
};

void inet_fill_packet(const struct sock *s, struct sock_msg *m)
{
	bool v4 = s->domain == AF_INET;
	uint32_t level = v4 ? SOL_IP : SOL_IPV6;

	if (!m->hops)
		m->hops = (uint16_t)(1 + value_of(s, level, v4 ? IP_TTL :
						  IPV6_UNICAST_HOPS));
	if (!m->tos)
		m->tos = (uint16_t)(1 + value_of(s, level, v4 ? IP_TOS :
						 IPV6_TCLASS));
}

int inet_read_control(struct sock_msg *m, int level, int type,
		      const void *data, size_t len)
{
	for (uint32_t i = 0; i < ARRAY_LEN(controls); i++) {
		const struct control *k = &controls[i];
		int32_t v;

		if (k->level != level || k->type != type || k->what == IS_NAME)
			continue;
		if (len < sizeof(v))
			return -EINVAL;
		memcpy(&v, data, sizeof(v));
		if (v < -1 || v > 255)
			return -EINVAL;
		if (k->what == IS_HOPS)
			m->hops = (uint16_t)(v + 1);
		else
			m->tos = (uint16_t)(v + 1);
	}
	return 0;
}

static void fill_control(const struct control *k, const struct sock_msg *m,
			 struct inet_control *c)
{
	int32_t v[5] = { k->what == IS_HOPS ? m->hops : m->tos };

	*c = (struct inet_control){ k->level, k->type, sizeof(v[0]), { 0 } };
	if (k->what == IS_NAME && k->level == SOL_IP) {
		/* struct in_pktinfo */
		v[0] = LOOPBACK_INDEX;
		memcpy(&v[1], m->at + 12, 4);
		memcpy(&v[2], m->at + 12, 4);
		c->len = 12;
	} else if (k->what == IS_NAME) {
		/* struct in6_pktinfo */
		memcpy(v, m->at, sizeof(m->at));
		v[4] = LOOPBACK_INDEX;
		c->len = sizeof(v);
	} else if (k->type == IP_TOS && k->level == SOL_IP) {
		c->len = 1;
	}
	memcpy(c->data, v, sizeof(v));
}

/* struct sock_extended_err and the address of who did not take it. */
static void fill_error(uint32_t level, const struct sock_msg *m,
		       struct inet_control *c)
{
	union inet_ip at;
	bool v4;

	memcpy(&at, m->at, sizeof(at));
	v4 = inet_ip_is_v4(&at);
	*c = (struct inet_control){
		.level = (int)level,
		.type = level == SOL_IP ? IP_RECVERR : IPV6_RECVERR,
		.len = EXTENDED_ERR_BYTES,
		.data = { ECONNREFUSED, [4] = v4 ? 2 : 3, v4 ? 3 : 1,
			  v4 ? 3 : 4 },
	};
	c->len += (uint32_t)inet_write_name(level == SOL_IP ? AF_INET :
					    AF_INET6,
					    &(struct inet_name){ .ip = at },
					    c->data + c->len);
}

bool inet_next_control(const struct sock *s, const struct sock_msg *m,
		       uint32_t n, struct inet_control *c)
{
	uint32_t level = s->domain == AF_INET ? SOL_IP : SOL_IPV6;

	if (!inet_is(s) || s->type == SOCK_STREAM)
		return false;
	for (uint32_t i = 0; i < ARRAY_LEN(controls); i++) {
		if (controls[i].level != level ||
		    !value_of(s, level, controls[i].option) || n--)
			continue;
		fill_control(&controls[i], m, c);
		return true;
	}
	if (n || !(m->out_flags & MSG_ERRQUEUE))
		return false;
	fill_error(level, m, c);
	return true;
}
