/* SPDX-License-Identifier: MIT */
/* User namespaces: /proc/PID/uid_map, gid_map (entry->arg: enum id_kind),
 * setgroups; and what the last means. */
#pragma once
#include "fs/pseudofs.h"

struct user_ns;

int user_ns_show_map(struct textbuf *t, struct pseudo_node *n);
ssize_t user_ns_store_map(struct pseudo_node *n, struct file *f,
			  const char *buf, size_t len, uint64_t pos);
int user_ns_show_setgroups(struct textbuf *t, struct pseudo_node *n);
ssize_t user_ns_store_setgroups(struct pseudo_node *n, struct file *f,
				const char *buf, size_t len, uint64_t pos);
/* Not before groups are mapped: to leave a group may give rights. */
bool user_ns_may_setgroups(const struct user_ns *u);
