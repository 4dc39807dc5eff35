/* SPDX-License-Identifier: MIT */
/*
 * Memory-mapped I/O: holes, the registers of every device in all widths, and
 * instructions that KVM has to emulate to get there.
 */
#include "guest.h"

const char guest_name[] = "mmio";

#define HOLE		0xc8000000ull
#define REG_MAGIC	0x00u
#define REG_VERSION	0x04u
#define REG_ID		0x08u
#define REG_SEL		0x24u		/* any value, no effect */
#define REG_STATUS	0x70u
#define MAGIC		0x74726976u

#define LOAD(type, insn, p) ({ type v_; \
	__asm__ volatile(insn : "=r"(v_) : "m"(*(volatile type *)(p))); v_; })

static void test_hole(void)
{
	char *p = at(HOLE);

	*(volatile uint64_t *)p = 0x1122334455667788ull;
	*(volatile uint8_t *)p = 1;
	ok(LOAD(uint64_t, "movq %1, %0", p) == ~0ull &&
	   LOAD(uint32_t, "movl %1, %0", p + 4) == ~0u &&
	   LOAD(uint16_t, "movw %1, %0", p + 1) == 0xffff &&
	   LOAD(uint8_t, "movb %1, %0", p + 3) == 0xff,
	   "a hole reads as ones");
	ok(LOAD(uint64_t, "movq %1, %0", p + 4093) == ~0ull,
	   "a hole across a page");
}

static void test_device(const struct abi_device *d)
{
	char *p = at(d->base);

	ok(LOAD(uint32_t, "movl %1, %0", p + REG_MAGIC) == MAGIC &&
	   LOAD(uint32_t, "movl %1, %0", p + REG_VERSION) == 2 &&
	   LOAD(uint32_t, "movl %1, %0", p + REG_ID) == d->type,
	   "device %u: magic, version, type", d->type);
	ok(!LOAD(uint8_t, "movb %1, %0", p) &&
	   !LOAD(uint16_t, "movw %1, %0", p) &&
	   !LOAD(uint64_t, "movq %1, %0", p) &&
	   !LOAD(uint32_t, "movl %1, %0", p + 1),
	   "device %u: other widths read as zero", d->type);
	*(volatile uint8_t *)(p + REG_STATUS) = 1;
	*(volatile uint16_t *)(p + REG_STATUS) = 1;
	*(volatile uint64_t *)(p + REG_STATUS) = 1;
	ok(!LOAD(uint32_t, "movl %1, %0", p + REG_STATUS),
	   "device %u: other widths write nothing", d->type);
	*(volatile uint32_t *)(p + REG_STATUS) = 1;
	ok(LOAD(uint32_t, "movl %1, %0", p + REG_STATUS) == 1,
	   "device %u: status is written", d->type);
	*(volatile uint32_t *)(p + REG_STATUS) = 0;
}

/* Every register, and every value a byte can have, at a device at rest. */
static void test_sweep(const struct abi_device *d)
{
	volatile uint32_t *p = at(d->base);

	for (uint32_t i = 0; i < ABI_DEVICE_SIZE / 4; i += 1 + i / 64) {
		uint32_t v = p[i];

		p[i] = ~v;
		p[i] = 0xffffffff;
		p[i] = 0;
	}
	p[REG_STATUS / 4] = 0;
	ok(p[REG_STATUS / 4] == 0 && p[0] == MAGIC,
	   "device %u: a sweep over all registers", d->type);
}

/* Instructions other than mov, on registers. */
static void test_emulated(const struct abi_device *d)
{
	uint32_t *p = at(d->base), words[4] = { 0 }, v = 5;
	void *to = words, *from = p;
	uint64_t n = 3;

	__asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(n)
			 :: "memory");
	ok(!n && words[0] == MAGIC && words[1] == 2 && words[2] == d->type,
	   "rep movs from registers");
	__asm__ volatile("addl %1, %0" : "+r"(v) : "m"(*p));
	ok(v == MAGIC + 5, "add from a register");
	__asm__ volatile("cmpl %2, %1; sete %b0" : "=q"(v)
			 : "m"(*p), "r"(MAGIC) : "cc");
	ok((uint8_t)v == 1, "cmp with a register");
	v = 0;
	__asm__ volatile("xchgl %0, %1" : "+r"(v), "+m"(p[REG_SEL / 4]));
	ok(v == 0, "xchg with a register");
	__asm__ volatile("testl $0x70000000, %1; setnz %b0" : "=q"(v)
			 : "m"(*p) : "cc");
	ok((uint8_t)v == 1, "test of a register");
	__asm__ volatile("push %1; pop %q0" : "=r"(v) : "m"(*(uint64_t *)
			 at(HOLE)));
	ok(v == ~0u, "push from a hole");
	to = p + REG_SEL / 4;
	n = 1;
	__asm__ volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(0)
			 : "memory");
	ok(!n, "stos to a register");
}

void guest_main(void)
{
	test_hole();
	for (uint32_t i = 0; i < machine->nr_devices; i++) {
		test_device(&machine->devices[i]);
		test_sweep(&machine->devices[i]);
	}
	if (machine->nr_devices)
		test_emulated(&machine->devices[0]);
	else
		skip("devices", "the machine has none");
}
