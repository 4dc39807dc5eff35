#!/bin/sh
# SPDX-License-Identifier: MIT
# What: gdb: breakpoints, backtrace, step, finish, calls, threads
# Needs: gdb gcc
# Timeout: 240
cat >a.c <<'E'
#include <pthread.h>
#include <stdio.h>
static int depth(int n)
{
	if (n == 0)
		return 1;
	return depth(n - 1) + n;
}
static void *body(void *arg)
{
	*(int *)arg = depth(4);
	return arg;
}
int main(int argc, char **argv)
{
	double half = 0.5;
	pthread_t t;
	int v = 0, total = 0;
	pthread_create(&t, NULL, body, &v);
	pthread_join(t, NULL);
	for (int i = 0; i < 3; i++)
		total += depth(i);
	printf("total %d %d %.1f\n", total, v, half);
	return total;
}
E
gcc -g -O0 -o a a.c -lpthread
cat >cmd <<'E'
set pagination off
set confirm off
set print thread-events off
break depth if n == 0
run
bt 3
finish
delete
break 22
continue
step
bt
up
print total
print half
set var half = 2.5
call depth(5)
set can-use-hw-watchpoints 0
watch total
continue
continue
delete
display/i $pc
stepi
info registers cs
break puts
break printf
catch syscall exit_group
continue
info threads
continue
continue
E
gdb -nx -batch -x cmd ./a >out 2>&1; echo $?
sed -n '/^#/p; /^\$/p; /^Value/p; /^[0-9][0-9]*\t/p; /^total/p; /^cs /p
	/^Old/p; /^New/p; /exited with/p' out |
	sed 's/0x[0-9a-f]*/ADDR/g; s/process [0-9]*/process N/; s/(LWP.*)//'
gdb -nx -batch -ex run -ex bt -ex 'print $_siginfo.si_signo' --args \
	sh -c 'kill -SEGV $$' 2>&1 | grep -E '^Program|^\$1'
./a & gdb -nx -batch -ex 'print 1 + 1' -p $! >/dev/null 2>&1; wait $!; echo $?
E=0
