/* SPDX-License-Identifier: MIT */
/* Doubly linked ring list. An initialised node that is in no list points at itself. */
#pragma once
#include "lib/types.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(l) { &(l), &(l) }

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

/* Insert n before pos; with pos = the head this appends. */
static inline void list_add_before(struct list *pos, struct list *n)
{
	n->prev = pos->prev;
	n->next = pos;
	pos->prev->next = n;
	pos->prev = n;
}

static inline void list_append(struct list *head, struct list *n)
{
	list_add_before(head, n);
}

static inline void list_prepend(struct list *head, struct list *n)
{
	list_add_before(head->next, n);
}

/* Take n out of its list and leave it initialised; harmless when alone. */
static inline void list_remove(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

/* Move all of `from` to `to`, which need not be initialised. */
static inline void list_move_all(struct list *from, struct list *to)
{
	list_add_before(from, to);
	list_remove(from);
}

#define list_entry(p, type, member) container_of(p, type, member)
#define list_first(head, type, member) \
	list_entry((head)->next, type, member)
#define list_for_each(p, head) \
	for (struct list *p = (head)->next; p != (head); p = p->next)
/* p may be removed from the list inside the body */
#define list_for_each_safe(p, head) \
	for (struct list *p = (head)->next, *p##_n = p->next; p != (head); \
	     p = p##_n, p##_n = p->next)
