/* SPDX-License-Identifier: MIT */
/*
 * The host calls of each kind of thread of the monitor. Numbers that only some
 * kernels' C libraries use in place of another (futex_time64 and the like) do
 * not exist on x86-64.
 */
#include "kvm/confine.h"
#include "abi/fileserver.h"
#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <signal.h>
#include <sys/mman.h>

#define IS(a, n, ...)	{ ARG_IS, a, n, { __VA_ARGS__ } }
#define IS_INT(a, n, ...) { ARG_IS_INT, a, n, { __VA_ARGS__ } }
#define MASK(a, m)	{ ARG_MASK, a, 1, { m } }
#define ANY		{ { 0 } }
#define FUTEX_PRIV(op)	((op) | FUTEX_PRIVATE_FLAG)

/* What the C library needs in every thread: locks, the end, signals. */
#define COMMON_CALLS \
	{ "futex", __NR_futex, "locks between the threads", \
	  "op is WAIT, WAKE or REQUEUE", \
	  { IS(1, 6, FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE, \
	       FUTEX_PRIV(FUTEX_WAIT), FUTEX_PRIV(FUTEX_WAKE), \
	       FUTEX_PRIV(FUTEX_REQUEUE)) } }, \
	{ "rt_sigreturn", __NR_rt_sigreturn, "end of a signal handler", \
	  "any", ANY }, \
	{ "rt_sigprocmask", __NR_rt_sigprocmask, "end of a thread", "any", \
	  ANY }, \
	{ "clock_gettime", __NR_clock_gettime, \
	  "clocks, where the vDSO has none", "any", ANY }, \
	{ "restart_syscall", __NR_restart_syscall, \
	  "timed wait, resumed by the host", "none", ANY }, \
	{ "madvise", __NR_madvise, "stack of a thread that ends", \
	  "DONTNEED, FREE", { IS(2, 2, MADV_DONTNEED, MADV_FREE) } }, \
	{ "exit", __NR_exit, "end of a thread", "any", ANY }, \
	{ "exit_group", __NR_exit_group, "end of the monitor", "any", ANY }

/* A device thread's loop (dev/loop.c). */
#define LOOP_CALLS \
	{ "epoll_wait", __NR_epoll_wait, "wait for doorbells", "any", ANY }, \
	{ "epoll_pwait", __NR_epoll_pwait, "wait for doorbells", "any", \
	  ANY }, \
	{ "epoll_ctl", __NR_epoll_ctl, "what to wait for", "any", ANY }, \
	{ "read", __NR_read, "doorbells, streams", "any", ANY }, \
	{ "write", __NR_write, "interrupts, streams", "any", ANY }

static const struct hostcall vcpu_calls[] = {
	{ "ioctl", __NR_ioctl, "run the guest",
	  "descriptor is this thread's processor; request is KVM_RUN, or "
	  "KVM_GET_REGS to report a crash",
	  { IS(0, 1, FD_OF_VCPU), IS_INT(1, 2, KVM_RUN, KVM_GET_REGS) } },
	{ "write", __NR_write, "interrupts, doorbells, the kernel's log",
	  "any", ANY },
	{ "poll", __NR_poll, "a log that is full", "any", ANY },
	COMMON_CALLS,
};

static const struct hostcall device_calls[] = {
	LOOP_CALLS,
	{ "getrandom", __NR_getrandom, "entropy", "flags are 0",
	  { IS(2, 1, 0) } },
	{ "poll", __NR_poll, "console", "any", ANY },
	{ "preadv", __NR_preadv, "disks", "any", ANY },
	{ "pwritev", __NR_pwritev, "disks", "any", ANY },
	{ "lseek", __NR_lseek, "size of a disk", "any", ANY },
	{ "fdatasync", __NR_fdatasync, "disks", "any", ANY },
	COMMON_CALLS,
};

static const struct hostcall files_calls[] = {
	LOOP_CALLS,
	{ "openat2", __NR_openat2, "open a file below an export", "any", ANY },
	{ "openat", __NR_openat, "open a file below an export", "any", ANY },
	{ "open", __NR_open, "own descriptors under /proc/self", "any", ANY },
	{ "close", __NR_close, "files", "any", ANY },
	{ "statx", __NR_statx, "attributes", "any", ANY },
	{ "newfstatat", __NR_newfstatat, "attributes", "any", ANY },
	{ "fstat", __NR_fstat, "attributes", "any", ANY },
	{ "readlinkat", __NR_readlinkat, "symbolic links", "any", ANY },
	{ "getdents64", __NR_getdents64, "directories", "any", ANY },
	{ "lseek", __NR_lseek, "directories, streams", "any", ANY },
	{ "pread64", __NR_pread64, "files", "any", ANY },
	{ "pwrite64", __NR_pwrite64, "files in volumes", "any", ANY },
	{ "preadv", __NR_preadv, "files", "any", ANY },
	{ "pwritev", __NR_pwritev, "files in volumes", "any", ANY },
	{ "preadv2", __NR_preadv2, "files, streams", "any", ANY },
	{ "pwritev2", __NR_pwritev2, "files in volumes, streams", "any", ANY },
	{ "readv", __NR_readv, "streams", "any", ANY },
	{ "writev", __NR_writev, "streams, the log", "any", ANY },
	{ "statfs", __NR_statfs, "file systems", "any", ANY },
	{ "fstatfs", __NR_fstatfs, "file systems", "any", ANY },
	{ "ftruncate", __NR_ftruncate, "volumes", "any", ANY },
	{ "fallocate", __NR_fallocate, "volumes",
	  "mode is of KEEP_SIZE, PUNCH_HOLE and ZERO_RANGE",
	  { MASK(1, FSRV_FALLOCATE_MODES) } },
	{ "fchmod", __NR_fchmod, "volumes", "any", ANY },
	{ "fchmodat", __NR_fchmodat, "volumes", "any", ANY },
	{ "fchmodat2", 452, "volumes", "any", ANY },
	{ "fchown", __NR_fchown, "volumes", "any", ANY },
	{ "fchownat", __NR_fchownat, "volumes", "any", ANY },
	{ "utimensat", __NR_utimensat, "volumes", "any", ANY },
	{ "mkdirat", __NR_mkdirat, "volumes", "any", ANY },
	{ "mknodat", __NR_mknodat, "volumes: FIFOs and sockets", "any", ANY },
	{ "symlinkat", __NR_symlinkat, "volumes", "any", ANY },
	{ "linkat", __NR_linkat, "volumes", "any", ANY },
	{ "unlinkat", __NR_unlinkat, "volumes", "any", ANY },
	{ "renameat", __NR_renameat, "volumes", "any", ANY },
	{ "renameat2", __NR_renameat2, "volumes", "any", ANY },
	{ "fsync", __NR_fsync, "volumes", "any", ANY },
	{ "fdatasync", __NR_fdatasync, "volumes", "any", ANY },
	{ "fgetxattr", __NR_fgetxattr, "user attributes", "any", ANY },
	{ "flistxattr", __NR_flistxattr, "user attributes", "any", ANY },
	{ "getxattr", __NR_getxattr, "user attributes", "any", ANY },
	{ "listxattr", __NR_listxattr, "user attributes", "any", ANY },
	{ "poll", __NR_poll, "readiness of streams", "any", ANY },
	{ "ioctl", __NR_ioctl, "terminals",
	  "request is TCGETS2, TCSETS2, TCSETSW2, TCSETSF2, TIOCGWINSZ, "
	  "TIOCGPGRP, FIONREAD or TIOCOUTQ",
	  { IS_INT(1, 8, TCGETS2, TCSETS2, TCSETSW2, TCSETSF2, TIOCGWINSZ,
	       TIOCGPGRP, FIONREAD, TIOCOUTQ) } },
	{ "getpgrp", __NR_getpgrp, "is the caller in the foreground", "any",
	  ANY },
	{ "getpgid", __NR_getpgid, "is the caller in the foreground", "any",
	  ANY },
	{ "fcntl", __NR_fcntl, "streams", "F_GETFL, F_DUPFD_CLOEXEC, F_GETFD",
	  { IS(1, 4, 1, 2, 3, 1030) } },
	{ "setresuid", __NR_setresuid, "be nobody for system directories",
	  "any", ANY },
	{ "setresgid", __NR_setresgid, "be nobody for system directories",
	  "any", ANY },
	{ "setgroups", __NR_setgroups, "be nobody for system directories",
	  "any", ANY },
	{ "mmap", __NR_mmap, "memory of its tables", "never executable",
	  { MASK(2, PROT_READ | PROT_WRITE) } },
	{ "mprotect", __NR_mprotect, "memory of its tables",
	  "never executable", { MASK(2, PROT_READ | PROT_WRITE) } },
	{ "mremap", __NR_mremap, "memory of its tables", "any", ANY },
	{ "munmap", __NR_munmap, "memory of its tables", "any", ANY },
	{ "brk", __NR_brk, "memory of its tables", "any", ANY },
	COMMON_CALLS,
};

static const struct hostcall main_calls[] = {
	{ "poll", __NR_poll, "wait for signals and the end", "any", ANY },
	{ "read", __NR_read, "signals", "any", ANY },
	{ "write", __NR_write, "events, messages", "any", ANY },
	{ "writev", __NR_writev, "messages", "any", ANY },
	{ "ioctl", __NR_ioctl, "the caller's terminal",
	  "request is TIOCGWINSZ, TCGETS, TCSETS, TCSETSW or TCSETSF",
	  { IS_INT(1, 5, TIOCGWINSZ, TCGETS, TCSETS, TCSETSW, TCSETSF) } },
	{ "kill", __NR_kill, "stop with the program",
	  "this process, SIGSTOP", { IS(0, 1, OWN_PID), IS(1, 1, SIGSTOP) } },
	{ "getpid", __NR_getpid, "its own number", "any", ANY },
	{ "tgkill", __NR_tgkill, "end a processor's thread",
	  "this process", { IS(0, 1, OWN_PID) } },
	{ "close", __NR_close, "at the end", "any", ANY },
	{ "munmap", __NR_munmap, "at the end", "any", ANY },
	{ "brk", __NR_brk, "at the end: memory of the tables", "any", ANY },
	{ "epoll_ctl", __NR_epoll_ctl, "at the end", "any", ANY },
	COMMON_CALLS,
};

#define TABLE(t)	(t), sizeof(t) / sizeof((t)[0])

const struct thread_calls thread_calls[NR_THREAD_KINDS] = {
	[THREAD_VCPU] = { "processor", "one for each CPU of the guest",
			  TABLE(vcpu_calls) },
	[THREAD_DEVICE] = { "devices", "random numbers and disks",
			    TABLE(device_calls) },
	[THREAD_FILES] = { "files", "the host's files and the streams",
			   TABLE(files_calls) },
	[THREAD_MAIN] = { "main", "signals and the end", TABLE(main_calls) },
};
