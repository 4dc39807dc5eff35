/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the bytes are a file that somebody runs. The parser must refuse
 * it or give an image whose every promise (linux/elf.h) holds; what is broken
 * aborts. Memory errors are the sanitizers' to find.
 */
#include <stdlib.h>
#include <string.h>
#include "linux/elf.h"

#define HEAD_SIZE 256u
#define CHECK(e) do { if (!(e)) abort(); } while (0)

struct input {
	const uint8_t *data;
	size_t size;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ssize_t read_input(void *ctx, uint64_t off, void *buf, size_t n)
{
	const struct input *in = ctx;

	CHECK(off <= INT64_MAX);
	if (off >= in->size)
		return 0;
	n = MIN(n, in->size - off);
	memcpy(buf, in->data + off, n);
	return (ssize_t)n;
}

static void check_image(const struct elf_image *im)
{
	uint64_t last = 0;

	CHECK(im->nr_segments && im->nr_segments <= ELF_SEGMENTS_MAX);
	CHECK(im->align >= PAGE_SIZE && !(im->align & (im->align - 1)));
	CHECK(!(im->start % PAGE_SIZE) && !(im->end % PAGE_SIZE));
	CHECK(im->start < im->end && im->end <= 1ull << 47);
	for (uint32_t i = 0; i < im->nr_segments; i++) {
		const struct elf_segment *s = &im->segments[i];

		CHECK(s->memsz && s->filesz <= s->memsz);
		CHECK(s->vaddr >= last && s->vaddr >= im->start);
		last = s->vaddr + s->memsz;
		CHECK(last > s->vaddr && last <= im->end);
		CHECK(!s->filesz || s->vaddr % PAGE_SIZE ==
		      s->offset % PAGE_SIZE);
		CHECK(s->offset + s->filesz <= INT64_MAX);
		CHECK(!(s->flags & ~7u));
	}
	CHECK(im->bss_end == last && im->data_end <= last);
	if (im->has_interp)
		CHECK(memchr(im->interp, 0, sizeof(im->interp)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct elf_memory mem = { malloc, free };
	struct input in = { data, size };
	struct elf_image *im = malloc(sizeof(*im));
	/* exactly what exec reads first, so that reading beyond is seen */
	size_t n = MIN(size, HEAD_SIZE);
	uint8_t *head = malloc(n ? n : 1);
	int err;

	CHECK(im && head);
	memcpy(head, data, n);
	err = elf_parse(head, n, read_input, &in, &mem, im);
	if (!err)
		check_image(im);
	else
		CHECK(im->why && (err == -ENOEXEC || err == -EIO));
	free(head);
	free(im);
	return 0;
}
