/* SPDX-License-Identifier: MIT */
/* Unit tests: pipes, FIFOs, splice and tee. */
#include "fs/helpers.h"

void test_pipe(void)
{
	static char big[70000], back[70000];
	struct file *f[2];
	char buf[16];

	CHECK_EQ(pipe_create(f, O_NONBLOCK), 0);
	CHECK_EQ(get(f[0], buf, 16, NULL), -EAGAIN);
	CHECK_EQ(put(f[1], "hello", 5, NULL), 5);
	CHECK_EQ(file_poll(f[0], NULL), EPOLLIN | EPOLLRDNORM);
	CHECK_EQ(get(f[0], buf, 3, NULL), 3);
	CHECK_EQ(get(f[0], buf, 16, NULL), 2);
	for (uint32_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	CHECK_EQ(put(f[1], big, sizeof(big), NULL), 65536);
	CHECK_EQ(put(f[1], big, 1, NULL), -EAGAIN);
	CHECK_EQ(file_poll(f[1], NULL), 0);
	CHECK_EQ(get(f[0], back, 4000, NULL), 4000);
	CHECK_EQ(put(f[1], big, 4096, NULL), -EAGAIN);
	CHECK_EQ(put(f[1], big + 65536, 4000, NULL), 4000);
	CHECK_EQ(get(f[0], back + 4000, 66000, NULL), 65536);
	CHECK(!memcmp(back, big, 69536));
	CHECK_EQ(pipe_set_size(pipe_of_file(f[0]), 100, false), 4096);
	CHECK_EQ(put(f[1], big, 5000, NULL), 4096);
	CHECK_EQ(pipe_set_size(pipe_of_file(f[0]), 1 << 21, false), -EPERM);
	CHECK_EQ(pipe_set_size(pipe_of_file(f[0]), 8000, false), 8192);
	CHECK_EQ(put(f[1], big + 4096, 4096, NULL), 4096);
	CHECK_EQ(get(f[0], back, 9000, NULL), 8192);
	CHECK(!memcmp(back, big, 8192));
	file_put(f[0]);
	CHECK_EQ(put(f[1], "x", 1, NULL), -EPIPE);
	CHECK_EQ(file_poll(f[1], NULL) & EPOLLERR, EPOLLERR);
	file_put(f[1]);
	CHECK_EQ(pipe_create(f, 0), 0);
	file_put(f[1]);
	CHECK_EQ(get(f[0], buf, 1, NULL), 0);
	CHECK_EQ(file_poll(f[0], NULL), EPOLLHUP);
	file_put(f[0]);
	CHECK_EQ(pipe_create(f, O_DIRECT | O_NONBLOCK), 0);
	CHECK_EQ(put(f[1], "abc", 3, NULL), 3);
	CHECK_EQ(put(f[1], "de", 2, NULL), 2);
	CHECK_EQ(get(f[0], buf, 2, NULL), 2);
	CHECK_EQ(get(f[0], buf, 9, NULL), 2);
	CHECK(!memcmp(buf, "de", 2));
	file_put(f[0]);
	file_put(f[1]);
}

void test_splice(void)
{
	struct file *p[2], *q[2], *f;
	uint64_t off = 1;
	char buf[16];

	make_file("/t/in", "abcdefgh");
	CHECK_EQ(pipe_create(p, O_NONBLOCK), 0);
	CHECK_EQ(pipe_create(q, O_NONBLOCK), 0);
	f = must_open("/t/in", O_RDWR);
	CHECK_EQ(pipe_splice_from_file(p[1], f, &off, 100, false), 7);
	CHECK_EQ(off, 8);
	CHECK_EQ(pipe_tee(p[0], q[1], 3, false), 3);
	CHECK_EQ(pipe_splice_pipe(p[0], q[1], 4, false), 4);
	CHECK_EQ(get(q[0], buf, 16, NULL), 7);
	CHECK(!memcmp(buf, "bcdbcde", 7));
	off = 0;
	CHECK_EQ(pipe_splice_to_file(p[0], f, &off, 100, false), 3);
	CHECK(has_text("/t/in", "fghdefgh"));
	CHECK_EQ(pipe_splice_to_file(p[0], f, &off, 100, false), -EAGAIN);
	file_put(f);
	file_put(p[0]); file_put(p[1]); file_put(q[0]); file_put(q[1]);
}

void test_fifo(void)
{
	struct file *r, *w, *b;
	char buf[4];

	CHECK_EQ(vfs_mknod(&ctx, "/t/p", S_IFIFO | 0600, 0), 0);
	CHECK_EQ(open_as(&ctx, "/t/p", O_WRONLY | O_NONBLOCK, &w), -ENXIO);
	r = must_open("/t/p", O_RDONLY | O_NONBLOCK);
	CHECK_EQ(file_poll(r, NULL), 0);	/* no HUP before a writer */
	w = must_open("/t/p", O_WRONLY);
	CHECK_EQ(put(w, "ab", 2, NULL), 2);
	file_put(w);
	CHECK_EQ(file_poll(r, NULL), EPOLLIN | EPOLLRDNORM | EPOLLHUP);
	CHECK_EQ(get(r, buf, 4, NULL), 2);
	CHECK_EQ(get(r, buf, 4, NULL), 0);
	file_put(r);
	b = must_open("/t/p", O_RDWR);
	CHECK_EQ(put(b, "x", 1, NULL), 1);
	CHECK_EQ(get(b, buf, 4, NULL), 1);
	file_put(b);
	fake_interrupt = 1;
	CHECK_EQ(open_as(&ctx, "/t/p", O_RDONLY, &r), -ERESTARTSYS);
	fake_interrupt = 0;
}
