/* SPDX-License-Identifier: MIT */
/*
 * Starting further processors. Under our tender they run already and wait in
 * entry_ap (boot.S) for their struct cpu; elsewhere they are woken by INIT and
 * SIPI (Intel SDM vol. 3, 8.4) and come to the same place by the trampoline.
 * One after the other: the trampoline has one small stack.
 */
#include "core/panic.h"
#include "lib/string.h"
#include "platform/kvm/apic.h"
#include "platform/kvm/cpu_start.h"
#include "platform/kvm/paging.h"
#include "platform/kvm/sched.h"
#include "platform/kvm/space.h"
#include "platform/platform.h"

#define INIT_WAIT_NS	200000ull	/* emulated processors are quick */
#define START_WAIT_NS	5000000000ull	/* the host may be busy */

extern const char trampoline_start[], trampoline_end[];

/* For entry_ap: the struct cpu of each number, once it may go on. */
struct cpu *smp_ready[CPU_MAX];
uint64_t smp_cr3;		/* the kernel's tables; set by paging.c */

static uint32_t nr_up = 1;	/* processors that run C; atomic */

void smp_cpu_main(struct cpu *c) __noreturn;

static void spin_ns(uint64_t ns)
{
	uint64_t end = plat_clock_mono_ns() + ns;

	while (plat_clock_mono_ns() < end)
		__builtin_ia32_pause();
}

/* On the new processor, on its idle task's stack. Interrupts off. */
void smp_cpu_main(struct cpu *c)
{
	struct task *idle = c->idle;

	cpu_load(c);
	apic_init_cpu();
	sched_init_cpu(idle, idle);
	/* Partner: the load in start_one. */
	__atomic_fetch_add(&nr_up, 1, __ATOMIC_RELEASE);
	/* counted by the first CPU before anybody may send work here */
	while (cpu_count() <= c->id)
		__builtin_ia32_pause();
	sched_idle_loop();
}

static void send_startup(uint32_t id)
{
	apic_send_init(id);
	spin_ns(INIT_WAIT_NS);
	apic_send_startup(id, ABI_SIPI_GPA >> PAGE_SHIFT);
	spin_ns(INIT_WAIT_NS);
	if (__atomic_load_n(&nr_up, __ATOMIC_ACQUIRE) <= id)
		apic_send_startup(id, ABI_SIPI_GPA >> PAGE_SHIFT);
}

static bool start_one(uint32_t id, bool direct)
{
	struct cpu *c = cpu_create(id);
	uint64_t end;

	if (!c)
		return false;
	c->idle = sched_create_idle(id);
	if (!c->idle)
		return false;
	c->kernel_sp = c->idle->arch.kernel_sp;
	/* Partner: the load in entry_ap (x86 keeps the order of both). */
	__atomic_store_n(&smp_ready[id], c, __ATOMIC_RELEASE);
	if (!direct)
		send_startup(id);
	end = plat_clock_mono_ns() + START_WAIT_NS;
	while (__atomic_load_n(&nr_up, __ATOMIC_ACQUIRE) <= id) {
		if (plat_clock_mono_ns() > end)
			return false;
		__builtin_ia32_pause();
	}
	cpu_online(c);
	return true;
}

void smp_start(const struct handover *h)
{
	if (h->nr_cpus > 1 && !h->direct)
		memcpy(phys_to_virt(ABI_SIPI_GPA), trampoline_start,
		       (size_t)(trampoline_end - trampoline_start));
	for (uint32_t id = 1; id < h->nr_cpus; id++) {
		if (start_one(id, h->direct))
			continue;
		klog("processor %u does not start: running with %u", id, id);
		return;
	}
}
