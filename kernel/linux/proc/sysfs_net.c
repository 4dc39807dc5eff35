/* SPDX-License-Identifier: MIT */
/*
 * /sys/class/net: a directory for each network interface; key = its index.
 */
#include "lib/string.h"
#include "linux/proc/proc.h"
#include "net/netdev.h"
#include "linux/net_ns.h"

/* Interfaces stay, so there is one wherever there is a node. */
static const struct netdev *device_of(const struct pseudo_node *n)
{
	return netdev_by_index((uint32_t)n->key);
}

static int show_number(struct textbuf *t, struct pseudo_node *n)
{
	const char *d = (const char *)device_of(n);

	textbuf_printf(t, "%u\n", *(const uint32_t *)(d + n->entry->arg));
	return 0;
}

static int show_counter(struct textbuf *t, struct pseudo_node *n)
{
	const char *stats = (const char *)&device_of(n)->stats;
	const uint64_t *counter = (const uint64_t *)(stats + n->entry->arg);

	textbuf_printf(t, "%lu\n", __atomic_load_n(counter, __ATOMIC_RELAXED));
	return 0;
}

static int show_address(struct textbuf *t, struct pseudo_node *n)
{
	const uint8_t *a = device_of(n)->mac;

	textbuf_printf(t, "%02x:%02x:%02x:%02x:%02x:%02x\n", a[0], a[1], a[2],
		       a[3], a[4], a[5]);
	return 0;
}

static int show_flags(struct textbuf *t, struct pseudo_node *n)
{
	/* not what follows from the link's state */
	textbuf_printf(t, "%#x\n", interface_flags(device_of(n)) &
		       ~(uint32_t)INTERFACE_RUNNING);
	return 0;
}

static int show_operstate(struct textbuf *t, struct pseudo_node *n)
{
	textbuf_puts(t, interface_flags(device_of(n)) & INTERFACE_RUNNING ?
			"up\n" : "down\n");
	return 0;
}

static int show_carrier(struct textbuf *t, struct pseudo_node *n)
{
	const struct netdev *d = device_of(n);

	if (!netdev_is_up(d))
		return -EINVAL;
	textbuf_puts(t, netdev_has_carrier(d) ? "1\n" : "0\n");
	return 0;
}

#define NUMBER(n, field) \
	{ .name = n, .mode = S_IFREG | 0444, .show = show_number, \
	  .arg = offsetof(struct netdev, field) }
#define COUNTER(n, field) \
	{ .name = n, .mode = S_IFREG | 0444, .show = show_counter, \
	  .arg = offsetof(struct netdev_stats, field) }

static const struct pseudo_entry statistics_table[] = {
	COUNTER("rx_packets", rx_packets), COUNTER("rx_bytes", rx_bytes),
	COUNTER("rx_errors", rx_errors), COUNTER("rx_dropped", rx_dropped),
	COUNTER("multicast", rx_multicast),
	COUNTER("tx_packets", tx_packets), COUNTER("tx_bytes", tx_bytes),
	COUNTER("tx_errors", tx_errors), COUNTER("tx_dropped", tx_dropped),
	PROC_TEXT("collisions", "0\n"),
	{ }
};

static const struct pseudo_entry device_table[] = {
	PROC_TEXT("addr_len", "6\n"),
	PROC_FILE("address", show_address),
	PROC_TEXT("broadcast", "ff:ff:ff:ff:ff:ff\n"),
	PROC_FILE("carrier", show_carrier),
	PROC_FILE("flags", show_flags),
	NUMBER("ifindex", index),
	NUMBER("iflink", index),
	NUMBER("mtu", mtu),
	PROC_FILE("operstate", show_operstate),
	{ .name = "statistics", .mode = S_IFDIR | 0555,
	  .children = statistics_table },
	PROC_TEXT("tx_queue_len", "128\n"),
	PROC_TEXT("type", "1\n"),
	{ }
};
_Static_assert(NETDEV_TX_QUEUE == 128 && NETDEV_ETHER == 1, "as above");

static const struct pseudo_entry device_entry = {
	.name = "eth", .mode = S_IFDIR | 0555, .children = device_table,
};

static int net_lookup(struct pseudo_node *dir, const char *name,
		      struct inode **out)
{
	const struct netdev *d = net_ns_space() ? NULL : netdev_by_name(name);

	return d ? pseudo_inode_create(dir, &device_entry, d->index, 0, out) :
		   -ENOENT;
}

static int net_next(struct pseudo_node *dir, uint64_t from,
		    struct pseudo_dirent *e)
{
	const struct netdev *d = netdev_at((uint32_t)from);

	if (!d || net_ns_space())
		return 0;
	e->index = from;
	e->entry = &device_entry;
	e->key = d->index;
	snprintf(e->name, sizeof(e->name), "%s", d->name);
	return 1;
}

const struct pseudo_dir_ops sysfs_net_ops = {
	.lookup = net_lookup, .next = net_next,
};
