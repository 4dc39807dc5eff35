/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the bytes are an EROFS image. Whatever it says, all that can be
 * asked of a file system is asked of it; what is broken aborts: names with
 * slashes, a way down that leads back up, more bytes than a file has, mappings
 * of what is not in the image. Memory errors are the sanitizers' to find. A
 * second round without the checksum gets further.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/erofs/erofs.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"

#define CHECK(e) do { if (!(e)) abort(); } while (0)
#define DEPTH_MAX	6u
#define NAMES_MAX	24u
#define OBJECTS_MAX	150u
#define PIECE		5000u

void abort(void) __noreturn;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The image as a file. */
static const uint8_t *image_data;
static uint64_t image_size;

static ssize_t image_read(struct file *f, struct uio *u, uint64_t *pos)
{
	size_t n;

	CHECK(*pos <= INT64_MAX);
	if (*pos >= image_size)
		return 0;
	n = uio_fill(u, image_data + *pos, MIN(u->left, image_size - *pos));
	*pos += n;
	return (ssize_t)n;
}

static int image_map(struct file *f, uint64_t off, uint64_t len,
		     bool write_shared, struct map_extent *out)
{
	CHECK(!write_shared && !(off % PAGE_SIZE) && len);
	memset(out, 0, sizeof(*out));
	out->backing.kind = PLAT_BACK_HOST;
	out->backing.offset = off;
	out->len = len;
	return 0;
}

static const struct file_ops image_ops = {
	.read = image_read, .map = image_map,
};

/* Where the walk is. */
struct place {
	const struct place *up;
	struct inode *dir;
	uint32_t depth;
};

struct names {
	struct dir_sink sink;
	uint32_t nr, stop_at;
	uint64_t last_pos;
	char name[NAMES_MAX][256];
};

static uint32_t nr_objects;

static bool take_name(struct dir_sink *s, const char *name, size_t len,
		      uint64_t ino, uint8_t type, uint64_t next_pos)
{
	struct names *n = container_of(s, struct names, sink);

	CHECK(len && len <= 255 && type <= 12 && next_pos > n->last_pos);
	for (size_t i = 0; i < len; i++)
		CHECK(name[i] && name[i] != '/');
	if (n->nr == n->stop_at)
		return false;
	n->last_pos = next_pos;
	memcpy(n->name[n->nr], name, len);
	n->name[n->nr++][len] = 0;
	return true;
}

static void read_file(struct inode *i, struct file *f)
{
	static char buf[PIECE];
	const uint64_t at[] = { 0, 4090, i->size / 2, i->size - 1 };
	struct map_extent e;
	struct kiovec iov;
	struct uio u;

	for (size_t k = 0; k < ARRAY_LEN(at); k++) {
		uint64_t pos = at[k];
		ssize_t n;

		uio_init(&u, &iov, buf, sizeof(buf), false);
		n = f->ops->read(f, &u, &pos);
		CHECK(n <= (ssize_t)PIECE);
		CHECK(n <= 0 || (uint64_t)n <= i->size - at[k]);
		if (f->ops->map(f, PAGE_DOWN(at[k]), 3 * PAGE_SIZE, false,
				&e) || !e.len)
			continue;
		CHECK(e.len <= 3 * PAGE_SIZE && e.len % PAGE_SIZE == 0);
		CHECK(e.backing.kind != PLAT_BACK_HOST ||
		      (!(e.backing.offset % PAGE_SIZE) &&
		       erofs_is_inside(erofs_of(i), e.backing.offset, e.len)));
	}
}

static void ask_attributes(struct inode *i)
{
	static char buf[4096];
	ssize_t n = i->ops->listxattr(i, buf, sizeof(buf));
	struct kstat st;

	inode_getattr(i, &st);
	CHECK(n <= (ssize_t)sizeof(buf) && (n <= 0 || !buf[n - 1]));
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(buf + at) + 1) {
		static char value[70000];

		CHECK(i->ops->getxattr(i, buf + at, value, sizeof(value)) <=
		      (ssize_t)sizeof(value));
		i->ops->getxattr(i, buf + at, value, 1);
		i->ops->getxattr(i, buf + at, NULL, 0);
	}
	CHECK(i->ops->getxattr(i, "user.none of them", buf, 1) < 0);
}

static void visit(const struct place *up, struct inode *i);

static void list(const struct place *here, struct file *f)
{
	struct names *n = kzalloc(sizeof(*n));
	struct inode *i;

	CHECK(n);
	n->sink.emit = take_name;
	n->stop_at = NAMES_MAX / 2;
	f->ops->readdir(f, &n->sink);	/* in two pieces */
	n->stop_at = NAMES_MAX;
	f->ops->readdir(f, &n->sink);
	for (uint32_t k = 0; k < n->nr && nr_objects < OBJECTS_MAX; k++) {
		if (!strcmp(n->name[k], ".") || !strcmp(n->name[k], ".."))
			continue;
		if (here->dir->ops->lookup(here->dir, n->name[k], &i))
			continue;
		visit(here, i);
		inode_put(i);
	}
	if (!here->dir->ops->lookup(here->dir, "no such name", &i))
		inode_put(i);
	/* anywhere that a program may seek to */
	for (f->pos = 1; f->pos < here->dir->size && f->pos < 40; f->pos += 5) {
		uint64_t pos = f->pos;

		n->nr = 0;
		n->last_pos = 0;
		n->stop_at = 3;
		f->ops->readdir(f, &n->sink);
		f->pos = pos;
	}
	kfree(n);
}

static void visit(const struct place *up, struct inode *i)
{
	struct place here = { up, i, up ? up->depth + 1 : 0 };
	struct file *f = file_alloc(inode_get(i), O_RDONLY, FMODE_READ);

	CHECK(f);
	nr_objects++;
	for (const struct place *p = up; p; p = p->up)
		CHECK(!S_ISDIR(i->mode) || p->dir->ino != i->ino);
	ask_attributes(i);
	if (S_ISLNK(i->mode)) {
		char text[4096];

		CHECK(i->ops->readlink(i, text, sizeof(text)) <= 4095);
	} else if (S_ISREG(i->mode)) {
		read_file(i, f);
	} else if (S_ISDIR(i->mode) && here.depth < DEPTH_MAX) {
		list(&here, f);
	}
	file_put(f);
}

static void try_image(uint8_t *data, size_t size)
{
	static struct super host;
	struct inode inode = { .sb = &host, .mode = S_IFREG,
			       .refs = { 2 } };
	struct file *f = file_alloc(&inode, O_RDONLY, FMODE_READ | FMODE_SEEK);
	struct super *sb;
	int err;

	CHECK(f);
	f->ops = &image_ops;
	list_init(&inode.watches);
	image_data = data;
	image_size = size;
	nr_objects = 0;
	err = erofs_create(f, &sb);
	if (!err) {
		visit(NULL, sb->root);
		super_put(sb);
	}
	CHECK(ref_read(&f->refs) == 1);
	file_put(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* exactly as long, so that reading beyond is seen */
	uint8_t *copy = kmalloc(size ? size : 1);

	CHECK(copy);
	memcpy(copy, data, size);
	try_image(copy, size);
	if (size >= EROFS_SUPER_AT + sizeof(struct erofs_super)) {
		copy[EROFS_SUPER_AT + offsetof(struct erofs_super, compat)] &=
			(uint8_t)~EROFS_COMPAT_CHECKSUM;
		try_image(copy, size);
	}
	kfree(copy);
	return 0;
}
