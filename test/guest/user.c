/* SPDX-License-Identifier: MIT */
/*
 * Ring 3: SYSCALL and SYSRET, interrupts from there, what it may not do; and
 * what ring 0 may not do with the pages of ring 3 (SMEP, SMAP).
 */
#include "guest.h"

const char guest_name[] = "user";

#define P 1ull
#define W 2ull
#define U 4ull
#define SEL_KERNEL 0x08ull
#define SEL_SYSRET 0x13ull	/* + 8: data 0x1b, + 16: code 0x23 */

extern const char user_code[], user_code_end[], user_ud[], user_cli[],
	user_in[], user_read[], user_int[];
void syscall_entry(void);
void user_enter(uint64_t rip, uint64_t rsp);
extern volatile uint64_t syscall_count, syscall_cs_seen;

/*
 * User code runs in the window, mapped for user at address 0x400000 by the
 * identity map's own table. A call with rax = 1 counts, with rax = 0 it ends
 * the program: user_enter returns.
 */
__asm__(".pushsection .rodata\n"
	".globl user_code, user_code_end, user_ud, user_cli, user_in\n"
	".globl user_read, user_int\n"
	"user_code:\n"
	"	mov $200, %r12d\n"
	"1:	mov $1, %eax\n"
	"	syscall\n"
	"	dec %r12d\n"
	"	jnz 1b\n"
	"	xor %eax, %eax\n"
	"	syscall\n"
	"user_ud: ud2\n"
	"user_cli: cli\n"
	"user_in: inb $0x80, %al\n"
	"user_read: movabs $0xffffffff80200000, %rax\n"
	"	mov (%rax), %al\n"
	"user_int: int $0x82\n"
	"	xor %eax, %eax\n"
	"	syscall\n"
	"user_code_end:\n"
	".popsection\n"
	".pushsection .text\n"
	".globl syscall_entry, user_enter\n"
	"syscall_entry:\n"
	"	test %eax, %eax\n"
	"	jz 1f\n"
	"	incq syscall_count(%rip)\n"
	"	sysretq\n"
	"1:	mov saved_rsp(%rip), %rsp\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbp\n"
	"	pop %rbx\n"
	"	ret\n"
	"user_enter:\n"
	"	push %rbx\n"
	"	push %rbp\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	mov %rsp, saved_rsp(%rip)\n"
	"	push $0x1b\n"
	"	push %rsi\n"
	"	push $2\n"
	"	push $0x23\n"
	"	push %rdi\n"
	"	iretq\n"
	".popsection\n"
	".pushsection .bss\n"
	".balign 8\n"
	"saved_rsp: .quad 0\n"
	".globl syscall_count\n"
	"syscall_count: .quad 0\n"
	".popsection");

#define USER_AT 0x600000000000ull

static uint64_t tables[3][512] __attribute__((aligned(4096)));
static char page[PAGE_SIZE] __attribute__((aligned(4096)));

static void map_user(void)
{
	uint64_t cr3, *top;

	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	top = at(cr3 & ~0xfffull);
	top[USER_AT >> 39] = gpa_of(tables[0]) | P | W | U;
	tables[0][0] = gpa_of(tables[1]) | P | W | U;
	tables[1][0] = gpa_of(tables[2]) | P | W | U;
	tables[2][0] = gpa_of(page) | P | W | U;
	for (const char *s = user_code; s < user_code_end; s++)
		page[s - user_code] = *s;
}

static void enter(void *arg)
{
	user_enter(USER_AT + (uint64_t)((const char *)arg - user_code),
		   USER_AT + PAGE_SIZE);
}

static volatile uint32_t ints;
static volatile uint64_t int_cs, int_rsp;

static void user_interrupt(struct frame *f)
{
	ints++;
	int_cs = f->cs;
	int_rsp = f->rsp;
}

static void expect_trap(const char *code, int vector, uint64_t error,
			const char *name)
{
	struct trap t = try_call(enter, (void *)code);

	ok(t.vector == vector && t.error == error &&
	   t.rip >= USER_AT && t.rip < USER_AT + PAGE_SIZE,
	   "%s: vector %d, error 0x%lx", name, t.vector, t.error);
}

/* The error is 8 * vector + 2; QEMU's emulation below the rig says 16 *. */
static void test_no_gate(void)
{
	struct trap t = try_call(enter, (void *)user_int);

	ok(t.vector == 13 && (t.error == 0x412 || t.error == 0x822),
	   "int without a gate: vector %d, error 0x%lx", t.vector, t.error);
}

/* ---- ring 0 and user pages ------------------------------------------------------ */

static void load(void *arg)
{
	__asm__ volatile("movb (%0), %%al" :: "r"(arg) : "rax");
}

static void load_allowed(void *arg)
{
	__asm__ volatile("stac; movb (%0), %%al; clac" :: "r"(arg) : "rax");
}

static void jump(void *arg)
{
	__asm__ volatile("call *%0" :: "r"(arg) : "memory");
}

static void set_cr4(uint32_t bit, bool on)
{
	uint64_t v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	v = on ? v | 1ull << bit : v & ~(1ull << bit);
	__asm__ volatile("mov %0, %%cr4" :: "r"(v) : "memory");
}

static void test_user_pages(void)
{
	void *p = (void *)(USER_AT + PAGE_SIZE - 1);
	uint32_t features = cpuid(7, 0).b;
	struct trap t;

	*(char *)p = (char)0xc3;	/* ret */
	ok(try_call(jump, p).vector == NO_TRAP, "without SMEP");
	if (features >> 7 & 1) {
		set_cr4(20, true);
		t = try_call(jump, p);
		set_cr4(20, false);
		ok(t.vector == 14 && t.error == 0x11 &&
		   t.cr2 == (uint64_t)p, "SMEP: error 0x%lx", t.error);
	} else {
		skip("SMEP", "the processor has none");
	}
	ok(try_call(load, p).vector == NO_TRAP, "without SMAP");
	if (!(features >> 20 & 1)) {
		skip("SMAP", "the processor has none");
		return;
	}
	set_cr4(21, true);
	t = try_call(load, p);
	ok(t.vector == 14 && t.error == 1 && t.cr2 == (uint64_t)p,
	   "SMAP: error 0x%lx", t.error);
	t = try_call(load_allowed, p);
	ok(t.vector == NO_TRAP, "SMAP with stac: vector %d", t.vector);
	set_cr4(21, false);
}

void guest_main(void)
{
	map_user();
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1);
	wrmsr(0xc0000081, SEL_SYSRET << 48 | SEL_KERNEL << 32);
	wrmsr(0xc0000082, (uint64_t)syscall_entry);
	wrmsr(0xc0000084, 0x700);
	enter((void *)user_code);
	ok(syscall_count == 200, "%lu system calls", syscall_count);
	expect_trap(user_ud, 6, 0, "#UD in ring 3");
	expect_trap(user_cli, 13, 0, "cli in ring 3");
	expect_trap(user_in, 13, 0, "in, in ring 3");
	expect_trap(user_read, 14, 5, "kernel memory from ring 3");
	set_handler(0x82, user_interrupt);
	test_no_gate();
	set_user_gate(0x82);
	enter((void *)user_int);
	test_user_pages();
	ok(ints == 1 && int_cs == 0x23 && int_rsp == USER_AT + PAGE_SIZE,
	   "int from ring 3");
}
