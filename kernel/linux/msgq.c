/* SPDX-License-Identifier: MIT */
/* Queues of messages. Contract: msgq.h. */
#include "linux/msgq.h"
#include "arch/uaccess.h"
#include "core/heap.h"

int msg_load(uint64_t user, size_t len, struct msg **out)
{
	struct msg *m = kmalloc(sizeof(*m) + len);

	if (!m)
		return -ENOMEM;
	if (copy_from_user(m->data, (void *)user, len)) {
		kfree(m);
		return -EFAULT;
	}
	m->len = len;
	*out = m;
	return 0;
}

void msgq_init(struct msgq *q)
{
	list_init(&q->msgs);
	list_init(&q->receivers);
	list_init(&q->senders);
}

bool msgq_has_room(const struct msgq *q, size_t len)
{
	return q->nr < q->max_nr && q->bytes + len <= q->max_bytes;
}

static bool matches(const struct msg_wait *w, const struct msg *m)
{
	switch (w->match) {
	case MATCH_EQUAL:
		return m->type == w->type;
	case MATCH_OTHER:
		return m->type != w->type;
	case MATCH_LOWEST:
		return m->type <= w->type;
	default:
		return true;
	}
}

static bool too_long(const struct msg_wait *w, const struct msg *m)
{
	return m->len > w->max && !w->cut;
}

int32_t msgq_put(struct msgq *q, struct msg *m)
{
	struct list *at = &q->msgs;

	list_for_each_safe(l, &q->receivers) {
		struct msg_wait *w = list_entry(l, struct msg_wait, w.link);

		if (!matches(w, m))
			continue;
		if (too_long(w, m)) {
			ipc_wake(&w->w, -E2BIG);
			continue;
		}
		w->msg = m;
		ipc_wake(&w->w, 0);
		return w->pid;
	}
	while (q->by_priority && at->prev != &q->msgs &&
	       list_entry(at->prev, struct msg, link)->type < m->type)
		at = at->prev;
	list_add_before(at, &m->link);
	q->nr++;
	q->bytes += m->len;
	return 0;
}

struct msg *msgq_find(const struct msgq *q, const struct msg_wait *w)
{
	struct msg *best = NULL;
	int64_t n = w->type;

	list_for_each(l, &q->msgs) {
		struct msg *m = list_entry(l, struct msg, link);

		if (w->match == MATCH_NUMBER ? n-- : !matches(w, m))
			continue;
		if (w->match != MATCH_LOWEST)
			return m;
		if (!best || m->type < best->type)
			best = m;
	}
	return best;
}

int32_t msgq_admit(struct msgq *q)
{
	int32_t pid = 0;

	list_for_each_safe(l, &q->senders) {
		struct msg_wait *w = list_entry(l, struct msg_wait, w.link);

		if (!msgq_has_room(q, w->msg->len))
			continue;
		pid = w->pid;
		msgq_put(q, w->msg);
		ipc_wake(&w->w, 0);
	}
	return pid;
}

int32_t msgq_take(struct msgq *q, struct msg *m)
{
	list_remove(&m->link);
	q->nr--;
	q->bytes -= m->len;
	return msgq_admit(q);
}

void msgq_fini(struct msgq *q, int status)
{
	while (!list_is_empty(&q->receivers))
		ipc_wake(list_first(&q->receivers, struct ipc_wait, link),
			 status);
	while (!list_is_empty(&q->senders))
		ipc_wake(list_first(&q->senders, struct ipc_wait, link),
			 status);
	list_for_each_safe(l, &q->msgs)
		kfree(list_entry(l, struct msg, link));
	msgq_init(q);
}
