/* SPDX-License-Identifier: MIT */
/*
 * Who can be reached by messages: ports by task id, notifications, names,
 * rights. A port is made by its task and dies with it; others hold a pointer to
 * it only under msg_lock, or while it waits and is claimed.
 */
#include "core/msg_priv.h"
#include "core/heap.h"
#include "lib/string.h"

struct mutex msg_lock = MUTEX_INIT;

struct port *port_hash[PORT_HASH];
uint32_t msg_rights_age;
/* set once */
static bool (*policy)(const struct task *from, const struct task *to);

struct port *port_create(void)
{
	struct task *t = current_task();
	struct port *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->task = t;
	p->id = t->id;
	p->msg = &p->inbox;
	list_init(&p->link);
	list_init(&p->senders);
	mutex_lock(&msg_lock);
	p->next_in_hash = port_hash[p->id % PORT_HASH];
	port_hash[p->id % PORT_HASH] = p;
	t->port = p;
	mutex_unlock(&msg_lock);
	return p;
}

void msg_notify(struct task *t, uint32_t bits)
{
	/* Partner: the exchange in take_notified; the receiver looks at the
	 * bits after it has become RECEIVING, and again after each park. */
	__atomic_fetch_or(&t->notified, bits, __ATOMIC_RELEASE);
	task_unpark(t);
}

int msg_notify_id(uint32_t to, uint32_t bits)
{
	struct port *me = port_self(), *p;
	int err;

	if (!me)
		return -ENOMEM;
	mutex_lock(&msg_lock);
	p = port_find_locked(to);
	err = p ? port_may_send_locked(me, p) : -ESRCH;
	if (!err)
		msg_notify(p->task, bits);
	mutex_unlock(&msg_lock);
	return err;
}

uint32_t msg_self(void)
{
	struct port *p = port_self();

	return p ? p->id : 0;
}

void port_for_each_locked(void (*fn)(struct port *q, void *arg), void *arg)
{
	for (uint32_t i = 0; i < PORT_HASH; i++)
		for (struct port *p = port_hash[i]; p; p = p->next_in_hash)
			fn(p, arg);
}

void port_remove_locked(struct port *p)
{
	struct port **at = &port_hash[p->id % PORT_HASH];

	while (*at != p)
		at = &(*at)->next_in_hash;
	*at = p->next_in_hash;
	p->task->port = NULL;
}

/* --- names and rights -------------------------------------------------------*/
void msg_set_policy(bool (*fn)(const struct task *from, const struct task *to))
{
	policy = fn;
}

void msg_rights_changed(void)
{
	/* Partner: the loads in port_may_send_locked and port_ask_locked. */
	__atomic_fetch_add(&msg_rights_age, 1, __ATOMIC_RELEASE);
}

int port_ask_locked(struct port *from, const struct port *to)
{
	/* before the policy reads: what changes meanwhile is asked again */
	uint32_t age = __atomic_load_n(&msg_rights_age, __ATOMIC_ACQUIRE);

	if (from->task->kind == TASK_SYSTEM || from->for_kernel ||
	    to->rights & MSG_PUBLIC)
		return 0;
	if (to->task->kind == TASK_SYSTEM ||
	    (policy && !policy(from->task, to->task)))
		return -EPERM;
	from->granted_to = to->id;
	from->granted_at = age;
	return 0;
}

static struct port *find_name_locked(const char *name)
{
	for (uint32_t i = 0; i < PORT_HASH; i++)
		for (struct port *p = port_hash[i]; p; p = p->next_in_hash)
			if (!strcmp(p->name, name))
				return p;
	return NULL;
}

uint32_t msg_find(const char *name)
{
	struct port *p;
	uint32_t id;

	if (!*name)
		return 0;
	mutex_lock(&msg_lock);
	p = find_name_locked(name);
	id = p ? p->id : 0;
	mutex_unlock(&msg_lock);
	return id;
}

int msg_set_name(const char *name, uint32_t rights)
{
	struct port *me = port_self(), *other;
	int err = 0;

	if (!me)
		return -ENOMEM;
	mutex_lock(&msg_lock);
	other = *name ? find_name_locked(name) : NULL;
	if (other && other != me) {
		err = -EEXIST;
	} else {
		strlcpy(me->name, name, sizeof(me->name));
		me->rights = rights;
	}
	mutex_unlock(&msg_lock);
	return err;
}
