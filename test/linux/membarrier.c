/* SPDX-License-Identifier: MIT */
/*
 * membarrier. Linux has commands for restartable sequences too, and a process
 * is registered for them by the C library: neither is looked at.
 */
#include "harness.h"

#include <pthread.h>

enum {
	GLOBAL = 1, GLOBAL_EXPEDITED = 2, REGISTER_GLOBAL = 4, PRIVATE = 8,
	REGISTER_PRIVATE = 16, SYNC_CORE = 32, REGISTER_SYNC_CORE = 64,
	REGISTRATIONS = 512,
};

static long membarrier(int cmd, unsigned flags)
{
	return syscall(SYS_membarrier, cmd, flags, 0);
}

static void need_call(void)
{
	if (membarrier(0, 0) < 0)
		skip("no membarrier: %s", err_name(errno));
}

TEST(membarrier_query)
{
	need_call();
	num(membarrier(0, 0) & 127);
	show(membarrier(0, 1));
	show(membarrier(3, 0));
	show(membarrier(-1, 0));
	show(membarrier(GLOBAL, 1));
	show(membarrier(1 << 30, 0));
}

TEST(membarrier_global)
{
	need_call();
	show(membarrier(GLOBAL, 0));
	show(membarrier(GLOBAL_EXPEDITED, 0));
	show(membarrier(REGISTER_GLOBAL, 0));
	show(membarrier(GLOBAL_EXPEDITED, 0));
}

TEST(membarrier_registers_first)
{
	need_call();
	show(membarrier(PRIVATE, 0));
	show(membarrier(SYNC_CORE, 0));
	show(membarrier(REGISTER_PRIVATE, 0));
	show(membarrier(PRIVATE, 0));
	show(membarrier(SYNC_CORE, 0));
	show(membarrier(REGISTER_SYNC_CORE, 0));
	show(membarrier(REGISTER_SYNC_CORE, 0));
	show(membarrier(SYNC_CORE, 0));
	show(membarrier(PRIVATE, 2));
}

static int in_child(void *arg)
{
	show(membarrier(PRIVATE, 0));
	show(membarrier(SYNC_CORE, 0));
	return 0;
}

HELPER(after_exec)
{
	return in_child(NULL);
}

static int exec_it(void *arg)
{
	execl(self_path, "x", "--helper", "after_exec", NULL);
	return 9;
}

TEST(membarrier_fork_and_exec)
{
	need_call();
	must(membarrier(REGISTER_PRIVATE, 0));
	show_exit("forked", spawn(in_child, NULL));
	show_exit("executed", spawn(exec_it, NULL));
}

TEST(membarrier_registrations)
{
	long r;

	need_call();
	r = membarrier(REGISTRATIONS, 0);
	if (r < 0)
		skip("no such command: %s", err_name(errno));
	num(r & 127);
	must(membarrier(REGISTER_PRIVATE, 0));
	must(membarrier(REGISTER_GLOBAL, 0));
	num(membarrier(REGISTRATIONS, 0) & 127);
}

/*
 * Dekker's handshake with a barrier on one side only: never may both see the
 * other's word clear. The fast side has no fence but the compiler's.
 */
#define ROUNDS 2000

static volatile int wanted_a, wanted_b, turn, both;
static int saw_a, saw_b;

static void *fast_side(void *arg)
{
	for (int i = 1; i <= ROUNDS; i++) {
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) < 2 * i - 1)
			;
		wanted_a = 1;
		__asm__ volatile("" : : : "memory");
		saw_a = wanted_b;
		__atomic_fetch_add(&both, 1, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) < 2 * i)
			sched_yield();
	}
	return NULL;
}

static void handshake(int cmd)
{
	pthread_t t;
	int missed = 0;

	must0(pthread_create(&t, NULL, fast_side, NULL));
	for (int i = 1; i <= ROUNDS; i++) {
		wanted_a = wanted_b = both = 0;
		__atomic_store_n(&turn, 2 * i - 1, __ATOMIC_SEQ_CST);
		wanted_b = 1;
		must(membarrier(cmd, 0));
		saw_b = wanted_a;
		while (__atomic_load_n(&both, __ATOMIC_SEQ_CST) < 1)
			sched_yield();
		missed += !saw_a && !saw_b;
		__atomic_store_n(&turn, 2 * i, __ATOMIC_SEQ_CST);
	}
	must0(pthread_join(t, NULL));
	num(missed);
}

TEST(membarrier_handshake)
{
	need_call();
	must(membarrier(REGISTER_PRIVATE, 0));
	handshake(PRIVATE);
}

TEST(membarrier_handshake_code)
{
	need_call();
	must(membarrier(REGISTER_SYNC_CORE, 0));
	handshake(SYNC_CORE);
}

static void *many_calls(void *arg)
{
	for (int i = 0; i < 2000; i++)
		must(membarrier(i % 2 ? PRIVATE : SYNC_CORE, 0));
	return NULL;
}

/* All at once: each waits for the others' answers. */
TEST(membarrier_several_at_once)
{
	pthread_t t[4];

	need_call();
	must(membarrier(REGISTER_PRIVATE, 0));
	must(membarrier(REGISTER_SYNC_CORE, 0));
	for (int i = 0; i < 4; i++)
		must0(pthread_create(&t[i], NULL, many_calls, NULL));
	for (int i = 0; i < 4; i++)
		must0(pthread_join(t[i], NULL));
	say("done");
}
