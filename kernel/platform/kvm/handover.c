/* SPDX-License-Identifier: MIT */
/*
 * Reading the hand-over block of our tender or of a PVH monitor. The monitor
 * is trusted with the machine, but not with being of the same version or free
 * of mistakes: every count, range and address is checked, and what does not
 * fit is named. No state, no allocation; built for the host in unit tests.
 */
#include "platform/kvm/handover.h"
#include "lib/string.h"

/* PVH, xen/include/public/arch-x86/hvm/start_info.h (version 1) */
#define PVH_MAGIC	0x336ec578u
#define PVH_RAM		1u
#define PVH_ENTRIES_MAX	128u
#define COMMAND_LINE_MAX 4096u

struct pvh_start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t module_list, command_line, rsdp, memory_map;
	uint32_t nr_memory, reserved;
};

struct pvh_module {
	uint64_t gpa, len, command_line, reserved;
};

struct pvh_memory {
	uint64_t start, len;
	uint32_t type, reserved;
};

#define REACH_PVH	(4ull << 30)	/* what the boot tables map */
#define REACH_DIRECT	(1ull << 30)
#define ADDRESS_MAX	(1ull << 46)
#define BOOT_END	0x100000ull	/* the first MiB is not handed out */
#define SLACK		0x100000ull

static bool is_inside(uint64_t start, uint64_t len, uint64_t end)
{
	return start <= end && len <= end - start;
}

static uint64_t ram_end(const struct handover *h, uint32_t range)
{
	return h->ram[range].start + h->ram[range].len;
}

/* Keep the whole pages of one RAM range; ranges come sorted. */
static const char *add_ram(struct handover *h, uint64_t start, uint64_t len)
{
	uint64_t end;

	if (!is_inside(start, len, ADDRESS_MAX))
		return "memory range out of bounds";
	end = PAGE_DOWN(start + len);
	start = PAGE_UP(start);
	if (end <= start)
		return NULL;
	if (h->nr_ranges &&
	    start < ram_end(h, h->nr_ranges - 1))
		return "memory ranges overlap or are not sorted";
	if (h->nr_ranges == ABI_RANGES_MAX)
		return "too many memory ranges";
	h->ram[h->nr_ranges++] = (struct abi_range){
		.start = start, .len = end - start, .kind = ABI_RANGE_RAM,
	};
	return NULL;
}

/* The range that holds the kernel comes first; what is below goes. */
static const char *order_ram(struct handover *h, uint64_t image_end)
{
	while (h->nr_ranges && ram_end(h, 0) <= BOOT_END) {
		h->nr_ranges--;
		memmove(&h->ram[0], &h->ram[1],
			h->nr_ranges * sizeof(h->ram[0]));
	}
	if (!h->nr_ranges || h->ram[0].start > BOOT_END ||
	    ram_end(h, 0) < image_end)
		return "no memory where the kernel is";
	return NULL;
}

/*
 * Room behind image and description, which is moved next to it: for page
 * tables (one for each GiB and a few more) within what the boot tables reach,
 * and for the records of core/page.c (at most 1/128) within the first range.
 */
static bool has_room(const struct handover *h, uint64_t image_end,
		     uint64_t reach)
{
	uint64_t end = ram_end(h, h->nr_ranges - 1), first = ram_end(h, 0);
	uint64_t used = image_end + h->module_len;

	return is_inside(used, (end >> 18) + SLACK, MIN(first, reach)) &&
	       is_inside(used, (end >> 7) + SLACK, first);
}

static const char *check_common(struct handover *h, uint64_t image_end,
				uint64_t reach)
{
	const char *bad = order_ram(h, image_end);
	uint64_t low_end;

	if (bad)
		return bad;
	low_end = MIN(ram_end(h, 0), reach);
	if (h->module_gpa < image_end || !h->module_len ||
	    !is_inside(h->module_gpa, h->module_len, low_end))
		return "the sandbox's description is not in memory";
	if (!has_room(h, image_end, reach))
		return "too little memory for the kernel's tables";
	if (!h->nr_cpus || h->nr_cpus > ABI_CPUS_MAX)
		return "number of processors out of range";
	return NULL;
}

/* --- our tender ----------------------------------------------------------------*/
static const char *parse_devices(struct handover *h,
				 const struct abi_machine *m)
{
	for (uint32_t i = 0; i < m->nr_devices; i++) {
		if (m->devices[i].base & ~PAGE_MASK ||
		    m->devices[i].base >= ADDRESS_MAX)
			return "hand-over block: device address out of range";
		if (m->facts[i].config_len > ABI_DEVICE_CONFIG_MAX)
			return "hand-over block: device configuration out of range";
		h->devices[h->nr_devices++] = (struct handover_device){
			.base = m->devices[i].base, .irq = m->devices[i].vector,
			.type = m->devices[i].type,
			.told = m->flags & ABI_MACHINE_FACTS,
			.facts = m->facts[i],
		};
	}
	return NULL;
}

static const char *parse_direct(struct handover *h,
				const struct abi_machine *shared,
				uint64_t image_end)
{
	struct abi_machine m = *shared;
	const char *bad = NULL;

	if (m.version != ABI_MACHINE_VERSION || m.size != sizeof(m))
		return "hand-over block of another version";
	if (m.nr_ranges > ABI_RANGES_MAX || m.nr_devices > ABI_DEVICES_MAX)
		return "hand-over block: too many entries";
	h->direct = true;
	h->nr_cpus = m.nr_cpus;
	h->tsc_khz = m.tsc_khz;
	h->real_ns = m.real_ns;
	h->module_gpa = m.module_gpa;
	h->module_len = m.module_len;
	for (uint32_t i = 0; i < m.nr_ranges && !bad; i++)
		if (m.ranges[i].kind == ABI_RANGE_RAM)
			bad = add_ram(h, m.ranges[i].start, m.ranges[i].len);
	if (!bad)
		bad = parse_devices(h, &m);
	return bad ? bad : check_common(h, image_end, REACH_DIRECT);
}

/* --- PVH -------------------------------------------------------------------------*/
/* A number, decimal or 0x; *end is what follows. */
static uint64_t parse_number(const char *s, const char **end)
{
	uint64_t v = 0, base = 10;

	if (s[0] == '0' && s[1] == 'x') {
		base = 16;
		s += 2;
	}
	for (;; s++) {
		uint32_t d = 99;

		if (*s >= '0' && *s <= '9')
			d = (uint32_t)(*s - '0');
		else if (*s >= 'a' && *s <= 'f')
			d = (uint32_t)(*s - 'a') + 10;
		if (d >= base)
			break;
		v = v * base + d;
	}
	*end = s;
	return v;
}

/* virtio_mmio.device=SIZE[K]@BASE:IRQ (the documented Linux parameter) */
static void add_device(struct handover *h, const char *s)
{
	uint64_t base, irq;

	parse_number(s, &s);
	if (*s == 'K')
		s++;
	if (*s++ != '@')
		return;
	base = parse_number(s, &s);
	if (*s++ != ':')
		return;
	irq = parse_number(s, &s);
	if (h->nr_devices == ABI_DEVICES_MAX || base >= ADDRESS_MAX ||
	    irq > 0xff || !base)
		return;
	h->devices[h->nr_devices++] = (struct handover_device){
		.base = base, .irq = (uint32_t)irq,
	};
}

static bool take_word(const char **s, const char *word)
{
	size_t n;

	if (**s != *word)
		return false;
	n = strlen(word);
	if (strncmp(*s, word, n))
		return false;
	*s += n;
	return true;
}

void handover_command_line(struct handover *h, const char *s)
{
	while (*s) {
		if (take_word(&s, "virtio_mmio.device="))
			add_device(h, s);
		else if (take_word(&s, "mica.cpus="))
			h->nr_cpus = (uint32_t)parse_number(s, &s);
		else if (take_word(&s, "mica.real_ns="))
			h->real_ns = parse_number(s, &s);
		else if (take_word(&s, "mica.tsc_khz="))
			h->tsc_khz = parse_number(s, &s);
		while (*s && *s != ' ')
			s++;
		while (*s == ' ')
			s++;
	}
}

static const char *parse_memory(struct handover *h, const void *map,
				uint32_t n)
{
	const char *bad = NULL;
	struct pvh_memory m;

	for (uint32_t i = 0; i < n && !bad; i++) {
		/* wherever the monitor put it, aligned or not */
		memcpy(&m, (const char *)map + i * sizeof(m), sizeof(m));
		if (m.type == PVH_RAM)
			bad = add_ram(h, m.start, m.len);
	}
	return bad;
}

static const char *parse_pvh(struct handover *h, const void *info,
			     void *(*to_virt)(uint64_t), uint64_t image_end)
{
	static char line[COMMAND_LINE_MAX];
	struct pvh_start_info s;
	struct pvh_module module;
	const char *bad;

	memcpy(&s, info, sizeof(s));
	if (s.version < 1 || !s.memory_map || !s.nr_memory ||
	    s.nr_memory > PVH_ENTRIES_MAX ||
	    !is_inside(s.memory_map, s.nr_memory * sizeof(struct pvh_memory),
		       REACH_PVH))
		return "PVH start info without a memory map";
	if (!s.nr_modules || !is_inside(s.module_list, sizeof(module),
					REACH_PVH))
		return "PVH start info without a module";
	memcpy(&module, to_virt(s.module_list), sizeof(module));
	h->module_gpa = module.gpa;
	h->module_len = module.len;
	h->nr_cpus = 1;
	if (s.command_line &&
	    is_inside(s.command_line, sizeof(line), REACH_PVH)) {
		strlcpy(line, to_virt(s.command_line), sizeof(line));
		handover_command_line(h, line);
	}
	bad = parse_memory(h, to_virt(s.memory_map), s.nr_memory);
	return bad ? bad : check_common(h, image_end, REACH_PVH);
}

const char *handover_parse(struct handover *h, const void *info,
			   void *(*to_virt)(uint64_t gpa), uint64_t image_end)
{
	uint64_t magic;

	*h = (struct handover){ .direct = false };
	memcpy(&magic, info, sizeof(magic));
	if (magic == ABI_MACHINE_MAGIC)
		return parse_direct(h, info, image_end);
	if ((uint32_t)magic == PVH_MAGIC)
		return parse_pvh(h, info, to_virt, image_end);
	return "no known hand-over block";
}
