/* SPDX-License-Identifier: MIT */
/*
 * `mica run`: options to description and exports, start on a platform
 * (platform.h), forward signals, and turn the end into an exit status.
 */
#include "cli/cli.h"
#include "abi/machine.h"
#include "cli/options.h"
#include "cli/run.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMPLAIN_MS	1000

static uint32_t kind_of(int fd, const struct stat *st)
{
	if (isatty(fd))
		return ABI_STDIO_TTY;
	if (S_ISFIFO(st->st_mode))
		return ABI_STDIO_PIPE;
	if (S_ISREG(st->st_mode))
		return ABI_STDIO_FILE;
	if (S_ISSOCK(st->st_mode))
		return ABI_STDIO_SOCKET;
	if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3))
		return ABI_STDIO_NULL;
	return ABI_STDIO_OTHER;
}

/* Closed standard streams get a place holder, so that no descriptor of ours
 * takes their number. The sandbox sees them closed. */
static int plug_closed_streams(struct run *r, struct err *e)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		r->closed[fd] = true;
		if (open("/dev/null", O_RDWR) != fd)
			return err_set(e, errno, "opening /dev/null in place "
				       "of closed stream %d", fd);
	}
	return 0;
}

static void describe_stdio(struct run *r)
{
	struct abi_boot *b = r->desc.boot;
	struct winsize ws;

	for (int fd = 0; fd < 3; fd++) {
		struct abi_stdio *s = &b->stdio[fd];
		struct stat st;

		if (r->closed[fd] || fstat(fd, &st)) {
			s->kind = ABI_STDIO_CLOSED;
			continue;
		}
		s->kind = kind_of(fd, &st);
		s->open_flags = (uint32_t)fcntl(fd, F_GETFL);
		s->dev = st.st_dev;
		s->ino = st.st_ino;
		s->size = (uint64_t)st.st_size;
		s->mode = st.st_mode;
		s->rdev = (uint32_t)st.st_rdev;
		if (s->kind == ABI_STDIO_TTY && !ioctl(fd, TIOCGWINSZ, &ws)) {
			b->tty_rows = ws.ws_row;
			b->tty_cols = ws.ws_col;
		}
	}
}

static int pack_strings(struct run *r, char **argv, struct err *e)
{
	struct abi_boot *b = r->desc.boot;

	b->argv = b->blob_size;
	for (int i = 0; argv[i]; i++, b->argc++)
		if (!description_string(&r->desc, argv[i], e))
			return -e->code;
	b->envp = b->blob_size;
	for (char **v = r->environ; *v; v++, b->envc++)
		if (!description_string(&r->desc, *v, e))
			return -e->code;
	b->program = description_string(&r->desc, argv[0], e);
	b->cwd = description_string(&r->desc, r->workdir, e);
	return b->program && b->cwd ? run_set_names(r, e) : -e->code;
}

/* A machine has as many processors as asked for; other sandboxes can not have
 * more than the host has. */
static void fill_cpus(struct run *r)
{
	struct abi_boot *b = r->desc.boot;
	uint32_t want = (r->opt.cpus_milli + 999) / 1000;

	if (want && (want < b->nr_cpus || r->platform->is_machine))
		b->nr_cpus = want;
	else if (r->platform->is_machine && b->nr_cpus > ABI_CPUS_MAX)
		b->nr_cpus = ABI_CPUS_MAX;
}

static void fill_limits(struct run *r)
{
	struct abi_boot *b = r->desc.boot;
	struct rlimit files = { 1024, 1024 };
	mode_t mask = umask(0);

	umask(mask);
	getrlimit(RLIMIT_NOFILE, &files);
	b->nofile_soft = files.rlim_cur > 1u << 20 ? 1u << 20 :
			 (uint32_t)files.rlim_cur;
	b->nofile_hard = files.rlim_max > 1u << 20 ? 1u << 20 :
			 (uint32_t)files.rlim_max;
	b->handles_max = fsrv_handles_max(r->server);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);	/* the server's handles */
	b->umask = mask;
	b->memory_limit = r->opt.memory;
	b->pids_limit = r->opt.pids;
	b->cpus_milli = r->opt.cpus_milli;
	b->rtprio = r->opt.rtprio;
	fill_cpus(r);
	b->flags = (r->opt.strace ? ABI_BOOT_STRACE : 0u) |
		   (r->opt.stats ? ABI_BOOT_STATS : 0u) |
		   (r->opt.read_only ? ABI_BOOT_READ_ONLY : 0u) |
		   (r->opt.tty ? ABI_BOOT_NEW_TTY : 0u) |
		   (r->opt.no_patch ? ABI_BOOT_NO_PATCH : 0u) |
		   (r->opt.test_hook ? ABI_BOOT_TEST_HOOK : 0u);
}

static int open_log(struct run *r, struct err *e)
{
	const char *path = r->opt.strace_file;
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			     0644) :
		 fcntl(2, F_DUPFD_CLOEXEC, 10);

	if (fd < 0 && path)
		return err_set(e, errno, "opening --strace file %s: %s", path,
			       strerror(errno));
	if (fd < 0)
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	r->log_fd = fd;
	return fd < 0 ? err_set(e, errno, "opening /dev/null") : 0;
}

static int prepare(struct run *r, char **argv, struct err *e)
{
	int err = r->platform->create(r, e);

	if (!err)
		err = fsrv_create(&r->server, e);
	if (!err)
		err = open_log(r, e);
	if (err)
		return err;
	describe_stdio(r);
	fill_limits(r);
	err = run_set_user(r, e);
	if (!err)
		err = run_set_environment(r, e);
	if (!err)
		err = run_add_mounts(r, e);
	return err ? err : pack_strings(r, argv, e);
}

/* The last words: nobody may be reading them, and signals are blocked. */
static void complain(const char *text)
{
	struct pollfd p = { .fd = 2, .events = POLLOUT };

	if (poll(&p, 1, COMPLAIN_MS) > 0)
		fprintf(stderr, "mica: %s\n", text);
}

static int exit_status(struct run *r)
{
	struct abi_report *rep = &r->report;
	uint32_t st = rep->exit_status;

	if (rep->start_error) {
		rep->start_message[sizeof(rep->start_message) - 1] = 0;
		if (rep->start_message[0])
			complain(rep->start_message);
		return rep->start_error < EXIT_SIGNAL ?
			       (int)rep->start_error : EXIT_MICA;
	}
	if (r->is_killed) {
		complain("the sandbox's kernel takes no signals: killed");
		return EXIT_SIGNAL + SIGKILL;
	}
	if (!rep->exit_valid) {
		if (r->failure[0])
			complain(r->failure);
		return EXIT_MICA;
	}
	return st & 0x7f ? EXIT_SIGNAL + (int)(st & 0x7f) :
			   (int)(st >> 8 & 0xff);
}

int cmd_run(int argc, char **argv)
{
	static struct run r = { .end_fd = -1 };	/* large */
	struct err e = { 0 };
	int first, err;

	err = options_parse(&r.opt, argc, argv, &first, &e);
	if (err)
		return cli_usage_error("run", "%s", e.text);
	if (r.opt.help)
		return cmd_help(2, (char *[]){ "help", "run", NULL });
	if (first >= argc)
		return cli_usage_error("run", "no program given");
	/* a file size limit is an error of the write, not our end */
	signal(SIGXFSZ, SIG_IGN);
	err = plug_closed_streams(&r, &e);
	if (err)
		return cli_error(&e);
	r.platform = platform_choose(&r, &e);
	if (!r.platform)
		return cli_error(&e);
	err = prepare(&r, argv + first, &e);
	if (!err)
		err = run_block_signals(&r, &e);
	if (!err)
		err = r.platform->start(&r, &e);
	if (err) {
		r.platform->destroy(&r);
		return cli_error(&e);
	}
	run_tty_enter(&r);
	run_wait(&r);
	run_tty_leave(&r);
	r.platform->destroy(&r);
	return exit_status(&r);
}
