/* SPDX-License-Identifier: MIT */
/*
 * Random system calls with random arguments, to be run in mica only (as root
 * it would harm a machine): random_calls ROUNDS SEED. Three processes of two
 * threads each work for two seconds a round; whatever happens to them, the
 * kernel must go on, which the parent's last line shows.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES 3
#define SECONDS 2
#define NR_LAST 456

static uint64_t state;
static char *memory, *read_only;	/* 8 KiB before a hole; one page */

static const char *const names[] = {
	"a", "b", "d", "d/x", "", "/", "/proc/self/fd", "..", "/dev/null",
	"/dev/zero", "/tmp/f/a", "fifo", "link", "/proc/self/maps",
	"/dev/ptmx", "/dev/tty",
};

/* Calls that would only end or block the process itself. */
static const int left_out[] = {
	SYS_mmap, SYS_mprotect, SYS_munmap, SYS_brk, SYS_rt_sigaction,
	SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_select, SYS_mremap,
	SYS_madvise, SYS_pause, SYS_nanosleep, SYS_clone, SYS_fork, SYS_vfork,
	SYS_execve, SYS_exit, SYS_wait4, SYS_kill, SYS_rt_sigtimedwait,
	SYS_rt_sigsuspend, SYS_sigaltstack, SYS_arch_prctl, SYS_tkill,
	SYS_futex, SYS_set_tid_address, SYS_restart_syscall,
	SYS_clock_nanosleep, SYS_exit_group, SYS_tgkill, SYS_waitid,
	SYS_pselect6, SYS_ppoll, SYS_prlimit64, SYS_setrlimit, SYS_execveat,
	SYS_clone3, SYS_close_range, SYS_pkey_mprotect, SYS_remap_file_pages,
	SYS_shmat, SYS_close,
};

static uint32_t random32(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 11);
}

static uint64_t random_argument(void)
{
	switch (random32() % 20) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
	case 3:
		return (uint64_t)memory + random32() % 4000;
	case 4:
		return (uint64_t)memory + 8192 - random32() % 16;
	case 5:
		return 1ull << (random32() % 64);
	case 6:
		return random32();
	case 7:
	case 8:
		return (uint64_t)names[random32() % 16];
	case 9:		/* the kernel's own memory */
		return 0x7d0000001000ull + (random32() % 100000) * 16;
	case 10:
		return random32() % 4096;
	case 11:
		return (uint64_t)read_only;
	case 12:
		return (uint64_t)-(int64_t)(random32() % 200);
	case 13:
		return 0x7ffffffff000ull - random32() % 8192;
	case 14:
		return random32() % 3;
	default:	/* a descriptor */
		return 3 + random32() % 20;
	}
}

static int is_left_out(int nr)
{
	for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++)
		if (left_out[i] == nr)
			return 1;
	return nr > SYS_rseq && nr < SYS_pidfd_send_signal;
}

static void *call_at_random(void *unused)
{
	time_t end = time(NULL) + SECONDS;
	uint64_t a[6];

	while (time(NULL) < end) {
		int nr = (int)(random32() % (NR_LAST + 1));

		if (is_left_out(nr))
			continue;
		for (int i = 0; i < 6; i++)
			a[i] = random_argument();
		if (nr == SYS_poll || nr == SYS_epoll_wait)
			a[2] = 0;
		for (int i = 0; i < 64; i++)
			((uint32_t *)memory)[random32() % 2048] =
				(uint32_t)random_argument();
		syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	return NULL;
}

static void child(void)
{
	pthread_t t;
	int fds[2];

	setsid();
	for (int i = 1; i < 65; i++)
		signal(i, SIG_IGN);
	mkdir("/tmp/f", 0777);
	if (chdir("/tmp/f"))
		_exit(1);
	mkdir("d", 0777);
	close(open("a", O_CREAT | O_RDWR, 0666));
	mkfifo("fifo", 0666);
	(void)!symlink("a", "link");
	memory = mmap(NULL, 16384, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(memory + 8192, 4096);
	read_only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	for (int i = 0; i < 8; i++)
		(void)!open(names[random32() % 16],
			    O_RDWR | O_NONBLOCK | O_CREAT, 0666);
	(void)!pipe2(fds, O_NONBLOCK);
	pthread_create(&t, NULL, call_at_random, NULL);
	call_at_random(NULL);
	_exit(0);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 2;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	pid_t pid[PROCESSES];
	struct utsname u;

	if (uname(&u) || !strstr(u.release, "mica"))
		return 1;	/* never on a real machine */
	for (int r = 0; r < rounds; r++) {
		for (int i = 0; i < PROCESSES; i++) {
			state = seed * 6364136223846793005ull +
				(uint64_t)(r * PROCESSES + i + 1) * 7919;
			pid[i] = fork();
			if (!pid[i])
				child();
		}
		usleep(SECONDS * 1000000 + 600000);
		for (int i = 0; i < PROCESSES; i++) {
			kill(pid[i], SIGKILL);
			waitpid(pid[i], NULL, 0);
		}
	}
	(void)!write(1, "survived\n", 9);
	return 0;
}
