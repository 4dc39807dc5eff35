/* SPDX-License-Identifier: MIT */
/*
 * Terminals: pseudo terminal pairs, line discipline.
 */
#include "harness.h"

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

struct pty {
	int master, slave;
	char name[64];
};

/* A fresh pair that is nobody's controlling terminal. */
static struct pty make_pty(void)
{
	struct pty p;

	p.master = posix_openpt(O_RDWR | O_NOCTTY);
	if (p.master < 0)
		skip("no pseudo terminals: %s", err_name(errno));
	must(grantpt(p.master));
	must(unlockpt(p.master));
	must0(ptsname_r(p.master, p.name, sizeof(p.name)));
	p.slave = must(open(p.name, O_RDWR | O_NOCTTY));
	return p;
}

static void set_flags(int fd, tcflag_t clear_l, tcflag_t set_l)
{
	struct termios t;

	must(tcgetattr(fd, &t));
	t.c_lflag &= ~clear_l;
	t.c_lflag |= set_l;
	must(tcsetattr(fd, TCSANOW, &t));
}

static void make_raw(int fd)
{
	struct termios t;

	must(tcgetattr(fd, &t));
	cfmakeraw(&t);
	must(tcsetattr(fd, TCSANOW, &t));
}

/* Print what can be read within a moment, with control bytes made visible. */
static void drain(const char *what, int fd)
{
	char buf[256], out[1100];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n, o = 0;

	if (poll(&p, 1, 300) <= 0) {
		say("%s: nothing", what);
		return;
	}
	sleep_ms(20);
	n = read(fd, buf, sizeof(buf));
	for (int i = 0; i < n; i++) {
		if (buf[i] >= ' ' && buf[i] < 127)
			out[o++] = buf[i];
		else
			o += sprintf(out + o, "\\x%02x", (unsigned char)buf[i]);
	}
	out[o] = 0;
	say("%s: %d \"%s\"", what, n, n < 0 ? err_name(errno) : out);
}

static void type(struct pty *p, const char *text)
{
	must(write(p->master, text, strlen(text)));
}

TEST(open_pair)
{
	struct pty p = make_pty();

	fact(strncmp(p.name, "/dev/pts/", 9) == 0);
	num(isatty(p.master));
	num(isatty(p.slave));
	fact(strcmp(ttyname(p.slave), p.name) == 0);
	show(write(p.slave, "hi\n", 3));
	drain("master", p.master);
}

TEST(openpty_call)
{
	struct winsize ws = { 11, 22, 0, 0 };
	char name[64];
	int m, s;

	if (openpty(&m, &s, name, NULL, &ws) < 0)
		skip("no pseudo terminals: %s", err_name(errno));
	ws = (struct winsize){ 0 };
	must(ioctl(s, TIOCGWINSZ, &ws));
	say("%d %d", ws.ws_row, ws.ws_col);
}

TEST(locked_until_unlockpt)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY), lock = -1;
	char name[64];

	if (m < 0)
		skip("no pseudo terminals");
	must0(ptsname_r(m, name, sizeof(name)));
	must(ioctl(m, TIOCGPTLCK, &lock));
	num(lock);
	show_ok(open(name, O_RDWR | O_NOCTTY));
	must(unlockpt(m));
	show_ok(open(name, O_RDWR | O_NOCTTY));
}

TEST(default_termios)
{
	struct pty p = make_pty();
	struct termios t;

	must(tcgetattr(p.slave, &t));
	fact(t.c_lflag & ICANON);
	fact(t.c_lflag & ECHO);
	fact(t.c_lflag & ISIG);
	fact(t.c_iflag & ICRNL);
	fact((t.c_oflag & OPOST) && (t.c_oflag & ONLCR));
	num(t.c_cc[VINTR]);
	num(t.c_cc[VEOF]);
	num(t.c_cc[VERASE]);
	num(t.c_cc[VMIN]);
	fact(cfgetospeed(&t) == B38400);
}

TEST(canonical_line)
{
	struct pty p = make_pty();
	char c;

	set_flags(p.slave, ECHO, 0);
	must(fcntl(p.slave, F_SETFL, O_NONBLOCK));
	type(&p, "par");
	show(read(p.slave, &c, 1));
	type(&p, "tial\nnext");
	drain("slave", p.slave);
	type(&p, "\r");
	drain("slave", p.slave);
}

TEST(canonical_editing)
{
	struct pty p = make_pty();

	set_flags(p.slave, ECHO, 0);
	type(&p, "abx\177c\n");
	drain("erase", p.slave);
	type(&p, "one two\027three\n");
	drain("word erase", p.slave);
	type(&p, "gone\025kept\n");
	drain("kill", p.slave);
	type(&p, "a\026\003b\n");
	drain("literal", p.slave);
}

TEST(canonical_end_of_file)
{
	struct pty p = make_pty();

	set_flags(p.slave, ECHO, 0);
	type(&p, "ab\004");
	drain("partial", p.slave);
	type(&p, "\004");
	drain("empty", p.slave);
	type(&p, "more\n");
	drain("after", p.slave);
}

TEST(canonical_short_read)
{
	struct pty p = make_pty();
	char buf[4] = "";

	set_flags(p.slave, ECHO, 0);
	type(&p, "abcdef\n");
	show(read(p.slave, buf, 3));
	show(read(p.slave, buf, 3));
	show(read(p.slave, buf, 3));
}

TEST(echo)
{
	struct pty p = make_pty();

	type(&p, "hey\n");
	drain("master", p.master);
	drain("slave", p.slave);
	type(&p, "a\001\177");
	drain("control", p.master);
}

TEST(echo_of_erase)
{
	struct pty p = make_pty();

	type(&p, "ab\177");
	drain("master", p.master);
	type(&p, "\025");
	drain("kill", p.master);
}

TEST(output_processing)
{
	struct pty p = make_pty();
	struct termios t;

	must(write(p.slave, "a\nb", 3));
	drain("onlcr", p.master);
	must(tcgetattr(p.slave, &t));
	t.c_oflag &= ~OPOST;
	must(tcsetattr(p.slave, TCSADRAIN, &t));
	must(write(p.slave, "a\nb", 3));
	drain("no opost", p.master);
}

TEST(raw_mode)
{
	struct pty p = make_pty();

	make_raw(p.slave);
	type(&p, "a\r\003\177\004");
	drain("slave", p.slave);
	must(write(p.slave, "x\ny", 3));
	drain("master", p.master);
}

TEST(raw_min_and_time)
{
	struct pty p = make_pty();
	struct termios t;
	char buf[8];
	long long start;

	make_raw(p.slave);
	must(tcgetattr(p.slave, &t));
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 0;
	must(tcsetattr(p.slave, TCSANOW, &t));
	type(&p, "abcd");
	sleep_ms(20);
	show(read(p.slave, buf, 8));
	t.c_cc[VMIN] = 0;
	must(tcsetattr(p.slave, TCSANOW, &t));
	show(read(p.slave, buf, 8));
	t.c_cc[VTIME] = 1;
	must(tcsetattr(p.slave, TCSANOW, &t));
	start = now_ms();
	show(read(p.slave, buf, 8));
	fact(now_ms() - start >= 80);
}

TEST(input_flags)
{
	struct pty p = make_pty();
	struct termios t;

	set_flags(p.slave, ECHO, 0);
	must(tcgetattr(p.slave, &t));
	t.c_iflag &= ~ICRNL;
	t.c_iflag |= INLCR | IGNCR;
	must(tcsetattr(p.slave, TCSANOW, &t));
	set_flags(p.slave, ICANON, 0);
	type(&p, "a\rb\n");
	drain("slave", p.slave);
}

TEST(window_size)
{
	struct pty p = make_pty();
	struct winsize ws = { 30, 100, 5, 6 };

	show(ioctl(p.master, TIOCSWINSZ, &ws));
	ws = (struct winsize){ 0 };
	show(ioctl(p.slave, TIOCGWINSZ, &ws));
	say("%d %d %d %d", ws.ws_row, ws.ws_col, ws.ws_xpixel, ws.ws_ypixel);
	show(ioctl(p.slave, TIOCGWINSZ, bad_pointer()));
}

TEST(input_queue_calls)
{
	struct pty p = make_pty();
	int n = -1;

	set_flags(p.slave, ECHO, 0);
	type(&p, "12345\n");
	sleep_ms(20);
	must(ioctl(p.slave, FIONREAD, &n));
	num(n);
	show(tcflush(p.slave, TCIFLUSH));
	must(ioctl(p.slave, FIONREAD, &n));
	num(n);
	show(tcflush(p.slave, 77));
	show(tcdrain(p.slave));
	show(tcsendbreak(p.slave, 0));
}

TEST(hang_up_of_master)
{
	struct pty p = make_pty();
	struct pollfd q = { .fd = p.slave, .events = POLLIN };
	char c;

	close(p.master);
	show(read(p.slave, &c, 1));
	show(write(p.slave, "x", 1));
	show(poll(&q, 1, 0));
	fact(q.revents & POLLHUP);
}

TEST(slave_closed)
{
	struct pty p = make_pty();
	struct pollfd q = { .fd = p.master, .events = POLLIN };
	char buf[8];

	must(write(p.slave, "bye", 3));
	close(p.slave);
	show(read(p.master, buf, 8));
	show(read(p.master, buf, 8));
	show(poll(&q, 1, 0));
	fact(q.revents & POLLHUP);
	p.slave = show_ok(open(p.name, O_RDWR | O_NOCTTY));
	must(fcntl(p.master, F_SETFL, O_NONBLOCK));
	show(read(p.master, buf, 8));
}

/* The kernel's struct termios. */
struct locks {
	tcflag_t i, o, c, l;
	unsigned char line, cc[19];
};

TEST(locked_settings)
{
	struct pty p = make_pty();
	struct locks none = { 0 }, got, l = { .l = ECHO | ISIG };
	struct termios t;

	memset(&got, 1, sizeof(got));
	show(ioctl(p.slave, TIOCGLCKTRMIOS, &got));
	fact(!memcmp(&got, &none, sizeof(got)));
	show(ioctl(p.slave, TIOCGLCKTRMIOS, bad_pointer()));
	if (getuid())
		skip("needs root");
	l.cc[VINTR] = 1;
	show(ioctl(p.slave, TIOCSLCKTRMIOS, bad_pointer()));
	show(ioctl(p.slave, TIOCSLCKTRMIOS, &l));
	show(ioctl(p.slave, TIOCGLCKTRMIOS, &got));
	fact(!memcmp(&got, &l, sizeof(got)));
	must(tcgetattr(p.slave, &t));
	t.c_lflag &= ~(ECHO | ISIG | ICANON);
	t.c_cc[VINTR] = 'x';
	t.c_cc[VQUIT] = 'y';
	show(tcsetattr(p.slave, TCSANOW, &t));
	must(tcgetattr(p.slave, &t));
	num(t.c_lflag & (ECHO | ISIG | ICANON));
	num(t.c_cc[VINTR]);
	num(t.c_cc[VQUIT]);
	show(ioctl(p.master, TIOCGLCKTRMIOS, &got));
	fact(!memcmp(&got, &l, sizeof(got)));
	show(ioctl(p.slave, TIOCSLCKTRMIOS, &none));
	set_flags(p.slave, ECHO, 0);
	must(tcgetattr(p.slave, &t));
	num(t.c_lflag & (ECHO | ISIG | ICANON));
	show(ioctl(0, TIOCGLCKTRMIOS, &got));
	must(setuid(65534));
	show(ioctl(p.slave, TIOCSLCKTRMIOS, &l));
}

TEST(not_a_terminal)
{
	struct termios t;
	int q[2], n;

	must(pipe(q));
	show(isatty(q[0]));
	show(tcgetattr(q[0], &t));
	show(ioctl(q[0], TIOCGPGRP, &n));
	show(isatty(-1));
	show(tcgetattr(must(open("/dev/null", O_RDWR)), &t));
	show(isatty(must(open("f", O_CREAT | O_RDWR, 0600))));
}

TEST(master_in_packet_mode)
{
	struct pty p = make_pty();
	int on = 1;

	show(ioctl(p.master, TIOCPKT, &on));
	must(write(p.slave, "data", 4));
	drain("master", p.master);
}

TEST(read_interrupted)
{
	struct pty p = make_pty();
	char c;

	ticks_start(0);
	show(read(p.slave, &c, 1));
	ticks_stop();
}
