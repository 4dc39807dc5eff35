/* SPDX-License-Identifier: MIT */
/*
 * Memory with a name, and memory of other processes.
 */
#include "harness.h"

#include <sys/ipc.h>
#include <sys/shm.h>

#define RW (PROT_READ | PROT_WRITE)

static char *map_file(int fd, int prot, int flags, size_t len, off_t off)
{
	return (char *)must(mmap(NULL, len, prot, flags, fd, off));
}

TEST(shm_open_shared)
{
	char name[64], *p, *q;
	int fd;

	sprintf(name, "/linux-test-%d", (int)getpid());
	fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	if (fd < 0)
		skip("no /dev/shm: %s", err_name(errno));
	must(ftruncate(fd, PAGE));
	num(fcntl(fd, F_GETFD));
	p = map_file(fd, RW, MAP_SHARED, PAGE, 0);
	q = map_file(must(shm_open(name, O_RDWR, 0)), RW, MAP_SHARED, PAGE, 0);
	p[9] = 's';
	say("%c", q[9]);
	show_ok(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
	show(shm_unlink(name));
	show(shm_unlink(name));
	say("%c", q[9]);
}

TEST(sysv_shared_memory)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, IPC_CREAT | 0600);
	char *p;
	pid_t pid;

	if (id < 0 && errno == ENOSYS)
		skip("no System V shared memory");
	must(id);
	p = (char *)must(shmat(id, NULL, 0));
	pid = fork();
	if (pid == 0) {
		p[100] = 'v';
		_exit(shmdt(p) < 0);
	}
	show_exit("child", pid);
	say("%c", p[100]);
	show(shmctl(id, IPC_RMID, NULL));
	show(shmdt(p));
	show(shmdt(p));
}

TEST(process_vm_calls)
{
	char a[8] = "12345", b[8] = "";
	struct { void *p; size_t n; } local = { b, 6 }, remote = { a, 6 };

	if (syscall(SYS_process_vm_readv, getpid(), &local, 1, &remote, 1,
		    0) < 0 && errno == ENOSYS)
		skip("no process_vm_readv");
	say("%s", b);
	remote.p = bad_pointer();
	show(syscall(SYS_process_vm_readv, getpid(), &local, 1, &remote, 1, 0));
	show(syscall(SYS_process_vm_readv, 999999, &local, 1, &remote, 1, 0));
}
