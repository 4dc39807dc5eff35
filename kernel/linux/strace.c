/* SPDX-License-Identifier: MIT */
/*
 * --strace: one line per call, formatted in the manner of strace(1) from the
 * argument kinds of syscalls.tbl. A line is written when the call returns;
 * output buffers are shown then, input buffers too. Program memory is read
 * with the checked accessors: a bad pointer prints as an address.
 */
#include "linux/strace.h"
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/task.h"
#include "lib/string.h"
#include "linux/process.h"
#include "linux/strace_names.h"
#include "linux/syscall.h"
#include "platform/platform.h"

#define LINE_MAX	1024
#define SHOWN_MAX	32u

struct line {
	char text[LINE_MAX];
	int n;
};

static void put(struct line *l, const char *fmt, ...) __printf(2, 3);

static void put(struct line *l, const char *fmt, ...)
{
	size_t room = LINE_MAX - 2 - (size_t)l->n;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->n, room, fmt, ap);
	va_end(ap);
	l->n += MIN(n, (int)room - 1);
}

static void put_escaped(struct line *l, const uint8_t *s, size_t n)
{
	put(l, "\"");
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n')
			put(l, "\\n");
		else if (s[i] == '\t')
			put(l, "\\t");
		else if (s[i] == '"' || s[i] == '\\')
			put(l, "\\%c", s[i]);
		else if (s[i] >= 32 && s[i] < 127)
			put(l, "%c", s[i]);
		else
			put(l, "\\%o", s[i]);
	}
	put(l, "\"");
}

static void put_buffer(struct line *l, uint64_t addr, uint64_t len)
{
	uint8_t buf[SHOWN_MAX];
	size_t n = MIN(len, (uint64_t)SHOWN_MAX);

	if (!addr || copy_from_user(buf, (void *)addr, n)) {
		put(l, addr ? "%#lx" : "NULL", addr);
		return;
	}
	put_escaped(l, buf, n);
	if (len > n)
		put(l, "...");
}

static void put_path(struct line *l, uint64_t addr)
{
	char buf[256];
	ssize_t n = strncpy_from_user(buf, (void *)addr, sizeof(buf));

	if (!addr || n == -EFAULT)
		put(l, addr ? "%#lx" : "NULL", addr);
	else
		put_escaped(l, (uint8_t *)buf, n < 0 ? sizeof(buf) :
			    (size_t)n);
	if (n == -ENAMETOOLONG)
		put(l, "...");
}

static void put_string_vector(struct line *l, uint64_t addr)
{
	uint64_t p = 0;

	put(l, "[");
	for (int i = 0; i < 8; i++) {
		if (user_load64((uint64_t *)addr + i, &p) || !p)
			break;
		put(l, i ? ", " : "");
		put_path(l, p);
	}
	put(l, p ? ", ...]" : "]");
}

static void put_timespec(struct line *l, uint64_t addr)
{
	int64_t ts[2];

	if (!addr || copy_from_user(ts, (void *)addr, sizeof(ts)))
		put(l, addr ? "%#lx" : "NULL", addr);
	else
		put(l, "{tv_sec=%ld, tv_nsec=%ld}", ts[0], ts[1]);
}

static void put_fd_pair(struct line *l, uint64_t addr, long ret)
{
	int fds[2];

	if (ret || copy_from_user(fds, (void *)addr, sizeof(fds)))
		put(l, "%#lx", addr);
	else
		put(l, "[%d, %d]", fds[0], fds[1]);
}

static void put_flags(struct line *l, const struct strace_flag *f, uint64_t v)
{
	bool any = false;

	for (; f->name; f++) {
		if (f->mask ? (v & f->mask) != f->value : v != f->value)
			continue;
		put(l, any ? "|%s" : "%s", f->name);
		any = true;
		v &= ~(f->mask ? f->mask : ~0ull);
	}
	if (v || !any)
		put(l, any ? "|%#lx" : "%#lx", v);
}

static void put_number(struct line *l, enum syscall_arg kind, uint64_t v)
{
	switch (kind) {
	case ARG_MODE:
		put(l, "%#lo", v & 07777);
		break;
	case ARG_PTR:
		put(l, v ? "%#lx" : "NULL", v);
		break;
	case ARG_HEX:
		put(l, v ? "%#lx" : "0", v);
		break;
	case ARG_SIZE:
	case ARG_OFF:
		put(l, "%ld", (int64_t)v);
		break;
	default:
		put(l, "%d", (int)v);
	}
}

/* len_arg: the argument after this one, for buffers */
static void put_arg(struct line *l, enum syscall_arg kind, uint64_t v,
		    uint64_t len_arg, long ret)
{
	const struct strace_flag *flags = strace_flags_of(kind);

	if (flags) {
		put_flags(l, flags, v);
		return;
	}
	switch (kind) {
	case ARG_PATH:
	case ARG_STR:
		put_path(l, v);
		break;
	case ARG_INBUF:
		put_buffer(l, v, len_arg);
		break;
	case ARG_OUTBUF:
	case ARG_OUTSTR:
		put_buffer(l, v, ret > 0 ? (uint64_t)ret : 0);
		break;
	case ARG_STRV:
		put_string_vector(l, v);
		break;
	case ARG_TIMESPEC:
		put_timespec(l, v);
		break;
	case ARG_FDS:
		put_fd_pair(l, v, ret);
		break;
	case ARG_DIRFD:
		put(l, (int)v == -100 ? "AT_FDCWD" : "%d", (int)v);
		break;
	case ARG_SIG:
		put(l, "%s", strace_signal_name((int)v));
		break;
	default:
		put_number(l, kind, v);
	}
}

static void put_call(struct line *l, const struct regs *r, uint64_t nr,
		     long ret)
{
	const uint64_t args[7] = { r->rdi, r->rsi, r->rdx,
				   r->r10, r->r8, r->r9, 0 };
	const char *kinds, *name = syscall_name(nr, &kinds);

	put(l, "[%5u] ", current_thread()->tid);
	if (!name) {
		put(l, "syscall_%lu(", nr);
		return;
	}
	put(l, "%s(", name);
	for (int i = 0; kinds[i] && i < 6; i++) {
		put(l, i ? ", " : "");
		put_arg(l, (enum syscall_arg)kinds[i], args[i], args[i + 1],
			ret);
	}
}

static void flush(struct line *l)
{
	l->text[l->n++] = '\n';
	plat_log(l->text, (size_t)l->n);
	kfree(l);
}

/* Calls that do not come back are printed before. */
static bool never_returns(uint64_t nr)
{
	return nr == 60 || nr == 231 || nr == 15 || nr == 59 || nr == 322;
}

void strace_enter(struct thread *t, const struct regs *r)
{
	struct line *l;

	if (!never_returns(r->orig_rax))
		return;
	l = kzalloc(sizeof(*l));
	if (!l)
		return;
	put_call(l, r, r->orig_rax, 0);
	put(l, ") = ?");
	flush(l);
}

void strace_exit(struct thread *t, const struct regs *r, uint64_t nr, long ret)
{
	struct line *l;

	if (never_returns(nr) && ret >= 0)
		return;
	l = kzalloc(sizeof(*l));
	if (!l)
		return;
	put_call(l, r, nr, ret);
	if (ret < 0 && ret >= -4095)
		put(l, ") = -1 %s", strace_errno_name((int)-ret));
	else if (nr == 9 || nr == 12 || nr == 25)
		put(l, ") = %#lx", ret);
	else
		put(l, ") = %ld", ret);
	flush(l);
}

void strace_process_exit(struct thread *t, uint32_t status)
{
	struct line *l = kzalloc(sizeof(*l));

	if (!l)
		return;
	if (status & 0x7f)
		put(l, "[%5u] +++ killed by %s +++", t->process->pid,
		    strace_signal_name((int)(status & 0x7f)));
	else
		put(l, "[%5u] +++ exited with %u +++", t->process->pid,
		    status >> 8 & 0xff);
	flush(l);
}
