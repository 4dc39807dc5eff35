/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: requests to the file system device, over a still and a live
 * tree of its own. Input: requests, each
 *     u8 flags, u16 length, bytes
 * flags: 1 = put the real length into the header; 2 = a reply of 64 bytes at
 * most; 4 = into buffers of 7 bytes. FUSE_INIT comes before them.
 */
#include "../unit/dev/fs/fs_client.h"
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE_MAX	(1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fs_client client;

/* The C library's, instead: no disk is filled. */
int fallocate(int fd, int mode, off_t offset, off_t len)
{
	return offset < 0 || len <= 0 ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

static void make_tree(const char *root)
{
	static const char *const dirs[] = { "still", "live", "still/dir" };
	static const char *const files[] = { "still/file", "live/file" };
	char path[128];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, dirs[i]);
		mkdir(path, 0755);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%s", root, files[i]);
		fd = open(path, O_WRONLY | O_CREAT, 0644);
		if (fd < 0 || write(fd, "contents", 8) != 8)
			abort();
		close(fd);
	}
	snprintf(path, sizeof(path), "%s/still/link", root);
	if (symlink("/etc/passwd", path))
		abort();
}

static void run(const uint8_t *data, size_t size)
{
	while (size >= 3 && !client.fs->dev.broken) {
		size_t len = data[1] | (size_t)data[2] << 8;
		uint32_t real;
		uint8_t flags = data[0];

		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		memcpy(client.request, data, len);
		client.request_len = real = (uint32_t)len;
		if ((flags & 1) && len >= sizeof(real))
			memcpy(client.request, &real, sizeof(real));
		client.room = flags & 2 ? 64 : REPLY_ROOM;
		client.piece = flags & 4 ? 7 : 0;
		fs_send(&client);
		data += len;
		size -= len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rlimit limit = { FILE_SIZE_MAX, FILE_SIZE_MAX };
	char root[64] = "/tmp/mica-fuzz-XXXXXX", still[128], live[128];
	struct fs_tree trees[] = {
		{ still, FSRV_EXPORT_AS_NOBODY }, { live, FSRV_EXPORT_LIVE },
		{ NULL, 0 },
	};
	int null = open("/dev/null", O_RDWR), stdio[3] = { -1, null, null };

	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	if (null < 0 || !mkdtemp(root))
		abort();
	snprintf(still, sizeof(still), "%s/still", root);
	snprintf(live, sizeof(live), "%s/live", root);
	make_tree(root);
	fs_client_start(&client, trees, stdio, null);
	fs_init(&client);
	run(data, size);
	fs_client_stop(&client);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	close(null);
	return 0;
}
