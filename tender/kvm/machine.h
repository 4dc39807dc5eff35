/* SPDX-License-Identifier: MIT */
/*
 * One virtual machine over KVM: memory, processors, devices at their
 * addresses. What the machine looks like from inside is abi/machine.h.
 *
 * Order: machine_create, machine_add_device for each, machine_load,
 * machine_start, machine_go; then end_fd tells of the end, whoever brings it about.
 */
#pragma once
#include "abi/machine.h"
#include "dev/loop.h"
#include "dev/memory.h"
#include "dev/virtio_mmio.h"
#include "kvm/image.h"
#include "util/description.h"
#include <pthread.h>
#include <stdbool.h>

enum machine_end {
	MACHINE_RUNS,
	MACHINE_ENDED,		/* orderly: enum abi_exit END */
	MACHINE_PANICKED,	/* enum abi_exit PANIC */
	MACHINE_RESET,		/* triple fault */
	MACHINE_BAD_EXIT,	/* detail: what was written to the exit port */
	MACHINE_KVM_ERROR,	/* detail: see code */
	MACHINE_STOPPED,	/* by machine_stop */
};

enum exit_kind {
	EXIT_KIND_LOG, EXIT_KIND_PORT, EXIT_KIND_MMIO, EXIT_KIND_SIGNAL,
	EXIT_KIND_OTHER, NR_EXIT_KINDS,
};

struct machine;
struct kvm_run;

struct vcpu {
	/* set once */
	struct machine *machine;
	uint32_t id;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool has_thread;
	int tid;		/* atomic; 0: it has not begun */
	/* only its thread; read by others when it has ended */
	uint64_t exits[NR_EXIT_KINDS];
	uint64_t nr_unknown;	/* accesses to nothing: read as ones */
};

struct machine_device {
	struct virtio_mmio mmio;
	uint32_t gsi;
	int irq_fd;		/* eventfd: its interrupt */
	struct dev_doorbell bells[VIRTIO_QUEUES_MAX];
	uint32_t nr_bells;
	uint64_t nr_interrupts;	/* atomic */
};

struct machine_config {
	uint64_t ram_bytes;
	uint32_t nr_cpus;
	int log_fd;
};

struct machine {
	/* set once */
	struct machine_config config;
	int kvm_fd, vm_fd, ram_fd, end_fd;
	unsigned char *ram;	/* low part, then high part */
	struct guest_memory memory;
	uint32_t tsc_khz;
	size_t run_size;	/* of a vCPU's kvm_run */
	struct vcpu vcpus[ABI_CPUS_MAX];
	struct machine_device devices[ABI_DEVICES_MAX];
	uint32_t nr_devices;
	uint64_t module_gpa;
	pthread_mutex_t start_lock;
	pthread_cond_t start_cond;
	/* under start_lock */
	uint32_t nr_ready;	/* vCPU threads that are confined */
	bool go;
	int start_error;	/* errno of a thread that could not */
	/* atomic; the first to set `end` owns the next three */
	uint32_t end;		/* enum machine_end */
	uint32_t end_cpu;
	uint64_t end_code, end_address;
	bool stop;
};

/* Returns 0 or -errno; destroy is allowed after a failure. */
int machine_create(struct machine *m, const struct machine_config *c,
		   struct err *e);
/*
 * Give the next device its registers and interrupt; its queues are served by
 * the loop. Before machine_load.
 */
int machine_add_device(struct machine *m, struct virtio_dev *dev,
		       struct dev_loop *loop, struct err *e);
/* Kernel, description and hand-over block into memory; registers. */
int machine_load(struct machine *m, const struct kernel_image *k,
		 const struct description *d, struct err *e);
/*
 * Start all vCPU threads; each confines itself and waits for machine_go.
 * Returns 0 or -errno.
 */
int machine_start(struct machine *m, struct err *e);
/* The guest's first instruction. */
void machine_go(struct machine *m);
/* End it if it still runs; no vCPU thread is left after. */
void machine_stop(struct machine *m);
/* machine_stop, and give everything back. Device loops do not run any more. */
void machine_destroy(struct machine *m);
/* The description as the kernel left it (hostile). NULL before machine_load. */
const struct abi_boot *machine_description(const struct machine *m);
/* How it ended, in one line; "" for an orderly end. */
void machine_explain(const struct machine *m, char *text, size_t size);
/* Counters on one line each, for --stats. */
void machine_print_stats(const struct machine *m, int fd);

/* For tests and --memory: the range that is possible. */
#define MACHINE_RAM_MAX	(64ull << 30)
/* --memory not given: the host's RAM, 4 GiB at most. */
uint64_t machine_default_ram(void);
