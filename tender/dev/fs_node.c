/* SPDX-License-Identifier: MIT */
/*
 * Nodes and open files of the file system device. One host object is one node
 * as long as the guest references it: its descriptor (a handle of the file
 * server) keeps the host from using the object's number again.
 *
 * Nodes and files have their halves of the descriptors that the server may
 * have, so that a cache full of directories leaves room for open files.
 */
#include "dev/fs_priv.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_ROOT	FUSE_ROOT_ID
#define INDEX_SPECIAL	FS_NODEID_SPECIAL
#define INDEX_EXPORTS	FS_NODEID_EXPORT
#define FIRST_FILE	(FS_HANDLE_SPECIAL + FS_NR_SPECIAL)
_Static_assert(INDEX_SPECIAL == INDEX_ROOT + 1 &&
	       INDEX_EXPORTS == INDEX_SPECIAL + FS_NR_SPECIAL, "no gaps");
#define FIRST_ROOM	64u

static uint64_t make_id(uint64_t index, uint32_t generation)
{
	return index | (uint64_t)generation << 32;
}

/* Make room for one more in an array. */
static int grow(void **array, size_t size, uint32_t used, uint32_t *room)
{
	uint32_t n = *room ? 2 * *room : FIRST_ROOM;
	char *bigger;

	if (used < *room)
		return 0;
	bigger = realloc(*array, n * size);
	if (!bigger)
		return -ENOMEM;
	memset(bigger + *room * size, 0, (n - *room) * size);
	*array = bigger;
	*room = n;
	return 0;
}

/* --- nodes -------------------------------------------------------------------*/

static uint32_t hash_of(uint32_t export_id, uint64_t dev, uint64_t ino)
{
	uint64_t x = (ino ^ dev << 32 ^ export_id) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(x >> 32) % FS_HASH_SIZE;
}

struct fs_node *fs_node_find(struct fs_dev *fs, uint64_t id)
{
	uint32_t index = (uint32_t)id;
	struct fs_node *n;

	if (index >= fs->nr_nodes)
		return NULL;
	n = &fs->nodes[index];
	if (n->kind == FS_NODE_FREE || n->generation != id >> 32)
		return NULL;
	return n;
}

uint64_t fs_node_id(const struct fs_dev *fs, const struct fs_node *n)
{
	return make_id((uint64_t)(n - fs->nodes), n->generation);
}

struct fs_node *fs_export_node(struct fs_dev *fs, uint32_t export_id)
{
	return export_id < fs->nr_exports ?
	       &fs->nodes[INDEX_EXPORTS + export_id] : NULL;
}

struct fs_node *fs_special_node(struct fs_dev *fs, enum fs_special which)
{
	return &fs->nodes[INDEX_SPECIAL + which];
}

static bool is_for_ever(const struct fs_dev *fs, uint32_t index)
{
	return index < INDEX_EXPORTS + fs->nr_exports;
}

static int node_add(struct fs_dev *fs, struct fs_node **out)
{
	uint32_t index = fs->first_free_node;
	struct fs_node *n;

	if (fs->nodes_used >= fs->nodes_max)
		return -EMFILE;
	if (index) {
		n = &fs->nodes[index];
		fs->first_free_node = n->next;
	} else {
		if (grow((void **)&fs->nodes, sizeof(*n), fs->nr_nodes,
			 &fs->nodes_room))
			return -ENOMEM;
		n = &fs->nodes[fs->nr_nodes++];
	}
	fs->nodes_used++;
	*out = n;
	return 0;
}

static void forget_handle(struct fs_dev *fs, uint32_t handle)
{
	struct fsrv_call c = { .server = fs->owner.server };
	bool fatal;

	c.q.op = FSRV_FORGET;
	c.q.dir = handle;
	/* the server knows it; nothing depends on the answer */
	if (fsrv_call_run(&c, &fatal))
		virtio_dev_report(&fs->dev, "handle %u is lost", handle);
}

static void node_free(struct fs_dev *fs, struct fs_node *n)
{
	uint32_t index = (uint32_t)(n - fs->nodes);
	uint32_t *p = &fs->hash[hash_of(n->export_id, n->dev, n->ino)];

	while (*p != index)
		p = &fs->nodes[*p].next;
	*p = n->next;
	forget_handle(fs, n->handle);
	n->kind = FS_NODE_FREE;
	n->generation++;
	n->next = fs->first_free_node;
	fs->first_free_node = index;
	fs->nodes_used--;
}

int fs_node_get(struct fs_dev *fs, uint32_t export_id, uint32_t handle,
		const struct fsrv_attr *a, struct fs_node **out)
{
	uint32_t bucket = hash_of(export_id, a->dev, a->ino), i;
	struct fs_node *n;
	int err;

	for (i = fs->hash[bucket]; i; i = fs->nodes[i].next) {
		n = &fs->nodes[i];
		if (n->export_id != export_id || n->dev != a->dev ||
		    n->ino != a->ino)
			continue;
		forget_handle(fs, handle);
		n->nr_lookups++;
		*out = n;
		return 0;
	}
	err = node_add(fs, &n);
	if (err) {
		forget_handle(fs, handle);
		return err;
	}
	n->kind = FS_NODE_OBJECT;
	n->export_id = (uint8_t)export_id;
	n->handle = handle;
	n->nr_lookups = 1;
	n->dev = a->dev;
	n->ino = a->ino;
	n->next = fs->hash[bucket];
	fs->hash[bucket] = (uint32_t)(n - fs->nodes);
	*out = n;
	return 0;
}

void fs_node_forget(struct fs_dev *fs, uint64_t id, uint64_t nr)
{
	struct fs_node *n = fs_node_find(fs, id);

	if (!n || is_for_ever(fs, (uint32_t)id))
		return;
	if (n->nr_lookups > nr)
		n->nr_lookups -= nr;
	else
		node_free(fs, n);
}

/* --- open files --------------------------------------------------------------*/

struct fs_file *fs_file_find(struct fs_dev *fs, uint64_t id)
{
	uint32_t index = (uint32_t)id;
	struct fs_file *f;

	if (index >= fs->nr_files)
		return NULL;
	f = &fs->files[index];
	if (f->kind == FS_FILE_FREE || f->generation != id >> 32)
		return NULL;
	return f;
}

uint64_t fs_file_id(const struct fs_dev *fs, const struct fs_file *f)
{
	return make_id((uint64_t)(f - fs->files), f->generation);
}

int fs_file_add(struct fs_dev *fs, enum fs_file_kind kind,
		struct fs_file **out)
{
	uint32_t index = fs->first_free_file;
	struct fs_file *f;

	if (fs->files_used >= fs->files_max)
		return -ENFILE;
	if (index) {
		f = &fs->files[index];
		fs->first_free_file = f->next;
	} else {
		if (grow((void **)&fs->files, sizeof(*f), fs->nr_files,
			 &fs->files_room))
			return -ENOMEM;
		f = &fs->files[fs->nr_files++];
	}
	fs->files_used++;
	f->kind = (uint8_t)kind;
	f->has_handle = false;
	f->fd = -1;
	*out = f;
	return 0;
}

void fs_file_drop(struct fs_dev *fs, const struct fs_file *f)
{
	if (f->has_handle)
		forget_handle(fs, f->handle);
	else if (f->fd >= 0)
		close(f->fd);
}

void fs_file_release(struct fs_dev *fs, struct fs_file *f)
{
	if (f < &fs->files[FIRST_FILE])
		return;
	fs_file_drop(fs, f);
	f->kind = FS_FILE_FREE;
	f->generation++;
	f->next = fs->first_free_file;
	fs->first_free_file = (uint32_t)(f - fs->files);
	fs->files_used--;
}

/* --- all of them -------------------------------------------------------------*/

static int add_fixed(struct fs_dev *fs, enum fs_node_kind kind,
		     struct fs_node **out)
{
	int err = node_add(fs, out);

	if (!err)
		(*out)->kind = (uint8_t)kind;
	return err;
}

static int add_export(struct fs_dev *fs, uint32_t id)
{
	struct fs_call c = { .fs = fs };
	struct fs_engine g;
	struct fs_node *n;
	int err;

	fs_engine_init(&c, &g, FSRV_GETATTR, id);
	err = fs_engine_run(&c, &g);
	if (!err)
		err = add_fixed(fs, FS_NODE_OBJECT, &n);
	if (err)
		return err;
	n->export_id = (uint8_t)id;
	n->handle = id;
	n->dev = fs->root_dev[id] = g.reply.attr.dev;
	n->ino = g.reply.attr.ino;
	fs->export_flags[id] = fsrv_export_flags(fs->owner.server, id);
	return 0;
}

int fs_tables_init(struct fs_dev *fs, struct err *e)
{
	uint32_t half = fsrv_handles_max(fs->owner.server) / 2;
	uint32_t nr = fsrv_nr_exports(fs->owner.server);
	struct fs_node *n;
	struct fs_file *f;
	int err = 0;

	fs->files_max = half;
	fs->nodes_max = INDEX_EXPORTS + nr + half;
	/* indices that are not used */
	fs->nr_files = FS_HANDLE_SPECIAL;
	fs->nr_nodes = INDEX_ROOT;
	if (grow((void **)&fs->files, sizeof(*fs->files), 0, &fs->files_room) ||
	    grow((void **)&fs->nodes, sizeof(*fs->nodes), 0, &fs->nodes_room))
		return err_set(e, ENOMEM, "making the file system device");
	err = add_fixed(fs, FS_NODE_ROOT, &n);
	for (uint32_t i = 0; !err && i < FS_NR_SPECIAL; i++) {
		err = add_fixed(fs, FS_NODE_SPECIAL, &n);
		if (!err)
			err = fs_file_add(fs, FS_FILE_SPECIAL, &f);
		if (!err)
			n->special = f->special = (uint8_t)i;
	}
	fs->files_used = 0;	/* without those */
	for (uint32_t i = 0; !err && i < nr; i++) {
		err = add_export(fs, i);
		fs->nr_exports = i + 1;
	}
	return err ? err_set(e, -err, "preparing the files of the sandbox") :
		     0;
}

void fs_tables_clear(struct fs_dev *fs)
{
	for (uint32_t i = FIRST_FILE; i < fs->nr_files; i++)
		if (fs->files[i].kind != FS_FILE_FREE)
			fs_file_release(fs, &fs->files[i]);
	for (uint32_t i = INDEX_EXPORTS + fs->nr_exports; i < fs->nr_nodes; i++)
		if (fs->nodes[i].kind != FS_NODE_FREE)
			node_free(fs, &fs->nodes[i]);
}

void fs_tables_fini(struct fs_dev *fs)
{
	if (fs->nodes && fs->files)
		fs_tables_clear(fs);
	free(fs->nodes);
	free(fs->files);
}
