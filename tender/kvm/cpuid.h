/* SPDX-License-Identifier: MIT */
/* What CPUID tells a guest. */
#pragma once
#include <stdint.h>

#define CPUID_ENTRIES_MAX 256u

struct kvm_cpuid2;

/* What KVM supports here, into memory for CPUID_ENTRIES_MAX entries. Returns
 * NULL with errno set. Owner: the caller frees it. */
struct kvm_cpuid2 *cpuid_supported(int kvm_fd);
/*
 * Make it the CPUID of processor `id` of nr_cpus: identity and topology, a
 * hypervisor with kvmclock, the TSC-deadline timer, and the TSC's frequency
 * in leaf 0x40000010 (tsc_khz 0: not said).
 */
void cpuid_adapt(struct kvm_cpuid2 *c, uint32_t id, uint32_t nr_cpus,
		 uint32_t tsc_khz);
