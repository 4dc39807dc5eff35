/* SPDX-License-Identifier: MIT */
/* What a program does to flags and segment registers is its own affair. */
#include "harness.h"

#include <sys/resource.h>
#include <ucontext.h>

#define TF	0x100
#define DF	0x400
#define NT	0x4000
#define AC	0x40000

/* The call with these flags on; they are off again afterwards. */
static long call_with(long flags, long nr, long a, const void *b, long c)
{
	long ret = nr;

	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\tor %[flags], (%%rsp)\n\tpopfq\n\t"
			 "syscall\n\tcmp $-4095, %%rax\n\t"	/* as libc's */
			 "pushfq\n\tandq $~0x44500, (%%rsp)\n\tpopfq\n\t"
			 "lea 128(%%rsp), %%rsp"
			 : "+a"(ret)
			 : [flags] "r"(flags), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory", "cc");
	return ret;
}

static int fault_with(long flags, const void *p)
{
	int v;

	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\tor %[flags], (%%rsp)\n\tpopfq\n\t"
			 "mov (%[p]), %[v]\n\t"
			 "pushfq\n\tandq $~0x40500, (%%rsp)\n\tpopfq\n\t"
			 "lea 128(%%rsp), %%rsp"
			 : [v] "=&r"(v) : [flags] "r"(flags), [p] "r"(p)
			 : "memory", "cc");
	return v;
}

static void no_core(void)
{
	struct rlimit none = { 0, 0 };

	must(setrlimit(RLIMIT_CORE, &none));
}

static void calls_with(long flags)
{
	char text[64] = "a text with some length to be copied\n", got[64];
	struct stat s;
	int p[2];

	must(pipe(p));
	for (int i = 0; i < 20; i++) {
		num(call_with(flags, SYS_write, p[1], text + 1, 37));
		num(call_with(flags, SYS_read, p[0], got + 3, 37));
		fact(!memcmp(got + 3, text + 1, 37));
		num(call_with(flags, SYS_fstat, p[0], &s, 0));
		if (i % 10 == 0)
			num(call_with(flags, SYS_open, (long)"/none", NULL, 0));
	}
}

TEST(calls_with_direction)
{
	calls_with(DF);
}

TEST(calls_with_alignment_check)
{
	calls_with(AC);
	calls_with(AC | DF);
}

TEST(calls_with_nested_task)
{
	calls_with(NT);
}

/* Calls of code that is made while it runs. */
TEST(calls_of_generated_code)
{
	static const uint8_t code[] = {
		0x9c, 0x48, 0x81, 0x0c, 0x24, 0, 0, 4, 0,  /* pushf; or AC */
		0x48, 0x81, 0x0c, 0x24, 0, 4, 0, 0,	   /* or DF */
		0x9d, 0x0f, 0x05, 0x9c,			   /* popf; syscall; pushf */
		0x48, 0x81, 0x24, 0x24, 0xff, 0xfa, 0xfb, 0xff, /* and */
		0x9d, 0xc3,				   /* popf; ret */
	};
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long ret;

	must(page == MAP_FAILED ? -1 : 0);
	memcpy(page, code, sizeof(code));
	for (int i = 0; i < 3; i++) {
		ret = SYS_getppid;
		__asm__ volatile("call *%1" : "+a"(ret) : "r"(page)
				 : "rcx", "r11", "memory", "cc");
		fact(ret == getppid());
	}
}

static int bad_read(void *arg)
{
	no_core();
	return fault_with((long)arg, bad_pointer());
}

TEST(faults)
{
	show_exit("direction", spawn(bad_read, (void *)DF));
	show_exit("alignment check", spawn(bad_read, (void *)AC));
	show_exit("nested task", spawn(bad_read, (void *)NT));
}

static int read_odd(void *arg)
{
	static char text[16];

	no_core();
	return fault_with(AC, text + 1);
}

TEST(unaligned_read)
{
	show_exit("child", spawn(read_odd, NULL));
}

static volatile siginfo_t got;
static void note(int sig, siginfo_t *info, void *context)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

	*(siginfo_t *)&got = *info;
	*flags &= ~(TF | AC);
	signal_count++;
}

TEST(unaligned_read_is_told)
{
	struct sigaction a = { .sa_flags = SA_SIGINFO };
	static uint64_t words[2] = { 0x0102030405060708 };

	a.sa_sigaction = note;
	must(sigaction(SIGBUS, &a, NULL));
	num(fault_with(AC, (char *)words + 1));
	num(signal_count);
	num(got.si_code);
}

TEST(single_step)
{
	struct sigaction a = { .sa_flags = SA_SIGINFO };

	a.sa_sigaction = note;
	must(sigaction(SIGTRAP, &a, NULL));
	num(call_with(TF, SYS_getuid, 0, NULL, 0) == getuid());
	num(signal_count);
	num(got.si_code);
}

static int step_and_die(void *arg)
{
	no_core();
	return (int)call_with(TF, SYS_getuid, 0, NULL, 0);
}

TEST(single_step_kills)
{
	show_exit("child", spawn(step_and_die, NULL));
}

static void lose_gs(void)
{
	__asm__ volatile("mov %0, %%gs" : : "r"(0));
}

static int lose_and_fault(void *arg)
{
	no_core();
	lose_gs();
	return *(volatile char *)bad_pointer();
}

/* The null selector in %gs, which Linux's programs do not use. */
TEST(calls_without_gs)
{
	for (int i = 0; i < 3; i++) {
		lose_gs();
		fact(call_with(0, SYS_getppid, 0, NULL, 0) == getppid());
		lose_gs();
		fact(syscall(SYS_getppid) == getppid());
	}
}

TEST(fault_without_gs)
{
	show_exit("child", spawn(lose_and_fault, NULL));
}

static int lose_and_wait(void *arg)
{
	lose_gs();
	while (!signal_count)
		;
	return 5;
}

TEST(kill_without_gs)
{
	pid_t pid = spawn(lose_and_wait, NULL);

	sleep_ms(50);
	must(kill(pid, SIGTERM));
	show_exit("child", pid);
}
