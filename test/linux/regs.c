/* SPDX-License-Identifier: MIT */
/*
 * Registers that belong to one thread: general, vector and floating point
 * state and the bases of FS and GS survive switches to other threads and
 * processes, are copied by fork and are fresh after execve.
 */
#include "harness.h"

#include <asm/prctl.h>
#include <pthread.h>
#include <sched.h>

#define NR_THREADS 6
#define ROUNDS 400

/* Give others a chance in one of several ways; keeps no register. */
static void let_others_run(int round)
{
	struct timespec ts = { 0, 100000 };

	if (round % 50 == 0)
		nanosleep(&ts, NULL);
	else if (round % 3 == 0)
		sched_yield();
	else
		for (volatile int i = 0; i < 3000; i++)
			;
}

/* All of xmm0 to xmm15 hold v across f. Returns how many differ after. */
static int xmm_kept(uint64_t v, int round)
{
	uint64_t seen[16];
	int bad = 0;

	/* the call is inside, so that the compiler holds nothing in them */
	__asm__ volatile(
		".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
		"movq %[v], %%xmm\\n\n\t"
		".endr\n\t"
		"sub $128, %%rsp\n\t"
		"mov %%rsp, %%rbx\n\t"
		"and $-16, %%rsp\n\t"
		"mov %[round], %%edi\n\t"
		"call *%[f]\n\t"
		"mov %%rbx, %%rsp\n\t"
		"add $128, %%rsp\n\t"
		".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
		"movq %%xmm\\n, \\n*8(%[seen])\n\t"
		".endr"
		: : [v] "r"(v), [round] "r"(round), [f] "r"(let_others_run),
		    [seen] "r"(seen)
		: "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
		  "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
		  "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
		  "xmm12", "xmm13", "xmm14", "xmm15");
	for (int i = 0; i < 16; i++)
		bad += seen[i] != v;
	return bad;
}

static void *keep_xmm(void *arg)
{
	long bad = 0;

	for (int i = 0; i < ROUNDS; i++)
		bad += xmm_kept((uint64_t)arg * 0x0101010101010101 + i, i);
	return (void *)bad;
}

/* Run fn in NR_THREADS threads; the sum of what they return. */
static long in_threads(void *(*fn)(void *))
{
	pthread_t t[NR_THREADS];
	long sum = 0;

	for (long i = 0; i < NR_THREADS; i++)
		must0(pthread_create(&t[i], NULL, fn, (void *)(i + 1)));
	for (int i = 0; i < NR_THREADS; i++) {
		void *r;

		must0(pthread_join(t[i], &r));
		sum += (long)r;
	}
	return sum;
}

/* The same in processes; exit status 1 for a wrong result. */
static int in_processes(void *(*fn)(void *))
{
	pid_t pid[NR_THREADS];
	int bad = 0, status;

	for (long i = 0; i < NR_THREADS; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(fn((void *)(i + 1)) != NULL);
	}
	for (int i = 0; i < NR_THREADS; i++) {
		must(waitpid(pid[i], &status, 0));
		bad += status != 0;
	}
	return bad;
}

TEST(vector_registers_of_threads)
{
	num(in_threads(keep_xmm));
}

TEST(vector_registers_of_processes)
{
	num(in_processes(keep_xmm));
}

__attribute__((target("avx"))) static long ymm_kept(uint64_t v, int round)
{
	uint64_t in[4] = { v, v + 1, v + 2, v + 3 }, out[4];

	__asm__ volatile("vmovdqu (%0), %%ymm6" : : "r"(in)
			 : "memory", "xmm6");
	/* a system call and time, but no C code that uses it */
	__asm__ volatile("syscall" : : "a"(SYS_sched_yield)
			 : "rcx", "r11", "memory");
	for (volatile int i = 0; i < round % 7 * 1000; i++)
		;
	__asm__ volatile("vmovdqu %%ymm6, (%0)\n\tvzeroupper" : : "r"(out)
			 : "memory");
	return memcmp(in, out, sizeof(in)) != 0;
}

static void *keep_ymm(void *arg)
{
	long bad = 0;

	for (int i = 0; i < ROUNDS; i++)
		bad += ymm_kept((uint64_t)arg << 32 | (uint64_t)i, i);
	return (void *)bad;
}

/* Where there is no AVX (both sides may differ in it), nothing to compare. */
TEST(wide_vector_registers)
{
	long bad = 0;

	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx"))
		bad = in_threads(keep_ymm);
	num(bad);
}

/* The x87 control word and a value on its stack, the SSE control register. */
static void *keep_float(void *arg)
{
	uint16_t control = 0x37f ^ (uint16_t)((long)arg % 4 << 10), seen;
	uint32_t mxcsr = 0x1f80 ^ (uint32_t)((long)arg % 4 << 13), seen_mxcsr;
	double in = 1.0 / (double)(long)arg, out;
	long bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		__asm__ volatile("fninit\n\tfldcw %0\n\tldmxcsr %1\n\tfldl %2"
				 : : "m"(control), "m"(mxcsr), "m"(in));
		let_others_run(i);
		__asm__ volatile("fstpl %0\n\tfnstcw %1\n\tstmxcsr %2\n\tfninit"
				 : "=m"(out), "=m"(seen), "=m"(seen_mxcsr));
		bad += seen != control || (seen_mxcsr ^ mxcsr) & ~0x3fu ||
		       out != in;
	}
	return (void *)bad;
}

TEST(floating_point_of_threads)
{
	num(in_threads(keep_float));
}

TEST(fork_copies_vector_registers)
{
	uint64_t v = 0x1122334455667788, seen = 0;
	long pid;
	int status;

	__asm__ volatile("movq %2, %%xmm9\n\t"
			 "syscall\n\t"
			 "movq %%xmm9, %1"
			 : "=a"(pid), "=&r"(seen)
			 : "r"(v), "0"(SYS_fork)
			 : "rcx", "r11", "memory", "xmm9");
	if (!pid)
		_exit(seen == v ? 0 : 1);
	fact(seen == v);
	must(waitpid((pid_t)pid, &status, 0));
	say("child: %s", status_name(status));
}

HELPER(control_words)
{
	uint16_t control;
	uint32_t mxcsr;

	__asm__ volatile("fnstcw %0\n\tstmxcsr %1"
			 : "=m"(control), "=m"(mxcsr));
	say("x87 %#x mxcsr %#x", control, mxcsr & ~0x3fu);
	return 0;
}

TEST(exec_resets_control_words)
{
	uint16_t control = 0xf7f;
	uint32_t mxcsr = 0x7f80;

	__asm__ volatile("fldcw %0\n\tldmxcsr %1"
			 : : "m"(control), "m"(mxcsr));
	execl(self_path, "x", "--helper", "control_words", NULL);
}

/* --- bases of segments ---------------------------------------------------------*/
static uint64_t fs_base(void)
{
	uint64_t v = 0;

	syscall(SYS_arch_prctl, ARCH_GET_FS, &v);
	return v;
}

static void *keep_fs(void *arg)
{
	uint64_t mine = fs_base(), at_zero;
	long bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		let_others_run(i);
		/* its first word is its own address: the ABI's TLS block */
		__asm__ volatile("mov %%fs:0, %0" : "=r"(at_zero));
		bad += at_zero != mine;
	}
	return (void *)bad;
}

TEST(fs_base_of_threads)
{
	num(in_threads(keep_fs));
}

static uint64_t cells[NR_THREADS + 1];

static void *keep_gs(void *arg)
{
	uint64_t *mine = &cells[(long)arg], seen, base;
	long bad = 0;

	*mine = (uint64_t)arg * 1000;
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, mine))
		return (void *)1;
	for (int i = 0; i < ROUNDS; i++) {
		let_others_run(i);
		__asm__ volatile("mov %%gs:0, %0" : "=r"(seen));
		bad += seen != *mine;
	}
	syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
	return (void *)(bad + (base != (uint64_t)mine));
}

TEST(gs_base_of_threads)
{
	num(in_threads(keep_gs));
}

TEST(gs_base_after_fork)
{
	uint64_t seen;
	int status;
	pid_t pid;

	cells[0] = 4711;
	show(syscall(SYS_arch_prctl, ARCH_SET_GS, cells));
	pid = fork();
	if (!pid) {
		__asm__ volatile("mov %%gs:0, %0" : "=r"(seen));
		_exit(seen == 4711 ? 0 : 1);
	}
	must(waitpid(pid, &status, 0));
	say("child: %s", status_name(status));
}

HELPER(gs_base)
{
	uint64_t v = 1;

	syscall(SYS_arch_prctl, ARCH_GET_GS, &v);
	num(v);
	return 0;
}

TEST(gs_base_after_exec)
{
	syscall(SYS_arch_prctl, ARCH_SET_GS, cells);
	execl(self_path, "x", "--helper", "gs_base", NULL);
}

TEST(wild_segment_bases)
{
	static const uint64_t wild[] = { 0x7ffffffff000, 1ul << 47, ~0ul };

	for (size_t i = 0; i < ARRAY_SIZE(wild); i++) {
		show(syscall(SYS_arch_prctl, ARCH_SET_FS, wild[i]));
		show(syscall(SYS_arch_prctl, ARCH_SET_GS, wild[i]));
	}
	show(syscall(SYS_arch_prctl, ARCH_GET_GS, bad_pointer()));
	show(syscall(SYS_arch_prctl, 0x77, 0));
}
