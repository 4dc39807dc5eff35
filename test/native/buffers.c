/* SPDX-License-Identifier: MIT */
/*
 * Buffers between two processes, in both orders of arrival: the second copies,
 * into or out of memory that is not its own, whatever kind of memory that is.
 * Prints TAP.
 */
#define _GNU_SOURCE
#include "test/native/harness.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE	4096ul
#define SIZE	(16 * PAGE)
#define ROUNDS	100
#define FOREVER	MICA_FOREVER
#define A_WHILE	5000		/* us: the other has begun to wait */

static char *memory(int prot, int flags)
{
	char *p = mmap(NULL, 2 * SIZE, prot, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(1);
	return p;
}

static void fill(char *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)((i * 2654435761u + seed) >> 13);
}

static int is_filled(const char *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != (char)((i * 2654435761u + seed) >> 13))
			return 0;
	return 1;
}

/* The other process: sends `out` to the parent, or receives into `in`, and says
 * what came of it with its exit status: 0, or the error. */
struct other {
	const char *out;
	char *in;
	size_t size;
	uint32_t seed;
	int waits;		/* it is to be the first to arrive */
	uint32_t *id;		/* shared; its id, or 0 */
};

static int run_other(const struct other *o, uint32_t parent)
{
	struct mica_buf b = mica_buf(o->out, o->out ? o->size : 0, o->in,
				     o->in ? o->size : 0);
	struct mica_msg m = { 0 };
	int err;

	__atomic_store_n(o->id, (uint32_t)mica_self(), __ATOMIC_RELEASE);
	if (!o->waits)
		usleep(A_WHILE);
	if (o->out)
		return mica_send(parent, &m, &b, 1000000000);
	err = mica_receive(&m, &b, 1000000000);
	if (!err && (b.got != o->size || !is_filled(o->in, b.got, o->seed)))
		return 99;
	return err;
}

static pid_t start(struct other *o)
{
	uint32_t parent = (uint32_t)mica_self();
	pid_t pid;

	o->id = (uint32_t *)memory(PROT_READ | PROT_WRITE, MAP_SHARED);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(run_other(o, parent) & 0xff);
	while (!__atomic_load_n(o->id, __ATOMIC_ACQUIRE))
		usleep(100);
	if (o->waits)
		usleep(A_WHILE);
	return pid;
}

static int end(pid_t pid, struct other *o)
{
	munmap(o->id, 2 * SIZE);
	return result(pid);
}

/* It sends from there, into our own. Returns our result; *its. */
static int from_it(char *theirs, char *ours, size_t n, int waits, int *its)
{
	struct other o = { .out = theirs, .size = n, .waits = waits };
	struct mica_buf b = mica_buf(NULL, 0, ours, n);
	struct mica_msg m;
	pid_t pid = start(&o);
	int err = mica_receive(&m, &b, 200000000);

	*its = end(pid, &o);
	return err;
}

static int to_it(char *ours, char *theirs, size_t n, int waits, int *its)
{
	struct other o = { .in = theirs, .size = n, .waits = waits, .seed = 7 };
	struct mica_buf b = mica_buf(ours, n, NULL, 0);
	struct mica_msg m = { 0 };
	pid_t pid = start(&o);
	int err = mica_send(*o.id, &m, &b, 200000000);

	*its = end(pid, &o);
	return err;
}

static void both_ways(char *theirs, char *ours, size_t n)
{
	int its;

	for (int waits = 0; waits < 2; waits++) {
		fill(theirs, n, 5);
		CHECK_EQ(from_it(theirs, ours, n, waits, &its), 0);
		CHECK_EQ(its, 0);
		CHECK_EQ(is_filled(ours, n, 5), 1);
		fill(ours, n, 7);
		CHECK_EQ(to_it(ours, theirs, n, waits, &its), 0);
		CHECK_EQ(its, 0);
		/* what it received is its own: ours is as it was (fork) */
		CHECK_EQ(is_filled(theirs, n, 5), 1);
	}
}

static void copy_on_write(void)
{
	char *theirs = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *ours = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE);

	both_ways(theirs, ours, SIZE);
	both_ways(theirs + 1, ours + PAGE - 1, 3 * PAGE + 5);
	both_ways(theirs + PAGE - 1, ours, 2);
	munmap(theirs, 2 * SIZE);
	munmap(ours, 2 * SIZE);
}

static void huge_pages(void)
{
	char *p = mmap(NULL, 8ul << 20, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *theirs = (char *)(((uintptr_t)p + (2ul << 20)) & ~0x1ffffful);
	char *ours = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE);

	madvise(p, 8ul << 20, MADV_HUGEPAGE);
	both_ways(theirs + (2ul << 20) - PAGE - 3, ours, SIZE);
	munmap(p, 8ul << 20);
	munmap(ours, 2 * SIZE);
}

/* Nothing is there yet, on either side. */
static void nothing_yet(void)
{
	char *theirs = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *ours = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	int its;

	for (int waits = 0; waits < 2; waits++) {
		fill(ours, SIZE, 1);
		CHECK_EQ(from_it(theirs, ours, SIZE, waits, &its), 0);
		CHECK_EQ(its, 0);
		CHECK_EQ(ours[0] | ours[SIZE - 1], 0);
		madvise(ours, SIZE, MADV_DONTNEED);
		fill(theirs, SIZE, 5);
		CHECK_EQ(from_it(theirs, ours, SIZE, waits, &its), 0);
		CHECK_EQ(is_filled(ours, SIZE, 5), 1);
		madvise(theirs, SIZE, MADV_DONTNEED);
		fill(ours, SIZE, 7);
		CHECK_EQ(to_it(ours, theirs, SIZE, waits, &its), 0);
		CHECK_EQ(its, 0);
	}
	munmap(theirs, 2 * SIZE);
	munmap(ours, 2 * SIZE);
}

static void shared_memory(void)
{
	char *theirs = memory(PROT_READ | PROT_WRITE, MAP_SHARED);
	char *ours = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	int its;

	for (int waits = 0; waits < 2; waits++) {
		fill(ours, SIZE, 7);
		memset(theirs, 0, SIZE);
		CHECK_EQ(to_it(ours, theirs, SIZE, waits, &its), 0);
		CHECK_EQ(its, 0);
		CHECK_EQ(is_filled(theirs, SIZE, 7), 1);
	}
	munmap(theirs, 2 * SIZE);
	munmap(ours, 2 * SIZE);
}

/* Who is at fault is told. What the other is told depends: it has been copied
 * from, or waits on until its time is over, or until the first one ends. */
static void bad_memory(void)
{
	char *theirs = memory(PROT_READ, MAP_PRIVATE);
	char *ours = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	int its;

	for (int waits = 0; waits < 2; waits++) {
		fill(ours, SIZE, 7);
		CHECK_EQ(to_it(ours, theirs, SIZE, waits, &its) != -EFAULT, 1);
		CHECK_EQ(its, -EFAULT);
		CHECK_EQ(from_it(ours, theirs, PAGE, waits, &its), -EFAULT);
		CHECK_EQ(its != -EFAULT, 1);
		/* in the middle */
		mprotect(theirs + SIZE / 2, PAGE, PROT_NONE);
		CHECK_EQ(from_it(theirs, ours, SIZE, waits, &its) < 0, 1);
		CHECK_EQ(its, -EFAULT);
		CHECK_EQ(to_it(theirs, ours, SIZE, waits, &its), -EFAULT);
		CHECK_EQ(its < 0 && its != -EFAULT, 1);
		mprotect(theirs + SIZE / 2, PAGE, PROT_READ);
	}
	munmap(theirs, 2 * SIZE);
	munmap(ours, 2 * SIZE);
}

/* --- both at once ------------------------------------------------------------------*/
static uint32_t *peers;		/* shared: ids of the two receivers */

static void *send_all(void *arg)
{
	uint32_t to = *(uint32_t *)arg;
	struct mica_msg m = { 0 };
	long bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		char *p = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE);
		struct mica_buf b = mica_buf(p, SIZE, NULL, 0);

		fill(p, SIZE, (uint32_t)i);
		m.type = (uint32_t)i;
		bad |= mica_send(to, &m, &b, FOREVER);
		munmap(p, 2 * SIZE);
	}
	return (void *)bad;
}

/* Receives from the other process, while a thread sends to it. */
static long exchange(int me)
{
	pthread_t thread;
	void *failed;
	long bad = 0;

	__atomic_store_n(&peers[me], (uint32_t)mica_self(), __ATOMIC_RELEASE);
	while (!__atomic_load_n(&peers[1 - me], __ATOMIC_ACQUIRE))
		usleep(100);
	pthread_create(&thread, NULL, send_all, &peers[1 - me]);
	for (int i = 0; i < ROUNDS; i++) {
		char *p = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE);
		struct mica_buf b = mica_buf(NULL, 0, p, SIZE);
		struct mica_msg m;

		bad |= mica_receive(&m, &b, FOREVER);
		bad |= !is_filled(p, SIZE, m.type);
		munmap(p, 2 * SIZE);
	}
	pthread_join(thread, &failed);
	return bad | (long)failed;
}

static void both_at_once(void)
{
	pid_t pid;

	peers = (uint32_t *)memory(PROT_READ | PROT_WRITE, MAP_SHARED);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(exchange(1) != 0);
	CHECK_EQ(exchange(0), 0);
	CHECK_EQ(result(pid), 0);
}

int main(void)
{
	static const struct test tests[] = {
		{ "copy on write", copy_on_write },
		{ "huge pages", huge_pages }, { "nothing yet", nothing_yet },
		{ "shared memory", shared_memory },
		{ "bad memory", bad_memory }, { "both at once", both_at_once },
	};

	return run_tests("buffers", tests, sizeof(tests) / sizeof(*tests), 100);
}
