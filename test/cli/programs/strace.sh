#!/bin/sh
# SPDX-License-Identifier: MIT
# What: strace on static and dynamic programs, children, signals
# Needs: strace gcc busybox
# Timeout: 120
names() { sed 's/^[0-9]* *//; s/(.*//' "$1" | grep -c "^$2\$"; }
printf 'int main(void) { return 7; }\n' >s.c
gcc -static -o s s.c
strace -o out ./s; echo $?
tail -2 out
strace -o out -e trace=openat,read,write,exit_group cat s.c; echo $?
grep -v 'ld.so\|/lib\|locale\|ELF' out
strace -f -o out busybox sh -c 'true | busybox cat; (exit 3); echo $?'; echo $?
names out execve; names out exit_group; grep -c 'exited with 3' out
strace -o out -e trace=none sh -c 'kill -TERM $$'; echo $?
sed 's/si_pid=[0-9]*/si_pid=N/' out
strace -c -o out ./s; echo $?
grep -c exit_group out
strace -e inject=getppid:retval=77 -e trace=getppid -o out \
	sh -c 'echo $PPID'; echo $?
sleep 100 & p=$!
strace -p $p -o out & q=$!
until grep -q TracerPid:.[1-9] /proc/$p/status; do :; done
kill -INT $q; wait $q; echo $?
grep TracerPid /proc/$p/status; kill $p; wait $p; echo $?
