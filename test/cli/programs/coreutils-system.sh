#!/bin/sh
# SPDX-License-Identifier: MIT
# What: coreutils: id, uname, env, nice, timeout, nohup, date, sleep, tee
id -un >/dev/null; id -u; id -g; uname -s; uname -m
env -i X=1 env; printenv HOME | wc -l; env -u HOME sh -c 'echo "[$HOME]"'
nice -n 5 nice; timeout 0.2 sleep 10; echo $?; timeout -s KILL 0.2 sleep 10
echo $?
timeout --preserve-status 5 sh -c 'exit 3'; echo $?
date -u -d '1970-01-02' +%s; date -u -d '2024-02-28 +2 days' +%F
TZ=Europe/Berlin date -d @1700000000 '+%F %T %Z'
nohup sh -c 'echo nohup' 2>/dev/null; expr 3 + 4; test -e /; echo $?
[ 2 -lt 3 ]; echo $?
seq 5 | tee a b >/dev/null; cat a b | wc -l; yes no | head -n 2
basename /x/y.z .z; dirname /x/y
stdbuf -oL echo buffered; nproc --all | grep -c '[0-9]'; hostid | grep -c .
who >/dev/null; echo $?; tty; arch
pwd -P | grep -c /; logname >/dev/null 2>&1; users; groups | wc -l
chroot --version | head -n 1
kill -l 9; printf '%s\n' done; true; false; echo $?; sleep 0.05; echo slept
