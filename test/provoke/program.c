/* SPDX-License-Identifier: MIT */
/*
 * Asks the kernel for a bug: program KIND WHOM (numbers of provoke.h), or has
 * one itself: program assert.
 */
#include "provoke.h"
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEST_HOOK_NR	0x6d696361

int main(int argc, char **argv)
{
	uint64_t args[7] = { 0 };
	long ret;

	assert(argc < 2 || strcmp(argv[1], "assert"));
	for (int i = 1; i < argc && i < 3; i++)
		args[i - 1] = strtoull(argv[i], NULL, 10);
	ret = syscall(TEST_HOOK_NR, args);
	printf("returned %ld\n", ret);
	return ret != 0;
}
