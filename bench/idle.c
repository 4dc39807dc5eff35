/* SPDX-License-Identifier: MIT */
/*
 * Says "ready" and waits for its standard input to end. Its memory is what a
 * sandbox adds to it.
 */
#include <unistd.h>

int main(void)
{
	char c;

	if (write(1, "ready\n", 6) != 6)
		return 1;
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
