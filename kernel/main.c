/* SPDX-License-Identifier: MIT */
/*
 * Start-up of the kernel, step by step, in order. Runs once, on the boot
 * task; the last step turns it into the supervisor of the sandbox.
 */
#include "core/page.h"
#include "core/panic.h"
#include "drv/tty.h"
#include "fs/dentry.h"
#include "fs/rootfs.h"
#include "linux/boot.h"
#include "linux/exec.h"
#include "linux/inotify_start.h"
#include "linux/native.h"
#include "linux/oom.h"
#include "linux/process.h"
#include "linux/stdio.h"
#include "linux/strace.h"
#include "platform/platform.h"
#include <asm/signal.h>

struct abi_boot *boot;

void kernel_main(void *handover) __noreturn;

/* First act of the program's first thread, in its own address space. */
static void start_program(struct thread *t)
{
	int err = exec_initial(boot);

	if (err)
		process_exit_group((uint32_t)boot->start_error << 8);
}

/* Names that nobody uses go before a process does. That takes a while: what was
 * said meanwhile does not count. */
static void take_memory_back(struct abi_doorbell *d)
{
	if (!vfs_shrink(VFS_NAMES_KEPT))
		oom_kill();
	else
		__atomic_store_n(&d->oom, 0, __ATOMIC_RELAXED);
}

/* The boot task, which holds no locks, is to see about it. */
static void on_no_memory(void)
{
	struct abi_doorbell *d = &boot->doorbell;

	if (dentry_count() <= VFS_NAMES_KEPT) {
		oom_kill();
		return;
	}
	__atomic_store_n(&d->oom, 1, __ATOMIC_RELAXED);
	/* Pairs with the exchange in on_doorbell. */
	__atomic_fetch_add(&d->word, 1, __ATOMIC_RELEASE);
	plat_word_wake(&d->word, 1);
}

/* The tender rang: signals for the program, a new window size. */
static void on_doorbell(struct abi_doorbell *d)
{
	uint64_t direct = __atomic_exchange_n(&d->signals, 0, __ATOMIC_ACQ_REL);
	uint64_t tty = __atomic_exchange_n(&d->tty_signals, 0,
					   __ATOMIC_ACQ_REL);

	if (__atomic_exchange_n(&d->winsize_changed, 0, __ATOMIC_ACQ_REL))
		tty_host_winsize((uint16_t)boot->tty_rows,
				 (uint16_t)boot->tty_cols);
	if (__atomic_exchange_n(&d->oom, 0, __ATOMIC_ACQ_REL))
		take_memory_back(d);
	while (tty) {
		tty_host_signal(__builtin_ctzll(tty) + 1);
		tty &= tty - 1;
	}
	while (direct) {
		struct process *p;

		mutex_lock(&process_lock);
		p = process_find(program_pid);
		if (p && p->nr_threads)
			signal_send_process(p, __builtin_ctzll(direct) + 1,
					    NULL);
		mutex_unlock(&process_lock);
		direct &= direct - 1;
	}
}

static void start_failed(const char *what, int err)
{
	klog("starting the sandbox: %s: error %d", what, -err);
	boot->start_error = 125;
	plat_stop(125);
}

void kernel_main(void *handover)
{
	static const struct plat_ops ops = {
		.doorbell = on_doorbell, .out_of_memory = on_no_memory,
	};
	struct abi_boot *b = plat_start(handover);
	struct thread *first;
	int err;

	boot = b;
	page_set_limit(b->memory_limit);
	syscall_watch = (b->flags & ABI_BOOT_STRACE ? WATCH_STRACE : 0) |
			(b->flags & ABI_BOOT_STATS ? WATCH_STATS : 0);
	if (syscall_watch)
		plat_watch_calls();
	stats_init();
	inotify_start();
	native_init();
	err = stdio_init(b);
	if (err)
		start_failed("terminals", err);
	err = rootfs_build(b);
	if (err)
		start_failed("building the file tree", err);
	err = process_init(&first);
	if (err)
		start_failed("making the first process", err);
	err = stdio_install(first, b);
	if (err)
		start_failed("the standard streams", err);
	first->start = start_program;
	first->task->arch.work = TASK_WORK_SLOW;
	err = plat_task_start(first->task, PLAT_SPACE_NEW);
	if (err)
		start_failed("the first program task", err);
	plat_run(&ops);
}
