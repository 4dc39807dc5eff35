/* SPDX-License-Identifier: MIT */
/*
 * What the ELF parser says about the seeds of its fuzz target: elf_test
 * DIRECTORY. The seeds' names tell what is special about them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "linux/elf.h"

#define FILE_MAX 65536

struct expectation {
	const char *seed;
	int err;
	const char *why;	/* part of the explanation; NULL: any */
};

static const struct expectation table[] = {
	{ "good-dyn", 0, NULL },
	{ "good-exec", 0, NULL },
	{ "good-interp", 0, NULL },
	{ "good-stack", 0, NULL },
	{ "good-bss-only", 0, NULL },
	{ "good-align", 0, NULL },
	{ "align-no-power", 0, NULL },
	{ "segments-64", 0, NULL },
	{ "align-huge", 0, NULL },
	{ "empty", -ENOEXEC, "not a program" },
	{ "text", -ENOEXEC, "not a program" },
	{ "magic-only", -ENOEXEC, "too short" },
	{ "short-header", -ENOEXEC, "too short" },
	{ "machine-aarch64", -ENOEXEC, "aarch64" },
	{ "machine-i386", -ENOEXEC, "32-bit" },
	{ "class32", -ENOEXEC, "32-bit" },
	{ "big-endian", -ENOEXEC, "another processor" },
	{ "type-rel", -ENOEXEC, "object file" },
	{ "type-core", -ENOEXEC, "core dump" },
	{ "phentsize", -ENOEXEC, "program header size" },
	{ "phnum-0", -ENOEXEC, "no program headers" },
	{ "phnum-max", -ENOEXEC, "too many" },
	{ "phnum-beyond", -ENOEXEC, "not in the file" },
	{ "phoff-negative", -ENOEXEC, "offset" },
	{ "no-load", -ENOEXEC, "nothing to load" },
	{ "memsz-0", -ENOEXEC, "nothing to load" },
	{ "filesz-larger", -ENOEXEC, "larger in the file" },
	{ "overlap", -ENOEXEC, "overlap" },
	{ "descending", -ENOEXEC, "order" },
	{ "disagree", -ENOEXEC, "do not agree" },
	{ "vaddr-high", -ENOEXEC, "address" },
	{ "vaddr-edge", -ENOEXEC, "address" },
	{ "memsz-wraps", -ENOEXEC, "address" },
	{ "offset-high", -ENOEXEC, "offset" },
	{ "segments-65", -ENOEXEC, "too many" },
	{ "interp-no-nul", -ENOEXEC, "without end" },
	{ "interp-1", -ENOEXEC, "interpreter name" },
	{ "interp-long", -ENOEXEC, "interpreter name" },
	{ "interp-beyond", -EIO, "interpreter name" },
};

static uint8_t data[FILE_MAX];
static size_t size;

static ssize_t read_data(void *ctx, uint64_t off, void *buf, size_t n)
{
	if (off >= size)
		return 0;
	n = MIN(n, size - off);
	memcpy(buf, data + off, n);
	return (ssize_t)n;
}

static int parse(const char *dir, const char *seed, struct elf_image *im)
{
	static const struct elf_memory mem = { malloc, free };
	char name[512];
	FILE *f;

	snprintf(name, sizeof(name), "%s/%s", dir, seed);
	f = fopen(name, "rb");
	if (!f)
		return 1;
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	return elf_parse(data, MIN(size, 256), read_data, NULL, &mem, im);
}

static bool is_as_expected(const char *dir, const struct expectation *e)
{
	struct elf_image *im = calloc(1, sizeof(*im));
	int err = im ? parse(dir, e->seed, im) : 1;
	bool ok = err == e->err &&
		  (!e->why || (im->why && strstr(im->why, e->why)));

	if (!ok)
		printf("# %s: error %d, %s\n", e->seed, err,
		       im && im->why ? im->why : "no reason");
	free(im);
	return ok;
}

static bool gives_details(const char *dir)
{
	struct elf_image *im = calloc(1, sizeof(*im));
	bool ok = im && !parse(dir, "good-dyn", im) && im->is_dyn &&
		  im->nr_segments == 2 && im->end == 0x5000 &&
		  im->phdr_vaddr == 64 && im->bss_end == 0x4200 &&
		  !im->has_interp && !im->exec_stack;

	ok = ok && !parse(dir, "good-interp", im) && im->has_interp &&
	     !strcmp(im->interp, "/lib64/ld-linux-x86-64.so.2");
	ok = ok && !parse(dir, "good-stack", im) && im->exec_stack;
	ok = ok && !parse(dir, "good-align", im) && im->align == 0x200000;
	free(im);
	return ok;
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "test/fuzz/corpus/elf";
	size_t n = ARRAY_LEN(table);
	int failed = 0;

	printf("1..%zu\n", n + 1);
	for (size_t i = 0; i < n; i++) {
		bool ok = is_as_expected(dir, &table[i]);

		printf("%sok %zu - elf %s\n", ok ? "" : "not ", i + 1,
		       table[i].seed);
		failed += !ok;
	}
	failed += !gives_details(dir);
	printf("%sok %zu - elf details\n", gives_details(dir) ? "" : "not ",
	       n + 1);
	return failed != 0;
}
