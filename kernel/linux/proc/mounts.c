/* SPDX-License-Identifier: MIT */
/* /proc/PID/mounts, mountinfo, mountstats: the tree of mounts. */
#include "linux/proc/proc.h"
#include <linux/mount.h>
#include "core/heap.h"
#include "fs/dentry.h"
#include "lib/string.h"

#define ESCAPED		" \t\n\\"
#define MOUNTS_MAX	256u
#define FIRST_ID	20u

enum mount_style { STYLE_MOUNTS, STYLE_INFO, STYLE_STATS };

/* Collected first: an identifier is the place in this list. */
struct mount_list {
	const struct mount *mnt[MOUNTS_MAX];
	uint32_t nr;
};

struct mount_writer {
	struct textbuf *t;
	enum mount_style style;
	struct mount_list *list;
	struct path root;
};

static void collect(struct mount *m, void *arg)
{
	struct mount_list *l = arg;

	if (l->nr < MOUNTS_MAX)
		l->mnt[l->nr++] = m;
}

static uint32_t id_of(const struct mount_list *l, const struct mount *m)
{
	for (uint32_t i = 0; i < l->nr; i++)
		if (l->mnt[i] == m)
			return FIRST_ID + i;
	return FIRST_ID - 1;
}

static void show_options(struct textbuf *t, const struct mount *m)
{
	bool ro = (m->flags & MS_RDONLY) || (m->sb->flags & SUPER_READ_ONLY);

	textbuf_puts(t, ro ? "ro" : "rw");
	if (m->flags & MS_NOSUID)
		textbuf_puts(t, ",nosuid");
	if (m->flags & MS_NODEV)
		textbuf_puts(t, ",nodev");
	if (m->flags & MS_NOEXEC)
		textbuf_puts(t, ",noexec");
	textbuf_puts(t, ",relatime");
}

static const char *source_of(const struct mount *m)
{
	return m->source && *m->source ? m->source : "none";
}

static void show_info(struct mount_writer *w, const struct mount *m,
		      const char *where)
{
	struct textbuf *t = w->t;
	bool ro = m->sb->flags & SUPER_READ_ONLY;

	textbuf_printf(t, "%u %u %u:%u / ", id_of(w->list, m),
		       id_of(w->list, m->parent), dev_major(m->sb->dev),
		       dev_minor(m->sb->dev));
	textbuf_escape(t, where, ESCAPED);
	textbuf_puts(t, " ");
	show_options(t, m);
	if (m->group)
		textbuf_printf(t, " shared:%u", m->group);
	if (m->master)
		textbuf_printf(t, " master:%u", m->master);
	if (m->unbindable)
		textbuf_puts(t, " unbindable");
	textbuf_printf(t, " - %s ", m->sb->type);
	textbuf_escape(t, source_of(m), ESCAPED);
	textbuf_puts(t, ro ? " ro\n" : " rw\n");
}

static void show_stats(struct mount_writer *w, const struct mount *m,
		       const char *where)
{
	textbuf_puts(w->t, "device ");
	textbuf_escape(w->t, source_of(m), ESCAPED);
	textbuf_puts(w->t, " mounted on ");
	textbuf_escape(w->t, where, ESCAPED);
	textbuf_printf(w->t, " with fstype %s\n", m->sb->type);
}

static void show_mount(struct mount_writer *w, const struct mount *m,
		       const char *where)
{
	textbuf_escape(w->t, source_of(m), ESCAPED);
	textbuf_puts(w->t, " ");
	textbuf_escape(w->t, where, ESCAPED);
	textbuf_printf(w->t, " %s ", m->sb->type);
	show_options(w->t, m);
	textbuf_puts(w->t, " 0 0\n");
}

static void show_one(struct mount *m, void *arg)
{
	struct mount_writer *w = arg;
	struct path p = { m, m->root };
	char *name = kmalloc(PROC_NAME_MAX);

	if (!name)
		return;
	/* what the reader can not reach is not shown */
	if (m->root && path_name(&p, &w->root, name, PROC_NAME_MAX) > 0 &&
	    name[0] == '/') {
		if (w->style == STYLE_INFO)
			show_info(w, m, name);
		else if (w->style == STYLE_STATS)
			show_stats(w, m, name);
		else
			show_mount(w, m, name);
	}
	kfree(name);
}

static int show_mounts(struct textbuf *t, struct pseudo_node *n,
		       enum mount_style style)
{
	struct mount_writer w = { .t = t, .style = style };
	const struct mnt_ns *ns;
	int err = proc_fs_path(n, true, &w.root);

	if (err)
		return err;
	/* not that of its namespace, after setns of another thread's; borrowed:
	 * only compared */
	ns = w.root.mnt->ns;
	w.list = kzalloc(sizeof(*w.list));
	if (w.list) {
		vfs_for_each_mount(ns, collect, w.list);
		vfs_for_each_mount(ns, show_one, &w);
		kfree(w.list);
	}
	path_put(&w.root);
	return w.list ? 0 : -ENOMEM;
}

int proc_show_mounts(struct textbuf *t, struct pseudo_node *n)
{
	return show_mounts(t, n, STYLE_MOUNTS);
}

int proc_show_mountinfo(struct textbuf *t, struct pseudo_node *n)
{
	return show_mounts(t, n, STYLE_INFO);
}

int proc_show_mountstats(struct textbuf *t, struct pseudo_node *n)
{
	return show_mounts(t, n, STYLE_STATS);
}
