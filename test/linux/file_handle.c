/* SPDX-License-Identifier: MIT */
/*
 * File handles, and small questions about the system that came with them:
 * which security modules there are, how many groups setgroups takes.
 */
#include "harness.h"

#include <grp.h>

struct handle {
	unsigned bytes;
	int type;
	unsigned char data[128];
};

static long name_to(const char *name, struct handle *h, int *mnt, int flags)
{
	return syscall(SYS_name_to_handle_at, AT_FDCWD, name, h, mnt, flags);
}


TEST(errors)
{
	struct handle h = { .bytes = 128 }, small = { .bytes = 0 },
		      large = { .bytes = 129 };
	int mnt;

	put_file("f", "x");
	show(syscall(SYS_name_to_handle_at, -1, "f", &h, &mnt, 0));
	show(syscall(SYS_name_to_handle_at, 0, "", &h, &mnt, 0));
	show(name_to(bad_pointer(), &h, &mnt, 0));
	show(name_to("none", &h, &mnt, 0));
	show(name_to("f", &h, &mnt, -1));
	show(name_to("f", &h, &mnt, 0x202));
	show(name_to("f", &large, &mnt, 0x200));
	show(name_to("f", &small, &mnt, 0x200));
	fact(small.bytes > 0);
	show(name_to("f", &h, bad_pointer(), 0x200));
	show(name_to("f", bad_pointer(), &mnt, 0x200));
	show(name_to("/proc/filesystems", &h, &mnt, 0));
	h.bytes = 128;
	show(name_to("/proc/filesystems", &h, &mnt, 0x200));
	show(syscall(SYS_open_by_handle_at, AT_FDCWD, bad_pointer(), O_RDONLY));
	h.bytes = 0;
	show(syscall(SYS_open_by_handle_at, 0, &h, O_RDONLY));
	h.bytes = 200;
	show(syscall(SYS_open_by_handle_at, 0, &h, O_RDONLY));
}

TEST(same_file_same_handle)
{
	struct handle a = { .bytes = 128 }, b = a, c = a;
	int mnt;

	put_file("f", "x");
	put_file("g", "x");
	must(link("f", "l"));
	must(name_to("f", &a, &mnt, 0x200));
	must(name_to("l", &b, &mnt, 0x200));
	must(name_to("g", &c, &mnt, 0x200));
	fact(a.bytes == b.bytes && !memcmp(&a, &b, 8 + a.bytes));
	fact(a.bytes != c.bytes || memcmp(&a, &c, 8 + a.bytes));
}

TEST(open_by_number)
{
	char dir[] = "/dev/shm/handleXXXXXX", name[64];
	struct handle h = { .bytes = 128 };
	int mnt, at, fd;
	long err;

	if (!mkdtemp(dir))
		skip("no /dev/shm");
	snprintf(name, sizeof(name), "%s/f", dir);
	put_file(name, "text");
	at = must(open(dir, O_RDONLY));
	err = name_to(name, &h, &mnt, 0);
	fd = (int)syscall(SYS_open_by_handle_at, at, &h, O_RDONLY);
	if (fd < 0 && errno == EPERM) {
		unlink(name);
		rmdir(dir);
		skip("needs CAP_DAC_READ_SEARCH");
	}
	num(err);
	fact(fd >= 0);
	fact(read(fd, name + 40, 10) == 4 && !memcmp(name + 40, "text", 4));
	close(fd);
	name[strlen(dir)] = '/';
	unlink(name);
	h.data[0] ^= 0x55;
	show(syscall(SYS_open_by_handle_at, at, &h, O_RDONLY));
	rmdir(dir);
}

TEST(security_modules)
{
	uint64_t ids[32] = { 0 };
	uint32_t size = sizeof(ids), none = 0;
	long n = syscall(461, ids, &size, 0);
	bool found = false;

	if (n < 0 && errno == ENOSYS)
		skip("no lsm_list_modules");
	for (long i = 0; i < n; i++)
		found |= ids[i] == 100;
	fact(found);
	fact(size == n * sizeof(ids[0]));
	show(syscall(461, ids, &none, 0));
	fact(none == size);
	show(syscall(461, ids, &size, 1));
	show(syscall(461, ids, NULL, 0));
	show(syscall(461, NULL, &size, 0));
}

TEST(too_many_groups)
{
	need_root();
	show(setgroups(65537, bad_pointer()));
	show(setgroups(65536, bad_pointer()));
	show(setgroups(2, bad_pointer()));
}
