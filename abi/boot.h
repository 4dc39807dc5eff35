/* SPDX-License-Identifier: MIT */
/*
 * What a tender hands to the kernel of a sandbox on the process platform:
 * the window in the address space, the shared memory object and one boot
 * block. The tender fills the block before the first instruction of the
 * kernel runs; the kernel checks magic, version and every offset.
 */
#pragma once
#include <stdint.h>
#include <stddef.h>

#define ABI_BOOT_MAGIC		0x6d696361626f6f74ull	/* "micaboot" */
#define ABI_BOOT_VERSION	1u

/*
 * The kernel window: the only part of a sandbox process's address space that
 * is not the program's. Same addresses in every process of a sandbox.
 *
 *   ABI_WINDOW_BASE	text and read-only data, from the kernel image
 *   ABI_POOL_BASE	the shared memory object: .data/.bss of the kernel,
 *			then pages handed out by core/page.c; offset x of the
 *			object is at ABI_POOL_BASE + x
 */
#define ABI_WINDOW_BASE		0x7d0000000000ull
#define ABI_POOL_BASE		0x7d0001000000ull
#define ABI_POOL_SIZE		0x001000000000ull	/* 64 GiB, sparse */
#define ABI_WINDOW_END		(ABI_POOL_BASE + ABI_POOL_SIZE)

/*
 * Description of the kernel image, at ABI_IMAGE_ADDR inside its read-only
 * part. Addresses are final: the image runs where it was linked.
 */
#define ABI_IMAGE_MAGIC		0x6d696361696d6765ull	/* "micaimge" */
#define ABI_IMAGE_ADDR		(ABI_WINDOW_BASE + 0x1000)
#define ABI_STUB_SIZE		0x1000u

struct abi_image {
	uint64_t magic;
	uint32_t version;	/* ABI_BOOT_VERSION */
	uint32_t size;
	uint64_t entry;		/* rdi = boot block; does not return */
	uint64_t stack_top;	/* for entry */
	uint64_t signal_handler;/* for every host signal below */
	uint64_t signal_return;	/* SA_RESTORER */
	uint64_t pool_used;	/* bytes of the object that .data/.bss take */
};

/* The host signal that makes a task look at its pending work. */
#define ABI_KICK_SIGNAL		63

/* Host descriptors that every sandbox process has; nothing else is open. */
enum abi_host_fd {
	ABI_FD_STDIN	= 0,
	ABI_FD_STDOUT	= 1,
	ABI_FD_STDERR	= 2,
	ABI_FD_POOL	= 3,	/* the shared memory object */
	ABI_FD_SERVER	= 4,	/* file server: SOCK_SEQPACKET */
	ABI_FD_LOG	= 5,	/* --strace, --stats, panic reports */
	ABI_FD_FIRST_FREE = 6,	/* descriptors passed by the server */
};

/* What a standard stream is on the host (struct abi_stdio.kind). */
enum abi_stdio_kind {
	ABI_STDIO_CLOSED, ABI_STDIO_TTY, ABI_STDIO_PIPE, ABI_STDIO_FILE,
	ABI_STDIO_SOCKET, ABI_STDIO_NULL, ABI_STDIO_OTHER,
};

struct abi_stdio {
	uint32_t kind;		/* enum abi_stdio_kind */
	uint32_t open_flags;	/* O_ACCMODE | O_APPEND | O_NONBLOCK */
	uint64_t dev, ino, size; /* identity, to see that two are the same */
	uint32_t mode, rdev;
};

/* One mount that the command line asked for, in order. */
enum abi_mount_kind {
	ABI_MOUNT_ROOT,		/* export is the root tree (--root), or the file
				 * of an EROFS image of it (--image) */
	ABI_MOUNT_SYSTEM,	/* export is a system directory, e.g. /usr */
	ABI_MOUNT_CWD,		/* export is the current directory */
	ABI_MOUNT_VOLUME,	/* -v: live, writable unless read_only */
	ABI_MOUNT_TMPFS,	/* --tmpfs; no export */
	ABI_MOUNT_SYMLINK,	/* guest path is a symlink to source */
};

#define ABI_NR_MOUNTS_MAX 64u

struct abi_mount {
	uint32_t kind;		/* enum abi_mount_kind */
	uint32_t export_id;	/* file server export, see abi/fileserver.h */
	uint32_t guest_path;	/* offset of a string in the blob */
	uint32_t source;	/* offset: symlink target or tmpfs options */
	uint32_t read_only;
	uint32_t is_file;	/* export is one file, not a directory */
};

enum abi_boot_flags {
	ABI_BOOT_STRACE		= 1u << 0,
	ABI_BOOT_STATS		= 1u << 1,
	ABI_BOOT_READ_ONLY	= 1u << 2,	/* --read-only root */
	ABI_BOOT_NEW_TTY	= 1u << 3,	/* -t: make a pseudo terminal */
	ABI_BOOT_TEST_HOOK	= 1u << 4,	/* isolation tests only */
	ABI_BOOT_NO_PATCH	= 1u << 5,	/* trap path only */
};

/*
 * Doorbell from the tender to the sandbox. The tender sets bits and fields,
 * then wakes `word` (shared futex). The supervisor task consumes.
 */
struct abi_doorbell {
	uint32_t word;
	uint32_t winsize_changed;
	uint64_t signals;	/* bit n-1: deliver signal n to the program */
	uint64_t tty_signals;	/* same, to the foreground process group */
	uint32_t oom;		/* memory limit passed: kill something */
	uint32_t stop;		/* end the sandbox at once */
};

struct abi_boot {
	uint64_t magic;
	uint32_t version;
	uint32_t size;		/* of this struct */
	uint32_t flags;		/* enum abi_boot_flags */
	uint32_t nr_cpus;
	uint64_t pool_used;	/* bytes of the object used by the image */
	uint64_t vdso;		/* AT_SYSINFO_EHDR of the host, 0 if none */
	uint64_t vvar_start;	/* host mapping to keep: [vvar, vdso end) */
	uint64_t vvar_end;
	uint64_t hwcap, hwcap2, minsigstksz;
	uint64_t memory_limit;	/* bytes, 0 = none */
	uint32_t pids_limit;	/* tasks, 0 = none */
	uint32_t cpus_milli;	/* --cpus * 1000, 0 = all */
	uint32_t uid, gid;	/* of the program, inside */
	uint32_t umask;
	uint32_t nr_groups;	/* --user supplementary; 0 */
	uint8_t  seed[32];	/* fresh entropy */
	struct abi_stdio stdio[3];
	uint32_t tty_rows, tty_cols;	/* window size when stdio has a tty */
	uint32_t nofile_soft, nofile_hard;
	uint32_t handles_max;	/* directory handles the server will keep */
	uint32_t nr_mounts;
	struct abi_mount mounts[ABI_NR_MOUNTS_MAX];
	uint32_t argc, envc;
	/* offsets of strings in blob[] */
	uint32_t argv;		/* argc strings, one after the other */
	uint32_t envp;		/* envc strings, one after the other */
	uint32_t program;	/* what to look up or run; argv[0] may differ */
	uint32_t cwd;
	uint32_t hostname;
	uint32_t cpu_model;	/* for /proc/cpuinfo */
	uint32_t blob_size;
	uint32_t rtprio;	/* --rtprio: real-time priorities the host grants */
	uint32_t hosts;		/* /etc/hosts, without its last newline */
	uint64_t blob;		/* address, in the shared object */
	struct abi_doorbell doorbell;
	/* written by the kernel for the tender */
	uint32_t exit_status;	/* wait status of the program */
	uint32_t exit_valid;
	uint32_t stopped;	/* signal the main program stopped by, or 0 */
	uint32_t start_error;	/* errno of a failed start; 126/127 */
	char start_message[256];
};
_Static_assert(sizeof(struct abi_mount) == 24, "abi_mount layout");
_Static_assert(sizeof(struct abi_doorbell) == 32, "abi_doorbell layout");
