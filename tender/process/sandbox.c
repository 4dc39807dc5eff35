/* SPDX-License-Identifier: MIT */
/*
 * Making and ending a sandbox. The first process is cloned into a new PID
 * namespace (and, without root, a new user namespace); its death takes every
 * process of the sandbox with it, and the tender's death takes it.
 */
#include "process/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY	65534u
#define RTPRIO_MAX 99u

#define NEEDED_CAPS ((1u << CAP_SETUID) | (1u << CAP_SETGID) | \
		     (1u << CAP_SYS_ADMIN) | (1u << CAP_SETPCAP))

/* Does the user namespace know nobody's id? */
static bool maps_nobody(const char *path)
{
	unsigned long first, host, count;
	bool found = false;
	FILE *f = fopen(path, "re");

	while (f && fscanf(f, "%lu %lu %lu", &first, &host, &count) == 3)
		if (NOBODY >= first && NOBODY - first < count)
			found = true;
	if (f)
		fclose(f);
	return found;
}

bool sandbox_has_root(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];

	if (geteuid() || syscall(SYS_capget, &h, caps) ||
	    (caps[0].effective & NEEDED_CAPS) != NEEDED_CAPS)
		return false;
	return maps_nobody("/proc/self/uid_map") &&
	       maps_nobody("/proc/self/gid_map");
}

/* The kernel's own locks need them as well (plat_brief_lock). */
static bool has_futexes_with_owner(void)
{
	uint32_t word = 0;

	return syscall(SYS_futex, &word, FUTEX_TRYLOCK_PI, 0, NULL) == 0;
}

unsigned int sandbox_rtprio_max(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];
	struct rlimit limit = { 0, 0 };

	if (!has_futexes_with_owner())
		return 0;
	/* of a user namespace, they are no rights on the host's scheduler */
	if (!syscall(SYS_capget, &h, caps) && sandbox_has_root() &&
	    caps[0].effective & (1u << CAP_SYS_RESOURCE | 1u << CAP_SYS_NICE))
		return RTPRIO_MAX;
	getrlimit(RLIMIT_RTPRIO, &limit);
	return limit.rlim_max < RTPRIO_MAX ? (unsigned int)limit.rlim_max :
	       RTPRIO_MAX;
}

static uint64_t page_up(uint64_t x)
{
	return (x + 4095) & ~4095ull;
}

/* The host's vDSO and its data pages, from /proc/self/maps. */
static void find_vdso(struct abi_boot *b)
{
	char line[512];
	FILE *f = fopen("/proc/self/maps", "re");

	b->vdso = getauxval(AT_SYSINFO_EHDR);
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long start, end;

		if (!strstr(line, "[vvar") && !strstr(line, "[vdso]"))
			continue;
		if (sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		if (!b->vvar_start || start < b->vvar_start)
			b->vvar_start = start;
		if (end > b->vvar_end)
			b->vvar_end = end;
	}
	if (f)
		fclose(f);
	if (!b->vvar_end)
		b->vdso = 0;
}

int sandbox_create(struct sandbox *s, struct description *d, struct err *e)
{
	uint64_t blob = description_blob_offset();
	void *m;
	int sv[2];

	s->pool_fd = s->server_fd = s->guest_server_fd = s->pidfd = -1;
	s->boot_at = page_up(image_pool_used());
	s->pool_fd = memfd_create("mica", MFD_CLOEXEC);
	if (s->pool_fd < 0)
		return err_set(e, errno, "making the memory object");
	if (ftruncate(s->pool_fd, ABI_POOL_SIZE))
		return err_set(e, errno, "sizing the memory object: %s; "
			       "raise 'ulimit -f'", strerror(errno));
	if (image_load_data(s->pool_fd, e))
		return -e->code;
	m = mmap(NULL, blob + DESCRIPTION_BLOB_MAX, PROT_READ | PROT_WRITE,
		 MAP_SHARED, s->pool_fd, (off_t)s->boot_at);
	if (m == MAP_FAILED)
		return err_set(e, errno, "mapping the boot block");
	description_init(d, m);
	s->boot = d->boot;
	s->boot->blob = ABI_POOL_BASE + s->boot_at + blob;
	find_vdso(s->boot);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return err_set(e, errno, "making the file server's socket");
	s->server_fd = sv[0];
	s->guest_server_fd = sv[1];
	return 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* The tender maps its own identity into the child's user namespace. */
static int map_identity(pid_t pid, struct err *e)
{
	char path[64], line[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
	write_file(path, "deny");
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	snprintf(line, sizeof(line), "%u %u 1\n", geteuid(), geteuid());
	err = write_file(path, line);
	if (err)
		return err_set(e, -err, "writing %s", path);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	snprintf(line, sizeof(line), "%u %u 1\n", getegid(), getegid());
	err = write_file(path, line);
	if (err)
		return err_set(e, -err, "writing %s", path);
	return 0;
}

static pid_t clone_first(unsigned long flags, int *pidfd)
{
	return (pid_t)syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, 0,
			      pidfd, 0, 0);
}

int sandbox_start(struct sandbox *s, struct err *e)
{
	unsigned long flags = CLONE_NEWPID;
	int gate[2];
	char go = 1;

	s->boot->pool_used = page_up(image_pool_used()) +
			     page_up(sizeof(*s->boot)) +
			     page_up(s->boot->blob_size);
	if (!s->as_root)
		flags |= CLONE_NEWUSER;
	if (pipe2(gate, O_CLOEXEC))
		return err_set(e, errno, "making a pipe");
	s->pid = clone_first(flags, &s->pidfd);
	if (s->pid == 0) {
		close(gate[1]);
		/* wait until the identity is mapped; EOF: the tender died */
		if (read(gate[0], &go, 1) != 1)
			_exit(125);
		confine_and_enter(s);
	}
	close(gate[0]);
	if (s->pid < 0) {
		close(gate[1]);
		return err_set(e, errno, "making %s namespace for the sandbox",
			       s->as_root ? "a PID" : "a user and PID");
	}
	if (!s->as_root && map_identity(s->pid, e)) {
		close(gate[1]);
		return -e->code;
	}
	if (write(gate[1], &go, 1) != 1)
		err_set(e, errno, "starting the sandbox");
	close(gate[1]);
	close(s->guest_server_fd);
	s->guest_server_fd = -1;
	return 0;
}

void sandbox_ring(struct sandbox *s)
{
	__atomic_fetch_add(&s->boot->doorbell.word, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &s->boot->doorbell.word, FUTEX_WAKE, 1, 0, 0, 0);
}

void sandbox_destroy(struct sandbox *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
		s->pid = 0;
	}
	if (s->pidfd >= 0)
		close(s->pidfd);
	if (s->pool_fd >= 0)
		close(s->pool_fd);
	if (s->guest_server_fd >= 0)
		close(s->guest_server_fd);
	s->pidfd = s->pool_fd = s->guest_server_fd = -1;
}
