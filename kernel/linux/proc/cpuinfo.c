/* SPDX-License-Identifier: MIT */
/*
 * /proc/cpuinfo, from CPUID at the time of reading (the instruction is dear in
 * virtual machines, so nothing is asked before somebody reads).
 */
#include "linux/proc/proc.h"
#include "lib/string.h"
#include "linux/boot.h"

struct leaf {
	uint32_t a, b, c, d;
};

static struct leaf cpuid(uint32_t leaf, uint32_t sub)
{
	struct leaf r;

	__asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "a"(leaf), "c"(sub));
	return r;
}

/* Names of the bits of one register, in Linux's order; NULL = not shown. */
static const char *const names_1d[32] = {
	"fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic",
	NULL, "sep", "mtrr", "pge", "mca", "cmov", "pat", "pse36", "pn",
	"clflush", NULL, "dts", "acpi", "mmx", "fxsr", "sse", "sse2", "ss",
	"ht", "tm", "ia64", "pbe",
};
static const char *const names_ext_d[32] = {
	[11] = "syscall", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt",
	[26] = "pdpe1gb", [27] = "rdtscp", [29] = "lm", [30] = "3dnowext",
	[31] = "3dnow",
};
static const char *const names_1c[32] = {
	"pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est",
	"tm2", "ssse3", NULL, "sdbg", "fma", "cx16", "xtpr", "pdcm", NULL,
	"pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe", "popcnt",
	"tsc_deadline_timer", "aes", "xsave", NULL, "avx", "f16c", "rdrand",
	"hypervisor",
};
static const char *const names_ext_c[32] = {
	"lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm",
	"sse4a", "misalignsse", "3dnowprefetch", "osvw", "ibs", "xop",
	"skinit", "wdt", NULL, "lwp", "fma4", "tce", NULL, "nodeid_msr", NULL,
	"tbm", "topoext", "perfctr_core", "perfctr_nb", NULL, "bpext", "ptsc",
	"perfctr_llc", "mwaitx",
};
static const char *const names_7b[32] = {
	"fsgsbase", "tsc_adjust", NULL, "bmi1", "hle", "avx2", NULL, "smep",
	"bmi2", "erms", "invpcid", "rtm", NULL, NULL, "mpx", NULL, "avx512f",
	"avx512dq", "rdseed", "adx", "smap", "avx512ifma", NULL, "clflushopt",
	"clwb", "intel_pt", "avx512pf", "avx512er", "avx512cd", "sha_ni",
	"avx512bw", "avx512vl",
};
static const char *const names_7c[32] = {
	NULL, "avx512vbmi", "umip", "pku", "ospke", "waitpkg", "avx512_vbmi2",
	NULL, "gfni", "vaes", "vpclmulqdq", "avx512_vnni", "avx512_bitalg",
	"tme", "avx512_vpopcntdq", NULL, "la57", [22] = "rdpid",
	[25] = "cldemote", [27] = "movdiri", [28] = "movdir64b",
	[29] = "enqcmd",
};
static const char *const names_7d[32] = {
	[4] = "fsrm", [8] = "avx512_vp2intersect", [10] = "md_clear",
	[14] = "serialize", [18] = "pconfig", [19] = "arch_lbr",
	[22] = "amx_bf16", [23] = "avx512_fp16", [24] = "amx_tile",
	[25] = "amx_int8", [28] = "flush_l1d", [29] = "arch_capabilities",
};

struct cpu {
	char vendor[13], model[49];
	uint32_t family, model_nr, stepping, level;
	uint32_t clflush, phys_bits, virt_bits, cache_kb, mhz;
	struct leaf one, seven, ext;
};

static void get_model_name(struct cpu *c)
{
	char *s = c->model;

	for (uint32_t i = 0; i < 3; i++) {
		struct leaf l = cpuid(0x80000002u + i, 0);

		memcpy(s + 16 * i, &l, 16);
	}
	c->model[48] = 0;
	while (*s == ' ')
		s++;
	memmove(c->model, s, strlen(s) + 1);
	for (size_t n = strlen(c->model); n && c->model[n - 1] == ' '; n--)
		c->model[n - 1] = 0;
}

/* "... @ 2.50GHz", where leaf 16h does not tell. */
static uint32_t mhz_of_name(const char *name)
{
	const char *at = strchr(name, '@');
	uint32_t whole = 0, part = 0, scale = 1000;

	if (!at)
		return 0;
	for (at++; *at == ' '; at++)
		;
	for (; *at >= '0' && *at <= '9'; at++)
		whole = whole * 10 + (uint32_t)(*at - '0');
	if (*at == '.')
		for (at++; *at >= '0' && *at <= '9' && scale > 1; at++) {
			scale /= 10;
			part += (uint32_t)(*at - '0') * scale;
		}
	return whole < 100 ? whole * 1000 + part : 0;
}

static void get_cpu(struct cpu *c)
{
	struct leaf l = cpuid(0, 0);
	uint32_t ext_max;

	memset(c, 0, sizeof(*c));
	c->level = l.a;
	memcpy(c->vendor, &l.b, 4);
	memcpy(c->vendor + 4, &l.d, 4);
	memcpy(c->vendor + 8, &l.c, 4);
	c->one = cpuid(1, 0);
	c->family = c->one.a >> 8 & 15;
	c->model_nr = c->one.a >> 4 & 15;
	if (c->family == 15)
		c->family += c->one.a >> 20 & 0xff;
	if (c->family >= 6)
		c->model_nr |= (c->one.a >> 16 & 15) << 4;
	c->stepping = c->one.a & 15;
	c->clflush = (c->one.b >> 8 & 0xff) * 8;
	if (c->level >= 7)
		c->seven = cpuid(7, 0);
	if (c->level >= 0x16)
		c->mhz = cpuid(0x16, 0).a;
	ext_max = cpuid(0x80000000u, 0).a;
	if (ext_max >= 0x80000001u)
		c->ext = cpuid(0x80000001u, 0);
	if (ext_max >= 0x80000004u)
		get_model_name(c);
	if (!c->mhz)
		c->mhz = mhz_of_name(c->model);
	if (ext_max >= 0x80000006u)
		c->cache_kb = cpuid(0x80000006u, 0).c >> 16;
	l = ext_max >= 0x80000008u ? cpuid(0x80000008u, 0) :
	    (struct leaf){ 36 | 48 << 8, 0, 0, 0 };
	c->phys_bits = l.a & 0xff;
	c->virt_bits = l.a >> 8 & 0xff;
}

static void show_bits(struct textbuf *t, uint32_t bits,
		      const char *const names[32])
{
	for (uint32_t i = 0; i < 32; i++)
		if (bits >> i & 1 && names[i])
			textbuf_printf(t, " %s", names[i]);
}

static void show_flags(struct textbuf *t, const struct cpu *c)
{
	textbuf_puts(t, "flags\t\t:");
	show_bits(t, c->one.d, names_1d);
	show_bits(t, c->ext.d, names_ext_d);
	textbuf_puts(t, " constant_tsc rep_good nopl nonstop_tsc cpuid");
	show_bits(t, c->one.c, names_1c);
	show_bits(t, c->ext.c, names_ext_c);
	show_bits(t, c->seven.b, names_7b);
	show_bits(t, c->seven.c, names_7c);
	show_bits(t, c->seven.d, names_7d);
	textbuf_puts(t, "\n");
}

static void show_cpu(struct textbuf *t, const struct cpu *c, uint32_t nr)
{
	textbuf_printf(t, "processor\t: %u\nvendor_id\t: %s\n"
		       "cpu family\t: %u\nmodel\t\t: %u\n"
		       "model name\t: %s\nstepping\t: %u\n", nr, c->vendor,
		       c->family, c->model_nr, c->model, c->stepping);
	if (c->mhz)
		textbuf_printf(t, "cpu MHz\t\t: %u.000\n", c->mhz);
	textbuf_printf(t, "cache size\t: %u KB\nphysical id\t: 0\n"
		       "siblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n",
		       c->cache_kb, boot->nr_cpus, nr, boot->nr_cpus);
	textbuf_printf(t, "apicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\n"
		       "fpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
		       nr, nr, c->level);
	show_flags(t, c);
	textbuf_printf(t, "bugs\t\t:\nbogomips\t: %u.00\n"
		       "clflush size\t: %u\ncache_alignment\t: %u\n"
		       "address sizes\t: %u bits physical, %u bits virtual\n"
		       "power management:\n\n", c->mhz * 2, c->clflush,
		       c->clflush, c->phys_bits, c->virt_bits);
}

int proc_show_cpuinfo(struct textbuf *t, struct pseudo_node *n)
{
	struct cpu c;

	get_cpu(&c);
	for (uint32_t i = 0; i < boot->nr_cpus; i++)
		show_cpu(t, &c, i);
	return 0;
}
