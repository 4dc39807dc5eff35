#!/bin/sh
# SPDX-License-Identifier: MIT
# What: time, clocks and sleeps: date moves, sleep lasts, time -p
a=$(date +%s%N); sleep 0.3; b=$(date +%s%N); d=$(((b - a) / 1000000))
[ $d -ge 300 ] && [ $d -lt 3000 ] && echo slept
[ $(date +%Y) -ge 2024 ] && echo year
t=$(bash -c 'TIMEFORMAT=%R; time sleep 0.2' 2>&1); t=${t%.*}${t#*.}
[ $((1$t)) -ge 10200 ] && [ $((1$t)) -lt 15000 ] && echo timed
timeout 5 sleep 0.1; echo $?; date -d @0 +%F; up=$(cut -d. -f1 /proc/uptime)
[ "$up" -ge 0 ] && echo up
