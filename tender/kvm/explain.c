/* SPDX-License-Identifier: MIT */
/* The end of a machine in words, and its counters. */
#include "kvm/machine_priv.h"
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>

#define RESET_RIP 0xfff0u

static void explain_kvm(const struct machine *m, char *text, size_t size)
{
	const struct kvm_run *run = m->vcpus[m->end_cpu].run;
	unsigned long long rip = m->end_address;
	uint32_t cpu = m->end_cpu;

	if (m->end_code >> 32)
		snprintf(text, size, "KVM gave up on processor %u at 0x%llx: "
			 "%s", cpu, rip, strerror((int)(m->end_code >> 32)));
	else if (m->end_code == KVM_EXIT_INTERNAL_ERROR)
		snprintf(text, size, "KVM gave up on processor %u at 0x%llx: "
			 "internal error %u (1: it could not emulate an "
			 "instruction)", cpu, rip, run->internal.suberror);
	else if (m->end_code == KVM_EXIT_FAIL_ENTRY)
		snprintf(text, size, "the host's processor refused to run "
			 "processor %u at 0x%llx: reason 0x%llx", cpu, rip,
			 (unsigned long long)
			 run->fail_entry.hardware_entry_failure_reason);
	else
		snprintf(text, size, "processor %u left at 0x%llx for a "
			 "reason that is not known: %llu", cpu, rip,
			 (unsigned long long)m->end_code);
}

/* With SVM the processor has been reset already: no address to tell. */
static void explain_reset(const struct machine *m, char *text, size_t size)
{
	char at[32] = "";

	if (m->end_address != RESET_RIP)
		snprintf(at, sizeof(at), " at 0x%llx",
			 (unsigned long long)m->end_address);
	snprintf(text, size, "the sandbox's kernel crashed: processor %u "
		 "stopped%s (triple fault)", m->end_cpu, at);
}

void machine_explain(const struct machine *m, char *text, size_t size)
{
	text[0] = 0;
	switch (__atomic_load_n(&m->end, __ATOMIC_ACQUIRE)) {
	case MACHINE_PANICKED:
		snprintf(text, size, "the sandbox's kernel panicked; its "
			 "report is above");
		return;
	case MACHINE_RESET:
		explain_reset(m, text, size);
		return;
	case MACHINE_BAD_EXIT:
		snprintf(text, size, "the sandbox's kernel ended with 0x%llx, "
			 "which means nothing",
			 (unsigned long long)m->end_code);
		return;
	case MACHINE_KVM_ERROR:
		explain_kvm(m, text, size);
		return;
	}
}

void machine_print_stats(const struct machine *m, int fd)
{
	static const char *const names[NR_EXIT_KINDS] = {
		"log", "port", "mmio", "signal", "other",
	};
	uint64_t unknown = 0, refused = 0, all = 0, irqs = 0;
	uint64_t sum[NR_EXIT_KINDS] = { 0 };

	for (uint32_t i = 0; i < m->config.nr_cpus; i++) {
		unknown += m->vcpus[i].nr_unknown;
		for (uint32_t k = 0; k < NR_EXIT_KINDS; k++)
			sum[k] += m->vcpus[i].exits[k];
	}
	for (uint32_t i = 0; i < m->nr_devices; i++) {
		refused += m->devices[i].mmio.nr_refused;
		irqs += m->devices[i].nr_interrupts;
	}
	for (uint32_t k = 0; k < NR_EXIT_KINDS; k++)
		all += sum[k];
	dprintf(fd, "mica: stats: exits %llu", (unsigned long long)all);
	for (uint32_t k = 0; k < NR_EXIT_KINDS; k++)
		dprintf(fd, "%s%s %llu", k ? ", " : " (", names[k],
			(unsigned long long)sum[k]);
	dprintf(fd, ")\nmica: stats: interrupts %llu, accesses to nothing "
		"%llu, refused by devices %llu\n", (unsigned long long)irqs,
		(unsigned long long)unknown, (unsigned long long)refused);
}
