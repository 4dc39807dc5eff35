/* SPDX-License-Identifier: MIT */
/* Start and end of a test guest, its output and results. */
#include "lib.h"
#include <stdarg.h>

const struct abi_machine *machine;
static struct abi_machine machine_copy;
static uint32_t nr_tests, nr_failed;

/* ---- output ------------------------------------------------------------------ */

static char line[512];
static uint32_t line_len;

static void flush(void)
{
	static struct abi_log log;

	log.gpa = gpa_of(line);
	log.len = line_len;
	if (line_len)
		outl(ABI_PORT_LOG, (uint32_t)gpa_of(&log));
	line_len = 0;
}

static void put_char(char c)
{
	if (line_len == sizeof(line))
		flush();
	line[line_len++] = c;
}

static void put_number(uint64_t v, uint32_t base)
{
	char digits[24];
	uint32_t n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n)
		put_char(digits[--n]);
}

static void put_signed(int64_t v)
{
	if (v < 0)
		put_char('-');
	put_number(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10);
}

/* %d %u %x with any number of l, %s, %c; no widths. */
static void put_args(const char *fmt, va_list ap)
{
	for (; *fmt; fmt++) {
		bool wide = false;

		if (*fmt != '%') {
			put_char(*fmt);
			continue;
		}
		while (*++fmt == 'l')
			wide = true;
		if (*fmt == 's')
			for (const char *s = va_arg(ap, const char *); *s; s++)
				put_char(*s);
		else if (*fmt == 'c')
			put_char((char)va_arg(ap, int));
		else if (*fmt == 'd')
			put_signed(wide ? va_arg(ap, int64_t) :
				   va_arg(ap, int));
		else
			put_number(wide ? va_arg(ap, uint64_t) :
				   va_arg(ap, uint32_t),
				   *fmt == 'x' ? 16 : 10);
	}
}

__attribute__((format(printf, 1, 2)))
static void put_all(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_args(fmt, ap);
	va_end(ap);
}

void put(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_args(fmt, ap);
	va_end(ap);
	flush();
}

/* ---- results ------------------------------------------------------------------- */

void ok(bool good, const char *fmt, ...)
{
	va_list ap;

	if (!good)
		nr_failed++;
	put_all("%sok %u - %s: ", good ? "" : "not ", ++nr_tests,
		guest_name);
	va_start(ap, fmt);
	put_args(fmt, ap);
	va_end(ap);
	put_char('\n');
	flush();
}

void skip(const char *name, const char *why)
{
	put("ok %u - %s: %s # SKIP %s\n", ++nr_tests, guest_name, name, why);
}

_Noreturn void guest_exit(uint32_t value)
{
	outl(ABI_PORT_EXIT, value);
	for (;;)
		__asm__ volatile("cli; hlt");
}

_Noreturn void die(const char *fmt, ...)
{
	va_list ap;

	put("not ok %u - %s: ", ++nr_tests, guest_name);
	va_start(ap, fmt);
	put_args(fmt, ap);
	va_end(ap);
	put("\n");
	guest_exit(ABI_EXIT_PANIC);
}

/* ---- start ------------------------------------------------------------------------ */

void start(const struct abi_machine *m)
{
	if (m->magic != ABI_MACHINE_MAGIC || m->size < sizeof(*m))
		guest_exit(ABI_EXIT_PANIC);
	machine_copy = *m;
	machine = &machine_copy;
	paging_init();
	cpu_setup(0);
	guest_main();
	put("1..%u\n", nr_tests);
	guest_exit(nr_failed ? ABI_EXIT_PANIC : ABI_EXIT_END);
}

const struct abi_device *device_of(uint32_t type)
{
	for (uint32_t i = 0; i < machine->nr_devices &&
	     i < ABI_DEVICES_MAX; i++)
		if (machine->devices[i].type == type)
			return &machine->devices[i];
	return NULL;
}

/* ---- other CPUs --------------------------------------------------------------------- */

volatile uint32_t aps_started;
static volatile uint32_t paging_ready;

__attribute__((weak)) void ap_main(uint32_t cpu)
{
	for (;;)
		__asm__ volatile("hlt");
}

void ap_start(uint32_t cpu)
{
	while (!__atomic_load_n(&paging_ready, __ATOMIC_ACQUIRE))
		__asm__ volatile("pause");
	cpu_setup(cpu);
	__atomic_fetch_add(&aps_started, 1, __ATOMIC_SEQ_CST);
	ap_main(cpu);
}

void paging_is_ready(void);
void paging_is_ready(void)
{
	__atomic_store_n(&paging_ready, 1, __ATOMIC_RELEASE);
}

/* The compiler's own. */
void *memset(void *p, int c, size_t n);
void *memset(void *p, int c, size_t n)
{
	void *d = p;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return p;
}

void *memcpy(void *p, const void *s, size_t n);
void *memcpy(void *p, const void *s, size_t n)
{
	void *d = p;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) :: "memory");
	return p;
}
