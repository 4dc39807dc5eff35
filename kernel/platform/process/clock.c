/* SPDX-License-Identifier: MIT */
/*
 * Clocks without a host call: the host's vDSO, found in its own ELF tables
 * (vdso(7)), is called like any function. Processor-time clocks are host
 * calls.
 */
#include "lib/string.h"
#include "platform/platform.h"
#include "platform/process/host.h"
#include <linux/elf.h>
#include <linux/time.h>

static uint64_t read_clock(int clock)
{
	struct { int64_t sec, nsec; } ts = { 0, 0 };
	int r = -1;

	if (process_platform.vdso_clock_gettime)
		r = process_platform.vdso_clock_gettime(clock, &ts);
	if (r)
		HC2(__NR_clock_gettime, clock, &ts);
	return (uint64_t)ts.sec * NSEC_PER_SEC + (uint64_t)ts.nsec;
}

uint64_t plat_clock_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t plat_clock_real_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t plat_clock_boot_ns(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

static uint64_t cpu_clock(int clock)
{
	struct { int64_t sec, nsec; } ts = { 0, 0 };

	HC2(__NR_clock_gettime, clock, &ts);
	return (uint64_t)ts.sec * NSEC_PER_SEC + (uint64_t)ts.nsec;
}

uint64_t plat_clock_task_cpu_ns(void)
{
	return cpu_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* The host tells a thread's time to the threads of its process only. */
int plat_clock_other_cpu_ns(const struct task *t, uint64_t *ns)
{
	return -EOPNOTSUPP;
}

uint64_t plat_clock_process_cpu_ns(void)
{
	return cpu_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* The number that Linux keeps in TSC_AUX: node << 12 | cpu. */
uint32_t plat_cpu_current(void)
{
	uint32_t aux;

	__asm__ volatile("rdtscp" : "=c"(aux) : : "eax", "edx");
	return aux & 0xfff;
}

struct vdso {
	uint64_t base;
	const Elf64_Sym *sym;
	const char *str;
	const uint32_t *hash;
};

static bool vdso_parse(uint64_t base, struct vdso *v)
{
	const Elf64_Ehdr *eh = (const void *)base;
	const Elf64_Phdr *ph = (const void *)(base + eh->e_phoff);
	const Elf64_Dyn *dyn = NULL;
	uint64_t load = 0;
	bool have_load = false;

	*v = (struct vdso){ .base = base };
	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && !have_load) {
			load = base + ph[i].p_offset - ph[i].p_vaddr;
			have_load = true;
		} else if (ph[i].p_type == PT_DYNAMIC) {
			dyn = (const void *)(base + ph[i].p_offset);
		}
	}
	for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
		const void *p = (const void *)(load + dyn->d_un.d_ptr);

		if (dyn->d_tag == DT_SYMTAB)
			v->sym = p;
		else if (dyn->d_tag == DT_STRTAB)
			v->str = p;
		else if (dyn->d_tag == DT_HASH)
			v->hash = p;
	}
	v->base = load;
	return v->sym && v->str && v->hash;
}

void clock_init(uint64_t base)
{
	struct vdso v;

	if (!base || !vdso_parse(base, &v))
		return;
	for (uint32_t i = 0; i < v.hash[1]; i++)
		if (!strcmp(v.str + v.sym[i].st_name, "__vdso_clock_gettime"))
			process_platform.vdso_clock_gettime =
				(void *)(v.base + v.sym[i].st_value);
}
