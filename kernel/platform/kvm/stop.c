/* SPDX-License-Identifier: MIT */
/*
 * The log and the end of the machine, by port (abi/machine.h): they work at
 * any time, in any context, with nothing but the processor.
 */
#include "platform/kvm/stop.h"
#include "abi/machine.h"
#include "arch/irqflags.h"
#include "core/panic.h"
#include "platform/kvm/cpu.h"
#include "platform/kvm/io.h"
#include "platform/kvm/ipi.h"
#include "platform/kvm/irq.h"
#include "platform/kvm/paging.h"
#include "platform/platform.h"

static bool is_direct;			/* set once */
static void (*on_end)(void);		/* set once */
/* Below 4 GiB, as the port wants; one for each CPU, interrupts off. */
static struct abi_log logs[CPU_MAX];

void stop_init(bool direct)
{
	is_direct = direct;
}

void stop_on_end(void (*report)(void))
{
	on_end = report;
}

void plat_log(const char *s, size_t n)
{
	uint64_t flags = irq_save();
	struct abi_log *log;

	if (!is_direct) {
		for (size_t i = 0; i < n; i++)
			io_out8(ABI_PORT_LOG_BYTE, (uint8_t)s[i]);
	} else {
		/* the text is in the image or the pool: both are mapped so */
		log = &logs[this_cpu()->id];
		*log = (struct abi_log){ .gpa = virt_to_phys(s),
					 .len = (uint32_t)n };
		io_out32(ABI_PORT_LOG, (uint32_t)virt_to_phys(log));
	}
	irq_restore(flags);
}

void plat_stop(int status)
{
	bool panicked = is_panicking();

	if (!panicked && on_end && irq_are_enabled())
		on_end();
	irq_disable();
	ipi_send_others(IPI_STOP);
	io_out32(ABI_PORT_EXIT, panicked ? ABI_EXIT_PANIC : ABI_EXIT_END);
	irq_halt_cpu();
}
