/* SPDX-License-Identifier: MIT */
/*
 * membarrier: the platform's barrier for other threads, and who registered for
 * which. Commands about restartable sequences are refused as unknown, since
 * there are none.
 */
#include <linux/membarrier.h>
#include <gen/syscalls.h>
#include "linux/mm.h"
#include "platform/platform.h"

/* Not in the headers of older systems. */
#define GET_REGISTRATIONS	(1u << 9)

/* What each of the platform's barriers does, registrations included. */
static const uint32_t commands[PLAT_BARRIERS] = {
	[PLAT_BARRIER_ALL] = MEMBARRIER_CMD_GLOBAL |
			     MEMBARRIER_CMD_GLOBAL_EXPEDITED |
			     MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED,
	[PLAT_BARRIER_SPACE] = MEMBARRIER_CMD_PRIVATE_EXPEDITED |
			       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
	[PLAT_BARRIER_SPACE_CODE] =
		MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
		MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
};

static uint32_t known_commands(void)
{
	uint32_t there = plat_barriers(), known = 0;

	for (uint32_t b = 0; b < PLAT_BARRIERS; b++)
		known |= there & 1u << b ? commands[b] : 0;
	return known ? known | GET_REGISTRATIONS : 0;
}

long sys_membarrier(uint64_t command, uint64_t flags, uint64_t cpu)
{
	struct mm *mm = current_mm();
	uint32_t cmd = (uint32_t)command, known = known_commands();
	uint32_t registered = __atomic_load_n(&mm->barriers, __ATOMIC_RELAXED);

	if (!known)
		return -ENOSYS;
	if ((uint32_t)flags)
		return -EINVAL;
	if (cmd == MEMBARRIER_CMD_QUERY)
		return known;
	switch (cmd & ~known ? 0 : cmd) {
	case GET_REGISTRATIONS:
		return registered;
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		return plat_barrier(PLAT_BARRIER_ALL);
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		__atomic_fetch_or(&mm->barriers, cmd, __ATOMIC_RELAXED);
		return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		/* each is preceded by the registration for it */
		if (!(registered & cmd << 1))
			return -EPERM;
		return plat_barrier(cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED ?
				    PLAT_BARRIER_SPACE :
				    PLAT_BARRIER_SPACE_CODE);
	default:
		return -EINVAL;
	}
}
