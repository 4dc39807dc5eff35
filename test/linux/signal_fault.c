/* SPDX-License-Identifier: MIT */
/*
 * Signals from faults, and the state that a handler must not disturb: stack,
 * red zone, general, floating point and vector registers.
 */
#include "harness.h"

#include <immintrin.h>
#include <setjmp.h>
#include <sys/time.h>
#include <ucontext.h>

static siginfo_t info;
static sigjmp_buf jump;
static int trap_number;
static long error_code;

static void leave(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	info = *si;
	trap_number = uc->uc_mcontext.gregs[REG_TRAPNO];
	error_code = uc->uc_mcontext.gregs[REG_ERR];
	siglongjmp(jump, 1);
}

static void on_fault(int sig)
{
	struct sigaction sa = { .sa_sigaction = leave,
				.sa_flags = SA_SIGINFO };

	must(sigaction(sig, &sa, NULL));
}

/* Run one statement that must fault. */
#define FAULT(statement)                                                      \
	do {                                                                  \
		if (sigsetjmp(jump, 1) == 0) {                                \
			statement;                                            \
			say("no fault: %s", #statement);                      \
		} else {                                                      \
			say("%s code %d", sig_name(info.si_signo),            \
			    info.si_code);                                    \
		}                                                             \
	} while (0)

static volatile char *map(int prot)
{
	return (char *)must(mmap(NULL, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS,
				 -1, 0));
}

TEST(segv_not_mapped)
{
	volatile char *p = map(PROT_READ | PROT_WRITE);

	must(munmap((void *)p, PAGE));
	on_fault(SIGSEGV);
	FAULT(p[100] = 1);
	fact(info.si_addr == (void *)(p + 100));
	FAULT((void)p[0]);
	fact(info.si_addr == (void *)p);
}

TEST(segv_protection)
{
	volatile char *p = map(PROT_READ), *q = map(PROT_NONE);

	on_fault(SIGSEGV);
	FAULT(p[5] = 1);
	fact(info.si_addr == (void *)(p + 5));
	num(trap_number);
	num(error_code & 6);
	FAULT((void)p[5]);
	FAULT((void)q[7]);
	fact(info.si_addr == (void *)(q + 7));
}

TEST(segv_null_and_low)
{
	on_fault(SIGSEGV);
	FAULT(*(volatile char *)8 = 1);
	fact(info.si_addr == (void *)8);
	FAULT(((void (*)(void))16)());
	fact(info.si_addr == (void *)16);
}

TEST(segv_not_canonical)
{
	on_fault(SIGSEGV);
	FAULT(*(volatile char *)0x8000000000000000 = 1);
	num((long)info.si_addr);
}

TEST(segv_kernel_address)
{
	on_fault(SIGSEGV);
	FAULT(*(volatile char *)0xffffffff80000000 = 1);
}

TEST(segv_no_execute)
{
	volatile char *p = map(PROT_READ | PROT_WRITE);

	p[0] = (char)0xc3;
	on_fault(SIGSEGV);
	FAULT(((void (*)(void))p)());
	fact(info.si_addr == (void *)p);
}

TEST(segv_default_kills)
{
	*(volatile int *)4 = 1;
}

TEST(segv_ignored_kills)
{
	signal(SIGSEGV, SIG_IGN);
	*(volatile int *)4 = 1;
}

TEST(segv_blocked_kills)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGSEGV);
	on_signal(SIGSEGV, count_signal, 0);
	sigprocmask(SIG_BLOCK, &s, NULL);
	*(volatile int *)4 = 1;
}

static void fault_again(int sig)
{
	*(volatile int *)4 = 1;
}

TEST(segv_in_handler_kills)
{
	on_signal(SIGSEGV, fault_again, 0);
	*(volatile int *)4 = 1;
}

static volatile char *repair_page;

static void repair(int sig)
{
	signal_count++;
	mprotect((void *)repair_page, PAGE, PROT_READ | PROT_WRITE);
}

TEST(segv_repaired_and_retried)
{
	repair_page = map(PROT_NONE);
	on_signal(SIGSEGV, repair, 0);
	repair_page[3] = 9;
	num(repair_page[3]);
	num(signal_count);
}

TEST(bus_beyond_end_of_file)
{
	int fd = must(open("f", O_CREAT | O_RDWR, 0600));
	volatile char *p;

	must(write(fd, "x", 1));
	p = (char *)must(mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0));
	on_fault(SIGBUS);
	num(p[0]);
	num(p[PAGE - 1]);
	FAULT((void)p[PAGE + 10]);
	fact(info.si_addr == (void *)(p + PAGE + 10));
	must(ftruncate(fd, 2 * PAGE));
	num(p[PAGE + 10]);
}

TEST(bus_in_system_call)
{
	int fd = must(open("f", O_CREAT | O_RDWR, 0600)), p[2];
	char *m;

	m = (char *)must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0));
	must(pipe(p));
	show(write(p[1], m, 10));
}

TEST(fpe_divide)
{
	volatile int zero = 0, one = 1;

	on_fault(SIGFPE);
	FAULT(one /= zero);
	fact(info.si_code == FPE_INTDIV);
	num(trap_number);
}

TEST(ill_instruction)
{
	on_fault(SIGILL);
	FAULT(asm volatile("ud2"));
	fact(info.si_addr != NULL);
	num(trap_number);
}

TEST(trap_int3)
{
	on_fault(SIGTRAP);
	FAULT(asm volatile("int3"));
	num(trap_number);
}

TEST(trap_single_step)
{
	on_fault(SIGTRAP);
	FAULT(asm volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop"
			   ::: "memory", "cc"));
}

TEST(privileged_instruction)
{
	on_fault(SIGSEGV);
	FAULT(asm volatile("hlt"));
	FAULT(asm volatile("cli"));
	FAULT(asm volatile("mov %%cr0, %%rax" ::: "rax"));
	FAULT(asm volatile("inb $0x80, %%al" ::: "rax"));
}

/* int N; ret, 4 bytes apart. */
asm(".pushsection .text\n"
    "raise_vector:\n"
    ".set vector, 0\n"
    ".rept 256\n"
    ".byte 0xcd, vector; ret; nop\n"
    ".set vector, vector + 1\n"
    ".endr\n"
    ".popsection\n");
extern const char raise_vector[];

/* All but 0x80, which is Linux's call of old. */
TEST(kernel_only_vector)
{
	on_fault(SIGSEGV);
	on_fault(SIGTRAP);
	for (int vector = 0; vector < 256; vector++) {
		if (vector == 0x80)
			continue;
		if (sigsetjmp(jump, 1) == 0) {
			((void (*)(void))(raise_vector + 4 * vector))();
			say("%#x: no fault", vector);
		} else {
			/* not the error code: QEMU 7.2 gets it wrong */
			say("%#x: %s code %d trap %d", vector,
			    sig_name(info.si_signo), info.si_code, trap_number);
		}
	}
}

TEST(fpe_sse_unmasked)
{
	volatile double a = 1.0, b = 0.0;

	on_fault(SIGFPE);
	_mm_setcsr(_mm_getcsr() & ~0x200);
	FAULT(a = a / b);
	fact(info.si_code == FPE_FLTDIV);
	num(trap_number);
}

static void skip_two(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	uc->uc_mcontext.gregs[REG_RIP] += 2;
	uc->uc_mcontext.gregs[REG_RBX] = 0x1234;
}

TEST(handler_changes_registers)
{
	struct sigaction sa = { .sa_sigaction = skip_two,
				.sa_flags = SA_SIGINFO };
	long rbx = 1;

	must(sigaction(SIGILL, &sa, NULL));
	asm volatile("ud2" : "+b"(rbx));
	num(rbx);
}

static char *alt;
static bool on_alt;
static stack_t in_handler;

static void where(int sig)
{
	char here;

	on_alt = &here >= alt && &here < alt + 65536;
	sigaltstack(NULL, &in_handler);
	signal_count++;
}

TEST(sigaltstack_used)
{
	stack_t ss = { malloc(65536), 0, 65536 }, old;

	alt = ss.ss_sp;
	show(sigaltstack(&ss, NULL));
	on_signal(SIGUSR1, where, SA_ONSTACK);
	must(raise(SIGUSR1));
	fact(on_alt);
	num(in_handler.ss_flags);
	on_signal(SIGUSR1, where, 0);
	must(raise(SIGUSR1));
	fact(on_alt);
	show(sigaltstack(NULL, &old));
	fact(old.ss_sp == ss.ss_sp && old.ss_size == ss.ss_size);
	num(old.ss_flags);
}

TEST(sigaltstack_errors)
{
	stack_t ss = { malloc(65536), 0, 100 };

	show(sigaltstack(&ss, NULL));
	ss.ss_size = 65536;
	ss.ss_flags = 77;
	show(sigaltstack(&ss, NULL));
	show(syscall(SYS_sigaltstack, bad_pointer(), NULL));
	show(syscall(SYS_sigaltstack, NULL, bad_pointer()));
	ss.ss_flags = SS_DISABLE;
	show(sigaltstack(&ss, NULL));
}

static void change_stack(int sig)
{
	stack_t ss = { malloc(65536), 0, 65536 };

	show(sigaltstack(&ss, NULL));
}

TEST(sigaltstack_busy)
{
	stack_t ss = { malloc(65536), 0, 65536 };

	must(sigaltstack(&ss, NULL));
	on_signal(SIGUSR1, change_stack, SA_ONSTACK);
	must(raise(SIGUSR1));
}

static int overflow(int n)
{
	volatile char frame[4096];

	frame[0] = n;
	return n < 0 ? 0 : overflow(n + 1) + frame[0];
}

TEST(stack_overflow_on_alternate)
{
	stack_t ss = { malloc(65536), 0, 65536 };
	struct sigaction sa = { .sa_sigaction = leave,
				.sa_flags = SA_SIGINFO | SA_ONSTACK };

	must(sigaltstack(&ss, NULL));
	must(sigaction(SIGSEGV, &sa, NULL));
	FAULT(overflow(0));
}

static int handler_for_overflow(void *arg)
{
	on_signal(SIGSEGV, where, 0);
	return overflow(0);
}

TEST(stack_overflow_without_alternate)
{
	show_exit("child", spawn(handler_for_overflow, NULL));
}

/* Fill all vector registers inside the handler. */
static void spoil(int sig)
{
	asm volatile("pcmpeqd %%xmm0, %%xmm0; movdqa %%xmm0, %%xmm5\n\t"
		     "movdqa %%xmm0, %%xmm8; movdqa %%xmm0, %%xmm15\n\t"
		     "fninit; fldpi; fldpi"
		     ::: "xmm0", "xmm5", "xmm8", "xmm15", "st", "st(1)");
	_mm_setcsr(0x1fc0);
	signal_count++;
}

static void timer_ms(int ms)
{
	struct itimerval it = { { 0, ms * 1000 }, { 0, ms * 1000 } };

	must(setitimer(ITIMER_REAL, &it, NULL));
}

TEST(sse_state_kept)
{
	uint64_t in[4][2] = { { 1, 2 }, { 3, 4 }, { 5, 6 }, { 7, 8 } };
	uint64_t out[4][2];
	int bad = 0;

	on_signal(SIGALRM, spoil, 0);
	timer_ms(2);
	while (signal_count < 20) {
		asm volatile("movdqu %2, %%xmm0; movdqu %3, %%xmm5\n\t"
			     "movdqu %4, %%xmm8; movdqu %5, %%xmm15\n\t"
			     "mov $20000, %%ecx\n"
			     "1: dec %%ecx; jnz 1b\n\t"
			     "movdqu %%xmm0, (%1); movdqu %%xmm5, 16(%1)\n\t"
			     "movdqu %%xmm8, 32(%1); movdqu %%xmm15, 48(%1)"
			     : "=m"(out)
			     : "r"(out), "m"(in[0]), "m"(in[1]), "m"(in[2]),
			       "m"(in[3])
			     : "rcx", "xmm0", "xmm5", "xmm8", "xmm15");
		bad += memcmp(in, out, sizeof(in)) != 0;
	}
	num(bad);
	num(_mm_getcsr() & 0xffc0);
}

TEST(x87_state_kept)
{
	int bad = 0;
	double x, y;

	on_signal(SIGALRM, spoil, 0);
	timer_ms(2);
	while (signal_count < 20) {
		asm volatile("fninit; fld1; fldpi\n\t"
			     "mov $20000, %%ecx\n"
			     "1: dec %%ecx; jnz 1b\n\t"
			     "fstpl %0; fstpl %1"
			     : "=m"(x), "=m"(y) :: "rcx", "st", "st(1)");
		bad += x < 3.14159 || x > 3.1416 || y != 1.0;
	}
	num(bad);
}

static void spoil_avx(int sig)
{
	asm volatile("vpcmpeqd %%xmm3, %%xmm3, %%xmm3\n\t"
		     "vinsertf128 $1, %%xmm3, %%ymm3, %%ymm3\n\t"
		     "vmovaps %%ymm3, %%ymm12; vzeroupper"
		     ::: "xmm3", "xmm12");
	signal_count++;
}

__attribute__((target("avx"))) static int avx_rounds(void)
{
	uint64_t in[4] = { 11, 22, 33, 44 }, out[8];
	int bad = 0;

	while (signal_count < 20) {
		asm volatile("vmovdqu %2, %%ymm3; vmovdqu %2, %%ymm12\n\t"
			     "mov $20000, %%ecx\n"
			     "1: dec %%ecx; jnz 1b\n\t"
			     "vmovdqu %%ymm3, (%1); vmovdqu %%ymm12, 32(%1)\n\t"
			     "vzeroupper"
			     : "=m"(out) : "r"(out), "m"(in)
			     : "rcx", "xmm3", "xmm12");
		bad += memcmp(in, out, 32) != 0 || memcmp(in, out + 4, 32) != 0;
	}
	return bad;
}

TEST(avx_state_kept)
{
	if (!__builtin_cpu_supports("avx"))
		skip("no AVX");
	on_signal(SIGALRM, spoil_avx, 0);
	timer_ms(2);
	num(avx_rounds());
}

TEST(red_zone_kept)
{
	int bad = 0;

	on_signal(SIGALRM, count_signal, 0);
	timer_ms(2);
	while (signal_count < 20) {
		long r;

		asm volatile("movq $0x1111, -8(%%rsp)\n\t"
			     "movq $0x2222, -64(%%rsp)\n\t"
			     "movq $0x3333, -128(%%rsp)\n\t"
			     "mov $20000, %%ecx\n"
			     "1: dec %%ecx; jnz 1b\n\t"
			     "mov -8(%%rsp), %0; add -64(%%rsp), %0\n\t"
			     "add -128(%%rsp), %0"
			     : "=r"(r) :: "rcx", "memory");
		bad += r != 0x6666;
	}
	num(bad);
}

TEST(flags_and_registers_kept)
{
	int bad = 0;

	on_signal(SIGALRM, count_signal, 0);
	timer_ms(2);
	while (signal_count < 20) {
		long a, b, c, d;

		asm volatile("mov $0x10, %%r8; mov $0x20, %%r12\n\t"
			     "mov $0x40, %%r15; mov $0x80, %%rsi\n\t"
			     "mov $20000, %%ecx; stc\n"
			     "1: dec %%ecx; jnz 1b\n\t"
			     "setc %%al; movzx %%al, %%eax; add %%r8, %%rax\n\t"
			     "mov %%r12, %1; mov %%r15, %2; mov %%rsi, %3"
			     : "=&a"(a), "=&r"(b), "=&r"(c), "=&r"(d)
			     :: "rcx", "rsi", "r8", "r12", "r15", "cc");
		bad += a != 0x11 || b != 0x20 || c != 0x40 || d != 0x80;
	}
	num(bad);
}

static volatile bool flag_was_clear;

static void look_at_flags(int sig)
{
	unsigned long f;

	asm volatile("pushfq; pop %0" : "=r"(f));
	flag_was_clear = !(f & 0x400);
}

TEST(direction_flag_clear_in_handler)
{
	pid_t me = getpid();
	long r;

	on_signal(SIGUSR1, look_at_flags, 0);
	asm volatile("std; syscall; pushfq; pop %%rdx; cld; mov %%rdx, %0"
		     : "=&r"(r)
		     : "a"((long)SYS_kill), "D"((long)me),
		       "S"((long)SIGUSR1)
		     : "rcx", "r11", "rdx", "memory", "cc");
	fact(flag_was_clear);
	num((r >> 10) & 1);
}

static void check_alignment(int sig)
{
	unsigned long sp = (unsigned long)__builtin_frame_address(0);

	num(sp % 16);
}

TEST(handler_stack_aligned)
{
	on_signal(SIGUSR1, check_alignment, 0);
	must(raise(SIGUSR1));
}

static void context_fields(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	fact(uc->uc_link == NULL);
	fact(uc->uc_mcontext.fpregs != NULL);
	num(sigismember(&uc->uc_sigmask, SIGUSR2));
	num(sigismember(&uc->uc_sigmask, SIGUSR1));
	sigaddset(&uc->uc_sigmask, SIGHUP);
}

TEST(context_mask)
{
	struct sigaction sa = { .sa_sigaction = context_fields,
				.sa_flags = SA_SIGINFO };
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	must(sigprocmask(SIG_BLOCK, &s, NULL));
	must(sigaction(SIGUSR1, &sa, NULL));
	must(raise(SIGUSR1));
	must(sigprocmask(SIG_BLOCK, NULL, &s));
	num(sigismember(&s, SIGHUP));
	num(sigismember(&s, SIGUSR1));
}
