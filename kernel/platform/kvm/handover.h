/* SPDX-License-Identifier: MIT */
/*
 * What the monitor says of the machine, in one form for both ways in
 * (abi/machine.h). Filled once at start; nothing of the monitor's own
 * structures is looked at later.
 */
#pragma once
#include "abi/machine.h"
#include "lib/types.h"

struct handover_device {
	uint64_t base;		/* guest physical address of the registers */
	uint32_t irq;		/* for irq_attach: vector or IOAPIC pin */
	uint32_t type;		/* virtio device id; 0: read it there */
	bool told;		/* `facts` are, and the device takes scripts */
	struct abi_device_facts facts;
};

struct handover {
	bool direct;		/* by our tender; else PVH */
	uint32_t nr_cpus;
	uint64_t tsc_khz, real_ns;	/* 0: unknown */
	uint32_t nr_ranges, nr_devices;
	struct abi_range ram[ABI_RANGES_MAX];	/* page-aligned, by address */
	struct handover_device devices[ABI_DEVICES_MAX];
	uint64_t module_gpa, module_len;	/* the sandbox's description */
};

/*
 * Fill h from what the entry got: a struct abi_machine, or PVH's struct
 * hvm_start_info whose pointers are guest physical addresses. to_virt makes a
 * pointer of such an address (the boot map reaches 4 GiB, or 1 GiB if direct).
 * image_end: first byte behind the kernel.
 * Returns NULL, or what is wrong.
 */
const char *handover_parse(struct handover *h, const void *info,
			   void *(*to_virt)(uint64_t gpa), uint64_t image_end);

/* For handover_parse: words of the command line. */
void handover_command_line(struct handover *h, const char *line);
