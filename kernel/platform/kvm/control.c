/* SPDX-License-Identifier: MIT */
/*
 * The control node: a system task keeps one READ outstanding; each answer is
 * some events, which go to the streams' waiters or into the doorbell that the
 * boot task looks at (plat_run). The report goes the other way, by WRITE.
 */
#include "platform/kvm/control.h"
#include "drv/virtio/fs.h"
#include "drv/virtio/virtio.h"
#include "abi/control.h"
#include "abi/fs_device.h"
#include "core/page.h"
#include "core/panic.h"
#include "core/task.h"
#include "lib/string.h"
#include "platform/kvm/hostio.h"
#include "platform/kvm/stop.h"
#include "platform/kvm/stream.h"
#include "platform/kvm/space.h"
#include "platform/kvm/writeback.h"
#include "platform/platform.h"

#define EVENTS_MAX	16u
#define END_WAIT_NS	(2 * NSEC_PER_SEC)

static struct {
	/* set once */
	struct abi_boot *boot;
	struct hostopen *node;
} control;

static void ring(void)
{
	uint32_t *word = &control.boot->doorbell.word;

	__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
	plat_word_wake(word, 1);
}

static void take_event(const struct abi_event *e)
{
	struct abi_boot *b = control.boot;
	struct abi_doorbell *d = &b->doorbell;

	switch (e->kind) {
	case ABI_EVENT_POLL:
		stream_ready();
		break;
	case ABI_EVENT_SIGNAL:
		__atomic_fetch_or(&d->signals, e->value, __ATOMIC_SEQ_CST);
		break;
	case ABI_EVENT_TTY_SIGNAL:
		__atomic_fetch_or(&d->tty_signals, e->value,
				  __ATOMIC_SEQ_CST);
		break;
	case ABI_EVENT_WINSIZE:
		b->tty_rows = (uint32_t)(e->value >> 16 & 0xffff);
		b->tty_cols = (uint32_t)(e->value & 0xffff);
		__atomic_store_n(&d->winsize_changed, 1, __ATOMIC_SEQ_CST);
		break;
	case ABI_EVENT_STOP:
		__atomic_store_n(&d->stop, 1, __ATOMIC_SEQ_CST);
		break;
	default:
		break;		/* of a later version */
	}
}

static void listen(void *arg)
{
	struct abi_event e[EVENTS_MAX];
	ssize_t n;

	for (;;) {
		n = host_fetch(control.node, e, sizeof(e), 0);
		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n <= 0) {
			klog("the tender does not answer: error %d", (int)-n);
			plat_stop(125);
		}
		for (size_t i = 0; i < (size_t)n / sizeof(e[0]); i++)
			take_event(&e[i]);
		ring();
	}
}

void plat_report(void)
{
	const struct abi_boot *b = control.boot;
	struct abi_report r = {
		.exit_status = b->exit_status,
		.exit_valid = __atomic_load_n(&b->exit_valid,
					      __ATOMIC_ACQUIRE),
		.stopped = __atomic_exchange_n(&control.boot->stopped, 0,
					       __ATOMIC_ACQ_REL),
		.start_error = b->start_error,
	};

	memcpy(r.start_message, b->start_message, sizeof(r.start_message));
	/* a tender that does not listen ends the machine anyway */
	(void)!host_store(control.node, &r, sizeof(r), 0);
}

/* Processes that run still have mappings that they wrote to. A host that does
 * not answer is not waited for. */
static void end(void)
{
	task_clear_work(UINT32_MAX);
	writeback_finish(plat_clock_mono_ns() + END_WAIT_NS);
	plat_report();
}

int control_start(struct abi_boot *boot)
{
	int err = fuse_is_there() ? stream_start(boot) : -ENODEV;

	control.boot = boot;
	if (!err)
		err = stream_open_node(FS_CONTROL, true, true,
				       &control.node);
	if (!err)
		err = task_start_system("control", listen, NULL, NULL);
	if (!err) {
		stop_on_end(end);
		page_set_shrinker(hostfile_shrink);
	}
	return err;
}

void plat_run(const struct plat_ops *ops)
{
	struct abi_doorbell *d = &control.boot->doorbell;
	uint64_t later_ns = plat_clock_mono_ns() + NSEC_PER_SEC;

	space_set_out_of_memory(ops->out_of_memory);
	for (;;) {
		uint32_t seen = __atomic_load_n(&d->word, __ATOMIC_ACQUIRE);

		if (__atomic_load_n(&d->stop, __ATOMIC_ACQUIRE))
			plat_stop(0);
		ops->doorbell(d);
		plat_word_wait(&d->word, seen, later_ns);
		if (plat_clock_mono_ns() >= later_ns) {
			virtio_start_later();
			later_ns = DEADLINE_NEVER;
		}
	}
}
