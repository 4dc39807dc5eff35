/* SPDX-License-Identifier: MIT */
/*
 * CPUID of the guest: what KVM supports, with the leaves changed that depend
 * on the machine. A leaf that KVM does not know is not there: it reads 0.
 */
#include "kvm/cpuid.h"
#include <errno.h>
#include <linux/kvm.h>
#include <asm/kvm_para.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define LEAF1_EBX_ID_SHIFT	24
#define LEAF1_EBX_COUNT_SHIFT	16
#define LEAF1_ECX_TSC_DEADLINE	(1u << 24)
#define LEAF1_ECX_HYPERVISOR	(1u << 31)
#define LEAF1_EDX_HTT		(1u << 28)
#define LEAF1_ECX_VMX		(1u << 5)
#define LEAF_EXTENDED1		0x80000001u
#define LEAF_EXTENDED1_ECX_SVM	(1u << 2)
#define LEAF_SVM		0x8000000au
#define LEAF_KVM		0x40000000u
#define LEAF_TSC_KHZ		0x40000010u
#define APIC_BUS_KHZ		1000000u
#define KVM_FEATURES_WANTED	(1u << KVM_FEATURE_CLOCKSOURCE2 | \
				 1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT)

struct kvm_cpuid2 *cpuid_supported(int kvm_fd)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + CPUID_ENTRIES_MAX *
					 sizeof(c->entries[0]));

	if (!c)
		return NULL;
	/* one entry is kept free for leaf 0x40000010 */
	c->nent = CPUID_ENTRIES_MAX - 1;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, c)) {
		int err = errno;

		free(c);
		errno = err;
		return NULL;
	}
	return c;
}

static uint32_t bits_for(uint32_t n)
{
	uint32_t bits = 0;

	while ((1u << bits) < n)
		bits++;
	return bits;
}

/* One package of nr_cpus cores with one thread each. */
static void adapt_topology(struct kvm_cpuid_entry2 *e, uint32_t id,
			   uint32_t nr_cpus)
{
	e->edx = id;
	if (e->index == 0) {	/* threads of a core */
		e->eax = 0;
		e->ebx = 1;
		e->ecx = 1u << 8;
	} else if (e->index == 1) {	/* cores */
		e->eax = bits_for(nr_cpus);
		e->ebx = nr_cpus;
		e->ecx = 2u << 8 | 1;
	} else {
		e->eax = e->ebx = 0;
		e->ecx = e->index;
	}
}

static void adapt_leaf1(struct kvm_cpuid_entry2 *e, uint32_t id,
			uint32_t nr_cpus)
{
	e->ebx &= 0xffffu;
	e->ebx |= id << LEAF1_EBX_ID_SHIFT | nr_cpus << LEAF1_EBX_COUNT_SHIFT;
	e->ecx |= LEAF1_ECX_TSC_DEADLINE | LEAF1_ECX_HYPERVISOR;
	e->ecx &= ~LEAF1_ECX_VMX;
	e->edx &= ~LEAF1_EDX_HTT;
	if (nr_cpus > 1)
		e->edx |= LEAF1_EDX_HTT;
}

/*
 * No virtual machines inside: the code for them is a large part of what a
 * hostile guest could reach in the host.
 */
static void hide_svm(struct kvm_cpuid_entry2 *e)
{
	if (e->function == LEAF_EXTENDED1)
		e->ecx &= ~LEAF_EXTENDED1_ECX_SVM;
	else
		e->eax = e->ebx = e->ecx = e->edx = 0;
}

static void add_tsc_leaf(struct kvm_cpuid2 *c, uint32_t tsc_khz)
{
	struct kvm_cpuid_entry2 *e = &c->entries[c->nent];

	if (!tsc_khz || c->nent >= CPUID_ENTRIES_MAX)
		return;
	memset(e, 0, sizeof(*e));
	e->function = LEAF_TSC_KHZ;
	e->eax = tsc_khz;
	e->ebx = APIC_BUS_KHZ;
	c->nent++;
}

void cpuid_adapt(struct kvm_cpuid2 *c, uint32_t id, uint32_t nr_cpus,
		 uint32_t tsc_khz)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		switch (e->function) {
		case 1:
			adapt_leaf1(e, id, nr_cpus);
			break;
		case 0xb:
		case 0x1f:
			adapt_topology(e, id, nr_cpus);
			break;
		case LEAF_EXTENDED1:
		case LEAF_SVM:
			hide_svm(e);
			break;
		case LEAF_KVM:
			e->eax = LEAF_TSC_KHZ;
			break;
		case LEAF_KVM | 1:
			e->eax &= KVM_FEATURES_WANTED;
			break;
		}
	}
	add_tsc_leaf(c, tsc_khz);
}
