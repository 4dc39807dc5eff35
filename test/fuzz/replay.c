/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over saved inputs, without a fuzzer: replay FILE...
 * Prints TAP. The program dies where an input breaks the target, so each one
 * runs in a process of its own.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *name)
{
	FILE *f = fopen(name, "rb");
	uint8_t *data;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
		return 2;
	rewind(f);
	data = malloc(size ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, f) != (size_t)size)
		return 2;
	fclose(f);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		int status = 1;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (!pid)
			exit(run_file(argv[i]));
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			status = 1;
		printf("%sok %d - %s\n", status ? "not " : "", i, argv[i]);
		failed += status != 0;
	}
	printf("%d passed, %d failed, 0 skipped\n", argc - 1 - failed, failed);
	return failed || argc < 2;
}
