/* SPDX-License-Identifier: MIT */
/*
 * ioctls about network interfaces, on any socket: names, hardware addresses,
 * flags, MTU. The loopback, "lo", is the only one with an Internet address.
 */
#include <linux/capability.h>
#include <linux/sockios.h>
#include "arch/uaccess.h"
#include "lib/string.h"
#include "linux/sockets.h"
#include "net/netdev.h"
#include "linux/net_ns.h"

/* struct ifreq */
struct interface_request {
	char name[NETDEV_NAME_MAX];
	union {
		int32_t i;
		int16_t flags;
		struct {
			uint16_t family;
			uint8_t address[ETH_ADDR_BYTES];
		} hardware;
		struct {
			uint16_t family, port;
			uint32_t ip;	/* network order */
		} internet;
		uint8_t map[24];
	} u;
};
_Static_assert(sizeof(struct interface_request) == 40, "struct ifreq");

/* struct ifconf */
struct interface_list {
	int32_t len, pad;
	uint64_t user;
};

static int set_flags(struct netdev *d, uint16_t flags)
{
	if (!net_ns_has_cap(CAP_NET_ADMIN))
		return -EPERM;
	__atomic_store_n(&d->down, !(flags & INTERFACE_UP), __ATOMIC_RELAXED);
	return 0;
}

/* Fill r. Returns 0 or -errno. */
static int answer(struct netdev *d, uint32_t cmd, struct interface_request *r)
{
	memset(&r->u, 0, sizeof(r->u));
	switch (cmd) {
	case SIOCGIFNAME:
		memcpy(r->name, d->name, sizeof(r->name));
		return 0;
	case SIOCGIFINDEX:
		r->u.i = (int32_t)d->index;
		return 0;
	case SIOCGIFFLAGS:
		r->u.flags = (int16_t)interface_flags(d);
		return 0;
	case SIOCGIFMTU:
		r->u.i = (int32_t)d->mtu;
		return 0;
	case SIOCGIFTXQLEN:
		r->u.i = NETDEV_TX_QUEUE;
		return 0;
	case SIOCGIFHWADDR:
		r->u.hardware.family = NETDEV_ETHER;
		memcpy(r->u.hardware.address, d->mac, ETH_ADDR_BYTES);
		return 0;
	case SIOCGIFMETRIC:
	case SIOCGIFMAP:
		return 0;
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
		return -EADDRNOTAVAIL;
	default:
		return -ENOTTY;
	}
}

/* The same about the loopback. */
static int answer_loopback(uint32_t cmd, struct interface_request *r)
{
	struct net_space *n = net_ns_space();
	bool to_up = r->u.flags & INTERFACE_UP;

	memset(r, 0, sizeof(*r));
	memcpy(r->name, LOOPBACK_NAME, sizeof(LOOPBACK_NAME));
	switch (cmd) {
	case SIOCGIFINDEX:
		r->u.i = LOOPBACK_INDEX;
		break;
	case SIOCGIFFLAGS:
		r->u.flags = INTERFACE_LOOPBACK;
		if (net_space_is_up(n))
			r->u.flags |= INTERFACE_UP | INTERFACE_RUNNING;
		break;
	case SIOCGIFMTU:
		r->u.i = LOOPBACK_MTU;
		break;
	case SIOCGIFTXQLEN:
		r->u.i = LOOPBACK_TX_QUEUE;
		break;
	case SIOCGIFHWADDR:
		r->u.hardware.family = NETDEV_LOOPBACK;
		break;
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
		if (!net_space_is_up(n))
			return -EADDRNOTAVAIL;
		r->u.internet.family = AF_INET;
		if (cmd == SIOCGIFNETMASK)
			r->u.internet.ip = LOOPBACK_MASK;
		else if (cmd != SIOCGIFBRDADDR)
			r->u.internet.ip = LOOPBACK_ADDRESS;
		break;
	case SIOCSIFFLAGS:
		if (!net_ns_has_cap(CAP_NET_ADMIN))
			return -EPERM;
		if (!n)
			return -EOPNOTSUPP;
		__atomic_store_n(&n->loopback_is_up, to_up, __ATOMIC_RELAXED);
		break;
	}
	return 0;
}

static long list_addresses(uint64_t arg)
{
	struct interface_request r;
	struct interface_list l;

	if (copy_from_user(&l, (const void *)arg, sizeof(l)))
		return -EFAULT;
	memset(&r, 0, sizeof(r));
	if (answer_loopback(SIOCGIFADDR, &r) ||
	    (l.user && l.len < (int32_t)sizeof(r)))
		l.len = 0;
	else
		l.len = sizeof(r);
	if (l.user && l.len && copy_to_user((void *)l.user, &r, sizeof(r)))
		return -EFAULT;
	return copy_to_user((void *)arg, &l, sizeof(l));
}

static bool is_interface_ioctl(uint32_t cmd)
{
	switch (cmd) {
	case SIOCGIFNAME:
	case SIOCGIFCONF:
	case SIOCGIFFLAGS:
	case SIOCSIFFLAGS:
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFMETRIC:
	case SIOCGIFMTU:
	case SIOCGIFHWADDR:
	case SIOCGIFINDEX:
	case SIOCGIFTXQLEN:
	case SIOCGIFMAP:
		return true;
	default:
		return false;
	}
}

long socket_ioctl_interface(uint32_t cmd, uint64_t arg)
{
	struct interface_request r;
	struct netdev *d;
	int err;

	if (!is_interface_ioctl(cmd))
		return -ENOTTY;
	if (cmd == SIOCGIFCONF)
		return list_addresses(arg);
	if (copy_from_user(&r, (const void *)arg, sizeof(r)))
		return -EFAULT;
	r.name[sizeof(r.name) - 1] = 0;
	if (cmd == SIOCGIFNAME ? r.u.i == LOOPBACK_INDEX :
				 !strcmp(r.name, LOOPBACK_NAME)) {
		err = answer_loopback(cmd, &r);
		return err ? err : copy_to_user((void *)arg, &r, sizeof(r));
	}
	d = net_ns_space() ? NULL : cmd == SIOCGIFNAME ? netdev_by_index((uint32_t)r.u.i) :
				 netdev_by_name(r.name);
	if (!d)
		return -ENODEV;
	if (cmd == SIOCSIFFLAGS)
		return set_flags(d, (uint16_t)r.u.flags);
	err = answer(d, cmd, &r);
	return err ? err : copy_to_user((void *)arg, &r, sizeof(r));
}
