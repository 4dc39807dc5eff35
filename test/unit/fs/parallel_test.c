/* SPDX-License-Identifier: MIT */
/* Unit tests: several threads at once; memory that runs out. */
#include "fs/helpers.h"

static void *pipe_writer(void *arg)
{
	struct file *f = arg;
	uint32_t i;

	for (i = 0; i < 50000; i++)
		if (put(f, (char *)&i, 4, NULL) != 4)
			break;
	file_put(f);
	return NULL;
}

void test_pipe_threads(void)
{
	struct file *f[2];
	unsigned long t;
	uint32_t v, n = 0, bad = 0;

	CHECK_EQ(pipe_create(f, 0), 0);
	pipe_set_size(pipe_of_file(f[0]), 4096, false);
	pthread_create(&t, NULL, pipe_writer, f[1]);
	while (get(f[0], &v, 4, NULL) == 4)
		bad += v != n++;
	pthread_join(t, NULL);
	CHECK_EQ(n, 50000);
	CHECK_EQ(bad, 0);
	file_put(f[0]);
}

enum { CROWD = 3, CROWD_WRITES = 4000, CROWD_BYTES = 300 };
static uint64_t crowd_read;	/* atomic */

static void *crowd_writer(void *arg)
{
	char buf[CROWD_BYTES];
	struct file *f = arg;

	memset(buf, 7, sizeof(buf));
	for (uint32_t i = 0; i < CROWD_WRITES; i++)
		if (put(f, buf, sizeof(buf), NULL) != CROWD_BYTES)
			break;
	return NULL;
}

static void *crowd_reader(void *arg)
{
	struct file *f = arg;
	char buf[1000];
	ssize_t n;

	/* sizes that leave something behind for the others */
	while ((n = get(f, buf, 1 + (crowd_read & 511), NULL)) > 0)
		__atomic_fetch_add(&crowd_read, (uint64_t)n, __ATOMIC_RELAXED);
	return NULL;
}

/* Several sleepers on both sides: no wake-up gets lost, no byte either. */
void test_pipe_crowd(void)
{
	unsigned long r[CROWD], w[CROWD];
	struct file *f[2];

	crowd_read = 0;
	CHECK_EQ(pipe_create(f, 0), 0);
	pipe_set_size(pipe_of_file(f[0]), 4096, false);
	for (uint32_t i = 0; i < CROWD; i++) {
		pthread_create(&r[i], NULL, crowd_reader, f[0]);
		pthread_create(&w[i], NULL, crowd_writer, f[1]);
	}
	for (uint32_t i = 0; i < CROWD; i++)
		pthread_join(w[i], NULL);
	file_put(f[1]);
	for (uint32_t i = 0; i < CROWD; i++)
		pthread_join(r[i], NULL);
	CHECK_EQ(crowd_read, CROWD * CROWD_WRITES * CROWD_BYTES);
	file_put(f[0]);
}

static uint32_t thread_errors;

/* Names are made, moved and removed while others walk them. */
static void *name_worker(void *arg)
{
	char a[] = "/t/w0/a", b[] = "/t/w0/b";
	struct file *f;

	for (uint32_t i = 0; i < 3000; i++) {
		int err;

		a[4] = (char)('0' + i % 3);
		b[4] = (char)('0' + (i + (uintptr_t)arg) % 3);
		err = open_as(&ctx, a, O_CREAT | O_RDWR, &f);
		if (!err)
			file_put(f);
		else if (err != -ENOENT)
			thread_errors++;
		err = vfs_rename(&ctx, a, &ctx, b, 0);
		if (err && err != -ENOENT)
			thread_errors++;
		err = vfs_unlink(&ctx, b);
		if (err && err != -ENOENT)
			thread_errors++;
		if (i % 64 == 0)
			vfs_shrink(0);
	}
	return NULL;
}

void test_name_threads(void)
{
	unsigned long t[4];

	for (uint32_t i = 0; i < 3; i++) {
		char d[] = "/t/w0";

		d[4] = (char)('0' + i);
		CHECK_EQ(vfs_mkdir(&ctx, d, 0755), 0);
	}
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, name_worker, (void *)i);
	for (uint32_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(thread_errors, 0);
	for (uint32_t i = 0; i < 3; i++) {
		char d[] = "/t/w0", n[] = "/t/w0/a";

		d[4] = n[4] = (char)('0' + i);
		vfs_unlink(&ctx, n);
		n[6] = 'b';
		vfs_unlink(&ctx, n);
		CHECK_EQ(vfs_rmdir(&ctx, d), 0);
	}
}

/* Every allocation fails once: an error, but no leak and no crash. */
void test_no_memory(void)
{
	struct file *f;
	uint32_t n;
	int err;

	for (n = 1; n < 40; n++) {
		heap_fail_after(n);
		err = open_as(&ctx, "/t/nm", O_CREAT | O_RDWR, &f);
		if (!err) {
			put(f, "x", 1, NULL);
			file_put(f);
		}
		vfs_symlink(&ctx, "nm", "/t/ns");
		vfs_rename(&ctx, "/t/nm", &ctx, "/t/ns", 0);
		heap_fail_after(0);
		vfs_unlink(&ctx, "/t/nm");
		vfs_unlink(&ctx, "/t/ns");
		vfs_shrink(0);
	}
	for (n = 1; n < 8; n++) {
		struct file *p[2];

		heap_fail_after(n);
		err = pipe_create(p, 0);
		heap_fail_after(0);
		if (!err) {
			file_put(p[0]);
			file_put(p[1]);
		}
	}
}
