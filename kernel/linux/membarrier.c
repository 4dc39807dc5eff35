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

#define REGISTRATIONS (MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | \
	MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | \
	MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)
#define KNOWN (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED | \
	MEMBARRIER_CMD_PRIVATE_EXPEDITED | \
	MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | REGISTRATIONS | \
	GET_REGISTRATIONS)

long sys_membarrier(uint64_t command, uint64_t flags, uint64_t cpu)
{
	struct mm *mm = current_mm();
	uint32_t cmd = (uint32_t)command;
	uint32_t registered = __atomic_load_n(&mm->barriers, __ATOMIC_RELAXED);

	if (!PLAT_HAS_BARRIER)
		return -ENOSYS;
	if ((uint32_t)flags)
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY:
		return KNOWN;
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
