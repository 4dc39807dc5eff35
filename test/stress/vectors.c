/* SPDX-License-Identifier: MIT */
/*
 * Register state. More threads than processors hold patterns of their own in
 * vector and general registers and in the rounding mode while they are
 * preempted, make system calls, and are interrupted by a signal whose handler
 * overwrites all of it. Nobody may ever find another's pattern, or lose its
 * own; new processes start with their parent's.
 */
#include "stress.h"
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>

typedef uint64_t pair __attribute__((vector_size(16)));

static void on_signal(int signo)
{
	pair junk = { 0xdeadull, 0xbeefull };
	uint32_t mode = 0x7f80;		/* round to zero */

	(void)signo;
	__asm__ volatile("movaps %0, %%xmm0\n\tmovaps %0, %%xmm7\n\t"
			 "movaps %0, %%xmm15\n\tldmxcsr %1\n\tfninit"
			 : : "m"(junk), "m"(mode)
			 : "xmm0", "xmm7", "xmm15");
}

/* Spins `count` times, or makes one null call, with patterns in registers. */
static void hold(const pair *in, pair *out, uint64_t *general, long count,
		 int call)
{
	uint64_t kept = *general, nr = SYS_getppid;

	__asm__ volatile(
		"movaps (%[in]), %%xmm0\n\tmovaps 16(%[in]), %%xmm7\n\t"
		"movaps 32(%[in]), %%xmm15\n\t"
		"mov %[kept], %%r12\n\tmov %[kept], %%r10\n\t"
		"test %[call], %[call]\n\tjz 1f\n\t"
		"mov %[nr], %%rax\n\tsyscall\n\t"
		"1: dec %[count]\n\tjnz 1b\n\t"
		"movaps %%xmm0, (%[out])\n\tmovaps %%xmm7, 16(%[out])\n\t"
		"movaps %%xmm15, 32(%[out])\n\t"
		"xor %%r12, %%r10\n\tjz 2f\n\tmov %%r10, %%r12\n\t2:\n\t"
		"mov %%r12, %[kept]"
		: [kept] "+&b"(kept), [count] "+&S"(count)
		: [in] "D"(in), [out] "d"(out), [call] "r"((long)call),
		  [nr] "r"(nr)
		: "rax", "rcx", "r10", "r11", "r12", "xmm0", "xmm7", "xmm15",
		  "memory", "cc");
	*general = kept;
}

static void check_once(uint64_t seed, int call)
{
	pair in[3], out[3];
	uint64_t general = seed * 0x9e3779b97f4a7c15ull;
	uint32_t mode;

	for (int i = 0; i < 3; i++)
		in[i] = (pair){ seed + i, ~seed - i };
	hold(in, out, &general, 20000, call);
	if (memcmp(in, out, sizeof(in)))
		fail("vector registers of %lx changed (call %d)",
		     (unsigned long)seed, call);
	if (general != seed * 0x9e3779b97f4a7c15ull)
		fail("general registers of %lx changed (call %d)",
		     (unsigned long)seed, call);
	__asm__ volatile("stmxcsr %0" : "=m"(mode));
	if ((mode & 0x6000) != (seed & 3) << 13)
		fail("rounding mode %x of %lx", mode, (unsigned long)seed);
}

static void set_mode(uint64_t seed)
{
	uint32_t mode = 0x1f80 | (seed & 3) << 13;

	__asm__ volatile("ldmxcsr %0" : : "m"(mode));
}

static void *work(void *arg)
{
	uint64_t seed = ((uintptr_t)arg + 1) << 32;

	do {
		set_mode(++seed);
		check_once(seed, 0);
		check_once(seed, 1);
		if (seed % 64 == 0) {
			pid_t pid = fork();

			if (!pid) {
				check_once(seed, 1);
				_exit(0);
			}
			await(pid);
		}
		sched_yield();
		atomic_fetch_add(&rounds, 1);
	} while (!time_is_over());
	return NULL;
}

int main(int argc, char **argv)
{
	struct itimerval often = { { 0, 3000 }, { 0, 3000 } };
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_RESTART };

	stress_start(argc, argv);
	nr_threads = nr_threads < 6 ? 6 : nr_threads;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	run_threads(work);
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	return stress_end();
}
