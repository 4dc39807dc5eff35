/* SPDX-License-Identifier: MIT */
/* What epoll.c (the calls) and epoll_item.c (the objects) share. */
#pragma once
#include <linux/eventpoll.h>
#include "linux/process.h"

#define EPOLL_PRIVATE_BITS \
	(EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

struct epoll {
	struct refcount refs;
	struct file *file;	/* its own; borrowed; set once */
	struct mutex lock;
	/* under lock */
	struct list *buckets;	/* items by file and descriptor */
	uint32_t nr_buckets, nr_items;
	/* under links_lock */
	uint32_t height;	/* longest chain of epolls below, with itself */
	struct mutex ready_lock;
	struct list ready;	/* under ready_lock */
	uint32_t nr_ready;	/* likewise; read without: a hint */
	struct waitq wait;	/* epoll_wait */
	struct waitq poll_wait;	/* whoever polls this epoll */
};

struct ep_wait {
	struct waiter w;
	struct epitem *item;
	struct ep_wait *next;
};

struct epitem {
	struct list hash_link;	/* under ep->lock */
	struct list file_link;	/* in file->epoll_links, under links_lock */
	struct list ready_link;	/* under ep->ready_lock; alone: not ready */
	struct epoll *ep;	/* these set once */
	struct file *file;
	int fd;
	uint32_t events;	/* under ep->lock; wake-ups read it: atomic */
	uint64_t data;		/* under ep->lock */
	struct ep_wait *waits;	/* set while being added */
	struct ep_wait first;	/* most files have one wait queue */
};

/* NULL: not an epoll. */
struct epoll *epoll_of_file(const struct file *f);
/* A file with a new epoll; NULL: no memory. */
struct file *epoll_file_create(void);

/* --- items: ep->lock is held --------------------------------------------------*/
struct epitem *epoll_item_find(struct epoll *ep, const struct file *f, int fd);
/* The n-th file, from 0, that is watched as fd; NULL: no more. Borrowed. */
struct file *epoll_item_file(const struct epoll *ep, int fd, uint32_t n);
/* Returns 0, -ENOMEM, -ELOOP. */
int epoll_item_add(struct epoll *ep, struct file *f, int fd,
		   const struct epoll_event *e);
/* Returns 0 or -EINVAL (exclusive ones can not be changed). */
int epoll_item_modify(struct epitem *it, const struct epoll_event *e);
void epoll_item_remove(struct epitem *it);
/* The events it would report now; registers if pt is not NULL. */
uint32_t epoll_item_poll(struct epitem *it, struct poll_table *pt);

/* --- the ready list: takes ready_lock --------------------------------------------*/
/* Harmless if it is in the list. */
void epoll_ready_add(struct epitem *it, bool front);
struct epitem *epoll_ready_pop(struct epoll *ep);	/* NULL: empty */
bool epoll_has_ready(struct epoll *ep);	/* a hint */
