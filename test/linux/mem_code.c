/* SPDX-License-Identifier: MIT */
/*
 * Code that a program makes at run time or reads back, with and without
 * system calls in it.
 */
#include "harness.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *map(size_t len, int prot, int flags)
{
	return (char *)must(mmap(NULL, len, prot, flags, -1, 0));
}

static char *map_file(int fd, int prot, int flags, size_t len, off_t off)
{
	return (char *)must(mmap(NULL, len, prot, flags, fd, off));
}

/* mov $42, %eax; ret */
static const unsigned char return_42[] = { 0xb8, 42, 0, 0, 0, 0xc3 };

TEST(run_written_code)
{
	char *p = map(PAGE, RW, ANON);

	memcpy(p, return_42, sizeof(return_42));
	show(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	num(((int (*)(void))p)());
	show(mprotect(p, PAGE, RW | PROT_EXEC));
	p[1] = 43;
	num(((int (*)(void))p)());
}

TEST(run_code_from_file)
{
	int fd = must(open("code", O_CREAT | O_RDWR, 0700));
	char *p;

	must(write(fd, return_42, sizeof(return_42)));
	p = map_file(fd, PROT_READ | PROT_EXEC, MAP_PRIVATE, PAGE, 0);
	num(((int (*)(void))p)());
}

TEST(run_code_shared_and_written)
{
	int fd = must(memfd_create("jit", 0));
	char *w, *x;

	must(ftruncate(fd, PAGE));
	w = map_file(fd, RW, MAP_SHARED, PAGE, 0);
	x = map_file(fd, PROT_READ | PROT_EXEC, MAP_SHARED, PAGE, 0);
	for (int i = 1; i <= 3; i++) {
		memcpy(w, return_42, sizeof(return_42));
		w[1] = i;
		num(((int (*)(void))x)());
	}
}

/* mov $nr, %eax; syscall; ret */
static unsigned char call_code[] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3 };

TEST(system_call_in_written_code)
{
	char *p = map(PAGE, RW | PROT_EXEC, ANON);
	int bad = 0;

	call_code[1] = SYS_getpid;
	memcpy(p, call_code, sizeof(call_code));
	for (int i = 0; i < 200; i++)
		bad += ((int (*)(void))p)() != getpid();
	num(bad);
	p[1] = SYS_getuid;
	bad = 0;
	for (int i = 0; i < 200; i++)
		bad += ((unsigned int (*)(void))p)() != getuid();
	num(bad);
}

TEST(system_call_at_page_edges)
{
	char *p = map(2 * PAGE, RW | PROT_EXEC, ANON);
	int bad = 0;

	call_code[1] = SYS_getpid;
	for (int o = PAGE - 8; o <= PAGE; o++) {
		memcpy(p + o, call_code, sizeof(call_code));
		bad += ((int (*)(void))(p + o))() != getpid();
	}
	num(bad);
}

asm(".pushsection .text\n"
    "own_text: mov $39, %eax; syscall; cmp $-4095, %rax; ret\n"
    ".popsection");
extern const unsigned char own_text[];

/* A program that reads its own code sees what the compiler wrote. */
TEST(read_own_text)
{
	char line[64] = "";

	fact(((int (*)(void))own_text)() == getpid());
	for (int i = 0; i < 14; i++)
		sprintf(line + 3 * i, " %02x", own_text[i]);
	say("%s", line);
}
