/* SPDX-License-Identifier: MIT */
/*
 * The node "control": events to the sandbox, its report to the tender
 * (abi/control.h).
 *
 * The guest has one READ waiting at most. Events gather in fs->events, which
 * has a fixed size whatever comes; whoever adds one answers the READ that
 * waits, or else the next READ finds them.
 */
#include "dev/fs_priv.h"
#include <errno.h>
#include <string.h>

/* polls, signals, terminal's signals, window size, stop */
#define EVENTS_MAX	(FS_NR_STREAMS + 4)

static uint32_t put(struct abi_event *e, uint32_t n, enum abi_event_kind kind,
		    uint32_t arg, uint64_t value)
{
	if (!value)
		return n;
	e[n] = (struct abi_event){ .kind = kind, .arg = arg, .value = value };
	return n + 1;
}

static uint32_t list_events(const struct fs_events *v, struct abi_event *e)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FS_NR_STREAMS; i++)
		n = put(e, n, ABI_EVENT_POLL, i, v->poll[i]);
	n = put(e, n, ABI_EVENT_SIGNAL, 0, v->signals);
	n = put(e, n, ABI_EVENT_TTY_SIGNAL, 0, v->tty_signals);
	if (v->winsize)
		e[n++] = (struct abi_event){
			.kind = ABI_EVENT_WINSIZE,
			.value = (uint32_t)v->rows << 16 | v->cols,
		};
	if (v->stop)
		e[n++] = (struct abi_event){ .kind = ABI_EVENT_STOP };
	return n;
}

/* Fill a reply with the events there are. Returns false if there are none. */
static bool answer(struct fs_dev *fs, struct virtq_chain *ch, uint64_t unique)
{
	struct fuse_out_header h = { .unique = unique };
	struct abi_event events[EVENTS_MAX];
	uint32_t n = list_events(&fs->events, events);

	if (!n)
		return false;
	memset(&fs->events, 0, sizeof(fs->events));
	h.len = (uint32_t)(sizeof(h) + n * sizeof(events[0]));
	virtq_chain_write(ch, &h, sizeof(h));
	virtq_chain_write(ch, events, n * sizeof(events[0]));
	return true;
}

int fs_control_read(struct fs_call *c)
{
	struct fs_dev *fs = c->fs;

	/* room for all there can be: nothing is kept back */
	if (fs_room(c) < EVENTS_MAX * sizeof(struct abi_event) ||
	    c->arg.read.size < EVENTS_MAX * sizeof(struct abi_event))
		return -EINVAL;
	if (fs->waiting)
		return -EBUSY;
	if (answer(fs, c->chain, c->h.unique))
		return 0;
	fs->waiting = true;
	fs->waiting_queue = fs->serving;
	fs->waiting_unique = c->h.unique;
	fs->waiting_chain = *c->chain;
	c->kept = true;
	return 0;
}

void fs_control_flush(struct fs_dev *fs)
{
	struct virtq_chain *ch = &fs->waiting_chain;

	if (!fs->waiting || !answer(fs, ch, fs->waiting_unique))
		return;
	fs->waiting = false;
	virtio_dev_push(&fs->dev, fs->waiting_queue, ch->head,
			(uint32_t)ch->written);
}

void fs_control_interrupt(struct fs_dev *fs, uint64_t unique)
{
	struct fuse_out_header h = { .len = sizeof(h), .error = -EINTR,
				     .unique = unique };

	if (!fs->waiting || fs->waiting_unique != unique)
		return;
	fs->waiting = false;
	virtq_chain_write(&fs->waiting_chain, &h, sizeof(h));
	virtio_dev_push(&fs->dev, fs->waiting_queue, fs->waiting_chain.head,
			(uint32_t)fs->waiting_chain.written);
}

int fs_control_write(struct fs_call *c, uint32_t len)
{
	struct abi_report r;

	if (len != sizeof(r))
		return -EINVAL;
	virtq_chain_read(c->chain, &r, sizeof(r));
	r.start_message[sizeof(r.start_message) - 1] = 0;
	if (c->fs->owner.report)
		c->fs->owner.report(c->fs->owner.report_arg, &r);
	return sizeof(r);
}

/* --- from the tender -------------------------------------------------------------*/

void fs_send_signals(struct fs_dev *fs, uint64_t signals,
		     uint64_t tty_signals)
{
	pthread_mutex_lock(&fs->dev.lock);
	fs->events.signals |= signals;
	fs->events.tty_signals |= tty_signals;
	fs_control_flush(fs);
	pthread_mutex_unlock(&fs->dev.lock);
}

void fs_send_winsize(struct fs_dev *fs, uint16_t rows, uint16_t cols)
{
	pthread_mutex_lock(&fs->dev.lock);
	fs->events.rows = rows;
	fs->events.cols = cols;
	fs->events.winsize = true;
	fs_control_flush(fs);
	pthread_mutex_unlock(&fs->dev.lock);
}

void fs_send_stop(struct fs_dev *fs)
{
	pthread_mutex_lock(&fs->dev.lock);
	fs->events.stop = true;
	fs_control_flush(fs);
	pthread_mutex_unlock(&fs->dev.lock);
}

bool fs_is_deaf(struct fs_dev *fs)
{
	bool deaf;

	pthread_mutex_lock(&fs->dev.lock);
	deaf = fs->events.signals || fs->events.tty_signals;
	pthread_mutex_unlock(&fs->dev.lock);
	return deaf;
}
