/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the hand-over: both ways in give the same facts, and damaged
 * blocks are refused with a reason. A small array is the machine's memory.
 * Also the ChaCha20 block function, against RFC 8439. Prints TAP.
 */
#include "platform/kvm/handover.h"

#include "lib/chacha20.h"
#include "lib/string.h"
#include "test/unit/tap.h"

#define IMAGE_END	0x480000ull
#define RAM_END		(64ull << 20)

static uint8_t low[1 << 16];	/* guest memory from 0 */

static void *to_virt(uint64_t gpa)
{
	return low + gpa % (sizeof(low) / 2);
}

/* --- the tender's block -----------------------------------------------------*/
static struct abi_machine good_machine(void)
{
	return (struct abi_machine){
		.magic = ABI_MACHINE_MAGIC, .version = ABI_MACHINE_VERSION,
		.size = sizeof(struct abi_machine), .nr_cpus = 2,
		.tsc_khz = 2000000, .real_ns = 5,
		.image_end = IMAGE_END, .module_gpa = IMAGE_END,
		.module_len = 8192, .nr_ranges = 2, .nr_devices = 1,
		.ranges = { { 0, RAM_END, ABI_RANGE_RAM, 0 },
			    { 4ull << 30, 1ull << 30, ABI_RANGE_RAM, 0 } },
		.devices = { { 26, 0x30, ABI_DEVICE_BASE } },
		.flags = ABI_MACHINE_FACTS,
		.facts = { { .features = 7, .queue_size = 64,
			     .config_len = 2, .config = "ab" } },
	};
}

static const char *parse(const struct abi_machine *m, struct handover *h)
{
	return handover_parse(h, m, to_virt, IMAGE_END);
}

static void test_direct(void)
{
	struct abi_machine m = good_machine();
	struct handover h;

	CHECK(!parse(&m, &h));
	CHECK(h.direct && h.nr_cpus == 2 && h.tsc_khz == 2000000);
	CHECK(h.nr_ranges == 2 && h.ram[1].start == 4ull << 30);
	CHECK(h.nr_devices == 1 && h.devices[0].irq == 0x30 &&
	      h.devices[0].type == 26);
	CHECK(h.devices[0].told && h.devices[0].facts.features == 7 &&
	      h.devices[0].facts.queue_size == 64 &&
	      h.devices[0].facts.config[1] == 'b');
	m.flags = 0;
	CHECK(!parse(&m, &h) && !h.devices[0].told);
	CHECK(h.module_gpa == IMAGE_END && h.module_len == 8192);
}

static void test_direct_damaged(void)
{
	const struct {
		size_t offset;
		uint64_t value;
		uint32_t bytes;
	} damages[] = {
#define FIELD(f, v) { offsetof(struct abi_machine, f), v, \
		      sizeof(((struct abi_machine *)0)->f) }
		FIELD(magic, 1), FIELD(version, 2), FIELD(size, 8),
		FIELD(nr_cpus, 0), FIELD(nr_cpus, 65), FIELD(nr_ranges, 0),
		FIELD(nr_ranges, 9), FIELD(nr_devices, 17),
		FIELD(module_gpa, 0x1000), FIELD(module_gpa, RAM_END),
		FIELD(module_gpa, UINT64_MAX), FIELD(module_len, 0),
		FIELD(module_len, UINT64_MAX), FIELD(module_len, RAM_END),
		FIELD(ranges[0].len, 1 << 20), FIELD(ranges[0].start, 2 << 20),
		/* no room for tables: little memory, much of it elsewhere */
		FIELD(ranges[0].len, IMAGE_END + 8192),
		FIELD(ranges[0].len, IMAGE_END + (1 << 20)),
		FIELD(ranges[1].len, 1ull << 40),
		FIELD(ranges[1].start, 4096), FIELD(ranges[1].len, UINT64_MAX),
		FIELD(devices[0].base, 0xd0000010),
		FIELD(devices[0].base, UINT64_MAX << 12),
		FIELD(facts[0].config_len, ABI_DEVICE_CONFIG_MAX + 1),
#undef FIELD
	};

	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct abi_machine m = good_machine();
		struct handover h;

		memcpy((char *)&m + damages[i].offset, &damages[i].value,
		       damages[i].bytes);
		if (!parse(&m, &h))
			check_failed("damage was not noticed", __FILE_NAME__,
				     __LINE__, (long)i);
	}
}

/* --- PVH -----------------------------------------------------------------------*/
struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t module_list, command_line, rsdp, memory_map;
	uint32_t nr_memory, reserved;
};

struct memory { uint64_t start, len; uint32_t type, reserved; };

static struct start_info good_pvh(void)
{
	const uint64_t module[4] = { 32ull << 20, 8192, 0, 0 };
	const struct memory map[] = {
		{ 0, 0x9fc00, 1, 0 }, { 0xf0000, 0x10000, 2, 0 },
		{ 0x100000, RAM_END - 0x100000, 1, 0 },
	};

	memset(low, 0, sizeof(low));
	memcpy(to_virt(0x1000), module, sizeof(module));
	memcpy(to_virt(0x2000), map, sizeof(map));
	strlcpy(to_virt(0x3000), "x=1 mica.cpus=4 mica.real_ns=99 junk "
		"virtio_mmio.device=512@0xfeb00e00:12 "
		"virtio_mmio.device=4K@0xc0001000:5", 200);
	return (struct start_info){
		.magic = 0x336ec578, .version = 1, .nr_modules = 1,
		.module_list = 0x1000, .command_line = 0x3000,
		.memory_map = 0x2000, .nr_memory = 3,
	};
}

static void test_pvh(void)
{
	struct start_info s = good_pvh();
	struct handover h;

	CHECK(!handover_parse(&h, &s, to_virt, IMAGE_END));
	CHECK(!h.direct && h.nr_cpus == 4 && h.real_ns == 99);
	CHECK(h.nr_ranges == 1 && h.ram[0].start == 0x100000);
	CHECK(h.nr_devices == 2 && h.devices[0].base == 0xfeb00e00 &&
	      h.devices[0].irq == 12 && h.devices[1].base == 0xc0001000 &&
	      h.devices[1].irq == 5);
	CHECK(h.module_gpa == 32ull << 20);
}

static void test_pvh_damaged(void)
{
	struct start_info s[6];
	struct handover h;

	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		s[i] = good_pvh();
	s[0].version = 0;
	s[1].nr_modules = 0;
	s[2].memory_map = 0;
	s[3].nr_memory = 1u << 30;
	s[4].module_list = UINT64_MAX - 4;
	s[5].memory_map = (4ull << 30) - 8;
	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		CHECK(handover_parse(&h, &s[i], to_virt, IMAGE_END));
	*(uint64_t *)to_virt(0x1000) = 0x1000;	/* module inside the kernel */
	s[0] = good_pvh();
	*(uint64_t *)to_virt(0x1000) = 0x200000;
	CHECK(handover_parse(&h, &s[0], to_virt, IMAGE_END));
}

static void test_command_line(void)
{
	static const char *const lines[] = {
		"virtio_mmio.device=", "virtio_mmio.device=512@",
		"virtio_mmio.device=512@0x1000", "virtio_mmio.device=1@0:1",
		"virtio_mmio.device=1@0xffffffffffffffff:1",
		"virtio_mmio.device=1@0x1000:999", "mica.cpus=", "mica.cpus=-1",
		"   ", "",
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct handover h = { .nr_cpus = 1 };

		handover_command_line(&h, lines[i]);
		CHECK(h.nr_devices == 0);
	}
}

/* RFC 8439, 2.3.2 */
static void test_chacha20(void)
{
	static const uint8_t want[16] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15,
		0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4,
	};
	const uint32_t nonce[3] = { 0x09000000, 0x4a000000, 0 };
	uint8_t key[32], out[CHACHA_BLOCK];
	uint32_t words[8];

	for (uint32_t i = 0; i < 32; i++)
		key[i] = (uint8_t)i;
	memcpy(words, key, sizeof(words));
	chacha20_block(words, 1, nonce, out);
	CHECK(!memcmp(out, want, sizeof(want)));
}

static const struct unit_test tests[] = {
	{ "direct", test_direct },
	{ "direct, damaged", test_direct_damaged },
	{ "PVH", test_pvh },
	{ "PVH, damaged", test_pvh_damaged },
	{ "command line", test_command_line },
	{ "ChaCha20", test_chacha20 },
};

int main(void)
{
	return unit_run("handover", tests, ARRAY_LEN(tests), NULL, NULL);
}
