/* SPDX-License-Identifier: MIT */
/*
 * The system call instruction itself: which registers survive, in which code
 * it may stand, what unknown numbers give. The instruction is written here in
 * the forms that compilers and libraries use, so that a kernel which replaces
 * call sites is tested on each of them.
 */
#include "harness.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/time.h>

#define PUSH_ALL                                                              \
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
#define POP_ALL                                                               \
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"

/*
 * long call_all(long nr, uint64_t out[16]): set every register to a known
 * value, make the call, store every register, return the result.
 */
#define CALL_ALL(name, set_number, after)                                     \
	asm(".pushsection .text\n"                                            \
	    #name ":\n" PUSH_ALL                                              \
	    "push %rsi; mov %rdi, %rax\n"                                     \
	    "mov $0x11, %ebx; mov $0x14, %edx; mov $0x15, %esi\n"             \
	    "mov $0x16, %edi; mov $0x17, %ebp; mov $0x18, %r8d\n"             \
	    "mov $0x19, %r9d; mov $0x1a, %r10d; mov $0x1c, %r12d\n"           \
	    "mov $0x1d, %r13d; mov $0x1e, %r14d; mov $0x1f, %r15d\n"          \
	    "movq $0x77, -16(%rsp); movq $0x88, -128(%rsp)\n"                 \
	    set_number "syscall\n" after                                      \
	    "mov (%rsp), %rcx\n"                                              \
	    "mov %rbx, (%rcx); mov %rdx, 8(%rcx); mov %rsi, 16(%rcx)\n"       \
	    "mov %rdi, 24(%rcx); mov %rbp, 32(%rcx); mov %r8, 40(%rcx)\n"     \
	    "mov %r9, 48(%rcx); mov %r10, 56(%rcx); mov %r12, 64(%rcx)\n"     \
	    "mov %r13, 72(%rcx); mov %r14, 80(%rcx); mov %r15, 88(%rcx)\n"    \
	    "mov -16(%rsp), %rdx; mov %rdx, 96(%rcx)\n"                       \
	    "mov -128(%rsp), %rdx; mov %rdx, 104(%rcx)\n"                     \
	    "pop %rsi\n" POP_ALL "ret\n"                                      \
	    ".popsection");                                                   \
	extern long name(long nr, uint64_t *out)

CALL_ALL(call_plain, "", "nop\n");
CALL_ALL(call_mov_eax, "mov $39, %eax\n", "nop\n");
CALL_ALL(call_mov_rax, "mov $39, %rax\n", "nop\n");
CALL_ALL(call_cmp, "", "cmp $-4095, %rax\n");
CALL_ALL(call_cmp4096, "", "cmp $-4096, %rax\n");
CALL_ALL(call_test, "", "test %rax, %rax\n");
CALL_ALL(call_mov_mov, "mov $39, %eax\n", "mov %rax, %rcx; mov %rcx, %rax\n");

static void check_registers(const char *what, long (*fn)(long, uint64_t *))
{
	static const uint64_t want[14] = { 0x11, 0x14, 0x15, 0x16, 0x17, 0x18,
		0x19, 0x1a, 0x1c, 0x1d, 0x1e, 0x1f, 0x77, 0x88 };
	uint64_t out[16] = { 0 };
	int bad = 0, wrong = 0;

	for (int i = 0; i < 100; i++) {
		wrong += fn(SYS_getpid, out) != getpid();
		for (int r = 0; r < 14; r++)
			bad += out[r] != want[r];
	}
	say("%s: results wrong %d, registers changed %d", what, wrong, bad);
}

TEST(registers_kept)
{
	check_registers("plain", call_plain);
}

TEST(registers_kept_mov_eax)
{
	check_registers("mov to eax", call_mov_eax);
	check_registers("mov to rax", call_mov_rax);
	check_registers("mov and mov", call_mov_mov);
}

TEST(registers_kept_compare)
{
	check_registers("cmp -4095", call_cmp);
	check_registers("cmp -4096", call_cmp4096);
	check_registers("test", call_test);
}

asm(".pushsection .text\n"
    "carry_after:\n"
    "mov %rdi, %rax; xor %edi, %edi\n"
    "syscall\n"
    "cmp $-4095, %rax\n"
    "setae %al; movzx %al, %eax; ret\n"
    ".popsection");
extern long carry_after(long nr);

TEST(compare_after_call_sets_flags)
{
	num(carry_after(SYS_getpid));
	num(carry_after(999));
}

TEST(unknown_numbers)
{
	show(syscall(999));
	show(syscall(-1));
	show(syscall(100000));
	show(syscall(0x7fffffff));
	show(syscall(SYS_tuxcall));
	show(syscall(SYS_nfsservctl));
}

TEST(number_is_32_bit)
{
	long r;

	asm volatile("syscall" : "=a"(r) : "a"(0xffffffff00000027)
		     : "rcx", "r11", "memory");
	fact(r == getpid());
}

TEST(rcx_and_r11)
{
	unsigned long rcx, r11, next;
	long r = SYS_getpid;

	asm volatile("stc; syscall\n1: mov %%rcx, %1; mov %%r11, %2\n"
		     "lea 1b(%%rip), %3"
		     : "+a"(r), "=&r"(rcx), "=&r"(r11), "=&r"(next)
		     :: "rcx", "r11", "memory", "cc");
	fact(r == getpid());
	/* The kernel leaves the return address in rcx. */
	fact(rcx == next || rcx != 0);
	(void)r11;
}

TEST(direction_and_carry_flags_kept)
{
	unsigned long flags;
	long r = SYS_getpid;

	asm volatile("stc; std; syscall; pushfq; pop %1; cld"
		     : "+a"(r), "=r"(flags) :: "rcx", "r11", "memory", "cc");
	fact(r == getpid());
	num(flags & 1);
	num((flags >> 10) & 1);
}

TEST(vector_registers_kept)
{
	uint64_t in[2] = { 0x1122334455667788, 0x99aabbccddeeff00 };
	uint64_t a[2], b[2], c[2];
	int bad = 0;

	for (int i = 0; i < 50; i++) {
		long r = SYS_getppid;

		asm volatile("movdqu %4, %%xmm0; movdqa %%xmm0, %%xmm7\n"
			     "movdqa %%xmm0, %%xmm15\n"
			     "syscall\n"
			     "movdqu %%xmm0, %1; movdqu %%xmm7, %2\n"
			     "movdqu %%xmm15, %3"
			     : "+a"(r), "=m"(a), "=m"(b), "=m"(c) : "m"(in)
			     : "rcx", "r11", "xmm0", "xmm7", "xmm15", "memory");
		bad += memcmp(in, a, 16) || memcmp(in, b, 16) ||
		       memcmp(in, c, 16);
	}
	num(bad);
}

static volatile long sink;

TEST(vector_registers_kept_over_sleep)
{
	uint64_t in[2] = { 1, 2 }, out[2];
	struct timespec t = { 0, 1000000 };
	int bad = 0;

	for (int i = 0; i < 10; i++) {
		long r = SYS_nanosleep;

		asm volatile("movdqu %2, %%xmm9; syscall; movdqu %%xmm9, %1"
			     : "+a"(r), "=m"(out)
			     : "m"(in), "D"(&t), "S"(NULL)
			     : "rcx", "r11", "xmm9", "memory");
		bad += memcmp(in, out, 16) != 0;
		sink += r;
	}
	num(bad);
}

TEST(six_arguments)
{
	long p;

	p = syscall(SYS_mmap, NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fact(p > 0);
	*(char *)p = 1;
	num(*(char *)p);
}

TEST(indirect_call_to_site)
{
	/* A jump that lands right on the syscall instruction. */
	long r = SYS_getpid;

	asm volatile("lea 1f(%%rip), %%rdx; jmp *%%rdx; ud2; ud2\n1: syscall"
		     : "+a"(r) :: "rcx", "rdx", "r11", "memory");
	fact(r == getpid());
}

TEST(two_numbers_one_site)
{
	long a, b;

	/* The first entry sets getpid, the second jumps past the mov. */
	asm volatile("xor %%r8d, %%r8d\n"
		     "mov $39, %%eax\n"
		     "1: syscall\n"
		     "test %%r8d, %%r8d; jnz 2f\n"
		     "mov %%rax, %%r9; inc %%r8d\n"
		     "mov $110, %%eax; jmp 1b\n"
		     "2: mov %%r9, %0"
		     : "=&r"(a), "=&a"(b)
		     :: "rcx", "r8", "r9", "r11", "memory", "cc");
	fact(a == getpid());
	fact(b == getppid());
}

TEST(site_in_tight_loop)
{
	long n = 20000, r = 0;
	pid_t me = getpid();
	long bad = 0;

	asm volatile("1: mov $39, %%eax; syscall\n"
		     "cmp %%eax, %3; je 2f; inc %1\n"
		     "2: dec %0; jnz 1b"
		     : "+r"(n), "+r"(bad), "+a"(r) : "r"(me)
		     : "rcx", "r11", "memory", "cc");
	num(bad);
}

static void *call_often(void *arg)
{
	long bad = 0;
	pid_t me = getpid();

	for (int i = 0; i < 20000; i++)
		bad += syscall(SYS_getpid) != me;
	return (void *)bad;
}

TEST(site_shared_by_threads)
{
	pthread_t t[4];
	long bad = 0;
	void *r;

	for (int i = 0; i < 4; i++)
		must0(pthread_create(&t[i], NULL, call_often, NULL));
	for (int i = 0; i < 4; i++) {
		must0(pthread_join(t[i], &r));
		bad += (long)r;
	}
	num(bad);
}

TEST(calls_under_signals)
{
	struct itimerval it = { { 0, 1000 }, { 0, 1000 } };
	pid_t me = getpid();
	long bad = 0;

	on_signal(SIGALRM, count_signal, SA_RESTART);
	must(setitimer(ITIMER_REAL, &it, NULL));
	while (signal_count < 50)
		bad += syscall(SYS_getpid) != me;
	ticks_stop();
	num(bad);
}

TEST(thread_pointer)
{
	unsigned long fs = 0, gs = 1;

	show(syscall(SYS_arch_prctl, 0x1003, &fs));
	fact(fs != 0 && fs == (unsigned long)pthread_self());
	show(syscall(SYS_arch_prctl, 0x1003, bad_pointer()));
	show(syscall(SYS_arch_prctl, 0x1004, &gs));
	num(gs);
	show(syscall(SYS_arch_prctl, 0x9999, 0));
	show(syscall(SYS_arch_prctl, 0x1002, 0xffff800000000000));
}

TEST(thread_pointer_set)
{
	static unsigned long area[64];
	unsigned long old, seen;
	long r, s;

	must(syscall(SYS_arch_prctl, 0x1003, &old));
	area[2] = 0x5555;
	/* Without library calls between: they would use the new base. */
	asm volatile("mov $0x1002, %%edi; mov %3, %%rsi; mov $158, %%eax\n"
		     "syscall; mov %%rax, %%r8; mov %%fs:16, %%r9\n"
		     "mov $0x1002, %%edi; mov %4, %%rsi; mov $158, %%eax\n"
		     "syscall; mov %%r8, %1; mov %%r9, %2"
		     : "=&a"(s), "=&r"(r), "=&r"(seen)
		     : "r"(area), "r"(old)
		     : "rcx", "rdi", "rsi", "r8", "r9", "r11", "memory");
	num(r);
	num(s);
	fact(seen == 0x5555);
}

TEST(legacy_vsyscall_time)
{
	time_t (*fn)(time_t *) = (void *)0xffffffffff600400;
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	bool there = false;

	while (f && fgets(line, sizeof(line), f))
		there |= strstr(line, "[vsyscall]") != NULL;
	if (!there)
		skip("no vsyscall page");
	fact(llabs(fn(NULL) - time(NULL)) <= 1);
}

TEST(restart_keeps_arguments)
{
	int p[2];
	char c = 0;

	must(pipe(p));
	ticks_start(SA_RESTART);
	if (fork() == 0) {
		sleep_ms(150);
		must(write(p[1], "r", 1));
		_exit(0);
	}
	num(syscall(SYS_read, p[0], &c, 1L));
	ticks_stop();
	say("%c", c);
	wait(NULL);
}

TEST(seccomp_strict)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (prctl(PR_SET_SECCOMP, 1) < 0) {
			say("%s", err_name(errno));
			_exit(1);
		}
		say("writing is allowed");
		syscall(SYS_getpid);
		syscall(SYS_exit, 0);
	}
	show_exit("child", pid);
}

TEST(rseq_or_enosys)
{
	/* A second registration is refused, or none exists at all. */
	long r = syscall(SYS_rseq, bad_pointer(), 32, 0, 0x53053053);

	fact(r == -1);
}

TEST(set_tid_address)
{
	int word = 0;

	fact(syscall(SYS_set_tid_address, &word) == gettid());
}
