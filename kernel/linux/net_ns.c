/* SPDX-License-Identifier: MIT */
/*
 * Network namespaces: each has sockets that find each other, and a loopback of
 * its own, which is down at first. All interfaces stay with the first one.
 */
#include "linux/net_ns.h"
#include <linux/capability.h>
#include "core/heap.h"
#include "linux/ns.h"

struct net_ns {
	struct ns ns;
	struct net_space *space;	/* NULL: the first */
};

struct net_ns net_ns_first = {
	.ns = { .refs = { 1 }, .kind = NS_NET, .inum = 4026531833u,
		.owner = &user_ns_first },
};

static struct net_ns *own(void)
{
	return (struct net_ns *)ns_of(current_thread(), NS_NET);
}

struct net_space *net_ns_space(void)
{
	return own()->space;
}

bool net_ns_has_cap(int cap)
{
	return cred_has_cap_in(current_thread()->cred, own()->ns.owner, cap);
}

bool net_ns_may_admin(const struct net_space *n)
{
	return n == own()->space && net_ns_has_cap(CAP_NET_ADMIN);
}

static void net_ns_free(struct ns *n)
{
	net_space_put(((struct net_ns *)n)->space);
	ns_free(n);
}

int net_ns_make(struct ns *old, struct user_ns *owner, struct fs_state *fs,
		struct ns **out)
{
	struct net_space *space = kzalloc(sizeof(*space));
	struct ns *n = space ? ns_create(NS_NET, sizeof(struct net_ns), owner,
					 net_ns_free) : NULL;

	if (!n) {
		kfree(space);
		return -ENOMEM;
	}
	ref_init(&space->refs, 1);
	((struct net_ns *)n)->space = space;
	*out = n;
	return 0;
}
