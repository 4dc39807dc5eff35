/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of a virtio-mmio device, for tests: memory, registers as a
 * driver uses them, and rings that can be filled wrongly on purpose. Counts
 * what the device asks of its machine.
 */
#pragma once
#include "dev/virtio_mmio.h"
#include <stdio.h>

#define LOW_BASE	0x10000ull
#define LOW_LEN		0x40000ull
#define HIGH_BASE	0x100000000ull
#define HIGH_LEN	0x10000ull
#define DATA_BASE	0x30000ull	/* behind the rings */
#define FAKE_QUEUE_SIZE	16u

/* S_*: what a driver writes to the status register, in order. */
#define S_ACK		1u
#define S_DRV		3u
#define S_FEAT		11u
#define S_OK		15u

struct fake_guest {
	struct guest_memory memory;
	unsigned char *low, *high;
	struct virtio_dev *dev;
	struct virtio_mmio mmio;
	uint32_t interrupts, notified;	/* notified: a bit per queue */
	uint32_t nr_reports;
	char report[256];		/* the last one */
	uint16_t used_seen[VIRTIO_QUEUES_MAX];
	uint16_t avail_next[VIRTIO_QUEUES_MAX];
};

void guest_init(struct fake_guest *g);
void guest_fini(struct fake_guest *g);
/* Give the device registers and callbacks of this guest. */
void guest_attach(struct fake_guest *g, struct virtio_dev *dev);

uint32_t reg_get(struct fake_guest *g, uint64_t offset);
void reg_set(struct fake_guest *g, uint64_t offset, uint32_t v);

/* Protocol up to FEATURES_OK. Returns the status then read. */
uint32_t guest_features(struct fake_guest *g, uint64_t features);
void guest_queue(struct fake_guest *g, uint32_t queue, uint32_t size);
/* All of it: features (VERSION_1 is added), every queue, DRIVER_OK. */
void guest_up(struct fake_guest *g, uint64_t features);
void guest_down(struct fake_guest *g);

gpa_t ring_desc(uint32_t queue);
gpa_t ring_avail(uint32_t queue);
gpa_t ring_used(uint32_t queue);
/* The host's view of an address; aborts if it is not memory. */
void *guest_at(struct fake_guest *g, gpa_t addr);
void put_desc(struct fake_guest *g, uint32_t queue, uint16_t index,
	      gpa_t addr, uint32_t len, uint16_t flags, uint16_t next);
/* Make the chain at head available (no doorbell). */
void offer(struct fake_guest *g, uint32_t queue, uint16_t head);
void set_avail_index(struct fake_guest *g, uint32_t queue, uint16_t index);
/* One used entry that was not seen yet. */
bool take_used(struct fake_guest *g, uint32_t queue, uint32_t *id,
	       uint32_t *len);
bool needs_reset(struct fake_guest *g);

extern unsigned int checks_failed;
#define CHECK(e) do { if (!(e)) { checks_failed++; \
	printf("# %s:%d: %s\n", __func__, __LINE__, #e); return; } } while (0)

struct unit_test {
	const char *name;
	void (*fn)(void);
};

/* Tables end with a NULL name. */
extern const struct unit_test memory_tests[], queue_tests[], mmio_tests[],
	blk_tests[], blk_file_tests[], console_tests[], rng_tests[],
	loop_tests[], script_tests[];
