/* SPDX-License-Identifier: MIT */
/*
 * The first process of the virtual machine that tools/nested starts. It loads
 * the modules that /modules lists, puts a writable layer (memory) above the
 * host's root directory, which virtiofs shows read-only, moves there, and runs
 * one command that the host sends (rig.h). What the command writes goes back
 * as frames; then its status, and the machine is switched off.
 *
 * Whatever goes wrong is a line on the console and the end of the machine: the
 * host then finds no status frame and shows the console.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <linux/kvm.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "rig.h"

#define PORT		"/dev/vport*p1"
#define DRAIN_MS	300	/* for what background processes still write */

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* Ends the machine unless result is good; the host shows the console. */
static void must(int good, const char *what, const char *name)
{
	if (good)
		return;
	printf("rig: %s %s: %s\n", what, name, strerror(errno));
	fflush(stdout);
	power_off();
}

static void mount_or_die(const char *source, const char *target,
			 const char *type, unsigned long flags,
			 const char *data)
{
	mkdir(target, 0755);
	must(!mount(source, target, type, flags, data), "mount", target);
}

/*
 * The kernel measures the time-stamp counter a second time, about a second after
 * its start. KVM takes what it finds when it is loaded for the rate of all virtual
 * machines, and keeps their counters by software (wrongly, and without deadlines)
 * if the first measurement was more than 250 ppm off: so it is loaded after the
 * second.
 */
static void await_clock(void)
{
	char name[32];
	int tries = 500, fd, n;

	do {
		fd = open("/sys/devices/system/clocksource/clocksource0/"
			  "current_clocksource", O_RDONLY | O_CLOEXEC);
		n = (int)read(fd, name, sizeof(name) - 1);
		close(fd);
		name[n > 0 ? n : 0] = 0;
		if (!strcmp(name, "tsc-early\n"))
			usleep(20000);
	} while (!strcmp(name, "tsc-early\n") && --tries);
}

static void load_modules(void)
{
	char name[256];
	FILE *list = fopen("/modules", "r");

	must(list != NULL, "open", "/modules");
	while (fgets(name, sizeof(name), list)) {
		int fd;

		name[strcspn(name, "\n")] = 0;
		fd = open(name, O_RDONLY | O_CLOEXEC);
		must(fd >= 0, "open", name);
		if (strstr(name, "kvm"))
			await_clock();
		must(!syscall(SYS_finit_module, fd, "", 0), "load", name);
		close(fd);
	}
	fclose(list);
}

/* The root becomes: memory above the host's files. */
static void enter_root(void)
{
	mount_or_die("tmpfs", "/layer", "tmpfs", 0, "mode=755");
	mount_or_die("root", "/host", "virtiofs", MS_RDONLY, NULL);
	mkdir("/layer/upper", 0755);
	mkdir("/layer/work", 0755);
	mount_or_die("overlay", "/root", "overlay", 0,
		     "lowerdir=/host,upperdir=/layer/upper,"
		     "workdir=/layer/work");
	must(!chdir("/root"), "chdir", "/root");
	must(!mount(".", "/", NULL, MS_MOVE, NULL), "move", "/root");
	must(!chroot(".") && !chdir("/"), "chroot", "/root");
}

static void mount_system(void)
{
	mount_or_die("proc", "/proc", "proc", 0, NULL);
	mount_or_die("sysfs", "/sys", "sysfs", 0, NULL);
	mount_or_die("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount_or_die("devpts", "/dev/pts", "devpts", 0,
		     "mode=620,gid=5,ptmxmode=666");
	mount_or_die("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777");
	mount_or_die("tmpfs", "/run", "tmpfs", 0, "mode=755");
	mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
	chmod("/dev/kvm", 0666);
	chmod("/dev/fuse", 0666);
	sethostname("rig", 3);
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	request.ifr_flags = IFF_UP | IFF_RUNNING;
	ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
}

static int kvm_new(int fd, unsigned long request, unsigned long arg,
		   const char *name)
{
	int made = ioctl(fd, request, arg);

	must(made >= 0, name, "/dev/kvm");
	return made;
}

/*
 * Keeps two virtual machines until the end. KVM patches the running kernel's
 * code (static keys) when the first machine comes and the last one goes, and
 * when the first or last virtual CPU has no APIC, has it switched off or
 * disabled. QEMU 7.2's emulation sometimes goes on with the code from before,
 * on more than one CPU with the breakpoint that covers the patching: for ever.
 * With these two all of those stay as they are.
 */
static void keep_machines(void)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP,
					.args = { 24 } };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct kvm_sregs sregs;
	int vm, cpu;

	must(kvm >= 0, "open", "/dev/kvm");
	vm = kvm_new(kvm, KVM_CREATE_VM, 0, "KVM_CREATE_VM");
	kvm_new(vm, KVM_CREATE_VCPU, 0, "KVM_CREATE_VCPU");

	/* An APIC disabled by its register, software-disabled by reset. */
	vm = kvm_new(kvm, KVM_CREATE_VM, 0, "KVM_CREATE_VM");
	kvm_new(vm, KVM_ENABLE_CAP, (unsigned long)&split, "split irqchip");
	kvm_new(vm, KVM_CREATE_VCPU, 0, "KVM_CREATE_VCPU");
	cpu = kvm_new(vm, KVM_CREATE_VCPU, 1, "KVM_CREATE_VCPU");
	kvm_new(cpu, KVM_GET_SREGS, (unsigned long)&sregs, "KVM_GET_SREGS");
	sregs.apic_base &= ~0x800ull;
	kvm_new(cpu, KVM_SET_SREGS, (unsigned long)&sregs, "KVM_SET_SREGS");
	close(kvm);
}

/* The port to the host, which appears some time after its module. */
static int open_port(void)
{
	int port = -1;

	for (int i = 0; port < 0 && i < 1000; i++) {
		glob_t found;

		if (!glob(PORT, 0, NULL, &found))
			port = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
		globfree(&found);
		if (port < 0)
			usleep(10000);
	}
	must(port >= 0, "open", PORT);
	return port;
}

static void read_all(int fd, void *buffer, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = read(fd, (char *)buffer + done, len - done);

		must(n > 0 || (n < 0 && errno == EINTR), "read", PORT);
		done += n > 0 ? n : 0;
	}
}

static void write_all(int fd, const void *buffer, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, (const char *)buffer + done, len - done);

		must(n > 0 || (n < 0 && errno == EINTR), "write", PORT);
		done += n > 0 ? n : 0;
	}
}

static void send_frame(int port, uint32_t kind, const void *data, size_t len)
{
	struct rig_frame frame = { .kind = kind, .len = len };

	write_all(port, &frame, sizeof(frame));
	write_all(port, data, len);
}

static void set_clock(uint64_t real_ns)
{
	struct timespec now = { .tv_sec = real_ns / 1000000000,
				.tv_nsec = real_ns % 1000000000 };

	clock_settime(CLOCK_REALTIME, &now);
}

/* The NULL-ended list of the next `count` strings of *at, which moves on. */
static char **take_strings(char **at, char *end, uint32_t count)
{
	char **list = calloc(count + 1, sizeof(*list));

	must(list != NULL, "memory for", "strings");
	for (uint32_t i = 0; i < count; i++) {
		errno = EPROTO;
		must(*at < end, "request", "strings");
		list[i] = *at;
		*at += strlen(*at) + 1;
	}
	return list;
}

struct command {
	char *directory;
	char **argv;
	char **env;
	uid_t uid;
	gid_t gid;
	int in;
};

/* Standard input as a file in memory, or /dev/null. */
static int receive_stdin(int port, uint32_t len)
{
	char *data;
	int fd;

	if (!len)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	data = malloc(len);
	fd = syscall(SYS_memfd_create, "stdin", 1u);
	must(data && fd >= 0, "memory for", "standard input");
	read_all(port, data, len);
	write_all(fd, data, len);
	lseek(fd, 0, SEEK_SET);
	free(data);
	return fd;
}

static void receive_command(int port, struct command *command)
{
	struct rig_request request;
	char *text, *at;

	read_all(port, &request, sizeof(request));
	errno = EPROTO;
	must(request.magic == RIG_MAGIC && request.len < RIG_MAX_REQUEST &&
	     request.argc && request.argc < request.len &&
	     request.envc < request.len, "request", "head");
	text = malloc(request.len + 1);
	must(text != NULL, "memory for", "request");
	read_all(port, text, request.len);
	text[request.len] = 0;
	at = text;
	command->directory = take_strings(&at, text + request.len, 1)[0];
	command->argv = take_strings(&at, text + request.len, request.argc);
	command->env = take_strings(&at, text + request.len, request.envc);
	command->uid = request.uid;
	command->gid = request.gid;
	command->in = receive_stdin(port, request.stdin_len);
	set_clock(request.real_ns);
}

/* In the child: become the command. Errors go to standard error. */
static void run_command(const struct command *command, int out, int err)
{
	struct rlimit files = { 20000, 20000 };

	setsid();
	dup2(command->in, 0);
	dup2(out, 1);
	dup2(err, 2);
	setrlimit(RLIMIT_NOFILE, &files);
	if (chdir(command->directory)) {
		dprintf(2, "nested: cannot enter %s: %s\n",
			command->directory, strerror(errno));
		_exit(125);
	}
	if (command->uid && (setgroups(0, NULL) || setgid(command->gid) ||
			     setuid(command->uid))) {
		dprintf(2, "nested: cannot become user %u\n", command->uid);
		_exit(125);
	}
	environ = command->env;
	execvp(command->argv[0], command->argv);
	dprintf(2, "nested: cannot run %s: %s\n", command->argv[0],
		strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Passes on what is there; returns false at the end of the pipe. */
static int forward(int port, uint32_t kind, int fd)
{
	static char buffer[65536];
	ssize_t n = read(fd, buffer, sizeof(buffer));

	if (n > 0)
		send_frame(port, kind, buffer, n);
	return n > 0 || (n < 0 && errno == EINTR);
}

static void on_child(int signo)
{
}

/* True, with its status, once `child` ended; collects strays as well. */
static int has_ended(pid_t child, int *status)
{
	int any, found = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &any, WNOHANG)) > 0) {
		if (pid == child) {
			*status = any;
			found = 1;
		}
	}
	return found;
}

/* Now and then, so that the host sees a machine that hangs. */
static void send_alive(int port)
{
	static time_t last;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - last < RIG_ALIVE_SECONDS)
		return;
	last = now.tv_sec;
	send_frame(port, RIG_ALIVE, NULL, 0);
}

/*
 * Forwards both pipes until the command ended and its pipes are closed, or
 * nothing came for DRAIN_MS after its end. Returns the wait status.
 */
static int follow(int port, pid_t child, int out, int err)
{
	struct pollfd fds[2] = { { out, POLLIN, 0 }, { err, POLLIN, 0 } };
	const uint32_t kinds[2] = { RIG_STDOUT, RIG_STDERR };
	const struct timespec idle = { 0, DRAIN_MS * 1000000 };
	const struct timespec alive = { RIG_ALIVE_SECONDS, 0 };
	int status = 0, ended = 0;
	sigset_t none;

	sigemptyset(&none);
	for (;;) {
		int n;

		ended |= has_ended(child, &status);
		if (ended && fds[0].fd < 0 && fds[1].fd < 0)
			return status;
		n = ppoll(fds, 2, ended ? &idle : &alive, &none);
		send_alive(port);
		if (!n && ended)
			return status;
		for (int i = 0; n > 0 && i < 2; i++) {
			if (fds[i].revents &&
			    !forward(port, kinds[i], fds[i].fd))
				fds[i].fd = -1;
		}
	}
}

static int execute(int port, const struct command *command)
{
	struct sigaction action = { .sa_handler = on_child };
	int out[2], err[2];
	sigset_t mask;
	pid_t child;

	must(!pipe2(out, O_CLOEXEC) && !pipe2(err, O_CLOEXEC), "make", "pipes");
	sigaction(SIGCHLD, &action, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	child = fork();
	must(child >= 0, "fork", "");
	if (!child)
		run_command(command, out[1], err[1]);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	close(out[1]);
	close(err[1]);
	return follow(port, child, out[0], err[0]);
}

int main(void)
{
	struct command command;
	int port, status;

	mount_or_die("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount_or_die("sysfs", "/sys", "sysfs", 0, NULL);
	load_modules();
	port = open_port();
	enter_root();
	mount_system();
	loopback_up();
	keep_machines();
	send_frame(port, RIG_READY, NULL, 0);
	receive_command(port, &command);
	status = execute(port, &command);
	send_frame(port, RIG_STATUS, &status, sizeof(status));
	/* The host switches the machine off once it has the status. */
	sleep(2);
	power_off();
	return 0;
}
