/* SPDX-License-Identifier: MIT */
/* Port I/O: ports that do not exist, widths, strings, the log's port. */
#include "guest.h"

const char guest_name[] = "io";

#define NO_PORT 0x5a0u

static uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static uint16_t inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" :: "a"(v), "Nd"(port));
}

static void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" :: "a"(v), "Nd"(port));
}

static void test_empty_ports(void)
{
	static const uint16_t ports[] = { 0, 0x20, 0x40, 0x60, 0x64, 0x70,
		0x80, 0xa1, 0x3f8, NO_PORT, 0xcf8, 0xcfc, 0xfffc };

	for (uint32_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		uint16_t p = ports[i];

		outb(p, 0x12);
		outw(p, 0x1234);
		outl(p, 0x12345678);
		ok(inb(p) == 0xff && inw(p) == 0xffff && inl(p) == ~0u,
		   "port 0x%x is not there", p);
	}
}

static void test_strings(void)
{
	static uint8_t buf[64] = { 1, 2, 3 };
	void *p = buf;
	uint64_t n = sizeof(buf);

	__asm__ volatile("rep insb" : "+D"(p), "+c"(n) : "d"(NO_PORT)
			 : "memory");
	ok(!n && buf[0] == 0xff && buf[63] == 0xff, "rep insb");
	p = buf;
	n = sizeof(buf);
	__asm__ volatile("rep outsb" : "+S"(p), "+c"(n) : "d"(NO_PORT)
			 : "memory");
	ok(!n && p == buf + 64, "rep outsb");
	p = buf;
	n = sizeof(buf) / 4;
	__asm__ volatile("rep outsl" : "+S"(p), "+c"(n) : "d"(NO_PORT)
			 : "memory");
	ok(!n && p == buf + 64, "rep outsl");
	n = 0;
	__asm__ volatile("rep insb" : "+D"(p), "+c"(n) : "d"(NO_PORT)
			 : "memory");
	ok(p == buf + 64, "rep insb of nothing");
}

static void test_log(void)
{
	static struct abi_log log;
	static const char text[] = "# log: in two ";

	/* none of these may end the machine or show anything */
	outl(ABI_PORT_LOG, 0xfffffff0);
	outl(ABI_PORT_LOG, ABI_DEVICE_BASE);
	outb(ABI_PORT_LOG, 1);
	outw(ABI_PORT_LOG, 1);
	log = (struct abi_log){ .gpa = ~0ull - 3, .len = 8 };
	outl(ABI_PORT_LOG, (uint32_t)gpa_of(&log));
	log = (struct abi_log){ .gpa = gpa_of(text), .len = ~0u };
	outl(ABI_PORT_LOG, (uint32_t)gpa_of(&log));
	log = (struct abi_log){ .gpa = gpa_of(text), .len = 0 };
	outl(ABI_PORT_LOG, (uint32_t)gpa_of(&log));
	log.len = sizeof(text) - 1;
	outl(ABI_PORT_LOG, (uint32_t)gpa_of(&log));
	put("parts\n");
	ok(true, "wrong writes to the log's port");
	outb(ABI_PORT_EXIT, 0x10);
	outw(ABI_PORT_EXIT, 0x10);
	ok(true, "narrow writes to the exit port do not end the machine");
}

void guest_main(void)
{
	test_empty_ports();
	test_strings();
	test_log();
}
