/* SPDX-License-Identifier: MIT */
/*
 * Memory policies, on a machine with one node: they are kept and told, and change
 * nothing. A policy is its mode and the mode's flags, which say it all where the
 * mask can only be that node; 0 is the default.
 */
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "linux/mm_priv.h"
#include <linux/capability.h>
#include <linux/mempolicy.h>

#define MODE_WEIGHTED_INTERLEAVE 6u	/* Linux 6.9 */
#define MODE_MAX	6u
#define FIXED_NODES	(MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES)

static bool has_nodes(uint32_t mode)
{
	return mode != MPOL_DEFAULT && mode != MPOL_LOCAL;
}

/* The first word of a node mask. Returns 0 or -errno. */
static int get_mask(uint64_t user, uint64_t max_node, uint64_t *mask)
{
	*mask = 0;
	if (!user || max_node <= 1)
		return 0;
	if (max_node > PAGE_SIZE * 8)
		return -EINVAL;
	if (user_load64((void *)user, mask))
		return -EFAULT;
	if (max_node <= 64)
		*mask &= (1ull << (max_node - 1)) - 1;
	return 0;
}

/* Returns the policy or -errno. */
static int get_policy(uint32_t mode, uint64_t user, uint64_t max_node)
{
	uint32_t flags = mode & MPOL_MODE_FLAGS;
	uint64_t mask;
	int err;

	mode &= ~flags;
	if (mode > MODE_MAX || (flags & FIXED_NODES) == FIXED_NODES ||
	    (flags & MPOL_F_NUMA_BALANCING && mode != MPOL_BIND))
		return -EINVAL;
	err = get_mask(user, max_node, &mask);
	if (err)
		return err;
	if (mode == MPOL_PREFERRED && !mask)
		mode = MPOL_LOCAL;
	if (mode == MPOL_LOCAL && flags & FIXED_NODES)
		return -EINVAL;
	if (has_nodes(mode) ? !(mask & 1) : mask != 0)
		return -EINVAL;
	return mode == MPOL_DEFAULT ? 0 : (int)(mode | flags);
}

long sys_set_mempolicy(uint64_t mode, uint64_t mask, uint64_t max_node)
{
	int policy = get_policy((uint32_t)mode, mask, max_node);

	if (policy < 0)
		return policy;
	current_thread()->mem_policy = (uint16_t)policy;
	return 0;
}

/* The default is for all there is in the range, another for one without holes. */
static int set_range(struct mm *mm, uaddr_t start, uaddr_t end,
		     uint32_t policy, struct list *dead)
{
	int err = start < end ? -EFAULT : 0;
	struct vma *v;

	if (policy && !vma_range_is_whole(mm, start, end))
		return -EFAULT;
	for (end = MIN(end, USER_END); start < end; start = v->end) {
		v = vma_find(mm, start);
		if (v->start >= end)
			break;
		if (v->flags & (VMA_HIDDEN | VMA_TRAMPOLINE))
			continue;
		start = MAX(start, v->start);
		err = mm_mark(mm, start, MIN(end, v->end),
			      ~0u << VMA_POLICY_SHIFT,
			      policy << VMA_POLICY_SHIFT, dead);
		v = vma_find(mm, start);	/* it was cut or joined */
		if (err)
			break;
	}
	return err;
}

long sys_mbind(uint64_t addr, uint64_t len, uint64_t mode, uint64_t mask,
	       uint64_t max_node, uint64_t flags)
{
	int policy = get_policy((uint32_t)mode, mask, max_node), err;
	uaddr_t end = addr + PAGE_UP(len);
	struct list dead = LIST_INIT(dead);
	struct mm *mm = current_mm();

	if (policy < 0)
		return policy;
	if (addr & ~PAGE_MASK || end < addr ||
	    flags & ~(uint64_t)(MPOL_MF_STRICT | MPOL_MF_MOVE |
				MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if (flags & MPOL_MF_MOVE_ALL &&
	    !cred_has_cap(current_thread()->cred, CAP_SYS_NICE))
		return -EPERM;
	rwlock_write_lock(&mm->lock);
	err = set_range(mm, addr, end, (uint32_t)policy, &dead);
	rwlock_write_unlock(&mm->lock);
	vma_release(&dead);
	return err;
}

static int put_mask(uint64_t user, uint64_t max_node, uint64_t nodes)
{
	uint64_t n;

	if (max_node - 1 > PAGE_SIZE * 8)
		return -EINVAL;
	n = (max_node + 62) / 64 * 8;
	if (n > sizeof(nodes) && clear_user((void *)(user + sizeof(nodes)),
					    n - sizeof(nodes)))
		return -EFAULT;
	return copy_to_user((void *)user, &nodes, MIN(n, sizeof(nodes)));
}

/* Policy of the mapping at addr, or -EFAULT. */
static int policy_at(struct mm *mm, uaddr_t addr)
{
	struct vma *v;
	int policy;

	rwlock_read_lock(&mm->lock);
	v = vma_at(mm, addr);
	policy = v ? (int)(v->flags >> VMA_POLICY_SHIFT) : -EFAULT;
	rwlock_read_unlock(&mm->lock);
	return policy;
}

long sys_get_mempolicy(uint64_t policy_p, uint64_t mask, uint64_t max_node,
		       uint64_t addr, uint64_t flags)
{
	int policy = flags & MPOL_F_ADDR ? policy_at(current_mm(), addr) :
					   current_thread()->mem_policy;
	uint32_t mode = (uint32_t)policy & ~MPOL_MODE_FLAGS;
	bool all = flags & MPOL_F_MEMS_ALLOWED;

	if ((mask && !max_node) ||
	    flags & ~(uint64_t)(MPOL_F_NODE | MPOL_F_ADDR |
				MPOL_F_MEMS_ALLOWED) ||
	    (all && flags != MPOL_F_MEMS_ALLOWED) ||
	    (!flags && addr) || (flags == MPOL_F_NODE &&
	     (addr || (mode != MPOL_INTERLEAVE &&
		       mode != MODE_WEIGHTED_INTERLEAVE))))
		return -EINVAL;
	if (policy < 0)
		return policy;
	if (policy_p && user_store32((void *)policy_p, flags & MPOL_F_NODE ||
				     all ? 0 : (uint32_t)policy))
		return -EFAULT;
	return mask ? put_mask(mask, max_node, all || has_nodes(mode)) : 0;
}
