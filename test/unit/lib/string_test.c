/* SPDX-License-Identifier: MIT */
/*
 * The kernel's memory functions against the C library's: every short length,
 * alignment and overlap, and that nothing besides is written. The kernel's are
 * built with other names (mk/unit-mm.mk).
 */
#include <stdio.h>
#include <string.h>

#define MAX_LEN		70u
#define SIZE		160u

void *mica_memcpy(void *dst, const void *src, size_t n);
void *mica_memset(void *dst, int c, size_t n);
void *mica_memmove(void *dst, const void *src, size_t n);

static unsigned char ours[SIZE], theirs[SIZE];
static int tests, failures;

static void fill(void)
{
	for (unsigned int i = 0; i < SIZE; i++)
		ours[i] = theirs[i] = (unsigned char)(i * 7 + 1);
}

static void result(const char *name, int bad)
{
	failures += bad != 0;
	printf("%sok %d - %s\n", bad ? "not " : "", ++tests, name);
}

static int differ(void *got, void *want)
{
	return got != want || memcmp(ours, theirs, SIZE) != 0;
}

static void test_memset(void)
{
	int bad = 0;

	for (unsigned int n = 0; n < MAX_LEN; n++)
		for (unsigned int at = 8; at < 17; at++) {
			fill();
			memset(theirs + at, 0x1a5, n);
			bad |= differ(mica_memset(ours + at, 0x1a5, n),
				      ours + at);
		}
	result("memset", bad);
}

static void test_memcpy(void)
{
	int bad = 0;

	for (unsigned int n = 0; n < MAX_LEN; n++)
		for (unsigned int at = 0; at < 9; at++) {
			fill();
			memcpy(theirs + at, theirs + 81, n);
			bad |= differ(mica_memcpy(ours + at, ours + 81, n),
				      ours + at);
		}
	result("memcpy", bad);
}

/* Every distance, both ways. */
static void test_memmove(void)
{
	int bad = 0;

	for (unsigned int n = 0; n < MAX_LEN; n++)
		for (unsigned int to = 0; to < SIZE - MAX_LEN; to++) {
			fill();
			memmove(theirs + to, theirs + 45, n);
			bad |= differ(mica_memmove(ours + to, ours + 45, n),
				      ours + to);
		}
	result("memmove", bad);
}

int main(void)
{
	test_memset();
	test_memcpy();
	test_memmove();
	printf("1..%d\n", tests);
	return failures != 0;
}
