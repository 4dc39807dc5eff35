/* SPDX-License-Identifier: MIT */
/*
 * One static program that runs as the first process of a Linux kernel and, the
 * same file, in a sandbox (bench/against-linux). It prints "started" at once,
 * then "name ticks" for each measurement: the least time of one operation in
 * ticks of the time-stamp counter, which both kernels leave to the machine.
 * As the first process of Linux it ends the machine. Its addresses are not
 * random, so that each run does the same.
 *
 * `guest count NAME N` does one operation N times, for counters outside
 * (bench/count); `guest idle` waits for the end of its standard input.
 */
#define _GNU_SOURCE
#include "native/mica.h"
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCHES		9
#define FAULT_PAGES	256
#define BLOCK		4096

static const char *self;
static int pipes[2][2];

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static uint64_t ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static void null_call(long n)
{
	while (n--)
		syscall(SYS_getppid);
}

static void pipe_call(long n)
{
	char byte = 1;

	while (n--) {
		must(write(pipes[0][1], &byte, 1) == 1, "write");
		must(read(pipes[0][0], &byte, 1) == 1, "read");
	}
}

/* n round trips between two processes: two switches each. */
static void switches(long n)
{
	pid_t pid = fork();
	char byte = 1;

	must(pid >= 0, "fork");
	for (long i = 0; i < n; i++) {
		int in = pipes[pid ? 0 : 1][0], out = pipes[pid ? 1 : 0][1];

		if (pid)
			must(write(out, &byte, 1) == 1, "write");
		must(read(in, &byte, 1) == 1, "read");
		if (!pid)
			must(write(out, &byte, 1) == 1, "write");
	}
	if (!pid)
		_exit(0);
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
}

/* n calls by messages and their replies. */
static void call_task(uint32_t server, struct mica_buf *b, long n)
{
	struct mica_msg m = { .type = MICA_CLOCK_TICKS };

	while (n--) {
		must(!mica_call(server, &m, b, MICA_FOREVER), "call");
		m.type = MICA_CLOCK_TICKS;
	}
}

static void serve(struct mica_buf *b)
{
	struct mica_msg m;
	int err = mica_receive(&m, b, MICA_FOREVER);

	while (!err) {
		if (b)
			b->out_len = BLOCK;
		err = mica_reply_receive(m.from, &m, b, MICA_FOREVER);
	}
	_exit(1);
}

/* Of a process of its own. */
static void call_process(struct mica_buf *b, long n)
{
	pid_t pid = fork();
	uint32_t id;

	must(pid >= 0, "fork");
	if (!pid) {
		id = (uint32_t)mica_self();
		must(write(pipes[0][1], &id, sizeof(id)) == sizeof(id), "id");
		serve(b);
	}
	must(read(pipes[0][0], &id, sizeof(id)) == sizeof(id), "id");
	call_task(id, b, n);
	kill(pid, SIGKILL);
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
}

static void calls(long n)
{
	call_process(NULL, n);
}

static void buffer_calls(long n)
{
	char block[BLOCK] = { 0 };	/* goes with a message, both ways */
	struct mica_buf b = mica_buf(block, sizeof(block), block,
				     sizeof(block));

	call_process(&b, n);
}

static void clock_calls(long n)
{
	int id = mica_find("clock");

	must(id > 0, "clock");
	call_task((uint32_t)id, NULL, n);
}

static void fork_wait(long n)
{
	while (n--) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		must(waitpid(pid, NULL, 0) == pid, "waitpid");
	}
}

static void fork_exec(long n)
{
	while (n--) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			execl(self, self, "true", NULL);
			_exit(1);
		}
		must(waitpid(pid, &status, 0) == pid && !status, "exec");
	}
}

/* n rounds of FAULT_PAGES first writes; huge pages are refused. */
static void page_faults(long n)
{
	size_t size = FAULT_PAGES * 4096ul;

	while (n--) {
		char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		must(memory != MAP_FAILED, "mmap");
		madvise(memory, size, MADV_NOHUGEPAGE);
		for (size_t at = 0; at < size; at += 4096)
			memory[at] = 1;
		munmap(memory, size);
	}
}

/* n reads of 4 KiB of the disk, past every cache. */
static void block_reads(long n)
{
	int fd = open("/dev/vda", O_RDONLY | O_DIRECT);
	char *block = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(fd >= 0, "/dev/vda");
	must(block != MAP_FAILED, "mmap");
	for (long i = 0; i < n; i++)
		must(pread(fd, block, BLOCK, i % 64 * BLOCK) == BLOCK,
		     "pread");
	close(fd);
}

struct measurement {
	const char *name;
	void (*run)(long n);
	long n;			/* operations in one batch */
	long parts;		/* figures are per n * parts */
	int in_mica;		/* not to be had elsewhere */
};

static const struct measurement table[] = {
	{ "null", null_call, 20000, 1, 0 },
	{ "pipe", pipe_call, 5000, 1, 0 },
	{ "switch", switches, 1000, 2, 0 },
	{ "call", calls, 2000, 1, 1 },
	{ "call-buffer", buffer_calls, 500, 1, 1 },
	{ "call-clock", clock_calls, 2000, 1, 1 },
	{ "fork", fork_wait, 20, 1, 0 },
	{ "fork-exec", fork_exec, 10, 1, 0 },
	{ "page-fault", page_faults, 4, FAULT_PAGES, 0 },
	{ "block", block_reads, 0, 1, 0 },
};
#define NR_MEASUREMENTS (sizeof(table) / sizeof(table[0]))

static void measure(const struct measurement *m)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < BATCHES; i++) {
		uint64_t start = ticks(), took;

		m->run(m->n);
		took = ticks() - start;
		least = took < least ? took : least;
	}
	printf("%s %lu\n", m->name,
	       (unsigned long)(least / (m->n * m->parts)));
	fflush(stdout);
}

/* Where bench/count begins and ends to count. */
__attribute__((noinline)) void count_begin(void)
{
	__asm__ volatile("");
}

__attribute__((noinline)) void count_end(void)
{
	__asm__ volatile("");
}

static int count(const char *name, long n)
{
	for (size_t i = 0; i < NR_MEASUREMENTS; i++) {
		if (strcmp(table[i].name, name))
			continue;
		count_begin();
		table[i].run(n);
		count_end();
		return 0;
	}
	return 2;
}

/* The machine of a Linux whose first process we are has nothing else to do. */
static void end_machine(void)
{
	struct utsname name;

	if (getpid() != 1 || uname(&name) || strstr(name.release, "mica"))
		return;
	fflush(stdout);
	reboot(RB_AUTOBOOT);
}

/*
 * Starts anew with these arguments and addresses that are not random: how many
 * page tables fork copies depends on them. Returns when they are not.
 */
static void fix_addresses(char **argv)
{
	int now = personality(0xffffffff);

	if (now < 0 || now & ADDR_NO_RANDOMIZE)
		return;
	must(personality(now | ADDR_NO_RANDOMIZE) >= 0, "personality");
	execv(argv[0], argv);
	must(0, "exec");
}

static void measure_all(void)
{
	for (size_t i = 0; i < NR_MEASUREMENTS; i++) {
		if (table[i].n && (!table[i].in_mica || mica_version() > 0))
			measure(&table[i]);
	}
	printf("end\n");
	end_machine();
}

static void say_started(void)
{
	printf("started\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char *anew[] = { argv[0], "measure", NULL };
	const char *mode = argc > 1 ? argv[1] : "";
	char byte;

	self = argv[0];
	if (!strcmp(mode, "true"))
		return 0;
	if (!strcmp(mode, "idle")) {
		say_started();
		return read(0, &byte, 1) != 0;
	}
	if (!*mode)
		say_started();
	fix_addresses(*mode ? argv : anew);
	must(!pipe(pipes[0]) && !pipe(pipes[1]), "pipe");
	if (argc > 3 && !strcmp(mode, "count"))
		return count(argv[2], atol(argv[3]));
	measure_all();
	return 0;
}
