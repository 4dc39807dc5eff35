/* SPDX-License-Identifier: MIT */
/* What the files of AF_INET and AF_INET6 share. */
#pragma once
#include "net/inet.h"

#define INET_NR_OPTIONS	42u

/* sock->family. All under inet_lock unless said otherwise; a socket's own
 * names and flags are read without where a moment's value does. */
struct inet {
	struct sock *sock;	/* set once */
	struct list link;	/* table of ports */
	struct inet_name own, peer;	/* port 0: not bound, not connected */
	union inet_ip bound;	/* own.ip by bind alone */
	bool port_bound;	/* own.port came from bind */
	/* --- TCP */
	struct sock *half;	/* SYN_SENT: becomes the peer; referenced */
	bool connecting;	/* connect's outcome was not told yet */
	bool fin_received;
	bool reset;		/* or both FINs: the connection is over */
	struct sock *retired;	/* earlier peers, referenced: senders may
				 * still look at them */
	struct sock *next_retired;	/* of the same peer */
	/* --- options; the last writer wins */
	int32_t opt[INET_NR_OPTIONS];
	uint32_t drops;		/* UDP, raw; atomic */
	/* raw sockets of ICMP: types that are not wanted; last writer wins */
	uint32_t filter[8];
	/* what became of datagrams (MSG_ERRQUEUE); under sock->lock */
	struct list errors;	/* struct sk_buf */
	uint32_t nr_errors;
};

/* A record of UDP, raw and ping sockets has its data, and behind them this. */
struct inet_tail {
	struct inet_name from, to;
	uint8_t hops, tos;
};

static inline struct inet_tail *inet_tail_of(const struct sk_buf *b)
{
	return (struct inet_tail *)(b->data + ALIGN_UP(b->len, 8u));
}

static inline struct inet *inet_of(const struct sock *s)
{
	return s->family;
}

extern struct mutex inet_lock;
extern const struct sock_ops udp_ops, raw_ops;
extern const struct sock_names udp_names;

/* --- inet.c -------------------------------------------------------------------------*/
/* NULL: no memory. */
struct sock *inet_new(uint32_t domain, uint32_t type, uint32_t protocol);

static inline bool inet_ip_is_v4(const union inet_ip *ip)
{
	return !ip->q[0] && ip->w[2] == __builtin_bswap32(0xffff);
}

static inline bool inet_ip_equal(const union inet_ip *a,
				 const union inet_ip *b)
{
	return a->q[0] == b->q[0] && a->q[1] == b->q[1];
}

bool inet_ip_is_any(const union inet_ip *ip);	/* 0.0.0.0 or :: */
bool inet_is_local(const union inet_ip *ip);	/* the loopback's */
/* An address that a program gave, for connect and send: "any" becomes the
 * loopback's. 0, -EINVAL, -EAFNOSUPPORT, -ENETUNREACH. */
int inet_read_destination(const struct sock *s, const uint8_t *addr,
			  uint32_t len, struct inet_name *n);
/* Likewise, for bind: 0, -EINVAL, -EAFNOSUPPORT, -EADDRNOTAVAIL. */
int inet_read_own(const struct sock *s, const uint8_t *addr, uint32_t len,
		  struct inet_name *n);
bool inet_is_unspec(const uint8_t *addr, uint32_t len);
/* As struct sockaddr_in or _in6. Returns its length. */
int inet_write_name(uint32_t domain, const struct inet_name *n, uint8_t *addr);
/* The source address of what goes to `to`, if there is none yet. */
void inet_source(const union inet_ip *to, union inet_ip *own);
int inet_name(struct sock *s, bool peer, uint8_t addr[SOCK_NAME_MAX]);
enum tcp_state inet_state(const struct sock *s);

/* --- inet_port.c: the table of ports; inet_lock held ----------------------------------*/
int inet_bind(struct sock *s, const uint8_t *addr, uint32_t len); /* takes it */
/* A free port, if s has none. 0 or -EADDRNOTAVAIL. */
int inet_autobind_locked(struct sock *s);
/* Enter s with the names that it has, anew if it is there: its place depends
 * on whether it listens. */
void inet_enter_locked(struct sock *s);
/* Out of the table; the port is given up. */
void inet_leave_locked(struct sock *s);
/* May s listen? 0 or -EADDRINUSE. */
int inet_listen_check_locked(struct sock *s);
/* Who gets what is sent there: a listener of TCP, a socket of UDP; or NULL. */
struct sock *inet_find_locked(const struct net_space *n, uint32_t protocol,
			      const struct inet_name *to,
			      const struct inet_name *from);
/* The next one after s (NULL: the first) of this kind at that name. */
struct sock *inet_next_locked(const struct sock *s, const struct net_space *n,
			      uint32_t type, uint32_t protocol,
			      const struct inet_name *to);
/* Is there a connection of these two names already? */
bool inet_is_taken_locked(const struct sock *s, const struct inet_name *peer);

/* --- inet_opt.c ---------------------------------------------------------------------*/
void inet_option_defaults(const struct sock *s);
bool inet_has_header(const struct sock *s);	/* its packets are whole */
/* Where the kernel puts the checksum of IPv6 packets; < 0: nowhere. */
int32_t inet_checksum_at(const struct sock *s);
bool inet_is_v6only(const struct sock *s);
/* Complete what the sender of m did not say of its packet. */
void inet_fill_packet(const struct sock *s, struct sock_msg *m);
/* Errors of the way are told, also if it is not connected. */
bool inet_wants_errors(const struct sock *s);

/* --- udp.c: also for raw.c ------------------------------------------------------------*/
/* Where m goes: 0 and *to. */
int inet_destination(struct sock *s, const struct sock_msg *m,
		     struct inet_name *to);
/* Room for len bytes, which the tail is behind. NULL: no memory. */
struct sk_buf *inet_record_create(uint32_t len, const struct inet_tail *t);
/* Takes b over; inet_lock held. */
void inet_queue_locked(struct sock *s, struct sk_buf *b);
/* Copy a datagram to whom it belongs, whose name is t->to. False: nobody. */
bool udp_input_locked(const struct net_space *n, const struct inet_tail *t,
		      const void *data, uint32_t len);
ssize_t inet_recv(struct sock *s, struct sock_msg *m);
uint32_t inet_poll(struct sock *s);
void inet_release(struct sock *s);
struct unix_addr *inet_from(struct sock *s, const struct sk_buf *b);
void inet_describe(struct sock_msg *m, const struct sk_buf *b);

/* --- raw.c ----------------------------------------------------------------------------*/
/* A datagram was sent: raw sockets see it, and that nobody took it. */
void raw_see_udp_locked(struct net_space *n, const struct sk_buf *b,
			bool is_refused);
