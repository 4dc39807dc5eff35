/* SPDX-License-Identifier: MIT */
/*
 * HLT ends by the timer's interrupt, and at once by one that waits already.
 * (By another CPU's: smp.c; by a device's: virtio.c.)
 */
#include "guest.h"

const char guest_name[] = "hlt";

static volatile uint32_t got;

static void tick(struct frame *f)
{
	got++;
	apic_eoi();
}

static void arm(uint32_t us)
{
	apic_write(APIC_LVT_TIMER, VEC_TEST);
	apic_write(APIC_TIMER_INIT, us * 1000);
}

static void test_timer(void)
{
	for (uint32_t i = 0; i < 100; i++) {
		arm(i % 7 * 200 + 1);
		wait_halted();
	}
	ok(got == 100, "a hundred sleeps, each ended by the timer: %u", got);
}

static void test_pending(void)
{
	got = 0;
	apic_ipi(0, VEC_TEST);
	wait_halted();
	ok(got == 1, "HLT does not sleep over an interrupt that waits");
}

void guest_main(void)
{
	apic_enable(has_x2apic());
	apic_write(APIC_TIMER_DIV, 0xb);
	set_handler(VEC_TEST, tick);
	test_timer();
	test_pending();
}
