/* SPDX-License-Identifier: MIT */
/*
 * AF_INET and AF_INET6 between sockets of one sandbox: TCP (tcp.c) and UDP
 * (udp.c) over the loopback addresses, without packets: bytes go from socket
 * to socket as between those of AF_UNIX. Raw sockets and those of ping (raw.c)
 * have packets. Every other address is unreachable.
 */
#pragma once
#include "net/socket.h"

enum {	/* IPPROTO_* */
	INET_ICMP = 1, INET_TCP = 6, INET_UDP = 17, INET_ICMPV6 = 58,
	INET_RAW = 255,
};
enum {
	SOL_IP = 0, SOL_TCP = 6, SOL_UDP = 17, SOL_IPV6 = 41, SOL_ICMPV6 = 58,
	SOL_RAW = 255,
};
#define INET_OPTION_MAX	256u	/* bytes */

/* An address as IPv6 has it; IPv4's are mapped: ::ffff:a.b.c.d. */
union inet_ip {
	uint8_t b[16];
	uint32_t w[4];		/* network order */
	uint64_t q[2];
};

struct inet_name {
	union inet_ip ip;
	uint16_t port;		/* host order */
};

/* TCP's states as Linux numbers them; UDP has ESTABLISHED and CLOSE. */
enum tcp_state {
	TCP_ESTABLISHED = 1, TCP_SYN_SENT = 2, TCP_FIN_WAIT2 = 5,
	TCP_CLOSE = 7, TCP_CLOSE_WAIT = 8, TCP_LISTEN = 10,
};

extern const struct sock_ops tcp_ops;

/* What /proc/net shows of one socket. */
struct inet_row {
	struct inet_name own, peer;
	enum tcp_state state;
	uint32_t uid, rx_bytes, drops;
	uint64_t id;		/* sock->id */
};

/* For `families` of the layer above. 0, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT,
 * -ENOMEM. */
int inet_create(uint32_t type, uint32_t protocol, struct sock **out);
int inet6_create(uint32_t type, uint32_t protocol, struct sock **out);
static inline bool inet_is(const struct sock *s)
{
	return s->domain == AF_INET || s->domain == AF_INET6;
}
/* s belongs to its space now: a raw socket hears from here on. */
void inet_start(struct sock *s);
/* Port that a struct sockaddr_in or _in6 names; 0: none or too short. */
uint16_t inet_port_of(const uint8_t *addr, uint32_t len);
/* Call show for every named socket of this kind; protocol 0: any. Locks:
 * inet_lock is held meanwhile. */
void inet_show(const struct net_space *n, uint32_t domain, uint32_t type,
	       uint32_t protocol,
	       void (*show)(void *arg, const struct inet_row *r), void *arg);
/* The next byte to read is an urgent one (SIOCATMARK). */
bool inet_is_at_mark(struct sock *s);
/* Bytes sent that the peer has no room for yet (SIOCOUTQ). */
uint32_t inet_unsent_bytes(struct sock *s);

/* --- inet_opt.c: control messages -----------------------------------------------------*/
struct inet_control {
	int level, type;
	uint32_t len;
	uint8_t data[44];
};
/* A program's message of another level than SOL_SOCKET. 0 or -EINVAL. */
int inet_read_control(struct sock_msg *m, int level, int type,
		      const void *data, size_t len);
/* The n-th message that the options of s want with m. False: no more. */
bool inet_next_control(const struct sock *s, const struct sock_msg *m,
		       uint32_t n, struct inet_control *c);

/* --- inet_opt.c: levels SOL_IP, SOL_IPV6, SOL_TCP ----------------------------------*/
/* v: the option's value in kernel memory. Returns 0 or -errno. */
int inet_set_option(struct sock *s, uint32_t level, uint32_t opt,
		    const uint8_t *v, uint32_t len);
/* At most len bytes to v. Returns their number or -errno. */
int inet_get_option(struct sock *s, uint32_t level, uint32_t opt,
		    uint8_t v[INET_OPTION_MAX], uint32_t len);
