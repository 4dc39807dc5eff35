/* SPDX-License-Identifier: MIT */
/* ptrace(2): registers, memory, breakpoints and single steps. */
#include "ptrace_help.h"

/* --- general registers ------------------------------------------------------------*/
/* Load a number into each register, trap, and return what rbx and r9 are then. */
static int known_registers(void *arg)
{
	uint64_t b = 0, r9 = 0;

	__asm__ volatile("mov $11, %%rbx\n\tmov $12, %%r8\n\tmov $13, %%r9\n\t"
			 "mov $14, %%r12\n\tmov $15, %%rdi\n\tint3\n\t"
			 "mov %%rbx, %0\n\tmov %%r9, %1"
			 : "=&r"(b), "=&r"(r9)
			 : : "rbx", "r8", "r9", "r12", "rdi", "memory");
	return (int)(b * 10 + r9);
}

static pid_t at_trap(int (*fn)(void *))
{
	pid_t pid = traced(fn, NULL);
	siginfo_t si;

	go_on(pid, 0);
	show_stop(pid);
	must(ptrace(PTRACE_GETSIGINFO, pid, 0, DATA(&si)));
	say("code %x", si.si_code);
	return pid;
}

TEST(get_registers)
{
	pid_t pid = at_trap(known_registers);
	struct user_regs_struct r = regs_of(pid);
	long word = 0;

	say("%lld %lld %lld %lld %lld", r.rbx, r.r8, r.r9, r.r12, r.rdi);
	say("%lld %llx %llx", (long long)r.orig_rax, r.cs, r.ss);
	say("%llx %llx %llx %llx", r.ds, r.es, r.fs, r.gs);
	fact(r.fs_base != 0);
	show(ptrace(PTRACE_PEEKUSR, pid, 8 * RBX, DATA(&word)));
	num(word);
	finish(pid);
}

TEST(set_registers)
{
	pid_t pid = at_trap(known_registers);
	struct user_regs_struct r = regs_of(pid);

	r.rbx = 3;
	r.r9 = 4;
	show(ptrace(PTRACE_SETREGS, pid, 0, DATA(&r)));
	go_on(pid, 0);
	show_exit("child", pid);
}

TEST(poke_user)
{
	pid_t pid = at_trap(known_registers);
	long word;

	show(ptrace(PTRACE_POKEUSR, pid, 8 * RBX, 2));
	show(ptrace(PTRACE_PEEKUSR, pid, 8 * RBX + 1, DATA(&word)));
	show(ptrace(PTRACE_POKEUSR, pid, 8 * RBX + 1, 77));
	show(ptrace(PTRACE_PEEKUSR, pid, 8 * RBX, DATA(&word)));
	num(word);
	show(ptrace(PTRACE_PEEKUSR, pid, 920, DATA(&word)));
	show(ptrace(PTRACE_PEEKUSR, pid, 928, DATA(&word)));
	show(ptrace(PTRACE_PEEKUSR, pid, (uint64_t)-8, DATA(&word)));
	show(ptrace(PTRACE_PEEKUSR, pid, offsetof(struct user, u_debugreg),
		    DATA(&word)));
	num(word);
	show(ptrace(PTRACE_POKEUSR, pid, offsetof(struct user, u_tsize), 1));
	show(ptrace(PTRACE_POKEUSR, pid, 8 * FS_BASE, 1ull << 63));
	go_on(pid, 0);
	show_exit("child", pid);
}

TEST(register_sets)
{
	pid_t pid = at_trap(known_registers);
	struct user_regs_struct r;
	struct iovec v = { &r, sizeof(r) + 64 };

	memset(&r, 0, sizeof(r));
	show(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, DATA(&v)));
	fact(v.iov_len == sizeof(r));
	num(r.rbx);
	v.iov_len = 12;
	show(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, DATA(&v)));
	v.iov_len = 48;
	r.rbx = 7;
	show(ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, DATA(&v)));
	num(v.iov_len);
	num(regs_of(pid).rbx);
	show(ptrace(PTRACE_GETREGSET, pid, 77, DATA(&v)));
	finish(pid);
}

/* --- vector registers ------------------------------------------------------------------*/
static int known_vector(void *arg)
{
	double d = 1.5;

	__asm__ volatile("movsd %0, %%xmm5\n\tint3\n\tmovsd %%xmm5, %0"
			 : "+m"(d) : : "xmm5");
	return (int)(d * 2);
}

static double xmm5_of(const void *image)
{
	double d;

	memcpy(&d, (const char *)image + 160 + 5 * 16, sizeof(d));
	return d;
}

TEST(vector_registers)
{
	pid_t pid = at_trap(known_vector);
	struct user_fpregs_struct f;
	double d = 20;

	show(ptrace(PTRACE_GETFPREGS, pid, 0, DATA(&f)));
	say("%.1f %x %x", xmm5_of(&f), f.cwd, f.mxcsr);
	memcpy((char *)f.xmm_space + 5 * 16, &d, sizeof(d));
	show(ptrace(PTRACE_SETFPREGS, pid, 0, DATA(&f)));
	go_on(pid, 0);
	show_exit("child", pid);
}

TEST(extended_state)
{
	pid_t pid = at_trap(known_vector);
	static char image[16384] __attribute__((aligned(64)));
	struct iovec v = { image, sizeof(image) };
	uint64_t mask;
	double d = 30;

	if (ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, DATA(&v)) &&
	    errno == ENODEV)
		skip("no XSAVE");
	memcpy(&mask, image + 464, sizeof(mask));
	fact(v.iov_len >= 576 && (mask & 3) == 3);
	say("%.1f", xmm5_of(image));
	memcpy(image + 160 + 5 * 16, &d, sizeof(d));
	show(ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, DATA(&v)));
	image[512 + 7] = 0x7f;	/* components that do not exist */
	show(ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, DATA(&v)));
	go_on(pid, 0);
	show_exit("child", pid);
}

/* --- memory ------------------------------------------------------------------------------*/
static volatile long in_data = 42;
static const long in_text = 43;

static int return_data(void *arg)
{
	return (int)(in_data + in_text);
}

TEST(peek_and_poke)
{
	pid_t pid = traced(return_data, NULL);
	long word = 0;

	show(ptrace(PTRACE_PEEKDATA, pid, DATA(&in_data), DATA(&word)));
	num(word);
	show(ptrace(PTRACE_POKEDATA, pid, DATA(&in_data), 2));
	show(ptrace(PTRACE_PEEKTEXT, pid, DATA(&in_text), DATA(&word)));
	num(word);
	show(ptrace(PTRACE_PEEKDATA, pid, DATA(&in_data) + 1, DATA(&word)));
	show(ptrace(PTRACE_PEEKDATA, pid, 8, DATA(&word)));
	show(ptrace(PTRACE_POKEDATA, pid, 8, 0));
	show(ptrace(PTRACE_PEEKDATA, pid, DATA(&in_data), 8));
	num(in_data);
	go_on(pid, 0);
	show_exit("child", pid);
}

TEST(read_only_memory)
{
	char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	pid_t pid = traced(just_pause, NULL);
	long word = 0;

	show(ptrace(PTRACE_POKEDATA, pid, DATA(page), 5));
	show(ptrace(PTRACE_PEEKDATA, pid, DATA(page), DATA(&word)));
	num(word);
	num(*page);
	show(ptrace(PTRACE_POKEDATA, pid, DATA(none), 6));
	show(ptrace(PTRACE_PEEKDATA, pid, DATA(none), DATA(&word)));
	num(word);
	show(ptrace(PTRACE_POKEDATA, pid, DATA(shared), 7));
	finish(pid);
}

TEST(memory_file)
{
	pid_t pid = traced(return_data, NULL);
	long word = 0, two = 2;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = (int)must(open(path, O_RDWR));
	show(pread(fd, &word, sizeof(word), (off_t)DATA(&in_data)));
	num(word);
	show(pwrite(fd, &two, sizeof(two), (off_t)DATA(&in_data)));
	show(pread(fd, &word, sizeof(word), 8));
	go_on(pid, 0);
	show_exit("child", pid);
}

TEST(vectors_of_memory)
{
	pid_t pid = traced(return_data, NULL);
	static char big[3 * PAGE];
	struct iovec mine = { big, sizeof(big) };
	struct iovec theirs[2] = { { (void *)&in_data, 8 },
				   { big, sizeof(big) - 8 } };
	long two = 2;

	memset(big, 1, sizeof(big));
	show(process_vm_readv(pid, &mine, 1, theirs, 2, 0));
	num(*(long *)big);
	num(big[sizeof(big) - 1]);
	mine = (struct iovec){ &two, sizeof(two) };
	show(process_vm_writev(pid, &mine, 1, theirs, 1, 0));
	theirs[0].iov_base = bad_pointer();
	show(process_vm_readv(pid, &mine, 1, theirs, 1, 0));
	go_on(pid, 0);
	show_exit("child", pid);
}

/* --- breakpoints and steps ------------------------------------------------------------------*/
static __attribute__((noinline, noclone)) int called(int a)
{
	__asm__ volatile("" : "+r"(a));
	return a + 1;
}

static int call_it(void *arg)
{
	return called(called(3));
}

TEST(breakpoint)
{
	pid_t pid = traced(call_it, NULL);
	struct user_regs_struct r;
	long text = 0, now = 0;

	must(ptrace(PTRACE_PEEKTEXT, pid, DATA(called), DATA(&text)));
	fact(text == *(long *)called);
	show(ptrace(PTRACE_POKETEXT, pid, DATA(called),
		    (uint64_t)((text & ~0xffl) | 0xcc)));
	must(ptrace(PTRACE_PEEKTEXT, pid, DATA(called), DATA(&now)));
	num(now & 0xff);
	fact(text == *(long *)called);
	for (int i = 0; i < 2; i++) {
		go_on(pid, 0);
		show_stop(pid);
		r = regs_of(pid);
		fact(r.rip == DATA(called) + 1);
		num((int)r.rdi);
		r.rip--;
		must(ptrace(PTRACE_SETREGS, pid, 0, DATA(&r)));
		must(ptrace(PTRACE_POKETEXT, pid, DATA(called),
			    (uint64_t)text));
		must(ptrace(PTRACE_SINGLESTEP, pid, 0, 0));
		show_stop(pid);
		fact(regs_of(pid).rip != DATA(called));
		must(ptrace(PTRACE_POKETEXT, pid, DATA(called),
			    (uint64_t)((text & ~0xffl) | 0xcc)));
	}
	must(ptrace(PTRACE_POKETEXT, pid, DATA(called), (uint64_t)text));
	go_on(pid, 0);
	show_exit("child", pid);
}

extern char steps_start[], steps_call[], steps_after[], steps_end[];

static int steps(void *arg)
{
	long ret;

	__asm__ volatile("int3\n"
			 "steps_start:\n\tnop\n\tnop\n\tmov $0, %%ecx\n"
			 "steps_call:\n\tmov $39, %%eax\n\tsyscall\n"
			 "steps_after:\n\tnop\n\tlea 1(%%rax), %%rcx\n\tnop\n"
			 "steps_end:\n\tnop"
			 : "=&a"(ret) : : "rcx", "r11", "memory");
	return ret == getpid() ? 5 : 6;
}

static uint64_t step(pid_t pid)
{
	int status;

	must(ptrace(PTRACE_SINGLESTEP, pid, 0, 0));
	status = stop_of(pid);
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
		say("no trap: %s", stop_name(status));
	return regs_of(pid).rip;
}

TEST(single_steps)
{
	pid_t pid = at_trap(steps);
	siginfo_t si;

	fact(regs_of(pid).rip == DATA(steps_start));
	say("%d", (int)(step(pid) - DATA(steps_start)));
	must(ptrace(PTRACE_GETSIGINFO, pid, 0, DATA(&si)));
	num(si.si_code);
	fact(DATA(si.si_addr) == regs_of(pid).rip);
	say("%d", (int)(step(pid) - DATA(steps_start)));
	fact(step(pid) == DATA(steps_call));
	go_on(pid, 0);
	show_exit("child", pid);
}

/* Patched calls may take more or fewer steps, but each ends in the text. */
TEST(step_over_a_call)
{
	pid_t pid = at_trap(steps);
	uint64_t rip = 0;
	int outside = 0, n = 0;
	struct user_regs_struct r;

	while (rip != DATA(steps_after) && n++ < 40) {
		rip = step(pid);
		outside += rip < DATA(steps_start) || rip > DATA(steps_end);
	}
	num(outside);
	r = regs_of(pid);
	fact(rip == DATA(steps_after) && (pid_t)r.rax == pid);
	fact(!(r.eflags & 0x100));
	while (rip != DATA(steps_end) && n++ < 40)
		rip = step(pid);
	fact(rip == DATA(steps_end));
	fact((pid_t)regs_of(pid).rcx == pid + 1);
	go_on(pid, 0);
	show_exit("child", pid);
}

static int step_to_handler(void *arg)
{
	on_signal(SIGUSR1, count_signal, 0);
	raise(SIGUSR1);
	return signal_count;
}

TEST(step_into_a_handler)
{
	pid_t pid = traced(step_to_handler, NULL);

	go_on(pid, 0);
	show_stop(pid);
	must(ptrace(PTRACE_SINGLESTEP, pid, 0, SIGUSR1));
	show_stop(pid);
	fact(regs_of(pid).rip == DATA(count_signal));
	go_on(pid, 0);
	show_exit("child", pid);
}
