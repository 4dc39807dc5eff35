#!/bin/sh
# SPDX-License-Identifier: MIT
# What: /dev: null, zero, full, random, urandom, tty, fd, stdin, shm, pts
echo x >/dev/null; head -c 4 /dev/zero | od -An -tx1
(echo x >/dev/full) 2>/dev/null; echo $?; head -c 16 /dev/urandom | wc -c
head -c 8 /dev/random | wc -c
(echo via >/dev/stdout) | cat; echo in | cat /dev/stdin; echo fd | cat /dev/fd/0
test -c /dev/tty; echo $?; (: </dev/tty) 2>/dev/null; echo $?
test -d /dev/shm; echo $?; echo shm >/dev/shm/t; cat /dev/shm/t
rm /dev/shm/t; test -d /dev/pts; echo $?; test -c /dev/ptmx; echo $?
stat -c '%F %t %T' /dev/null /dev/zero /dev/random
