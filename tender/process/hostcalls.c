/* SPDX-License-Identifier: MIT */
/*
 * The table of host calls, ordered by how often they run: the filter tests
 * them in this order.
 */
#include "process/hostcalls.h"
#include "abi/boot.h"
#include <linux/falloc.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/sched.h>
#include <linux/mman.h>
#include <asm/mman.h>
#include <asm/unistd.h>

#define SIGNAL_CHILD	17
#define CLONE_TASK (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
		    CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID)
#define CLONE_CHILD (CLONE_FILES | CLONE_PARENT_SETTID | SIGNAL_CHILD)
#define PROT_ALL	(PROT_READ | PROT_WRITE | PROT_EXEC)
#define MAP_ALL (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | \
		 MAP_NORESERVE | MAP_POPULATE)
#define MSG_NO_SIGNAL	0x4000

#define IS(a, n, ...)	{ ARG_IS, a, n, { __VA_ARGS__ } }
#define MASK(a, m)	{ ARG_MASK, a, 1, { m } }

const struct hostcall hostcalls[] = {
	{ "futex", __NR_futex, "sleep and wake",
	  "op is WAIT, WAKE or WAIT_BITSET",
	  { IS(1, 3, FUTEX_WAIT_BITSET, FUTEX_WAKE, FUTEX_WAIT) } },
	{ "preadv2", __NR_preadv2, "read a granted descriptor",
	  "flags are 0", { IS(5, 1, 0) } },
	{ "pwritev2", __NR_pwritev2, "write a granted descriptor",
	  "flags are 0", { IS(5, 1, 0) } },
	{ "mmap", __NR_mmap, "program memory",
	  "protection and flags within fixed masks",
	  { MASK(2, PROT_ALL), MASK(3, MAP_ALL) } },
	{ "munmap", __NR_munmap, "program memory", "any", { { 0 } } },
	{ "mprotect", __NR_mprotect, "program memory",
	  "protection within a fixed mask", { MASK(2, PROT_ALL) } },
	{ "rt_sigreturn", __NR_rt_sigreturn, "end of a host signal handler",
	  "any", { { 0 } } },
	{ "clone", __NR_clone, "threads and forks",
	  "exactly three sets of flags: thread, child, child as sibling",
	  { IS(0, 3, CLONE_TASK, CLONE_CHILD, CLONE_CHILD | CLONE_PARENT) } },
	/* the host's own doing: a timed futex wait after a stray wake-up */
	{ "restart_syscall", __NR_restart_syscall,
	  "timed sleep, resumed by the host", "none", { { 0 } } },
	{ "exit", __NR_exit, "end of a thread", "any", { { 0 } } },
	{ "exit_group", __NR_exit_group, "end of a process", "any", { { 0 } } },
	{ "sigaltstack", __NR_sigaltstack, "stack of host signal handlers",
	  "any", { { 0 } } },
	{ "tgkill", __NR_tgkill, "make a thread enter the kernel",
	  "signal is the kick signal", { IS(2, 1, ABI_KICK_SIGNAL) } },
	{ "wait4", __NR_wait4, "supervisor: reap host processes",
	  "options are WNOHANG", { IS(2, 1, 1) } },
	{ "sendmsg", __NR_sendmsg, "request to the file server",
	  "descriptor is the server's, flags are MSG_NOSIGNAL",
	  { IS(0, 1, ABI_FD_SERVER), IS(2, 1, MSG_NO_SIGNAL) } },
	{ "recvmsg", __NR_recvmsg, "reply of the file server",
	  "descriptor is the server's, flags are 0",
	  { IS(0, 1, ABI_FD_SERVER), IS(2, 1, 0) } },
	{ "madvise", __NR_madvise, "program memory",
	  "DONTNEED, WILLNEED, FREE, DONTFORK, DOFORK, HUGEPAGE, NOHUGEPAGE",
	  { IS(2, 7, MADV_DONTNEED, MADV_WILLNEED, MADV_FREE, MADV_DONTFORK,
	       MADV_DOFORK, MADV_HUGEPAGE, MADV_NOHUGEPAGE) } },
	{ "mremap", __NR_mremap, "program memory",
	  "flags are MREMAP_MAYMOVE and MREMAP_FIXED",
	  { IS(3, 1, MREMAP_MAYMOVE | MREMAP_FIXED) } },
	{ "sched_yield", __NR_sched_yield, "give the processor away", "any",
	  { { 0 } } },
	{ "ppoll", __NR_ppoll, "readiness of granted descriptors",
	  "no signal mask", { IS(3, 1, 0) } },
	{ "close", __NR_close, "give a granted descriptor back", "any",
	  { { 0 } } },
	{ "lseek", __NR_lseek, "standard streams that are files", "any",
	  { { 0 } } },
	{ "fallocate", __NR_fallocate, "give memory back to the host",
	  "descriptor is the memory object, mode is PUNCH_HOLE and KEEP_SIZE",
	  { IS(0, 1, ABI_FD_POOL),
	    IS(1, 1, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) } },
	{ "clock_gettime", __NR_clock_gettime, "processor-time clocks",
	  "clock is one of the fixed numbers",
	  { IS(0, 5, 0, 1, 2, 3, 7) } },
	{ "membarrier", __NR_membarrier, "barriers for a program's threads",
	  "QUERY, GLOBAL, PRIVATE_EXPEDITED (also SYNC_CORE) and their REGISTER; flags are 0",
	  { IS(0, 6, MEMBARRIER_CMD_QUERY, MEMBARRIER_CMD_GLOBAL,
	       MEMBARRIER_CMD_PRIVATE_EXPEDITED,
	       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
	       MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
	       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE),
	    IS(1, 1, 0) } },
	{ "getrandom", __NR_getrandom, "entropy", "flags are 0",
	  { IS(2, 1, 0) } },
};

const size_t nr_hostcalls = sizeof(hostcalls) / sizeof(hostcalls[0]);

const struct hostcall hostcalls_rtprio[] = {
	{ "sched_setscheduler", __NR_sched_setscheduler, "real-time classes",
	  "policy is OTHER, FIFO or RR", { IS(1, 3, 0, 1, 2) } },
	{ "futex", __NR_futex, "a lock that lends priorities",
	  "op is also LOCK_PI or UNLOCK_PI",
	  { IS(1, 5, FUTEX_WAIT_BITSET, FUTEX_WAKE, FUTEX_WAIT, FUTEX_LOCK_PI,
	       FUTEX_UNLOCK_PI) } },
};

const size_t nr_hostcalls_rtprio =
	sizeof(hostcalls_rtprio) / sizeof(hostcalls_rtprio[0]);
