/* SPDX-License-Identifier: MIT */
/*
 * Terminals and job control: controlling terminals, foreground groups, the
 * signals that keys, resizing and hanging up send.
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

/* Run fn in a new session whose controlling terminal is the slave. */
static void in_session(struct pty *p, int (*fn)(struct pty *))
{
	pid_t pid = fork();

	if (pid == 0) {
		must(setsid());
		must(ioctl(p->slave, TIOCSCTTY, 0));
		_exit(fn(p));
	}
	show_exit("session", pid);
}

static int controlling(struct pty *p)
{
	int n = -1;

	show_ok(open("/dev/tty", O_RDWR));
	fact(tcgetpgrp(p->slave) == getpgrp());
	fact(tcgetsid(p->slave) == getsid(0));
	show(ioctl(p->slave, TIOCGPGRP, &n));
	fact(n == getpid());
	show(ioctl(p->slave, TIOCSCTTY, 0));
	return 0;
}

TEST(controlling_terminal)
{
	struct pty p = make_pty();

	in_session(&p, controlling);
}

static int open_makes_controlling(void *arg)
{
	struct pty *p = arg;

	must(setsid());
	show_ok(open("/dev/tty", O_RDWR));
	must(open(p->name, O_RDWR));
	show_ok(open("/dev/tty", O_RDWR));
	return 0;
}

TEST(open_by_leader_makes_controlling)
{
	struct pty p = make_pty();

	show_exit("session", spawn(open_makes_controlling, &p));
}

static int interrupt_keys(struct pty *p)
{
	on_signal(SIGINT, count_signal, 0);
	on_signal(SIGQUIT, count_signal, 0);
	type(p, "lost\003");
	for (int i = 0; i < 100 && signal_count < 1; i++)
		sleep_ms(5);
	fact(signal_last == SIGINT);
	drain("master", p->master);
	type(p, "\034");
	for (int i = 0; i < 100 && signal_count < 2; i++)
		sleep_ms(5);
	fact(signal_last == SIGQUIT);
	type(p, "line\n");
	drain("slave", p->slave);
	drain("master", p->master);
	return signal_count;
}

TEST(interrupt_characters)
{
	struct pty p = make_pty();

	in_session(&p, interrupt_keys);
}

static int keys_without_isig(struct pty *p)
{
	on_signal(SIGINT, count_signal, 0);
	set_flags(p->slave, ISIG | ECHO, 0);
	type(p, "a\003\n");
	drain("slave", p->slave);
	return signal_count;
}

TEST(interrupt_character_without_isig)
{
	struct pty p = make_pty();

	in_session(&p, keys_without_isig);
}

static int suspend_child(struct pty *p)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(pid, pid);
	signal(SIGTTOU, SIG_IGN);
	show(tcsetpgrp(p->slave, pid));
	fact(tcgetpgrp(p->slave) == pid);
	type(p, "\032");
	must(waitpid(pid, &status, WUNTRACED));
	say("%s", status_name(status));
	must(kill(pid, SIGCONT));
	type(p, "\003");
	show_exit("child", pid);
	show(tcsetpgrp(p->slave, getpgrp()));
	return 0;
}

TEST(foreground_group_gets_keys)
{
	struct pty p = make_pty();

	in_session(&p, suspend_child);
}

static int background_io(struct pty *p)
{
	int status;
	char c;
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		read(p->slave, &c, 1);
		_exit(0);
	}
	must(waitpid(pid, &status, WUNTRACED));
	say("reader %s", status_name(status));
	kill(pid, SIGKILL);
	await(pid);
	set_flags(p->slave, 0, TOSTOP);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		must(write(p->slave, "x", 1));
		_exit(0);
	}
	must(waitpid(pid, &status, WUNTRACED));
	say("writer %s", status_name(status));
	kill(pid, SIGKILL);
	await(pid);
	set_flags(p->slave, TOSTOP, 0);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		must(write(p->slave, "x", 1));
		signal(SIGTTIN, SIG_IGN);
		show(read(p->slave, &c, 1));
		_exit(0);
	}
	show_exit("free", pid);
	return 0;
}

TEST(background_process_stops)
{
	struct pty p = make_pty();

	in_session(&p, background_io);
}

static int resize(struct pty *p)
{
	struct winsize ws = { 40, 90, 0, 0 };

	on_signal(SIGWINCH, count_signal, 0);
	must(ioctl(p->master, TIOCSWINSZ, &ws));
	for (int i = 0; i < 100 && !signal_count; i++)
		sleep_ms(5);
	num(signal_count);
	must(ioctl(p->master, TIOCSWINSZ, &ws));
	sleep_ms(30);
	return signal_count;
}

TEST(window_change_signal)
{
	struct pty p = make_pty();

	in_session(&p, resize);
}

static int hang_up(struct pty *p)
{
	on_signal(SIGHUP, count_signal, 0);
	close(p->master);
	for (int i = 0; i < 100 && !signal_count; i++)
		sleep_ms(5);
	fact(signal_last == SIGHUP);
	return signal_count;
}

TEST(hang_up_signal)
{
	struct pty p = make_pty();
	int master = p.master;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		must(setsid());
		must(ioctl(p.slave, TIOCSCTTY, 0));
		sleep_ms(20);
		_exit(hang_up(&p));
	}
	close(master);
	show_exit("session", pid);
}

static int leader_exits(struct pty *p)
{
	pid_t pid = fork();

	if (pid == 0) {
		/* The foreground group is hung up when the leader exits. */
		on_signal(SIGHUP, count_signal, 0);
		for (int i = 0; i < 200 && !signal_count; i++)
			sleep_ms(5);
		put_file("seen", signal_last == SIGHUP ? "hup" : "none");
		_exit(0);
	}
	sleep_ms(50);
	return 0;
}

TEST(leader_exit_hangs_up_group)
{
	struct pty p = make_pty();

	in_session(&p, leader_exits);
	for (int i = 0; i < 400 && access("seen", F_OK) < 0; i++)
		sleep_ms(5);
	sleep_ms(20);
	show_file("seen");
}

static int give_up(struct pty *p)
{
	show(ioctl(p->slave, TIOCNOTTY));
	show_ok(open("/dev/tty", O_RDWR));
	return signal_count;
}

TEST(notty)
{
	struct pty p = make_pty();

	signal(SIGHUP, SIG_IGN);
	in_session(&p, give_up);
}
