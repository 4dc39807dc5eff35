/* SPDX-License-Identifier: MIT */
/*
 * The system as a whole: its size, random numbers, and the calls
 * of administrators, which are refused.
 */
#include <linux/capability.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/page.h"
#include "core/timer.h"
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/process.h"
#include "linux/uts.h"

#define RANDOM_CHUNK 256u
#define RANDOM_MAX 0x1ffffffu

/* --- size -----------------------------------------------------------------*/
void system_memory(uint64_t *total, uint64_t *free)
{
	uint64_t used = page_used_bytes();

	*total = page_total_bytes();
	*free = *total > used ? *total - used : 0;
}

long sys_sysinfo(uint64_t user)
{
	struct sysinfo s;
	uint64_t total, free;

	system_memory(&total, &free);
	memset(&s, 0, sizeof(s));
	s.uptime = (long)(plat_clock_boot_ns() / NSEC_PER_SEC);
	s.totalram = total;
	s.freeram = free;
	s.mem_unit = 1;
	mutex_lock(&process_lock);
	s.procs = (uint16_t)process_total_threads();
	mutex_unlock(&process_lock);
	return copy_to_user((void *)user, &s, sizeof(s));
}

/* --- random ---------------------------------------------------------------*/
long sys_getrandom(uint64_t user, uint64_t n, uint64_t flags)
{
	uint8_t chunk[RANDOM_CHUNK];
	size_t done = 0;

	if (flags & ~(uint64_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) ==
	    (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	n = MIN(n, RANDOM_MAX);
	while (done < n) {
		size_t want = MIN(n - done, RANDOM_CHUNK);

		plat_entropy(chunk, want);
		if (copy_to_user((char *)user + done, chunk, want))
			return done ? (long)done : -EFAULT;
		done += want;
		if (done < n && task_has_work())
			break;
	}
	memset(chunk, 0, sizeof(chunk));
	return (long)done;
}

/* --- personality ----------------------------------------------------------*/
long sys_personality(uint64_t persona)
{
	struct process *p = current_process();
	uint32_t old = (uint32_t)p->personality_flags;

	if ((uint32_t)persona != UINT32_MAX)
		p->personality_flags = (uint32_t)persona;
	return old;
}

/* --- administrators' calls ------------------------------------------------*/
/* Without the capability -EPERM; with it there is still nothing to do. */
long sys_syslog(uint64_t type, uint64_t buf, uint64_t len)
{
	return -EPERM;
}

long sys_vhangup(void)
{
	return -EPERM;
}

long sys_acct(uint64_t name)
{
	return -EPERM;
}

long sys_reboot(uint64_t magic, uint64_t magic2, uint64_t cmd, uint64_t arg)
{
	if (!cred_has_cap(current_thread()->cred, CAP_SYS_BOOT))
		return -EPERM;
	if ((uint32_t)magic != LINUX_REBOOT_MAGIC1 ||
	    ((uint32_t)magic2 != LINUX_REBOOT_MAGIC2 &&
	     (uint32_t)magic2 != LINUX_REBOOT_MAGIC2A &&
	     (uint32_t)magic2 != LINUX_REBOOT_MAGIC2B &&
	     (uint32_t)magic2 != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	return -EPERM;
}

long sys_iopl(uint64_t level)
{
	return (uint32_t)level > 3 ? -EINVAL : level ? -EPERM : 0;
}

long sys_ioperm(uint64_t from, uint64_t n, uint64_t on)
{
	if (from + n <= from || from + n > 65536)
		return -EINVAL;
	return on ? -EPERM : 0;
}

long sys_swapon(uint64_t name, uint64_t flags)
{
	return -EPERM;
}

long sys_swapoff(uint64_t name)
{
	return -EPERM;
}
