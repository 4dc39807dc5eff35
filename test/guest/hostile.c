/* SPDX-License-Identifier: MIT */
/*
 * A kernel that has been taken over tries to write to what it was given to
 * read: a disk FILE:ro, and exports of the file system device, by every
 * request that changes something. It also leaves open files behind at resets.
 * test/kvm/run starts it as --kernel of a sandbox, with a disk and a file
 * "file" in the export number 0 (--root), and looks at both afterwards.
 */
#include "guest.h"
#include <linux/fuse.h>

const char guest_name[] = "hostile";

#define TYPE_BLK	2u
#define TYPE_FS		26u
#define SIZE		8u
#define NEXT		1u
#define WRITE		2u
#define FS_REQUESTS	1u		/* the queue */
#define READ_ONLY	30		/* EROFS */
#define BAD_FILE	9		/* EBADF */
#define NO_CALL		38		/* ENOSYS */
#define NOT_SUPPORTED	95		/* EOPNOTSUPP */
#define WAIT_MS		5000u

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct ring {
	struct desc desc[SIZE];
	volatile uint16_t avail_flags, avail_index, avail[SIZE], used_event;
	volatile uint16_t used_flags __attribute__((aligned(256)));
	volatile uint16_t used_index;
	volatile struct {
		uint32_t id, len;
	} used[SIZE];
	volatile uint16_t avail_event;
} __attribute__((aligned(4096)));

struct device {
	volatile uint32_t *regs;
	uint32_t queue;
	struct ring *ring;
};

static struct ring disk_ring, fs_ring;
static struct device disk, fs;

/* ---- devices ------------------------------------------------------------------ */

static void zero(volatile void *p, uint32_t n)
{
	while (n--)
		((volatile char *)p)[n] = 0;
}

static void copy(void *dst, const void *src, uint32_t n)
{
	while (n--)
		((char *)dst)[n] = ((const char *)src)[n];
}

static void set_address(struct device *d, uint32_t reg, const volatile void *p)
{
	d->regs[reg / 4] = (uint32_t)gpa_of(p);
	d->regs[reg / 4 + 1] = (uint32_t)(gpa_of(p) >> 32);
}

static bool bring_up(struct device *d)
{
	zero(d->ring, sizeof(*d->ring));
	d->regs[0x70 / 4] = 0;
	d->regs[0x70 / 4] = 1;
	d->regs[0x70 / 4] = 3;
	d->regs[0x24 / 4] = 1;
	d->regs[0x20 / 4] = 1;		/* VERSION_1 */
	d->regs[0x70 / 4] = 11;
	d->regs[0x30 / 4] = d->queue;
	d->regs[0x38 / 4] = SIZE;
	set_address(d, 0x80, d->ring->desc);
	set_address(d, 0x90, &d->ring->avail_flags);
	set_address(d, 0xa0, &d->ring->used_flags);
	d->regs[0x44 / 4] = 1;
	d->regs[0x70 / 4] = 15;
	return d->regs[0x70 / 4] == 15;
}

static bool find(struct device *d, uint32_t type, uint32_t queue,
		 struct ring *ring)
{
	const struct abi_device *found = device_of(type);

	if (!found)
		return false;
	d->regs = at(found->base);
	d->queue = queue;
	d->ring = ring;
	return bring_up(d);
}

/* The chain at descriptor 0. Returns whether the device answered. */
static bool submit(struct device *d)
{
	uint64_t end = ns_now() + WAIT_MS * NS_PER_MS;
	uint16_t before = d->ring->used_index;

	d->ring->avail[d->ring->avail_index % SIZE] = 0;
	__asm__ volatile("" ::: "memory");
	d->ring->avail_index++;
	__asm__ volatile("mfence" ::: "memory");
	d->regs[0x50 / 4] = d->queue;
	while (d->ring->used_index == before)
		if (ns_now() > end)
			return false;
	return true;
}

/* ---- the disk -------------------------------------------------------------------- */

static int disk_request(uint32_t type, char *sector)
{
	static struct {
		uint32_t type, reserved;
		uint64_t sector;
	} head;
	static volatile uint8_t status;
	uint16_t flags = type == 0 ? WRITE : 0;

	head.type = type;
	status = 0xff;
	disk.ring->desc[0] = (struct desc){ gpa_of(&head), 16, NEXT, 1 };
	disk.ring->desc[1] = (struct desc){ gpa_of(sector), 512, flags | NEXT,
					    2 };
	disk.ring->desc[2] = (struct desc){ gpa_of(&status), 1, WRITE, 0 };
	return submit(&disk) ? status : -1;
}

static void test_disk(void)
{
	static char sector[512];

	if (!find(&disk, TYPE_BLK, 0, &disk_ring)) {
		ok(false, "there is a disk");
		return;
	}
	ok(disk_request(0, sector) == 0 && sector[0] == 'o', "it can be read");
	zero(sector, sizeof(sector));
	ok(disk_request(1, sector) == 1, "it can not be written");
	ok(disk_request(11, sector) == 2 && disk_request(13, sector) == 2,
	   "nor cleared");
}

/* ---- files ---------------------------------------------------------------------- */

static struct {
	struct fuse_in_header h;
	char rest[512];
} request;
static struct {
	struct fuse_out_header h;
	char rest[2048];
} reply;

/* Returns the reply's error (0, -errno), or 1 without an answer. */
static int ask(uint32_t opcode, uint64_t node, const void *arg, uint32_t len,
	       const char *names, uint32_t names_len)
{
	zero(&request, sizeof(request));
	zero(&reply, sizeof(reply));
	request.h.len = (uint32_t)sizeof(request.h) + len + names_len;
	request.h.opcode = opcode;
	request.h.unique = 1;
	request.h.nodeid = node;
	copy(request.rest, arg, len);
	copy(request.rest + len, names, names_len);
	fs.ring->desc[0] = (struct desc){ gpa_of(&request), request.h.len,
					  NEXT, 1 };
	fs.ring->desc[1] = (struct desc){ gpa_of(&reply), sizeof(reply), WRITE,
					  0 };
	return submit(&fs) ? reply.h.error : 1;
}

static int fs_init(void)
{
	struct fuse_init_in in = { .major = 7, .minor = 31 };

	return ask(FUSE_INIT, 0, &in, sizeof(in), "", 0);
}

/* Returns the node's number, 0 if there is none. */
static uint64_t look_up(uint64_t dir, const char *name, uint32_t len)
{
	const struct fuse_entry_out *out = (void *)reply.rest;

	return ask(FUSE_LOOKUP, dir, "", 0, name, len) ? 0 : out->nodeid;
}

static int open_file(uint64_t node, uint32_t flags, uint64_t *fh)
{
	const struct fuse_open_out *out = (void *)reply.rest;
	struct fuse_open_in in = { .flags = flags };
	int err = ask(FUSE_OPEN, node, &in, sizeof(in), "", 0);

	*fh = err ? 0 : out->fh;
	return err;
}

static void test_open(uint64_t file)
{
	struct fuse_fallocate_in a = { .length = 4096 };
	struct fuse_write_in w = { .size = 4 };
	uint64_t fh;

	for (uint32_t how = 1; how < 4; how++)
		ok(open_file(file, how, &fh), "open for writing, %u", how);
	ok(open_file(file, 01000, &fh), "open and truncate");
	ok(!open_file(file, 0, &fh), "open for reading");
	w.fh = fh;
	ok(ask(FUSE_WRITE, file, &w, sizeof(w), "evil", 4) == -BAD_FILE,
	   "write to what is open for reading");
	for (a.fh = fh; a.mode < 4; a.mode++)	/* 3: make a hole */
		ok(ask(FUSE_FALLOCATE, file, &a, sizeof(a), "", 0) ==
		   -NOT_SUPPORTED, "fallocate, %u", a.mode);
}

static void test_setattr(uint64_t file)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE };
	uint64_t fh;

	ok(ask(FUSE_SETATTR, file, &in, sizeof(in), "", 0) == -READ_ONLY,
	   "truncate");
	in.valid = FATTR_MODE;
	in.mode = 0777;
	ok(ask(FUSE_SETATTR, file, &in, sizeof(in), "", 0) == -READ_ONLY,
	   "chmod");
	in.valid = FATTR_SIZE | FATTR_FH;
	in.fh = open_file(file, 0, &fh) ? 0 : fh;
	ok(ask(FUSE_SETATTR, file, &in, sizeof(in), "", 0) == -READ_ONLY,
	   "truncate the open file");
}

static void test_names(uint64_t dir, uint64_t file)
{
	struct fuse_create_in create = { .flags = 2, .mode = 0644 };
	struct fuse_mkdir_in mkdir = { .mode = 0755 };
	struct fuse_mknod_in mknod = { .mode = 0100644 };
	struct fuse_rename_in to = { .newdir = dir };
	struct fuse_link_in link = { .oldnodeid = file };

	ok(ask(FUSE_CREATE, dir, &create, sizeof(create), "new", 4) ==
	   -READ_ONLY, "create");
	ok(ask(FUSE_MKDIR, dir, &mkdir, sizeof(mkdir), "new", 4) == -READ_ONLY,
	   "mkdir");
	ok(ask(FUSE_MKNOD, dir, &mknod, sizeof(mknod), "new", 4) == -READ_ONLY,
	   "mknod");
	ok(ask(FUSE_SYMLINK, dir, "", 0, "new\0to", 7) == -READ_ONLY, "symlink");
	ok(ask(FUSE_LINK, dir, &link, sizeof(link), "new", 4) == -READ_ONLY,
	   "link");
	ok(ask(FUSE_RENAME, dir, &to, sizeof(to), "file\0new", 9) ==
	   -READ_ONLY, "rename");
	ok(ask(FUSE_UNLINK, dir, "", 0, "file", 5) == -READ_ONLY, "unlink");
	ok(ask(FUSE_RMDIR, dir, "", 0, "dir", 4) == -READ_ONLY, "rmdir");
	ok(ask(FUSE_SETXATTR, dir, "", 0, "", 0) == -NO_CALL &&
	   ask(FUSE_COPY_FILE_RANGE, dir, "", 0, "", 0) == -NO_CALL,
	   "what is not there");
}

/* Names that would lead out of the export. */
static void test_escape(uint64_t dir)
{
	ok(!look_up(dir, "..", 3) && !look_up(dir, ".", 2), "..");
	ok(!look_up(dir, "dir/../..", 10) && !look_up(dir, "/etc", 5), "/");
	ok(!look_up(1, "99", 3) && !look_up(77, "file", 5),
	   "exports and nodes that do not exist");
}

/* Files are open and a READ waits: the device must forget all of it. */
static void test_resets(void)
{
	uint32_t good = 0;

	for (uint32_t i = 0; i < 20; i++) {
		uint64_t dir, file, fh;

		good += bring_up(&fs) && !fs_init();
		dir = look_up(1, "0", 2);
		file = look_up(dir, "file", 5);
		good += dir && file && !open_file(file, 0, &fh);
	}
	ok(good == 40, "a reset with files open, twenty times");
}

void guest_main(void)
{
	uint64_t dir, file;

	test_disk();
	if (!find(&fs, TYPE_FS, FS_REQUESTS, &fs_ring) || fs_init()) {
		ok(false, "there is a file system device");
		return;
	}
	dir = look_up(1, "0", 2);
	file = look_up(dir, "file", 5);
	ok(dir && file, "there is a file");
	test_open(file);
	test_setattr(file);
	test_names(dir, file);
	test_escape(dir);
	test_resets();
}
