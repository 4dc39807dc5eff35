/* SPDX-License-Identifier: MIT */
/* Interrupts between CPUs, see ipi.h. */
#include "platform/kvm/ipi.h"
#include "platform/kvm/apic.h"
#include "platform/kvm/cpu.h"

void ipi_send(uint32_t cpu, uint32_t vector)
{
	apic_send(cpu_get(cpu)->apic_id, vector);
}

void ipi_send_others(uint32_t vector)
{
	uint32_t self = this_cpu()->id;

	for (uint32_t i = 0; i < cpu_count(); i++)
		if (i != self)
			ipi_send(i, vector);
}
