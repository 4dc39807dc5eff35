/* SPDX-License-Identifier: MIT */
/*
 * Network interfaces: the border between drivers, which move Ethernet frames
 * (without checksum), and what is above: packet sockets (net/packet.c) and,
 * one day, a protocol stack.
 *
 * Up: a driver passes batches of frames to netdev_receive, which shows each
 * batch to all listeners; they copy what they want and keep no pointer.
 * Down: netdev_transmit takes a packet over until its done() is called.
 * Interfaces are registered at start, and stay.
 */
#pragma once
#include "core/wait.h"
#include "lib/list.h"

#define NETDEV_MAX		8u
#define NETDEV_NAME_MAX		16u	/* IFNAMSIZ */
#define NETDEV_FIRST_INDEX	2u	/* 1 is the loopback's */
#define NETDEV_TX_QUEUE		128u	/* what programs are told */
#define NETDEV_ETHER		1u	/* ARPHRD_ETHER: <linux/if_arp.h> wants libc */
#define ETH_ADDR_BYTES		6u
#define ETH_HEADER_BYTES	14u
#define ETH_VLAN_BYTES		4u

/* The loopback is no interface of the table; what programs are told of it. */
#define LOOPBACK_NAME		"lo"
#define LOOPBACK_INDEX		1
#define LOOPBACK_MTU		65536
#define LOOPBACK_TX_QUEUE	1000
#define LOOPBACK_ADDRESS	0x0100007fu	/* 127.0.0.1, network order */
#define LOOPBACK_MASK		0xffu		/* 255.0.0.0 */
#define LOOPBACK_MASK_BITS	8
#define NETDEV_LOOPBACK		772u		/* ARPHRD_LOOPBACK */

/* IFF_*: <linux/if.h> wants a C library. */
enum {
	INTERFACE_UP = 1u << 0, INTERFACE_BROADCAST = 1u << 1,
	INTERFACE_LOOPBACK = 1u << 3, INTERFACE_RUNNING = 1u << 6,
	INTERFACE_MULTICAST = 1u << 12, INTERFACE_LOWER_UP = 1u << 16,
};

/* A piece of kernel memory: contiguous, never on program pages. */
struct net_seg {
	void *p;
	uint32_t len;
};

struct net_frame {
	const struct net_seg *seg;
	uint32_t nr_segs, len;
};

/* A frame to be sent. */
struct net_packet {
	struct net_frame frame;
	/* Set by the sender; called once, in a task without locks: all memory
	 * is the sender's again. */
	void (*done)(struct net_packet *p);
	struct netdev_listener *from;	/* is not shown it; or NULL */
	struct net_packet *next;	/* of the driver, then of netdev.c */
};

/* atomic */
struct netdev_stats {
	uint64_t rx_packets, rx_bytes, rx_errors, rx_dropped, rx_multicast;
	uint64_t tx_packets, tx_bytes, tx_errors, tx_dropped;
};

struct netdev {
	/* set once, by the driver */
	uint8_t mac[ETH_ADDR_BYTES];
	uint32_t mtu;
	uint32_t max_segs;	/* of a packet */
	/* Send. Returns 0 (the packet is the driver's until netdev_sent),
	 * -ENOSPC (no room now: wait on `room`) or -EIO. Context: task. */
	int (*transmit)(struct netdev *d, struct net_packet *p);
	/* set once, by netdev_register */
	char name[NETDEV_NAME_MAX];
	uint32_t index;
	struct waitq room;	/* woken when something was sent */
	/* atomic */
	bool carrier;		/* by the driver */
	bool down;		/* by programs: no frames pass */
	struct netdev_stats stats;
};

struct netdev_listener {
	struct list link;
	/* Frames that came in, or (outgoing) that others sent. Context: task;
	 * must not call netdev_listen or _unlisten. */
	void (*receive)(struct netdev_listener *l, struct netdev *d,
			const struct net_frame *f, uint32_t nr, bool outgoing);
};

/* Give d a name (eth0...) and an index. 0 or -ENOSPC. Context: init. */
int netdev_register(struct netdev *d);
struct netdev *netdev_at(uint32_t n);	/* the n-th; NULL: no more */
struct netdev *netdev_by_index(uint32_t index);	/* or NULL */
struct netdev *netdev_by_name(const char *name);	/* or NULL */

uint32_t interface_flags(const struct netdev *d);

static inline bool netdev_has_carrier(const struct netdev *d)
{
	return __atomic_load_n(&d->carrier, __ATOMIC_RELAXED);
}

static inline bool netdev_is_up(const struct netdev *d)
{
	return !__atomic_load_n(&d->down, __ATOMIC_RELAXED);
}

static inline void netdev_count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/*
 * Send p, from a task that holds no lock. Returns 0: done() will be called, or
 * -ENETDOWN, -EMSGSIZE (longer than the MTU allows, or in too many pieces),
 * -ENOSPC, -EIO: it is still the caller's.
 */
int netdev_transmit(struct netdev *d, struct net_packet *p);

void netdev_listen(struct netdev_listener *l);
/* When it returns, receive is not running and will not be called. */
void netdev_unlisten(struct netdev_listener *l);

/* By drivers, from one task of theirs: frames came in. */
void netdev_receive(struct netdev *d, const struct net_frame *f, uint32_t nr);
/* Packets (a list by `next`) went out, or (!ok) never will. */
void netdev_sent(struct netdev *d, struct net_packet *list, bool ok);
