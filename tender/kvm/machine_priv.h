/* SPDX-License-Identifier: MIT */
/* What the files of the machine share. */
#pragma once
#include "kvm/machine.h"

#define MACHINE_PAGE	4096ull

/* --- memory.c: the RAM and its slots --------------------------------------*/
int machine_memory_create(struct machine *m, struct err *e);
void machine_memory_destroy(struct machine *m);
/* Parts of the RAM below and above 4 GiB. */
uint64_t machine_low_ram(const struct machine *m);
uint64_t machine_high_ram(const struct machine *m);

/* --- irq.c: interrupts and doorbells ---------------------------------------*/
int machine_irq_init(struct machine *m, struct err *e);
int machine_device_connect(struct machine *m, struct machine_device *d,
			   struct virtio_dev *dev, struct dev_loop *loop,
			   struct err *e);
void machine_device_disconnect(struct machine_device *d);
uint64_t machine_device_base(uint32_t index);

/* --- bus.c: what the guest's accesses mean ----------------------------------*/
/* The exit in v->run was a port's or a memory access: do it. */
void bus_port(struct vcpu *v);
void bus_mmio(struct vcpu *v);

/* --- vcpu.c -------------------------------------------------------------------*/
int vcpu_create(struct vcpu *v, struct machine *m, uint32_t id, struct err *e);
void vcpu_destroy(struct vcpu *v);
int vcpu_start_thread(struct vcpu *v, struct err *e);
/* Make its thread look at m->stop. */
void vcpu_kick(struct vcpu *v);

/* --- machine.c ------------------------------------------------------------------*/
/* The machine has ended; only the first reason counts. Any thread. */
void machine_end(struct machine *m, enum machine_end why, uint32_t cpu,
		 uint64_t code, uint64_t address);
/* By a vCPU thread: confined (0) or not (errno); waits for the start. Returns
 * whether it is to run. */
bool machine_wait_start(struct machine *m, int error);
