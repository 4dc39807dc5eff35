/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the call-site patcher: what it takes, what it must leave
 * alone, and that jumps and trampolines lead where they should. Prints TAP.
 */
#include "arch/insn.h"
#include "arch/patch.h"
#include "lib/string.h"

int printf(const char *fmt, ...);

#define TEXT_LEN	256u
#define DISTANCE	0x1000
#define SLOT		24u

static uint8_t text[TEXT_LEN], tail[1024];
static struct patch_site sites[16];
static size_t nr_sites, nr_seen, tail_len;
static uint32_t failures;

#define CHECK(e) do { if (!(e)) { failures++; \
	printf("# %s:%d: %s\n", __FILE__, __LINE__, #e); } } while (0)

/* Place bytes at offset 64 in a text of nops and patch it. */
static void patch(const uint8_t *bytes, size_t n)
{
	memset(text, 0x90, sizeof(text));
	memcpy(text + 64, bytes, n);
	nr_sites = patch_find(text, TEXT_LEN, sites, 16, &nr_seen);
	patch_check_branches(text, TEXT_LEN, sites, nr_sites);
	tail_len = patch_apply(text, TEXT_LEN, tail, sizeof(tail), DISTANCE,
			       SLOT, sites, nr_sites);
}

static int32_t rel32(const uint8_t *p)
{
	return (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 |
			 (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

static void test_mov_syscall(void)
{
	static const uint8_t code[] = { 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3 };

	patch(code, sizeof(code));
	CHECK(nr_sites == 1 && sites[0].start == 64 && sites[0].nr == 39);
	CHECK(text[64] == 0xe9);
	CHECK(64 + 5 + rel32(text + 65) == DISTANCE);
	/* restart steps back onto an intact instruction */
	CHECK(text[69] == 0x0f && text[70] == 0x05);
	/* mov $39,%eax; lea resume(%rip),%rcx; jmp *%gs:24 */
	CHECK(tail[0] == 0xb8 && rel32(tail + 1) == 39);
	CHECK(tail[5] == 0x48 && tail[6] == 0x8d && tail[7] == 0x0d);
	CHECK(DISTANCE + 12 + rel32(tail + 8) == 71);
	CHECK(tail[12] == 0x65 && tail[13] == 0xff && rel32(tail + 16) == 24);
}

/* mica's own call is far outside of Linux's numbers. */
static void test_native_call(void)
{
	static const uint8_t code[] = { 0xb8, 0x67, 0x73, 0x6d, 0, 0x0f, 0x05,
					0xc3 };

	patch(code, sizeof(code));
	CHECK(nr_sites == 1 && sites[0].start == 64);
	CHECK(sites[0].nr == 0x6d7367 && rel32(tail + 1) == 0x6d7367);
}

static void test_error_compare(void)
{
	static const uint8_t code[] = { 0x0f, 0x05, 0x48, 0x3d, 0x01, 0xf0,
					0xff, 0xff, 0x73, 0x10 };

	patch(code, sizeof(code));
	CHECK(nr_sites == 1 && sites[0].is_moved && sites[0].moved_len == 6);
	CHECK(text[64] == 0xe9);
	/* lea 10(%rip),%rcx; jmp *%gs:24; syscall; cmp; jmp back */
	CHECK(rel32(tail + 3) == 10);
	CHECK(tail[15] == 0x0f && tail[16] == 0x05);
	CHECK(!memcmp(tail + 17, code + 2, 6));
	CHECK(tail[23] == 0xe9 && DISTANCE + 28 + rel32(tail + 24) == 72);
}

static void test_moved_branch(void)
{
	/* xor %eax,%eax; syscall; test %eax,%eax; jne +16 */
	static const uint8_t code[] = { 0x31, 0xc0, 0x0f, 0x05, 0x85, 0xc0,
					0x75, 0x10 };

	patch(code, sizeof(code));
	CHECK(nr_sites == 1 && sites[0].branch == 0x75);
	CHECK(sites[0].branch_to == 64 + 8 + 16);
	CHECK(tail[17] == 0x85 && tail[19] == 0x0f && tail[20] == 0x85);
	CHECK(DISTANCE + 25 + rel32(tail + 21) == 64 + 8 + 16);
	CHECK(tail[25] == 0xe9 && DISTANCE + 30 + rel32(tail + 26) == 72);
}

static void test_return(void)
{
	static const uint8_t code[] = { 0x0f, 0x05, 0xc3, 0x66, 0x90 };
	static const uint8_t tight[] = { 0x0f, 0x05, 0xc3, 0xf3, 0x0f };

	patch(code, sizeof(code));
	CHECK(nr_sites == 1 && tail[17] == 0xc3 && tail_len == 18);
	patch(tight, sizeof(tight));	/* the next function starts there */
	CHECK(nr_sites == 0 && text[64] == 0x0f);
}

static void test_branch_into_site(void)
{
	uint8_t code[32] = { 0x0f, 0x05, 0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff };

	memset(code + 8, 0x90, sizeof(code) - 8);
	code[16] = 0xeb;
	code[17] = (uint8_t)-16;	/* to the cmp */
	patch(code, sizeof(code));
	CHECK(nr_sites == 1 && sites[0].refused && text[64] == 0x0f);
	code[16] = 0x0f;
	code[17] = 0x84;
	code[18] = (uint8_t)-20;	/* je rel32 to the cmp */
	code[19] = code[20] = code[21] = 0xff;
	patch(code, sizeof(code));
	CHECK(nr_sites == 1 && sites[0].refused && text[64] == 0x0f);
	code[18] = (uint8_t)-22;	/* to the syscall itself: harmless */
	patch(code, sizeof(code));
	CHECK(nr_sites == 1 && !sites[0].refused && text[64] == 0xe9);
}

/* 0f 05 that is no instruction of its own. */
static void test_look_alikes(void)
{
	static const uint8_t cases[][10] = {
		{ 0x0f, 0x84, 0x0f, 0x05, 0x00, 0x00, 0x84, 0xc0, 0x90, 0x90 },
		{ 0xe8, 0x57, 0x0f, 0x05, 0x00, 0x48, 0x85, 0xc0, 0x90, 0x90 },
		{ 0xe9, 0x0f, 0x05, 0x00, 0x00, 0x48, 0x89, 0xc3, 0x90, 0x90 },
		{ 0x38, 0x44, 0x0f, 0x05, 0x74, 0xec, 0x49, 0x89, 0xcc, 0x90 },
		{ 0x48, 0x8d, 0x0d, 0x0f, 0x05, 0x00, 0x00, 0x48, 0x89, 0xc3 },
		{ 0xb8, 0x00, 0x10, 0x00, 0x00, 0x0f, 0x05, 0x0f, 0x0b, 0x90 },
		{ 0xe8, 0xc8, 0x0f, 0x05, 0x00, 0x4c, 0x89, 0xf7, 0x48, 0x89 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		patch(cases[i], sizeof(cases[i]));
		CHECK(nr_sites == 0 && tail_len == 0);
		CHECK(!memcmp(text + 64, cases[i], sizeof(cases[i])));
	}
}

static void test_moved_before(void)
{
	/* mov $202,%eax; xor $0x81,%sil; syscall; and a loop to behind it */
	static const uint8_t code[] = {
		0xb8, 202, 0, 0, 0, 0x40, 0x80, 0xf6, 0x81, 0x0f, 0x05,
		0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff, 0xeb, 0xf8,
	};

	patch(code, sizeof(code));
	CHECK(nr_sites == 1 && sites[0].is_before && !sites[0].refused);
	CHECK(sites[0].start == 69 && text[69] == 0xe9);
	CHECK(!memcmp(tail, code + 5, 4));
	CHECK(rel32(tail + 7) == 10 && tail[19] == 0x0f && tail[20] == 0x05);
	CHECK(tail[21] == 0xe9 && DISTANCE + 26 + rel32(tail + 22) == 75);
	CHECK(!memcmp(text + 75, code + 11, 8));
}

static void test_moved_lea(void)
{
	/* mov $14,%eax; lea 0x20(%rip),%rsi; syscall; jmp to behind it */
	static const uint8_t code[] = {
		0xb8, 14, 0, 0, 0, 0x48, 0x8d, 0x35, 0x20, 0, 0, 0,
		0x0f, 0x05, 0x49, 0x8b, 0x44, 0x24, 0x28, 0xeb, 0xf9,
	};

	patch(code, sizeof(code));
	CHECK(nr_sites == 1 && sites[0].is_rip_lea && !sites[0].refused);
	CHECK(text[69] == 0xe9 && !memcmp(tail, code + 5, 3));
	/* the same address as before */
	CHECK(DISTANCE + 7 + rel32(tail + 3) == 64 + 12 + 0x20);
}

static void test_text_ends(void)
{
	static const uint8_t at_end[] = { 0xb8, 1, 0, 0, 0, 0x0f, 0x05 };

	memset(text, 0x90, sizeof(text));
	memcpy(text + TEXT_LEN - 7, at_end, 7);
	CHECK(patch_find(text, TEXT_LEN, sites, 16, &nr_seen) == 1);

	memset(text + TEXT_LEN - 9, 0x90, 7);
	memcpy(text + TEXT_LEN - 2, "\x0f\x05", 2);
	CHECK(patch_find(text, TEXT_LEN, sites, 16, &nr_seen) == 0);
	CHECK(nr_seen == 1);
	CHECK(patch_find(text, 0, sites, 16, &nr_seen) == 0);
	CHECK(patch_find(text, 1, sites, 16, &nr_seen) == 0);
}

static void test_insn_length(void)
{
	static const struct {
		uint8_t bytes[10];
		size_t want;
	} cases[] = {
		{ { 0x48, 0x89, 0xc7 }, 3 }, { { 0x89, 0xc2 }, 2 },
		{ { 0x48, 0x8b, 0x44, 0x24, 0x48 }, 5 },
		{ { 0x48, 0x8b, 0x05, 1, 2, 3, 4 }, 0 },	/* rip */
		{ { 0x83, 0xf8, 0xea }, 3 }, { { 0xf7, 0xd8 }, 2 },
		{ { 0x49, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 }, 0 },
		{ { 0xbf, 1, 0, 0, 0 }, 5 }, { { 0xe8, 1, 0, 0, 0 }, 0 },
		{ { 0x0f, 0xb6, 0xc0 }, 3 }, { { 0xc3 }, 0 },
		{ { 0x48, 0x81, 0xc4, 1, 0, 0, 0 }, 7 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK(insn_length(cases[i].bytes, 10) == cases[i].want);
	CHECK(insn_length(cases[0].bytes, 2) == 0);
	CHECK(insn_length(cases[0].bytes, 0) == 0);
}

static const struct {
	const char *name;
	void (*fn)(void);
} tests[] = {
	{ "mov; syscall", test_mov_syscall },
	{ "the native call", test_native_call },
	{ "syscall; compare with -4095", test_error_compare },
	{ "a short branch moves along", test_moved_branch },
	{ "syscall; ret with padding", test_return },
	{ "a branch into the site refuses it", test_branch_into_site },
	{ "look-alikes stay untouched", test_look_alikes },
	{ "instructions before the call move", test_moved_before },
	{ "a lea relative to rip moves", test_moved_lea },
	{ "ends of the text", test_text_ends },
	{ "instruction lengths", test_insn_length },
};

int main(void)
{
	uint32_t bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		failures = 0;
		tests[i].fn();
		printf("%s %lu - patch: %s\n", failures ? "not ok" : "ok",
		       i + 1, tests[i].name);
		bad += failures != 0;
	}
	return bad != 0;
}
