/* SPDX-License-Identifier: MIT */
/*
 * What a virtual machine is on the kvm platform: the memory map that a monitor
 * prepares, the hand-over block, the ports. Two ways in: our tender enters the
 * kernel directly in 64-bit mode; other monitors (QEMU) take the PVH entry and
 * give the same facts in PVH's own structures (see the end).
 *
 * Direct entry: rip = note.entry64, rdi = address of struct abi_machine in the
 * direct map, interrupts off, long mode with CR0.WP and EFER.{SCE,NXE}, flat
 * segments from the GDT below, no stack, no IDT. The monitor's page tables map
 * the first GiB of guest memory in 2 MiB pages, writable and executable, at
 * ABI_KERNEL_VIRT and at ABI_DIRECT_MAP. The kernel makes its own tables and
 * then owns everything below ABI_IMAGE_START.
 * CPU n > 0 enters at note.ap_entry with rdi = n (its APIC id) in the same
 * state, at the same time; ap_entry 0: it waits for INIT and SIPI.
 *
 * The kernel checks every field; a monitor trusts nothing that it reads back.
 */
#pragma once
#include <stdint.h>
#include <stddef.h>

/* Guest physical addresses of the direct entry. */
#define ABI_TABLES_GPA		0x1000ull	/* 5 pages of page tables */
#define ABI_GDT_GPA		0x6000ull
#define ABI_MACHINE_GPA		0x7000ull	/* struct abi_machine */
#define ABI_SIPI_GPA		0x8000ull	/* the kernel's trampoline */
#define ABI_IMAGE_START		0x200000ull	/* the kernel's first byte */
#define ABI_LOW_RAM_END		0xc0000000ull	/* more RAM begins at 4 GiB */
#define ABI_HIGH_RAM_START	0x100000000ull

/* Virtual addresses. */
#define ABI_KERNEL_VIRT		0xffffffff80000000ull	/* of address 0 */
#define ABI_DIRECT_MAP		0xffff800000000000ull	/* of address 0 */

/* Selectors in the GDT of the direct entry (as Linux's). */
#define ABI_SEL_CODE		0x10u
#define ABI_SEL_DATA		0x18u
#define ABI_SEL_TSS		0x40u

#define ABI_RAM_MIN		(16ull << 20)
#define ABI_CPUS_MAX		64u

/*
 * Notes of the kernel's ELF file, in one PT_NOTE: Xen's PVH entry (name "Xen",
 * type 18) first, then ours.
 */
#define ABI_NOTE_NAME		"mica"
#define ABI_NOTE_TYPE		1u
#define ABI_NOTE_PVH_TYPE	18u

struct abi_note {
	uint32_t version;	/* ABI_MACHINE_VERSION */
	uint32_t reserved;
	uint64_t entry64;	/* virtual */
	uint64_t ap_entry;	/* virtual, or 0 */
};

#define ABI_MACHINE_MAGIC	0x6d6963616d616368ull	/* "micamach" */
#define ABI_MACHINE_VERSION	1u
#define ABI_RANGES_MAX		8u
#define ABI_DEVICES_MAX		16u

enum abi_range_kind { ABI_RANGE_RAM = 1, ABI_RANGE_RESERVED = 2 };

struct abi_range {
	uint64_t start, len;
	uint32_t kind;		/* enum abi_range_kind */
	uint32_t reserved;
};

/* One virtio-mmio device (version 2), one page of registers. */
#define ABI_DEVICE_BASE		0xd0000000ull
#define ABI_DEVICE_SIZE		0x1000ull
#define ABI_DEVICE_VECTOR	0x30u	/* of the first device */

struct abi_device {
	uint32_t type;		/* virtio device id */
	uint32_t vector;	/* its interrupt is this MSI vector, at CPU 0 */
	uint64_t base;		/* guest physical address of the registers */
};

/*
 * What a driver would have to read from the registers of a device that is in its
 * reset state; with ABI_MACHINE_FACTS. Such a device has a register besides those
 * of virtio-mmio: written at ABI_DEVICE_SCRIPT, the address (below 4 GiB) of a
 * struct abi_script, it does the writes listed there as if the driver had made
 * them one by one, and then stores its status register in `status`. So a device
 * is set up by one exit.
 * From then on and until its reset the device also keeps the bits of its
 * InterruptStatus in `reasons`, which the driver clears (atomic exchange) in
 * place of reading that register and writing InterruptACK.
 */
#define ABI_DEVICE_CONFIG_MAX	64u

struct abi_device_facts {
	uint64_t features;	/* offered */
	uint32_t queue_size;	/* QueueNumMax of every queue */
	uint32_t config_len;	/* at most ABI_DEVICE_CONFIG_MAX are here */
	uint8_t config[ABI_DEVICE_CONFIG_MAX];
};

#define ABI_DEVICE_SCRIPT	0x800u	/* offset in the page of registers */
#define ABI_SCRIPT_MAX		64u

struct abi_script_write {
	uint32_t offset;	/* of a 32-bit register before the config */
	uint32_t value;
};

struct abi_script {		/* 8-aligned, within one range of RAM */
	uint32_t nr;		/* writes, at most ABI_SCRIPT_MAX */
	uint32_t status;	/* out */
	uint32_t reasons;	/* in and out, atomic */
	uint32_t reserved;
	struct abi_script_write writes[ABI_SCRIPT_MAX];
};

#define ABI_MACHINE_FACTS	1u	/* abi_machine.flags */

/* The block at ABI_MACHINE_GPA; not larger than a page. */
struct abi_machine {
	uint64_t magic;
	uint32_t version;
	uint32_t size;		/* of this struct */
	uint32_t flags;		/* ABI_MACHINE_* */
	uint32_t nr_cpus;	/* 1..ABI_CPUS_MAX; APIC ids 0..nr_cpus-1 */
	uint64_t tsc_khz;	/* 0: unknown */
	uint64_t real_ns;	/* CLOCK_REALTIME at the start; 0: unknown */
	uint64_t image_end;	/* first byte behind the kernel's .bss */
	/* the sandbox's description: struct abi_boot, then its blob at the
	 * next page; lies in the first GiB, page-aligned, behind image_end */
	uint64_t module_gpa, module_len;
	uint32_t nr_ranges, nr_devices;
	struct abi_range ranges[ABI_RANGES_MAX];
	struct abi_device devices[ABI_DEVICES_MAX];
	struct abi_device_facts facts[ABI_DEVICES_MAX];	/* of devices[] */
};

/* Offset of the blob in the module. abi_boot.blob is that offset, too. */
#define ABI_MODULE_BLOB \
	((sizeof(struct abi_boot) + 4095) & ~(size_t)4095)

/* Ports. Values written are 32 bits. */
#define ABI_PORT_LOG		0xe8u	/* address (below 4 GiB) of abi_log */
#define ABI_PORT_LOG_BYTE	0xe9u	/* one byte of the log (QEMU) */
#define ABI_PORT_EXIT		0xf4u	/* enum abi_exit: ends the machine */

struct abi_log {
	uint64_t gpa;		/* the text, within one range of RAM */
	uint32_t len;
	uint32_t reserved;
};
#define ABI_LOG_MAX		65536u

/* QEMU's isa-debug-exit makes 2 * value + 1 its own exit status. */
enum abi_exit {
	ABI_EXIT_END	= 0x10,	/* orderly; the report has been given */
	ABI_EXIT_PANIC	= 0x11,	/* the kernel gave up; see the log */
};

/*
 * Under PVH the same comes as: memory map of hvm_start_info; module 0 = the
 * description; command line with `virtio_mmio.device=SIZE@BASE:PIN` for each
 * device (interrupts by the IOAPIC), `mica.cpus=N` (1 without it; APIC ids
 * from 0) and `mica.real_ns=N`, the time when the monitor was started.
 */

_Static_assert(sizeof(struct abi_note) == 24, "abi_note layout");
_Static_assert(sizeof(struct abi_range) == 24, "abi_range layout");
_Static_assert(sizeof(struct abi_device) == 16, "abi_device layout");
_Static_assert(sizeof(struct abi_log) == 16, "abi_log layout");
_Static_assert(offsetof(struct abi_machine, ranges) == 72,
	       "abi_machine layout");
_Static_assert(offsetof(struct abi_machine, facts) == 520,
	       "abi_machine layout");
_Static_assert(sizeof(struct abi_machine) == 1800, "abi_machine layout");
_Static_assert(sizeof(struct abi_device_facts) == 80,
	       "abi_device_facts layout");
_Static_assert(sizeof(struct abi_script) == 528, "abi_script layout");
