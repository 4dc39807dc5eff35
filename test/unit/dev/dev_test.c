/* SPDX-License-Identifier: MIT */
/* All tests of the device models in one program: `dev_test [WORD]`. */
#include "fake_guest.h"
#include <signal.h>
#include <string.h>

unsigned int checks_failed;

static const struct unit_test *const tables[] = {
	memory_tests, queue_tests, mmio_tests, script_tests, rng_tests,
	console_tests, blk_tests, blk_file_tests, loop_tests,
};

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0;

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct unit_test *t = tables[i]; t->name; t++) {
			unsigned int before = checks_failed;

			if (argc > 1 && !strstr(t->name, argv[1]))
				continue;
			t->fn();
			if (checks_failed == before)
				passed++;
			else
				failed++;
			printf("%s %u - %s\n", checks_failed == before ?
			       "ok" : "not ok", passed + failed, t->name);
			fflush(stdout);
		}
	printf("1..%u\n%u passed, %u failed, 0 skipped\n", passed + failed,
	       passed, failed);
	return failed != 0;
}
