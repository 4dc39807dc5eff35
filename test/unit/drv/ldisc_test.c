/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the line discipline: keys go in, what the program reads and
 * what the screen shows come out. Prints TAP.
 */
#include <asm/signal.h>
#include "drv/ldisc.h"
#include "fs/fake.h"
#include "lib/string.h"

static struct ldisc ld;

static void type(const char *keys)
{
	CHECK_EQ(ldisc_receive(&ld, (const uint8_t *)keys, strlen(keys)),
		 strlen(keys));
}

static bool reads(size_t max, const char *want)
{
	char buf[256];
	struct kiovec v;
	struct uio u;
	size_t n;

	uio_init(&u, &v, buf, max, false);
	n = ldisc_read(&ld, &u);
	if (n == strlen(want) && !memcmp(buf, want, n))
		return true;
	printf("# read \"%.*s\" (%lu)\n", (int)n, buf, n);
	return false;
}

static bool screen(const char *want)
{
	char buf[256];
	struct kiovec v;
	struct uio u;
	size_t n;

	uio_init(&u, &v, buf, sizeof(buf), false);
	n = ldisc_take_output(&ld, &u);
	if (n == strlen(want) && !memcmp(buf, want, n))
		return true;
	printf("# screen:");
	for (size_t i = 0; i < n; i++)
		printf(" %02x", (unsigned char)buf[i]);
	printf("\n");
	return false;
}

static void set_lflag(uint32_t on, uint32_t off)
{
	struct termios2 t = ld.tio;

	t.c_lflag = (t.c_lflag | on) & ~off;
	ldisc_set_termios(&ld, &t);
}

static void set_iflag(uint32_t on, uint32_t off)
{
	struct termios2 t = ld.tio;

	t.c_iflag = (t.c_iflag | on) & ~off;
	ldisc_set_termios(&ld, &t);
}

static void lines(void)
{
	type("ab");
	CHECK(!ldisc_is_readable(&ld, 1));
	CHECK_EQ(ldisc_input_bytes(&ld), 0);
	type("c\rnext\n");
	CHECK(ldisc_is_readable(&ld, 1));
	CHECK_EQ(ldisc_input_bytes(&ld), 9);
	CHECK(reads(2, "ab"));
	CHECK(reads(100, "c\n"));
	CHECK(reads(100, "next\n"));
	CHECK(!ldisc_is_readable(&ld, 1));
	CHECK(screen("abc\r\nnext\r\n"));
}

static void erasing(void)
{
	type("abc\x7f");
	CHECK(screen("abc\b \b"));
	type("\x15");
	CHECK(screen("\b \b\b \b"));
	type("one two\x17");
	CHECK(screen("one two\b \b\b \b\b \b"));
	type("\x01\x7f\n");
	CHECK(screen("^A\b \b\b \b\r\n"));
	CHECK(reads(100, "one \n"));
	type("\x7f");		/* nothing to erase */
	CHECK(screen(""));
	type("a\t\x7f");
	CHECK(screen("a\t\b\b\b\b\b\b\b"));
}

static void utf8(void)
{
	set_iflag(IUTF8, 0);
	type("x\xc3\xa9\x7f");
	CHECK(screen("x\xc3\xa9\b \b"));
	type("\n");
	CHECK(reads(100, "x\n"));
}

static void end_of_file(void)
{
	type("\x04");
	CHECK(ldisc_is_readable(&ld, 1));
	CHECK(reads(100, ""));
	CHECK(!ldisc_is_readable(&ld, 1));
	type("ab\x04");
	CHECK(reads(100, "ab"));
	CHECK(!ldisc_is_readable(&ld, 1));
	type("abcd\x04");	/* a mark right behind a full buffer goes too */
	CHECK(reads(4, "abcd"));
	CHECK(!ldisc_is_readable(&ld, 1));
	CHECK(screen("ababcd"));
}

static void literal(void)
{
	type("\x16\x03\x16\x04\n");
	CHECK_EQ(ld.signals, 0);
	CHECK(reads(100, "\x03\x04\n"));
	CHECK(screen("^\b^C^\b^D\r\n"));
}

static void signal_keys(void)
{
	type("lost\x03");
	CHECK_EQ(ld.signals, 1u << (SIGINT - 1));
	CHECK(!ldisc_is_readable(&ld, 1));
	CHECK(screen("^C"));
	ld.signals = 0;
	set_lflag(NOFLSH, 0);
	type("kept\x1a\n");
	CHECK_EQ(ld.signals, 1u << (SIGTSTP - 1));
	CHECK(reads(100, "kept\n"));
	ld.signals = 0;
	set_lflag(0, ISIG);
	type("\x1c\n");
	CHECK_EQ(ld.signals, 0);
	CHECK(reads(100, "\x1c\n"));
}

static void raw(void)
{
	set_lflag(0, ICANON | ECHO);
	type("a");
	CHECK(ldisc_is_readable(&ld, 1));
	CHECK(!ldisc_is_readable(&ld, 2));
	type("\x7f\x04");
	CHECK(reads(100, "a\x7f\x04"));
	CHECK(screen(""));
}

static void mode_change(void)
{
	type("half");
	set_lflag(0, ICANON);
	CHECK_EQ(ldisc_input_bytes(&ld), 4);
	CHECK(reads(2, "ha"));
	set_lflag(ICANON, 0);
	CHECK(ldisc_is_readable(&ld, 1));
	CHECK(reads(100, "lf"));
	CHECK(!ldisc_is_readable(&ld, 1));
}

static void mapping(void)
{
	set_iflag(INLCR, ICRNL);
	set_lflag(0, ICANON | ECHO);
	type("\n\r");
	CHECK(reads(100, "\r\r"));
	set_iflag(IGNCR | ISTRIP, INLCR);
	type("\r\xe1\n");
	CHECK(reads(100, "a\n"));
}

static void flow(void)
{
	CHECK(ldisc_output_room(&ld) > 0);
	type("\x13");
	CHECK_EQ(ldisc_output_room(&ld), 0);
	CHECK(ld.packet_status & TIOCPKT_STOP);
	type("\x11");
	CHECK(ldisc_output_room(&ld) > 0);
	CHECK(!(ld.packet_status & TIOCPKT_STOP));
	CHECK(!ldisc_is_readable(&ld, 1));
}

static void output(void)
{
	struct termios2 t = ld.tio;

	ldisc_output(&ld, (const uint8_t *)"a\tb\n", 4);
	CHECK(screen("a\tb\r\n"));
	t.c_oflag |= XTABS;
	ldisc_set_termios(&ld, &t);
	ldisc_output(&ld, (const uint8_t *)"a\tb", 3);
	CHECK(screen("a       b"));
	t.c_oflag = 0;
	ldisc_set_termios(&ld, &t);
	ldisc_output(&ld, (const uint8_t *)"x\n", 2);
	CHECK(screen("x\n"));
}

static void long_line(void)
{
	static uint8_t many[6000];
	char buf[255];
	struct kiovec v;
	struct uio u;
	size_t total = 0, n;

	set_lflag(0, ECHO);
	memset(many, 'z', sizeof(many));
	CHECK_EQ(ldisc_receive(&ld, many, sizeof(many)), sizeof(many));
	type("\n");
	do {
		uio_init(&u, &v, buf, sizeof(buf), false);
		n = ldisc_read(&ld, &u);
		total += n;
	} while (n == sizeof(buf));
	CHECK_EQ(total, LDISC_LINE_MAX + 1);
	CHECK_EQ(buf[n - 1], '\n');
}

static void full_ring(void)
{
	static uint8_t line[64];
	size_t n;

	set_lflag(0, ECHO);
	memset(line, 'l', sizeof(line));
	line[63] = '\n';
	do
		n = ldisc_receive(&ld, line, sizeof(line));
	while (n == sizeof(line));
	CHECK(ring_used(&ld.in) >= LDISC_RING - 2);
	ldisc_flush(&ld, true, false);
	CHECK(!ldisc_is_readable(&ld, 1));
}

static const struct unit_test tests[] = {
	{ "lines", lines }, { "erasing", erasing }, { "utf8", utf8 },
	{ "end of file", end_of_file }, { "literal", literal },
	{ "signal keys", signal_keys }, { "raw", raw },
	{ "mode change", mode_change }, { "mapping", mapping },
	{ "flow control", flow }, { "output", output },
	{ "long line", long_line }, { "full ring", full_ring },
};

static void begin(void)
{
	CHECK_EQ(ldisc_init(&ld), 0);
}

static void end(void)
{
	ldisc_fini(&ld);
}

int main(void)
{
	return unit_run("ldisc", tests, ARRAY_LEN(tests), begin, end);
}
