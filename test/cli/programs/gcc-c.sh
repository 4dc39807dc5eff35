#!/bin/sh
# SPDX-License-Identifier: MIT
# What: gcc: compile and run C with make -j2
# Needs: gcc make
# Timeout: 180
cat >Makefile <<'E'
CFLAGS = -O2 -Wall
OBJS = main.o a.o b.o c.o
prog: $(OBJS)
	$(CC) -o $@ $^ -lm -lpthread
$(OBJS): common.h
clean:
	rm -f prog $(OBJS)
E
echo 'int a(int); int b(int); double c(double);' >common.h
printf '#include "common.h"\nint a(int x) { return x * 2; }\n' >a.c
printf '#include "common.h"\nint b(int x) { return x + 40; }\n' >b.c
printf '#include "common.h"\n#include <math.h>\ndouble c(double x) { return sqrt(x); }\n' >c.c
cat >main.c <<'E'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "common.h"
static void *thread(void *arg) { *(int *)arg = a(b(1)); return NULL; }
int main(int argc, char **argv)
{
	pthread_t t;
	int v = 0;
	pthread_create(&t, NULL, thread, &v);
	pthread_join(t, NULL);
	printf("%d %d %.3f %s\n", v, argc, c(2.0), argc > 1 ? argv[1] : "-");
	return argc;
}
E
make -s -j2 && ./prog; echo $?
./prog x y; echo $?
make -s -j2; touch a.c; make -j2 | wc -l; make -s clean; ls
printf 'int main(void) { return x; }\n' >bad.c
gcc -c bad.c 2>&1 | grep -c error; gcc -S -O1 a.c -o - | grep -c 'ret'
gcc -O2 -static -o st main.c a.c b.c c.c -lm && ./st; echo $?
objdump -f st | grep -c EXEC_P; ar rc lib.a; gcc --version | head -n 1
nm a.c 2>/dev/null; strip st; ./st q; echo $?
