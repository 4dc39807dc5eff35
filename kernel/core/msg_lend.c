/* SPDX-License-Identifier: MIT */
/*
 * Priorities of messages: in which order senders are taken, and what those that
 * wait lend to those they wait for (core/pi.h). Most tasks are ordinary ones,
 * and then nothing of this happens: see lend_if_urgent_locked.
 */
#include "core/msg_priv.h"
#include "platform/platform.h"

void msg_queue_sender_locked(struct port *p)
{
	struct list *head = &p->partner->senders, *at = head;

	list_remove(&p->link);
	while (at->prev != head &&
	       list_entry(at->prev, struct port, link)->claim < p->claim)
		at = at->prev;
	list_add_before(at, &p->link);
}

static bool waits_for_answer(const struct port *p)
{
	return (p->state == PORT_SENDING || p->state == PORT_CALLING) &&
	       !p->done;
}

void msg_lend_locked(struct port *me)
{
	for (struct port *p = me; p && waits_for_answer(p); p = p->partner) {
		if (p->lends)
			continue;
		/* a cycle through futexes: nothing is lent */
		p->lends = !pi_wait(p->task, p->partner->task);
	}
	for (struct port *p = me; p && waits_for_answer(p); p = p->partner) {
		uint64_t claim = p->lends ? pi_claim(p->task) : 0;

		if (p->state != PORT_SENDING || claim <= p->claim)
			continue;
		p->claim = claim;
		msg_queue_sender_locked(p);
	}
}

void msg_end_loan_locked(struct port *p)
{
	p->lends = false;
	pi_wait(p->task, NULL);
}
