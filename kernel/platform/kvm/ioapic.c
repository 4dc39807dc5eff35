/* SPDX-License-Identifier: MIT */
/*
 * IOAPIC (Intel 82093AA): an index register and a data window. Level
 * triggered: a device keeps its line up until its driver has quieted it.
 */
#include "platform/kvm/ioapic.h"
#include "core/panic.h"
#include "platform/kvm/io.h"
#include "platform/kvm/paging.h"

#define IOAPIC_BASE	0xfec00000ull
#define REG_VERSION	1u
#define REG_TABLE	0x10u
#define ENTRY_LEVEL	(1u << 15)
#define ENTRY_MASKED	(1u << 16)
#define PIC_MASTER_DATA	0x21u
#define PIC_SLAVE_DATA	0xa1u

static volatile uint32_t *registers;	/* set once */
static uint32_t nr_pins;

static uint32_t ioapic_read(uint32_t r)
{
	registers[0] = r;
	return registers[4];
}

static void ioapic_write(uint32_t r, uint32_t v)
{
	registers[0] = r;
	registers[4] = v;
}

void ioapic_init(void)
{
	registers = mmio_map(IOAPIC_BASE, PAGE_SIZE);
	if (!registers)
		panic("no memory for the IOAPIC's registers");
	nr_pins = (ioapic_read(REG_VERSION) >> 16 & 0xff) + 1;
	for (uint32_t i = 0; i < nr_pins; i++)
		ioapic_write(REG_TABLE + 2 * i, ENTRY_MASKED);
	/* older controllers, if there are any, stay silent */
	io_out8(PIC_MASTER_DATA, 0xff);
	io_out8(PIC_SLAVE_DATA, 0xff);
}

int ioapic_route(uint32_t pin, uint32_t vector)
{
	if (pin >= nr_pins)
		return -EINVAL;
	ioapic_write(REG_TABLE + 2 * pin + 1, 0);
	ioapic_write(REG_TABLE + 2 * pin, vector | ENTRY_LEVEL);
	return 0;
}
