/* SPDX-License-Identifier: MIT */
/*
 * Sample: a client of the system task "clock". Asks it twice for its ticks,
 * with an alarm of 50 ms in between.
 */
#include "native/mica.h"
#include <stdio.h>
#include <string.h>

static int ask(uint32_t clock, struct mica_msg *m)
{
	memset(m, 0, sizeof(*m));
	m->type = MICA_CLOCK_TICKS;
	return mica_call(clock, m, NULL, MICA_FOREVER);
}

int main(void)
{
	struct mica_msg before, after, m = { .type = MICA_CLOCK_ALARM };
	int clock = mica_find("clock");
	int err = clock < 0 ? clock : ask((uint32_t)clock, &before);

	if (err) {
		fprintf(stderr, "ticks: no clock: %s\n", strerror(-err));
		return 1;
	}
	m.word[0] = before.word[0] + 50 * 1000 * 1000;
	m.word[1] = 0x10;	/* the bit of our choice */
	err = mica_call((uint32_t)clock, &m, NULL, MICA_FOREVER);
	if (!err && m.type == 0)
		err = mica_receive(&m, NULL, MICA_FOREVER);
	if (err || m.from != 0 || m.type != 0x10 ||
	    ask((uint32_t)clock, &after)) {
		fprintf(stderr, "ticks: no alarm\n");
		return 1;
	}
	printf("%u ticks a second; the alarm took %s\n",
	       (unsigned int)after.word[3],
	       after.word[0] - before.word[0] >= 50 * 1000 * 1000 &&
	       after.word[2] - before.word[2] >= 4 ? "its time" : "too little");
	return 0;
}
