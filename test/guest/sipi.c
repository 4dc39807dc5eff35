/* SPDX-License-Identifier: MIT */
/*
 * Without an entry for other CPUs these wait for INIT and SIPI, and begin in
 * 16-bit mode at the SIPI page, as often as asked.
 */
#include "guest.h"

const char guest_name[] = "sipi";

extern const char sipi_code[], sipi_code_end[];
/* In the page: the code counts here (16-bit code at the page's start). */
#define COUNT_AT 0x800u

__asm__(".pushsection .rodata\n"
	".globl sipi_code, sipi_code_end\n"
	"sipi_code:\n"
	".code16\n"
	"	mov %cs, %ax\n"
	"	mov %ax, %ds\n"
	"	lock incl 0x800\n"
	"1:	cli\n"
	"	hlt\n"
	"	jmp 1b\n"
	".code64\n"
	"sipi_code_end:\n"
	".popsection");

static void start_all(void)
{
	apic_ipi(0, ICR_OTHERS | ICR_INIT | ICR_LEVEL);
	apic_ipi(0, ICR_OTHERS | ICR_STARTUP | ABI_SIPI_GPA >> 12);
}

void guest_main(void)
{
	uint32_t nr = machine->nr_cpus - 1, good = 0;
	volatile uint32_t *count = at(ABI_SIPI_GPA + COUNT_AT);
	char *page = at(ABI_SIPI_GPA);

	if (!nr) {
		skip("all", "the machine has one CPU");
		return;
	}
	for (uint32_t i = 0; i < (uint32_t)(sipi_code_end - sipi_code); i++)
		page[i] = sipi_code[i];
	apic_enable(has_x2apic());
	*count = 0;
	ok(!wait_change(count, 0, 20) && !aps_started,
	   "they wait for INIT and SIPI");
	for (uint32_t round = 0; round < 10; round++) {
		uint64_t end = rdtsc() + tsc_khz() * 2000;

		*count = 0;
		start_all();
		while (*count < nr && rdtsc() < end)
			__asm__ volatile("pause");
		good += *count == nr;
	}
	ok(good == 10, "%u of 10 starts in 16-bit mode", good);
}
