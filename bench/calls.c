/* SPDX-License-Identifier: MIT */
/*
 * System calls that do little: the null call by a patchable site and by one
 * that has to trap, getpid, reads and writes of several files, open+close and
 * stat.
 */
#include "bench.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char buffer[65536];
static int zero_fd, null_fd, file_fd, pipe_fds[2];

/* The shape of libc's own wrappers: the number, then the call. */
static void null_patched(uint64_t n)
{
	while (n--) {
		long result;

		__asm__ volatile("mov $110, %%eax\n\tsyscall"
				 : "=a"(result)
				 : : "rcx", "r11", "memory");
	}
}

/*
 * The same call in anonymous memory made when the program runs. The number
 * comes from a register, far from the call, so no site pattern fits.
 */
static long (*jit_call)(long nr);

static void null_trapped_setup(void)
{
	static const unsigned char code[] = {
		0x48, 0x89, 0xf8,	/* mov %rdi,%rax */
		0x90, 0x90,		/* nop; nop */
		0x0f, 0x05,		/* syscall */
		0x90,			/* nop */
		0x90,			/* nop */
		0xc3,			/* ret */
	};
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(page != MAP_FAILED, "mmap");
	memcpy(page, code, sizeof(code));
	must(!mprotect(page, 4096, PROT_READ | PROT_EXEC), "mprotect");
	jit_call = (long (*)(long))(uintptr_t)page;
}

static void null_trapped(uint64_t n)
{
	while (n--)
		jit_call(SYS_getppid);
}

static void libc_getpid(uint64_t n)
{
	while (n--)
		getpid();
}

static void open_files(void)
{
	zero_fd = open("/dev/zero", O_RDONLY);
	null_fd = open("/dev/null", O_WRONLY);
	file_fd = open("/dev/shm/mica-bench", O_RDWR | O_CREAT | O_TRUNC, 0600);
	must(zero_fd >= 0 && null_fd >= 0 && file_fd >= 0, "open");
	unlink("/dev/shm/mica-bench");
	must(pwrite(file_fd, buffer, sizeof(buffer), 0) == sizeof(buffer),
	     "pwrite");
	must(!pipe(pipe_fds), "pipe");
}

static void read_zero_1(uint64_t n)
{
	while (n--)
		must(read(zero_fd, buffer, 1) == 1, "read");
}

static void read_zero_64k(uint64_t n)
{
	while (n--)
		must(read(zero_fd, buffer, 65536) == 65536, "read");
}

static void write_null_1(uint64_t n)
{
	while (n--)
		must(write(null_fd, buffer, 1) == 1, "write");
}

static void write_null_64k(uint64_t n)
{
	while (n--)
		must(write(null_fd, buffer, 65536) == 65536, "write");
}

static void tmpfs_read_1(uint64_t n)
{
	while (n--)
		must(pread(file_fd, buffer, 1, 0) == 1, "pread");
}

static void tmpfs_read_64k(uint64_t n)
{
	while (n--)
		must(pread(file_fd, buffer, 65536, 0) == 65536, "pread");
}

static void tmpfs_write_1(uint64_t n)
{
	while (n--)
		must(pwrite(file_fd, buffer, 1, 0) == 1, "pwrite");
}

static void tmpfs_write_64k(uint64_t n)
{
	while (n--)
		must(pwrite(file_fd, buffer, 65536, 0) == 65536, "pwrite");
}

static void pipe_1(uint64_t n)
{
	while (n--) {
		must(write(pipe_fds[1], buffer, 1) == 1, "write");
		must(read(pipe_fds[0], buffer, 1) == 1, "read");
	}
}

static void pipe_32k(uint64_t n)
{
	while (n--) {
		must(write(pipe_fds[1], buffer, 32768) == 32768, "write");
		must(read(pipe_fds[0], buffer, 32768) == 32768, "read");
	}
}

static void open_close(uint64_t n)
{
	while (n--) {
		int fd = open("/etc/passwd", O_RDONLY);

		must(fd >= 0, "open");
		close(fd);
	}
}

static void stat_file(uint64_t n)
{
	struct stat st;

	while (n--)
		must(!stat("/etc/passwd", &st), "stat");
}

static const struct bench table[] = {
	{ "null-patched", null_patched, NULL },
	{ "null-trapped", null_trapped, null_trapped_setup },
	{ "getpid", libc_getpid, NULL },
	{ "read-zero-1", read_zero_1, open_files },
	{ "read-zero-64k", read_zero_64k, open_files },
	{ "write-null-1", write_null_1, open_files },
	{ "write-null-64k", write_null_64k, open_files },
	{ "tmpfs-read-1", tmpfs_read_1, open_files },
	{ "tmpfs-read-64k", tmpfs_read_64k, open_files },
	{ "tmpfs-write-1", tmpfs_write_1, open_files },
	{ "tmpfs-write-64k", tmpfs_write_64k, open_files },
	{ "pipe-1", pipe_1, open_files },
	{ "pipe-32k", pipe_32k, open_files },
	{ "open-close", open_close, NULL },
	{ "stat", stat_file, NULL },
};

int main(int argc, char **argv)
{
	return bench_main(table, sizeof(table) / sizeof(table[0]), argc, argv);
}
