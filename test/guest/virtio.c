/* SPDX-License-Identifier: MIT */
/*
 * A device through the whole machine: doorbell, device thread, MSI. The random
 * device, or none is there. Then what breaks it, and that a reset repairs it.
 */
#include "guest.h"

const char guest_name[] = "virtio";

#define TYPE_RNG	4u
#define SIZE		8u
#define WRITE		2u
#define NEXT		1u
#define NEEDS_RESET	0x40u

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

static struct {
	struct desc desc[SIZE];
	volatile uint16_t avail_flags, avail_index, avail[SIZE], used_event;
} ring __attribute__((aligned(4096)));
static struct {
	volatile uint16_t flags, index;
	volatile struct {
		uint32_t id, len;
	} entry[SIZE];
	volatile uint16_t avail_event;
} used __attribute__((aligned(4096)));
static volatile uint32_t *regs;
static volatile uint32_t interrupts, reasons;
static unsigned char buffer[512];

static void interrupt(struct frame *f)
{
	uint32_t why = regs[0x60 / 4];

	regs[0x64 / 4] = why;
	reasons |= why;
	interrupts++;
	apic_eoi();
}

static void set_address(uint32_t reg, const volatile void *p)
{
	regs[reg / 4] = (uint32_t)gpa_of(p);
	regs[reg / 4 + 1] = (uint32_t)(gpa_of(p) >> 32);
}

static void zero(volatile void *p, uint32_t n)
{
	while (n--)
		((volatile char *)p)[n] = 0;
}

static bool bring_up(void)
{
	zero(&ring, sizeof(ring));
	zero(&used, sizeof(used));
	reasons = 0;
	regs[0x70 / 4] = 0;
	regs[0x70 / 4] = 1;
	regs[0x70 / 4] = 3;
	regs[0x24 / 4] = 1;
	regs[0x20 / 4] = 1;		/* VERSION_1 */
	regs[0x70 / 4] = 11;
	if (regs[0x70 / 4] != 11)
		return false;
	regs[0x30 / 4] = 0;
	regs[0x38 / 4] = SIZE;
	set_address(0x80, ring.desc);
	set_address(0x90, &ring.avail_flags);
	set_address(0xa0, &used.flags);
	regs[0x44 / 4] = 1;
	regs[0x70 / 4] = 15;
	return regs[0x70 / 4] == 15;
}

static void request(uint64_t gpa, uint32_t len, uint16_t flags)
{
	ring.desc[0] = (struct desc){ gpa, len, flags, 0 };
	ring.avail[ring.avail_index % SIZE] = 0;
	__asm__ volatile("" ::: "memory");
	ring.avail_index++;
	__asm__ volatile("mfence" ::: "memory");
	regs[0x50 / 4] = 0;
}

static void test_requests(void)
{
	uint32_t good = 0, zeros = 0;

	for (uint32_t i = 0; i < 100; i++) {
		uint32_t before = interrupts;

		zero(buffer, sizeof(buffer));
		request(gpa_of(buffer), 64, WRITE);
		irq_on();
		good += wait_change(&interrupts, before, 2000);
		irq_off();
		good += used.index == (uint16_t)(i + 1) &&
			used.entry[i % SIZE].len == 64;
		for (uint32_t j = 0; j < 64; j++)
			zeros += !buffer[j];
		good += !buffer[64];
	}
	ok(good == 300, "a hundred requests, each with its interrupt: %u",
	   good);
	ok(zeros < 6400 / 64, "the bytes are random: %u zeros", zeros);
	ok(reasons == 1, "interrupt status");
}

/* As the one above, asleep. */
static void test_halted(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < 20; i++) {
		uint32_t before = interrupts;

		request(gpa_of(buffer), 8, WRITE);
		while (interrupts == before)
			wait_halted();
		n++;
	}
	ok(n == 20, "a device wakes a halted CPU");
}

static void test_broken(uint64_t gpa, uint32_t len, uint16_t flags,
			const char *name)
{
	uint32_t before = interrupts;
	bool came;

	bring_up();
	request(gpa, len, flags);
	irq_on();
	came = wait_change(&interrupts, before, 2000);
	irq_off();
	ok(came && reasons & 2 && regs[0x70 / 4] & NEEDS_RESET,
	   "%s: the device asks for a reset", name);
}

void guest_main(void)
{
	const struct abi_device *d = device_of(TYPE_RNG);

	if (!d) {
		skip("all", "the machine has no random device");
		return;
	}
	regs = at(d->base);
	apic_enable(has_x2apic());
	set_handler(d->vector, interrupt);
	ok(bring_up(), "the device comes up");
	test_requests();
	test_halted();
	test_broken(gpa_of(buffer), 64, WRITE | NEXT, "a loop");
	test_broken(~0ull, 64, WRITE, "a wrapping address");
	test_broken(ABI_DEVICE_BASE, 64, WRITE, "a device's registers");
	test_broken(gpa_of(buffer), 0, WRITE, "no length");
	test_broken(gpa_of(buffer), ~0u, WRITE, "a huge length");
	ok(bring_up(), "a reset repairs it");
	test_requests();
}
