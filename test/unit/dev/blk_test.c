/* SPDX-License-Identifier: MIT */
/*
 * The block device: what is read and written, bounds, a read-only disk, errors
 * of the host (a file that shrinks, a full one), requests that break it.
 */
#include "dev/blk.h"
#include "fake_guest.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTORS		64u
#define HEADER		DATA_BASE
#define STATUS		(DATA_BASE + 0x100)
#define DATA		(DATA_BASE + 0x1000)
#define WRITE		VRING_DESC_F_WRITE
#define NEXT		VRING_DESC_F_NEXT
#define NO_STATUS	0xee

static struct fake_guest g;
static struct blk_dev blk;
static int disk;	/* another descriptor of the file */

static unsigned char pattern(uint64_t offset)
{
	return (unsigned char)(offset / BLK_SECTOR * 7 + offset % 251);
}

static void set_up_on(int fd, bool read_only, uint64_t features)
{
	struct blk_file f = { fd, read_only, SECTORS };

	guest_init(&g);
	blk_init(&blk, "blk0", &g.memory, &f);
	guest_attach(&g, &blk.dev);
	guest_up(&g, features);
}

static void set_up(bool read_only)
{
	unsigned char bytes[BLK_SECTOR * SECTORS];

	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = pattern(i);
	disk = memfd_create("disk", MFD_CLOEXEC);
	if (disk < 0 || pwrite(disk, bytes, sizeof(bytes), 0) !=
	    sizeof(bytes))
		abort();
	set_up_on(dup(disk), read_only,
		  VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH));
}

static void tear_down(void)
{
	blk_fini(&blk);
	guest_fini(&g);
	if (disk >= 0)
		close(disk);
	disk = -1;
}

static void put_header(uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr h = { .type = type, .sector = sector };

	memcpy(guest_at(&g, HEADER), &h, sizeof(h));
	*(unsigned char *)guest_at(&g, STATUS) = NO_STATUS;
}

/* One request with one data buffer of len bytes. Returns its status. */
static uint8_t request(uint32_t type, uint64_t sector, uint32_t len)
{
	uint16_t flags = type == VIRTIO_BLK_T_OUT ? NEXT : NEXT | WRITE;
	uint32_t id, used;

	put_header(type, sector);
	put_desc(&g, 0, 0, HEADER, sizeof(struct virtio_blk_outhdr), NEXT,
		 len ? 1 : 2);
	put_desc(&g, 0, 1, DATA, len, flags, 2);
	put_desc(&g, 0, 2, STATUS, 1, WRITE, 0);
	offer(&g, 0, 0);
	virtio_dev_kick(&blk.dev, 0);
	if (!take_used(&g, 0, &id, &used))
		return NO_STATUS;
	return *(unsigned char *)guest_at(&g, STATUS);
}

static bool data_is_pattern(uint64_t offset, uint32_t len)
{
	const unsigned char *p = guest_at(&g, DATA);

	for (uint32_t i = 0; i < len; i++)
		if (p[i] != pattern(offset + i))
			return false;
	return true;
}

static void test_read(void)
{
	set_up(false);
	CHECK(request(VIRTIO_BLK_T_IN, 0, 512) == VIRTIO_BLK_S_OK);
	CHECK(data_is_pattern(0, 512));
	CHECK(request(VIRTIO_BLK_T_IN, 3, 4096) == VIRTIO_BLK_S_OK);
	CHECK(data_is_pattern(3 * 512, 4096));
	CHECK(request(VIRTIO_BLK_T_IN, SECTORS - 1, 512) == VIRTIO_BLK_S_OK);
	CHECK(request(VIRTIO_BLK_T_IN, 0, 0) == VIRTIO_BLK_S_OK);
	CHECK(blk.nr_requests == 4 && !blk.nr_io_errors);
	tear_down();
}

static void test_write(void)
{
	char back[1024];

	set_up(false);
	memset(guest_at(&g, DATA), 'w', 1024);
	CHECK(request(VIRTIO_BLK_T_OUT, 5, 1024) == VIRTIO_BLK_S_OK);
	CHECK(pread(disk, back, 1024, 5 * 512) == 1024);
	CHECK(back[0] == 'w' && back[1023] == 'w');
	CHECK(pread(disk, back, 1, 7 * 512) == 1);
	CHECK((unsigned char)back[0] == pattern(7 * 512));
	CHECK(request(VIRTIO_BLK_T_FLUSH, 0, 0) == VIRTIO_BLK_S_OK);
	tear_down();
}

/* Without FLUSH agreed every write is safe at once: it still works. */
static void test_write_through(void)
{
	set_up(false);
	guest_up(&g, 0);
	CHECK(request(VIRTIO_BLK_T_OUT, 5, 512) == VIRTIO_BLK_S_OK);
	tear_down();
}

static void test_bounds(void)
{
	static const struct {
		uint64_t sector;
		uint32_t len;
	} cases[] = {
		{ SECTORS, 512 }, { SECTORS - 1, 1024 }, { 0, 511 },
		{ 0, 513 }, { UINT64_MAX, 512 }, { UINT64_MAX / 512, 512 },
		{ UINT64_MAX / 512 + 1, 512 }, { 1ull << 63, 512 },
		{ 0, 512 * (SECTORS + 1) },
	};

	set_up(false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK(request(VIRTIO_BLK_T_IN, cases[i].sector,
			      cases[i].len) == VIRTIO_BLK_S_IOERR);
		CHECK(request(VIRTIO_BLK_T_OUT, cases[i].sector,
			      cases[i].len) == VIRTIO_BLK_S_IOERR);
	}
	CHECK(blk.nr_refused == 18 && !blk.nr_io_errors && !g.nr_reports);
	CHECK(lseek(disk, 0, SEEK_END) == SECTORS * 512);
	CHECK(!needs_reset(&g));
	tear_down();
}

static void test_read_only(void)
{
	char back;

	set_up(true);
	reg_set(&g, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	CHECK(reg_get(&g, VIRTIO_MMIO_DEVICE_FEATURES) &
	      VIRTIO_FEATURE(VIRTIO_BLK_F_RO));
	memset(guest_at(&g, DATA), 'w', 512);
	CHECK(request(VIRTIO_BLK_T_OUT, 0, 512) == VIRTIO_BLK_S_IOERR);
	CHECK(pread(disk, &back, 1, 0) == 1 &&
	      (unsigned char)back == pattern(0));
	CHECK(request(VIRTIO_BLK_T_IN, 0, 512) == VIRTIO_BLK_S_OK);
	CHECK(request(VIRTIO_BLK_T_FLUSH, 0, 0) == VIRTIO_BLK_S_OK);
	tear_down();
}

static void test_id(void)
{
	set_up(false);
	CHECK(request(VIRTIO_BLK_T_GET_ID, 0, 20) == VIRTIO_BLK_S_OK);
	CHECK(!strcmp(guest_at(&g, DATA), "mica-blk0"));
	memset(guest_at(&g, DATA), 'x', 8);
	CHECK(request(VIRTIO_BLK_T_GET_ID, 0, 4) == VIRTIO_BLK_S_OK);
	CHECK(!memcmp(guest_at(&g, DATA), "micax", 5));
	tear_down();
}

static void test_unknown_request(void)
{
	set_up(false);
	CHECK(request(VIRTIO_BLK_T_DISCARD, 0, 512) == VIRTIO_BLK_S_UNSUPP);
	CHECK(request(0xffffffff, 0, 512) == VIRTIO_BLK_S_UNSUPP);
	tear_down();
}

/* Header in three pieces, data in two, status alone and shared. */
static void test_split_request(void)
{
	uint32_t id, len;

	set_up(false);
	put_header(VIRTIO_BLK_T_IN, 1);
	put_desc(&g, 0, 0, HEADER, 1, NEXT, 1);
	put_desc(&g, 0, 1, HEADER + 1, 8, NEXT, 2);
	put_desc(&g, 0, 2, HEADER + 9, 7, NEXT, 3);
	put_desc(&g, 0, 3, DATA, 100, NEXT | WRITE, 4);
	put_desc(&g, 0, 4, DATA + 100, 413, WRITE, 0);	/* and status */
	offer(&g, 0, 0);
	virtio_dev_kick(&blk.dev, 0);
	CHECK(take_used(&g, 0, &id, &len) && len == 513);
	CHECK(data_is_pattern(512, 512));
	CHECK(((unsigned char *)guest_at(&g, DATA))[512] ==
	      VIRTIO_BLK_S_OK);
	tear_down();
}

static void test_broken_requests(void)
{
	set_up(false);
	put_header(VIRTIO_BLK_T_IN, 0);
	put_desc(&g, 0, 0, HEADER, 15, NEXT, 1);	/* short header */
	put_desc(&g, 0, 1, STATUS, 1, WRITE, 0);
	offer(&g, 0, 0);
	virtio_dev_kick(&blk.dev, 0);
	CHECK(needs_reset(&g) && strstr(g.report, "no header"));
	guest_up(&g, 0);
	put_desc(&g, 0, 0, HEADER, 16, 0, 0);		/* no status */
	offer(&g, 0, 0);
	virtio_dev_kick(&blk.dev, 0);
	CHECK(needs_reset(&g) && strstr(g.report, "place for its status"));
	guest_up(&g, 0);
	CHECK(request(VIRTIO_BLK_T_IN, 0, 512) == VIRTIO_BLK_S_OK);
	tear_down();
}

static void test_truncated(void)
{
	set_up(false);
	CHECK(!ftruncate(disk, 1024));
	CHECK(request(VIRTIO_BLK_T_IN, 1, 512) == VIRTIO_BLK_S_OK);
	CHECK(request(VIRTIO_BLK_T_IN, 1, 1024) == VIRTIO_BLK_S_IOERR);
	CHECK(request(VIRTIO_BLK_T_IN, 9, 512) == VIRTIO_BLK_S_IOERR);
	CHECK(request(VIRTIO_BLK_T_OUT, 9, 512) == VIRTIO_BLK_S_IOERR);
	CHECK(lseek(disk, 0, SEEK_END) == 1024);
	CHECK(blk.nr_io_errors == 3 && g.nr_reports == 1);
	CHECK(strstr(g.report, "become shorter"));
	CHECK(!needs_reset(&g));
	tear_down();
}

/* The host takes no more: a limit of file sizes stands for a full disk. */
static void test_full(void)
{
	struct rlimit old, low;

	set_up(false);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low = old;
	low.rlim_cur = 8 * 512;
	setrlimit(RLIMIT_FSIZE, &low);
	CHECK(request(VIRTIO_BLK_T_OUT, 7, 512) == VIRTIO_BLK_S_OK);
	/* first part taken, the rest not */
	CHECK(request(VIRTIO_BLK_T_OUT, 7, 1024) == VIRTIO_BLK_S_IOERR);
	CHECK(request(VIRTIO_BLK_T_OUT, 8, 512) == VIRTIO_BLK_S_IOERR);
	CHECK(request(VIRTIO_BLK_T_IN, 8, 512) == VIRTIO_BLK_S_OK);
	CHECK(blk.nr_io_errors == 2 && g.nr_reports == 1);
	CHECK(strstr(g.report, "File too large"));
	setrlimit(RLIMIT_FSIZE, &old);
	CHECK(request(VIRTIO_BLK_T_OUT, 8, 512) == VIRTIO_BLK_S_OK);
	CHECK(!needs_reset(&g));
	tear_down();
}

/* A descriptor that fails each call with EBADF stands for a dead disk. */
static void test_dead(void)
{
	set_up(false);
	close(blk.file.fd);
	CHECK(request(VIRTIO_BLK_T_IN, 0, 512) == VIRTIO_BLK_S_IOERR);
	CHECK(request(VIRTIO_BLK_T_OUT, 0, 512) == VIRTIO_BLK_S_IOERR);
	CHECK(request(VIRTIO_BLK_T_FLUSH, 0, 0) == VIRTIO_BLK_S_IOERR);
	CHECK(blk.nr_io_errors == 3 && g.nr_reports == 1);
	blk.file.fd = -1;
	tear_down();
}

/* Nobody is served for ever: a batch, then the others have their turn. */
static void test_batch(void)
{
	uint16_t used;

	set_up(false);
	guest_features(&g, VIRTIO_FEATURE(VIRTIO_F_VERSION_1));
	guest_queue(&g, 0, 128);
	reg_set(&g, VIRTIO_MMIO_STATUS, S_OK);
	put_header(VIRTIO_BLK_T_GET_ID, 0);
	put_desc(&g, 0, 0, HEADER, 16, NEXT, 1);
	put_desc(&g, 0, 1, STATUS, 1, WRITE, 0);
	set_avail_index(&g, 0, 128);
	CHECK(virtio_dev_kick(&blk.dev, 0));
	memcpy(&used, guest_at(&g, ring_used(0) + 2), 2);
	CHECK(used == VIRTIO_BATCH);
	CHECK(!virtio_dev_kick(&blk.dev, 0));
	memcpy(&used, guest_at(&g, ring_used(0) + 2), 2);
	CHECK(used == 128);
	tear_down();
}

const struct unit_test blk_tests[] = {
	{ "blk reads", test_read }, { "blk writes", test_write },
	{ "blk writes through", test_write_through },
	{ "blk bounds", test_bounds }, { "blk read-only", test_read_only },
	{ "blk id", test_id }, { "blk unknown request", test_unknown_request },
	{ "blk split request", test_split_request },
	{ "blk broken requests", test_broken_requests },
	{ "blk truncated file", test_truncated },
	{ "blk full host", test_full }, { "blk dead disk", test_dead },
	{ "blk batch", test_batch }, { NULL, NULL },
};

/* ---- opening ------------------------------------------------------------------- */

static void expect_open(const char *path, bool read_only, int err,
			const char *text)
{
	struct blk_file f;
	struct err e = { 0 };
	int got = blk_file_open(&f, path, read_only, &e);

	if (got != err || (text && !strstr(e.text, text)))
		printf("# %s: %d '%s'\n", path, got, e.text);
	CHECK(got == err);
	CHECK(!text || strstr(e.text, text));
	CHECK(err ? f.fd < 0 : f.fd >= 0);
	blk_file_close(&f);
}

static void test_open(void)
{
	char dir[] = "/tmp/mica-blk-XXXXXX", name[64], fifo[64];
	struct blk_file a, b;
	struct err e;
	int fd;

	CHECK(mkdtemp(dir));
	snprintf(name, sizeof(name), "%s/disk", dir);
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	expect_open(name, false, -ENOENT, "opening disk");
	expect_open(dir, false, -EISDIR, "is a directory; --volume");
	expect_open(dir, true, -EISDIR, "is a directory");
	expect_open("/dev/null", true, -EINVAL, "neither a file nor");
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	expect_open(name, false, -EINVAL, "is empty");
	CHECK(!ftruncate(fd, 1300));
	expect_open(name, false, 0, NULL);
	CHECK(!blk_file_open(&a, name, true, &e) && a.nr_sectors == 2);
	CHECK((fcntl(a.fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
	CHECK(!blk_file_open(&b, name, true, &e));
	expect_open(name, false, -EBUSY, "in use by another");
	blk_file_close(&a);
	blk_file_close(&b);
	CHECK(!blk_file_open(&a, name, false, &e));
	expect_open(name, true, -EBUSY, "in use by another sandbox that");
	blk_file_close(&a);
	close(fd);
	unlink(name);
	rmdir(dir);
}

static void test_open_read_only(void)
{
	char name[] = "/tmp/mica-blk-XXXXXX";
	int fd = mkstemp(name);
	bool root = !geteuid();

	CHECK(fd >= 0 && !ftruncate(fd, 512) && !fchmod(fd, 0444));
	CHECK(!root || !seteuid(65534));
	expect_open(name, false, -EACCES, ":ro attaches it read-only");
	expect_open(name, true, 0, NULL);
	CHECK(!root || !seteuid(0));
	close(fd);
	unlink(name);
}

const struct unit_test blk_file_tests[] = {
	{ "disk opening", test_open },
	{ "disk that can not be written", test_open_read_only },
	{ NULL, NULL },
};
